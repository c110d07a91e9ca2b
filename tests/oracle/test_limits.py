"""Limits are on silence, and as long as the machine is slow: load turns no verdict."""

import time

import pytest

from fateline_oracle import limits
from fateline_oracle.limits import IN_ALL, Allowance, alive, limited, slowness


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def on_a_machine(times: float, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(limits, "slowness", lambda: times)


def test_on_a_free_machine_the_limit_is_what_it_says(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(1.0, monkeypatch)
    allowed = Allowance(10, clock)
    clock.now = 9.5
    assert allowed.left() == 0.5
    clock.now = 10
    assert allowed.left() == 0


def test_on_a_machine_that_is_ten_times_as_slow_it_is_ten_times_as_long(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_machine(10.0, monkeypatch)
    allowed = Allowance(10, clock)
    clock.now = 60
    assert allowed.left() == 40
    clock.now = 100
    assert allowed.left() == 0


def test_a_sign_of_life_begins_it_anew_but_not_without_end(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(1.0, monkeypatch)
    allowed = Allowance(10, clock)
    for second in range(9, IN_ALL * 10, 9):
        clock.now = second
        assert allowed.left() > 0
        allowed.renew()
    clock.now = IN_ALL * 10
    assert allowed.left() == 0


def test_a_free_machine_is_no_slower_than_one_and_a_stopped_clock_is_believed_to_a_point() -> None:
    ticks = iter([0.0, 0.0, 0.0, 1e6])
    assert slowness(lambda: next(ticks)) == 1
    assert slowness(lambda: next(ticks)) == limits._MOST


def test_a_silent_block_is_ended_and_a_lively_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(1.0, monkeypatch)
    with pytest.raises(TimeoutError), limited(0.2, TimeoutError):
        time.sleep(30)
    with limited(0.2, TimeoutError):
        for _ in range(8):
            alive()
            time.sleep(0.05)


def test_a_block_is_given_more_time_where_the_machine_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(20.0, monkeypatch)
    with limited(0.1, TimeoutError):
        time.sleep(0.5)
