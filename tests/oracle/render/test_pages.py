"""The report page: well formed, self-contained, complete, and safe against what an engine calls itself."""

import re
from html.parser import HTMLParser

import pytest

from fateline_model.laws import ALL
from fateline_oracle.conform.campaign import Campaign
from fateline_oracle.conform.instance import InstanceResult, Strategy, drive_instance
from fateline_oracle.conform.result import Conformance, SelfTest
from fateline_oracle.conform.verdict import conclude
from fateline_oracle.engines import engine_of
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Engine
from fateline_oracle.ports.profile import Profile
from fateline_oracle.render.conform_html import render

PLACE = "untimed diamond policy=first timed=False"
HOSTILE = "<script>alert(1)</script>\"'&"


NEVER_CLOSED = {"meta", "br"}


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in NEVER_CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag


def judged(engine: Engine) -> InstanceResult:
    return drive_instance(engine, hello_of(engine), place_called(PLACE), Strategy.REFUSALS, seed=0)


def conformance(name: str, called: str | None = None) -> Conformance:
    with engine_of(name) as engine:
        hello = hello_of(engine)
        hello = hello._replace(name=called or hello.name)
        campaign = Campaign(name, "small", 7, hello, [judged(engine)])
    tests = (SelfTest("a-bug", "a mistake", "C16", "C16", 10), SelfTest("another", "one more", "C3", None, 5))
    return conclude(campaign, tests[:1], Profile(), "fateline conform --seed 7")


@pytest.fixture(scope="module", params=["", "zoo:late-without-a-fate"])
def found(request: pytest.FixtureRequest) -> Conformance:
    return conformance(request.param)


def test_it_is_well_formed(found: Conformance) -> None:
    page = Balanced()
    page.feed(render(found))
    assert page.open == []


def test_it_needs_nothing_from_outside_and_no_script(found: Conformance) -> None:
    page = render(found).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    assert "@import" not in page
    assert re.search(r"url\((?!#)", page) is None  # an arrow of the page itself is its own


def test_every_law_is_on_it_with_its_sentence(found: Conformance) -> None:
    page = render(found)
    for law in ALL:
        assert f'<b id="law-{law.id}">{law.id}</b>' in page
    assert "A token has at most one terminal outcome, its fate, and the fate never changes." in page


def test_it_says_the_verdict_the_coverage_and_how_to_repeat_it(found: Conformance) -> None:
    page, counts = render(found), found.report.counts
    assert f"{counts['states']:,} of {counts['states_total']:,}" in page
    assert str(found.report.verdict) in page
    assert "fateline conform --seed 7" in page


def test_a_breach_shows_expected_beside_observed_and_the_lineage() -> None:
    page = render(conformance("zoo:late-without-a-fate"))
    assert "<h4>The law</h4>" in page
    assert "<h4>The engine</h4>" in page
    assert "outcomes</span> <mark>missing</mark>" in page, "marked in its place"
    assert "<svg" in page
    assert "Legal here:" in page


def test_what_an_engine_calls_itself_is_only_text() -> None:
    page = render(conformance("", HOSTILE + "x" * 10_000))
    assert "<script" not in page
    assert "x" * 1_000 not in page


def test_a_law_that_is_not_judged_says_why() -> None:
    page = render(conformance("tests.oracle.ports.strange:says_it_hides_visits"))
    assert "the engine does not show visits" in page
