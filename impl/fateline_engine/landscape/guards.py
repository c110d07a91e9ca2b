"""The guards: what the database itself refuses, whoever writes.

One table of guards. Each becomes a BEFORE trigger that aborts the statement, so it holds for every INSERT, UPDATE and DELETE,
in every conflict mode (`OR REPLACE`, `OR IGNORE`, upsert), from any program, and with foreign keys off. `INSERT OR REPLACE`
does not fire update and delete triggers; therefore "written once" is checked at the insert too. Deferred keys add what no
single statement can check: at the commit, a fate and its children must name each other.

Within a commit tokens come first, then visits, then fates, then parent links. So a fate can be checked against its children
and a link against its fate, and nothing is checked twice. Not here: protection from DDL, `writable_schema`,
`ignore_check_constraints` or an editor; a schema cannot give it. specs/durability.md lists what is out of reach.
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
    "commits": (("number",),),
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


NUMBERS: Final[dict[str, dict[str, tuple[str, str] | None]]] = {
    "visits": {"INSERT": ("opened", "opened_tx"), "UPDATE": ("closed", "tx")},
    "batches": {"INSERT": ("seq", "tx"), "UPDATE": ("seq", "tx")},
    **{table: {"INSERT": None} for table in ("nodes", "edges", "contracts", "errors", "commits")},
}
"""The columns that number a record, where they are not `seq` and `tx`; and what may be written by an update."""


def _run_not_over() -> Iterator[Guard]:
    """Nothing is written into a run that does not exist, or that is over, and nothing before what was committed."""
    for table in KEYS:
        for event, numbers in NUMBERS.get(table, {"INSERT": ("seq", "tx")}).items():
            later = f" AND NEW.{numbers[0]} > x.last_seq AND NEW.{numbers[1]} >= x.last_tx" if numbers else ""
            alive = has("runs", f"x.run = NEW.run AND x.status <> 'completed'{later}")
            suffix = "" if event == "INSERT" else "_on_update"
            because = "the run does not exist or is over, or its last commit is later than this record"
            yield Guard(f"{table}_run_not_over{suffix}", table, event, f"NOT {alive}", "F2, L3, L6", because)


def _fields() -> str:
    """SQL for a fate that lacks a required field of its outcome, or has a forbidden one."""
    columns = {"sink": "NEW.sink", "error": "nullif(NEW.error, x'')", "reason": "NEW.reason", "batch": "NEW.batch"}
    wrong = []
    for outcome in Outcome:
        if outcome is Outcome.BUFFERED:
            continue
        must, may = CARRIES[outcome]
        parts = [f"{column} IS NULL" for field, column in columns.items() if field in must]
        parts += [f"{column} IS NOT NULL" for field, column in columns.items() if field not in must | may]
        parts.append(f"NEW.merged IS {'' if outcome is Outcome.COALESCED else 'NOT '}NULL")
        promise = outcome in (Outcome.FORKED, Outcome.EXPANDED)
        parts += [f"NEW.{column} IS {'' if promise else 'NOT '}NULL" for column in ("promised", "first", "last")]
        wrong.append(f"WHEN '{outcome}' THEN " + " OR ".join(parts))
    return "CASE NEW.outcome " + " ".join(wrong) + " ELSE 1 END OR (NEW.batch IS NULL) <> (NEW.batch_node IS NULL)"


_CHILDREN: Final = (
    "x.run = NEW.run AND x.row = NEW.row AND x.token BETWEEN NEW.first AND NEW.last AND x.parent = NEW.token"
    " AND x.tx = NEW.tx"
)
_BRANCH_LIST: Final = """json_type(NEW.promised) = 'array' AND json_array_length(NEW.promised) > 0 AND NOT EXISTS (
        SELECT 1 FROM json_each(NEW.promised) AS b
        WHERE b.type <> 'text' OR b.value = '' OR instr(b.value, ',') OR instr(CAST(b.value AS BLOB), x'00'))"""
_BROKEN_FORK: Final = f"""NEW.outcome = 'forked' AND CASE
    WHEN NOT json_valid(NEW.promised) THEN 1 WHEN NOT ({_BRANCH_LIST}) THEN 1 ELSE
    NEW.last - NEW.first + 1 <> json_array_length(NEW.promised) OR NEW.last < NEW.first
    OR (SELECT count(DISTINCT value) FROM json_each(NEW.promised)) <> json_array_length(NEW.promised)
    OR (SELECT count(*) FROM tokens AS x WHERE {_CHILDREN} AND x.group_kind = 'fork'
        AND x.branch = json_extract(NEW.promised, '$[' || (x.token - NEW.first) || ']')) <> NEW.last - NEW.first + 1 END"""
_BROKEN_EXPANSION: Final = f"""NEW.outcome = 'expanded' AND (
    NEW.last < NEW.first OR NEW.promised <> CAST(NEW.last - NEW.first + 1 AS TEXT)
    OR (SELECT count(*) FROM tokens AS x WHERE {_CHILDREN} AND x.group_kind = 'expand') <> NEW.last - NEW.first + 1)"""
_MERGED: Final = "x.run = NEW.run AND x.row = NEW.row AND x.token = NEW.merged AND x.group_kind = 'join'"
_MEMBER: Final = "x.node = NEW.batch_node AND x.batch = NEW.batch"
_LINK: Final = """EXISTS (SELECT 1 FROM tokens AS c, fates AS f
    WHERE c.run = NEW.run AND c.row = NEW.row AND c.token = NEW.child
    AND f.run = NEW.run AND f.row = NEW.parent_row AND f.token = NEW.parent
    AND c.tx = NEW.tx AND f.tx = NEW.tx AND CASE c.group_kind
        WHEN 'fork' THEN f.outcome = 'forked' AND c.parent = NEW.parent AND NEW.ordinal = c.token - f.first
            AND c.token BETWEEN f.first AND f.last
        WHEN 'expand' THEN f.outcome = 'expanded' AND c.parent = NEW.parent AND NEW.ordinal = c.token - f.first
            AND c.token BETWEEN f.first AND f.last
        WHEN 'join' THEN f.outcome = 'coalesced' AND f.merged = c.token
        WHEN 'batch' THEN f.outcome = 'consumed_in_batch' AND c.parent = NEW.parent
            AND f.batch_node = c.batch_node AND f.batch = c.batch
        ELSE 0 END)"""

_PREVIOUS_ROW: Final = has("rows", "x.run = NEW.run AND x.row = NEW.row - 1 AND x.idx < NEW.idx AND x.seq < NEW.seq")
_FORKED: Final = has("fates", "x.run = NEW.run AND x.row = NEW.row AND x.token = NEW.fork AND x.outcome = 'forked'")
_IS_MERGED: Final = has("tokens", TOKEN + " AND x.group_kind = 'join'")
_PARENT_HAS_FATE: Final = has("fates", "x.run = NEW.run AND x.row = NEW.row AND x.token = NEW.parent")


def _node(column: str, kind: str | None = None) -> str:
    """SQL: the column names a node of the run, of this kind if one is given."""
    among = f" AND x.kind = '{kind}'" if kind else ""
    return has("nodes", f"x.run = NEW.run AND x.node = NEW.{column}{among}")


def _json_object(column: str) -> str:
    """SQL: the column does not hold a JSON object. Bytes are read as text; whether it is an object shows in its first byte."""
    return f"NOT (json_valid(CAST(NEW.{column} AS TEXT)) AND substr(CAST(NEW.{column} AS BLOB), 1, 1) = x'7b')"


_OF_TOKEN: Final = "y.run = x.run AND y.row = x.row AND y.token = x.token"
_ALIVE: Final = has("runs", "x.run = NEW.run AND x.status <> 'completed'")
_OPEN_BATCH: Final = has("batches", f"{same('run', 'node', 'batch')} AND x.status = 'open'")
_NOT_ITS_EDGE: Final = "NEW.edge IS NOT NULL AND NOT " + has("edges", same("run", "edge") + " AND x.src = NEW.node")
_ORIGIN: Final = """o.type = 'array' AND json_array_length(o.value) = 4 AND json_type(o.value, '$[0]') = 'text'
        AND json_type(o.value, '$[1]') = 'text' AND json_type(o.value, '$[2]') = 'text'
        AND json_type(o.value, '$[3]') IN ('true', 'false')"""
_WHOLE_NUMBER: Final = "NEW.position = CAST(CAST(NEW.position AS INTEGER) AS TEXT)"
_MOVES_BACK: Final = "CAST(x.position AS INTEGER) > CAST(NEW.position AS INTEGER)"

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
        "rows_of_a_source", "rows", "INSERT", f"NOT {_node('source', 'source')}",
        "L8", "the row is of no source of this run",
    ),
    Guard("rows_hold_json", "rows", "INSERT", _json_object("data"), "", "the data are no JSON object"),
    Guard(
        "tokens_of_a_row", "tokens", "INSERT", f"NOT {has('rows', same('run', 'row') + ' AND x.seq < NEW.seq')}",
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
        "tokens_after_parents", "tokens", "INSERT",
        "NEW.parent IS NOT NULL AND NOT "
        + has("tokens", f"{same('run', 'row')} AND x.token = NEW.parent AND x.token < NEW.token AND x.seq < NEW.seq"),
        "L4", "a parent exists before its child",
    ),
    Guard(
        "tokens_on_an_edge", "tokens", "INSERT",
        "NEW.edge IS NOT NULL AND NOT EXISTS (SELECT 1 FROM edges AS x JOIN nodes AS n ON n.run = x.run AND n.node = x.src"
        f" WHERE {same('run', 'edge')} AND (n.kind = 'source') = (NEW.group_kind IS NULL))",
        "L6, L7", "the edge does not exist, or is one of the source and the token is no root, or the other way round",
    ),
    Guard(
        "tokens_hold_json", "tokens", "INSERT", f"NEW.data IS NOT NULL AND {_json_object('data')}",
        "", "the data are no JSON object",
    ),
    Guard(
        "tokens_with_the_fate_of_the_parent", "tokens", "INSERT", f"NEW.parent IS NOT NULL AND {_PARENT_HAS_FATE}",
        "K1, K2, X1, X3", "the parent has its fate already, so it gets no more children",
    ),
    Guard(
        "parents_of_one_row", "parents", "INSERT", "NEW.parent_row <> NEW.row",
        "L2", "a parent belongs to the row of its child",
    ),
    Guard(
        "parents_older", "parents", "INSERT",
        "NEW.parent >= NEW.child OR NOT EXISTS (SELECT 1 FROM tokens AS c, tokens AS p WHERE c.run = NEW.run"
        " AND c.row = NEW.row AND c.token = NEW.child AND p.run = NEW.run AND p.row = NEW.parent_row"
        " AND p.token = NEW.parent AND p.seq < c.seq)",
        "L4", "a parent is older than its child",
    ),
    Guard(
        "parents_as_promised", "parents", "INSERT", f"NOT {_LINK}", "L5, K1, K2, K4, X1, X3, C2",
        "the child and the fate of its parent must be written first, in the same step, and match",
    ),
    Guard("visits_of_a_token", "visits", "INSERT", f"NOT {KNOWN_TOKEN}", "L6", "the token does not exist in this run"),
    Guard("visits_at_a_node", "visits", "INSERT", f"NOT {_node('node')}", "L6", "the node does not exist in this run"),
    Guard("visits_before_the_fate", "visits", "INSERT", HAS_FATE, "F3", "the token has met its fate"),
    Guard("visits_one_open", "visits", "INSERT", BUSY, "V3", "the token has an open visit"),
    Guard(
        "visits_begin_or_end", "visits", "INSERT",
        "(NEW.closed IS NULL) <> (NEW.status IN ('open', 'held')) OR NEW.closed <= NEW.opened OR NEW.tx < NEW.opened_tx",
        "V3", "a visit that is closed says when, and is closed after it was opened",
    ),
    Guard(
        "visits_one_after_another", "visits", "INSERT",
        has("visits", f"{TOKEN} AND x.closed + (x.edge IS NOT NULL) >= NEW.opened")
        + " OR " + has("tokens", f"{TOKEN} AND x.seq + (x.edge IS NOT NULL) >= NEW.opened"),
        "V3", "a visit is opened after the token was made and its visit before was closed",
    ),
    Guard("visits_onto_an_edge", "visits", "INSERT", _NOT_ITS_EDGE, "L6", "the edge does not leave this node"),
    Guard("visits_onto_an_edge_on_update", "visits", "UPDATE", _NOT_ITS_EDGE, "L6", "the edge does not leave this node"),
    Guard(
        "visits_hold_json", "visits", "INSERT", f"NEW.data IS NOT NULL AND {_json_object('data')}",
        "", "the data are no JSON object",
    ),
    Guard(
        "visits_hold_json_on_update", "visits", "UPDATE", f"NEW.data IS NOT NULL AND {_json_object('data')}",
        "", "the data are no JSON object",
    ),
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
        " OR NEW.closed <= OLD.opened OR NEW.tx < OLD.opened_tx OR " + " OR ".join(
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
    Guard(
        "fates_after_all", "fates", "INSERT",
        has("tokens", f"{TOKEN} AND x.seq + (x.edge IS NOT NULL) >= NEW.seq")
        + " OR " + has("visits", f"{TOKEN} AND x.closed + (x.edge IS NOT NULL) >= NEW.seq")
        + " OR " + has("members", f"{TOKEN} AND x.seq + 1 >= NEW.seq"),
        "F3", "a fate comes after everything else that happened to the token",
    ),
    Guard(
        "fates_in_the_step_of_the_visit", "fates", "INSERT",
        "NEW.promised IS NOT NULL AND "
        + has("visits", f"{TOKEN} AND x.status = 'completed' AND x.edge IS NULL AND x.tx <> NEW.tx"),
        "K2, X3", "the visit that ended so was closed in another step",
    ),
    Guard(
        "fates_at_a_sink", "fates", "INSERT", f"NEW.sink IS NOT NULL AND NOT {_node('sink', 'sink')}",
        "L6, F4", "there is no such sink in this run",
    ),
    Guard("losses_before_the_resolution", "losses", "INSERT", has("barriers", same("run", "node", "row", "fork")),
          "C1", "the barrier is resolved"),
    Guard("losses_of_a_fork", "losses", "INSERT",
          f"NOT {_FORKED}",
          "L6", "only a branch of a fork can be lost"),
    Guard("losses_of_a_token", "losses", "INSERT", f"NOT {KNOWN_TOKEN}", "L6", "the token does not exist in this run"),
    Guard("losses_at_a_coalesce", "losses", "INSERT", f"NOT {_node('node', 'coalesce')}",
          "L6", "the node is no coalesce of this run"),
    Guard("barriers_at_a_coalesce", "barriers", "INSERT", f"NOT {_node('node', 'coalesce')}",
          "L6", "the node is no coalesce of this run"),
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
    Guard(
        "merges_hold_origins", "merges", "INSERT",
        "CASE WHEN NOT json_valid(NEW.origins) THEN 1 WHEN json_type(NEW.origins) <> 'array' THEN 1 ELSE"
        f" EXISTS (SELECT 1 FROM json_each(NEW.origins) AS o WHERE NOT ({_ORIGIN})) END",
        "C9", "origins are a JSON list of lists: field, branch, digest, whether it was kept",
    ),
    Guard("nodes_hold_json", "nodes", "INSERT", _json_object("config"), "", "the settings are no JSON object"),
    Guard("contracts_hold_json", "contracts", "INSERT", _json_object("body"), "", "the contract is no JSON object"),
    Guard("nodes_before_the_rows", "nodes", "INSERT", has("rows", same("run")), "R2", "the pipeline has begun to read"),
    Guard("edges_before_the_rows", "edges", "INSERT", has("rows", same("run")), "R2", "the pipeline has begun to read"),
    Guard(
        "edges_between_nodes", "edges", "INSERT", f"NOT {_node('src')} OR NOT {_node('dst')}",
        "L6", "the nodes of the edge do not exist in this run",
    ),
    Guard("members_of_a_token", "members", "INSERT", f"NOT {KNOWN_TOKEN}", "L6", "the token does not exist in this run"),
    Guard("members_before_the_fate", "members", "INSERT", HAS_FATE, "F3", "the token has met its fate"),
    Guard(
        "members_of_a_batch", "members", "INSERT",
        f"NOT {_OPEN_BATCH}",
        "F5", "there is no such open batch in this run",
    ),
    Guard(
        "members_in_order", "members", "INSERT",
        "NEW.ordinal < 0 OR NEW.ordinal > 0 AND NOT "
        + has("members", f"{same('run', 'node', 'batch')} AND x.ordinal = NEW.ordinal - 1 AND x.seq < NEW.seq"),
        "B1", "members are numbered from 0 in the order in which they came",
    ),
    Guard(
        "batches_begin_open", "batches", "INSERT",
        "NEW.status <> 'open' OR NEW.trigger IS NOT NULL OR NEW.outputs IS NOT NULL OR NEW.triggered_at IS NOT NULL",
        "B2", "a batch begins open, and is ended later",
    ),
    Guard("batches_at_an_aggregation", "batches", "INSERT", f"NOT {_node('node', 'aggregation')}",
          "L6", "the node is no aggregation of this run"),
    Guard(
        "batches_only_end", "batches", "UPDATE",
        "OLD.status IN ('completed', 'failed') OR NEW.status = 'open' OR NEW.trigger IS NULL"
        " OR (OLD.trigger IS NOT NULL AND NEW.trigger IS NOT OLD.trigger)"
        " OR NEW.run <> OLD.run OR NEW.node <> OLD.node OR NEW.batch <> OLD.batch OR NEW.opened_at <> OLD.opened_at"
        " OR NEW.seq <= OLD.seq OR NEW.tx < OLD.tx",
        "B2, B4", "a batch is opened, triggered and ended, once each",
    ),
    Guard(
        "batches_end_with_their_members", "batches", "UPDATE",
        "NEW.status IN ('completed', 'failed') AND "
        + has("members", f"{same('run', 'node', 'batch')} AND NOT EXISTS (SELECT 1 FROM fates AS y WHERE {_OF_TOKEN}"
              " AND y.batch_node = x.node AND y.batch = x.batch) AND NOT EXISTS (SELECT 1 FROM visits AS y"
              f" WHERE {_OF_TOKEN} AND y.node = x.node AND y.status = 'completed' AND y.edge IS NOT NULL)"),
        "F5", "a member has neither met its fate in the batch nor gone on",
    ),
    Guard(
        "positions_of_a_sink", "positions", "INSERT", f"NOT {_node('node', 'sink')}",
        "R1", "the node is no sink of this run",
    ),
    Guard("positions_are_numbers", "positions", "INSERT", f"NOT ({_WHOLE_NUMBER})", "R1", "a position is a whole number"),
    Guard(
        "positions_run_not_over", "positions", "INSERT",
        f"NOT {_ALIVE}",
        "F2", "the run does not exist or is over",
    ),
    Guard(
        "positions_only_grow", "positions", "INSERT", has("positions", f"{same('run', 'node')} AND {_MOVES_BACK}"),
        "R1", "what was confirmed stays confirmed",
    ),
    Guard(
        "positions_only_grow_on_update", "positions", "UPDATE",
        f"NEW.run <> OLD.run OR NEW.node <> OLD.node OR NOT ({_WHOLE_NUMBER})"
        f" OR {_MOVES_BACK.replace('x.position', 'OLD.position')}"
        f" OR NOT {_ALIVE}",
        "R1", "what was confirmed stays confirmed",
    ),
    Guard(
        "commits_in_order", "commits", "INSERT",
        "NEW.number <> 1 + coalesce((SELECT max(number) FROM commits), 0)",
        "", "commits are numbered from 1 without gaps",
    ),
    Guard(
        "commits_hold_json", "commits", "INSERT", _json_object("written"), "", "what was rewritten is no JSON object",
    ),
    Guard("positions_never_deleted", "positions", "DELETE", "1", "R1", "records are never deleted"),
)  # fmt: skip

LEAP: Final = 1 << 40
"""More than any commit can add to a counter; so a counter cannot be brought near the largest number."""
_ENDS: Final = "NEW.status = 'completed' AND OLD.status <> 'completed' AND "


def _lacks(inner: str, where: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {inner} AS y WHERE {where})"


_IN_RUN: Final = "x.run = NEW.run AND "
_OF_BARRIER: Final = "y.run = x.run AND y.node = x.node AND y.row = x.row AND y.fork = x.fork"

RUNS: Final = (
    Guard(
        "runs_written_once", "runs", "INSERT", has("runs", "x.run = NEW.run OR x.id = NEW.id"), "",
        "this run exists already",
    ),
    Guard(
        "runs_begin_running", "runs", "INSERT",
        "NEW.status <> 'running' OR NEW.rows IS NOT NULL OR NEW.seq > NEW.last_seq OR NEW.tx > NEW.last_tx",
        "F2, R3", "a run begins running, and its source has not ended",
    ),
    Guard("runs_hold_json", "runs", "INSERT", _json_object("config"), "", "the pipeline is no JSON object"),
    Guard("runs_never_deleted", "runs", "DELETE", "1", "", "records are never deleted"),
    Guard("runs_over_for_good", "runs", "UPDATE", "OLD.status = 'completed'", "F2", "the run is over"),
    Guard(
        "runs_keep_their_pipeline", "runs", "UPDATE",
        " OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in ("run", "id", "pipeline", "config", "digest"))
        + "".join(f" OR NEW.{c} < OLD.{c}" for c in ("seq", "tx", "at", "last_seq", "last_tx", "last_at"))
        + f" OR NEW.last_seq - OLD.last_seq > {LEAP} OR NEW.last_tx - OLD.last_tx > {LEAP}"
        + " OR NEW.seq > NEW.last_seq OR NEW.tx > NEW.last_tx OR (OLD.rows IS NOT NULL AND NEW.rows IS NOT OLD.rows)",
        "R2", "the name, the pipeline and the recorded numbers of a run never change, and its counters grow by commits",
    ),
    Guard(
        "runs_end_of_source", "runs", "UPDATE",
        "NEW.rows IS NOT OLD.rows AND (NEW.seq <= OLD.last_seq OR NEW.tx <= OLD.last_tx"
        " OR NEW.rows <> (SELECT count(*) FROM rows AS x WHERE x.run = NEW.run))",
        "R3", "the end of the source is a step of its own, which counts the rows",
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
