"""What docstrings and pages name is there: files, modules and folders."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("model", "impl", "oracle", "tests", "bench", "specs", "examples")
NAMED_FILE = re.compile(r"`([\w./-]+\.(?:py|sql|md|toml|json|css|js|pl))`")
NAMED_MODULE = re.compile(r"`(fateline(?:_model|_engine|_oracle)(?:\.[a-z_]+)+)`")
INVENTED = re.compile(r"^(?:my_|your_|out\.|report\.|case\.|x\.|pipeline\.(?:json|yaml)|trail\.|test_engine)")
"""Names of files that a reader makes, not files of ours."""


@cache
def files() -> frozenset[str]:
    """Every file of ours, by its path below the root."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    found += list(ROOT.iterdir())
    return frozenset(path.relative_to(ROOT).as_posix() for path in found if path.is_file())


def texts() -> Iterator[Path]:
    for name in sorted(files()):
        if name.endswith(".py") or (name.endswith(".md") and name != "CHANGELOG.md"):
            yield ROOT / name


def is_there(name: str) -> bool:
    """Whether a file of ours is called so, from any folder on."""
    return any(path == name or path.endswith(f"/{name}") for path in files())


def module_is_there(dotted: str) -> bool:
    """Whether it is a module or a package, or a name in one."""
    parts = dotted.split("/")[0].split(".")
    places = {"fateline_model": "model", "fateline_engine": "impl"}
    base = ROOT / places.get(parts[0], "oracle")
    for length in range(len(parts), 0, -1):
        path = base.joinpath(*parts[:length])
        module = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        if module.is_file():
            rest = parts[length:]
            return not rest or (len(rest) <= 2 and rest[0] in module.read_text(encoding="utf-8"))
    return False


def missing(path: Path) -> list[str]:
    """What a text names that is not there."""
    text = path.read_text(encoding="utf-8")
    if path.name == "test_references.py":
        return []
    named = [name for name in NAMED_FILE.findall(text) if not INVENTED.match(name) and not is_there(name.lstrip("./"))]
    return named + [name for name in NAMED_MODULE.findall(text) if not module_is_there(name)]


def test_every_file_and_module_that_a_text_names_is_there() -> None:
    found = {path.relative_to(ROOT).as_posix(): names for path in texts() if (names := missing(path))}
    assert found == {}


def test_a_name_of_no_file_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Not here: `nowhere_at_all.py`, `fateline_oracle.nowhere`; here: `machine.py`, `fateline_model.laws`."
    )
    assert missing(page) == ["nowhere_at_all.py", "fateline_oracle.nowhere"]
