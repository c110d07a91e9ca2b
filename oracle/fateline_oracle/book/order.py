"""The page on what the order of events can change, computed by the checker. Not here: playing the orders (`checker.order`)."""

from fateline_model.checker.order import BRANCHES, SELECTED, Change, changes
from fateline_model.words import Collisions, Strategy

from .markdown import page, table

_ASPECTS = {
    "verdict": "Verdict",
    "reason": "Reason",
    "branches": "Branches merged",
    "data": "Merged data",
    "fates": "Fates of the tokens",
    "trigger": "Trigger",
}


def order_page() -> str:
    """`order.md`."""
    found = list(changes())
    plain, timed = ([change for change in found if change.deadline is deadline] for deadline in (False, True))
    return page(
        "Where order can matter",
        f"What happens to each of the branches {', '.join(BRANCHES)} is fixed: it arrives with its data, or it is lost. The checker "
        "plays each such set of events at one barrier in every order, and compares what comes out. `no` means: the same in every "
        f"order. The quorum is 2; `select` takes {SELECTED}.",
        "## Without a deadline",
        "Order never changes whether a barrier merges or fails by its policy. Under `quorum` and `first` it changes *which* branches "
        "are merged; so it changes the data, and where a merge can fail for its data, it changes the verdict.",
        _table(plain),
        "## With a deadline",
        "The deadline is one more event: it can come between any two others. Before the first event and after the resolution it "
        "does not happen.",
        _table(timed),
        "## One example of each change",
        table(
            ["Policy", "Merge", "Deadline", "What", "Two orders of the same events"],
            [
                (change.policy, _merge(change), "yes" if change.deadline else "no", _ASPECTS[what].lower(), example)
                for change in _shortest(found)
                for what, example in change.examples.items()
            ],
        ),
        "## For any number of branches",
        "For any counts, CrossHair confirms that an arrival and a loss can be swapped without changing whether the barrier merges, fails "
        "or stays open (`swapped_events`), and that the order of two branches changes which value a union keeps, never whether there is a "
        "conflict (`keep_two`): [proofs.md](proofs.md). A union folds in the declared order of the branches, and not in the order in "
        "which they arrive. So the same branches always give the same data.",
    )


def _table(found: list[Change]) -> str:
    rows = [
        (change.policy, _merge(change), *("can change" if what in change.examples else "no" for what in _ASPECTS))
        for change in found
    ]
    return table(["Policy", "Merge", *_ASPECTS.values()], rows)


def _merge(change: Change) -> str:
    return f"union, {change.collisions}" if change.strategy is Strategy.UNION else str(change.strategy)


def _shortest(found: list[Change]) -> list[Change]:
    """One rule of merging for each policy is enough to see it, and the one that can fail for its data."""
    return [one for one in found if one.strategy is Strategy.UNION and one.collisions is Collisions.FAIL]
