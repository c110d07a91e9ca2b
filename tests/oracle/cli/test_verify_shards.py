"""The law verified by several machines: the merged report is that of a single run, and only it compares with the lock."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from fateline_model.checker.scopes import Instance, Sizes
from fateline_model.checker.verify import Verified, verify_domains
from fateline_model.laws import StepView
from fateline_oracle.cli import main
from fateline_oracle.cli.verify_shards import Asked
from fateline_oracle.law import verification
from fateline_oracle.law.verification import KERNELS, instances_by_name, names_to_verify, scope_report
from fateline_oracle.shard import WHOLE, Shard
from tests.oracle.sharding import Words, called, merged, shards, timeless, timeless_text

SCOPES = ("small", Sizes(3, 1))


def up_to(size: int) -> Words:
    return lambda engine, *more: ["verify", "--all", size, "--jobs", 1, *more]


@pytest.mark.parametrize("of", [1, 2, 7, 141, 1000])
@pytest.mark.parametrize("scope", SCOPES)
def test_each_instance_and_the_kernels_are_in_exactly_one_shard(scope: str | Sizes, of: int) -> None:
    names = [name for number in range(1, of + 1) for name in names_to_verify(scope, Shard(number, of))]
    assert sorted(names) == sorted([*instances_by_name(scope), KERNELS])


@pytest.mark.parametrize("of", [2, 3])
def test_the_merged_report_is_that_of_one_run_and_is_held_against_the_lock(tmp_path: Path, of: int) -> None:
    one = whole_run(4)
    reports = shards(tmp_path, up_to(4), "", of)
    assert merged(reports[::-1], "holds") == one
    document = json.loads(reports[0].read_text())
    name = next(name for name in document["shard"]["results"] if name != KERNELS)
    document["shard"]["results"][name]["counts"]["states"] += 1
    reports[0].write_text(json.dumps(document))
    assert "counts differ from the locked: every pipeline of size" in str(merged(reports, "undetermined")["prevented"])


@cache
def whole_run(size: int) -> dict[str, Any]:
    return timeless(json.loads(called(*up_to(size)("", "--json"))))


@pytest.mark.slow
def test_the_merged_report_of_a_scope_is_that_of_one_run(tmp_path: Path) -> None:
    def small(engine: str, *more: object) -> list[object]:
        return ["verify", "--scope", "small", *more]

    assert merged(shards(tmp_path, small, "", 2), "holds") == timeless(json.loads(called(*small("", "--json"))))


@pytest.fixture
def a_law_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """V3 as if nothing might ever fail: broken in nearly every pipeline."""

    def broken(view: StepView) -> Iterator[str | None]:
        yield f"{view.stimulus} is an error" if "error" in str(view.stimulus) else None

    def with_broken(scope: str | Sizes) -> dict[str, Instance]:
        return {
            name: one._replace(
                laws=tuple(law._replace(predicate=broken) if law.id == "V3" else law for law in one.laws)
            )
            for name, one in instances_by_name(scope).items()
        }

    monkeypatch.setattr(verification, "instances_by_name", with_broken)


def test_the_merged_report_of_a_breach_is_that_of_one_run(a_law_that_is_broken: None, tmp_path: Path) -> None:
    def three(engine: str, *more: object) -> list[object]:
        return up_to(3)(engine, "--cases", tmp_path / "cases", *more)

    one = timeless(json.loads(called(*three("", "--json"), status=(1,))))
    cases = content(tmp_path / "cases")
    reports = shards(tmp_path, three, "", 2)
    assert len(one["findings"]) == 2
    for path in (tmp_path / "cases").iterdir():
        path.unlink()
    said = json.loads(called("merge", *reports, "--json", "--cases", tmp_path / "cases", status=(1,)))
    assert timeless(said) == one
    assert content(tmp_path / "cases") == cases != {}
    assert "shard 2/2 is missing" in called("merge", reports[0], status=(1,))
    assert timeless_text(called("merge", *reports)) == timeless_text(called(*up_to(3)("")))


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_shard_is_not_held_against_the_lock_and_says_so(tmp_path: Path) -> None:
    last = len(instances_by_name("small")) + 1

    def small(engine: str, *more: object) -> list[object]:
        return ["verify", "--scope", "small", "--jobs", 1, *more]

    said = called(*small("", "--shard", f"{last}/{last}"), status=(0,))
    assert f"Only shard {last}/{last} was verified; the locked counts" in said
    assert f"\nholds in shard {last}/{last}  1 instances, 0 states" in said
    assert "was met, except those" not in said
    report = tmp_path / "one.json"
    report.write_text(called(*small("", "--shard", f"{last - 1}/{last}", "--json"), status=(0,)))
    one = json.loads(report.read_text())
    assert one["verdict"] == "holds"
    assert {law["why"] for law in one["laws"].values() if law["verdict"] == "not judged"} > {
        f"only shard {last - 1}/{last} was verified"
    }
    prevented = merged([report], "undetermined")["prevented"]
    assert len(prevented) == last - 1
    assert all("is missing" in line for line in prevented)


def test_only_a_whole_scope_is_compared_with_claims_and_lock() -> None:
    found: dict[str, Verified] = {KERNELS: verify_domains()}
    share = scope_report("small", found, {}, (Shard(1, 2),), 0.0)
    assert (share.unmet, share.unwitnessed, share.drift) == ([], [], [])
    for shards_of_it in ((WHOLE,), (Shard(1, 2), Shard(2, 2))):
        whole = scope_report("small", found, {}, shards_of_it, 0.0)
        assert "crash" in whole.unmet
        assert "T3" in whole.unwitnessed
        assert len(whole.drift) == len({one.line for one in instances_by_name("small").values()})


@pytest.mark.parametrize("more", [("--self-test",), ("--mutant", "x"), ("--pipeline", "x"), ("--lock",)])
def test_what_is_not_split_is_refused(more: tuple[str, ...]) -> None:
    assert "leave out" in " ".join(called("verify", "--shard", "1/2", *more, status=(3,)).split())


def test_a_page_of_verify_is_refused(tmp_path: Path) -> None:
    reports = shards(tmp_path, up_to(2), "", 1)
    assert "writes no page" in called("merge", *reports, "--html", tmp_path / "p.html", status=(3,))


def test_a_size_that_takes_long_to_list_is_not_split() -> None:
    done = CliRunner().invoke(main, ["verify", "--all", "7", "--shard", "1/2"])
    assert (done.exit_code, "up to size 6" in done.output) == (3, True)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"scope": None, "largest": 7, "crashes": 0}, Asked)
