from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from fmnist_tui.analysis.probes.common import AnalysisError, Claim, Verdict
from fmnist_tui.analysis.probes.convergence import Convergence, curve_claims, measure_convergence
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import Snapshot, SnapshotFold
from fmnist_tui.text import grouped, percent
from fmnist_tui.training.events import Epoch, Event, RunStarted, StepMetrics

RAPID, BELOW, OVERFITTING, FINAL = range(4)


def snapshot(losses: dict[int, float], epochs: Sequence[tuple[float, float]] = ((0.5, 0.4),)) -> Snapshot:
    """A run with these losses by step, and these losses of training and validation by epoch."""
    log: list[Event] = [RunStarted("v3", 1000, 500, len(epochs), 1, 1)]
    log += [StepMetrics(step, 1, loss, 0.5, 0.1, 1.0) for step, loss in losses.items()]
    log += [
        Epoch(number, 500 * number, train, 0.5, validation, 0.5, validation, 1.0, 0.1, is_best=True)
        for number, (train, validation) in enumerate(epochs, start=1)
    ]
    fold = SnapshotFold("v3-20260102-000000-00ff")
    for seq, event in enumerate(log):
        fold.add(Logged(event, 1000.0 + seq, seq))
    return fold.snapshot()


def falling(early: float, end: float = 0.0, last: int = 1000) -> dict[int, float]:
    """Log intervals of ten steps: 2.0 at first, `early` about step 500, `end` at the end, and far off in between."""
    losses = dict.fromkeys(range(10, last + 1, 10), 7.0)
    losses |= dict.fromkeys(range(460, 501, 10), early) | dict.fromkeys(range(last - 40, last + 1, 10), end)
    return {**losses, 10: 2.0}


def checked(found: Convergence, smoothing: float = 0.0) -> tuple[Claim, ...]:
    return curve_claims("v3", found, smoothing)


def verdicts(found: Convergence) -> list[Verdict]:
    return [claim.verdict for claim in checked(found)]


@pytest.mark.parametrize(
    ("early", "fraction", "verdict"),
    [
        (0.5, 0.75, Verdict.SUPPORTED),
        (1.0, 0.5, Verdict.SUPPORTED),
        (1.5, 0.25, Verdict.NOT_SUPPORTED),
        (2.5, -0.25, Verdict.NOT_SUPPORTED),
    ],
)
def test_the_fraction_of_the_fall_in_the_first_steps(early: float, fraction: float, verdict: Verdict) -> None:
    found = measure_convergence(snapshot(falling(early)))
    assert found.early_fraction == pytest.approx(fraction)
    assert (found.first_loss, found.end_loss, found.steps) == (2.0, 0.0, 1000)
    claim = checked(found)[RAPID]
    assert claim.verdict is verdict
    assert claim.measured.startswith(f"{percent(fraction, 0)} of the fall within 500 of {grouped(1000)} steps")


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        (falling(1.0, end=3.0), "did not fall"),
        (dict.fromkeys(range(10, 301, 10), 1.0) | {10: 2.0}, "has only 300 steps"),
        ({540: 2.0, 1080: 1.0}, "log interval is too long"),
    ],
    ids=["rising", "short", "coarse"],
)
def test_a_curve_that_does_not_show_it_is_inconclusive_with_the_reason(losses: dict[int, float], why: str) -> None:
    claim = checked(measure_convergence(snapshot(losses)))[RAPID]
    assert claim.verdict is Verdict.INCONCLUSIVE
    assert why in claim.measured


@pytest.mark.parametrize(
    ("epochs", "below", "verdict"),
    [
        ([(0.5, 0.4), (0.4, 0.3)], "in 2 of 2 epochs", Verdict.SUPPORTED),
        ([(0.5, 0.4), (0.4, 0.4)], "in 1 of 2 epochs", Verdict.NOT_SUPPORTED),
        ([(0.1, 0.4)], "in 0 of 1 epoch", Verdict.NOT_SUPPORTED),
    ],
)
def test_the_number_of_epochs_with_validation_below_training(
    epochs: list[tuple[float, float]], below: str, verdict: Verdict
) -> None:
    claim = checked(measure_convergence(snapshot(falling(1.0), epochs)))[BELOW]
    assert (claim.verdict, claim.measured) == (verdict, below)


@pytest.mark.parametrize(
    ("validation", "rise", "verdict"),
    [
        ([0.4, 0.3, 0.2], 0.0, Verdict.SUPPORTED),
        ([0.4, 0.2, 0.2039], 0.0195, Verdict.SUPPORTED),
        ([0.4, 0.2, 0.25], 0.25, Verdict.NOT_SUPPORTED),
    ],
)
def test_overfitting_is_the_rise_of_the_validation_loss_from_its_minimum(
    validation: list[float], rise: float, verdict: Verdict
) -> None:
    found = measure_convergence(snapshot(falling(1.0), [(0.5, loss) for loss in validation]))
    assert found.rise == pytest.approx(rise)
    claim = checked(found)[OVERFITTING]
    assert claim.verdict is verdict
    assert f"{rise * 100:+.1f}% from its minimum" in claim.measured


def test_one_epoch_is_inconclusive_about_overfitting() -> None:
    claim = checked(measure_convergence(snapshot(falling(1.0))))[OVERFITTING]
    assert (claim.verdict, claim.measured) == (Verdict.INCONCLUSIVE, "the run has only one epoch")


@pytest.mark.parametrize(
    ("loss", "verdict"),
    [(0.2, Verdict.SUPPORTED), (0.15, Verdict.SUPPORTED), (0.25, Verdict.NOT_SUPPORTED), (0.1, Verdict.NOT_SUPPORTED)],
)
def test_the_final_validation_loss(loss: float, verdict: Verdict) -> None:
    found = measure_convergence(snapshot(falling(1.0), [(0.5, loss)]))
    claim = checked(found)[FINAL]
    assert (claim.verdict, claim.measured) == (verdict, f"{loss:.4f}")
    assert checked(found, smoothing=0.1)[FINAL].measured == f"{loss:.4f}; {loss:.4f} with label smoothing 0.1"


def test_what_was_not_measured_has_no_verdict() -> None:
    claims = curve_claims("v3", None, 0.0)
    assert {claim.verdict for claim in claims} == {Verdict.NOT_MEASURED}


def test_an_empty_log_or_an_infinite_loss_is_an_error() -> None:
    with pytest.raises(AnalysisError, match="no epochs"):
        measure_convergence(snapshot({}))
    with pytest.raises(AnalysisError, match="not finite"):
        measure_convergence(snapshot(falling(1.0), [(0.5, math.inf)]))
    with pytest.raises(AnalysisError, match="not finite"):
        measure_convergence(snapshot({10: math.nan, 1000: 1.0}))
