"""Profiles: the laws that an engine does otherwise on purpose, each with a sentence of its own.

A profile is a TOML file with one table, `laws`, from the id of a law to the sentence. Only profile laws may be declared;
a core law is what any engine of this kind owes. Not here: what is made of a declaration (`conform.py`).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from fateline_model.laws import LAWS, Level

LARGEST: Final = 65_536


class BadProfile(ValueError):
    """All that is wrong with a profile file, a line each."""


class Profile(NamedTuple):
    """What an engine declares."""

    laws: Mapping[str, str] = {}


def read_profile(path: Path) -> Profile:
    """Read a profile file. Everything that is wrong with it is said at once."""
    try:
        body = path.read_bytes()
        if len(body) > LARGEST:
            raise BadProfile(f"{path}: {len(body)} bytes; a profile has at most {LARGEST}")
        document = tomllib.loads(body.decode("utf-8"))
    except OSError as error:
        raise BadProfile(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadProfile(f"{path}: not TOML: {error}") from error
    table = document.get("laws", {})
    wrong = [f"{path}: {key}: there is only one table, laws" for key in document if key != "laws"]
    if not isinstance(table, dict):
        raise BadProfile(f"{path}: laws is a table from the id of a law to a sentence")
    for law, sentence in table.items():
        if law not in LAWS:
            wrong.append(f"{path}: laws.{law}: there is no such law; see specs/laws.md")
        elif LAWS[law].level is Level.CORE:
            wrong.append(f"{path}: laws.{law}: {LAWS[law].title} is a core law, and cannot be declared away")
        elif not isinstance(sentence, str) or not sentence.strip():
            wrong.append(f"{path}: laws.{law}: say in a sentence what the engine does instead")
    if wrong:
        raise BadProfile("\n".join(wrong))
    return Profile({law: " ".join(str(sentence).split()) for law, sentence in table.items()})
