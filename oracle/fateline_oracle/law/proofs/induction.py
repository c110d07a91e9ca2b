"""Proofs by induction with Z3: for any number of branches of a barrier, and any number of parents of a merge.

CrossHair confirms the kernels, each for one call. A run makes many calls. An *invariant* connects them: it holds at the
beginning, and every step that can be taken where it holds leads to where it holds. Z3 is asked for a step that breaks it; if
there is none, the invariant holds after any number of steps, of any number of branches or parents.

Nothing of the law is written a second time here but the invariants. The steps come from the source that runs:

- of the policy, `POLICY_TABLE` and the conditions in `HOLDS` are evaluated on symbols instead of numbers;
- of the marks of a branch, the kernels are called for every mark, so they become tables;
- of lineage, `same_line` is called for every way in which two lines can agree; that nothing else counts is its contract,
  which CrossHair confirms.

Example, a quorum of q. Invariant: held < q, and n - lost >= q. An arrival makes held + 1. By the table the barrier merges if
held + 1 >= q; else the invariant holds again. So it merges at the q-th arrival, whatever n is.

As with the kernels, a proof counts only if its witnesses exist (states in which the interesting case happens) and if every
mutant of the source is refuted with a counterexample. Not here: proofs of kernels (`obligations.py`).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import fateline_model
from fateline_oracle.law.patched import part, patched_model
from fateline_oracle.law.proofs.gate import ConditionResult, Proof
from fateline_oracle.law.proofs.obligations import Mutant, Runs

SECONDS: Final = 60
"""Wall seconds that Z3 may take for one question. It takes milliseconds."""
Claim = tuple[str, Any]
"""A sentence, and a formula of Z3 that must be true of everything."""


@dataclass(frozen=True, slots=True)
class Induction:
    """An invariant. `claims` gives what must be true for a model, `witnesses` what must be possible."""

    name: str
    sentence: str
    laws: tuple[str, ...]
    claims: Callable[[ModuleType], Iterator[Claim]]
    witnesses: Callable[[ModuleType], Iterator[Claim]]
    mutants: tuple[Mutant, ...]
    runs: Runs = Runs.CLAIM


def ask(claim: Claim) -> ConditionResult:
    """Ask Z3 for a counterexample of one claim."""
    import z3

    sentence, formula = claim
    begun, solver = time.process_time(), z3.Solver()
    solver.set("timeout", SECONDS * 1000)
    solver.add(z3.Not(formula))
    found = solver.check()
    took = time.process_time() - begun
    if found == z3.unsat:
        return ConditionResult(sentence, Proof.CONFIRMED, "", took)
    if found == z3.unknown:
        return ConditionResult(sentence, Proof.UNDECIDED, f"Z3 does not decide it: {solver.reason_unknown()}", took)
    model = solver.model()
    values = sorted(f"{name} = {model[name]}" for name in model.decls() if name.arity() == 0)
    return ConditionResult(sentence, Proof.REFUTED, f"{sentence}: not for {', '.join(values)}", took)


def possible(claim: Claim) -> str:
    """An empty text if there is a state as the claim describes it; otherwise the problem."""
    import z3

    sentence, formula = claim
    solver = z3.Solver()
    solver.add(formula)
    return "" if solver.check() == z3.sat else f"witness: there is no state in which {sentence}"


def refuted(induction: Induction, mutant: Mutant) -> ConditionResult | None:
    """The first claim that is refuted for the changed source, with its counterexample."""
    with patched_model(mutant.file, mutant.find, mutant.replace) as model:
        judged = (ask(claim) for claim in induction.claims(model))
        return next((one for one in judged if one.proof is Proof.REFUTED), None)


# ------------------------------------------------------------------------------------------- the policy, by numbers


@dataclass(frozen=True)
class _Counted:
    """A barrier as numbers that are symbols, under one policy."""

    coalesce: ModuleType
    policy: Any
    n: Any
    quorum: Any
    held: Any
    lost: Any

    def after(self, held: int, lost: int) -> "_Counted":
        return _Counted(self.coalesce, self.policy, self.n, self.quorum, self.held + held, self.lost + lost)

    def enough(self) -> Any:
        """What the policy waits for has arrived: all, the quorum, the first, or all that are not lost."""
        import z3

        word, all_settled = str(self.policy), self.held + self.lost == self.n
        return {
            "require_all": self.held == self.n,
            "quorum": self.held >= self.quorum,
            "first": self.held >= 1,
            "best_effort": z3.And(all_settled, self.held >= 1),
        }[word]

    def hopeless(self) -> Any:
        """No arrival can give the policy what it waits for."""
        word = str(self.policy)
        return {"require_all": self.lost > 0, "quorum": self.n - self.lost < self.quorum}.get(word, self.lost == self.n)

    def waits(self) -> Any:
        """The invariant of an open barrier: a branch is awaited, and the policy is neither satisfied nor hopeless."""
        import z3

        counted = z3.And(self.held >= 0, self.lost >= 0, self.held + self.lost < self.n)
        return z3.And(counted, z3.Not(self.enough()), z3.Not(self.hopeless()))

    def decided(self, event: str, *decisions: str) -> Any:
        """The policy table decides on one of these; with a leading `not`, on none of them."""
        import z3

        counts = self.coalesce.Counts(self.n, self.held, self.lost, self.quorum)
        here: list[Any] = []
        earlier: list[Any] = []
        for when, decision in self.coalesce.POLICY_TABLE[self.policy, self.coalesce.Event(event)]:
            holds = self.coalesce.HOLDS[when](counts)
            if str(decision) in decisions:
                here.append(z3.And(holds, *(z3.Not(one) for one in earlier)))
            earlier.append(holds)
        if "impossible" in decisions:
            here.append(z3.And(*(z3.Not(one) for one in earlier)))
        return z3.Or(*here)


_UNRESOLVED: Final = ("hold", "wait")


def _barriers(model: ModuleType) -> Iterator[tuple[str, Any, _Counted]]:
    """For each policy: its word, what a well-formed coalesce has, and a barrier in symbols."""
    import z3

    coalesce = part(model, "coalesce")
    n, quorum, held, lost = z3.Ints("n quorum held lost")
    for policy in part(model, "words").Policy:
        yield str(policy), z3.And(n >= 2, quorum >= 1, quorum <= n), _Counted(coalesce, policy, n, quorum, held, lost)


def _policy_claims(model: ModuleType) -> Iterator[Claim]:
    import z3

    for policy, well, now in _barriers(model):
        given = z3.And(well, now.waits())
        start = _Counted(now.coalesce, now.policy, now.n, now.quorum, z3.IntVal(0), z3.IntVal(0))
        arrived, lost = now.after(1, 0), now.after(0, 1)
        yield f"{policy}: a barrier before its first event waits", z3.Implies(well, start.waits())
        for event, then in (("arrival", arrived), ("loss", lost)):
            unresolved, merges = then.decided(event, *_UNRESOLVED), then.decided(event, "merge")
            yield (
                f"{policy}: if it is open after an event ({event}), it waits",
                z3.Implies(z3.And(given, unresolved), then.waits()),
            )
            yield (
                f"{policy}: a merge ({event}) has what it waits for",
                z3.Implies(z3.And(given, merges), then.enough()),
            )
            fails = z3.Not(z3.Or(unresolved, merges))
            yield f"{policy}: a failure ({event}) is hopeless", z3.Implies(z3.And(given, fails), then.hopeless())
        for event in ("deadline", "flush"):
            ends = z3.Not(now.decided(event, *_UNRESOLVED, "impossible"))
            yield f"{policy}: a {event} leaves nothing open", z3.Implies(given, ends)
            merges = now.decided(event, "merge")
            yield f"{policy}: a merge at a {event} has an arrival", z3.Implies(z3.And(given, merges), now.held >= 1)


def _policy_witnesses(model: ModuleType) -> Iterator[Claim]:
    import z3

    for policy, well, now in _barriers(model):
        given = z3.And(well, now.waits(), now.n >= 1000)
        yield (
            f"a {policy} barrier of a thousand branches merges",
            z3.And(given, now.after(1, 0).decided("arrival", "merge")),
        )
        fails = z3.Not(now.after(0, 1).decided("loss", *_UNRESOLVED, "merge"))
        yield f"a {policy} barrier of a thousand branches fails at a loss", z3.And(given, fails)


# ---------------------------------------------------------------------------------------- marks, one for each branch


def _by_table(rows: list[tuple[Any, Any]], otherwise: Any) -> Any:
    import z3

    result = otherwise
    for condition, value in rows:
        result = z3.If(condition, value, result)
    return result


class _Branches:
    """Any set of branches: where each stands, and how many fates its token got here. The invariant is `accounted`."""

    def __init__(self, model: ModuleType, when: str) -> None:
        import z3

        self.kernels = part(model, "kernels")
        self.branch = z3.DeclareSort("Branch")
        self.mark = z3.Function(f"mark {when}", self.branch, z3.IntSort())
        self.fates = z3.Function(f"fates {when}", self.branch, z3.IntSort())
        self.resolved = z3.Bool(f"resolved {when}")
        self.number = {one: number for number, one in enumerate(self.kernels.Mark)}

    def stands(self, branch: Any, *words: str) -> Any:
        import z3

        return z3.Or(*(self.mark(branch) == self.number[self.kernels.Mark(word)] for word in words))

    def accounted(self) -> Any:
        """Each branch stands where it can; its token has one fate once it was merged, failed or late, and none before."""
        import z3

        b = z3.Const("b", self.branch)
        cases = [(one, done) for one in self.kernels.Mark for done in (False, True) if self.kernels.fits(one, done)]
        fits = z3.Or(*(z3.And(self.stands(b, one), self.resolved == done) for one, done in cases))
        return z3.ForAll([b], z3.And(fits, self.fates(b) == z3.If(self.stands(b, "merged", "failed", "late"), 1, 0)))


def _mark_claims(model: ModuleType) -> Iterator[Claim]:
    """One fate for each token that arrives; each branch arrives once or is lost once."""
    import z3

    before, after = _Branches(model, "before"), _Branches(model, "after")
    kernels, number = before.kernels, before.number
    b, c = z3.Consts("b c", before.branch)
    start = z3.And(z3.Not(after.resolved), z3.ForAll([b], z3.And(after.stands(b, "awaited"), after.fates(b) == 0)))
    yield "the invariant holds before the first event", z3.Implies(start, after.accounted())

    for event, kernel in (("an arrival", kernels.mark_on_arrival), ("a loss", kernels.mark_on_loss)):
        met = [(one, done) for one in kernels.Mark for done in (False, True) if kernels.fits(one, done)]
        found = [(z3.And(before.stands(c, one), before.resolved == done), kernel(one, done)) for one, done in met]
        taken = [(when, result) for when, result in found if isinstance(result, kernels.Mark)]
        accepted = z3.Or(*(when for when, _ in taken))
        becomes = _by_table([(when, z3.IntVal(number[result])) for when, result in taken], before.mark(c))
        late = z3.And(becomes == number[kernels.Mark.LATE], z3.Not(before.stands(c, "late")))
        step = z3.And(
            after.resolved == before.resolved,
            z3.ForAll([b], after.mark(b) == z3.If(b == c, becomes, before.mark(b))),
            z3.ForAll([b], after.fates(b) == before.fates(b) + z3.If(z3.And(b == c, late), 1, 0)),
        )
        given = z3.And(before.accounted(), accepted)
        yield f"{event} keeps the invariant", z3.Implies(z3.And(given, step), after.accounted())
        yield f"{event} is accepted only of a branch that is awaited", z3.Implies(given, before.stands(c, "awaited"))

    for verdict in part(model, "words").BarrierVerdict:
        rows = [(one, kernels.mark_on_resolution(one, verdict)) for one in kernels.Mark if kernels.fits(one, False)]
        becomes = _by_table(
            [(before.stands(b, one), z3.IntVal(number[result])) for one, result in rows], before.mark(b)
        )
        step = z3.And(
            after.resolved,
            z3.ForAll([b], after.mark(b) == becomes),
            z3.ForAll([b], after.fates(b) == before.fates(b) + z3.If(before.stands(b, "held"), 1, 0)),
        )
        given = z3.And(before.accounted(), z3.Not(before.resolved), step)
        yield f"a resolution as {verdict} keeps the invariant", z3.Implies(given, after.accounted())


def _mark_witnesses(model: ModuleType) -> Iterator[Claim]:
    import z3

    now = _Branches(model, "now")
    some = z3.Consts("b0 b1 b2 b3", now.branch)
    stands = (now.stands(one, word) for one, word in zip(some, ("merged", "late", "lost", "awaited"), strict=True))
    yield "branches are merged, late, lost and awaited at once", z3.And(now.accounted(), now.resolved, *stands)


# --------------------------------------------------------------------------------------------- the parents of a merge


def _lineage(model: ModuleType) -> tuple[Any, Any, Any]:
    """The step of a merge of any set of parents, the invariant before it, and the invariant after it."""
    import z3

    kernels = part(model, "kernels")
    token = z3.DeclareSort("Token")
    integer, boolean = z3.IntSort(), z3.BoolSort()
    x, y, merged = z3.Consts("x y merged", token)
    run, row, fork = (z3.Function(word, token, integer) for word in ("run", "row", "fork"))
    run_, row_ = (z3.Function(f"{word}_after", token, integer) for word in ("run", "row"))
    parent, parent_ = (z3.Function(f"parent{s}", token, token, boolean) for s in ("", "_after"))
    named, made = z3.Function("named", token, boolean), z3.Function("made", token, boolean)
    here = z3.Ints("its_run its_row its_fork")

    def admitted(of: Any) -> Any:
        """The kernel, called for every way in which a parent's line can agree with the line of the merge."""
        ways = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
        good = [way for way in ways if kernels.same_line(kernels.Line(0, 0, 0), kernels.Line(*way)) is None]
        agree = [line(of) == own for line, own in zip((run, row, fork), here, strict=True)]
        found = [z3.And(*(one == (not differs) for one, differs in zip(agree, way, strict=True))) for way in good]
        return z3.Or(*found)

    def holds(link: Any, of_run: Any, of_row: Any) -> Any:
        return z3.ForAll([x, y], z3.Implies(link(x, y), z3.And(of_run(x) == of_run(y), of_row(x) == of_row(y))))

    linked = z3.Or(parent(x, merged), parent(merged, x))
    fresh = z3.And(z3.Not(made(merged)), z3.Not(named(merged)), z3.ForAll([x], z3.Not(linked)))
    step = z3.And(
        fresh,
        z3.ForAll([x], z3.Implies(named(x), z3.And(made(x), admitted(x)))),
        z3.ForAll([x], run_(x) == z3.If(x == merged, here[0], run(x))),
        z3.ForAll([x], row_(x) == z3.If(x == merged, here[1], row(x))),
        z3.ForAll([x, y], parent_(x, y) == z3.Or(parent(x, y), z3.And(y == merged, named(x)))),
    )
    one_fork = z3.ForAll([x, y], z3.Implies(z3.And(named(x), named(y)), fork(x) == fork(y)))
    return z3.And(step, holds(parent, run, row)), holds(parent_, run_, row_), (one_fork, named, x, y)


def _lineage_claims(model: ModuleType) -> Iterator[Claim]:
    import z3

    given, after, (one_fork, *_) = _lineage(model)
    yield "a merge keeps every parent in the row and the run of its child", z3.Implies(given, after)
    yield "all parents of a merge are of one fork", z3.Implies(given, one_fork)


def _lineage_witnesses(model: ModuleType) -> Iterator[Claim]:
    import z3

    given, _, (_, named, x, y) = _lineage(model)
    yield "a merge has two parents", z3.And(given, named(x), named(y), x != y)


INDUCTIONS: Final = (
    Induction(
        "waiting",
        "Of a barrier with any number of branches, after any number of events: an open one awaits a branch, and its policy is "
        "neither satisfied nor hopeless; one that merges has what it waits for; a deadline or a flush leaves none open.",
        ("C3", "C4", "C10", "C12"),
        _policy_claims,
        _policy_witnesses,
        (
            Mutant(
                "a quorum merges one arrival too late",
                "coalesce.py",
                "lambda counts: counts.arrived >= counts.quorum",
                "lambda counts: counts.arrived > counts.quorum",
            ),
            Mutant(
                "under best_effort, the loss of the last awaited branch is waited out",
                "coalesce.py",
                "        (When.SOME_AWAITED, Decision.WAIT),\n        (When.SOME_ARRIVED, Decision.MERGE),\n",
                "        (When.ALWAYS, Decision.WAIT),\n        (When.SOME_ARRIVED, Decision.MERGE),\n",
            ),
            Mutant(
                "a deadline does not end a first barrier",
                "coalesce.py",
                "(When.SOME_ARRIVED, Decision.IMPOSSIBLE), (When.ALWAYS, Decision.NO_ARRIVALS)",
                "(When.ALWAYS, Decision.WAIT),",
            ),
        ),
    ),
    Induction(
        "accounting",
        "Of any set of branches, after any number of events: each branch arrives once or is lost once, nothing stays held "
        "after the resolution, and each token that arrives gets exactly one fate.",
        ("C5", "C6", "C7", "C8"),
        _mark_claims,
        _mark_witnesses,
        (
            Mutant(
                "what was held stays held when a barrier fails",
                "kernels.py",
                "    return Mark.MERGED if verdict is BarrierVerdict.MERGED else Mark.FAILED\n",
                "    return Mark.MERGED if verdict is BarrierVerdict.MERGED else Mark.HELD\n",
            ),
            Mutant(
                "a branch that was lost may still arrive",
                "kernels.py",
                "        return Refusal.BRANCH_LOST if mark is Mark.LOST else Refusal.BRANCH_HELD\n"
                "    return Mark.LATE if resolved else Mark.HELD\n",
                "        if mark is not Mark.LOST:\n            return Refusal.BRANCH_HELD\n"
                "    return Mark.LATE if resolved else Mark.HELD\n",
            ),
            Mutant(
                "after the resolution, a branch that arrives is held",
                "kernels.py",
                "    return Mark.LATE if resolved else Mark.HELD\n",
                "    return Mark.HELD\n",
            ),
        ),
    ),
    Induction(
        "ancestry",
        "Of a merge of any number of parents: all are of the row and the run of the merged token and of one fork, and so "
        "are the parents of their parents.",
        ("L2", "L3", "C2"),
        _lineage_claims,
        _lineage_witnesses,
        (
            Mutant(
                "parents may be of another row",
                "kernels.py",
                "if parent.row != line.row:",
                "if parent.row != parent.row:",
            ),
            Mutant(
                "parents may be of another fork",
                "kernels.py",
                "if parent.fork != line.fork:",
                "if parent.fork != parent.fork:",
            ),
        ),
    ),
)
"""In the order in which they are printed."""

INDUCTION_BY_NAME: Final = {induction.name: induction for induction in INDUCTIONS}


def the_model() -> ModuleType:
    """The model as it runs."""
    return fateline_model
