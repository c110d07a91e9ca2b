"""`versions.md`: which versions there are, where each is named, and what increases it.

The numbers on the page are read from the code. Not here: the version of the package, which `pyproject.toml` names.
"""

from typing import Final, NamedTuple

from fateline_engine.landscape.store import SCHEMA_VERSION
from fateline_model import LAW_VERSION

from ..ports.messages import VERSION as PROTOCOL
from ..report.case import SCHEMA as CASE
from ..report.verdict import SCHEMA as REPORT
from ..vectors.store import SCHEMA as VECTORS
from .markdown import page, table


class Version(NamedTuple):
    """One thing that has a version: its value, where it is named, what increases it, and what does not."""

    name: str
    value: str
    named_in: str
    increased_by: str
    not_by: str


VERSIONS: Final = (
    Version(
        "law",
        LAW_VERSION,
        "`fateline_model.LAW_VERSION`; `law_version` in `hello`, in reports, cases, vectors and tables",
        "a change after which some sequence of stimuli is lawful, refused, or recorded otherwise than before: a new or changed "
        "rule, refusal, outcome, reason or policy; a law whose predicate becomes stricter or weaker",
        "another wording of a law, a new mutant, a new scope, a faster checker",
    ),
    Version(
        "trail",
        LAW_VERSION,
        "the title of `schemas/trail.schema.json`; it is the version of the law",
        "a relation or a column that is removed, renamed, or means something else; a word that is removed from a column. Each of "
        "these is a change of the law",
        "a new column that may be absent, a new relation that may be missing",
    ),
    Version(
        "protocol",
        str(PROTOCOL),
        "`fateline_oracle.ports.messages.VERSION`; `protocol` in `hello`",
        "a change after which an engine that was correct is no longer understood: a message or key that is removed, renamed or "
        "becomes required, a word that is removed",
        "a new optional key of an answer, a new message for a port that an engine need not offer, a longer time limit",
    ),
    Version(
        "vectors",
        VECTORS,
        "`schema` in `specs/vectors/index.json`",
        "another form of the files. The *content* of the vectors belongs to the version of the law, which the index names too",
        "more vectors of the same law",
    ),
    Version(
        "report",
        REPORT,
        "`schema` in the output of `--json`",
        "a key that is removed, renamed, or means something else",
        "a new key, another text for people, another HTML page",
    ),
    Version(
        "case",
        CASE,
        "`schema` in a saved counterexample",
        "another form of the file. `fateline replay` refuses a case of another version of the law",
        "a new key that may be absent",
    ),
    Version(
        "landscape",
        str(SCHEMA_VERSION),
        "`PRAGMA user_version` of the reference engine's database",
        "another table, column, key or guard",
        "another view that gives the same records",
    ),
)


def versions_page() -> str:
    """`versions.md`."""
    return page(
        "Versions",
        "What has a version, and what increases it. The values are those of this checkout.",
        table(["What", "Now", "Named in"], [(f"**{one.name}**", f"`{one.value}`", one.named_in) for one in VERSIONS]),
        table(
            ["What", "Increased by", "Not increased by"], [(one.name, one.increased_by, one.not_by) for one in VERSIONS]
        ),
        "## Rules",
        "- The version of the *package* follows semantic versioning. A new version of the law or of the protocol, or a report that "
        "breaks a reader, is at least a new minor version before 1.0.0, and a new major version after it.\n"
        "- Law, trail and the content of the vectors change together: a commit that increases the version of the law also "
        "regenerates the book, the vectors and the locked counts.\n"
        "- An engine that declares another `law_version` is refused, and so is a case of another version. Nothing is translated.\n"
        "- Each change of a version is named in `CHANGELOG.md`, with what an engine's author has to do.",
    )
