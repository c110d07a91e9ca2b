"""Animals that break what a token's end must be: two fates, none, the wrong one, or a life after it."""

from typing import Final

from .mutant import Mutant, Patch, unguarded

_TWO_FATES = Mutant(
    "two-recorders",
    "F1",
    "the executor records the fate of a failed token, and its caller records it as well",
    (
        Patch(
            "state.py",
            "        self.buried(live, outcome)\n        if loss is not None and info.stack",
            "        if reason is Reason.NODE_FAILED and outcome is Outcome.QUARANTINED:\n"
            "            self.recorder.fate(info.row, info.token, Outcome.FAILED, error=error, reason=reason)\n"
            "        self.buried(live, outcome)\n        if loss is not None and info.stack",
        ),
    ),
    ("line",),
    finding=11,
    guard="fates_written_once",
)
_OVER_TOO_EARLY = Mutant(
    "over-while-tokens-live",
    "F2",
    "a run is declared over without asking whether tokens are left",
    (Patch("schedule.py", "return not self.state.live and not self.holdings() and not any(", "return not any("),),
    ("quarantine", "diamond"),
    guard="runs_completed",
)
_OVER_WHILE_HELD = Mutant(
    "over-while-tokens-are-held",
    "F2",
    "a run is declared over when every token is held or has its fate",
    (
        Patch("schedule.py", "return not self.state.live and not self.holdings()", "return not self._moving()"),
        Patch(
            "schedule.py",
            "    def first(self) -> Work:\n",
            "    def _moving(self) -> bool:\n"
            "        return any(live.phase is not Phase.HELD for live in self.state.live.values())\n\n"
            "    def first(self) -> Work:\n",
        ),
    ),
    ("batch mode=passthrough count=2",),
    guard="runs_completed",
)
_GOES_ON = Mutant(
    "filtered-and-goes-on",
    "F3",
    "a row that a transform filters out is recorded as discarded and handed on all the same",
    (
        Patch(
            "processor.py",
            'self.state.close(live, _COMPLETED, "drop")',
            'self.state.close(live, _COMPLETED, "drop", live.node.edges[CONTINUE])',
        ),
    ),
    ("line",),
)
_NO_ERROR = Mutant(
    "fails-without-an-error",
    "F4",
    "what fails at a barrier is recorded without its error",
    (
        Patch(
            "barrier.py",
            "self.state.end(live, Outcome.FAILED, error=error, reason=reason, batch=batch, loss=loss)",
            "self.state.end(live, Outcome.FAILED, reason=reason, batch=batch, loss=loss)",
        ),
    ),
    ("diamond",),
    guard="fates_fields",
)
_PROMISES_MORE = Mutant(
    "promises-one-child-more",
    "F6",
    "an expansion promises one child more than it makes",
    (Patch("token_manager.py", "promised=str(len(rows)), first=first", "promised=str(len(rows) + 1), first=first"),),
    ("expand then fork",),
    guard="fates_of_an_expansion",
)

MUTANTS: Final = (
    _TWO_FATES,
    unguarded(
        _TWO_FATES,
        Patch(
            "landscape/tables.sql",
            "    PRIMARY KEY (run, row, token),\n    FOREIGN KEY (run, row, token) REFERENCES tokens,\n"
            "    FOREIGN KEY (run, row, last)",
            "    PRIMARY KEY (run, row, token, seq),\n    FOREIGN KEY (run, row, token) REFERENCES tokens,\n"
            "    FOREIGN KEY (run, row, last)",
        ),
    ),
    _OVER_TOO_EARLY,
    unguarded(_OVER_TOO_EARLY),
    _OVER_WHILE_HELD,
    unguarded(_OVER_WHILE_HELD),
    _GOES_ON,
    _NO_ERROR,
    unguarded(_NO_ERROR),
    Mutant(
        "a-member-stays-behind",
        "F5",
        "the last member of a passthrough batch is forgotten when the batch goes on",
        (
            Patch(
                "aggregation.py",
                "for live, data in zip(batch.members, rows, strict=True):",
                "for live, data in list(zip(batch.members, rows, strict=True))[: max(1, len(rows) - 1)]:",
            ),
        ),
        ("batch",),
    ),
    _PROMISES_MORE,
    unguarded(_PROMISES_MORE),
    Mutant(
        "names-another-sink",
        "F7",
        "a fate names the first sink of the pipeline, and not the one that was written",
        (
            Patch(
                "processor.py",
                "live, live.via, sink=live.node.number,",
                "live, live.via, sink=self.state.compiled.of_kind(NodeKind.SINK)[0].number,",
            ),
        ),
        ("line",),
    ),
    Mutant(
        "late-without-a-fate",
        "C5",
        "a token that comes late has its visit failed, and its fate is left for later",
        (
            Patch(
                "coalesce.py",
                "        self.state.end(live, Outcome.FAILED, error=error, reason=reason)\n",
                "        live.error, live.reason = error, reason\n",
            ),
        ),
        ("diamond",),
        finding=12,
    ),
    Mutant(
        "a-filter-fails",
        "V4",
        "a row that is filtered out on purpose is recorded as failed",
        (
            Patch(
                "processor.py",
                "self.state.end(live, Outcome.DISCARDED, reason=Reason.FILTERED, loss=LossReason.DISCARDED)",
                'self.state.end(live, Outcome.FAILED, error=self.state.keep_error("filtered"), reason=Reason.FILTERED,'
                " loss=LossReason.DISCARDED)",
            ),
        ),
        ("line",),
    ),
)
