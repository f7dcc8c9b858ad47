from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_tui.tui.widgets.drawing import label, labels, log_label, log_ticks, ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (1, 30, [10, 20, 30]),
        (0.851, 0.947, [0.86, 0.88, 0.9, 0.92, 0.94]),
        (-0.3, 0.3, [-0.2, 0, 0.2]),
        (5, 5, [5]),
    ],
)
def test_marks_are_round_numbers_within_the_axis(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 5) == pytest.approx(expected)


def test_a_short_logarithmic_axis_is_marked_at_round_values_and_a_long_one_at_powers_of_ten() -> None:
    assert [10**place for place in log_ticks(math.log10(0.5), math.log10(2.1), 5)] == pytest.approx([0.5, 1, 1.5, 2])
    assert log_ticks(-3.2, 2.1, 5) == [-3, -1, 1]


@given(st.floats(-1e150, 1e150), st.floats(1e-6, 1e150))
def test_no_axis_is_without_marks(low: float, length: float) -> None:
    assert 1 <= len(ticks(low, low + length, 5)) <= 12


@pytest.mark.parametrize(("value", "expected"), [(20000.0, "20,000"), (0.25, "0.25"), (2e6, "2e+06"), (-0.5, "-0.5")])
def test_labels_are_short(value: float, expected: str) -> None:
    assert label(value) == expected


def test_labels_of_a_logarithmic_axis_are_values() -> None:
    assert [log_label(exponent) for exponent in (-1.0, 0.0, 400.0)] == ["0.1", "1", "1e+308"]


def test_labels_of_one_axis_have_equally_many_decimals() -> None:
    assert labels([0.9, 1.0, 1.1]) == ["0.9", "1.0", "1.1"]
    assert labels([85.0, 87.5]) == ["85.0", "87.5"]
    assert labels([0.0, 5_000.0]) == ["0", "5,000"]
    assert labels([1e6, 2e6]) == ["1e+06", "2e+06"]
