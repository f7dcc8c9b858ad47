from __future__ import annotations

from itertools import pairwise

import pytest

from fmnist_tui.models.hyperparameters import SCHEDULES, WARM_UP, learning_rate, upgraded

TOTALS = (10, 100, 844 * 30, 1001)


def rates(schedule: str, total: int, peak: float = 0.5) -> list[float]:
    return [learning_rate(schedule, peak, step, total) for step in range(total)]


def test_a_constant_rate_stays() -> None:
    assert set(rates("constant", 100)) == {0.5}


@pytest.mark.parametrize("total", TOTALS)
def test_a_cosine_starts_at_its_peak_and_falls_to_about_zero(total: int) -> None:
    falling = rates("cosine", total)
    assert falling[0] == 0.5
    assert all(later < earlier for earlier, later in pairwise(falling))
    assert 0 < falling[-1] < 0.5 * (2.5 / total) ** 2  # 1 + cos(pi - x) is about x^2 / 2
    assert learning_rate("cosine", 0.5, total // 2, total) == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize("total", TOTALS)
def test_one_cycle_rises_along_a_line_reaches_its_peak_and_falls_to_about_zero(total: int) -> None:
    cycle = rates("one_cycle", total)
    top = max(range(total), key=cycle.__getitem__)
    assert top == pytest.approx(WARM_UP * total, abs=1)
    assert cycle[top] == pytest.approx(0.5, rel=0.1 if total == 10 else 0.001)
    assert max(cycle) <= 0.5
    rises = [later - earlier for earlier, later in pairwise(cycle[:top])]
    assert all(rise == pytest.approx(rises[0]) for rise in rises)
    assert rises[0] > 0
    assert all(later < earlier for earlier, later in pairwise(cycle[top:]))
    assert 0 < cycle[-1] < 0.5 * (2.5 / (0.7 * total)) ** 2


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_step_of_even_the_shortest_run_has_a_rate_above_zero(schedule: str) -> None:
    for total in range(1, 12):
        assert all(0 < rate <= 0.5 for rate in rates(schedule, total))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_is_proportional_to_the_peak(schedule: str) -> None:
    twice = [2 * rate for rate in rates(schedule, 50, peak=0.5)]
    assert rates(schedule, 50, peak=1.0) == pytest.approx(twice)


def test_a_line_falls_evenly_and_steps_fall_to_a_tenth_and_a_hundredth() -> None:
    assert rates("linear", 4, peak=1.0) == [1.0, 0.75, 0.5, 0.25]
    assert rates("step", 8, peak=1.0) == [1.0] * 4 + [0.1] * 2 + [0.01] * 2


def test_any_schedule_may_begin_with_a_warm_up() -> None:
    for schedule in SCHEDULES:
        warm = [learning_rate(schedule, 1.0, step, 100, 0.1) for step in range(100)]
        assert warm[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
        assert warm[10] == 1.0
    assert [learning_rate("cosine", 1.0, step, 50, 0.3) for step in range(50)] == rates("one_cycle", 50, peak=1.0)
    assert [learning_rate("one_cycle", 1.0, step, 50, 0.0) for step in range(50)] == rates("cosine", 50, peak=1.0)


@pytest.mark.parametrize(
    ("old", "flip", "shift"),
    [("none", "off", 0), ("flip", "on", 0), ("shift", "off", 1), ("flip_shift", "on", 1), ("auto", "auto", 1)],
)
def test_the_augmentation_of_old_runs_reads_as_flips_and_shifts(old: str, flip: str, shift: int) -> None:
    assert upgraded({"epochs": 3, "augment": old}) == {"epochs": 3, "flip": flip, "shift": shift}
    assert upgraded({"epochs": 3, "flip": "on"}) == {"epochs": 3, "flip": "on"}
