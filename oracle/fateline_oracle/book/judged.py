"""The pages on how the judge is tested (the mutants of the engine, the first findings), and the page on ports.

Every figure comes from the lock that `fateline zoo --strategies --lock` writes. Not here: the laws (`evidence.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fateline_model.barrier_machine import BarrierEvent
from fateline_model.laws import ALL
from fateline_model.lifecycle import SHAPES as OPERATIONS
from fateline_model.stimuli import SHAPES, Do

from ..compare.capabilities import CANNOT, needs_of
from ..mutants.findings import FINDINGS
from ..ports.port import Clock, Does, Drive, Port, Shows
from ..render.crash_text import WRITES
from ..report.ledger import KEYS
from .markdown import page, table

Matrix = Mapping[str, Any]
FROM: Final = "Every number on this page was printed by a command; `fateline zoo --strategies` prints it again."

STRATEGIES: Final = {
    "guided": "walks through the whole graph",
    "refusals": "does the same and tries, in each state, everything that the law refuses there",
    "random": "takes lawful stimuli at random, with two rows",
    "acceptance": "sees only the trails that whole runs leave, and steps them",
    "audit": "sees the same trails, and runs queries on them",
    "torture": "stops runs at every write; its steps are boundaries",
    "vectors": "runs the published vectors and nothing else",
}


def evidence_page(census: Matrix, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """`evidence.md`: the mutants of the engine, and the counts of crash testing."""
    mutants: Sequence[Mapping[str, Any]] = census.get("bugs", ())
    killed = sum(bool(one["killed"]) for one in mutants)
    rows = [
        (
            f"`{one['name']}`",
            one["says"],
            f"guard `{one['guard']}`" if one["guard"] else one["law"],
            one["first"] or "nothing",
            " ".join(one["named"]),
            f"{one['steps']:,}",
            one["shortest"] or "",
        )
        for one in mutants
    ]
    strategies = [
        (name, f"{found['noticed']} of {found['bugs']}", f"{found['median']:,}")
        for name, found in census.get("strategies", {}).items()
    ]
    alone = [(law, len(who), ", ".join(f"`{name}`" for name in who)) for law, who in census.get("alone", {}).items()]
    return page(
        "How the judge is tested",
        f"There are {len(mutants)} mutants of the reference engine: each is the engine with one seeded bug. {killed} are "
        "killed. A mutant is killed when the judge names the law that the bug breaks, or when the guard of the database that "
        "should refuse the bug refuses it. The engine without a bug is checked in the same way, and nothing is found. Mutants of the *law* are in "
        "[mutants.md](mutants.md) and, drawn at random, in [independent.md](independent.md).",
        FROM,
        "## How many steps until a mutant is found",
        "The table counts steps of the engine, refusals included, in the instances in which a mutant is searched for.",
        "\n".join(f"- `{name}` {says}." for name, says in STRATEGIES.items() if name in census.get("strategies", {})),
        "Hostile callers and single barriers have no random walk and leave no trail. For them `random`, `acceptance` and `audit` "
        "use the walk of `guided`.",
        table(["Strategy", "Found", "Median steps"], strategies),
        "## What vectors alone do not find",
        "The published vectors are of scope small. Where rows meet or any token may be named they try a few of each kind of refused "
        "stimulus, and they cannot show what depends on a clock or what appears only in whole runs. These mutants are therefore not "
        "found by [vectors](vectors.md):",
        ", ".join(f"`{name}`" for name in census.get("beyond_vectors", ())),
        "## What each law alone catches",
        "For these mutants the judge names no other law, apart from D1, D2, Z1 and Z2, which nearly every difference breaks.",
        table(["Law", "Mutants", "Names"], alone),
        "## The mutants",
        table(
            ["Mutant", "The mistake", "Must be found by", "Found first by", "All laws named", "Steps", "Shortest case"],
            rows,
        ),
        "## Laws without a mutant",
        table(["Law", "Why"], list(census.get("without", {}).items())),
        "## Crash tests of the reference engine",
        "The counts that `fateline torture` printed, by command: no row or effect was lost or doubled, and every token has its "
        "fate. [durability.md](durability.md) says what is promised.",
        *(part for command, found in figures.items() for part in _tortured(command, found)),
    )


def _tortured(command: str, found: Mapping[str, Any]) -> tuple[str, str]:
    counts: Mapping[str, int] = found["counts"]
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in counts.items() if count]
    return f"`{command}`: {found['verdict']}.", table(["What", "How many"], rows)


def findings_page(census: Matrix) -> str:
    """`findings.md`."""
    mutants: Sequence[Mapping[str, Any]] = census.get("bugs", ())
    rows = []
    for number, found in FINDINGS.items():
        own = [one for one in mutants if one["finding"] == number]
        rows.append(
            (
                number,
                found.says,
                found.laws,
                found.prevented,
                ", ".join(f"`{one['name']}`" for one in own),
                ", ".join(dict.fromkeys(str(one["first"]) for one in own)),
            )
        )
    return page(
        "What was found before, and what answers it",
        "The project began with analyses of an engine of this kind. For each finding there is a law, a place in the reference "
        "engine that prevents it, a test in `tests/seeds`, and at least one mutant of the engine that has the bug again.",
        FROM,
        table(["Number", "Finding", "Laws", "Prevented by", "Mutants", "Found first by"], rows),
    )


def ports_page() -> str:
    """`ports.md`: what an engine offers to be judged, and what follows from what it says of itself."""
    cannot = {str(do): why for do, why in CANNOT.items()}
    stimuli = [(f"`{do}`", SHAPES[do].meaning, "", "", "yes", cannot.get(do, "")) for do in Do]
    stimuli += [(f"`barrier {event}`", "one event at one barrier", "", "yes", "", "") for event in BarrierEvent]
    stimuli += [(f"`operation {op}`", says, "yes", "", "", "") for op, (_, says) in OPERATIONS.items()]
    needs = [(law.id, law.title, " ".join(needs_of(law))) for law in ALL]
    return page(
        "Ports",
        "A [port](glossary.md#port) is one way in which an engine can be checked. An engine offers the ports it can. In Python a port is a small "
        "protocol class in `fateline_oracle/ports/port.py`: `fateline conform module:factory` calls `factory()`, which returns "
        "an object with `hello()` and one method for each port; the method returns the port, or None. An engine in another "
        "language offers the same ports as a process: [protocol.md](protocol.md).",
        "An [adapter](glossary.md#adapter) translates and decides nothing. If a port cannot express a stimulus, it answers `Reply(unsupported=...)` with the "
        "reason. It may do so for any stimulus, at any port. The stimulus is skipped and counted: it counts neither for nor against "
        "the engine. Coverage is then computed without it, and without the states that only it leads to.",
        "## What each port can express",
        table(["Stimulus", "Meaning", Port.LIFECYCLE, Port.BARRIER, Port.PIPELINE, "Limit"], stimuli),
        f"Through the port `{Port.TRAIL}` the judge sends no stimuli. It gives rows and answers of nodes, the engine runs to the "
        "end, and the records are checked. Trails at rest are checked in the same way (`fateline conform --trail`).",
        "## Crash and resume",
        "An engine that declares `boundaries` returns a crash port from `crash()`. It is a pipeline port that also reports each "
        "write boundary it meets, with a digest of what a kill there would leave behind, and that can restart from there. "
        "`fateline torture` restarts the engine from each distinct boundary. An engine that does not declare `boundaries` is "
        "skipped there, and counted.",
        table(["Boundary", "When"], [(f"`{write}`", says) for write, says in WRITES.items()]),
        "## What an engine declares",
        "The answer to `hello` has the lists of words `does` and `shows`, and one word each for `drive` and `clock`. The judge leaves out the pipelines "
        "and the stimuli that need a word which `does` does not contain, at every port, and counts them. Records and columns that "
        "need a word which `shows` does not contain are not looked at, even if the engine gives them. A law that needs them is *not "
        "judged*; the report says so, and the verdict does not change. What an engine declares and then does otherwise is a breach.",
        "A law holds only if something was asked that a wrong engine could have failed. Without crashes nothing is said about R1 and "
        "R2, without `tx` nothing about K2 and X3, without merge records nothing about C9. A law about which nothing that the engine "
        "declares can ask is not judged, and the report names the missing word or port. So an engine that offers only a barrier "
        "or only a token manager can reach *holds*.",
        "### does",
        table(["Word", "The engine can"], [(f"`{word}`", CAN[word]) for word in Does]),
        "### shows",
        table(["Word", "The records contain"], [(f"`{word}`", _shown(word)) for word in Shows]),
        "Every engine must record runs, rows, tokens, parents and outcomes.",
        "### drive",
        table(["Word", "Meaning"], [(f"`{word}`", DRIVEN[word]) for word in Drive]),
        "The word is information for readers. The ports that an engine offers decide how it is driven.",
        "### clock",
        table(["Word", "Meaning"], [(f"`{word}`", CLOCK[word]) for word in Clock]),
        f"The judge sends the stimulus `deadline` only to an engine that declares both `{Does.DEADLINES}` and the clock "
        f"`{Clock.INJECTED}`. **With another clock no deadline is ever tested**, and a bug in deadlines is not found; the report says so.",
        "### Which laws need what",
        table(["Law", "Title", "Needs in `shows`"], [row for row in needs if row[2]]),
        "## Profiles",
        "`fateline conform --profile FILE` takes a TOML file with one table, `laws`: from the id of a *profile* law to a "
        "sentence that says what the engine does instead. The report prints each sentence, and how many steps differ so. What lies "
        "only behind such a step is not asked. A core law cannot be declared away.",
        "## Known findings",
        "What an engine does wrong today, and will be mended later, is no choice, and does not belong in a profile. It belongs in "
        "a *ledger*: a TOML file that `conform`, `vectors`, `hunt` and `audit` take with `--ledger FILE`. A finding that the ledger lists is counted "
        "and printed with its reason, and does not change the verdict. An entry that must occur and does not occur prevents the "
        "verdict *holds*, so a ledger never lists what was mended. `fateline ledger` makes one from a report:",
        "```\nfateline conform ENGINE --scope small --json > report.json\n"
        "fateline ledger report.json --reason 'planned for 2.0' > known.toml\n"
        "fateline conform ENGINE --scope small --ledger known.toml\n```",
        table(
            ["Key of an entry", "Meaning"],
            [(f"`{key}`", meaning) for key, meaning in KEYS.items()],
        ),
    )


def _shown(word: Shows) -> str:
    needed = any(word in needs_of(law).values() for law in ALL)
    return RECORDED[word] if needed else f"{RECORDED[word]}. No check depends on this word"


CAN: Final[dict[Does, str]] = {
    Does.REQUIRE_ALL: "run a coalesce with `policy: require_all`",
    Does.QUORUM: "run a coalesce with `policy: quorum`",
    Does.BEST_EFFORT: "run a coalesce with `policy: best_effort`",
    Does.FIRST: "run a coalesce with `policy: first`",
    Does.UNION: "merge data with `merge: union`",
    Does.NESTED: "merge data with `merge: nested` (one field for each branch); see `nesting` for forks inside forks",
    Does.SELECT: "merge data with `merge: select`",
    Does.COLLISIONS: "obey `collisions: first_wins` and `collisions: fail` of a union; `last_wins` needs no word",
    Does.NESTING: "fork a token that already owes a branch to a coalesce: a fork and join inside a branch",
    Does.PARTIAL_JOINS: "fork into branches of which some are joined and others lead only to sinks",
    Does.BATCHES: "run aggregations",
    Does.EXPANSION: "run transforms with `expands: true`",
    Does.RETRIES: "retry: take the verdicts `error_retryable` and `refused_retryable`",
    Does.DEADLINES: "resolve a barrier or close a batch when the judge says that its time is up; needs the clock `injected`",
    Does.INVALID_ROWS: "read rows that the source declares invalid",
    Does.CRASH: "take the stimuli `crash` and `resume`",
    Does.BOUNDARIES: "stop at each write boundary, through a crash port",
}
"""What each word of `does` means. A Python engine that declares nothing declares all but `boundaries`; over the protocol
nothing is declared unless it is said."""

RECORDED: Final[dict[Shows, str]] = {
    Shows.VISITS: "the relation `visits`, and `from_visit` of hops",
    Shows.HOPS: "the relation `hops`",
    Shows.BARRIERS: "the relation `barriers`",
    Shows.LOSSES: "the relation `losses`",
    Shows.MERGES: "the relation `merges`",
    Shows.BATCHES: "the relations `batches` and `members`",
    Shows.DIGESTS: "digests of data: `digest`, `digest_in`, `digest_out`",
    Shows.REASONS: "the column `reason`, in the law's words",
    Shows.TIMES: "times: `at`, `first_at`, `decided_at`",
    Shows.SEQ: "`seq`, the order of commitment",
    Shows.TX: "`tx`, the transaction of a record",
    Shows.REFUSALS: "the law's word for each refusal, see [words.md](words.md#refusals)",
}

DRIVEN: Final[dict[Drive, str]] = {
    Drive.LOCKSTEP: "the judge sends each stimulus, and the engine takes one step",
    Drive.WHOLE_RUN: "the engine chooses the order of its steps and runs to the end",
}

CLOCK: Final[dict[Clock, str]] = {
    Clock.INJECTED: "the judge decides when a deadline has passed",
    Clock.REAL: "the wall clock decides, so the judge cannot make a deadline pass",
    Clock.NONE: "there are no deadlines",
}
