"""Animals that only a crash in the midst of things tells from the clean engine: they are tortured.

What they write in the end is lawful, step by step; what they have written when they are killed is not, or they have
forgotten it when they come back. Not here: animals whose mistake shows at a crash between two steps (`recovery.py`).
"""

from typing import Final

from .mutant import Mutant, Patch, unguarded

_COMMIT: Final = "self.state.recorder.commit()"


def _tortured(name: str, law: str, says: str, patches: tuple[Patch, ...], places: tuple[str, ...]) -> Mutant:
    return Mutant(name, law, says, patches, places, tortured=True)


MUTANTS: Final = (
    _tortured(
        "a-fate-in-a-commit-of-its-own",
        "R1",
        "that a sink took a row is committed before the fate that follows from it",
        (
            Patch(
                "processor.py",
                '        self.state.close(live, _COMPLETED, "written")\n',
                f'        self.state.close(live, _COMPLETED, "written")\n        {_COMMIT}\n',
            ),
        ),
        ("line",),
    ),
    _tortured(
        "a-row-in-a-commit-of-its-own",
        "R1",
        "a row is committed before its root token",
        (
            Patch(
                "token_manager.py",
                "        self.next_row, self.last_idx = row + 1, idx\n",
                "        self._recorder.commit()\n        self.next_row, self.last_idx = row + 1, idx\n",
            ),
        ),
        ("line",),
    ),
    _tortured(
        "a-merge-in-two-commits",
        "R1",
        "the visits of held tokens end in one commit, and they are merged in the next",
        (
            Patch(
                "coalesce.py",
                "        self.complete(lives)\n        info =",
                f"        self.complete(lives)\n        {_COMMIT}\n        info =",
            ),
        ),
        ("diamond branches=2 policy=require_all merge=union",),
    ),
    _tortured(
        "a-batch-in-two-commits",
        "R1",
        "the visits of the members of a batch end in one commit, and the outputs come in the next",
        (
            Patch(
                "aggregation.py",
                "            self.complete(batch.members)\n            self.tokens",
                f"            self.complete(batch.members)\n            {_COMMIT}\n            self.tokens",
            ),
        ),
        ("batch mode=transform",),
    ),
    _tortured(
        "forks-again-after-a-crash",
        "R2",
        "a token that has forked is taken for one that lives when a run is taken up again",
        (
            Patch(
                "recovery.py",
                "t.run = ? AND f.token IS NULL",
                "t.run = ? AND (f.token IS NULL OR f.outcome = 'forked')",
            ),
        ),
        ("diamond branches=2 policy=require_all merge=union",),
    ),
    _tortured(
        "a-hold-in-memory-only",
        "R2",
        "which tokens are held is known to the process alone, and they arrive once more after a crash",
        (
            Patch(
                "recovery.py",
                "                self._hold(live, held_at)\n",
                "                live.phase = Phase.NEXT\n                waiting.append((True, changed, live))\n",
            ),
        ),
        ("diamond branches=2 policy=require_all merge=union",),
    ),
    _tortured(
        "remembers-one-member",
        "R2",
        "of the tokens that a batch held before a crash one is remembered",
        (
            Patch(
                "recovery.py", "                batch.held[ordinal] = live\n", "                batch.held[0] = live\n"
            ),
        ),
        ("two batches",),
    ),
    unguarded(
        _tortured(
            "resolutions-in-memory-only",
            "R2",
            "which barriers were resolved is known to the process alone, and whoever is late waits after a crash",
            (
                Patch(
                    "landscape/recorder.py",
                    "        found = self.landscape.conn.execute(RESOLUTION, (self.run, node, row, fork)).fetchone()\n",
                    "        found = None\n",
                ),
                Patch("landscape/recorder.py", "        self._resolved.clear()\n", ""),
            ),
            ("diamond branches=2 policy=first merge=union",),
        )
    ),
    _tortured(
        "goes-on-in-the-visit-that-was-cut",
        "R2",
        "a visit that a crash broke off is finished as if nothing had happened",
        (
            Patch(
                "orchestrator.py", "            if live.phase is Phase.OPEN:\n", "            if live.phase is None:\n"
            ),
        ),
        ("line",),
    ),
    unguarded(
        _tortured(
            "reads-on-one-row-too-early",
            "R3",
            "after a crash the source begins with the last row that was committed",
            (
                Patch("token_manager.py", "        if idx <= self.last_idx:\n", "        if idx < self.last_idx:\n"),
                Patch(
                    "recovery.py",
                    "tokens.next_row, tokens.last_idx = rows, -1 if last is None else last",
                    "tokens.next_row, tokens.last_idx = rows, -1 if last is None else last - 1",
                ),
            ),
            ("two rows and a crash",),
        )
    ),
    _tortured(
        "confirms-before-it-flushes",
        "R4",
        "that rows were written is committed before their bytes are durable",
        (
            Patch(
                "orchestrator.py",
                "                sink.flush()\n                positions",
                "                positions",
            ),
            Patch(
                "orchestrator.py",
                "        self.recorder.commit(positions)\n        self.processor.touched.clear()\n",
                "        self.recorder.commit(positions)\n        for node in self.processor.touched:\n"
                "            self.sinks[node.name].flush()\n        self.processor.touched.clear()\n",
            ),
        ),
        ("line",),
    ),
    _tortured(
        "never-flushes",
        "R4",
        "what sinks wrote is left to be flushed when they are closed",
        (
            Patch(
                "orchestrator.py",
                "                sink.flush()\n                positions",
                "                positions",
            ),
        ),
        ("line",),
    ),
    _tortured(
        "does-not-cut-back",
        "R4",
        "what sinks wrote after the last commit stays there after a crash, and is written again",
        (
            Patch(
                "orchestrator.py",
                "                self.sinks[name].truncate(int(position))\n",
                "                continue\n",
            ),
        ),
        ("line",),
    ),
    _tortured(
        "where-the-sinks-stand-comes-later",
        "R4",
        "where the sinks stand when a run begins is committed after the run, so that two crashes write a row twice",
        (
            Patch(
                "orchestrator.py",
                "self.script.now(), positions))\n",
                "self.script.now()))\n"
                "        self.recorder.commit({self.compiled[name].number: at for name, at in positions.items()})\n",
            ),
        ),
        ("line",),
    ),
)
