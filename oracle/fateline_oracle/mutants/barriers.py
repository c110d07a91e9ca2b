"""Animals that join wrongly: too early, too late, twice, the wrong tokens, or with the wrong words."""

from typing import Final

from .mutant import Mutant, Patch, unguarded

_RESOLVED_TWICE = Mutant(
    "resolved-twice",
    "C1",
    "a barrier that was resolved is kept, and resolved again at the next arrival",
    (
        Patch("coalesce.py", "        del self.open[joining.row, joining.fork]\n", ""),
        Patch(
            "coalesce.py",
            "lives = [live for _, live in held]",
            "lives = [live for _, live in held if live.phase is Phase.HELD]",
        ),
        Patch(
            "coalesce.py",
            "from fateline_engine.state import Live, Loss, RunState",
            "from fateline_engine.state import Live, Loss, Phase, RunState",
        ),
    ),
    ("diamond",),
    guard="losses_before_the_resolution",
)
_LOSS_AFTER_THE_END = Mutant(
    "a-loss-after-the-end",
    "C6",
    "a branch that is lost after its barrier was resolved is recorded as a loss all the same",
    (
        Patch(
            "coalesce.py",
            "            if self._resolution(loss.row, frame) is not None:\n                return\n",
            "            if self._resolution(loss.row, frame) is not None:\n"
            "                self.state.recorder.loss(\n"
            "                    self.node.number, loss.row, frame.fork, frame.branch, loss.token, loss.reason\n"
            "                )\n                return\n",
        ),
    ),
    ("diamond",),
    finding=17,
    guard="losses_before_the_resolution",
)

_FORGETFUL = Mutant(
    "forgets-what-was-resolved",
    "C5",
    "resolved barriers are remembered in memory, which is emptied at every commit",
    (
        Patch(
            "landscape/recorder.py",
            "        if known is not None or (self._first_row is not None and row >= self._first_row):\n",
            "        if known is not None or row >= 0:\n",
        ),
    ),
    ("diamond",),
    finding=10,
    guard="losses_before_the_resolution",
)

MUTANTS: Final = (
    _RESOLVED_TWICE,
    unguarded(
        _RESOLVED_TWICE,
        Patch(
            "landscape/tables.sql", "PRIMARY KEY (run, node, row, fork),", "PRIMARY KEY (run, node, row, fork, seq),"
        ),
    ),
    _LOSS_AFTER_THE_END,
    unguarded(_LOSS_AFTER_THE_END),
    Mutant(
        "parents-as-they-came",
        "C2",
        "the parents of a merge are recorded in the order of their arrival",
        (
            Patch(
                "coalesce.py",
                "held = [(branch, joining.held[branch]) for branch in self.settings.branches if branch in joining.held]",
                "held = [(str(branch), live) for branch, live in joining.held.items()]",
            ),
        ),
        ("diamond",),
    ),
    Mutant(
        "quorum-off-by-one",
        "C3",
        "a quorum is met one arrival too early",
        (
            Patch(
                "verdict.py",
                "        return counts.arrived >= counts.quorum\n",
                "        return counts.arrived + 1 >= counts.quorum\n",
            ),
        ),
        ("barrier", "diamond"),
    ),
    Mutant(
        "require-all-takes-what-came",
        "C3",
        "at its deadline a barrier that needs every branch merges what has arrived",
        (
            Patch(
                "verdict.py",
                "        return Ruling.INCOMPLETE_BRANCHES\n",
                "        return Ruling.MERGE if counts.arrived else Ruling.INCOMPLETE_BRANCHES\n",
            ),
        ),
        ("barrier", "diamond"),
    ),
    Mutant(
        "first-ignores-its-deadline",
        "C4",
        "the deadline of a `first` barrier at which nothing arrived is ignored",
        (
            Patch(
                "verdict.py",
                "    if counts.arrived == 0:\n        return Ruling.NO_ARRIVALS\n",
                "    if counts.arrived == 0:\n"
                "        return Ruling.WAIT if policy is Policy.FIRST else Ruling.NO_ARRIVALS\n",
            ),
        ),
        ("barrier", "diamond"),
        finding=7,
    ),
    Mutant(
        "best-effort-waits-for-the-clock",
        "C4",
        "a best-effort barrier waits for its deadline when every branch is accounted for",
        (
            Patch(
                "verdict.py",
                "    return Ruling.MERGE if counts.arrived > 0 else Ruling.ALL_BRANCHES_LOST\n",
                "    return Ruling.WAIT if counts.arrived > 0 else Ruling.ALL_BRANCHES_LOST\n",
            ),
        ),
        ("barrier", "diamond"),
        finding=18,
    ),
    Mutant(
        "quorum-waits-in-vain",
        "C4",
        "a quorum that can no longer be met waits for its deadline",
        (
            Patch(
                "verdict.py",
                "        return Ruling.QUORUM_IMPOSSIBLE if still < counts.quorum else Ruling.WAIT\n",
                "        return Ruling.QUORUM_IMPOSSIBLE if still < counts.quorum - 1 else Ruling.WAIT\n",
            ),
        ),
        ("barrier", "diamond"),
    ),
    _FORGETFUL,
    unguarded(
        _FORGETFUL,
        Patch(
            "landscape/tables.sql", "PRIMARY KEY (run, node, row, fork),", "PRIMARY KEY (run, node, row, fork, seq),"
        ),
        Patch(
            "landscape/tables.sql",
            "PRIMARY KEY (run, node, row, fork, branch),",
            "PRIMARY KEY (run, node, row, fork, branch, seq),",
        ),
    )._replace(law="C1"),
    Mutant(
        "late-for-the-wrong-reason",
        "C5",
        "whatever comes late is said to come after a merge",
        (
            Patch(
                "coalesce.py",
                "merged = resolution.verdict is BarrierVerdict.MERGED",
                "merged = resolution.verdict is not None",
            ),
        ),
        ("barrier", "diamond"),
    ),
    Mutant(
        "lets-strangers-in",
        "Z1",
        "a token on a branch that the coalesce does not join is held there",
        (
            Patch(
                "coalesce.py",
                "frame.coalesce != self.node.name or frame.branch not in self.settings.branches:",
                "frame.coalesce != self.node.name:",
            ),
        ),
        ("barrier",),
        finding=17,
    ),
    Mutant(
        "a-lost-branch-arrives",
        "F3",
        "a branch that is lost may still arrive",
        (Patch("coalesce.py", "        if branch in lost:\n", "        if branch in lost and not held:\n"),),
        ("barrier",),
        finding=17,
    ),
    Mutant(
        "one-held-token-survives",
        "C7",
        "when a barrier fails, the token that arrived last is forgotten",
        (
            Patch(
                "barrier.py",
                "        for live in list(lives):\n",
                "        for live in list(lives)[: max(1, len(list(lives)) - 1)]:\n",
            ),
        ),
        ("barrier",),
        finding=8,
    ),
    Mutant(
        "a-failed-merge-leaves-visits-open",
        "C7",
        "when the data cannot be merged the barrier fails and its tokens are left as they were",
        (
            Patch(
                "coalesce.py",
                "        self.fail(held, reason, text)\n",
                "        if reason is not Reason.CONTRACT_CONFLICT:\n            self.fail(held, reason, text)\n",
            ),
        ),
        ("barrier", "diamond"),
        finding=8,
    ),
    Mutant(
        "a-loss-is-not-told",
        "C8",
        "a token that is routed away from its coalesce does not say so",
        (
            Patch(
                "state.py",
                "        if live.info.stack is not None and edge.loses:\n            self.drop_debt(live, edge.loss)\n        if self.queue",
                "        if self.queue",
            ),
        ),
        ("leaving",),
    ),
    Mutant(
        "an-inner-failure-is-not-told",
        "C8",
        "an inner barrier that fails does not lose the branch that it owed",
        (
            Patch(
                "coalesce.py",
                "        if joining.below is not None:\n",
                "        if joining.below is not None and trigger is Trigger.FLUSH:\n",
            ),
        ),
        ("nested",),
        finding=16,
    ),
    Mutant(
        "origins-are-not-kept",
        "C9",
        "a union merge does not record where its fields came from",
        (Patch("coalesce.py", "        if result.origins:\n", "        if not result.origins:\n"),),
        ("diamond",),
        finding=6,
    ),
    Mutant(
        "says-the-first-was-kept",
        "C9",
        "a union merge says of every field that the value of the first branch was kept",
        (
            Patch(
                "merging.py",
                "(field, branch, digest, digest == kept[field])",
                "(field, branch, digest, branch == next(iter(given)))",
            ),
        ),
        ("diamond",),
        finding=6,
    ),
    Mutant(
        "collisions-are-ignored",
        "C9",
        "what the merge kernel says of a collision is ignored, and the values are folded",
        (
            Patch(
                "coalesce.py",
                "        if isinstance(result, CannotMerge):\n            self._fail",
                "        if isinstance(result, CannotMerge) and result.reason is not Reason.UNION_COLLISION:\n            self._fail",
            ),
            Patch(
                "coalesce.py",
                "        self._merge(joining, lives, result, trigger)\n",
                "        if isinstance(result, CannotMerge):\n            result = Merged(lives[0].info.data, [])\n        self._merge(joining, lives, result, trigger)\n",
            ),
        ),
        ("barrier", "diamond"),
        finding=6,
    ),
    Mutant(
        "the-clock-starts-again",
        "C11",
        "every arrival starts the deadline of its barrier afresh",
        (
            Patch(
                "coalesce.py",
                "        self.held_by(live, joining, frame.branch)\n",
                "        joining.first_at = self.state.recorder.at\n        self.held_by(live, joining, frame.branch)\n",
            ),
        ),
        ("diamond",),
    ),
    Mutant(
        "every-loss-is-an-error",
        "C13",
        "a branch that was routed away is recorded as diverted by an error",
        (
            Patch(
                "state.py",
                "self.losses.append(Loss(info.stack, info.row, info.token, reason))\n        live.info = info._replace(stack=None)",
                "self.losses.append(Loss(info.stack, info.row, info.token, LossReason.DIVERTED))\n        live.info = info._replace(stack=None)",
            ),
        ),
        ("leaving",),
    ),
)
