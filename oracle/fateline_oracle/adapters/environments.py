"""Environments of engines: each engine, in each version, is installed in a folder by itself, once, and used again.

They lie in `FATELINE_ENGINES`, or else in `~/.cache/fateline/engines`. A folder is complete when its file `ready` is there; one
that was cut off is made again. Nothing of ours is installed there. Not here: what an engine is (`adapters`).
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import as_file
from pathlib import Path
from typing import Final

from . import ENGINES, of_engine
from .profiles import EngineProfile, profile_of

READY: Final = "ready"
QUIET: Final[Mapping[str, str]] = {
    "DO_NOT_TRACK": "1",
    "LANGSMITH_TRACING": "false",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
"""What every engine gets in its environment, so that it sends nothing."""


class NoEnvironment(Exception):
    """An engine cannot be installed or started; the message says why, and what to do."""


def home() -> Path:
    """The folder of all environments."""
    return Path(os.environ.get("FATELINE_ENGINES") or Path.home() / ".cache" / "fateline" / "engines")


def place(packages: Sequence[str]) -> Path:
    """The folder of an environment with these packages."""
    return home() / re.sub(r"[^A-Za-z0-9.=+-]", "_", "+".join(packages))


def is_made(packages: Sequence[str]) -> bool:
    return (place(packages) / READY).is_file()


def in_version(profile: EngineProfile, version: str) -> tuple[str, ...]:
    """The packages of an engine, with another version of the first. The others are left to the installer."""
    name, _, ours = profile.packages[0].partition("==")
    if version == ours:
        return profile.packages
    rest = (package.partition("==")[0] for package in profile.packages[1:])
    return (f"{name}=={version}", *rest)


def make(profile: EngineProfile, packages: Sequence[str]) -> Path:
    """Install the packages, unless they are. Raises `NoEnvironment`."""
    folder = place(packages)
    if is_made(packages):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if profile.runtime == "node":
        names = [package.replace("==", "@") for package in packages]
        run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), *names])
    else:
        run([sys.executable, "-m", "venv", str(folder)])
        run([str(folder / "bin" / "python"), "-m", "pip", "-qq", "install", *packages])
    (folder / READY).touch()
    return folder


def run(words: list[str]) -> None:
    """Run a command to its end, quietly. Raises `NoEnvironment` with its last line if it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **QUIET})
    except OSError as error:
        raise NoEnvironment(f"{words[0]}: {error.strerror}; it is needed for this engine") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise NoEnvironment(f"{shlex.join(words[:4])} ...: {lines[-1]}")


def words_of(engine: str, packages: Sequence[str], program: str, *more: str) -> list[str]:
    """The command that runs a program of an engine's folder in its environment. An engine of Node.js is run from our Python."""
    with as_file(of_engine(engine, program)) as file:
        if profile_of(engine).runtime == "node":
            return [sys.executable, str(file), "node", str(place(packages)), *more]
        return [str(place(packages) / "bin" / "python"), str(file), *more]


def driven_by(name: str) -> list[str]:
    """The command that drives an engine, named `ENGINE` or `ENGINE@VERSION`. Raises `NoEnvironment` if it is not installed."""
    engine, _, version = name.partition("@")
    if engine not in ENGINES or not profile_of(engine).drives:
        known = [one for one in ENGINES if profile_of(one).drives]
        raise NoEnvironment(f"no engine {engine!r} can be driven; these can: {', '.join(known)}")
    profile = profile_of(engine)
    packages = in_version(profile, version) if version else profile.packages
    if not is_made(packages):
        raise NoEnvironment(f"{', '.join(packages)} is not installed; `fateline engines {name} --make` installs it")
    return words_of(engine, packages, "drive.py")
