"""The pages on how the judge is known: what the zoo showed, and the findings that the project began with.

Every figure comes from the lock that `fateline zoo --strategies --lock` writes. Not here: the laws (`evidence.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fateline_model.barrier_machine import BarrierEvent
from fateline_model.laws import ALL
from fateline_model.lifecycle import SHAPES as OPERATIONS
from fateline_model.stimuli import SHAPES, Do

from ..compare.capabilities import CANNOT, NEEDS
from ..mutants.findings import FINDINGS
from ..ports.port import Does, Port, Shows
from ..render.crash_text import WRITES
from .markdown import page, table

Census = Mapping[str, Any]
FROM: Final = "A figure here is one that a command printed: `fateline zoo --strategies` gives it again."


def evidence_page(census: Census, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """`evidence.md`: the zoo, and what torture came to."""
    animals: Sequence[Mapping[str, Any]] = census.get("animals", ())
    killed = sum(bool(one["killed"]) for one in animals)
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
        for one in animals
    ]
    strategies = [
        (name, f"{found['noticed']} of {found['animals']}", f"{found['median']:,}")
        for name, found in census.get("strategies", {}).items()
    ]
    alone = [(law, len(who), ", ".join(f"`{name}`" for name in who)) for law, who in census.get("alone", {}).items()]
    return page(
        "How the judge is known",
        f"The zoo holds {len(animals)} engines, each the reference engine with one seeded bug. {killed} are killed: noticed "
        "by the law that the bug breaks, or refused by the guard of the database that should refuse it. The engine without "
        "a bug is judged by the same judge, and nothing is noticed.",
        FROM,
        "## How soon, by strategy",
        "Steps of the engine, refusals included, until something is noticed, over the instances in which an animal is "
        "looked for. `random` takes lawful stimuli at random, with two rows; `guided` walks through the whole graph; "
        "`refusals` tries all that the law refuses there as well; `acceptance` judges nothing but the trails that whole "
        "runs leave; `torture` breaks runs off at every write, and its steps are boundaries; `audit` asks "
        "finished trails by query; `vectors` is what the published vectors find by themselves. Hostile callers "
        "and single barriers have no random walk and leave no trail: there the first two "
        "columns fall back on their graph.",
        table(["Strategy", "Noticed", "Median steps"], strategies),
        "## What vectors alone do not find",
        "Published vectors hold pipelines and single barriers. What hostile callers of a token manager may do, what a clock "
        "shows, and what only whole runs or crashes at a boundary tell, is not in a list of stimuli.",
        ", ".join(f"`{name}`" for name in census.get("beyond_vectors", ())),
        "## What each law alone catches",
        "No other law is named, those aside that nearly every difference breaks (D1, D2, Z1).",
        table(["Law", "Animals", ""], alone),
        "## The animals",
        table(
            ["Animal", "The mistake", "Must be told by", "Named first", "All that is named", "Steps", "Shortest"], rows
        ),
        "## Laws without an animal",
        table(["Law", "Why"], list(census.get("without", {}).items())),
        "## The reference engine under torture",
        "Nothing lost, nothing doubled, no token without a fate: what `fateline torture` counted, by command "
        "([durability.md](durability.md) says what is promised).",
        *(part for command, found in figures.items() for part in _tortured(command, found)),
    )


def _tortured(command: str, found: Mapping[str, Any]) -> tuple[str, str]:
    counts: Mapping[str, int] = found["counts"]
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in counts.items() if count]
    return f"`{command}`: {found['verdict']}.", table(["What", "How many"], rows)


def findings_page(census: Census) -> str:
    """`findings.md`."""
    animals: Sequence[Mapping[str, Any]] = census.get("animals", ())
    rows = []
    for number, found in FINDINGS.items():
        own = [one for one in animals if one["finding"] == number]
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
        "The project began with analyses of an engine of this kind. Each finding has a law, a place in the reference "
        "engine that prevents it, a test of its own in `tests/seeds`, and an animal in the zoo that brings it back.",
        FROM,
        table(["", "Finding", "Laws", "Prevented by", "Brought back by", "Killed first by"], rows),
    )


def ports_page() -> str:
    """`ports.md`: what an engine offers to be judged, and what follows from what it says of itself."""
    cannot = {str(do): why for do, why in CANNOT.items()}
    stimuli = [(f"`{do}`", SHAPES[do].meaning, "", "", "yes", cannot.get(do, "")) for do in Do]
    stimuli += [(f"`barrier {event}`", "one event at one barrier", "", "yes", "", "") for event in BarrierEvent]
    stimuli += [(f"`operation {op}`", says, "yes", "", "", "") for op, (_, says) in OPERATIONS.items()]
    needs = [(law.id, law.title, " ".join(need for need in law.needs if need in NEEDS)) for law in ALL]
    return page(
        "Ports",
        "An engine is judged through whichever ports it can offer: small Python protocol classes in "
        "`fateline_oracle/ports/port.py`. `fateline conform module:factory` takes what `factory()` gives: an object with "
        "`hello()` and one method a port, which gives the port or None. An adapter translates, and decides nothing.",
        "What a port has no way to say it answers with `Reply(unsaid=...)`. It is skipped and counted, never passed, and "
        "the denominator of coverage is counted anew without it and without what only it leads to.",
        "## What can be said through which port",
        table(["Stimulus", "", Port.LIFECYCLE, Port.BARRIER, Port.PIPELINE, "Only in part"], stimuli),
        f"Through the port `{Port.TRAIL}` nothing is said: whole runs, and trails at rest, are judged by what was recorded "
        "(`fateline conform --trail`).",
        "## Crash and resume",
        "An engine that declares `boundaries` gives, by `crash()`, a crash port: the pipeline port, which also tells each "
        "write boundary that it meets, with a digest of what a kill there would leave, and can be as after such a kill. "
        "`fateline torture` falls back to each. An engine that does not declare it is skipped, and counted.",
        table(["Boundary", "Before"], [(f"`{write}`", says.removeprefix("before ")) for write, says in WRITES.items()]),
        "## What an engine says of itself",
        f"`does`: {', '.join(f'`{word}`' for word in Does)}.",
        f"`shows`: {', '.join(f'`{word}`' for word in Shows)}.",
        "What it does not declare is not asked of it. A law that needs what it does not show is *not judged*; that is "
        "printed beside the verdict and never changes it. What it declares and then does not do is a breach.",
        table(["Law", "", "Needs shown"], [row for row in needs if row[2]]),
        "## Profiles",
        "`fateline conform --profile FILE` takes a TOML file with one table, `laws`: from the id of a *profile* law to a "
        "sentence that says what the engine does instead. Each is printed with its sentence. A core law cannot be declared "
        "away.",
    )
