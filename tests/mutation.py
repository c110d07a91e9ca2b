"""Random syntactic mutants of the engine and of the judge: what notices them?

`python -m tests.mutation [--of engine|judge] [--count N] [--seed S] [--jobs N] [--first]`. A site is drawn uniformly from the
places in the source that a run executes (`TARGETS`). The change at a site is one of `CHANGES`. Each mutant is a copy of the
package in a temporary folder that is found first, so nothing here is touched. It is held against:

- the engine, `conform`: the instances of scope small, smallest first, with the same seed each time, until one differs or fails;
- the engine, `tests`: `tests/impl` and `tests/seeds`, without the slow ones, until one fails;
- the judge, `tests`: the tests of its parts that drive an engine, until one fails.

With `--first` a mutant that one of them notices is not held against the next. Before all, a copy without a change must pass,
and a copy that cannot be imported must be noticed by each. What nothing notices is printed, to be looked at: an equivalent
mutant, or a hole. It takes minutes a mutant, so it is not a test. Not here: mutants of the law
(`tests/law_mutants.py`), and mutants that somebody chose (`fateline zoo`).
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from coverage import CoverageData

import fateline_engine
import fateline_oracle

ENGINE: Final = Path(fateline_engine.__file__).parent
JUDGE: Final = Path(fateline_oracle.__file__).parent
ROOT: Final = Path(__file__).parents[1]
BESIDE: Final = ("specs", "examples")
"""Folders that a package looks for beside the folder that holds it."""
SECONDS: Final = 900
"""A mutant that runs longer is noticed: it hangs."""

DRIVE: Final = """
import sys
from fateline_oracle.conform.campaign import Plan, drive_one, every_instance
from fateline_oracle.conform.instance import Strategy
from fateline_oracle.law.verification import read_lock
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.reference.engine import ReferenceEngine
locked = read_lock()["small"]["instances"]
engine = ReferenceEngine()
hello = hello_of(engine)
for instance in sorted(every_instance("small"), key=lambda one: int(str(locked.get(one.name, [0, 500])[1]))):
    judged = drive_one(engine, hello, instance, Plan(Strategy.REFUSALS, 1, stop_first=True))
    if judged.findings or judged.fault is not None:
        print(instance.name, judged.found.laws[0] if judged.found is not None else judged.failures[0])
        sys.exit(1)
"""


PYTEST: Final = (
    "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", "-o", "pythonpath={home} model impl oracle .",
)  # fmt: skip
"""pytest puts the folders of its settings before those of the environment, so the copy is named here too."""


class Target(NamedTuple):
    """A package of which mutants are made. Commands are arguments of the interpreter."""

    package: Path
    folders: tuple[str, ...]
    """The parts of the package in which sites are drawn. Nothing named: all of it."""
    reach: tuple[str, ...]
    """The run whose lines are mutated."""
    parts: dict[str, tuple[str, ...]]
    """What a mutant is held against."""


TARGETS: Final = {
    "engine": Target(
        ENGINE, (), ("{drive}",), {"conform": ("-c", DRIVE), "tests": (*PYTEST, "tests/impl", "tests/seeds")}
    ),
    "judge": Target(
        JUDGE,
        ("compare", "conform", "ports", "report", "trails"),
        ("-m", "pytest", "-q", "-m", "not slow", "tests/oracle/conform/test_going_on.py", "tests/oracle/conform/test_plan.py"),
        {
            "tests": (
                *PYTEST, "tests/oracle/compare", "tests/oracle/ports", "tests/oracle/trails", "tests/oracle/render",
                "tests/oracle/conform", "tests/oracle/report",
            ),
        },
    ),
}  # fmt: skip


class Site(NamedTuple):
    """One place and one change."""

    file: str
    line: int
    what: str
    node: int
    """The number of the node in the order of `ast.walk`."""


def _compared(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    swapped = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
               ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}  # fmt: skip
    if isinstance(node, ast.Compare) and type(node.ops[0]) in swapped:
        yield "comparison", lambda: node.ops.__setitem__(0, swapped[type(node.ops[0])]())


def _constant(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "boolean", lambda: setattr(node, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "number plus one", lambda: setattr(node, "value", int(str(node.value)) + 1)


def _condition(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "condition negated", lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and for or", lambda: setattr(node, "op", other)


def _statement(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    for name in ("body", "orelse"):
        body = getattr(node, name, None)
        if isinstance(body, list):
            for place, one in enumerate(body):
                if isinstance(one, ast.Expr | ast.Assign | ast.AugAssign) and not _is_text(one):
                    yield f"statement {place} of {name} deleted", partial(body.__setitem__, place, ast.Pass())
                if isinstance(one, ast.Return) and one.value is not None:
                    yield f"return {place} of {name} without a value", partial(setattr, one, "value", None)


def _call(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    if (
        isinstance(node, ast.Call)
        and len(node.args) >= 2
        and not any(isinstance(one, ast.Starred) for one in node.args[:2])
    ):
        first, second, *rest = node.args
        yield "arguments swapped", lambda: setattr(node, "args", [second, first, *rest])


CHANGES: Final = (_compared, _constant, _condition, _statement, _call)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def changes_in(tree: ast.AST) -> Iterator[tuple[int, int, str, Callable[[], None]]]:
    """Every change in a module: the number of the node, its line, what is changed, and the change itself."""
    for number, node in enumerate(ast.walk(tree)):
        for change in CHANGES:
            for what, make in change(node):
                yield number, getattr(node, "lineno", 0), what, make


def sites(package: Path, reached: dict[str, set[int]]) -> list[Site]:
    """All sites in lines that were executed."""
    found = []
    for file, lines in sorted(reached.items()):
        tree = ast.parse((package / file).read_text(encoding="utf-8"))
        found += [Site(file, line, what, number) for number, line, what, _ in changes_in(tree) if line in lines]
    return found


def change(tree: ast.AST, site: Site) -> None:
    """Make the change of a site in the module."""
    next(make for number, _, what, make in changes_in(tree) if (number, what) == (site.node, site.what))()


def found_first(home: Path) -> dict[str, str]:
    """The environment of a process that finds the packages in `home` first."""
    first = [str(home), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(first)}


def copied(package: Path, home: Path) -> None:
    """A copy of the package without a change."""
    shutil.copytree(package, home / package.name, ignore=shutil.ignore_patterns("__pycache__"))


def mutated(package: Path, home: Path, site: Site) -> None:
    """A copy of the package with the change."""
    copied(package, home)
    path = home / package.name / site.file
    tree = ast.parse(path.read_text(encoding="utf-8"))
    change(tree, site)
    path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")


def reached_lines(target: Target) -> dict[str, set[int]]:
    """The lines of the package that the run of the target executes, by file."""
    with tempfile.TemporaryDirectory() as name:
        data, script = Path(name, "coverage"), Path(name, "drive.py")
        script.write_text(DRIVE, encoding="utf-8")
        run = [argument.format(drive=script) for argument in target.reach]
        options = ["--rcfile=", f"--data-file={data}", f"--source={target.package}"]
        subprocess.run([sys.executable, "-m", "coverage", "run", *options, *run], cwd=ROOT, check=True)
        found = CoverageData(str(data))
        found.read()
        lines = {Path(file): set(found.lines(file) or ()) for file in found.measured_files()}
    own = {
        file.relative_to(target.package): some for file, some in lines.items() if file.is_relative_to(target.package)
    }
    return {str(file): some for file, some in own.items() if not target.folders or file.parts[0] in target.folders}


def killed_by(home: Path, command: Sequence[str]) -> str | None:
    """What noticed the copy in `home`: a short text, or None."""
    try:
        done = subprocess.run(
            [sys.executable, *(word.replace("{home}", str(home)) for word in command)],
            cwd=ROOT, env=found_first(home), capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "it hangs"
    if done.returncode == 0:
        return None
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    named = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return (named or lines[-1:] or ["no output"])[0][:150]


def main() -> None:
    """Draw mutants, and print what noticed each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--of", choices=[*TARGETS], default="engine")
    options.add_argument("--count", type=int, default=80)
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--lines", help="keep the executed lines in this file, or take them from there")
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--first", action="store_true", help="stop at what notices a mutant first")
    options.add_argument("--numbers", type=int, nargs="*", help="try only these of the mutants drawn")
    given = options.parse_args()
    target = TARGETS[given.of]
    kept = Path(given.lines) if given.lines else None
    if kept is not None and kept.exists():
        reached = {file: set(lines) for file, lines in json.loads(kept.read_text()).items()}
    else:
        reached = reached_lines(target)
    if kept is not None:
        kept.write_text(json.dumps({file: sorted(lines) for file, lines in reached.items()}))
    found = sites(target.package, reached)
    drawn = random.Random(given.seed).sample(found, given.count)
    print(f"seed {given.seed}: {given.count} of {len(found):,} sites in executed lines of the {given.of}", flush=True)
    if noticed := _held_against(target, copied, first=False):
        sys.exit(f"a copy without a change is noticed: {noticed}")
    if missing := target.parts.keys() - _held_against(target, _broken, first=False):
        sys.exit(f"a copy that cannot be imported is not noticed by {', '.join(missing)}")
    total: Counter[str] = Counter()

    def held_against(number: int) -> dict[str, str]:
        return _held_against(target, partial(mutated, site=drawn[number - 1]), first=given.first)

    numbers = given.numbers or range(1, given.count + 1)
    with ThreadPoolExecutor(given.jobs) as workers:
        for number, noticed in zip(numbers, workers.map(held_against, numbers), strict=True):
            site = drawn[number - 1]
            who = " and ".join(noticed) or "nothing"
            total[who] += 1
            print(f"{number:>3}  {site.file}:{site.line}  {site.what}  noticed by {who}", flush=True)
            for part, said in noticed.items():
                print(f"       {part}: {said}", flush=True)
    print("; ".join(f"noticed by {who}: {count}" for who, count in total.most_common()))


def _broken(package: Path, home: Path) -> None:
    copied(package, home)
    (home / package.name / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")


def _held_against(target: Target, make: Callable[[Path, Path], None], *, first: bool) -> dict[str, str]:
    """What notices a copy of the package, each with what it says. `make` makes it."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="fateline-mutant-") as name:
        home = Path(name) / "packages"
        home.mkdir()
        for beside in BESIDE:
            home.with_name(beside).symlink_to(ROOT / beside)
        make(target.package, home)
        for part, command in target.parts.items():
            said = killed_by(home, command)
            if said is not None:
                found[part] = said
                if first:
                    break
    return found


if __name__ == "__main__":
    main()
