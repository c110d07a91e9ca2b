"""`fateline prove`: what it prints and exits with when all is proved, one is refuted, one is undecided, or none can be."""

import json
from collections.abc import Callable, Sequence

import pytest
from click.testing import CliRunner, Result

from fateline_model import LAWS
from fateline_oracle.cli import main
from fateline_oracle.cli import prove as command
from fateline_oracle.cli.prove import EVERY
from fateline_oracle.law.proofs.gate import GET_CROSSHAIR, ConditionResult, Proof
from fateline_oracle.law.proofs.settle import Kill, Settled

pytestmark = pytest.mark.proof

Change = Callable[[str], Settled]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["prove", *arguments])


def pretend(monkeypatch: pytest.MonkeyPatch, settled: Change) -> None:
    """Settle nothing: the command must tell what it is given."""

    def all_of(names: Sequence[str], **_: object) -> list[Settled]:
        return [settled(name) for name in names]

    monkeypatch.setattr(command, "settle_all", all_of)


def good(name: str) -> Settled:
    kills = tuple(Kill(mutant.what, True, f"{name}(…) gives …") for mutant in EVERY[name].mutants)
    return Settled(name, (ConditionResult("x", Proof.CONFIRMED),), ("",), kills, 0.1)


def test_it_really_proves() -> None:
    found = run("--only", "expired", "--only", "deadline_of", "--jobs", "1", "--json")
    told = json.loads(found.stdout)
    assert (found.exit_code, told["verdict"]) == (0, "holds")
    assert told["laws"]["C11"]["verdict"] == "holds"
    assert told["laws"]["C11"]["checked"] == 3
    assert told["counts"]["mutants_refuted"] == told["counts"]["mutants"] == 2
    assert {one["what"] for one in told["skipped"]} == set(EVERY) - {"expired", "deadline_of"}
    assert told["reproduce"] == "fateline prove --only deadline_of --only expired"


def test_a_law_is_told_as_far_as_its_kernels_decide_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, good)
    laws = json.loads(run("--json").stdout)["laws"]
    assert list(laws) == list(LAWS)
    assert laws["L2"]["why"] == "as far as these kernels decide it, for every integer: same_line, two_parents, ancestry"
    assert (laws["R1"]["verdict"], laws["R1"]["why"]) == ("not judged", "no kernel decides it")


def test_all_proved_is_told_in_full_and_within_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, good)
    monkeypatch.setenv("COLUMNS", "100")
    found = run()
    assert found.exit_code == 0
    assert found.stdout.splitlines()[-1].startswith(f"holds  {len(EVERY)} of {len(EVERY)} obligations")
    assert all(len(line) <= 100 for line in found.stdout.splitlines()[:-1])
    words = " ".join(found.stdout.split())
    for obligation in EVERY.values():
        assert obligation.sentence in words
        assert all(mutant.what in words for mutant in obligation.mutants)


def test_one_refuted_is_a_breach_of_its_laws_with_the_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    def settled(name: str) -> Settled:
        if name != "expired":
            return good(name)
        return Settled(name, (ConditionResult("y", Proof.REFUTED, "expired(1) gives 2"),), ("",), good(name).kills, 0.1)

    pretend(monkeypatch, settled)
    found = run()
    assert found.exit_code == 1
    assert "REFUTED: expired(1) gives 2, against: y" in found.stdout
    told = json.loads(run("--json").stdout)
    assert [law for law, result in told["laws"].items() if result["verdict"] == "breached"] == ["C11"]
    assert told["findings"][0]["message"] == "expired: expired(1) gives 2, against: y"


@pytest.mark.parametrize("flaw", ["condition", "witness", "mutant"])
def test_one_undecided_leaves_its_laws_undetermined(monkeypatch: pytest.MonkeyPatch, flaw: str) -> None:
    def settled(name: str) -> Settled:
        one = good(name)
        if name != "keep":
            return one
        judged = (ConditionResult("y", Proof.UNDECIDED, "no time"),) if flaw == "condition" else one.judged
        witnesses = ("witness: it is none",) if flaw == "witness" else one.witnesses
        kills = (Kill("the change", False, "confirmed as well"),) if flaw == "mutant" else one.kills
        return Settled(name, judged, witnesses, kills, 0.1)

    pretend(monkeypatch, settled)
    found = run()
    assert found.exit_code == 2
    why = {"condition": "y: no time", "witness": "it is none", "mutant": "mutant not refuted: the change"}[flaw]
    assert f"UNDECIDED: {'' if flaw != 'witness' else 'witness: '}{why}" in found.stdout
    laws = json.loads(run("--json").stdout)["laws"]
    assert [law for law, result in laws.items() if result["verdict"] == "undetermined"] == ["C9"]
    assert why in laws["C9"]["why"]


def test_without_crosshair_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    found = run("--json")
    assert found.exit_code == 2
    assert GET_CROSSHAIR in found.stderr
    assert json.loads(found.stdout)["verdict"] == "undetermined"
    assert run().stdout.splitlines()[-1].startswith(f"undetermined  0 of {len(EVERY)} obligations")


def test_an_unknown_obligation_is_a_usage_error() -> None:
    found = run("--only", "nothing")
    assert found.exit_code == 3
    assert "'decide'" in found.stderr
