"""Compares what a page of the explorer shows with the law, which is asked afresh, state by state.

`shown` is what the page shows in each of its states, by number: read from its tables, or read by a browser from the page.
Not here: the tables, the browser.
"""

from typing import Any, NamedTuple

from fateline_model import LAWS, Refusal, StepView, checks, step
from fateline_model.checker.systems import PipelineSystem, State
from fateline_model.records import as_json
from fateline_model.state import token_name
from fateline_model.stimuli import Do, Stimulus
from fateline_oracle.render.counterexample import record_text


class Shown(NamedTuple):
    """What a page shows in one state."""

    lawful: dict[str, tuple[int | None, list[str], list[str]]]
    """By stimulus: the number of the state that it leads to, None if it leads beyond the page, the records, and the laws."""
    refused: dict[str, str]
    """By stimulus: the rule."""
    tokens: list[str]
    """How the tokens stand, a text each."""


def differences(system: PipelineSystem, shown: dict[int, Shown]) -> list[str]:
    """What a page shows otherwise than the law; and every state that the page has and no lawful step reaches."""
    wrong: list[str] = []
    numbers: dict[State, int] = {system.first(): 0}
    waiting = [system.first()]
    while waiting:
        state = waiting.pop()
        page = shown[numbers[state]]
        where = f"state {numbers[state]}"
        attempts = list(system.attempts(state))
        lawful = {str(one.stimulus): one for one in attempts if one.refusal is None}
        if list(page.lawful) != list(lawful):
            wrong.append(f"{where}: lawful is {list(lawful)}, shown is {list(page.lawful)}")
        for stimulus, (target, records, laws) in page.lawful.items():
            attempt = lawful.get(stimulus)
            if attempt is None or attempt.after is None or target is None:
                continue
            wanted = [f"{as_json(record)['rec']} {record_text(as_json(record))}" for record in attempt.records]
            if records != wanted:
                wrong.append(f"{where}, {stimulus}: the law writes {wanted}, shown is {records}")
            view = StepView(system.pipeline, state.world, attempt.stimulus, attempt.records, attempt.after.world)
            if laws != [law.id for law in LAWS.values() if list(checks(law, view))]:
                wrong.append(f"{where}, {stimulus}: other laws look at it than {laws}")
            if attempt.after not in numbers:
                if target in numbers.values():
                    wrong.append(f"{where}, {stimulus}: state {target} is another state")
                    continue
                numbers[attempt.after] = target
                waiting.append(attempt.after)
            elif numbers[attempt.after] != target:
                wrong.append(f"{where}, {stimulus}: leads to state {numbers[attempt.after]}, shown is {target}")
        wrong += _refusals(system, state, page, where)
        wrong += _tokens(state, page, where)
    return wrong + [f"state {number} cannot be reached" for number in shown if number not in numbers.values()]


def _refusals(system: PipelineSystem, state: State, page: Shown, where: str) -> list[str]:
    """Each refusal is the law's, and none of those that the checker or a hasty caller meets is missing."""
    run = state.world[0]
    names = [token_name(row.number, token.name) for row in run.rows for token in row.tokens]
    tried = [one.stimulus for one in system.attempts(state) if isinstance(one.stimulus, Stimulus)]
    tried += [Stimulus(do, token=name) for do in (Do.BEGIN, Do.ARRIVE, Do.ACCEPT) for name in names]
    wanted = {
        str(one): str(law) for one in tried if isinstance(law := step(system.pipeline, run, one), Refusal)
    }  # fmt: skip
    return [] if wanted == page.refused else [f"{where}: refused is {wanted}, shown is {page.refused}"]


def _tokens(state: State, page: Shown, where: str) -> list[str]:
    tokens = [(token_name(row.number, token.name), token) for row in state.world[0].rows for token in row.tokens]
    wrong = [] if len(page.tokens) == len(tokens) else [f"{where}: {len(tokens)} tokens, shown are {page.tokens}"]
    for (name, token), text in zip(tokens, page.tokens, strict=False):
        said = f"has ended: {token.fate}" if token.fate is not None else token.batch or token.node
        if not text.startswith(f"{name} ") or said not in text:
            wrong.append(f"{where}: token {name} is {said}, shown is {text}")
    return wrong


def of_tables(tables: dict[str, Any]) -> dict[int, Shown]:
    """What a page with these tables has to show."""
    shown: dict[int, Shown] = {}
    for number, (_, tokens, _, edges, refused) in enumerate(tables["states"]):
        lawful = {}
        for place, target in edges:
            stimulus, _, records, laws, _ = tables["steps"][place]
            said = [f"{tables['records'][one][0]} {tables['records'][one][1]}" for one in records]
            lawful[stimulus] = (None if target < 0 else target, said, laws)
        rules = dict(tables["refused"][place] for place in refused)
        said = [f"{tables['tokens'][place][0]} {tables['tokens'][place][3]}" for place in tokens]
        shown[number] = Shown(lawful, rules, said)
    return shown
