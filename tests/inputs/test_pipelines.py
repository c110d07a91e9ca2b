"""Pipelines in YAML, and the expressions in them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from fateline_engine.expressions import ExpressionError, compile_expression
from fateline_engine.settings import SettingsError
from fateline_oracle.limits import limited
from tests.inputs.damage import VALUES, damaged_data, damaged_text
from tests.inputs.harness import Misbehaved, Sandboxes, check, fuzz, late, lengths

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/pipeline.yaml"))
TEXTS = [path.read_text(encoding="utf-8") for path in EXAMPLES]

SMALL: list[Any] = [
    {
        "name": "small",
        "run": {"commit_rows": 2, "row_bytes": 1024},
        "nodes": [
            {"name": "src", "kind": "source", "to": "split", "plugin": "jsonl", "options": {"path": "in.jsonl"},
             "on_error": "bad"},
            {"name": "split", "kind": "gate", "when": "n > 1", "routes": {"true": "fork", "false": "continue"},
             "fork": {"a": "work", "b": "join"}, "to": "batch"},
            {"name": "work", "kind": "transform", "to": "join", "plugin": "derive", "options": {"fields": {"m": "n * 2"}},
             "attempts": 2, "on_error": "discard"},
            {"name": "join", "kind": "coalesce", "branches": ["a", "b"], "to": "out", "policy": "quorum", "quorum_count": 1,
             "merge": "union", "timeout_seconds": 5},
            {"name": "batch", "kind": "aggregation", "to": "out", "plugin": "statistics", "count": 2,
             "options": {"field": "n"}},
            {"name": "out", "kind": "sink", "plugin": "csv", "options": {"path": "out.csv"}},
            {"name": "bad", "kind": "sink", "plugin": "sqlite", "options": {"path": "bad.db", "table": "t"}},
        ],
    }
]  # fmt: skip
ROWS = "".join(json.dumps({"n": number, "text": "é" * number}) + "\n" for number in range(5))
MORE: list[Any] = ["jsonl", "csv", "sqlite", "in.jsonl", "p.yaml", "p.db", "p.db-wal", "out.csv", "os:system", "fork", "discard", "first",
                   "quorum", "n > 1", "n / 0", "9 ** 9 ** 9", "text * 99999999", "os.system('x')", "query"]  # fmt: skip


def run(folder: Path, content: bytes) -> None:
    """Draw it and run it. Only what it names, and the landscape, may change; never the pipeline, the source or a bystander."""
    (folder / "p.yaml").write_bytes(content)
    (folder / "in.jsonl").write_text(ROWS, encoding="utf-8")
    check(folder, "graph", "p.yaml", text=False)
    check(folder, "run", "p.yaml", named=r"(?!p\.yaml$|in\.jsonl$|bystander).*")


@lengths(20, 1_500)
def test_the_text_of_a_pipeline(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)
    fuzz(many, damaged_text(TEXTS), lambda text: run(folders.next(), text.encode("utf-8", "surrogatepass")))


@lengths(20, 1_500)
def test_the_keys_of_a_pipeline(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)
    fuzz(
        many,
        damaged_data(SMALL, MORE),
        lambda data: run(folders.next(), yaml.safe_dump(data, sort_keys=False).encode()),
    )


def test_a_pipeline_that_is_lawful_is_run(tmp_path: Path) -> None:
    """The inputs are damaged from something that comes to its end."""
    folder = Sandboxes(tmp_path).next()
    run(folder, yaml.safe_dump(SMALL[0]).encode())
    assert (folder / "out.csv").read_text().count("\n") == 2


FORMULAS = [
    'amount > 100 and country in ["CH", "AT"]', '"vip" if default(tier, "") == "gold" else "normal"', "a.b.c + [1, 2][0] * -3 // 2 % 4",
    'lower(trim(text)) + "x" * 3', "round(x / 3, 2) >= min(1, abs(x)) or not has(y)", 'contains(text, "é") if n != null else len(text) == 2',
]  # fmt: skip
PIECES = [*FORMULAS, "**", "//", "%", "9" * 400, "1e308", "and", "not ", "in", "if", "else", "[0]", ".a", "x" * 300, "len(", "text * 999999999",
          "min(", "'", '"', "(" * 200, "-" * 300, "1 < 2 < 3", "null", "true"]  # fmt: skip


def evaluated(given: tuple[str, dict[str, Any]]) -> None:
    text, row = given
    with limited(5.0, late):
        try:
            compiled = compile_expression(text)
            for ask in (compiled.value, compiled.truth, compiled.label):
                try:
                    ask(row)
                except ExpressionError as error:
                    assert "\n" not in str(error)  # noqa: PT017
        except ExpressionError as error:
            assert str(error)  # noqa: PT017


FIELDS = ["amount", "country", "tier", "a", "x", "y", "n", "text"]
ROW = st.dictionaries(
    st.sampled_from(FIELDS),
    st.one_of(st.sampled_from(VALUES), st.integers(), st.floats(), st.text(max_size=9)),
    max_size=6,
)


@lengths(160, 15_000)
def test_expressions(many: int) -> None:
    fuzz(many, st.tuples(damaged_text(FORMULAS, PIECES), ROW), evaluated)


def test_seeded_faults_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader and an evaluation that fail with an error of Python, and a run that writes into its own pipeline."""
    folders = Sandboxes(tmp_path)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("seeded")

    with monkeypatch.context() as patched:
        patched.setattr("fateline_engine.plugins.registry.read_document", fails)
        with pytest.raises(Misbehaved, match="traceback"):
            test_the_text_of_a_pipeline(folders.next(), 40)
    with monkeypatch.context() as patched:
        patched.setattr("fateline_engine.expressions.evaluate", fails)
        with pytest.raises(RuntimeError):
            test_expressions(80)

    def writes(path: Path) -> None:
        path.write_text("other")
        raise SettingsError(())

    with monkeypatch.context() as patched:
        patched.setattr("fateline_engine.plugins.registry.read_document", writes)
        with pytest.raises(Misbehaved, match=r"nobody named: p\.yaml"):
            test_the_keys_of_a_pipeline(folders.next(), 40)
