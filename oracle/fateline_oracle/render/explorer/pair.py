"""Two cases of one pipeline, played side by side: one control moves both, and the page marks what differs.

An example: the same branches arrive at a join in two orders, and the tokens get other fates. Not here: one line by itself
(`lines.py`), and which orders are worth comparing (`conform/orders.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fateline_model import IllFormed, load

from ...conform.replay import BadCase, Case
from .lines import ABSENT, End, Line, Play, line_in, line_of_case, together
from .tables import CONTINUED, ENDED, HAS_ENDED, LawTables, tabulate

NO_FATE: Final = "no fate"
"""How a token stands that has not ended."""


def play_of_pair(cases: Sequence[Case]) -> Play:
    """Two cases side by side. Raises `BadCase` if they are not of the same pipeline."""
    first, second = cases
    if _about(first) != _about(second):
        raise BadCase(
            f"the two cases are not of the same pipeline: {first.instance} and {second.instance}; "
            "make a page of each, or give two cases of one pipeline"
        )
    lines = [line_of_case(case) for case in cases]
    tables, places = tabulate(together([one.system for one in lines]), 0, [one.stimuli for one in lines])
    played = [line_in(tables, taken, line) for taken, line in zip(places, lines, strict=True)]
    ends = [
        end for letter, line, told in zip("AB", lines, played, strict=True) for end in _ends(tables, letter, line, told)
    ]
    title = "Two schedules side by side"
    about = f"{first.instance}: the same pipeline, two lists of steps. One control moves both."
    made = {**tables.document(), "lines": played}
    return Play(title, about, lines[0].document, made, ends=tuple(ends))


def _about(case: Case) -> object:
    """What a case is of: its pipeline without the name, or an instance of one of the small machines."""
    if case.machine not in ("pipeline", "batch"):
        return case.machine, case.instance
    try:
        return load(case.document.get("pipeline")).nodes
    except IllFormed as error:
        raise BadCase(str(error)) from error


def _ends(tables: LawTables, letter: str, line: Line, told: Mapping[str, Any]) -> Iterator[End]:
    """The end by the law, and the end of the engine if it records one."""
    law, engine, state = list[int](), list[int](), 0
    for step in told["line"]:
        place, state = tables.states[state][3][step["edge"]]
        written = tables.steps.values[place][2]
        law += written
        engine += [own for _, own, _ in step["rows"] if own != ABSENT] if "rows" in step else []
    by_law, by_engine = _fates(tables, law), _fates(tables, engine)
    yield End(f"{letter}: the law", by_law)
    if by_engine != by_law and any("rows" in step for step in told["line"]):
        yield End(f"{letter}: {line.side}", by_engine)


def _fates(tables: LawTables, places: Sequence[int]) -> dict[str, str]:
    fates: dict[str, str] = {}
    for name, _, kind, said in (tables.tokens.values[place] for place in tables.states[0][1]):
        fates[name] = said.removeprefix(HAS_ENDED) if kind in (ENDED, CONTINUED) else NO_FATE
    for place in places:
        about = tables.records.values[place][2]
        if about is not None and about[0] == "token":
            fates.setdefault(about[1], NO_FATE)
        elif about is not None and about[0] == "fate":
            fates[about[1]] = about[2]
    return fates
