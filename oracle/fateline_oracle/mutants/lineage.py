"""Animals that let a token's line cross another row or run, or lose it: all of them seen by hostile callers."""

from typing import Final

from .mutant import Mutant, Patch, unguarded

_OTHER_ROW = Mutant(
    "merges-rows",
    "L2",
    "parents of a merge are not asked for their row",
    (
        Patch("token_manager.py", "        self._of_one_row(parents)\n", ""),
        Patch(
            "token_manager.py",
            "self._recorder.parent(row, token, row, above, ordinal)",
            "self._recorder.parent(row, token, parent.info.row, above, ordinal)",
        ),
        Patch("token_manager.py", "frame.fork != (frames[0] or frame).fork for", "False for"),
    ),
    ("two rows to merge",),
    finding=1,
    guard="parents_of_one_row",
)
_NO_PARENT_GROUP = Mutant(
    "children-without-a-group",
    "L5",
    "the children of a fork are recorded without the group they belong to",
    (Patch("token_manager.py", "group_kind=GroupKind.FORK, parent=above, edge", "edge"),),
    ("diamond",),
    guard="tokens_one_root",
)
_CHILD_FIRST = Mutant(
    "its-own-parent",
    "L4",
    "a lineage link of a merge names the merged token as its own parent",
    (
        Patch(
            "token_manager.py",
            "self._recorder.parent(row, token, row, above, ordinal)",
            "self._recorder.parent(row, token, row, token, ordinal)",
        ),
    ),
    ("diamond",),
    guard="parents_older",
)
_NEIGHBOUR = Mutant(
    "fate-of-a-namesake",
    "L6",
    "a bare fate is given to the token of that number in the caller's run, whichever run was meant",
    (
        Patch(
            "token_manager.py",
            "        live = self._idle(token)\n        if outcome in DELEGATING",
            "        live = self._idle(token._replace(run=self._recorder.run))\n        if outcome in DELEGATING",
        ),
    ),
    ("lineage",),
    finding=13,
)
_SECOND_ROOT = Mutant(
    "a-second-root",
    "L7",
    "a row that has its root token is given another",
    (
        Patch(
            "token_manager.py",
            "if waits or self._recorder.landscape.has_token(self._recorder.run, row, 0):",
            "if waits:",
        ),
    ),
    ("lineage",),
    guard="tokens_one_root",
)
_NO_ROW = Mutant(
    "a-token-for-no-row",
    "L8",
    "a root token is made for a row that was never read",
    (
        Patch(
            "token_manager.py", "        if found is None and not waits:\n", "        if found is None and row < 0:\n"
        ),
        Patch(
            "token_manager.py", "        assert found is not None\n", '        found = found or (b"{}", EMPTY.body)\n'
        ),
    ),
    ("lineage",),
    finding=4,
    guard="tokens_of_a_row",
)

MUTANTS: Final = (
    _OTHER_ROW,
    unguarded(_OTHER_ROW),
    Mutant(
        "believes-the-run",
        "L3",
        "a token is looked up by row and number alone, whatever run it is said to be of",
        (
            Patch("token_manager.py", "        if token.run != self._recorder.run:\n", "        if token.run < 0:\n"),
            Patch(
                "token_manager.py",
                "            if parent.run != self._recorder.run:\n",
                "            if parent.run < 0:\n",
            ),
        ),
        ("lineage",),
        finding=13,
    ),
    _CHILD_FIRST,
    unguarded(
        _CHILD_FIRST,
        Patch(
            "landscape/tables.sql",
            "PRIMARY KEY (run, row, child, parent),",
            "PRIMARY KEY (run, row, child, parent, ordinal),",
        ),
    ),
    _NO_PARENT_GROUP,
    unguarded(_NO_PARENT_GROUP),
    _NEIGHBOUR,
    _SECOND_ROOT,
    unguarded(_SECOND_ROOT),
    _NO_ROW,
    unguarded(_NO_ROW),
    Mutant(
        "merged-into-the-next-row",
        "L1",
        "the merged token is recorded under the row after its parents'",
        (
            Patch(
                "landscape/views.sql",
                "SELECT r.id AS run, CAST(t.row AS TEXT) AS row, t.row || ':' || t.token AS token, t.branch, t.group_kind,",
                "SELECT r.id AS run, CAST(t.row + (t.group_kind IS 'join') AS TEXT) AS row,"
                " t.row || ':' || t.token AS token, t.branch, t.group_kind,",
            ),
        ),
        ("diamond",),
    ),
    Mutant(
        "merges-nothing",
        "Z1",
        "a merge of no parents at all is answered with a refusal that no law knows",
        (
            Patch(
                "token_manager.py",
                'raise Refused(Refusal.NO_PARENTS, "a merge needs at least one parent")',
                'raise Refused(Refusal.NOT_ONE_FORK, "a merge needs at least one parent")',
            ),
        ),
        ("lineage",),
        finding=1,
    ),
    Mutant(
        "a-row-without-a-contract",
        "X2",
        "a row that has no contract becomes a token all the same",
        (
            Patch(
                "token_manager.py",
                "        if data is None or (contract is None",
                "        if data is not None and (contract is None",
            ),
            Patch(
                "token_manager.py",
                "        row = data if contract is None else data.under(contract)\n",
                "        row = PipelineRow.of({}) if data is None else data if contract is None else data.under(contract)\n",
            ),
        ),
        ("lineage",),
        finding=5,
    ),
    Mutant(
        "children-before-the-lock",
        "X2",
        "the children of an expansion are written whether their contract is locked or not",
        (Patch("token_manager.py", "        if not contract.locked:\n", "        if contract is None:\n"),),
        ("lineage",),
        finding=2,
    ),
    Mutant(
        "merges-twice",
        "Z1",
        "the branches that a merge left over can be merged a second time",
        (Patch("token_manager.py", "        self._merged_once(first.row, frames[0].fork, edge)\n", ""),),
        ("lineage with one token more",),
    ),
)
