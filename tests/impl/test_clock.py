"""Clocks: they never go back."""

import time
from unittest.mock import patch

import pytest

from fateline_engine.clock import ManualClock, SystemClock


def test_the_wall_clock_stands_still_while_the_system_goes_back() -> None:
    clock = SystemClock()
    with patch("time.time_ns", side_effect=[5_999_999, 3_000_000, 8_000_000]):
        assert [clock.now(), clock.now(), clock.now()] == [5, 5, 8]


def test_the_wall_clock_tells_milliseconds() -> None:
    assert abs(SystemClock().now() - time.time() * 1000) < 1000


def test_a_manual_clock_moves_only_when_told_and_only_forwards() -> None:
    clock = ManualClock(10)
    assert (clock.now(), clock.advance(5), clock.set(20), clock.now()) == (10, 15, 20, 20)
    with pytest.raises(ValueError, match="a clock at 20 cannot be set back to 19"):
        clock.set(19)
