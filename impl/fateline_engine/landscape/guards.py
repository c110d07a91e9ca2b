"""The guards: what the database itself refuses, whoever writes.

One table of guards. Each becomes a BEFORE trigger that aborts the statement, so it holds for every INSERT, UPDATE and DELETE,
in every conflict mode (`OR REPLACE`, `OR IGNORE`, upsert), from any program, and with foreign keys off. `INSERT OR REPLACE`
does not fire update and delete triggers; therefore "written once" is checked at the insert too. Deferred keys add what no
single statement can check: at the commit, a fate and its children must name each other.

Within a commit tokens come first, then visits, then fates, then parent links. So a fate can be checked against its children
and a link against its fate, and nothing is checked twice. Not here: protection from DDL, `writable_schema`,
`ignore_check_constraints` or an editor; a schema cannot give it.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from fateline_engine.words import CARRIES, DELEGATING, Outcome


class Guard(NamedTuple):
    """One refusal. `when` is SQL over NEW and OLD; the message names the guard and says `because`."""

    name: str
    table: str
    event: str
    when: str
    laws: str
    because: str

    @property
    def message(self) -> str:
        return f"fateline guard {self.name}: {self.because}"

    def trigger(self) -> str:
        """The DDL of it."""
        message = self.message.replace("'", "''")
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table}\n"
            f"WHEN {self.when}\nBEGIN SELECT RAISE(ABORT, '{message}'); END"
        )


KEYS: Final = {
    "nodes": (("run", "node"), ("run", "name")),
    "edges": (("run", "edge"), ("run", "src", "label")),
    "contracts": (("run", "contract"),),
    "errors": (("run", "digest"),),
    "rows": (("run", "row"),),
    "tokens": (("run", "row", "token"),),
    "parents": (("run", "row", "child", "parent"),),
    "visits": (("run", "row", "token", "node", "attempt"),),
    "fates": (("run", "row", "token"),),
    "barriers": (("run", "node", "row", "fork"),),
    "losses": (("run", "node", "row", "fork", "branch"),),
    "merges": (("run", "row", "token"),),
    "batches": (("run", "node", "batch"),),
    "members": (("run", "node", "batch", "ordinal"), ("run", "row", "token", "node")),
}
"""The keys of each table that only grows."""

REWRITTEN: Final = frozenset({"visits", "batches"})
"""Tables whose records begin and end. Their updates have separate guards."""

WRITTEN_ONCE_LAWS: Final = {"tokens": "L1, L7", "fates": "F1", "barriers": "C1", "visits": "V2, V5", "parents": "L5"}


def has(table: str, where: str) -> str:
    return f"EXISTS (SELECT 1 FROM {table} AS x WHERE {where})"


def same(*columns: str) -> str:
    return " AND ".join(f"x.{column} = NEW.{column}" for column in columns)


TOKEN: Final = same("run", "row", "token")
HAS_FATE: Final = has("fates", TOKEN)
KNOWN_TOKEN: Final = has("tokens", TOKEN)
BUSY: Final = has("visits", f"{TOKEN} AND x.status IN ('open', 'held')")


def _written_once() -> Iterator[Guard]:
    """No key is written twice, no record is deleted, and only visits and batches change, when they end."""
    for table, keys in KEYS.items():
        twice = " OR ".join(has(table, same(*key)) for key in keys)
        laws = WRITTEN_ONCE_LAWS.get(table, "")
        yield Guard(f"{table}_written_once", table, "INSERT", twice, laws, "this record exists already")
        yield Guard(f"{table}_never_deleted", table, "DELETE", "1", laws, "records are never deleted")
        if table not in REWRITTEN:
            yield Guard(f"{table}_never_changed", table, "UPDATE", "1", laws, "records are never changed")


def _run_not_over() -> Iterator[Guard]:
    """Nothing is written into a run that does not exist, or that is over."""
    alive = has("runs", "x.run = NEW.run AND x.status <> 'completed'")
    for table in KEYS:
        events = ("INSERT", "UPDATE") if table in REWRITTEN else ("INSERT",)
        for event in events:
            suffix = "" if event == "INSERT" else "_on_update"
            because = "the run does not exist or is over"
            yield Guard(f"{table}_run_not_over{suffix}", table, event, f"NOT {alive}", "F2, L3, L6", because)


def _fields() -> str:
    """SQL for a fate that lacks a required field of its outcome, or has a forbidden one."""
    columns = {"sink": "sink", "error": "error", "reason": "reason", "batch": "batch"}
    wrong = []
    for outcome in Outcome:
        if outcome is Outcome.BUFFERED:
            continue
        must, may = CARRIES[outcome]
        parts = [f"NEW.{column} IS NULL" for field, column in columns.items() if field in must]
        parts += [f"NEW.{column} IS NOT NULL" for field, column in columns.items() if field not in must | may]
        parts.append(f"NEW.merged IS {'' if outcome is Outcome.COALESCED else 'NOT '}NULL")
        promise = outcome in (Outcome.FORKED, Outcome.EXPANDED)
        parts += [f"NEW.{column} IS {'' if promise else 'NOT '}NULL" for column in ("promised", "first", "last")]
        wrong.append(f"WHEN '{outcome}' THEN " + " OR ".join(parts))
    return "CASE NEW.outcome " + " ".join(wrong) + " ELSE 1 END OR (NEW.batch IS NULL) <> (NEW.batch_node IS NULL)"


_CHILDREN: Final = (
    "x.run = NEW.run AND x.row = NEW.row AND x.token BETWEEN NEW.first AND NEW.last AND x.parent = NEW.token"
    " AND x.tx = NEW.tx"
)
_BROKEN_FORK: Final = f"""NEW.outcome = 'forked' AND (
    NEW.last - NEW.first + 1 <> json_array_length(NEW.promised) OR NEW.last < NEW.first
    OR (SELECT count(DISTINCT value) FROM json_each(NEW.promised)) <> json_array_length(NEW.promised)
    OR (SELECT count(*) FROM tokens AS x WHERE {_CHILDREN} AND x.group_kind = 'fork'
        AND x.branch = json_extract(NEW.promised, '$[' || (x.token - NEW.first) || ']')) <> NEW.last - NEW.first + 1)"""
_BROKEN_EXPANSION: Final = f"""NEW.outcome = 'expanded' AND (
    NEW.last < NEW.first OR NEW.last - NEW.first + 1 <> CAST(NEW.promised AS INTEGER)
    OR (SELECT count(*) FROM tokens AS x WHERE {_CHILDREN} AND x.group_kind = 'expand') <> NEW.last - NEW.first + 1)"""
_MERGED: Final = "x.run = NEW.run AND x.row = NEW.row AND x.token = NEW.merged AND x.group_kind = 'join'"
_MEMBER: Final = "x.node = NEW.batch_node AND x.batch = NEW.batch"
_LINK: Final = """EXISTS (SELECT 1 FROM tokens AS c, fates AS f
    WHERE c.run = NEW.run AND c.row = NEW.row AND c.token = NEW.child
    AND f.run = NEW.run AND f.row = NEW.parent_row AND f.token = NEW.parent
    AND c.tx = NEW.tx AND f.tx = NEW.tx AND CASE c.group_kind
        WHEN 'fork' THEN f.outcome = 'forked' AND c.parent = NEW.parent AND NEW.ordinal = c.token - f.first
        WHEN 'expand' THEN f.outcome = 'expanded' AND c.parent = NEW.parent AND NEW.ordinal = c.token - f.first
        WHEN 'join' THEN f.outcome = 'coalesced' AND f.merged = c.token
        WHEN 'batch' THEN f.outcome = 'consumed_in_batch' AND c.parent = NEW.parent
            AND f.batch_node = c.batch_node AND f.batch = c.batch
        ELSE 0 END)"""

_PREVIOUS_ROW: Final = has("rows", "x.run = NEW.run AND x.row = NEW.row - 1 AND x.idx < NEW.idx")
_FORKED: Final = has("fates", "x.run = NEW.run AND x.row = NEW.row AND x.token = NEW.fork AND x.outcome = 'forked'")
_IS_MERGED: Final = has("tokens", TOKEN + " AND x.group_kind = 'join'")
_PARENT_HAS_FATE: Final = has("fates", "x.run = NEW.run AND x.row = NEW.row AND x.token = NEW.parent")

RECORDS: Final = (
    Guard(
        "rows_in_source_order", "rows", "INSERT",
        f"NEW.row < 0 OR (NEW.row > 0 AND NOT {_PREVIOUS_ROW})",
        "R3", "rows are written in the order of the source, each once",
    ),
    Guard(
        "rows_before_the_end", "rows", "INSERT", has("runs", "x.run = NEW.run AND x.rows IS NOT NULL"),
        "R3", "the source has ended",
    ),
    Guard(
        "tokens_of_a_row", "tokens", "INSERT", f"NOT {has('rows', same('run', 'row'))}",
        "L8", "the row does not exist in this run",
    ),
    Guard(
        "tokens_one_root", "tokens", "INSERT",
        "NEW.token < 0 OR (NEW.token = 0) <> (NEW.group_kind IS NULL)",
        "L7", "token 0, and only token 0, is the root of its row",
    ),
    Guard(
        "tokens_group_and_parent", "tokens", "INSERT",
        "(NEW.group_kind IS NULL) <> (NEW.parent IS NULL) OR (NEW.group_kind IS 'batch') <> (NEW.batch IS NOT NULL)"
        " OR (NEW.branch IS NOT NULL) <> (NEW.group_kind IS 'fork')",
        "L5", "a token has a group exactly if it has a parent, a batch if it is an output, a branch if it was forked",
    ),
    Guard(
        "tokens_after_parents", "tokens", "INSERT", "NEW.parent >= NEW.token",
        "L4", "a parent is older than its child",
    ),
    Guard(
        "tokens_with_the_fate_of_the_parent", "tokens", "INSERT", f"NEW.parent IS NOT NULL AND {_PARENT_HAS_FATE}",
        "K1, K2, X1, X3", "the parent has its fate already, so it gets no more children",
    ),
    Guard(
        "parents_of_one_row", "parents", "INSERT", "NEW.parent_row <> NEW.row",
        "L2", "a parent belongs to the row of its child",
    ),
    Guard("parents_older", "parents", "INSERT", "NEW.parent >= NEW.child", "L4", "a parent is older than its child"),
    Guard(
        "parents_as_promised", "parents", "INSERT", f"NOT {_LINK}", "L5, K1, K2, K4, X1, X3, C2",
        "the child and the fate of its parent must be written first, in the same step, and match",
    ),
    Guard("visits_of_a_token", "visits", "INSERT", f"NOT {KNOWN_TOKEN}", "L6", "the token does not exist in this run"),
    Guard("visits_before_the_fate", "visits", "INSERT", HAS_FATE, "F3", "the token has met its fate"),
    Guard("visits_one_open", "visits", "INSERT", BUSY, "V3", "the token has an open visit"),
    Guard(
        "visits_attempts", "visits", "INSERT",
        "NEW.attempt < 0 OR NEW.attempt > 0 AND NOT "
        + has("visits", f"{same('run', 'row', 'token', 'node')} AND x.attempt = NEW.attempt - 1"
              " AND x.status IN ('failed', 'interrupted')"),
        "V2, V5", "attempts count from 0 without gaps, and only the last may be completed",
    ),
    Guard(
        "visits_only_close", "visits", "UPDATE",
        "OLD.status NOT IN ('open', 'held') OR NEW.status IN ('open', 'held') OR NEW.closed IS NULL"
        " OR " + " OR ".join(
            f"NEW.{column} IS NOT OLD.{column}"
            for column in ("run", "row", "token", "node", "attempt", "opened", "opened_tx", "opened_at", "digest_in")
        ),
        "V1", "a visit is opened once and closed once",
    ),
    Guard("visits_closed_before_the_fate", "visits", "UPDATE", HAS_FATE, "F3", "the token has met its fate"),
    Guard("fates_of_a_token", "fates", "INSERT", f"NOT {KNOWN_TOKEN}", "L6", "the token does not exist in this run"),
    Guard("fates_after_the_visit", "fates", "INSERT", BUSY, "F3", "the token has an open visit"),
    Guard(
        "fates_fields", "fates", "INSERT", _fields(),
        "F4, F8", "the outcome is unknown, lacks a field, or has a forbidden one",
    ),
    Guard(
        "fates_of_a_fork", "fates", "INSERT", _BROKEN_FORK,
        "K1, K2", "the promised branches are not the children of this step",
    ),
    Guard(
        "fates_of_an_expansion", "fates", "INSERT", _BROKEN_EXPANSION,
        "X1, X3", "the promised children are not the children of this step",
    ),
    Guard(
        "fates_of_a_merge", "fates", "INSERT",
        f"NEW.merged IS NOT NULL AND NOT {has('tokens', _MERGED + ' AND x.tx = NEW.tx')}",
        "C2", "the merged token must be written first, in the same step",
    ),
    Guard(
        "fates_of_a_member", "fates", "INSERT",
        f"NEW.batch IS NOT NULL AND NOT {has('members', TOKEN + ' AND ' + _MEMBER)}",
        "F5", "the token is not a member of this batch",
    ),
    Guard("losses_before_the_resolution", "losses", "INSERT", has("barriers", same("run", "node", "row", "fork")),
          "C1", "the barrier is resolved"),
    Guard("losses_of_a_fork", "losses", "INSERT",
          f"NOT {_FORKED}",
          "L6", "only a branch of a fork can be lost"),
    Guard("barriers_of_a_fork", "barriers", "INSERT",
          f"NOT {_FORKED}",
          "L6", "a barrier joins the branches of a fork"),
    Guard(
        "barriers_result", "barriers", "INSERT",
        "(NEW.verdict = 'merged') <> (NEW.result IS NOT NULL) OR (NEW.verdict = 'failed') <> (NEW.reason IS NOT NULL)"
        " OR NEW.result IS NOT NULL AND NOT "
        + has("tokens", "x.run = NEW.run AND x.row = NEW.row AND x.token = NEW.result AND x.group_kind = 'join'"),
        "C1", "a merged barrier has a merged token, a failed one a reason",
    ),
    Guard("merges_of_a_merge", "merges", "INSERT", f"NOT {_IS_MERGED}",
          "L6", "only a merged token has origins"),
    Guard("members_of_a_token", "members", "INSERT", f"NOT {KNOWN_TOKEN}", "L6", "the token does not exist in this run"),
    Guard("members_before_the_fate", "members", "INSERT", HAS_FATE, "F3", "the token has met its fate"),
    Guard(
        "members_of_a_batch", "members", "INSERT", f"NOT {has('batches', same('run', 'node', 'batch'))}",
        "F5", "the batch does not exist in this run",
    ),
    Guard("batches_begin_open", "batches", "INSERT", "NEW.status IN ('completed', 'failed') AND NEW.trigger IS NULL",
          "B2", "a batch ends by a trigger"),
    Guard(
        "batches_only_end", "batches", "UPDATE",
        "OLD.status IN ('completed', 'failed') OR NEW.status = 'open' OR NEW.trigger IS NULL"
        " OR (OLD.trigger IS NOT NULL AND NEW.trigger IS NOT OLD.trigger)"
        " OR NEW.run <> OLD.run OR NEW.node <> OLD.node OR NEW.batch <> OLD.batch",
        "B2, B4", "a batch is opened, triggered and ended, once each",
    ),
)  # fmt: skip

_ENDS: Final = "NEW.status = 'completed' AND OLD.status <> 'completed' AND "


def _lacks(inner: str, where: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {inner} AS y WHERE {where})"


_IN_RUN: Final = "x.run = NEW.run AND "
_OF_TOKEN: Final = "y.run = x.run AND y.row = x.row AND y.token = x.token"
_OF_BARRIER: Final = "y.run = x.run AND y.node = x.node AND y.row = x.row AND y.fork = x.fork"

RUNS: Final = (
    Guard(
        "runs_written_once", "runs", "INSERT", has("runs", "x.run = NEW.run OR x.id = NEW.id"), "",
        "this run exists already",
    ),
    Guard("runs_begin_running", "runs", "INSERT", "NEW.status <> 'running'", "F2", "a run begins running"),
    Guard("runs_never_deleted", "runs", "DELETE", "1", "", "records are never deleted"),
    Guard("runs_over_for_good", "runs", "UPDATE", "OLD.status = 'completed'", "F2", "the run is over"),
    Guard(
        "runs_keep_their_pipeline", "runs", "UPDATE",
        " OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in ("run", "id", "pipeline", "config", "digest"))
        + " OR NEW.last_seq < OLD.last_seq OR NEW.last_tx < OLD.last_tx"
        + " OR (OLD.rows IS NOT NULL AND NEW.rows IS NOT OLD.rows)",
        "R2", "the name, the pipeline and the recorded numbers of a run never change",
    ),
    Guard(
        "runs_completed_all_rows", "runs", "UPDATE",
        _ENDS + "(NEW.rows IS NULL OR NEW.rows <> (SELECT count(*) FROM rows AS x WHERE x.run = NEW.run))",
        "R3", "the source has not ended, or rows are missing",
    ),
    Guard(
        "runs_completed_rows_have_tokens", "runs", "UPDATE",
        _ENDS + has("rows", _IN_RUN + _lacks("tokens", "y.run = x.run AND y.row = x.row AND y.token = 0")),
        "F2, L7", "a row has no root token",
    ),
    Guard(
        "runs_completed_tokens_have_fates", "runs", "UPDATE",
        _ENDS + has("tokens", _IN_RUN + _lacks("fates", _OF_TOKEN)), "F2", "a token lacks its fate",
    ),
    Guard(
        "runs_completed_visits_are_closed", "runs", "UPDATE",
        _ENDS + has("visits", _IN_RUN + "x.status IN ('open', 'held')"), "V1", "a visit is open",
    ),
    Guard(
        "runs_completed_barriers_are_resolved", "runs", "UPDATE",
        _ENDS + has("losses", _IN_RUN + _lacks("barriers", _OF_BARRIER)), "C10", "a barrier is not resolved",
    ),
    Guard(
        "runs_completed_batches_have_ended", "runs", "UPDATE",
        _ENDS + has("batches", _IN_RUN + "x.status IN ('open', 'triggered')"), "F5", "a batch has not ended",
    ),
    Guard(
        "runs_completed_promises_are_kept", "runs", "UPDATE",
        _ENDS + "(" + has("tokens", _IN_RUN + "x.parent IS NOT NULL AND " + _lacks(
            "parents", "y.run = x.run AND y.row = x.row AND y.child = x.token AND y.parent = x.parent"))
        + " OR " + has("fates", _IN_RUN + "x.merged IS NOT NULL AND " + _lacks(
            "parents", "y.run = x.run AND y.row = x.row AND y.child = x.merged AND y.parent = x.token"))
        + ")",
        "F6, L5", "a child lacks its parent, or a merged token lacks one of the tokens merged into it",
    ),
)  # fmt: skip

GUARDS: Final[tuple[Guard, ...]] = (*_written_once(), *_run_not_over(), *RECORDS, *RUNS)
"""All of them. A name is unique and is the name of the trigger."""

assert all(outcome in CARRIES for outcome in DELEGATING)
