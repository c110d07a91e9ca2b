"""Laws of recovery: what a crash leaves is lawful, and the resumed run continues the same run.

The main idea is `erased`: the state without everything about crashes. R2 states that a crash and a resume do not change
the erased state, and that every other step is the same as in a run that was never interrupted. Not here: the
bytes of a sink, which only an engine has.
"""

from collections.abc import Iterator

from ..kernels import Phase
from ..machine import step
from ..records import RowRecord, RunRecord, VisitRecord
from ..state import Row, Run, Token, token_name
from ..stimuli import Do, Stimulus
from ..words import BatchStatus, NodeKind, Refusal, RunStatus, VisitStatus
from .law import Level, Where, law, law_known_elsewhere
from .step_view import Check, StepView


def erased(run: Run) -> Run:
    """The run as if it had never been interrupted: attempts renumbered, the status that of a running run."""
    status = RunStatus.RUNNING if run.status is RunStatus.INTERRUPTED else run.status
    rows = tuple(
        Row(row.number, tuple(t._replace(attempt=t.tries) for t in row.tokens), row.barriers) for row in run.rows
    )
    return run._replace(status=status, rows=rows)


def _holds_a_crash(run: Run) -> bool:
    """Whether the erased state is another one: the run is down, or an attempt was cut off."""
    return run.status is RunStatus.INTERRUPTED or any(t.attempt != t.tries for row in run.rows for t in row.tokens)


@law(
    "R1",
    "A crash leaves whole steps",
    "A crash leaves a prefix of whole steps, and nothing happens until the run is resumed. Every law that is not about the end "
    "of a run holds of what is left.",
    needs=("seq", "tx"),
)
def crash_leaves_whole_steps(view: StepView) -> Iterator[Check]:
    stimulus = view.stimulus
    if not isinstance(stimulus, Stimulus):
        return
    (before,), (after,) = view.before, view.after
    if before.status is RunStatus.INTERRUPTED:
        yield None if stimulus.do is Do.RESUME else f"{stimulus} happens while the run is down"
    if stimulus.do is Do.CRASH:
        if view.records:
            yield f"a crash wrote {len(view.records)} records"
        elif after != before._replace(status=RunStatus.INTERRUPTED):
            yield "a crash left something else than what was committed"
        else:
            yield None


@law(
    "R2",
    "Resume is invisible",
    "A crash and a resume lose nothing, double nothing and decide nothing. If their records and the interrupted visits "
    "are taken out of the finished trail, and the attempts are renumbered, the law accepts it from the start.",
    needs=("runs", "visits", "seq"),
    where=(Where.MACHINE, Where.STEP, Where.TRAIL),
)
def resume_is_invisible(view: StepView) -> Iterator[Check]:
    stimulus = view.stimulus
    if not isinstance(stimulus, Stimulus):
        return
    if not (_holds_a_crash(view.before[0]) or _holds_a_crash(view.after[0])):
        yield None  # this is the step that the law itself takes
        return
    before, after = erased(view.before[0]), erased(view.after[0])
    if stimulus.do in (Do.CRASH, Do.RESUME):
        same = _without_choices(before) == _without_choices(after)
        yield None if same else f"{stimulus} changed more than the attempts of visits that were cut off"
        return
    plain = step(view.pipeline, before, stimulus)
    if isinstance(plain, Refusal):
        yield f"{stimulus} is lawful only because of a crash: without it, it is refused as {plain}"
    else:
        yield None if plain.run == after else f"{stimulus} leads to another state than it would have without the crash"


def _without_choices(run: Run) -> Run:
    """The run without what L9 and R5 speak of: no visit is open, and no row has a second root token."""
    rows = tuple(
        Row(row.number, tuple(_not_visiting(t) for t in row.tokens if t.made or not t.name), row.barriers)
        for row in run.rows
    )
    return run._replace(rows=rows)


def _not_visiting(token: Token) -> Token:
    return token._replace(phase=Phase.READY) if token.phase is Phase.VISITING else token


@law(
    "R5",
    "A resume takes up what was cut off",
    "The step of a resume closes each visit that was cut off as interrupted and opens its next attempt. It records each batch "
    "that awaits its flush once more, because the flush was cut off.",
    needs=("visits", "batches", "tx"),
    where=(Where.MACHINE, Where.STEP, Where.AUDIT),
    level=Level.PROFILE,
)
def a_resume_takes_up_what_was_cut_off(view: StepView) -> Iterator[Check]:
    stimulus = view.stimulus
    if isinstance(stimulus, Stimulus) and stimulus.do is Do.RESUME:
        opened = {v.token for v in view.visits if v.status is VisitStatus.OPEN}
        closed = {v.token for v in view.visits if v.status is VisitStatus.INTERRUPTED}
        was_open = [(row, t) for row in view.before[0].rows for t in row.tokens if t.phase is Phase.VISITING]
        cut = {token_name(row.number, token.name) for row, token in was_open}
        wrong = f"{stimulus} closed {_listed(closed)} and opened {_listed(opened)}; cut were {_listed(cut)}"
        yield None if opened == closed == cut else wrong
        waiting = [batch.name for batch in view.before[0].batches if batch.status is BatchStatus.TRIGGERED]
        again = [record.batch for record in view.batches if record.status is BatchStatus.TRIGGERED]
        wrong = f"{stimulus} records {', '.join(again) or 'no batch'} again; {', '.join(waiting) or 'no batch'} awaited a flush"
        yield None if again == waiting else wrong


def _listed(tokens: set[str]) -> str:
    return ", ".join(sorted(tokens)) or "no visit"


@law(
    "R3",
    "No row lost, none read twice",
    "Every row that the source gave is read once, and is counted when the source ends. On a trail, the rows "
    "are in source order.",
    needs=("rows", "runs"),
    on=(RowRecord, RunRecord),
)
def no_row_lost_none_read_twice(view: StepView) -> Iterator[Check]:
    seen: set[tuple[str, str]] = set()
    for record in view.rows:
        runs = [run for run in view.before if run.name == record.run]
        known = any(str(row.number) == record.row for run in runs for row in run.rows)
        if known or (record.run, record.row) in seen:
            yield f"row {record.row} is read a second time"
        elif any(run.source_ended for run in runs):
            yield f"row {record.row} is read after the source had ended"
        else:
            yield None
        seen.add((record.run, record.row))
    for ending in view.of(RunRecord):
        for run in view.after:
            if run.name == ending.run and ending.rows is not None:
                right = ending.rows == len(run.rows)
                yield None if right else f"the source gave {ending.rows} rows, and {len(run.rows)} are there"


@law(
    "R4",
    "No sink effect lost or doubled",
    "A token is written to a sink at most once, and its fate is committed together with the write.",
    needs=("visits", "outcomes", "tx"),
    on=(VisitRecord,),
)
def no_sink_effect_lost_or_doubled(view: StepView) -> Iterator[Check]:
    nodes = view.pipeline.nodes
    seen: set[tuple[str, str]] = set()
    for visit in view.visits:
        if visit.status is not VisitStatus.COMPLETED or nodes[visit.node].kind is not NodeKind.SINK:
            continue
        before = view.token_before(visit.run, visit.token)
        after = view.token_after(visit.run, visit.token)
        if (visit.run, visit.token) in seen or (before is not None and before.fate is not None):
            yield f"token {visit.token} is written to {visit.node} a second time"
        elif after is None or after.fate is None:
            yield f"token {visit.token} is written to {visit.node}, and a crash now would write it again"
        else:
            yield None
        seen.add((visit.run, visit.token))


SAME_STIMULI_SAME_RECORDS = law_known_elsewhere(
    "D1",
    "The same stimuli, the same records",
    "The same stimuli give the same records. An engine that claims a fixed schedule gives the same trail.",
    needs=("stepping",),
    where=(Where.KERNEL, Where.STEP),
    level=Level.PROFILE,
    elsewhere="This law is judged by the locked digest of every transition of every scope, which no run, machine or hash "
    "seed may change.",
)
