"""Contracts: three modes, locking, merging."""

import pytest

from fateline_engine.contracts import ANY, ContractConflict, ContractMode, SchemaContract

FIXED, FLEXIBLE, OBSERVED = ContractMode


def test_an_unlocked_contract_learns_and_a_locked_one_does_not() -> None:
    learning = SchemaContract.observing().learn({"v": 1})
    assert learning.fields == {"v": "int"}
    assert not learning.locked
    locked = learning.lock()
    assert locked.locked
    assert locked.learn({"w": 1}) is locked


@pytest.mark.parametrize(
    "mode, row, told",
    [
        (FIXED, {"v": 1, "w": 1}, ["field 'w' is not in the contract"]),
        (FLEXIBLE, {"v": 1, "w": 1}, []),
        (FIXED, {}, ["field 'v' is missing"]),
        (FLEXIBLE, {"v": "x"}, ["field 'v' must be int, is str"]),
        (FLEXIBLE, {"v": True}, ["field 'v' must be int, is bool"]),
        (FLEXIBLE, {"v": None}, []),
    ],
)
def test_a_row_is_held_to_its_contract(mode: ContractMode, row: dict[str, object], told: list[str]) -> None:
    assert SchemaContract.declared({"v": "int"}, mode).problems(row) == told


def test_a_merge_has_the_fields_of_both_and_the_strictest_mode() -> None:
    one = SchemaContract.declared({"v": "int", "x": ANY}, FLEXIBLE)
    other = SchemaContract.declared({"w": "str", "x": "int"}, FIXED)
    merged = one.merge(other)
    assert merged.fields == {"v": "int", "w": "str", "x": "int"}
    assert merged.mode is FIXED


def test_two_types_for_one_field_conflict_either_way_round() -> None:
    one, other = SchemaContract.declared({"v": "int"}), SchemaContract.declared({"v": "float"})
    for first, second in ((one, other), (other, one)):
        with pytest.raises(ContractConflict, match="'v'"):
            first.merge(second)


def test_a_merge_is_locked_only_if_both_were() -> None:
    assert not SchemaContract.observing().merge(SchemaContract.declared({"v": "int"})).locked


def test_a_contract_comes_back_from_the_trail() -> None:
    contract = SchemaContract.observed_in([{"v": 1, "w": None}, {"v": "x"}])
    assert contract.fields == {"v": ANY, "w": ANY}
    assert SchemaContract.from_body(contract.body) == contract
    assert hash(SchemaContract.from_body(contract.body)) == hash(contract)
