"""Animals that lose something in a crash, or do something twice after it."""

from typing import Final

from .mutant import Mutant, Patch, unguarded

_READS_AGAIN = Mutant(
    "reads-a-row-again",
    "R3",
    "after a crash the source begins with the last row once more",
    (
        Patch("token_manager.py", "        if idx <= self.last_idx:\n", "        if idx < self.last_idx:\n"),
        Patch(
            "recovery.py",
            "tokens.next_row, tokens.last_idx = rows, -1 if last is None else last",
            "tokens.next_row, tokens.last_idx = rows, -1 if last is None else last - 1",
        ),
    ),
    ("two rows and a crash",),
    guard="rows_in_source_order",
)

MUTANTS: Final = (
    Mutant(
        "a-crash-leaves-a-note",
        "R1",
        "a process that dies is recorded by itself as interrupted",
        (
            Patch(
                "orchestrator.py",
                "        self.recorder.discard()\n        self._up = False\n",
                "        self.recorder.discard()\n        self.recorder.step(self.script.now())\n"
                "        self.recorder.mark_run(RunStatus.INTERRUPTED, self.recorder.rows_read)\n"
                "        self.recorder.commit()\n        self._up = False\n",
            ),
        ),
        ("line", "diamond"),
    ),
    Mutant(
        "a-step-in-two-transactions",
        "R1",
        "the end of a visit and what follows from it are written in two transactions",
        (
            Patch(
                "processor.py",
                "            state.end(live, Outcome.QUARANTINED, error=error, reason=Reason.NODE_FAILED, loss",
                "            state.recorder.tx += 1\n            state.end(live, Outcome.QUARANTINED, error=error, reason=Reason.NODE_FAILED, loss",
            ),
        ),
        ("line",),
    ),
    Mutant(
        "a-crash-costs-an-attempt",
        "R2",
        "an attempt that a crash cut counts against the retries",
        (
            Patch(
                "recovery.py",
                "live.tries += visit.status == VisitStatus.FAILED",
                'live.tries += visit.status not in ("open", "held")',
            ),
        ),
        ("retries",),
    ),
    Mutant(
        "forgets-what-it-held",
        "C4",
        "tokens that were held at a coalesce are begun anew after a crash",
        (
            Patch(
                "recovery.py",
                "            elif live.node.kind is NodeKind.COALESCE:\n                self._hold(live, held_at)\n",
                "            elif live.node.kind is NodeKind.COALESCE:\n                live.phase = Phase.NEXT\n"
                "                waiting.append((True, changed, live))\n",
            ),
        ),
        ("diamond",),
    ),
    Mutant(
        "forgets-what-was-lost",
        "D2",
        "branches that were lost before a crash are awaited again after it",
        (
            Patch(
                "recovery.py",
                "            joining.lost[branch] = LossReason(reason)\n",
                "            joining.lost.clear()\n",
            ),
        ),
        ("diamond",),
    ),
    _READS_AGAIN,
    unguarded(_READS_AGAIN),
    Mutant(
        "counts-one-row-too-many",
        "R3",
        "the end of the source counts one row more than were read",
        (
            Patch(
                "orchestrator.py",
                "self.recorder.mark_run(RunStatus.RUNNING, self.tokens.next_row)",
                "self.recorder.mark_run(RunStatus.RUNNING, self.tokens.next_row + 1)",
            ),
        ),
        ("line",),
    ),
    Mutant(
        "written-before-it-is-recorded",
        "R4",
        "a row is written, and its fate is left for a later step",
        (
            Patch(
                "processor.py",
                "        diverted = live.via in (Outcome.DIVERTED, Outcome.QUARANTINED)\n",
                "        if live.via is Outcome.COMPLETED:\n            return\n"
                "        diverted = live.via in (Outcome.DIVERTED, Outcome.QUARANTINED)\n",
            ),
        ),
        ("line",),
    ),
    Mutant(
        "resumes-without-a-word",
        "D2",
        "a run that goes on does not record that it does",
        (
            Patch(
                "orchestrator.py",
                "        self.recorder.mark_run(RunStatus.RUNNING, self.recorder.rows_read)\n        for live",
                "        for live",
            ),
        ),
        ("line", "diamond"),
    ),
    Mutant(
        "a-loss-is-kept-in-memory",
        "D2",
        "a lost branch is remembered by the barrier and not written",
        (
            Patch(
                "coalesce.py",
                "        self.state.recorder.loss(self.node.number, loss.row, frame.fork, frame.branch, loss.token, loss.reason)\n",
                "",
            ),
        ),
        ("diamond",),
    ),
)
