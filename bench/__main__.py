"""`python -m bench [NAME ...]`: runs the named benchmarks, or all.

It calls the `main()` of each module and measures nothing itself.
"""

import sys
from importlib import import_module
from pathlib import Path


def available() -> list[str]:
    """The names of all benchmarks: the modules beside this one, helpers (``_name``) left out."""
    return sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))


def run(names: list[str]) -> int:
    """Run them in turn; 3 if one is unknown, 2 if there is nothing to run, else 0."""
    known = available()
    if unknown := [name for name in names if name not in known]:
        print(f"no such benchmark: {', '.join(unknown)} (the benchmarks are: {', '.join(known) or 'none'})")
        return 3
    if not known:
        print("there are no benchmarks yet")
        return 2
    for name in names or known:
        print(f"== {name}", flush=True)
        import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
