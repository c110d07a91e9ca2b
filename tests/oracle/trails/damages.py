"""Damages to trails, each with the law that it breaks: stepping and querying must both name it.

Here: a table of damages, and the few words that it is written in. Not here: damage drawn at random (`audit/damage.py`).
"""

from collections.abc import Callable

Record = dict[str, object]


def first(records: list[Record], **wanted: object) -> Record:
    return next(record for record in records if all(record.get(key) == value for key, value in wanted.items()))


def without(**wanted: object) -> Callable[[list[Record]], list[Record]]:
    def damage(records: list[Record]) -> list[Record]:
        gone = first(records, **wanted)
        return [record for record in records if record is not gone]

    return damage


def changed(change: Record, **wanted: object) -> Callable[[list[Record]], list[Record]]:
    def damage(records: list[Record]) -> list[Record]:
        one = first(records, **wanted)
        return [{**record, **change} if record is one else record for record in records]

    return damage


def twice(change: Record, **wanted: object) -> Callable[[list[Record]], list[Record]]:
    def damage(records: list[Record]) -> list[Record]:
        return [*records, {**first(records, **wanted), **change}]

    return damage


def with_another_run(damage: Callable[[list[Record]], list[Record]]) -> Callable[[list[Record]], list[Record]]:
    """Beside it a run of one row, whose token is called z:0."""
    other: list[Record] = [
        {"rec": "runs", "run": "other", "status": "running"},
        {"rec": "rows", "run": "other", "row": "z", "idx": 0, "seq": 1},
        {"rec": "tokens", "run": "other", "row": "z", "token": "z:0", "seq": 2},
    ]
    return lambda records: [*damage(records), *other]


def of_the_last_member(records: list[Record]) -> list[Record]:
    """An output of a batch is a child of the batch's last member."""
    output = first(records, rec="tokens", group_kind="batch")
    last = max(
        (r for r in records if r["rec"] == "members" and r["batch"] == output["group"]), key=lambda r: str(r["ordinal"])
    )
    return changed({"parent": last["token"]}, rec="parents", child=output["token"])(records)


def root_and_fate_again(records: list[Record]) -> list[Record]:
    """A second root of a row in which everything is finished. It meets a fate, too."""
    token = {"token": "0:99", "seq": 10_000}
    root = twice(token, rec="tokens", row="0", token="0:0")(records)
    return twice(token, rec="outcomes", outcome="routed")(root)


DAMAGES = {
    "a fate deleted": ("returns", without(rec="outcomes", outcome="completed"), "F2"),
    "a second fate": ("returns", twice({"outcome": "failed", "error": "x", "sink": None}, rec="outcomes", outcome="completed"), "F1"),
    "a fate without what it owes": ("enrichment", changed({"error": None}, rec="outcomes", outcome="failed"), "F4"),
    "a fate of another sink": ("returns", changed({"sink": "elsewhere"}, rec="outcomes", outcome="completed"), "F7"),
    "a fork child deleted": ("quorum", without(rec="tokens", group_kind="fork"), "K1"),
    "a promise larger than the children": ("quorum", changed({"promised": "a,b,c,d,e"}, rec="outcomes", outcome="forked"), "K1"),
    "a group forged": ("quorum", changed({"group": None, "group_kind": None, "branch": None}, rec="tokens", group_kind="fork"), "L5"),
    "a link to a token of another row": ("quorum", changed({"parent": "0:0"}, rec="parents", child="1:1"), "L2"),
    "a second root": ("quorum", twice({"token": "0:99", "seq": 10_000}, rec="tokens", row="0", token="0:0"), "L9"),
    "a second root that comes out": ("quorum", root_and_fate_again, "L7"),
    "a visit deleted": ("quorum", without(rec="visits", status="completed"), "D2"),
    "a visit left open": ("quorum", changed({"status": "open", "verdict": None, "closed": None}, rec="visits", token="0:0"), "V1"),
    "another verdict": ("returns", changed({"verdict": "drop"}, rec="visits", verdict="pass"), "V4"),
    "a hop along another edge": ("returns", changed({"label": "on_error"}, rec="hops", src="sort"), "T2"),
    "data of a sibling": ("quorum", changed({"digest_in": "0" * 32}, rec="visits", verdict="written"), "K3"),
    "a barrier deleted": ("quorum", without(rec="barriers"), "D2"),
    "a barrier with another reason": ("enrichment", changed({"reason": "quorum_not_met"}, rec="barriers", verdict="failed"), "C15"),
    "a barrier that failed though it could merge": ("quorum", changed({"verdict": "failed", "reason": "quorum_not_met", "result": None}, rec="barriers"), "C3"),
    "a barrier resolved twice": ("quorum", twice({}, rec="barriers"), "C1"),
    "a member out of order": ("sensors", changed({"ordinal": 7}, rec="members"), "B1"),
    "a batch that says more outputs": ("sensors", changed({"outputs": 9}, rec="batches"), "F6"),
    "a row read twice": ("returns", changed({"idx": 0}, rec="rows", row="1"), "R3"),
    "a row counted and lost": ("returns", changed({"rows": 8}, rec="runs", status="completed"), "R3"),
    "a step in two transactions": ("quorum", changed({"tx": 999}, rec="outcomes", outcome="forked"), "K2"),
    "a record of no token": ("returns", changed({"token": "77:7"}, rec="outcomes"), "L6"),
    "an origin forged": ("quorum", changed({"kept": False}, rec="merges", kept=True), "C9"),
    "a run over too early": ("claims", without(rec="outcomes", outcome="coalesced"), "F2"),
    "a visit after the fate": ("returns", twice({"visit": "late", "attempt": 1, "opened": 10_000, "closed": 10_001, "seq": 10_001}, rec="visits", verdict="written"), "F3"),
    "a membership deleted": ("sensors", without(rec="members"), "F5"),
    "a token made twice": ("quorum", twice({"seq": 10_000}, rec="tokens", group_kind="fork"), "L1"),
    "a link to a token of another run": ("quorum", with_another_run(changed({"parent": "z:0"}, rec="parents", child="1:1")), "L3"),
    "a token that is its own parent": ("quorum", changed({"parent": "1:1"}, rec="parents", child="1:1"), "L4"),
    "a row deleted": ("returns", without(rec="rows", row="1"), "L8"),
    "an expansion child deleted": ("invoices", without(rec="tokens", group_kind="expand"), "X1"),
    "an expansion in two transactions": ("invoices", changed({"tx": 999}, rec="outcomes", outcome="expanded"), "X3"),
    "a parent of a merge deleted": ("quorum", without(rec="parents", child="1:4"), "C2"),
    "a late token that is not called late": ("quorum", changed({"reason": "branch_lost"}, rec="outcomes", reason="late_arrival_after_merge"), "C16"),
    "a late token that does not fail": ("quorum", changed({"outcome": "discarded", "error": None}, rec="outcomes", reason="late_arrival_after_merge"), "C16"),
    "a late token that is merged": ("quorum", changed({"outcome": "coalesced", "group": "9:9", "error": None, "reason": None}, rec="outcomes", reason="late_arrival_after_merge"), "C5"),
    "a held token that outlives its barrier": ("deadline", changed({"reason": "node_failed"}, rec="outcomes", reason="incomplete_branches"), "C15"),
    "a token held for ever": ("quorum", changed({"status": "held", "closed": None}, rec="visits", node="answers"), "C10"),
    "a deadline before its time": ("deadline", changed({"decided_at": 5}, rec="barriers", trigger="deadline"), "C11"),
    "a loss with another reason": ("quorum", changed({"reason": "discarded"}, rec="losses"), "C13"),
    "a member that ends otherwise": ("sensors", changed({"outcome": "failed", "error": "x", "reason": "batch_failed"}, rec="outcomes", outcome="consumed_in_batch"), "B3"),
    "a visit of a member that ends otherwise": ("sensors", changed({"status": "failed"}, rec="visits", node="by_four"), "B3"),
    "two visits at once": ("returns", changed({"closed": 10_000, "seq": 10_000}, rec="visits", node="tidy"), "V3"),
    "a hop to another node": ("returns", changed({"dst": "desk"}, rec="hops", label="continue"), "T1"),
    "a branch that is not the node's": ("quorum", changed({"branch": "velocity"}, rec="tokens", branch="rules"), "T3"),
    "a field that is not for this outcome": ("quorum", changed({"sink": "review"}, rec="outcomes", outcome="forked"), "F8"),
    "children of a fork in another order": ("quorum", changed({"ordinal": 7}, rec="parents", child="1:1"), "K4"),
    "parents of a merge in another order": ("quorum", changed({"ordinal": 7}, rec="parents", child="1:4"), "C14"),
    "an output of another member": ("sensors", of_the_last_member, "B5"),
    "an error that leads nowhere": ("returns", changed({"dst": "desk"}, rec="hops", label="on_error"), "T4"),
    "a hop in a transaction of its own": ("returns", changed({"tx": 999}, rec="hops", src="sort"), "R1"),
    "a visit cut off and not tried again": ("returns", changed({"status": "interrupted", "verdict": None}, rec="visits", verdict="written"), "R5"),
}  # fmt: skip

OTHERWISE = {
    "a loss deleted": ("claims", without(rec="losses"), "C8", "D2"),
    "a batch closed by another trigger": ("sensors", changed({"trigger": "end_of_source"}, rec="batches"), "B2", "V3"),
    "a member of another run": ("sensors", with_another_run(changed({"token": "z:0"}, rec="members")), "B4", "B1"),
    "a held token that does not fail": ("deadline", changed({"outcome": "discarded", "error": None}, rec="outcomes", reason="incomplete_branches"), "C7", "C8"),
    "an attempt with another number": ("returns", changed({"attempt": 3}, rec="visits", status="completed"), "V5", "T1"),
    "an attempt after a completed one": ("returns", twice({"visit": "again", "attempt": 1}, rec="visits", verdict="pass"), "V2", "V3"),
    "a write and its fate apart": ("returns", changed({"tx": 999}, rec="outcomes", outcome="completed"), "R4", "R1"),
}  # fmt: skip
"""Damages that stepping names by what follows from them: the law that a query names, and the one that stepping names."""
