from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from fmnist_tui.training.alerts import LossMonitor
from fmnist_tui.training.events import Alert, Epoch, Event, Resumed, RunStarted, StepMetrics

WINDOW = StepMetrics(1, 1, 0.5, 0.9, 0.1, 1000.0)
EPOCH = Epoch(1, 100, 0.5, 0.8, 0.5, 0.8, 0.5, 1.0, 0.1, is_best=True)


def reported(events: Sequence[Event], monitor: LossMonitor | None = None) -> list[str]:
    monitor = monitor or LossMonitor()
    return [alert.kind for event in events for alert in monitor.observe(event)]


def windows(*losses: float) -> list[StepMetrics]:
    return [replace(WINDOW, step=step, loss=loss) for step, loss in enumerate(losses, start=1)]


def epochs(train: Sequence[float], validation: Sequence[float]) -> list[Epoch]:
    pairs = enumerate(zip(train, validation, strict=True), start=1)
    return [replace(EPOCH, epoch=n, step=100 * n, train_loss=one, validation_loss=two) for n, (one, two) in pairs]


def test_one_wild_log_interval_or_many_higher_ones_are_a_spike_reported_once() -> None:
    calm = [0.3, 0.2, 0.4] * 40
    assert reported(windows(*calm, 30.0, *calm, 30.0)) == ["spike"]
    assert reported(windows(*calm, *[0.7] * 20)) == ["spike"]


def test_noise_a_falling_loss_and_the_first_log_intervals_are_none() -> None:
    assert reported(windows(*[0.3, 0.1, 0.6] * 100)) == []
    assert reported(windows(*[10 / step for step in range(1, 400)])) == []
    assert reported(windows(0.1, 50.0, 60.0)) == []


def test_losses_that_are_not_finite_are_left_to_the_trainer() -> None:
    assert reported(windows(*[0.3] * 120, float("nan"), float("inf"))) == []


def test_a_plateau_is_when_neither_loss_falls_for_five_epochs() -> None:
    flat = [1.0, 0.5, *[0.499] * 5]
    assert reported(epochs(flat, flat)) == ["plateau"]
    assert reported(epochs(flat, [1 / n for n in range(1, 8)])) == []
    assert reported(epochs([1 / n for n in range(1, 8)], flat)) == []
    assert reported(epochs(flat[:-1], flat[:-1])) == []


def test_validation_loss_that_rises_three_times_while_training_loss_falls_is_overfitting() -> None:
    falling = [0.9, 0.7, 0.6, 0.5, 0.4]
    assert reported(epochs(falling, [0.5, 0.4, 0.41, 0.42, 0.43])) == ["overfitting"]
    assert reported(epochs(falling, [0.5, 0.4, 0.41, 0.39, 0.43])) == []
    assert reported(epochs([0.9, 0.7, 0.6, 0.65, 0.4], [0.5, 0.4, 0.41, 0.42, 0.43])) == []


def test_the_message_names_losses_and_the_best_epoch() -> None:
    monitor = LossMonitor()
    for epoch in epochs([0.9, 0.7, 0.6, 0.5], [0.4, 0.41, 0.42, 0.43]):
        alerts = monitor.observe(epoch)
    assert alerts == [
        Alert(
            "overfitting",
            "overfitting: validation loss rose from 0.4000 to 0.4300 since epoch 1 while the training loss fell",
        )
    ]


@pytest.mark.parametrize("reported_before", [True, False])
def test_what_an_earlier_trainer_reported_is_not_reported_again(reported_before: bool) -> None:
    course = epochs([0.9, 0.7, 0.6, 0.5, 0.4], [0.4, 0.41, 0.42, 0.43, 0.44])
    monitor = LossMonitor()
    if reported_before:
        monitor.observe(Alert("overfitting", "words"))
    assert reported(course, monitor) == ([] if reported_before else ["overfitting"])


def test_a_start_from_the_first_epoch_forgets_all() -> None:
    rising = epochs([0.9, 0.7, 0.6, 0.5], [0.4, 0.41, 0.42, 0.43])
    again = RunStarted("v0", 400, 100, 4, 7, 7)
    assert reported([*rising[:3], again, *rising[3:]]) == []
    assert reported([*windows(*[0.1] * 120), again, *windows(*[2.0] * 20)]) == []


def test_epochs_past_the_point_of_a_resume_are_forgotten() -> None:
    rising = epochs([0.9, 0.7, 0.6, 0.5], [0.4, 0.41, 0.42, 0.43])
    assert reported([*rising[:3], Resumed(100, 7), *epochs([0.9, 0.7, 0.6], [0.4, 0.41, 0.42])[1:]]) == []
    assert reported([*rising[:3], Resumed(100, 7), *rising[1:]]) == ["overfitting"]


def test_an_epoch_costs_no_more_the_more_there_were() -> None:
    """By the comparisons that it takes."""
    compared = 0

    class Counted(float):
        def __lt__(self, other: float) -> bool:
            nonlocal compared
            compared += 1
            return super().__lt__(other)

    monitor = LossMonitor()
    falling = [Counted(0.98**n) for n in range(1, 2001)]
    costs = []
    for epoch in epochs(falling, falling):
        compared = 0
        assert monitor.observe(epoch) == []
        costs.append(compared)
    assert costs[-1] == costs[10] > 0
