"""`implementers.md`: rules of the law that somebody who writes an engine must know, as questions and answers.

Each rule is data: a name, a question, an answer, and where more is said. A test asks the model about every one of them
(`tests/oracle/test_rules_for_implementers.py`). Not here: the laws (`evidence.py`) and the messages (`protocol.py`).
"""

import re
from typing import Final, NamedTuple

from fateline_model.words import MergeData, Refusal

from .markdown import anchor, code, page


class Rule(NamedTuple):
    """One rule: its name, which is its heading, the question, the answer, and the pages that say more."""

    name: str
    question: str
    answer: str
    where: str


PIPELINE: Final = "[pipeline.md](pipeline.md)"
POLICY: Final = "[policy.md](policy.md)"
PORTS: Final = "[ports.md](ports.md)"
PROTOCOL: Final = "[protocol.md](protocol.md)"
STIMULI: Final = "[stimuli.md](stimuli.md)"
TRAIL: Final = "[trail.md](trail.md)"
WORDS: Final = "[words.md](words.md)"

RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "Tokens and ids": (
        Rule(
            "Ids",
            "Which ids may an engine give?",
            "Any text, unique in its run, for tokens, visits, barriers and batches. The judge learns the ids from the records "
            "and sends them back unchanged. Compare ids as exact texts: if your token is `0`, then `00`, `-1` and the empty "
            "text are unknown, and are refused with `unknown_token`.",
            f"{PROTOCOL}, {WORDS}",
        ),
        Rule(
            "Group",
            "What must `group` of a token be?",
            "The id of what made it. For a child of a fork or of an expansion: the id of the forked or expanded token. For a "
            "merged token: its own id. For an output of a batch: the id of the batch. The outcome of the parent carries the "
            "same group: `forked` and `expanded` the parent's own id, `coalesced` the id of the merged token. A root token has "
            "no `group` and no `group_kind`.",
            f"{TRAIL}, L5",
        ),
        Rule(
            "Order of children",
            "In which order do a fork's branches stand in `promised`, and which ordinals do the children have?",
            "In the order of the keys of the JSON object `fork` in the pipeline; the ordinals in `parents` count from 0 in that "
            "order. Many languages do not keep the order of the keys of an object: use a parser that does, or read the keys "
            "yourself. `promised` of an expansion is the number of children, and their ordinals count from 0 too.",
            f"{PIPELINE}, K1, X1",
        ),
        Rule(
            "Order of parents",
            "In which order are the parents of a merged token?",
            "In the order of `branches` of the coalesce, whatever the order of arrival. The ordinals count only those that "
            "arrived: if `a` is lost, then the token of `b` has ordinal 0.",
            f"{POLICY}, C2",
        ),
        Rule(
            "First hop",
            "Which hops have no `from_visit`?",
            "The first hop of each token. It is written in the step that makes the token: at the source, at the gate of the "
            "fork, at the expanding transform, at the coalesce, at the aggregation. Every later hop names the visit whose "
            "verdict chose the edge.",
            f"{TRAIL}, T1",
        ),
    ),
    "Visits and verdicts": (
        Rule(
            "Unknown route",
            "What happens when a gate answers with a route that it does not have?",
            "It is an error of the node: the visit closes `failed` with the verdict `error`, and `on_error` decides what follows. "
            "`route` without a label is refused with `no_such_verdict`.",
            f"{WORDS}, V4",
        ),
        Rule(
            "Unexpected expansion",
            "What happens when a transform without `expands` answers `expand 2`?",
            "It is an error of the node, as for an unknown route. A transform *with* `expands` cannot answer `pass`: that is "
            "refused with `no_such_verdict`. The judge tries both, also when `does` has no `expansion`.",
            f"{PIPELINE}, V4",
        ),
        Rule(
            "Count of an expansion",
            "Which counts may follow `expand` and `outputs`?",
            "A plain whole number from 1, of at most six digits, without a sign or a leading zero. `expand 0`, `expand 02` and "
            "`expand` alone are refused with `no_such_verdict`. A transform that has nothing to give answers `drop`, and the "
            "plugin of a batch answers `empty`.",
            f"{STIMULI}, X1",
        ),
        Rule(
            "Attempts",
            "How are attempts numbered, and when is a retry opened?",
            "From 0 at each node that the token comes to. After `error_retryable` or `refused_retryable` the next attempt "
            "opens in the same step, while fewer than `attempts` were tried; after the last one `on_error` decides, as for `error`.",
            f"{PIPELINE}, V2, V4",
        ),
        Rule(
            "Late visit",
            "Which records does a late token leave?",
            "One visit at the coalesce, attempt 0, written once as `failed` with the verdict `late`, and the fate `failed` with "
            "the reason `late_arrival_after_merge` or `late_arrival_after_failure`, in the step of its arrival. No loss and no "
            "second record of the barrier.",
            f"{POLICY}, C5",
        ),
    ),
    "Barriers": (
        Rule(
            "Loss after the resolution",
            "What if a branch is lost after its barrier was resolved? An inner barrier that fails after the outer one merged is "
            "such a case.",
            "Nothing: no record of a loss, and no change. The branch counts as lost only while its barrier is open.",
            f"{POLICY}, C6, C8",
        ),
        Rule(
            "First event",
            "Does a barrier whose only event was a loss have a deadline?",
            "Yes. A barrier begins with its first event, an arrival or a loss, and its timeout counts from that event.",
            f"{POLICY}, C11",
        ),
        Rule(
            "First with losses",
            "What does a `first` barrier do when all branches but one are lost?",
            "It waits. It fails with `all_branches_lost` when the last branch is lost too.",
            f"{POLICY}, C4",
        ),
        Rule(
            "Nothing arrived",
            "What is written when a barrier fails and nothing had arrived?",
            "The same one record of the barrier. `arrived` is the empty text, `lost` names the lost branches in declared order, "
            "`result` is absent.",
            f"{TRAIL}, C1",
        ),
        Rule(
            "Token of a loss",
            "Which token does a loss name when an inner barrier failed?",
            "The token that was forked, whose debt the inner barrier held, with the reason `barrier_failed`.",
            f"{TRAIL}, C13",
        ),
    ),
    "Merges and their data": (
        Rule(
            "Words of data",
            "Which words may `data` of a stimulus contain?",
            f"{code(MergeData)}. They say what the merge kernel finds in the data of one merge. `contract_conflict` is possible "
            "under `union` with at least two arrived branches; `union_collision` needs `collisions: fail` as well.",
            f"{STIMULI}, C9",
        ),
        Rule(
            "Data and select",
            "May `data` have an entry for a `select` merge whose selected branch has not arrived?",
            "It may be empty or hold `ok`; the barrier fails with `select_branch_not_arrived` either way. Any other word is "
            "refused with `no_such_data`.",
            f"{POLICY}, C9",
        ),
        Rule(
            "Two merges in one step",
            "How are entries of `data` used when one step causes two merges?",
            "One entry for each merge that is tried, in the order in which the step tries them. A merge that fails its barrier uses "
            "one as well. A missing entry means `ok`. An entry that no merge uses is refused with `no_such_data`.",
            f"{STIMULI}, C9",
        ),
    ),
    "Batches": (
        Rule(
            "Outputs of a batch",
            "Whose children are the outputs of a batch?",
            "Children of the first member, member 0, with `group_kind` `batch`. The other members are tied to the outputs by "
            "their membership alone.",
            f"{TRAIL}, B1",
        ),
        Rule(
            "Unknown batch",
            "What must an engine without batches answer to `flush(agg#9)`?",
            "`unknown_batch`. The judge also tries stimuli that the law refuses in a state, and those do not depend on what the "
            "engine declares.",
            f"{PORTS}, Z1",
        ),
    ),
    "Source and sinks": (
        Rule(
            "Quarantine sink that refuses",
            "What if the quarantine sink of an invalid row refuses it?",
            "The token fails: `failed` with the reason `node_failed`. If the quarantine sink has `on_error: discard`, the token is "
            "`quarantined` with the same reason. It may not have an `on_error` sink, because an invalid row enters no other node.",
            f"{PIPELINE}, V4, [decision 0011](decisions/0011-a-sink-may-discard-what-it-refuses.md)",
        ),
        Rule(
            "Invalid row without a sink",
            "What if the source has no `on_error`?",
            "The row and its root token are written and the token is `quarantined` with the reason `invalid_row`, all in the step "
            "that reads the row. There is no hop and no visit.",
            f"{PIPELINE}, F4",
        ),
    ),
    "Crash and resume": (
        Rule(
            "Cut visit",
            "Which step opens a visit again that a crash cut?",
            "The step of the `resume`: it closes the visit as `interrupted`, without a verdict, and opens the next attempt. A "
            "`begin` afterwards is refused with `already_visiting`.",
            f"{STIMULI}, R2, [decision 0005](decisions/0005-a-crash-writes-nothing.md)",
        ),
        Rule(
            "Interrupted attempts and tries",
            "Does an interrupted attempt use up one of the `attempts`?",
            "No. It takes the next attempt number, and the number of tries that are left stays the same.",
            f"{PIPELINE}, V2, R2",
        ),
        Rule(
            "Held visit",
            "Is a held visit interrupted by a crash?",
            "No. A token that is held at a coalesce, or is in a batch, stays there; its visit stays `held`, and the resume writes "
            "nothing about it.",
            f"{TRAIL}, R2",
        ),
        Rule(
            "Triggered batch",
            "What happens to a batch whose flush may have been cut?",
            "The resume writes its record again, still `triggered`, and the flush is run again. An open batch is not written.",
            f"{TRAIL}, R2",
        ),
    ),
    "The run": (
        Rule(
            "Record of the start",
            "Is a `runs` record due at the start of a run?",
            "A trail should have one, with the status `running`. No stimulus writes it, and the answer to `start` carries no "
            "records, so no step is compared with it. A trail at rest needs a `runs` record to say whether its run is over.",
            f"{TRAIL}, {PROTOCOL}",
        ),
        Rule(
            "Status interrupted",
            "Who writes the status `interrupted` of a run?",
            "No step of the law: a process that dies writes nothing, so a crash leaves the status `running`. An engine that is "
            "asked to stop, by a signal for example, may write `interrupted` as its last record.",
            f"{TRAIL}, R1",
        ),
        Rule(
            "Number of rows",
            "When does a `runs` record carry `rows`?",
            "From the end of the source on: at the end of the source, at each resume after it, and at the end of the run. Before "
            "that it is absent.",
            f"{TRAIL}, R3",
        ),
        Rule(
            "Answers to start messages",
            "What do `tokens` and `runs` mean in the answers to `start`, `start_barrier` and `start_runs`?",
            "The answer to `start` has neither. In the answer to `start_barrier`, `tokens` gives the id of the token of each branch, "
            "and under the empty name the id of the forked token. In the answer to `start_runs`, `runs` gives the ids of the runs, in "
            "order: a later message names a run by its place in this list, from 0.",
            PROTOCOL,
        ),
    ),
    "Refusals": (
        Rule(
            "Word of a refusal",
            "Must the word of a refusal be the law's?",
            f"Yes, if the engine shows `refusals`; there are {len(Refusal)} words. Where several rules forbid a stimulus, the "
            "first that applies is named: first the rules about the run, then about the token, its phase, its node. An engine "
            "that does not show `refusals` may use any word.",
            f"{WORDS}, {PORTS}, Z1",
        ),
        Rule(
            "No trace",
            "What may a refused stimulus leave behind?",
            "Nothing: no record, no open batch, no barrier, no changed attempt. The next lawful stimulus must find the run as it was.",
            f"{WORDS}, Z1",
        ),
    ),
}


_LAW: Final = re.compile(r"\b([A-Z]\d{1,2})\b")
_LINK: Final = r"[\1](laws.md#\1)"


def implementers_page() -> str:
    """`implementers.md`."""
    names = [rule.name for rules in RULES.values() for rule in rules]
    return page(
        "What an implementer must know",
        f"{len(names)} questions that arise when an engine is written, with the answer of the law. Each answer has a test; "
        "those about the law ask the model. What a single word means is in the [glossary](glossary.md); whole exchanges of messages are in "
        "[protocol.md](protocol.md).",
        " · ".join(f"[{name}](#{anchor(name)})" for name in names),
        *(_section(title, rules) for title, rules in RULES.items()),
    )


def _section(title: str, rules: tuple[Rule, ...]) -> str:
    parts = [f"## {title}"]
    parts += [
        f"### {rule.name}\n\n**{rule.question}**\n\n{rule.answer}\n\n*See {_LAW.sub(_LINK, rule.where)}.*"
        for rule in rules
    ]
    return "\n\n".join(parts)
