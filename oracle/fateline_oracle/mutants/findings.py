"""The eighteen findings that the project began with, and where the reference engine prevents each.

Not here: the mutants that bring them back (each names its finding), and what kills those (`matrix.py`).
"""

from typing import Final, NamedTuple


class FoundBefore(NamedTuple):
    """What an analysis found in an engine of this kind, and where ours prevents it."""

    says: str
    laws: str
    prevented: str


FINDINGS: Final[dict[int, FoundBefore]] = {
    1: FoundBefore(
        "parents of different rows were merged, or none at all",
        "L2 C2 Z2",
        "`token_manager.py`, guard `parents_of_one_row`",
    ),
    2: FoundBefore(
        "children were written before their contract was known to be locked", "X2", "`token_manager.py`, `expand`"
    ),
    3: FoundBefore(
        "every branch had a deep copy of the row, without a bound",
        "K3",
        "`rows.py`: immutable and shared; `run.row_bytes`",
    ),
    4: FoundBefore(
        "a token could be made for a row that there was not", "L8", "`token_manager.py`, guard `tokens_of_a_row`"
    ),
    5: FoundBefore("rows without a contract became tokens", "X2 Z1", "`token_manager.py`, `initial`"),
    6: FoundBefore(
        "a union overwrote fields silently, in an order nobody had declared", "C9", "`merging.py`, table `merges`"
    ),
    7: FoundBefore("the deadline of a `first` barrier was ignored", "C4", "`verdict.py`, proved equal to the law's"),
    8: FoundBefore(
        "a merge whose contracts conflict left visits open for ever", "V1 C7", "`barrier.py`: one way to fail"
    ),
    9: FoundBefore(
        "one failure was recorded by five pieces of code, which drifted apart", "D1 C7", "`barrier.py`: one way to fail"
    ),
    10: FoundBefore(
        "after ten thousand barriers, late arrivals were misjudged",
        "C5",
        "`recorder.py`: looked up in the trail by key",
    ),
    11: FoundBefore(
        "executor and caller both recorded a fate, or neither did",
        "F1 F2",
        "`state.py`, `end`; guard `fates_written_once`",
    ),
    12: FoundBefore("a late token had a failed visit and no fate until later", "C16 R1", "`coalesce.py`, `_late`"),
    13: FoundBefore(
        "writers believed the run and the row that they were told", "L3 L6 Z1", "`token_manager.py`, `find`"
    ),
    14: FoundBefore(
        "the path that ran was not the graph that was drawn", "T1 T2", "`state.py`: a token takes an edge, and no other"
    ),
    15: FoundBefore("the step numbers of two nodes could be the same", "T1", "no step numbers: nodes are named"),
    16: FoundBefore("joins within joins were not thought of", "C8 T3", "`tokens.py`: a stack of frames"),
    17: FoundBefore("a branch that arrives twice must be refused loudly", "C6 Z1", "`coalesce.py`, `_not_twice`"),
    18: FoundBefore("when best effort has enough was nowhere said", "C4", "`verdict.py`, proved equal to the law's"),
}
