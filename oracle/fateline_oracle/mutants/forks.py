"""Animals that fork and expand wrongly: children missing, torn from their parent's fate, or seeing each other."""

from typing import Final

from .mutant import Mutant, Patch, unguarded

_BRANCH_MISSING = Mutant(
    "a-branch-is-missing",
    "K1",
    "the last branch of a fork is promised and never made",
    (
        Patch(
            "token_manager.py",
            "for token, (branch, edge, coalesce) in enumerate(branches, first):",
            "for token, (branch, edge, coalesce) in enumerate(branches[: max(1, len(branches) - 1)], first):",
        ),
    ),
    ("diamond",),
    guard="fates_of_a_fork",
)
_FORK_TORN = Mutant(
    "a-fork-in-two-steps",
    "K2",
    "the fate of a forked token is written in a transaction of its own, after its children",
    (
        Patch(
            "token_manager.py",
            "        promised = canonical([branch.branch for branch in branches]).decode()\n",
            "        promised = canonical([branch.branch for branch in branches]).decode()\n        recorder.tx += 1\n",
        ),
    ),
    ("diamond",),
    guard="fates_of_a_fork",
)
_CHILD_MISSING = Mutant(
    "a-child-is-missing",
    "X1",
    "the last child of an expansion is promised and never made",
    (
        Patch(
            "token_manager.py",
            "for child, data in enumerate(rows, first):",
            "for child, data in enumerate(rows[: max(1, len(rows) - 1)], first):",
        ),
    ),
    ("expand then fork",),
    guard="fates_of_an_expansion",
)
_EXPANSION_TORN = Mutant(
    "an-expansion-in-two-steps",
    "X3",
    "the fate of an expanded token is written in a transaction of its own, after its children",
    (
        Patch(
            "token_manager.py",
            "        self._recorder.fate(\n            parent.row, parent.token, Outcome.EXPANDED,",
            "        self._recorder.tx += 1\n        self._recorder.fate(\n            parent.row, parent.token, Outcome.EXPANDED,",
        ),
    ),
    ("expand then fork",),
    guard="fates_of_an_expansion",
)

_BACKWARDS = Mutant(
    "children-counted-backwards",
    "D1",
    "the children of a fork are numbered from the last branch to the first",
    (
        Patch(
            "token_manager.py",
            "recorder.parent(row, token, row, above, token - first)",
            "recorder.parent(row, token, row, above, len(branches) - 1 - token + first)",
        ),
    ),
    ("diamond",),
    guard="parents_as_promised",
)

MUTANTS: Final = (
    _BRANCH_MISSING,
    unguarded(_BRANCH_MISSING),
    _FORK_TORN,
    unguarded(_FORK_TORN),
    _CHILD_MISSING,
    unguarded(_CHILD_MISSING),
    _EXPANSION_TORN,
    unguarded(_EXPANSION_TORN),
    Mutant(
        "siblings-share-data",
        "K3",
        "what a transform makes on one branch is seen on the branches beside it",
        (
            Patch(
                "state.py",
                "        live.info = info.with_data(data)\n        live.phase = _NEXT\n",
                "        for other in self.live.values():\n"
                "            if other.info.parent == info.parent and other.info.data is info.data:\n"
                "                other.info = other.info.with_data(data)\n"
                "        live.info = info.with_data(data)\n        live.phase = _NEXT\n",
            ),
        ),
        ("diamond",),
        finding=3,
    ),
    _BACKWARDS,
    unguarded(_BACKWARDS),
    Mutant(
        "branches-crossed",
        "T3",
        "each child of a fork is put on the edge of the branch opposite",
        (
            Patch(
                "token_manager.py",
                "known = tuple(BranchEdge(branch, gate.edges[branch], gate.joins.get(branch)) for branch in declared)",
                "known = tuple(\n                BranchEdge(branch, gate.edges[other], gate.joins.get(branch))\n"
                "                for branch, other in zip(declared, reversed(list(declared)), strict=True)\n            )",
            ),
        ),
        ("diamond",),
    ),
)
