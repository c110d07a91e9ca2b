"""The pages on what happens: the policy table, the lifecycle and barrier diagrams, the stimuli.

Drawn from the tables that the machines run on, so a diagram cannot be older than the law. Not here: laws (`evidence.py`).
"""

from fateline_model.coalesce import POLICY_TABLE, Cell, Decision, Event, When
from fateline_model.kernels import PHASES, REFUSED_IN, Phase
from fateline_model.lifecycle import SHAPES as OPERATIONS
from fateline_model.stimuli import SHAPES
from fateline_model.words import MergeData, Policy, Reason, Refusal

from .markdown import code, page, table

FAILURES = tuple(reason for reason in Reason if str(reason) in {str(decision) for decision in Decision})


def policy_page() -> str:
    """`policy.md`."""
    header = ["Event", *(f"`{policy}`" for policy in Policy)]
    cells = [[event, *(_cell(POLICY_TABLE[policy, event]) for policy in Policy)] for event in Event]
    return page(
        "When a coalesce merges, fails or waits",
        "A [coalesce](glossary.md#coalesce) joins n [branches](glossary.md#branch). *arrived* is the number of branches that are held, *lost* the number that can no longer "
        "arrive; both include the event itself. In each cell the first condition that holds decides. This is the table in "
        "`fateline_model/coalesce.py` that the law runs on.",
        table(header, cells),
        "- `hold`: the arriving token is held.\n"
        "- `wait`: the barrier stays open.\n"
        "- `merge`: every held token is merged.\n"
        "- `impossible`: this cannot happen, because a `first` barrier merges or fails at its first arrival.\n"
        "- Any other word: the [barrier](glossary.md#barrier) fails for that reason.",
        "At a barrier that is already resolved, a token that arrives is [late](glossary.md#late) and fails; a branch that is [lost](glossary.md#loss) leaves no record.",
        "## Reasons",
        table(["Reason", "Meaning"], [(f"`{word}`", word.sentence) for word in FAILURES]),
        "## A merge may still fail its barrier",
        "When the policy says merge, these are checked in this order: the selected branch has not arrived "
        "(`select_branch_not_arrived`); with `union`, the contracts of the branches contradict each other "
        "(`contract_conflict`); with `collisions: fail`, two branches give one field different values (`union_collision`); "
        "the merged row is larger than the engine allows (`merged_row_too_large`). An engine without a limit never fails for that. "
        "The first that applies fails the barrier, and the run continues.",
        "## As diagrams",
        *(f"### {policy}\n\n{_diagram(policy)}" for policy in Policy),
    )


def _cell(cell: Cell) -> str:
    """A cell as text."""
    said = [f"{when} → **{decision}**" for when, decision in cell if when is not When.ALWAYS]
    otherwise = [f"{'else ' if said else ''}**{decision}**" for when, decision in cell if when is When.ALWAYS]
    return "; ".join(said + otherwise)


def _diagram(policy: Policy) -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> open: first event"]
    for event in Event:
        for when, decision in POLICY_TABLE[policy, event]:
            if decision is Decision.IMPOSSIBLE:
                continue
            target = "merged" if decision is Decision.MERGE else "open" if decision in ("hold", "wait") else "failed"
            condition = "" if when is When.ALWAYS else f" [{when}]"
            reason = f" / {decision}" if target == "failed" else ""
            lines.append(f"    open --> {target}: {event}{condition}{reason}")
    lines += ["    merged --> merged: arrival / late", "    failed --> failed: arrival / late", "```"]
    return "\n".join(lines)


def lifecycle_page() -> str:
    """`lifecycle.md`."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> ready: made, with its first hop"]
    lines += [f"    {phase} --> {target}: {move}" for (phase, move), target in PHASES.items()]
    lines += [f"    {Phase.ENDED} --> [*]", "```"]
    return page(
        "The life of a token",
        "A [token](glossary.md#token) is *ready* at the [node](glossary.md#node) that its latest [hop](glossary.md#hop) leads to, *visiting* a node, *held* at a coalesce, *buffered* in a "
        "batch, or *ended*. This is the table `PHASES` in `fateline_model/kernels.py`; a move that is not in it is refused. A "
        "crash changes no phase. At the resume a token that was visiting gets its next attempt; a token that was held or "
        "buffered stays (see [implementers.md](implementers.md#cut-visit)).",
        "\n".join(lines),
        table(
            ["A move that is not allowed in phase", "is refused with"],
            [(phase, f"`{rule}`") for phase, rule in REFUSED_IN.items()],
        ),
    )


def stimuli_page() -> str:
    """`stimuli.md`."""
    return page(
        "Stimuli",
        "Everything that can happen to a [run](glossary.md#run). All nondeterminism is in the choice of the next [stimulus](glossary.md#stimulus). One stimulus is "
        "one [step](glossary.md#step), and one step is one [transaction](glossary.md#transaction).",
        f"`data` is a list of words, one for each merge that the step causes, in the order of the merges: {code(MergeData)}. A "
        "word says what the merge kernel finds in the data; a missing word means `ok`. "
        "[implementers.md](implementers.md#words-of-data) has the rules.",
        "## Of the pipeline machine",
        table(
            ["Stimulus", "Carries", "Meaning"],
            [
                (f"`{do}`", code((*shape.must, *(("data",) if shape.merges else ()))), shape.meaning)
                for do, shape in SHAPES.items()
            ],
        ),
        "## Of the lifecycle machine",
        "Operations of a token manager, with any arguments, also wrong ones. The caller names a token together with the run that "
        "it is said to belong to.",
        table(
            ["Operation", "Takes", "Meaning"],
            [(f"`{op}`", code(arguments), says) for op, (arguments, says) in OPERATIONS.items()],
        ),
        "## Of the single barrier",
        "`arrive(branch)`, `lose(branch)`, `deadline`, `flush`, in any order, also for branches that do not exist and twice for "
        "one branch. A flush may come at any time here.",
        f"A stimulus that is not lawful is refused by one of {len(Refusal)} rules: see [words.md](words.md#refusals).",
    )
