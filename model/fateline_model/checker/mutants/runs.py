"""Mistakes in batches, visits, hops, crashes and resumes.

Data only; `mutant.py` defines what a mutant is.
"""

from typing import Final

from .mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "counted-from-one",
        "B1",
        "batches.py",
        "    ordinal, name = len(batch.members), row.name_of(token.name)\n",
        "    ordinal, name = len(batch.members) + 1, row.name_of(token.name)\n",
        "members are numbered from one",
        "batch",
    ),
    Mutant(
        "trigger-misnamed",
        "B2",
        "batches.py",
        "    _trigger(draft, batch, Trigger.TIMEOUT)\n",
        "    _trigger(draft, batch, Trigger.COUNT)\n",
        "a batch closed by its timeout records that it was full",
        "batch",
    ),
    Mutant(
        "last-member-left-out",
        "B3",
        "batches.py",
        "    for member in batch.members:\n        row, token = draft.find(member)\n        row.close_visit(",
        "    for member in batch.members[: max(1, len(batch.members) - 1)]:\n"
        "        row, token = draft.find(member)\n        row.close_visit(",
        "a batch ends without its last member",
        "batch",
    ),
    Mutant(
        "not-upstream-when-there",
        "C12",
        "wellformed.py",
        "        return src == dst or dst in self._reach[src]\n",
        "        return dst in self._reach[src]\n",
        "a batch is flushed although a token at its very aggregation has not entered it",
        "batch",
    ),
    Mutant(
        "failed-flush-closed-as-good",
        "B3",
        "batches.py",
        "    FlushVerdict.ERROR: (VisitStatus.FAILED, Verdict.FLUSH_FAILED)\n",
        "    FlushVerdict.ERROR: (VisitStatus.COMPLETED, Verdict.FLUSHED)\n",
        "a batch fails, and the visits of its members are closed as completed",
        "batch",
    ),
    Mutant(
        "member-of-another-run",
        "B4",
        "lifecycle.py",
        "    if ref.run != operation.run:\n        raise Refused(Refusal.OTHER_RUN)\n",
        "    if ref.run != operation.run and operation.op is not Op.BUFFER:\n        raise Refused(Refusal.OTHER_RUN)\n",
        "a batch takes a token of another run",
        "memberships",
    ),
    Mutant(
        "outputs-of-the-last-member",
        "B5",
        "batches.py",
        "    row, first = draft.find(batch.members[0])\n",
        "    row, first = draft.find(batch.members[-1])\n",
        "the outputs of a batch are children of its last member",
        "batch",
    ),
    Mutant(
        "over-while-visiting",
        "V1",
        "machine.py",
        "    if not at_rest(draft.run):\n",
        "    busy = any(token.phase is Phase.VISITING for row in draft.run.rows for token in row.tokens)\n"
        "    if not busy and not at_rest(draft.run):\n",
        "a run is declared over while a node is at work",
        "line",
    ),
    Mutant(
        "tried-again-after-success",
        "V2",
        "machine.py",
        "    row.close_visit(token, VisitStatus.FAILED, verdict)\n    if verdict in RETRYABLE and ",
        "    again = verdict in RETRYABLE and token.tries + 1 < node.attempts\n"
        "    row.close_visit(token, VisitStatus.COMPLETED if again else VisitStatus.FAILED, verdict)\n"
        "    if verdict in RETRYABLE and ",
        "an attempt that is tried again is recorded as completed",
        "retries",
    ),
    Mutant(
        "cut-visit-left-open",
        "V2",
        "machine.py",
        "                row.close_visit(token, VisitStatus.INTERRUPTED, None)\n",
        "",
        "a resume opens the next attempt and leaves the interrupted one open",
        "line",
    ),
    Mutant(
        "attempt-not-counted",
        "V5",
        "machine.py",
        "                row.open_visit(token._replace(attempt=token.attempt + 1), Move.RETRY)\n",
        "                row.open_visit(token, Move.RETRY)\n",
        "the attempt after an interruption has the number of the interrupted one",
        "line",
    ),
    Mutant(
        "retry-without-closing",
        "V3",
        "machine.py",
        "    row.close_visit(token, VisitStatus.FAILED, verdict)\n    if verdict in RETRYABLE and ",
        "    if not (verdict in RETRYABLE and token.tries + 1 < node.attempts):\n"
        "        row.close_visit(token, VisitStatus.FAILED, verdict)\n    if verdict in RETRYABLE and ",
        "a retry opens the next visit and leaves the failed one open",
        "retries",
    ),
    Mutant(
        "merged-token-starts-over",
        "T1",
        "step_builder.py",
        "group, parents), node, CONTINUE)\n",
        "group, parents), self.pipeline.source.name, CONTINUE)\n",
        "a merged token goes back to the start of the graph",
        "sequential",
    ),
    Mutant(
        "straight-to-the-sink",
        "T1",
        "step_builder.py",
        "        dst, name, new = self.pipeline.edges[src, label], self.name_of(token.name), not token.node\n",
        '        dst = "out" if label == CONTINUE else self.pipeline.edges[src, label]\n'
        "        name, new = self.name_of(token.name), not token.node\n",
        "a token goes to the main sink and leaves out the nodes before it",
        "line",
    ),
    Mutant(
        "errors-to-the-main-sink",
        "T4",
        "step_builder.py",
        "        dst, name, new = self.pipeline.edges[src, label], self.name_of(token.name), not token.node\n",
        '        dst = "out" if label == ON_ERROR else self.pipeline.edges[src, label]\n'
        "        name, new = self.name_of(token.name), not token.node\n",
        "a token that failed goes to another sink than that of its error edge",
        "line",
    ),
    Mutant(
        "error-goes-on",
        "T2",
        "machine.py",
        "        row.hop(token, node.name, ON_ERROR)\n",
        "        row.hop(token, node.name, CONTINUE if node.to else ON_ERROR)\n",
        "a failed token takes the edge of a good one",
        "retries",
    ),
    Mutant(
        "stack-never-popped",
        "T3",
        "step_builder.py",
        "self.join(held, parents, name, barrier.node, self.tokens[barrier.fork].stack)\n",
        "self.join(held, parents, name, barrier.node, held[0].stack)\n",
        "a merged token still owes the branch that was merged",
        "nested",
    ),
    Mutant(
        "memory-only-hold",
        "R1",
        "machine.py",
        "    draft.status = RunStatus.INTERRUPTED\n",
        "    draft.status = RunStatus.INTERRUPTED\n"
        "    for row in draft.every_row():\n"
        "        for token in list(row.tokens.values()):\n"
        "            if token.phase is Phase.HELD:\n"
        "                row.put(token._replace(phase=Phase.READY))\n",
        "what is held at a coalesce is held in memory alone",
        "diamond",
    ),
    Mutant(
        "interruption-counts-as-a-try",
        "R2",
        "machine.py",
        "                row.open_visit(token._replace(attempt=token.attempt + 1), Move.RETRY)\n",
        "                again = token._replace(attempt=token.attempt + 1, tries=token.tries + 1)\n"
        "                row.open_visit(again, Move.RETRY)\n",
        "an interrupted attempt uses up one of the retries",
        "retries",
    ),
    Mutant(
        "cut-visit-opened-later",
        "R5",
        "machine.py",
        "                row.open_visit(token._replace(attempt=token.attempt + 1), Move.RETRY)\n",
        "                row.put(token._replace(phase=Phase.READY, attempt=token.attempt + 1))\n",
        "a resume closes the interrupted visit, and a later step opens the next attempt",
        "line",
    ),
    Mutant(
        "at-work-while-down",
        "R1",
        "machine.py",
        "    if run.status is RunStatus.INTERRUPTED and do is not Do.RESUME:\n",
        "    if run.status is RunStatus.INTERRUPTED and do not in (Do.RESUME, Do.BEGIN):\n",
        "a visit opens before the run is resumed",
        "line",
    ),
    Mutant(
        "flush-not-run-again",
        "R5",
        "machine.py",
        "    flush_again(draft)\n",
        "",
        "a resume forgets the batch whose flush was cut off",
        "batch",
    ),
    Mutant(
        "second-root-at-a-resume",
        "L9",
        "machine.py",
        "                row.close_visit(token, VisitStatus.INTERRUPTED, None)\n"
        "                row.open_visit(token._replace(attempt=token.attempt + 1), Move.RETRY)\n",
        "                row.close_visit(token, VisitStatus.INTERRUPTED, None)\n"
        "                row.open_visit(token._replace(attempt=token.attempt + 1), Move.RETRY)\n"
        '                row.make(Token("_again"), None, ())\n',
        "a resume begins the row once more from a new root token",
        "line",
    ),
    Mutant(
        "row-read-twice",
        "R3",
        "step_builder.py",
        "        if self.row(number) is not None:\n            raise Refused(Refusal.ROW_ALREADY_READ)\n",
        "",
        "a row that was read is read again",
        "line",
    ),
    Mutant(
        "written-and-forgotten",
        "R4",
        "machine.py",
        "        _written(row, token)\n    else:",
        "        row.put(token._replace(phase=Phase.READY, attempt=0))\n    else:",
        "a sink's write is committed, and the fate is left for later",
        "line",
    ),
)
