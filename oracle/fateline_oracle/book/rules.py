"""The pages on what happens: the policy table, the lifecycle and barrier diagrams, the stimuli.

Drawn from the tables that the machines run on, so a diagram cannot be older than the law. Not here: laws (`rules.py`).
"""

from fateline_model.coalesce import POLICY_TABLE, Cell, Decision, Event, When
from fateline_model.kernels import PHASES, REFUSED_IN, Phase
from fateline_model.lifecycle import SHAPES as OPERATIONS
from fateline_model.stimuli import SHAPES
from fateline_model.words import REASONS, REFUSALS, Policy, Reason

from .markdown import code, page, table

FAILURES = tuple(reason for reason in Reason if str(reason) in {str(decision) for decision in Decision})


def policy_page() -> str:
    """`policy.md`."""
    header = ["Event", *(f"`{policy}`" for policy in Policy)]
    cells = [[event, *(_cell(POLICY_TABLE[policy, event]) for policy in Policy)] for event in Event]
    return page(
        "When a coalesce is decided, and by what",
        "n branches are joined; *arrived* of them are held, *lost* of them can no longer arrive; the event itself is "
        "counted. Each cell is read from the top: the first condition that holds decides. This is the table in "
        "`fateline_model/coalesce.py`, and there is no other.",
        table(header, cells),
        "`hold` keeps the arriving token, `wait` changes nothing, `merge` consumes every held token, and any other word "
        "fails the barrier for that reason. `impossible` cannot happen: a `first` barrier merges or fails at its first "
        "arrival. An event at a resolved barrier is late (an arrival) or leaves no record (a loss).",
        "## Reasons",
        table(["Reason", "Meaning"], [(f"`{word}`", REASONS[word]) for word in FAILURES]),
        "## A merge may still fail its barrier",
        "In this order: the selected branch has not arrived (`select_branch_not_arrived`); under `union` only, the "
        "contracts contradict each other (`contract_conflict`); under `collisions: fail` a conflict (`union_collision`). "
        "The run goes on.",
        "## As diagrams",
        *(f"### {policy}\n\n{_diagram(policy)}" for policy in Policy),
    )


def _cell(cell: Cell) -> str:
    """A cell as a reader says it."""
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
        "A token is *ready* at the head of its latest hop, *visiting* a node, *held* at a coalesce, *buffered* in a "
        "batch, or *ended*. This is `PHASES` in `fateline_model/kernels.py`; a move that is not in it is refused.",
        "\n".join(lines),
        table(
            ["A forbidden move in phase", "is refused as"], [(phase, f"`{rule}`") for phase, rule in REFUSED_IN.items()]
        ),
    )


def stimuli_page() -> str:
    """`stimuli.md`."""
    return page(
        "Stimuli",
        "Everything that can happen to a run. All nondeterminism is in the choice of the next stimulus. One stimulus is "
        "one step is one transaction. `data` says for each merge that the step causes, in order, what the merge kernel "
        "says of the data.",
        "## Of the pipeline machine",
        table(
            ["Stimulus", "Carries", "Meaning"],
            [
                (f"`{do}`", code((*shape.must, *(("data",) if shape.merges else ()))), shape.says)
                for do, shape in SHAPES.items()
            ],
        ),
        "## Of the lifecycle machine",
        "Operations of a token manager, with any arguments; a token is named with the run its caller believes it in.",
        table(
            ["Operation", "Takes", "Meaning"],
            [(f"`{op}`", code(arguments), says) for op, (arguments, says) in OPERATIONS.items()],
        ),
        "## Of the single barrier",
        "`arrive(branch)`, `lose(branch)`, `deadline`, `flush`, in any order, strangers and duplicates included. A flush "
        "may come at any time here.",
        f"A stimulus that is not lawful is refused by one of {len(REFUSALS)} rules: see [words.md](words.md#refusals).",
    )
