"""Makes a counterexample as short as it can: from a difference to the shortest way to see it.

What it minimises
-----------------
A case is a list of stimuli. All but the last are lawful, and in the last the law and the engine differ. The size of a case is
its number of stimuli. A shorter case replaces the best one only if

- its prefix is lawful in the model (checked without asking the engine); a difference that shows only behind a refused
  stimulus keeps such stimuli in its prefix,
- the engine differs at its last stimulus, and nothing before it ends the case,
- it shows the same: the same law named first, the same stimulus, the same differences without names, and every other law
  that the longer case breaks. R2 may be missing, because every difference behind a crash breaks it.

The last condition keeps a search for one bug from ending at another.

The passes, in order
--------------------
1. `_without_rows` leaves out one whole row at a time and starts again after each success. Later rows get smaller numbers,
   because a source gives its rows in order. At its end no single row can be left out. Cost: at most the square of the
   number of rows.
2. `_without_stimuli` leaves out sequences of 8, 4, 3, 2 and 1 stimuli, from the end to the beginning. A visit is two
   stimuli, so pairs matter as much as single ones. Each length is tried once over the case, so it is close to, but not
   certainly, minimal. Cost: about five tries for each stimulus.
3. `_by_shortest_path` uses the graph. It goes through the states, nearest first. In each state within reach it appends
   every stimulus of the same kind as the failing one (same `do`, verdict and data, any names) to a shortest path.
   The first case that breaks the same law is taken, so no case along these paths is shorter.
   The graph has one row, so the new case has one row. Without a graph this pass is left out.
4. `_without_stimuli` again, over the new case.

An example. A walk over three rows ends in `deadline(j@0)`, which breaks C11. Passes 1 and 2 leave row 0 and drop the
visits after its fork. Pass 3 finds a nearer state with an open barrier `j@0`, where one branch was lost early. There
`deadline(j@0)` breaks C11 too, so the shortest path to that state, followed by `deadline(j@0)`, is the new case.

Why greedy
----------
Each try runs the engine from the start of a run, which costs far more than all the rest. Most candidates cost
nothing, because the law refuses their prefix: a `begin` without its `finish` never reaches the engine. Passes that only
go down end soon, and the graph pass makes up for the local minimum that they end in. At most `TRIES` cases are asked; when
they are used up, the best case so far is the result. The result is always a case that was seen to fail, never a guess.

What is given up: the globally shortest case. An engine may need a detour that the law does not distinguish (the same
state of the law, another state of the engine); pass 3 cannot see it and keeps the case of pass 2.

Not here: what a difference is (`lockstep.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fateline_model import Pipeline, Refusal, Run, Stimulus, step
from fateline_model.state import parse_token_name
from fateline_model.stimuli import Do

from ..compare.difference import Difference
from .explore import LocalGraph, by_distance
from .lockstep import Lockstep

TRIES: Final = 400
"""The largest number of cases that the engine is asked to make one shorter. Each is a run of a few steps."""

Stimuli = tuple[Stimulus, ...]


class Shrinker:
    """Shortens cases of one pipeline on one engine."""

    def __init__(self, pipeline: Pipeline, lockstep: Lockstep) -> None:
        self.pipeline = pipeline
        self._lockstep = lockstep
        self.tries = 0
        self._refused_too = False
        """True if the prefix of the case has stimuli that the law refuses."""

    def difference(self, stimuli: Sequence[Stimulus]) -> Difference | None:
        """The difference that ends this case, or that shows in its last stimulus; None if there is none."""
        self.tries += 1
        self._lockstep.start()
        for place, stimulus in enumerate(stimuli, 1):
            found = self._lockstep.do(stimulus)
            if found is not None and (not found.goes_on or place == len(stimuli)):
                return replace(found, stimuli=tuple(stimuli[:place]))
        return None

    def smallest(self, found: Difference, graph: LocalGraph | None) -> Difference:
        """The shortest case found that breaks the same law."""
        best = found
        self._refused_too = not self._lawful(found.stimuli[:-1])
        for smaller in (self._without_rows, self._without_stimuli):
            best = smaller(best)
        if graph is not None:
            best = self._by_shortest_path(best, graph)
            best = self._without_stimuli(best)
        return best

    def _try(self, best: Difference, stimuli: Stimuli) -> Difference | None:
        """The case, if it is shorter, allowed up to its last stimulus, and of the same kind in it."""
        if self.tries >= TRIES or len(stimuli) >= len(best.stimuli) or not self._allowed(stimuli[:-1]):
            return None
        found = self.difference(stimuli)
        if found is None or len(found.stimuli) != len(stimuli):
            return None
        return found if found.shows(best) else None

    def _allowed(self, prefix: Stimuli) -> bool:
        return self._refused_too or self._lawful(prefix)

    def _lawful(self, stimuli: Stimuli) -> bool:
        run = Run()
        for stimulus in stimuli:
            law = step(self.pipeline, run, stimulus)
            if isinstance(law, Refusal):
                return False
            run = law.run
        return True

    def _without_rows(self, best: Difference) -> Difference:
        for row in sorted({row for row in map(_row, best.stimuli) if row is not None}):
            found = self._try(best, _without_row(best.stimuli, row))
            if found is not None:
                return self._without_rows(found)
        return best

    def _without_stimuli(self, best: Difference) -> Difference:
        """Leave out sequences of stimuli, long ones first."""
        for length in (8, 4, 3, 2, 1):
            place = len(best.stimuli) - 1 - length
            while place >= 0:
                found = self._try(best, best.stimuli[:place] + best.stimuli[place + length :])
                if found is not None:
                    best = found
                    place = min(place, len(best.stimuli) - 1 - length)
                else:
                    place -= 1
        return best

    def _by_shortest_path(self, best: Difference, graph: LocalGraph) -> Difference:
        """Go through the states, nearest first, and try in each the stimuli of the kind that failed."""
        wanted = _kind(best.stimuli[-1])
        for distance, path, state in by_distance(graph):
            if distance + 1 >= len(best.stimuli):
                break
            here = [edge.stimulus for edge in graph.edges[state]] + [s for s, _ in graph.refusals[state]]
            for stimulus in here:
                if _kind(stimulus) == wanted and (found := self._try(best, (*path(), stimulus))) is not None:
                    return found
        return best


def _kind(stimulus: Stimulus) -> tuple[object, ...]:
    """A stimulus without the names in it."""
    hold = "#" in stimulus.hold if stimulus.hold is not None else None
    return stimulus.do, stimulus.verdict, hold, stimulus.data


def _row(stimulus: Stimulus) -> int | None:
    """The row that a stimulus is about; None if it is about the run, or about a batch, which has many rows."""
    if stimulus.do is Do.READ:
        return stimulus.row
    name = stimulus.token
    if stimulus.hold is not None and "@" in stimulus.hold:
        name = stimulus.hold.partition("@")[2]
    place = parse_token_name(name) if name is not None else None
    return place[0] if place is not None else None


def _without_row(stimuli: Stimuli, gone: int) -> Stimuli:
    """The case without one row. Later rows get the next smaller number, because a source gives its rows in order."""
    kept = (stimulus for stimulus in stimuli if _row(stimulus) != gone)
    return tuple(_renamed(stimulus, gone) for stimulus in kept)


def _renamed(stimulus: Stimulus, gone: int) -> Stimulus:
    row = _row(stimulus)
    if row is None or row < gone:
        return stimulus
    number = str(row - 1)
    token, hold = stimulus.token, stimulus.hold
    if token is not None:
        token = number + token[len(str(row)) :]
    if hold is not None and "@" in hold:
        node, _, fork = hold.partition("@")
        hold = f"{node}@{number}{fork[len(str(row)) :]}"
    return stimulus._replace(row=None if stimulus.row is None else row - 1, token=token, hold=hold)
