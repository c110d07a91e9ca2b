"""Engines of others, run: each breaks the laws that it is known to break and no other, makes databases like those that are
kept, and its documentation says what its profile quotes. Each test needs an engine, and is skipped with a reason without it."""

import json
import subprocess
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest
from click.testing import CliRunner

from fateline_oracle.adapters import ENGINES
from fateline_oracle.adapters.environments import QUIET, is_made, place, words_of
from fateline_oracle.adapters.profiles import cases_of, file_of, profile_of
from fateline_oracle.audit.whole_file import judged_file
from fateline_oracle.cli import main
from fateline_oracle.conform.campaign import Selection, run_campaign
from fateline_oracle.conform.verdict import conclude
from fateline_oracle.engines import OTHERS, engine_of
from fateline_oracle.ports.profile import Profile
from fateline_oracle.report.verdict import Verdict
from tests.oracle.audit.postgresql_server import OWNER, programs, server

pytestmark = pytest.mark.engines
DRIVEN = [engine for engine in ENGINES if profile_of(engine).drives]
AT_REST = [engine for engine in ENGINES if profile_of(engine).reads]


def needs(engine: str) -> None:
    packages = profile_of(engine).packages
    if not is_made(packages):
        pytest.skip(f"{', '.join(packages)} is not installed; `fateline engines --make` installs it")


@pytest.mark.parametrize("engine", DRIVEN)
def test_a_driven_engine_breaks_what_it_is_known_to_break(engine: str) -> None:
    needs(engine)
    profile = Profile(profile_of(engine).declared)
    campaign = run_campaign(
        OTHERS + engine, "small", open_engine=engine_of, seed=0, jobs=1, declared=frozenset(profile.laws),
        only=Selection(("barrier*",)),
    )  # fmt: skip
    found = conclude(campaign, [], profile, "")
    assert found.faults == ()
    broken = {law for law, one in found.report.laws.items() if one.verdict is Verdict.BREACHED}
    assert broken == set(profile_of(engine).breaks)
    assert found.report.counts["steps"] > 50


@pytest.mark.parametrize("engine", AT_REST)
def test_databases_that_an_engine_writes_today_are_like_those_that_are_kept(engine: str, tmp_path: Path) -> None:
    needs(engine)
    words = words_of(engine, profile_of(engine).packages, "record.py", str(tmp_path))
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", **QUIET})
    assert done.returncode == 0, done.stderr
    for name, case in cases_of(engine).items():
        laws = judged_file(tmp_path / file_of(engine, name), name).report.laws
        assert {law for law, one in laws.items() if one.verdict is Verdict.BREACHED} == set(case.breaks), name


@pytest.mark.skipif(programs() is None, reason="no server of PostgreSQL is installed (Debian: postgresql)")
def test_what_an_engine_writes_to_a_server_is_read_there(tmp_path: Path) -> None:
    """DBOS keeps its tables in a schema of PostgreSQL."""
    needs("dbos")
    words = words_of(
        "dbos", profile_of("dbos").packages, "record.py", "--child", str(tmp_path), "none", "error", "first"
    )
    with server() as address:
        with psycopg.connect(f"{address}postgres", autocommit=True) as conn:
            conn.execute("CREATE DATABASE kept")
        socket = unquote(address.partition("@")[2].rstrip("/"))
        names = {"PATH": "/usr/bin:/bin", "FATELINE_ADDRESS": f"postgresql://{OWNER}@/kept?host={socket}", **QUIET}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=names)
        assert done.returncode == 0, done.stderr
        told = CliRunner().invoke(main, ["audit", f"{address}kept?options=-csearch_path%3Ddbos", "--json"])
    report = json.loads(told.stdout)
    assert (report["verdict"], report["counts"]["runs"], report["counts"]["breaches"]) == ("holds", 3, 0)
    assert report["counts"]["tokens"] > 12


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if profile_of(engine).runtime == "python"])
def test_the_documentation_says_what_is_quoted(engine: str) -> None:
    needs(engine)
    (packages,) = (place(profile_of(engine).packages) / "lib").glob("python*/site-packages")
    for choice in profile_of(engine).choices:
        if " " in choice.where:  # a page, and no module
            continue
        module = packages / choice.where.replace(".", "/")
        files = [module.with_suffix(".py")] if module.with_suffix(".py").is_file() else list(module.glob("*.py"))
        text = " ".join(" ".join(file.read_text("utf-8") for file in files).split())
        assert " ".join(choice.documented.split()) in text, choice.documented
