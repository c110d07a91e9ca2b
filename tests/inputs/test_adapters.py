"""Adapters that answer nonsense over the process protocol, and what is declared of engines: profiles, ledgers, reports.

The other side of the protocol is answered in this process, so that thousands of engines can be tried; a few are real processes.
"""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import strategies as st

from fateline_oracle.conform import campaign
from fateline_oracle.limits import Allowance
from fateline_oracle.mutants import self_test
from fateline_oracle.ports import process_engine
from fateline_oracle.ports.port import Hello, Port
from fateline_oracle.ports.process import EngineProcess
from fateline_oracle.reference.engine import ReferenceEngine
from fateline_oracle.serve import Served
from tests.inputs.damage import BYTES, VALUES, damaged_data, damaged_text
from tests.inputs.harness import Misbehaved, Sandboxes, check, fuzz, lengths

Damage = tuple[int, str, Any]
"""Which answer is damaged, how, and with what."""
PIPELINE = frozenset({Port.PIPELINE})
CONFORM = ("conform", "--scope", "small", "--jobs", 1, "--")


@pytest.fixture(autouse=True)
def one_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest one: what an answer does to the judge does not depend on the pipeline."""
    whole = campaign.every_instance
    monkeypatch.setattr(
        campaign, "every_instance", lambda scope: tuple(one for one in whole(scope) if one.family == "line")
    )
    monkeypatch.setattr(self_test, "SELF_TEST", ())


class NoTrail(ReferenceEngine):
    """Runs by itself would ask back in the middle of an answer."""

    def hello(self) -> Hello:
        said = super().hello()
        return said._replace(ports=said.ports - {Port.TRAIL})


def places(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in items for place in ((value, key), *places(one))]


def altered(line: bytes, how: str, value: Any) -> bytes:
    """An answer with one damage."""
    if how == "bytes":
        return value if isinstance(value, bytes) else json.dumps(value).encode()
    said = json.loads(line)
    found = places(said)
    holder, key = found[hash(how) % len(found)] if not how.isdecimal() else found[int(how) % len(found)]
    if value == "gone":
        del holder[key]
    else:
        holder[key] = [holder[key]] * 3 if value == "thrice" else value
    return json.dumps(said).encode()


class InProcess(EngineProcess):
    """An engine's process, without the process."""

    damages: Sequence[Damage] = ()

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(command)
        self._served = Served(NoTrail(), io.BytesIO(), io.BytesIO())
        self._said = 0
        self._asked = b""

    def _started(self, what: str) -> Any:
        return self

    def _send(self, process: Any, line: bytes, allowed: Allowance, what: str) -> None:
        self._asked = line

    def _line(self, process: Any, allowed: Allowance, what: str) -> bytes:
        out = io.BytesIO()
        self._served._in, self._served._out = io.BytesIO(self._asked), out
        self._served.serve()
        self._said += 1
        answer = out.getvalue().rstrip(b"\n")
        for place, how, value in self.damages:
            if place == self._said:
                answer = altered(answer, how, value)
        line, _, self._pending = (answer + b"\n").partition(b"\n")
        return line


def damages() -> st.SearchStrategy[list[Damage]]:
    values = st.one_of(st.sampled_from([*VALUES, "gone", "thrice"]), st.integers(), st.text(max_size=5))
    one = st.one_of(
        st.tuples(st.integers(1, 40), st.integers(0, 60).map(str), values),
        st.tuples(st.integers(1, 9), st.just("bytes"), st.one_of(st.sampled_from(BYTES), st.binary(max_size=9))),
    )
    return st.lists(one, min_size=1, max_size=3)


@lengths(10, 250)
def test_answers(tmp_path: Path, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = Sandboxes(tmp_path)
    monkeypatch.setattr(process_engine, "EngineProcess", InProcess)

    def tried(given: list[Damage]) -> None:
        InProcess.damages = given
        check(folders.next(), *CONFORM, "an engine")

    fuzz(many, damages(), tried)


ENGINES = {
    "nothing": "import sys\nsys.stdin.read()",
    "garbage": "import sys\nfor line in sys.stdin: sys.stdout.buffer.write(b'\\xff\\x1b]0;x\\x07\\n'); sys.stdout.flush()",
    "itself": "import sys\nfor line in sys.stdin: print(line, end='', flush=True)",
    "escapes": "import json, sys\nfor line in sys.stdin:\n"
    "    print(json.dumps({'id': json.loads(line)['id'], 'error': {'message': '\\x1b[2J\\u202e', 'definite': True}}), flush=True)",
}


@pytest.mark.parametrize("name", list(ENGINES))
def test_real_processes(tmp_path: Path, name: str) -> None:
    folder = Sandboxes(tmp_path).next()
    (folder / "engine.py").write_text(ENGINES[name])
    assert check(folder, "conform", "--timeout", 1, *CONFORM[1:], sys.executable, "engine.py").exit_code == 2


PROFILE = '[laws]\nC16 = "late is late later"\nV4 = "a verdict says less"\n'
LEDGER = (
    '[[known]]\nlaw = "C16"\nkind = "arrive() at coalesce: missing: outcomes failed"\nreason = "known"\nlink = "x"\n'
    'versions = ["1.*", "[a-"]\nscope = "small"\nexpires = 2027-06-30\n'
)
TOML = [
    '"""',
    "[[known]]",
    "[known]",
    "= 1e999",
    "= 2027-13-45",
    "= inf",
    "\\u0000",
    'law = "L1"',
    "C16",
    "a.b.c = 1",
    "[[" * 2_000,
]


@lengths(10, 400)
def test_profiles_and_ledgers(tmp_path: Path, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = Sandboxes(tmp_path)

    def tried(given: tuple[str, str]) -> None:
        folder = folders.next()
        for name, text in zip(("profile.toml", "ledger.toml"), given, strict=True):
            (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        check(folder, "conform", "--scope", "small", "--jobs", 1, "--profile", "profile.toml")
        check(folder, "conform", "--scope", "small", "--jobs", 1, "--ledger", "ledger.toml")

    with monkeypatch.context() as patched:
        patched.setattr(campaign, "every_instance", lambda scope: ())
        fuzz(many, st.tuples(damaged_text([PROFILE], TOML), damaged_text([LEDGER], TOML)), tried)


REPORT = {
    "schema": "fateline.report/1", "verdict": "breached", "law_version": "2", "scope": "small", "seed": 1, "counts": {"a": 1},
    "laws": {"C16": {"verdict": "breached", "checked": 3, "breached": 1, "why": ""}}, "seconds": 1.0, "reproduce": "x",
    "findings": [{"law": "C16", "message": "m\x1b[1m", "kind": "k", "count": 2, "also": ["F1"]}], "skipped": [],
}  # fmt: skip


@lengths(20, 1_000)
def test_reports(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(report: Any) -> None:
        folder = folders.next()
        (folder / "report.json").write_text(json.dumps(report))
        check(folder, "ledger", "report.json")

    fuzz(many, damaged_data([REPORT]), tried)


def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose name steers a terminal."""
    monkeypatch.setattr(process_engine, "EngineProcess", InProcess)
    monkeypatch.setattr(
        NoTrail, "hello", lambda self: ReferenceEngine.hello(self)._replace(name="\x1b]0;x\x07", ports=PIPELINE)
    )
    InProcess.damages = ()
    check(Sandboxes(tmp_path).next(), *CONFORM, "an engine")


def test_the_name_of_an_engine_is_printed_without_what_steers_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(tmp_path, monkeypatch)


def test_seeded_faults_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of an engine printed as it is, and a judge that fails with an error of Python."""
    with monkeypatch.context() as patched:
        patched.setattr("fateline_oracle.cli.conform.say", click.echo)
        with pytest.raises(Misbehaved, match="steer a terminal"):
            named(tmp_path, patched)
    monkeypatch.setattr("fateline_oracle.cli.conform.conclude", lambda *_: 1 / 0)
    with pytest.raises(Misbehaved, match="traceback"):
        test_answers(tmp_path, 3, monkeypatch)
