"""The operations of a token manager under hostile arguments: strangers, other rows and runs, nothing, the same twice."""

from collections.abc import Sequence

import pytest

from fateline_model import Done, Op, Operation, Outcome, Record, Refusal, Run, StepView, TokenRef, World, operate
from fateline_model.checker.systems import token_names
from fateline_model.laws import ALL, NOT_IN_LIFECYCLE, checks
from fateline_model.lifecycle import NO_GRAPH, SHAPES
from fateline_model.records import MemberRecord, OutcomeRecord, ParentRecord, TokenRecord
from fateline_model.words import OUTCOME_FIELDS, OUTCOMES

LAWS_HERE = [law for law in ALL if law.id not in NOT_IN_LIFECYCLE]


def ref(name: str, run: int = 0) -> TokenRef:
    return TokenRef(run, name)


class Manager:
    """Two runs, `A` and `B`, called from outside; every call that is accepted is judged by every law that applies."""

    def __init__(self) -> None:
        self.world: World = (Run("A"), Run("B"))
        self.wrote: tuple[Record, ...] = ()

    def call(self, operation: Operation) -> "Manager":
        result = operate(self.world, operation)
        assert isinstance(result, Done), f"{operation} is refused as {result}"
        view = StepView(NO_GRAPH, self.world, operation, result.records, result.world)
        assert [f"{law.id}: {check}" for law in LAWS_HERE for check in checks(law, view) if check is not None] == []
        self.world, self.wrote = result.world, result.records
        return self

    def refuses(self, operation: Operation) -> Refusal:
        before = repr(self.world)
        result = operate(self.world, operation)
        assert isinstance(result, Refusal), f"{operation} is accepted"
        assert repr(self.world) == before
        return result

    # the operations, in run 0 unless told

    def initial(self, row: int = 0, run: int = 0) -> "Manager":
        return self.call(Operation(Op.INITIAL, run, row))

    def fork(self, name: str = "0", *branches: str, row: int = 0) -> "Manager":
        return self.call(Operation(Op.FORK, 0, row, (ref(name),), branches or ("a", "b")))

    @property
    def names(self) -> list[str]:
        return token_names(self.world[0])

    def parents(self) -> list[tuple[str, str, int | None]]:
        return [(p.child, p.parent, p.ordinal) for p in self.wrote if isinstance(p, ParentRecord)]

    def outcomes(self) -> list[tuple[str, str]]:
        return [(o.token, str(o.outcome)) for o in self.wrote if isinstance(o, OutcomeRecord)]


def forked() -> Manager:
    """Row 0 of run A forked into a and b, row 1 of run A and row 0 of run B just begun."""
    return Manager().initial(0).initial(1).initial(0, run=1).fork()


# ------------------------------------------------------------------------------------------------- rows and roots


def test_a_row_and_its_root_token_are_one_step() -> None:
    manager = Manager().initial(3)
    assert [type(record).__name__ for record in manager.wrote] == ["RowRecord", "TokenRecord"]
    assert manager.names == ["3"]


def test_a_row_without_a_contract_is_refused_before_any_write() -> None:
    assert Manager().refuses(Operation(Op.INITIAL, 0, 0, locked=False)) is Refusal.NO_CONTRACT


def test_an_invalid_row_ends_where_it_begins() -> None:
    manager = Manager().call(Operation(Op.QUARANTINE, 0, 0))
    assert manager.outcomes() == [("0", "quarantined")]


def test_a_root_token_is_for_a_row_that_exists_and_has_none() -> None:
    manager = Manager()
    assert manager.refuses(Operation(Op.EXISTING, 0, 0)) is Refusal.UNKNOWN_ROW
    assert manager.refuses(Operation(Op.EXISTING, 0)) is Refusal.UNKNOWN_ROW
    manager.call(Operation(Op.RECORD_ROW, 0, 0))
    assert manager.names == []
    manager.call(Operation(Op.EXISTING, 0, 0))
    assert manager.refuses(Operation(Op.EXISTING, 0, 0)) is Refusal.HAS_ROOT_TOKEN


@pytest.mark.parametrize("op", [Op.RECORD_ROW, Op.INITIAL, Op.QUARANTINE])
def test_no_row_is_recorded_twice_and_none_before_the_first(op: Op) -> None:
    manager = Manager().initial(0)
    assert manager.refuses(Operation(op, 0, 0)) is Refusal.ROW_ALREADY_READ
    assert manager.refuses(Operation(op, 0, -1)) is Refusal.UNKNOWN_ROW
    assert manager.refuses(Operation(op, 0)) is Refusal.UNKNOWN_ROW
    manager.call(Operation(op, 1, 0))


# ------------------------------------------------------------------------------------------------- any operation


@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("run", [-1, 2])
def test_an_unknown_run_is_asked_about_first(op: Op, run: int) -> None:
    assert forked().refuses(Operation(op, run, 99, (ref("x"),))) is Refusal.UNKNOWN_RUN


@pytest.mark.parametrize("op", Op)
def test_nothing_happens_in_a_run_that_is_over(op: Op) -> None:
    manager = Manager().call(Operation(Op.COMPLETE, 0))
    assert manager.refuses(Operation(op, 0, 0, (ref("0"),))) is Refusal.RUN_OVER


ON_TOKENS = [
    Operation(Op.FORK, 0, 0, branches=("a", "b")),
    Operation(Op.EXPAND, 0, 0, number=1),
    Operation(Op.UPDATE, 0),
    Operation(Op.RECORD, 0, outcome=Outcome.FAILED, fields=("error",)),
    Operation(Op.BUFFER, 0, node="agg"),
]


@pytest.mark.parametrize("operation", ON_TOKENS, ids=lambda operation: str(operation.op))
def test_strangers_other_runs_and_the_ended_are_refused_by_name(operation: Operation) -> None:
    manager = forked()
    for tokens in ((), (ref("7"),), (ref("0/x"),), (ref("00"),), (ref(""),), (ref("0", 2),), (ref("1", 1),)):
        assert manager.refuses(operation._replace(tokens=tokens)) is Refusal.UNKNOWN_TOKEN
    assert manager.refuses(operation._replace(tokens=(ref("0", 1),))) is Refusal.OTHER_RUN
    assert manager.refuses(operation._replace(tokens=(ref("0"),))) is Refusal.HAS_FATE


@pytest.mark.parametrize("operation", ON_TOKENS[:2], ids=lambda operation: str(operation.op))
def test_a_token_of_another_row_is_refused_and_so_is_a_row_that_is_not_there(operation: Operation) -> None:
    manager = forked()
    assert manager.refuses(operation._replace(tokens=(ref("1"),))) is Refusal.OTHER_ROW
    assert manager.refuses(operation._replace(row=7, tokens=(ref("1"),))) is Refusal.UNKNOWN_ROW
    assert manager.refuses(operation._replace(row=None, tokens=(ref("1"),))) is Refusal.UNKNOWN_ROW


# ------------------------------------------------------------------------------------------------- fork and expand


def test_a_fork_is_one_step() -> None:
    manager = Manager().initial().fork("0", "b", "a")
    assert manager.outcomes() == [("0", "forked")]
    assert manager.parents() == [("0/b", "0", 0), ("0/a", "0", 1)]
    assert [token.branch for token in manager.wrote if isinstance(token, TokenRecord)] == ["b", "a"]


def test_a_fork_needs_branches_each_once() -> None:
    manager = Manager().initial()
    fork = Operation(Op.FORK, 0, 0, (ref("0"),))
    assert manager.refuses(fork) is Refusal.NO_BRANCHES
    assert manager.refuses(fork._replace(branches=("a", "b", "a"))) is Refusal.REPEATED_BRANCH
    manager.fork("0", "only")


def test_an_expansion_needs_children_and_a_locked_contract() -> None:
    manager = Manager().initial()
    expand = Operation(Op.EXPAND, 0, 0, (ref("0"),))
    for number in (0, -1):
        assert manager.refuses(expand._replace(number=number)) is Refusal.NO_CHILDREN
    assert manager.refuses(expand._replace(number=2, locked=False)) is Refusal.CONTRACT_NOT_LOCKED
    manager.call(expand._replace(number=2))
    assert manager.parents() == [("0.0", "0", 0), ("0.1", "0", 1)]
    assert manager.outcomes() == [("0", "expanded")]


def test_children_of_an_expansion_carry_their_parents_stack() -> None:
    manager = forked().call(Operation(Op.EXPAND, 0, 0, (ref("0/a"),), number=1))
    child = next(t for row in manager.world[0].rows for t in row.tokens if t.name == "/a.0")
    assert [frame.branch for frame in child.stack] == ["a"]


# ------------------------------------------------------------------------------------------------- merge


def merge(*parents: TokenRef, row: int | None = 0, node: str = "j", run: int = 0) -> Operation:
    return Operation(Op.MERGE, run, row, parents, node=node)


def test_a_merge_consumes_its_parents_and_pops_the_stack() -> None:
    manager = forked().call(merge(ref("0/b"), ref("0/a")))
    assert manager.outcomes() == [("0/b", "coalesced"), ("0/a", "coalesced")]
    assert manager.parents() == [("0/j", "0/b", 0), ("0/j", "0/a", 1)]
    assert manager.world[0].rows[0].tokens[-1].stack == ()


def test_a_merge_needs_parents() -> None:
    assert forked().refuses(merge()) is Refusal.NO_PARENTS
    assert forked().refuses(merge(row=9)) is Refusal.UNKNOWN_ROW


@pytest.mark.parametrize(
    "parents, rule",
    [
        ((ref("0/a"), ref("0/x")), Refusal.UNKNOWN_TOKEN),
        ((ref("0/a"), ref("0/a", 1)), Refusal.UNKNOWN_TOKEN),
        ((ref("0/a"), ref("0", 1)), Refusal.OTHER_RUN),
        ((ref("0", 1), ref("1")), Refusal.OTHER_RUN),
        ((ref("0/a"), ref("1")), Refusal.OTHER_ROW),
        ((ref("1"), ref("0", 1)), Refusal.OTHER_RUN),
        ((ref("1"),), Refusal.OTHER_ROW),
        ((ref("0/a"), ref("0")), Refusal.HAS_FATE),
        ((ref("0/a"), ref("0/a")), Refusal.REPEATED_BRANCH),
    ],
)
def test_a_line_never_crosses_another_row_or_run(parents: Sequence[TokenRef], rule: Refusal) -> None:
    assert forked().refuses(merge(*parents)) is rule


def test_the_parents_of_a_merge_are_branches_of_one_fork() -> None:
    manager = forked().fork("0/a", "a", "d")
    assert manager.refuses(merge(ref("0/a/d"), ref("0/b"))) is Refusal.NOT_ONE_FORK
    manager.call(merge(ref("0/a/a"), ref("0/a/d")))
    assert "0/a/j" in manager.names


def test_two_forks_are_noticed_before_a_branch_of_the_same_name() -> None:
    manager = forked().fork("0/b", "a", "d")
    assert manager.refuses(merge(ref("0/a"), ref("0/b/a"))) is Refusal.NOT_ONE_FORK
    order = list(Refusal)
    assert order.index(Refusal.NOT_ONE_FORK) < order.index(Refusal.REPEATED_BRANCH)


def test_a_token_that_owes_nothing_is_no_parent_of_a_merge() -> None:
    assert Manager().initial().refuses(merge(ref("0"))) is Refusal.NOT_ONE_FORK


def test_a_fork_is_joined_at_one_coalesce_once() -> None:
    manager = Manager().initial().fork("0", "a", "b", "c")
    manager.call(merge(ref("0/a")))
    assert manager.refuses(merge(ref("0/b"))) is Refusal.ALREADY_RESOLVED
    manager.call(merge(ref("0/b"), ref("0/c"), node="k"))


# ------------------------------------------------------------------------------------------------- fates


def test_new_data_leaves_lineage_and_trail_as_they_are() -> None:
    manager = forked()
    before = manager.world
    assert manager.call(Operation(Op.UPDATE, 0, tokens=(ref("0/a"),))).wrote == ()
    assert manager.world == before


@pytest.mark.parametrize("outcome", Outcome)
def test_a_bare_fate_carries_what_it_must_and_nothing_it_may_not(outcome: Outcome) -> None:
    rule = OUTCOMES[outcome]
    record = Operation(Op.RECORD, 0, tokens=(ref("0"),), outcome=outcome, fields=rule.must)
    manager = Manager().initial()
    if rule.delegates or not rule.terminal:
        assert manager.refuses(record) is Refusal.NOT_A_FATE
        assert manager.refuses(record._replace(fields=())) is Refusal.NOT_A_FATE
        return
    for field in rule.must:
        fewer = tuple(other for other in rule.must if other != field)
        assert manager.refuses(record._replace(fields=fewer)) is Refusal.FIELDS_MISSING
    for field in set(OUTCOME_FIELDS) - {*rule.must, *rule.may}:
        assert manager.refuses(record._replace(fields=(*rule.must, field))) is Refusal.FIELDS_FORBIDDEN
    manager.call(record._replace(fields=(*rule.must, *rule.may)))
    assert manager.outcomes() == [("0", str(outcome))]
    assert manager.refuses(record) is Refusal.HAS_FATE


def test_a_fate_that_is_none_is_said_before_what_it_lacks() -> None:
    order = list(Refusal)
    assert order.index(Refusal.NOT_A_FATE) < order.index(Refusal.FIELDS_MISSING)
    record = Operation(Op.RECORD, 0, tokens=(ref("0"),), fields=("error",))
    assert Manager().initial().refuses(record) is Refusal.NOT_A_FATE


# ------------------------------------------------------------------------------------------------- batches


def buffer(name: str, run: int = 0, of: int | None = None) -> Operation:
    return Operation(Op.BUFFER, run, tokens=(ref(name, run if of is None else of),), node="agg")


def test_members_come_in_order_and_their_outputs_are_the_firsts() -> None:
    manager = forked().call(buffer("1")).call(buffer("0/a"))
    assert [(m.batch, m.token, m.ordinal) for m in manager.wrote if isinstance(m, MemberRecord)] == [
        ("agg#0", "0/a", 1)
    ]
    manager.call(Operation(Op.CONSUME, 0, number=2, node="agg"))
    assert manager.outcomes() == [("1", "consumed_in_batch"), ("0/a", "consumed_in_batch")]
    assert manager.parents() == [("1.0", "1", 0), ("1.1", "1", 1)]


def test_a_batch_takes_nobody_twice_and_nobody_of_another_run() -> None:
    manager = forked().call(buffer("1"))
    assert manager.refuses(buffer("1")) is Refusal.ALREADY_VISITING
    assert manager.refuses(buffer("0", 0, of=1)) is Refusal.OTHER_RUN
    manager.call(buffer("0", 1))
    assert manager.world[0].batches != manager.world[1].batches


def test_what_is_buffered_has_no_other_end() -> None:
    manager = forked().call(buffer("1"))
    for operation in ON_TOKENS:
        assert manager.refuses(operation._replace(row=1, tokens=(ref("1"),))) is Refusal.ALREADY_VISITING
    assert manager.refuses(Operation(Op.COMPLETE, 0)) is Refusal.NOT_AT_REST


def test_a_batch_ends_once_with_at_least_one_output() -> None:
    manager = forked()
    consume = Operation(Op.CONSUME, 0, number=1, node="agg")
    assert manager.refuses(consume) is Refusal.UNKNOWN_BATCH
    manager.call(buffer("1"))
    assert manager.refuses(consume._replace(number=0)) is Refusal.NO_CHILDREN
    assert manager.refuses(consume._replace(node="other")) is Refusal.UNKNOWN_BATCH
    manager.call(consume)
    assert manager.refuses(consume) is Refusal.UNKNOWN_BATCH
    manager.call(buffer("0/a"))
    assert [m.batch for m in manager.wrote if isinstance(m, MemberRecord)] == ["agg#1"]


# ------------------------------------------------------------------------------------------------- the end


def test_a_run_is_over_when_every_row_has_its_token_and_every_token_its_fate() -> None:
    manager = Manager().call(Operation(Op.RECORD_ROW, 0, 0))
    assert manager.refuses(Operation(Op.COMPLETE, 0)) is Refusal.NOT_AT_REST
    manager.call(Operation(Op.EXISTING, 0, 0))
    assert manager.refuses(Operation(Op.COMPLETE, 0)) is Refusal.NOT_AT_REST
    manager.call(Operation(Op.RECORD, 0, tokens=(ref("0"),), outcome=Outcome.FAILED, fields=("error",)))
    manager.call(Operation(Op.COMPLETE, 0)).call(Operation(Op.INITIAL, 1, 0))


def test_every_operation_says_what_it_was_called_with() -> None:
    assert set(SHAPES) == set(Op)
    assert str(Operation(Op.FORK, 0, 1, (ref("0"), ref("2", 1)), ("a", "b"))) == (
        "fork(run 0, row 1, 0, 2 of run 1, branches a+b)"
    )
    assert str(Operation(Op.EXPAND, 0, 1, (ref("0"),), number=2, locked=False)) == (
        "expand(run 0, row 1, 0, 2, contract not locked)"
    )
    assert str(Operation(Op.RECORD, 1, tokens=(ref("0", 1),), outcome=Outcome.FAILED)) == (
        "record(run 1, 0, as failed with nothing)"
    )
