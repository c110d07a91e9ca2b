"""Stories: a pipeline's run told stimulus by stimulus, every step of it judged by every law.

Not a test: the helper of those that tell one. A `Story` keeps the run and everything that was written; what is refused
must leave the run as it was.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from fateline_model import Accepted, IllFormed, Pipeline, Problem, Record, Refusal, Run, StepView, load, step
from fateline_model.checker.shapes import diamond
from fateline_model.laws import ALL, checks
from fateline_model.records import (
    BarrierRecord,
    BatchRecord,
    HopRecord,
    LossRecord,
    MemberRecord,
    OutcomeRecord,
    ParentRecord,
    TokenRecord,
    VisitRecord,
)
from fateline_model.state import Barrier, Token, token_name
from fateline_model.stimuli import Do, Stimulus
from fateline_model.words import MergeData, RunStatus

R = TypeVar("R", bound=Record)


def breaches(pipeline: Pipeline, before: Run, stimulus: Stimulus, records: tuple[Record, ...], after: Run) -> list[str]:
    """What every law says against one step, each line with the law's id."""
    view = StepView(pipeline, (before,), stimulus, records, (after,))
    return [f"{law.id}: {check}" for law in ALL for check in checks(law, view) if check is not None]


def problems(document: object) -> list[Problem]:
    """Everything that is wrong with a pipeline; nothing if it is accepted."""
    try:
        load(document)
    except IllFormed as ill:
        return list(ill.problems)
    return []


class Story:
    """One run, told by what happens to it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.pipeline = load(document)
        self.run = Run()
        self.records: list[Record] = []
        self.wrote: tuple[Record, ...] = ()

    def tell(self, stimulus: Stimulus) -> tuple[Record, ...]:
        """A lawful step: what it writes. No law may object to it."""
        result = step(self.pipeline, self.run, stimulus)
        assert isinstance(result, Accepted), f"{stimulus} is refused as {result}"
        assert breaches(self.pipeline, self.run, stimulus, result.records, result.run) == []
        self.run, self.wrote = result.run, result.records
        self.records.extend(result.records)
        return result.records

    def refuses(self, stimulus: Stimulus) -> Refusal:
        """The rule that forbids it. The run stays the very same object, equal to what it was."""
        run, before = self.run, repr(self.run)
        result = step(self.pipeline, run, stimulus)
        assert isinstance(result, Refusal), f"{stimulus} is accepted, and writes {result.records}"
        assert self.run is run
        assert repr(run) == before
        return result

    def every(self, stimuli: Iterable[Stimulus]) -> None:
        for stimulus in stimuli:
            self.tell(stimulus)

    # ------------------------------------------------------------------------------------------------- what happens

    def read(self, row: int = 0, verdict: str = "valid") -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.READ, row=row, verdict=verdict))

    def begin(self, token: str) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.BEGIN, token=token))

    def finish(self, token: str, verdict: str, *data: MergeData) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.FINISH, token=token, verdict=verdict, data=data))

    def visit(self, token: str, verdict: str, *data: MergeData) -> tuple[Record, ...]:
        """Begin and finish in one line; what the finishing wrote."""
        self.begin(token)
        return self.finish(token, verdict, *data)

    def arrive(self, token: str, *data: MergeData) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.ARRIVE, token=token, data=data))

    def accept(self, token: str) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.ACCEPT, token=token))

    def deadline(self, hold: str, *data: MergeData) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.DEADLINE, hold=hold, data=data))

    def condition(self, hold: str) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.CONDITION, hold=hold))

    def flush(self, hold: str) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.FLUSH, hold=hold))

    def flushed(self, hold: str, verdict: str, *data: MergeData) -> tuple[Record, ...]:
        return self.tell(Stimulus(Do.FLUSHED, hold=hold, verdict=verdict, data=data))

    def do(self, do: Do) -> tuple[Record, ...]:
        """What has no arguments: the end of the source, the end of the run, a crash, a resume."""
        return self.tell(Stimulus(do))

    def forked(self, row: int = 0, gate_verdict: str = "route all") -> "Story":
        """A row read, and forked by the gate it comes to."""
        self.read(row)
        self.visit(str(row), gate_verdict)
        return self

    def over(self) -> None:
        """The source ends, and the run is over."""
        self.do(Do.END_OF_SOURCE)
        self.do(Do.RUN_OVER)
        assert self.run.status is RunStatus.COMPLETED

    # ------------------------------------------------------------------------------------------------- what is there

    def wrote_of(self, kind: type[R]) -> list[R]:
        """The records of one relation that the last step wrote."""
        return [record for record in self.wrote if isinstance(record, kind)]

    def all_of(self, kind: type[R]) -> list[R]:
        """The records of one relation that the whole run wrote."""
        return [record for record in self.records if isinstance(record, kind)]

    def token(self, name: str) -> Token:
        return next(t for row in self.run.rows for t in row.tokens if token_name(row.number, t.name) == name)

    def barrier(self, node: str, row: int = 0) -> Barrier:
        return next(b for r in self.run.rows if r.number == row for b in r.barriers if b.node == node)

    @property
    def fates(self) -> dict[str, str]:
        """What became of every token that has met its fate."""
        return {
            token_name(r.number, t.name): str(t.fate) for r in self.run.rows for t in r.tokens if t.fate is not None
        }

    @property
    def outcomes(self) -> list[tuple[str, str, str | None]]:
        """The outcomes that the last step wrote: token, outcome, reason."""
        return [(o.token, str(o.outcome), o.reason and str(o.reason)) for o in self.wrote_of(OutcomeRecord)]

    @property
    def visits(self) -> list[tuple[str, str, int | None, str, str | None]]:
        """The visits that the last step wrote: token, node, attempt, status, verdict."""
        return [(v.token, v.node, v.attempt, str(v.status), v.verdict) for v in self.wrote_of(VisitRecord)]

    @property
    def hops(self) -> list[tuple[str, str, str, str]]:
        """The hops that the last step wrote: token, source, label, destination."""
        return [(h.token, h.src, h.label, h.dst) for h in self.wrote_of(HopRecord)]

    @property
    def barriers(self) -> list[tuple[str, str, str | None, str, str | None, str | None]]:
        """The resolutions that the last step wrote: barrier, verdict, reason, trigger, arrived, lost."""
        return [
            (b.barrier, str(b.verdict), b.reason and str(b.reason), str(b.trigger), b.arrived, b.lost)
            for b in self.wrote_of(BarrierRecord)
        ]

    @property
    def losses(self) -> list[tuple[str, str, str | None, str]]:
        """The losses that the last step wrote: barrier, branch, token, reason."""
        return [(x.barrier, x.branch, x.token, str(x.reason)) for x in self.wrote_of(LossRecord)]

    @property
    def batches(self) -> list[tuple[str, str, str | None, int | None]]:
        """The batches that the last step wrote: batch, status, trigger, outputs."""
        return [(b.batch, str(b.status), b.trigger and str(b.trigger), b.outputs) for b in self.wrote_of(BatchRecord)]

    @property
    def members(self) -> list[tuple[str, str, int | None]]:
        """The memberships that the last step wrote: batch, token, ordinal."""
        return [(m.batch, m.token, m.ordinal) for m in self.wrote_of(MemberRecord)]

    @property
    def parents(self) -> list[tuple[str, str, int | None]]:
        """The lineage that the last step wrote: child, parent, ordinal."""
        return [(p.child, p.parent, p.ordinal) for p in self.wrote_of(ParentRecord)]

    @property
    def made(self) -> list[str]:
        """The tokens that the last step made."""
        return [t.token for t in self.wrote_of(TokenRecord)]


def through(policy: str = "require_all", merge: str = "union", branches: int = 2, works: int | None = None) -> Story:
    """A diamond whose row has forked."""
    return Story(diamond(branches, policy, merge, works)).forked()


def bring(story: Story, branch: str, *data: MergeData) -> None:
    """A branch of the diamond passes its transform and arrives."""
    story.visit(f"0/{branch}", "pass")
    story.arrive(f"0/{branch}", *data)
