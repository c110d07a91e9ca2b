"""What was found in real databases: audit databases that engines of one family wrote, and remarks about each.

The databases lie in this folder as they were given, compressed; nothing in them was changed. The audit says whether something
is a breach; the remarks here say what it means. Not here: the auditing, and the page (`book/found.py`).
"""

import lzma
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from ...audit.adapters import find_adapter
from ...audit.source import reading
from ...audit.summary import AuditSummary, tell
from ...audit.whole import Wanted, audit


class Case(NamedTuple):
    """One database: when and by what it was written, the laws that it breaks, and what that means."""

    what: str
    breaks: Mapping[str, str] = {}
    """A law, and what its breaches mean here."""
    remark: str = ""
    """What else a reader should know."""


_CLEAN: Final = "Nothing that the trail shows is against the law."

CASES: Final[dict[str, Case]] = {
    "jan28_pre-topology": Case(
        "28 January 2026: csv, a gate that forks a and b, a coalesce (require_all, union), a gate that routes to two sinks",
        {
            "T1": "A serious breach. The recorded graph leads each branch into the coalesce, and the merged token through the gate "
            "after it. The run led each branch through that gate first: nine of twenty rows were routed there on both branches "
            "and never merged, and the eleven merged tokens went directly to a sink without passing the gate. The graph "
            "describes something that did not happen.",
            "T3": "The same fault, seen in the stacks: both branches visit a gate that comes after their coalesce.",
        },
    ),
    "feb03-co-require_all-union": Case(
        "3 February 2026: csv, a gate that forks a and b, a coalesce (require_all, union), json", {}, _CLEAN
    ),
    "feb03-co-first-select": Case(
        "3 February 2026: the same with policy first and merge select",
        {},
        "In every row the second branch comes late and fails as late in the step of its arrival. Nothing is against the law.",
    ),
    "feb03-agg_replicate": Case(
        "3 February 2026: csv, a batch of three that makes one to three copies of each, json",
        {
            "F3": "A breach. The first member of each batch gets its fate `consumed_in_batch` when it is buffered, and the flush begins "
            "afterwards. If the process had died between the two, the token would have a fate and no result, and nothing in the "
            "trail would have caused it to be processed again. The fault was known, and the databases of March do not have it.",
            "B1": "A breach, but nothing is lost: the copies are children of the token that triggered the batch, which is its last "
            "member; the law says the first. So lineage and membership lead to different rows. In July the first member is the "
            "parent.",
        },
    ),
    "feb03-expand": Case("3 February 2026: json, an expansion into one to three children, json", {}, _CLEAN),
    "feb03-route_quarantine": Case(
        "3 February 2026: csv with bad integers, a filter with an error sink, a gate, two sinks",
        {
            "T1": "A breach that was known: four tokens go from the filter to the sink of its errors, three from the source to its "
            "quarantine, and the graph has neither edge. Nothing was lost, but the graph alone does not lead to these sinks. The "
            "databases of 17 February and later have the edges."
        },
    ),
    "feb12_post-topology": Case(
        "12 February 2026: the pipeline of 28 January, after the fix",
        {},
        "Both branches go into the coalesce, and the merged token goes through the gate after it. Nothing is against the law.",
    ),
    "feb17_pre-micro-c": Case(
        "17 February 2026: no pipeline. A token of one row was to be forked with the id of another row",
        {
            "L2": "The most serious breach of all: both children belong to the second row, and their parent belongs to the first. The "
            "operation believed the row that its caller named. From here on, data of one row would have been recorded as data "
            "of the other."
        },
        "The run is not over, so laws about the end of a run are not judged.",
    ),
    "feb17_post-co-quorum-union-loss": Case(
        "17 February 2026: csv, a fork into three, a transform each of which one fails on some rows, a quorum of two, json",
        {},
        "Where two branches arrived the third was late; where one was diverted, the other two merged. Losses are not recorded, "
        "so it cannot be shown that every branch is accounted for. Nothing that is shown is against the law.",
    ),
    "tb_head-agg": Case(
        "30 March 2026: csv, a batch of six, statistics, json",
        {
            "B1": "As on 3 February: in the three batches that were closed by their count, the output is a child of the last member. In "
            "the fourth, closed by the end of the source, it is a child of the first. Fates now come after the flush, so F3 holds."
        },
    ),
    "tb_head-co-best_effort-union-loss": Case(
        "30 March 2026: csv, a fork into two, a transform each of which one fails on some rows, best effort, json",
        {},
        "Where the branch was diverted, the other merged alone. Nothing that the trail shows is against the law.",
    ),
    "jd_head-co-require_all-union-loss": Case(
        "23 July 2026: the same with require_all",
        {},
        "Where a branch was diverted its loss is recorded, and the barrier failed for it. Nothing is against the law.",
    ),
    "jd_head-route_quarantine": Case("23 July 2026: the pipeline of feb03-route_quarantine", {}, "Both edges are there now. " + _CLEAN),
    "jd_head-expand": Case("23 July 2026: the pipeline of feb03-expand", {}, _CLEAN),
    "jd_head-agg_replicate": Case(
        "23 July 2026: the pipeline of feb03-agg_replicate",
        {},
        "Fates come after the flush, and outputs are children of the first member. Nothing is against the law.",
    ),
}  # fmt: skip
"""In the order in which they were written."""


@contextmanager
def unpacked(name: str) -> Iterator[Path]:
    """The database, unpacked while a block runs."""
    packed = files(__package__) / f"{name}.db.xz"
    with tempfile.TemporaryDirectory(prefix="fateline-found-") as folder:
        path = Path(folder) / f"{name}.db"
        path.write_bytes(lzma.decompress(packed.read_bytes()))
        yield path


def judged(name: str) -> AuditSummary:
    """What the audit says of it."""
    with unpacked(name) as path:
        adapter = find_adapter(path)
        found = audit(Wanted(path, adapter))
        with reading(path, adapter) as source:
            return tell(found, source, name, f"fateline audit {name}.db", 3)
