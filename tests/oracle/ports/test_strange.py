"""An adapter that answers garbage, nothing, too much, too late, or lies: one clear line each, and the judge goes on."""

import pytest

from fateline_model.checker.scopes import Instance, instances
from fateline_oracle import limits
from fateline_oracle.conform.instance import InstanceResult, Strategy, drive_instance
from fateline_oracle.engines import NoSuchEngine, engine_of
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import EngineFault, EngineSilent
from fateline_oracle.ports.validate import asked_again, check_records

HERE = "tests.oracle.ports.strange"


def instance_of(family: str) -> Instance:
    return next(found for found in instances("small") if found.family == family)


def judged(name: str, family: str = "untimed diamond") -> InstanceResult:
    with engine_of(f"{HERE}:{name}") as engine:
        return drive_instance(engine, hello_of(engine), instance_of(family), Strategy.REFUSALS, seed=0)


@pytest.mark.parametrize(
    "name, says",
    [
        ("garbage", "answered 'yes'; give a Reply"),
        ("nothing", "answered None; give a Reply"),
        ("garbage_records", "'a record' is not a record"),
        ("unknown_relation", "a record has the unknown relation 'secrets'; the relations are runs, nodes"),
        ("unknown_column", "rows has no column 'password'"),
        ("object_value", "rows.row is <object object"),
        ("too_much", "200,000 records in one answer; at most 100,000 are allowed"),
        ("too_long", "rows.row is a text of 100000 characters"),
        ("raises", "RuntimeError: out of order and more of it"),
    ],
)
def test_what_is_no_answer_is_one_clear_line(name: str, says: str) -> None:
    found = judged(name)
    assert says in found.failures[0]
    assert "\n" not in found.failures[0]
    assert found.found is None


def test_an_answer_that_does_not_come_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_silence", 0.3)
    with pytest.raises(EngineFault, match=r"no answer within 0\.3 s, twice"):
        asked_again(lambda: judged("too_late"))


def test_an_answer_that_comes_the_second_time_is_taken() -> None:
    tries: list[str] = []

    def call() -> str:
        tries.append("asked")
        if len(tries) == 1:
            raise EngineSilent("do: no answer")
        return "an answer"

    assert asked_again(call) == "an answer"


@pytest.mark.parametrize(
    "name, says",
    [
        ("lies_about_ports", "declares port barrier, but gives no such port"),
        ("other_law", "the engine has law version '99'; this judge has version '2'"),
        ("no_words", "does has the unknown word 'juggling'; its words are require_all"),
        ("no_hello", "answered dict; give a Hello"),
    ],
)
def test_a_hello_that_cannot_be_believed_is_said_at_once(name: str, says: str) -> None:
    with engine_of(f"{HERE}:{name}") as engine, pytest.raises(EngineFault, match="hello: ") as fault:
        hello_of(engine)
    assert says in str(fault.value)


@pytest.mark.parametrize(
    "name, says",
    [
        ("nowhere", "is not the name of an engine: write module:factory"),
        ("no.such.module:x", "cannot import no.such.module"),
        (f"{HERE}:nobody", "has no 'nobody'"),
        (f"{HERE}:half_an_engine", "lacks the method hello, lifecycle"),
    ],
)
def test_an_engine_that_cannot_be_had_is_named_with_what_to_do(name: str, says: str) -> None:
    with pytest.raises(NoSuchEngine) as error, engine_of(name):
        pass
    assert says in str(error.value)


def test_who_says_that_it_shows_visits_and_does_not_breaks_the_law() -> None:
    found = judged("hides_visits")
    assert found.found is not None
    assert any("missing: visits" in line for line in found.found.differences)


def test_who_says_that_it_does_not_show_visits_is_not_held_to_them() -> None:
    found = judged("says_it_hides_visits")
    assert (found.found, found.failures) == (None, [])
    assert found.transitions == found.transitions_total > 0


def test_what_a_port_cannot_say_after_all_is_counted_and_the_rest_is_driven_through() -> None:
    found = judged("cannot_say_lawful", "retries")
    assert found.found is None
    assert found.skipped["no retries here"] > 0
    assert found.transitions == found.transitions_total < 472


@pytest.mark.parametrize("relation", [None, {}, [], 7, "nothing"])
def test_a_relation_that_is_no_text_is_an_unknown_relation(relation: object) -> None:
    with pytest.raises(EngineFault, match="unknown relation"):
        check_records("trail", [{"rec": relation}])
