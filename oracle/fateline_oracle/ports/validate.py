"""Separates the judge from an adapter: every answer becomes a reply, a refusal, or one clear fault.

An adapter may answer garbage, nothing, too much or too late, or raise any exception. None of that reaches the judge:
each call has a time limit, each reply is validated, and each problem is reported in one line. Not here: whether a
well-formed reply is lawful.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar, cast

from fateline_model import RELATIONS, BarrierStimulus, Operation, World
from fateline_model.records import COMMON_COLUMNS
from fateline_model.stimuli import Do

from ..limits import limited, silence
from .choices import CUT_VISITS_LATER, open_cut_visits
from .port import (
    BarrierPort,
    Boundary,
    CommitPolicy,
    CrashPort,
    EngineFault,
    EngineSilent,
    Hello,
    LifecyclePort,
    PipelinePort,
    RecordJson,
    Reply,
    Request,
    Write,
)
from .shown import shown_by

RECORDS: Final = 100_000
"""The largest number of records in one answer."""
TEXT: Final = 65_536
"""The largest number of characters in a text of a record."""

_COLUMNS: Final = {name: frozenset({"rec", *kind._fields, *COMMON_COLUMNS}) for name, kind in RELATIONS.items()}

_WRITES: Final = frozenset(Write)

T = TypeVar("T")


def guarded(what: object, call: Callable[[], T]) -> T:
    """Call an adapter. An exception or a timeout becomes a fault of the engine."""
    try:
        with limited(silence(), lambda: EngineSilent(f"{what}: no answer within {silence():g} s")):
            return call()
    except (EngineFault, EngineSilent):
        raise
    except Exception as error:
        said = " ".join(str(error).split())
        raise EngineFault(f"{what}: {type(error).__name__}{f': {said[:200]}' if said else ''}") from error


def asked_again(call: Callable[[], T]) -> T:
    """Run something that asks an engine, and once more if the engine is silent. The second silence is a fault."""
    try:
        return call()
    except EngineSilent:
        pass
    try:
        return call()
    except EngineSilent as silent:
        raise EngineFault(f"{silent}, twice") from silent


class GuardedPipeline:
    """A pipeline port whose answers are validated, and reduced to what the engine declares to show.

    `declared` are the laws of the engine's profile.
    """

    def __init__(self, port: PipelinePort, hello: Hello, declared: Collection[str] = ()) -> None:
        self._port = port
        self._shown = shown_by(hello)
        self._opens_cut_visits = CUT_VISITS_LATER in declared

    def start(self, pipeline: Mapping[str, object]) -> None:
        guarded("start", lambda: self._port.start(pipeline))

    def do(self, asked: Request) -> Reply:
        reply = self._asked(asked)
        if asked.stimulus.do is Do.RESUME and self._opens_cut_visits and reply.refused is None:
            reply = open_cut_visits(reply, self._asked)
        return self._reduced(reply)

    def _asked(self, asked: Request) -> Reply:
        return checked_reply(asked.stimulus, guarded(asked.stimulus, lambda: self._port.do(asked)))

    def together(self, asked: Sequence[Request]) -> Sequence[Reply]:
        if not asked:
            return ()
        what = f"{len(asked)} stimuli from {asked[0].stimulus}"
        replies = guarded(what, lambda: list(self._port.together(asked)))
        if len(replies) != len(asked):
            raise EngineFault(f"{what}: the adapter gave {len(replies)} replies")
        for one, reply in zip(asked, replies, strict=True):
            checked_reply(one.stimulus, reply) if reply.__class__ is not Reply else _check_reply(one, reply)
        return [self._reduced(reply) for reply in replies]

    def trail(self) -> Sequence[RecordJson]:
        return self._shown(_whole_trail(self._port))

    def _reduced(self, reply: Reply) -> Reply:
        records = self._shown(reply.records)
        return reply if records is reply.records else reply._replace(records=records)

    def close(self) -> None:
        guarded("close", self._port.close)


class GuardedCrash:
    """A crash port whose answers are validated."""

    def __init__(self, port: CrashPort) -> None:
        self._port = port

    def begin(self, pipeline: Mapping[str, object], policy: CommitPolicy) -> None:
        guarded("begin", lambda: self._port.begin(pipeline, policy))

    def do(self, asked: Request) -> Reply:
        reply = guarded(asked.stimulus, lambda: self._port.do(asked))
        return checked_reply(asked.stimulus, reply)

    def boundaries(self) -> Sequence[Boundary]:
        met: list[object] = guarded("boundaries", lambda: list(self._port.boundaries()))
        for one in met:
            if not isinstance(one, Boundary) or one.write not in _WRITES or not isinstance(one.digest, str):
                raise EngineFault(f"boundaries: {_short(one)} is not a Boundary with a write of {', '.join(Write)}")
        return cast("list[Boundary]", met)

    def crash_to(self, digest: str, policy: CommitPolicy | None) -> None:
        guarded("crash_to", lambda: self._port.crash_to(digest, policy))

    def trail(self) -> list[RecordJson]:
        return _whole_trail(self._port)

    def sinks(self) -> dict[str, list[str]]:
        sinks = guarded("sinks", lambda: {sink: list(found) for sink, found in self._port.sinks().items()})
        if not all(isinstance(token, str) for found in sinks.values() for token in found):
            raise EngineFault(f"sinks: answered {_short(sinks)}; give for each sink the ids of its tokens")
        return sinks

    def close(self) -> None:
        guarded("close", self._port.close)


def _whole_trail(port: PipelinePort | CrashPort) -> list[RecordJson]:
    def read() -> list[RecordJson]:
        found: list[RecordJson] = []
        for record in port.trail():
            found.append(record)
            if len(found) > 10 * RECORDS:
                raise EngineFault(f"trail: one run has more than {10 * RECORDS:,} records")
        return found

    records = guarded("trail", read)
    check_records("trail", records)
    return records


def _check_reply(asked: Request, reply: Reply) -> None:
    if reply.records:
        check_records(asked.stimulus, reply.records)


def checked_reply(what: object, reply: object) -> Reply:
    """Return the reply if it is valid."""
    if not isinstance(reply, Reply):
        raise EngineFault(f"{what}: answered {_short(reply)}; give a Reply")
    if reply.refused is not None and not isinstance(reply.refused, str):
        raise EngineFault(f"{what}: refused with {_short(reply.refused)}; give the word of the rule as text")
    if isinstance(reply.records, str | bytes | Mapping) or not isinstance(reply.records, Sequence):
        raise EngineFault(f"{what}: answered {_short(reply.records)}; give a list of records")
    check_records(what, reply.records)
    return reply


def check_records(what: object, records: Sequence[RecordJson]) -> None:
    """Check that every record has a known relation, known columns, and plain values of bounded size."""
    if len(records) > RECORDS:
        raise EngineFault(f"{what}: {len(records):,} records in one answer; at most {RECORDS:,} are allowed")
    for record in records:
        if not isinstance(record, Mapping):
            raise EngineFault(f"{what}: {_short(record)} is not a record")
        relation = record.get("rec")
        columns = _COLUMNS.get(relation) if isinstance(relation, str) else None
        if columns is None or not record.keys() <= columns:
            _unknown(what, record)
        for value in record.values():
            kind = value.__class__
            if kind is not int and kind is not bool and (kind is not str or len(value) > TEXT):  # type: ignore[arg-type]
                _bad_value(what, record)


def _bad_value(what: object, record: RecordJson) -> None:
    """Raise a fault for the invalid value. A subclass of an allowed type is valid."""
    for column, value in record.items():
        if isinstance(value, str) and len(value) > TEXT:
            raise EngineFault(f"{what}: {record['rec']}.{column} is a text of {len(value)} characters")
        if value is not None and not isinstance(value, str | int):
            raise EngineFault(f"{what}: {record['rec']}.{column} is {_short(value)}; give a text or a whole number")


def _unknown(what: object, record: RecordJson) -> None:
    """Raise a fault for an unknown relation or column."""
    relation = record.get("rec")
    columns = _COLUMNS.get(relation) if isinstance(relation, str) else None
    if columns is None:
        raise EngineFault(
            f"{what}: a record has the unknown relation {_short(relation)}; the relations are {', '.join(RELATIONS)}"
        )
    if not record.keys() <= columns:
        unknown = sorted(map(str, set(record) - columns))
        raise EngineFault(f"{what}: {relation} has no column {_short(unknown[0])}")


def _short(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:77]}..."


class GuardedLifecycle:
    """A lifecycle port whose answers are validated, and reduced to what the engine declares to show."""

    def __init__(self, port: LifecyclePort, hello: Hello) -> None:
        self._port = port
        self._shown = shown_by(hello)

    def start(self, runs: int) -> Sequence[str]:
        started: object = guarded("start", lambda: self._port.start(runs))
        if (
            not isinstance(started, Sequence)
            or len(started) != runs
            or not all(isinstance(run, str) for run in started)
        ):
            raise EngineFault(f"start: answered {_short(started)}; give the ids of {runs} runs")
        return started

    def offers(self, operation: Operation, world: World) -> bool:
        return bool(self._port.offers(operation, world))

    def do(self, operation: Operation) -> Reply:
        reply = guarded(operation, lambda: self._port.do(operation))
        checked = checked_reply(operation, reply)
        return checked._replace(records=self._shown(checked.records))

    def close(self) -> None:
        guarded("close", self._port.close)


class GuardedBarrier:
    """A barrier port whose answers are validated, and reduced to what the engine declares to show."""

    def __init__(self, port: BarrierPort, hello: Hello) -> None:
        self._port = port
        self._shown = shown_by(hello)

    def start(self, coalesce: Mapping[str, object]) -> Mapping[str, str]:
        tokens: object = guarded("start", lambda: self._port.start(coalesce))
        if not isinstance(tokens, Mapping) or not all(
            isinstance(part, str) for pair in tokens.items() for part in pair
        ):
            raise EngineFault(f"start: answered {_short(tokens)}; give the token id of each branch")
        return tokens

    def do(self, stimulus: BarrierStimulus) -> Reply:
        reply = guarded(stimulus, lambda: self._port.do(stimulus))
        checked = checked_reply(stimulus, reply)
        return checked._replace(records=self._shown(checked.records))

    def close(self) -> None:
        guarded("close", self._port.close)
