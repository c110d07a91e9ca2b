"""For pytest: a class whose subclass checks an engine against the law, with one test for each law.

    import fateline

    class TestMyEngine(fateline.Conformance):
        engine = "my_package.adapter:engine"

A breached law fails with its counterexample, a law that was not judged is skipped with the reason, and an undetermined
law fails with the reason. The engine is driven once for the whole class. Not here: the judging.
"""

from pathlib import Path
from typing import ClassVar

import pytest

from fateline_model import LAWS
from fateline_oracle.conform.campaign import run_campaign
from fateline_oracle.conform.result import Conformance as Result
from fateline_oracle.conform.verdict import conclude
from fateline_oracle.engines import engine_of
from fateline_oracle.mutants.self_test import self_test
from fateline_oracle.ports.profile import Profile, read_profile
from fateline_oracle.render.conform_text import case_text
from fateline_oracle.report.verdict import Verdict

_RESULTS: dict[tuple[object, ...], Result] = {}


class Conformance:
    """Subclass it, name the subclass Test..., and set `engine`."""

    engine: ClassVar[str] = ""
    """As for `fateline conform`: `module:factory`, `process:COMMAND`, `zoo:NAME`, or "" for the reference engine."""
    scope: ClassVar[str] = "small"
    seed: ClassVar[int] = 0
    jobs: ClassVar[int] = 1
    profile: ClassVar[str | None] = None
    """A TOML file with the laws that the engine deliberately does not follow."""

    @pytest.mark.parametrize("law", list(LAWS))
    def test_law(self, law: str) -> None:
        """One law."""
        result = self._result()
        verdict = result.report.laws[law]
        if result.faults:
            pytest.fail(f"the engine broke down: {result.faults[0]}", pytrace=False)
        if verdict.verdict is None:
            pytest.skip(verdict.why or "not judged")
        if verdict.verdict is Verdict.BREACHED:
            pytest.fail(_message(law, result), pytrace=False)
        if verdict.verdict is Verdict.UNDETERMINED:
            pytest.fail(f"{law} is undetermined: {verdict.why}", pytrace=False)

    @classmethod
    def _result(cls) -> Result:
        key = (cls.engine, cls.scope, cls.seed, cls.profile)
        if key not in _RESULTS:
            profile = read_profile(Path(cls.profile)) if cls.profile is not None else Profile()
            campaign = run_campaign(
                cls.engine, cls.scope, open_engine=engine_of, seed=cls.seed, jobs=cls.jobs,
                declared=frozenset(profile.laws),
            )  # fmt: skip
            words = f"fateline conform {cls.engine} --scope {cls.scope} --seed {cls.seed}"
            _RESULTS[key] = conclude(campaign, self_test(), profile, words)
        return _RESULTS[key]


def _message(law: str, result: Result) -> str:
    """The first counterexample that breaks the law, and the command that repeats it."""
    own = [case for case in result.cases if any(one[0] == law for one in case["laws"])]  # type: ignore[attr-defined]
    own.sort(key=lambda case: (case["laws"][0][0] != law, len(case["steps"])))  # type: ignore[index, arg-type]
    head = f"{law} {LAWS[law].title}: {LAWS[law].sentence}"
    return "\n".join([head, case_text(own[0]) if own else "", f"Repeat with: {result.report.reproduce}"])
