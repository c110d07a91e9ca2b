"""Animals that batch wrongly: members out of order, triggers that lie, ends that are not shared."""

from typing import Final

from .mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        "members-counted-from-one",
        "B1",
        "the members of a batch are numbered from one",
        (
            Patch(
                "aggregation.py",
                "recorder.member(self.node.number, batch.number, ordinal, live",
                "recorder.member(self.node.number, batch.number, ordinal + 1, live",
            ),
        ),
        ("batch",),
    ),
    Mutant(
        "a-timeout-says-end-of-source",
        "B2",
        "a batch that its timeout closed says that the source had ended",
        (
            Patch(
                "aggregation.py", "self._trigger(batch, Trigger.TIMEOUT)", "self._trigger(batch, Trigger.END_OF_SOURCE)"
            ),
        ),
        ("batch",),
    ),
    Mutant(
        "a-batch-one-too-large",
        "B2",
        "a batch is closed by its count one member too late",
        (
            Patch(
                "aggregation.py",
                "(len(batch.held) if batch else 0) + 1 >= self.settings.count",
                "(len(batch.held) if batch else 0) >= self.settings.count",
            ),
        ),
        ("batch",),
    ),
    Mutant(
        "the-first-member-is-spared",
        "B3",
        "when the flush of a batch fails, its first member is spared",
        (
            Patch(
                "aggregation.py",
                "self.fail(batch.members, Reason.BATCH_FAILED",
                "self.fail(batch.members[1:] or batch.members, Reason.BATCH_FAILED",
            ),
        ),
        ("batch",),
    ),
    Mutant(
        "a-batch-fails-in-its-own-words",
        "D1",
        "a failed batch says of its members that a node failed: its own failure path, with its own words",
        (
            Patch(
                "aggregation.py",
                "self.fail(batch.members, Reason.BATCH_FAILED",
                "self.fail(batch.members, Reason.NODE_FAILED",
            ),
        ),
        ("batch",),
        finding=9,
    ),
    Mutant(
        "flushed-too-early",
        "C12",
        "at the end of the source a batch is flushed while tokens are on their way to it",
        (
            Patch(
                "schedule.py",
                "        return not any(\n            self.graph.reaches",
                "        return True or not any(\n            self.graph.reaches",
            ),
        ),
        ("batch", "two batches"),
    ),
    Mutant(
        "opens-before-it-asks",
        "Z1",
        "a batch is opened before it is asked whether another awaits its flush, and the refusal leaves it behind",
        (
            Patch(
                "aggregation.py",
                '        if full and self.triggered is not None:\n            raise Refused(Refusal.BATCH_AWAITS_FLUSH, f"{self.triggered.name} awaits its flush")\n        recorder = self.state.recorder\n',
                '        recorder = self.state.recorder\n        if full and self.triggered is not None:\n            recorder.open_batch(self.node.number, self.next_number)\n            raise Refused(Refusal.BATCH_AWAITS_FLUSH, f"{self.triggered.name} awaits its flush")\n',
            ),
        ),
        ("batch mode=passthrough count=1",),
    ),
)
