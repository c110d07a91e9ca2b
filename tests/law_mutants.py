"""Random syntactic mutants of the law: is each noticed by a law, by the locked counts alone, or by neither?

`python -m tests.law_mutants [--count N] [--seed S] [--jobs J] [--lock | --check]`. A site is drawn uniformly from the places in
the machines' source (`fateline_model` without `laws` and `checker`) that the first states of one instance of each family
execute. The changes are those of `tests/mutation.py`. Each mutant is a copy of the model in a temporary folder, explored by
one process: scope small, smallest instance first, until something notices it:

- `law`: a law is broken, a run is stuck or need never end, or a claim of the scope about all of its instances is wrong;
- `failure`: the machine raises what no machine may raise, refuses a pipeline of the scope, or has ten times the locked states;
- `lock`: the scope holds, and only the counts or digests of `counts.json` differ;
- `neither`.

What no law notices needs a reason, one line each, in `random_mutants.json` of the book: why it is equivalent, or what else
judges it. `--lock` writes the file and keeps the reasons; `--check` draws the locked mutants again and fails if a law notices
fewer of them, or if a reason is missing.

Not here: mutants that somebody chose (`fateline verify --self-test`), and mutants of the engine or the judge (`mutation.py`).
"""

import argparse
import ast
import difflib
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import coverage

import fateline_model
from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.search import explore
from fateline_model.checker.verify import verify_domains
from fateline_oracle.book.random_mutants import LOCK, Found, Noticed, RandomMutant, read, written
from fateline_oracle.law.verification import read_lock

from .mutation import Site, change, found_first, mutated, sites

MODEL: Final = Path(fateline_model.__file__).parent
SECONDS: Final = 1800
"""A mutant that runs longer is noticed: it does not come to an end. The whole scope takes a tenth of this."""

FIRST_STATES: Final = 500
MOST: Final = 100
"""Fewer mutants are the first of so many, so that a longer run contains a shorter one."""
EXPLORE: Final = """
import json, sys
from collections import Counter
try:
    from functools import partial
    from fateline_model.checker import scopes, search, verify
    from fateline_oracle.law.verification import ScopeReport, counted
    locked = json.load(open(sys.argv[1]))["small"]["instances"]
    found, states = [], 0
    kernels = verify.verify_domains()
    if kernels.finding is not None:
        print("law", kernels.finding.laws[0][0], "0", "kernels"); sys.exit()
    for instance in sorted(scopes.instances("small"), key=lambda one: locked[one.line][1]):
        verify.explore = partial(search.explore, limit=1000 + 10 * locked[instance.line][2])
        verified = verify.verify_instance(instance)
        found.append(verified)
        states += verified.states
        if verified.finding is not None:
            laws = verified.finding.laws
            print("law", laws[0][0] if laws else "stuck", states, instance.name); sys.exit()
        if verified.endless:
            print("law", "endless", states, instance.name); sys.exit()
        if verified.bound_reached:
            print("failure", "unbounded", states, instance.name); sys.exit()
    fired, refused = (sum((getattr(one, what) for one in found), Counter()) for what in ("fired", "refused"))
    unmet, disproved = verify.unmet(fired, refused)
    if unmet or disproved:
        print("law", "claims", states, *unmet, *disproved); sys.exit()
    moved = [line for line, counts in counted(ScopeReport("small", found, {})).items() if counts != locked[line]]
    print(*(("lock", "-", states, moved[0]) if moved else ("neither", "-", states, "-")))
except Exception as error:
    print("failure", type(error).__name__, "-", " ".join(str(error).split())[:80])
"""


def small() -> list[Instance]:
    """Scope small, the instance with the fewest locked steps first."""
    locked = read_lock()["small"]["instances"]
    return sorted(instances("small"), key=lambda one: int(str(locked[one.line][1])))


def reached_lines() -> dict[str, set[int]]:
    """The lines of the machines that the first states of the smallest instance of each family execute, by file."""
    smallest = {instance.family: instance for instance in reversed(small())}
    skipped = [str(MODEL / folder / "*") for folder in ("laws", "checker")]
    measured = coverage.Coverage(data_file=None, source=[str(MODEL)], omit=skipped)
    measured.start()
    verify_domains()
    for instance in smallest.values():
        explore(instance.system, (), limit=FIRST_STATES)
    measured.stop()
    data = measured.get_data()
    return {str(Path(file).relative_to(MODEL)): set(data.lines(file) or ()) for file in data.measured_files()}


def noticed(site: Site) -> Noticed:
    """What notices the mutant."""
    with tempfile.TemporaryDirectory(prefix="fateline-mutant-") as home:
        mutated(MODEL, Path(home), site)
        return explored(Path(home))


def explored(home: Path) -> Noticed:
    """What notices the copy of the model in `home`."""
    command = [sys.executable, "-c", EXPLORE, str(MODEL / "checker" / "counts.json")]
    try:
        done = subprocess.run(
            command, env=found_first(home), capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Noticed("failure", "no end", None, "")
    words = done.stdout.split(maxsplit=3)
    if not words:
        return Noticed("failure", "no answer", None, " ".join(done.stderr.split())[-80:])
    by, what, states, where = [*words, "", "", ""][:4]
    return Noticed(by, what, int(states) if states.isdecimal() else None, where.strip())


def described(site: Site) -> RandomMutant:
    """A mutant as the book names it: by what changes in the text, and not by the number of a line, which moves."""
    tree = ast.parse((MODEL / site.file).read_text(encoding="utf-8"))
    before = ast.unparse(tree).splitlines()
    change(tree, site)
    after = ast.unparse(ast.fix_missing_locations(tree)).splitlines()
    changed = [line for line in difflib.unified_diff(before, after, n=0, lineterm="") if line[:3] not in ("---", "+++")]
    old, new = (" ".join(line[1:].strip() for line in changed if line[0] == sign) for sign in "-+")
    return RandomMutant(site.file, shortened(old), shortened(new))


def shortened(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:100]} … {text[-50:]}"


def judged(drawn: list[Site], jobs: int) -> Iterator[tuple[Site, Noticed]]:
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(drawn, pool.map(noticed, drawn), strict=True)


def shares(found: Iterable[Noticed]) -> Counter[str]:
    return Counter(one.by for one in found)


def problems(found: Found, locked: dict[str, Any]) -> list[str]:
    """What the lock does not allow: a smaller share of a law, or a mutant that no law notices and that has no reason."""
    reasons = {RandomMutant(one["file"], one["old"], one["new"]): one["why"] for one in locked["unnoticed"]}
    lines = [
        f"{mutant.file}: `{mutant.old}` becomes `{mutant.new}`: noticed by {one.by}; {LOCK.name} has no reason for it"
        for mutant, one in found
        if one.by in ("lock", "neither") and not reasons.get(mutant)
    ]
    now, then = shares(one for _, one in found), Counter(locked["noticed"])
    if now["law"] + now["failure"] < then["law"] + then["failure"]:
        lines.append(
            f"laws and failures notice {now['law'] + now['failure']}; locked are {then['law'] + then['failure']}"
        )
    return lines


def main() -> None:
    """Draw mutants, and print what noticed each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=100)
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--lock", action="store_true", help="write what was found, and keep the reasons")
    options.add_argument("--check", action="store_true", help="draw the locked mutants again, and compare")
    given = options.parse_args()
    locked = read() if given.check else {"seed": given.seed, "count": given.count}
    every = sites(MODEL, reached_lines())
    drawn = random.Random(locked["seed"]).sample(every, max(MOST, locked["count"]))[: locked["count"]]
    print(f"seed {locked['seed']}: {len(drawn)} of {len(every):,} sites in executed lines of the machines", flush=True)
    if (plain := explored(MODEL.parent)).by != "neither":
        sys.exit(f"the model without a change is noticed: {plain}")
    found: list[tuple[RandomMutant, Noticed]] = []
    for number, (site, one) in enumerate(judged(drawn, given.jobs), 1):
        mutant = described(site)
        found.append((mutant, one))
        states = f", {one.states:,} states" if one.states is not None else ""
        print(
            f"{number:>3}  {site.file}:{site.line}  {site.what}: {one.by} {one.what}{states}  {one.where}", flush=True
        )
        if one.by in ("lock", "neither"):
            print(f"       {mutant.old}\n    -> {mutant.new}", flush=True)
        if given.lock:
            result = written(locked["seed"], len(every), found, read())
            LOCK.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("; ".join(f"{by}: {count}" for by, count in shares(one for _, one in found).most_common()))
    wrong = problems(found, locked) if given.check else []
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
