"""Every rule on `specs/implementers.md`, asked of the model: what the page answers is what the law does.

A rule has one test, named after it. `says` checks that the words which the model gave stand in the answer of the page.
"""

import json

import pytest

from fateline_model import IllFormed, Refusal, Run, Stimulus, load
from fateline_model.checker.shapes import (
    batch,
    coalesce,
    diamond,
    expand_then_fork,
    fork,
    line,
    nested,
    pipeline,
    quarantine,
    retries,
    sink,
    source,
    work,
)
from fateline_model.records import (
    BarrierRecord,
    BatchRecord,
    HopRecord,
    LossRecord,
    OutcomeRecord,
    RunRecord,
    TokenRecord,
    VisitRecord,
)
from fateline_model.stimuli import Do
from fateline_model.words import MergeData, RunStatus
from fateline_oracle.book.exchanges import FIRST, OTHERS, answers
from fateline_oracle.book.implementers import RULES, Rule
from tests.model.scenario import Story

ALL = {rule.name: rule for rules in RULES.values() for rule in rules}
OK, CONFLICT, COLLISION = MergeData.OK, MergeData.CONTRACT_CONFLICT, MergeData.UNION_COLLISION


def says(name: str, *words: object) -> None:
    """The answer of the page has each of these words, as code."""
    for word in words:
        assert f"`{word}`" in ALL[name].answer, (name, word)


def begun(document: dict[str, object]) -> Story:
    """A row whose token is visiting its first node."""
    story = Story(document)
    story.read()
    story.begin("0")
    return story


def finish(token: str, verdict: str) -> Stimulus:
    return Stimulus(Do.FINISH, token=token, verdict=verdict)


def gate_only(**more: object) -> dict[str, object]:
    gate = {"name": "g", "kind": "gate", "routes": {"on": "continue"}, "to": "out", **more}
    return pipeline("gate only", source("g"), gate, sink("out"))


def three_of_a_kind(policy: str = "require_all", merge: str = "union") -> Story:
    """A fork into three whose branches lead to the coalesce: `c` and `a` straight, `b` through a transform."""
    return Story(
        pipeline(
            "three",
            source("g"),
            fork("g", {"c": "j", "a": "j", "b": "tb"}),
            work("tb", "j"),
            coalesce("j", ["a", "b", "c"], "out", policy, merge),
            sink(),
        )
    ).forked()


# ----------------------------------------------------------------------------------------------------- the page itself


def test_every_rule_of_the_page_has_a_test_and_every_test_a_rule() -> None:
    tests = {name.removeprefix("test_rule_") for name in globals() if name.startswith("test_rule_")}
    assert {name.lower().replace(" ", "_") for name in ALL} == tests


@pytest.mark.parametrize("rule", ALL.values(), ids=ALL)
def test_every_rule_has_a_question_an_answer_and_a_place(rule: Rule) -> None:
    assert rule.question.endswith(("?", "."))
    assert "?" in rule.question
    assert rule.answer.endswith(".")
    assert ".md)" in rule.where


# ------------------------------------------------------------------------------------------------------ tokens and ids


@pytest.mark.parametrize("unknown", ["00", "-1", "", "0 ", "+0"])
def test_rule_ids(unknown: str) -> None:
    story = Story(line())
    story.read()
    says("Ids", story.refuses(Stimulus(Do.BEGIN, token=unknown)))
    story.begin("0")


def test_rule_group() -> None:
    def groups(story: Story) -> dict[str, tuple[str | None, str | None]]:
        return {t.token: (t.group_kind and str(t.group_kind), t.group) for t in story.all_of(TokenRecord)}

    joined = three_of_a_kind("first")
    (forked,) = joined.wrote_of(OutcomeRecord)
    joined.arrive("0/a")
    (coalesced,) = joined.wrote_of(OutcomeRecord)
    found = groups(joined)
    assert found["0"] == (None, None)
    assert found["0/a"] == ("fork", "0") == ("fork", forked.group)
    assert found["0/j"] == ("join", "0/j") == ("join", coalesced.group)
    expanded = begun(expand_then_fork())
    expanded.finish("0", "expand 2")
    assert groups(expanded)["0.1"] == ("expand", "0") == ("expand", expanded.wrote_of(OutcomeRecord)[0].group)
    batched = _one_batch()
    batched.flushed("agg#0", "outputs 2")
    assert groups(batched)["0.1"] == ("batch", "agg#0")
    says("Group", "forked", "expanded", "coalesced", "group", "group_kind")


def test_rule_order_of_children() -> None:
    story = three_of_a_kind()
    (forked,) = story.wrote_of(OutcomeRecord)
    assert forked.promised == "c,a,b"
    assert story.parents == [("0/c", "0", 0), ("0/a", "0", 1), ("0/b", "0", 2)]
    other = begun(expand_then_fork())
    other.finish("0", "expand 3")
    assert other.wrote_of(OutcomeRecord)[0].promised == "3"
    assert [ordinal for _, _, ordinal in other.parents] == [0, 1, 2]
    says("Order of children", "promised", "parents", "fork")


def test_rule_order_of_parents() -> None:
    story = three_of_a_kind()
    for branch in ("c", "a"):
        story.arrive(f"0/{branch}")
    story.visit("0/b", "pass")
    story.arrive("0/b")
    assert story.parents == [("0/j", "0/a", 0), ("0/j", "0/b", 1), ("0/j", "0/c", 2)]
    lost = three_of_a_kind("best_effort")
    lost.arrive("0/c")
    lost.visit("0/b", "drop")
    lost.deadline("j@0")
    assert lost.parents == [("0/j", "0/c", 0)]


def test_rule_first_hop() -> None:
    story = three_of_a_kind("first")
    story.visit("0/b", "pass")
    story.arrive("0/a")
    without = {hop.token: hop.src for hop in story.all_of(HopRecord) if hop.from_visit is None}
    assert without == {"0": "src", "0/a": "g", "0/b": "g", "0/c": "g", "0/j": "j"}
    later = [hop for hop in story.all_of(HopRecord) if hop.from_visit is not None]
    assert [(hop.token, hop.from_visit) for hop in later] == [("0/b", "0/b@tb#0")]
    expanded = begun(expand_then_fork())
    expanded.finish("0", "expand 1")
    assert [(hop.token, hop.from_visit) for hop in expanded.wrote_of(HopRecord)] == [("0.0", None)]
    batched = _one_batch()
    batched.flushed("agg#0", "outputs 1")
    assert [(hop.token, hop.from_visit) for hop in batched.wrote_of(HopRecord)] == [("0.0", None)]


# ------------------------------------------------------------------------------------------------- visits and verdicts


def test_rule_unknown_route() -> None:
    story = begun(gate_only())
    says("Unknown route", story.refuses(finish("0", "route")))
    story.finish("0", "route nowhere")
    ((_, _, _, status, verdict),) = story.visits
    assert story.outcomes == [("0", "failed", "node_failed")]
    says("Unknown route", status, verdict)
    led = begun(gate_only(on_error="discard"))
    led.finish("0", "route nowhere")
    assert led.outcomes == [("0", "quarantined", "node_failed")]


def test_rule_unexpected_expansion() -> None:
    story = begun(line())
    story.finish("0", "expand 2")
    assert story.visits == [("0", "t", 0, "failed", "error")]
    says("Unexpected expansion", begun(expand_then_fork()).refuses(finish("0", "pass")))


@pytest.mark.parametrize("verdict", ["expand 0", "expand 02", "expand", "expand +1", "expand 1000000"])
def test_rule_count_of_an_expansion(verdict: str) -> None:
    says("Count of an expansion", begun(expand_then_fork()).refuses(finish("0", verdict)))
    batched = Stimulus(Do.FLUSHED, hold="agg#0", verdict=verdict.replace("expand", "outputs"))
    says("Count of an expansion", _one_batch().refuses(batched))
    _one_batch().flushed("agg#0", "empty")
    begun(expand_then_fork()).finish("0", "drop")


def test_rule_attempts() -> None:
    story = begun(retries(2))
    story.finish("0", "error_retryable")
    assert story.visits == [("0", "t", 0, "failed", "error_retryable"), ("0", "t", 1, "open", None)]
    story.finish("0", "error_retryable")
    assert [hop.label for hop in story.wrote_of(HopRecord)] == ["on_error"]
    story.begin("0")
    assert story.visits == [("0", "bad", 0, "open", None)]
    at_once = begun(retries(2))
    at_once.finish("0", "error")
    assert [hop.label for hop in at_once.wrote_of(HopRecord)] == ["on_error"]


def test_rule_late_visit() -> None:
    story = three_of_a_kind("first")
    story.arrive("0/a")
    story.arrive("0/c")
    ((_, node, attempt, status, verdict),) = story.visits
    ((_, outcome, reason),) = story.outcomes
    assert (node, attempt, outcome) == ("j", 0, "failed")
    assert not story.losses
    assert not story.barriers
    says("Late visit", status, verdict, reason)
    failed = three_of_a_kind("require_all")
    failed.visit("0/b", "drop")
    failed.arrive("0/a")
    says("Late visit", failed.outcomes[0][2])


# ------------------------------------------------------------------------------------------------------------ barriers


def test_rule_loss_after_the_resolution() -> None:
    story = Story(nested("first", "require_all")).forked()
    story.visit("0/a", "route all")
    story.visit("0/b", "pass")
    story.arrive("0/b")  # the outer barrier merges
    story.visit("0/a/p", "drop")  # the inner one fails
    assert [barrier for barrier, *_ in story.barriers] == ["ji@0/a"]
    assert {loss.barrier for loss in story.wrote_of(LossRecord)} == {"ji@0/a"}
    assert {loss.barrier for loss in story.all_of(LossRecord)} == {"ji@0/a"}


def test_rule_first_event() -> None:
    story = Story(diamond(3, "quorum:2")).forked()
    story.refuses(Stimulus(Do.DEADLINE, hold="j@0"))
    story.visit("0/a", "drop")
    assert not story.barriers
    story.deadline("j@0")
    assert story.barriers == [("j@0", "failed", "quorum_not_met", "deadline", "", "a")]


def test_rule_first_with_losses() -> None:
    story = Story(diamond(3, "first")).forked()
    for branch in ("a", "b"):
        story.visit(f"0/{branch}", "drop")
        assert not story.barriers
    story.visit("0/c", "drop")
    says("First with losses", story.barriers[0][2])


def test_rule_nothing_arrived() -> None:
    story = Story(diamond(2, "first")).forked()
    story.visit("0/b", "drop")
    story.visit("0/a", "drop")
    (record,) = story.wrote_of(BarrierRecord)
    assert (record.arrived, record.lost, record.result) == ("", "a,b", None)
    says("Nothing arrived", "arrived", "lost", "result")


def test_rule_token_of_a_loss() -> None:
    story = Story(nested()).forked()
    story.visit("0/a", "route all")
    story.visit("0/a/p", "drop")
    outer = [loss for loss in story.losses if loss[0] == "j@0"]
    assert [(branch, token) for _, branch, token, _ in outer] == [("a", "0/a")]
    says("Token of a loss", outer[0][3])


# ----------------------------------------------------------------------------------------------- merges and their data


def test_rule_words_of_data() -> None:
    says("Words of data", *MergeData)
    story = Story(diamond(2, "require_all", "union:fail", 0)).forked()
    story.arrive("0/a")
    Story(diamond(2, "require_all", "union:fail", 0)).forked()
    for words in (CONFLICT,), (COLLISION,), (OK,):
        again = Story(diamond(2, "require_all", "union:fail", 0)).forked()
        again.arrive("0/a")
        again.arrive("0/b", *words)
    plain = Story(diamond(2, "require_all", "union", 0)).forked()
    plain.arrive("0/a")
    plain.refuses(Stimulus(Do.ARRIVE, token="0/b", data=(COLLISION,)))
    alone = Story(diamond(2, "first", "union", 0)).forked()
    alone.refuses(Stimulus(Do.ARRIVE, token="0/a", data=(CONFLICT,)))
    nest = Story(diamond(2, "require_all", "nested", 0)).forked()
    nest.arrive("0/a")
    nest.refuses(Stimulus(Do.ARRIVE, token="0/b", data=(CONFLICT,)))


def test_rule_data_and_select() -> None:
    def selecting() -> Story:
        return Story(diamond(2, "first", "select:a", 0)).forked()

    story = selecting()
    says("Data and select", story.refuses(Stimulus(Do.ARRIVE, token="0/b", data=(CONFLICT,))))
    for words in (), (OK,):
        story = selecting()
        story.arrive("0/b", *words)
        says("Data and select", story.barriers[0][2])


def test_rule_two_merges_in_one_step() -> None:
    def ready() -> Story:
        story = Story(nested("best_effort", "require_all")).forked()
        story.visit("0/b", "pass")
        story.arrive("0/b")
        story.visit("0/a", "route all")
        story.visit("0/a/p", "pass")
        story.arrive("0/a/p")
        return story

    for words in (CONFLICT,), (CONFLICT, OK):
        story = ready()
        story.arrive("0/a/q", *words)
        assert [(barrier, verdict) for barrier, verdict, *_ in story.barriers] == [
            ("ji@0/a", "failed"),
            ("j@0", "merged"),
        ]
    says(
        "Two merges in one step",
        ready().refuses(Stimulus(Do.ARRIVE, token="0/a/q", data=(CONFLICT, OK, OK))),
    )
    says("Two merges in one step", ready().refuses(Stimulus(Do.ARRIVE, token="0/a/q", data=(OK, OK))))


# ------------------------------------------------------------------------------------------------------------- batches


def _one_batch() -> Story:
    """Two rows in a batch that is full."""
    story = Story(batch("transform", 2))
    for row in (0, 1):
        story.read(row)
        if story.token(str(row)).node != "agg":
            story.visit(str(row), "pass")
        story.accept(str(row))
    return story


def test_rule_outputs_of_a_batch() -> None:
    story = _one_batch()
    story.flushed("agg#0", "outputs 2")
    assert story.parents == [("0.0", "0", 0), ("0.1", "0", 1)]
    says("Outputs of a batch", story.wrote_of(TokenRecord)[0].group_kind)


def test_rule_unknown_batch() -> None:
    story = Story(line())
    story.do(Do.END_OF_SOURCE)
    says("Unknown batch", story.refuses(Stimulus(Do.FLUSH, hold="agg#9")))


# ---------------------------------------------------------------------------------------------------- source and sinks


def test_rule_quarantine_sink_that_refuses() -> None:
    def with_error(**more: object) -> dict[str, object]:
        return pipeline("q", source("out", on_error="bad"), sink("out"), sink("bad", **more), sink("worse"))

    story = Story(quarantine())
    story.read(0, "invalid")
    story.visit("0", "refused")
    ((_, outcome, reason),) = story.outcomes
    says("Quarantine sink that refuses", outcome, reason)
    with pytest.raises(IllFormed, match="enters no node but its quarantine sink"):
        load(with_error(on_error="worse"))
    lenient = Story(pipeline("q", source("out", on_error="bad"), sink("out"), sink("bad", on_error="discard")))
    lenient.read(0, "invalid")
    lenient.visit("0", "refused")
    ((_, outcome, reason),) = lenient.outcomes
    says("Quarantine sink that refuses", outcome, reason)


def test_rule_invalid_row_without_a_sink() -> None:
    story = Story(line())
    story.read(0, "invalid")
    assert [type(record).__name__ for record in story.wrote] == ["RowRecord", "TokenRecord", "OutcomeRecord"]
    says("Invalid row without a sink", *story.outcomes[0][1:])


# ---------------------------------------------------------------------------------------------------- crash and resume


def crashed(story: Story) -> Story:
    assert story.do(Do.CRASH) == ()
    story.do(Do.RESUME)
    return story


def test_rule_cut_visit() -> None:
    story = crashed(begun(line()))
    ((_, _, _, status, verdict), again) = story.visits
    assert verdict is None
    assert again == ("0", "t", 1, "open", None)
    says("Cut visit", status, story.refuses(Stimulus(Do.BEGIN, token="0")))


def test_rule_interrupted_attempts_and_tries() -> None:
    story = crashed(begun(retries(2)))
    story.finish("0", "error_retryable")
    assert story.visits[-1] == ("0", "t", 2, "open", None), "one try was used, and one was left"
    story.finish("0", "error_retryable")
    assert [hop.label for hop in story.wrote_of(HopRecord)] == ["on_error"]


def test_rule_held_visit() -> None:
    story = three_of_a_kind()
    story.arrive("0/a")
    crashed(story)
    assert story.visits == []
    story.arrive("0/c")
    buffered = Story(batch("transform", 2))
    buffered.read()
    if buffered.token("0").node != "agg":
        buffered.visit("0", "pass")
    buffered.accept("0")
    crashed(buffered)
    assert buffered.visits == []
    assert buffered.batches == []
    assert buffered.all_of(VisitRecord)[-1].status == "held"


def test_rule_triggered_batch() -> None:
    story = crashed(_one_batch())
    assert story.batches == [("agg#0", "triggered", "count", None)]
    story.flushed("agg#0", "outputs 1")
    assert len(story.all_of(BatchRecord)) == 4, "opened, triggered, triggered again, ended"


# ------------------------------------------------------------------------------------------------------------- the run


def test_rule_record_of_the_start() -> None:
    assert Run().status is RunStatus.RUNNING
    story = Story(line())
    story.read()
    assert not story.all_of(RunRecord)
    says("Record of the start", "runs", RunStatus.RUNNING)


def test_rule_status_interrupted() -> None:
    story = crashed(begun(line()))
    story.do(Do.END_OF_SOURCE)
    assert {record.status for record in story.all_of(RunRecord)} == {RunStatus.RUNNING}
    says("Status interrupted", RunStatus.INTERRUPTED, RunStatus.RUNNING)


def test_rule_number_of_rows() -> None:
    story = crashed(begun(line()))
    assert [record.rows for record in story.wrote_of(RunRecord)] == [None]
    story.finish("0", "drop")
    story.do(Do.END_OF_SOURCE)
    assert [record.rows for record in story.wrote_of(RunRecord)] == [1]
    crashed(story)
    assert [record.rows for record in story.wrote_of(RunRecord)] == [1]
    story.do(Do.RUN_OVER)
    assert [record.rows for record in story.wrote_of(RunRecord)] == [1]


def test_rule_answers_to_start_messages() -> None:
    by_ask = {
        line.message["ask"]: json.loads(answer)
        for exchange in (FIRST, *OTHERS)
        for line, answer in zip(exchange.lines, answers(exchange), strict=False)
    }
    assert set(by_ask["start"]) == {"id"}
    assert set(by_ask["start_barrier"]["tokens"]) == {"", "a", "b"}
    says("Answers to start messages", "tokens", "runs", "start_runs")


# ------------------------------------------------------------------------------------------------------------ refusals


def test_rule_word_of_a_refusal() -> None:
    story = Story(line())
    story.read()
    story.visit("0", "drop")
    assert story.refuses(Stimulus(Do.BEGIN, token="0")) is Refusal.HAS_FATE
    story.over()
    assert story.refuses(Stimulus(Do.BEGIN, token="0")) is Refusal.RUN_OVER
    assert story.refuses(Stimulus(Do.BEGIN, token="7")) is Refusal.RUN_OVER
    assert f"{len(Refusal)} words" in ALL["Word of a refusal"].answer
    order = list(Refusal)
    assert order.index(Refusal.RUN_OVER) < order.index(Refusal.UNKNOWN_TOKEN) < order.index(Refusal.NOT_ITS_NEXT_NODE)


def test_rule_no_trace() -> None:
    story = Story(batch("transform", 2))
    story.read()
    before = story.run
    story.refuses(Stimulus(Do.FLUSH, hold="agg#0"))
    story.refuses(Stimulus(Do.ARRIVE, token="0"))
    assert story.run is before
