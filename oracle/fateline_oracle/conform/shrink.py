"""From a difference to the shortest way to see it.

A case that failed is stepped again; then whole rows and single stimuli are left out while the last step still breaks the
same law. Then, since the graph is known, the prefix is replaced: by a shortest path to the same state, and by one to any
earlier state in which the same kind of stimulus breaks the same law. Not here: what a difference is (`lockstep.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from fateline_model import Pipeline, Refusal, Run, Stimulus, step
from fateline_model.state import parse_token_name
from fateline_model.stimuli import Do

from .explore import LocalGraph
from .lockstep import Divergence, Lockstep

TRIES: Final = 400
"""How many cases are tried to make one smaller. Each is a run of a few steps."""

Stimuli = tuple[Stimulus, ...]


class Shrinker:
    """Steps cases of one pipeline on one engine."""

    def __init__(self, pipeline: Pipeline, make: Callable[[], Lockstep]) -> None:
        self.pipeline = pipeline
        self._lockstep = make()
        self.tries = 0

    def first_difference(self, stimuli: Sequence[Stimulus]) -> Divergence | None:
        """Where law and engine part in this case, if they do."""
        self.tries += 1
        self._lockstep.start()
        for stimulus in stimuli:
            found = self._lockstep.do(stimulus)
            if found is not None:
                return found
        return None

    def smallest(self, found: Divergence, graph: LocalGraph | None) -> Divergence:
        """The same law broken with as few stimuli as can be found."""
        best = found
        for smaller in (self._without_rows, self._without_stimuli):
            best = smaller(best)
        if graph is not None:
            best = self._by_shortest_path(best, graph)
            best = self._without_stimuli(best)
        return best

    def _try(self, best: Divergence, stimuli: Stimuli) -> Divergence | None:
        """The case, if it is shorter, lawful up to its last stimulus, and breaks the same law in it."""
        if self.tries >= TRIES or len(stimuli) >= len(best.stimuli) or not self._lawful(stimuli[:-1]):
            return None
        found = self.first_difference(stimuli)
        if found is None or found.law != best.law or len(found.stimuli) != len(stimuli):
            return None
        return found if found.laws or found.differences == best.differences else None

    def _lawful(self, stimuli: Stimuli) -> bool:
        run = Run()
        for stimulus in stimuli:
            law = step(self.pipeline, run, stimulus)
            if isinstance(law, Refusal):
                return False
            run = law.run
        return True

    def _without_rows(self, best: Divergence) -> Divergence:
        for row in sorted({row for row in map(_row, best.stimuli) if row is not None}):
            found = self._try(best, _without_row(best.stimuli, row))
            if found is not None:
                return self._without_rows(found)
        return best

    def _without_stimuli(self, best: Divergence) -> Divergence:
        """Leave out stretches, long ones first; a visit is two stimuli, so pairs matter as much as single ones."""
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

    def _by_shortest_path(self, best: Divergence, graph: LocalGraph) -> Divergence:
        """States in order of distance; in each the stimuli of the kind that failed."""
        wanted = _kind(best.stimuli[-1])
        for distance, path, state in _by_distance(graph):
            if distance + 1 >= len(best.stimuli):
                break
            here = [edge.stimulus for edge in graph.edges[state]] + [s for s, _ in graph.refusals[state]]
            for stimulus in here:
                if _kind(stimulus) == wanted and (found := self._try(best, (*path(), stimulus))) is not None:
                    return found
        return best


def _by_distance(graph: LocalGraph) -> Iterator[tuple[int, Callable[[], Stimuli], int]]:
    """The states of a graph, nearest first, each with a way to say a shortest path to it."""
    came: dict[int, tuple[int, Stimulus] | None] = {0: None}
    concrete: dict[int, int] = {0: 0}
    waiting = [0]
    while waiting:
        ahead: list[int] = []
        for state in waiting:

            def path(at: int = state) -> Stimuli:
                said: list[Stimulus] = []
                while (step := came[at]) is not None:
                    at, stimulus = step
                    said.append(stimulus)
                return tuple(reversed(said))

            yield concrete[state], path, state
            for edge in graph.edges[state]:
                # A path in names holds only where the state is its own representative: others have names of their own.
                if edge.target not in came and graph.states[edge.target] == edge.after:
                    came[edge.target] = (state, edge.stimulus)
                    concrete[edge.target] = concrete[state] + 1
                    ahead.append(edge.target)
        waiting = ahead


def _kind(stimulus: Stimulus) -> tuple[object, ...]:
    """A stimulus without the names in it."""
    hold = "#" in stimulus.hold if stimulus.hold is not None else None
    return stimulus.do, stimulus.verdict, hold, stimulus.data


def _row(stimulus: Stimulus) -> int | None:
    """The row that a stimulus is about; None for the run, and for batches, which are of many rows."""
    if stimulus.do is Do.READ:
        return stimulus.row
    name = stimulus.token
    if stimulus.hold is not None and "@" in stimulus.hold:
        name = stimulus.hold.partition("@")[2]
    place = parse_token_name(name) if name is not None else None
    return place[0] if place is not None else None


def _without_row(stimuli: Stimuli, gone: int) -> Stimuli:
    """The case without one row; the rows after it are called one less, since a source gives rows in order."""
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
