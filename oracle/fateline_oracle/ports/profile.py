"""Reads profiles: the laws that an engine deliberately does not follow, each with a sentence.

A profile is a TOML file with one table, `laws`, from the id of a law to the sentence. Only profile laws may be
declared; every engine of this kind must follow the core laws. Not here: how a declaration changes the verdict
(`conform/verdict.py`).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from fateline_model.laws import LAWS, Level

LARGEST: Final = 65_536


class BadProfile(ValueError):
    """A profile file has problems; the message has one line for each."""


class Profile(NamedTuple):
    """The laws that an engine deliberately does not follow, with a sentence for each."""

    laws: Mapping[str, str] = {}


def read_profile(path: Path) -> Profile:
    """Read a profile file. All problems are reported at once."""
    try:
        body = path.read_bytes()
        if len(body) > LARGEST:
            raise BadProfile(f"{path}: the file has {len(body):,} bytes; a profile has at most {LARGEST:,}")
        document = tomllib.loads(body.decode("utf-8"))
    except OSError as error:
        raise BadProfile(f"{path}: {error.strerror}") from error
    except BadProfile:
        raise
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or a number of too many digits
        raise BadProfile(f"{path}: not TOML: {error}") from error
    table = document.get("laws", {})
    wrong = [f"{path}: {key}: a profile has only the table `laws`" for key in document if key != "laws"]
    if not isinstance(table, dict):
        raise BadProfile(f"{path}: laws: give a table from the id of a law to a sentence")
    for law, sentence in table.items():
        if law not in LAWS:
            wrong.append(f"{path}: laws.{law}: there is no such law; see specs/laws.md")
        elif LAWS[law].level is Level.CORE:
            wrong.append(f"{path}: laws.{law}: {LAWS[law].title} is a core law, which every engine must follow")
        elif not isinstance(sentence, str) or not sentence.strip():
            wrong.append(f"{path}: laws.{law}: write a sentence about what the engine does instead")
    if wrong:
        raise BadProfile("\n".join(wrong))
    return Profile({law: " ".join(str(sentence).split()) for law, sentence in table.items()})
