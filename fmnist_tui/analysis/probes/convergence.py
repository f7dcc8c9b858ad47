"""What a run's loss curve and epochs show: convergence, and the gap between training and validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np

from fmnist_tui.analysis.probes.common import AnalysisError, Claim, Number, Verdict
from fmnist_tui.runs.curve import Curve
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.text import counted, grouped, percent
from fmnist_tui.training.events import Epoch

EARLY = 500
"""Steps within which the original project's curve converges, as it reports."""
MEAN_STEPS = 50
"""Steps that a loss of the curve is averaged over, so that single log intervals don't decide."""

_RAPID = 0.5
_MAX_RISE = 0.02
_FINAL_LOSS = (0.15, 0.25)
_Numbers = Annotated[tuple[Number, ...], msgspec.Meta(max_length=100_000)]


class Convergence(msgspec.Struct, frozen=True):
    """A run's losses at a few points, in units of its own loss function, except `last_nll`, which all models share.

    Attributes:
        steps: The curve's last step.
        first_loss: Training loss of the first log interval.
        early_loss: Training loss around step 500; None if the curve doesn't show it.
        end_loss: Training loss of the last 50 steps.
        epochs: The number of epochs trained.
        below: The number of epochs whose validation loss was below the training loss.
        lowest_validation: The lowest validation loss.
        lowest_epoch: Its epoch; the first of equals.
        last_validation: The last epoch's validation loss.
        last_nll: The last epoch's validation NLL, in nats.
    """

    steps: int
    first_loss: Number
    early_loss: Number | None
    end_loss: Number
    epochs: int
    below: int
    lowest_validation: Number
    lowest_epoch: int
    last_validation: Number
    last_nll: Number

    @property
    def early_fraction(self) -> float | None:
        """The fraction of the fall in loss that was reached by step 500; None if unknown."""
        fall = self.first_loss - self.end_loss
        return None if self.early_loss is None or fall <= 0 else (self.first_loss - self.early_loss) / fall

    @property
    def rise(self) -> float:
        """How far the last validation loss is above its minimum, as a fraction of the minimum."""
        return (self.last_validation - self.lowest_validation) / abs(self.lowest_validation or 1.0)

    def lines(self) -> list[str]:
        """Three lines for the terminal."""
        early = "unknown" if self.early_loss is None else f"{self.early_loss:.4f}"
        return [
            f"training loss {self.first_loss:.4f} at the start, {early} at step {EARLY}, "
            f"{self.end_loss:.4f} at the end (step {grouped(self.steps)})",
            f"validation loss below training loss in {self.below} of {counted(self.epochs, 'epoch')}",
            f"validation loss {self.lowest_validation:.4f} at its lowest (epoch {self.lowest_epoch}), "
            f"{self.last_validation:.4f} at the end (NLL {self.last_nll:.4f})",
        ]


def measure_convergence(snapshot: Snapshot) -> Convergence:
    """The convergence of a run that has ended.

    Raises:
        AnalysisError: If its log has no steps or no epochs, or a loss is not finite.
    """
    curve, epochs = snapshot.curve, snapshot.epochs
    if not len(curve) or not epochs:
        raise AnalysisError("its log has no epochs")
    lowest = min(epochs, key=lambda epoch: epoch.validation_loss)
    steps = int(curve.step[-1])
    found = Convergence(
        steps=steps,
        first_loss=float(curve.loss[0]),
        early_loss=_early_loss(curve),
        end_loss=_mean_until(curve, steps),
        epochs=len(epochs),
        below=sum(epoch.validation_loss < epoch.train_loss for epoch in epochs),
        lowest_validation=lowest.validation_loss,
        lowest_epoch=lowest.epoch,
        last_validation=epochs[-1].validation_loss,
        last_nll=epochs[-1].validation_nll,
    )
    losses = (found.first_loss, found.end_loss, found.early_loss or 0.0, found.last_validation, found.last_nll)
    if not all(map(math.isfinite, (*losses, *(epoch.validation_loss for epoch in epochs)))):
        raise AnalysisError("a loss of its curve is not finite")
    return found


def _early_loss(curve: Curve) -> float | None:
    """None if the run had no more than `EARLY` steps, or its log intervals are too long."""
    starts_early = curve.step[0] <= MEAN_STEPS
    near = (curve.step > EARLY - MEAN_STEPS) & (curve.step <= EARLY)
    return _mean_until(curve, EARLY) if starts_early and near.any() and curve.step[-1] > EARLY else None


def _mean_until(curve: Curve, until: int) -> float:
    """The mean over the log intervals that end within the last `MEAN_STEPS` steps up to this one."""
    near = (curve.step > until - MEAN_STEPS) & (curve.step <= until)
    return float(np.mean(curve.loss[near]))


class Gaps(msgspec.Struct, frozen=True):
    """One value per epoch; losses in units of the model's own loss function, accuracies 0 to 1.

    The training figures are means over the epoch as it ran: with changing weights, dropout and augmentation.
    """

    train_loss: _Numbers
    validation_loss: _Numbers
    train_accuracy: _Numbers
    validation_accuracy: _Numbers

    def __post_init__(self) -> None:
        columns = (self.train_loss, self.validation_loss, self.train_accuracy, self.validation_accuracy)
        if not self.train_loss or len(set(map(len, columns))) > 1:
            raise ValueError("values of an epoch are missing")

    @property
    def loss(self) -> tuple[float, ...]:
        """Validation loss minus training loss."""
        return tuple(there - here for here, there in zip(self.train_loss, self.validation_loss, strict=True))

    @property
    def accuracy(self) -> tuple[float, ...]:
        """Training accuracy minus validation accuracy."""
        return tuple(here - there for here, there in zip(self.train_accuracy, self.validation_accuracy, strict=True))

    def lines(self) -> list[str]:
        """Two lines for the terminal, longer than it is wide for many epochs."""
        losses = " ".join(f"{gap:+.3f}" for gap in self.loss)
        accuracies = " ".join(f"{100 * gap:+.2f}" for gap in self.accuracy)
        return [
            f"validation loss minus training loss, by epoch: {losses}",
            f"training accuracy minus validation accuracy, in points: {accuracies}",
        ]


def measure_gaps(epochs: Sequence[Epoch]) -> Gaps:
    """The gaps of a run's epochs.

    Raises:
        AnalysisError: If there are no epochs, or a value is not finite.
    """
    if not epochs:
        raise AnalysisError("its log has no epochs")
    columns = [
        tuple(getattr(epoch, name) for epoch in epochs)
        for name in ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
    ]
    if not all(math.isfinite(value) for column in columns for value in column):
        raise AnalysisError("a loss of its epochs is not finite")
    return Gaps(*columns)


def curve_claims(model: str, found: Convergence | None, label_smoothing: float) -> tuple[Claim, ...]:
    """The four claims about the curve of `model`, trained with this label smoothing (0 for none)."""
    return (
        _rapid(model, found),
        _validation_below(model, found),
        _no_overfitting(model, found),
        _final_loss(model, found, label_smoothing),
    )


def _rapid(model: str, found: Convergence | None) -> Claim:
    verdict, measured = Verdict.NOT_MEASURED, ""
    if found:
        fraction = found.early_fraction
        if fraction is None:
            verdict, measured = Verdict.INCONCLUSIVE, _why_unknown(found)
        else:
            verdict = Verdict.of(fraction >= _RAPID)
            losses = f"{found.first_loss:.3f}, {found.early_loss:.3f}, {found.end_loss:.3f}"
            measured = (
                f"{percent(fraction, 0)} of the fall within {EARLY} of {grouped(found.steps)} steps (loss {losses})"
            )
    return Claim(
        f"Rapid in the first {EARLY} steps",
        f"{model}'s training loss falls fast at first",
        verdict,
        measured,
        f"The training loss falls from its mean over the first log interval to its mean over the last {MEAN_STEPS} "
        f"steps. Measured is the fraction of this fall reached by step {EARLY} (mean over the {MEAN_STEPS} steps up to "
        f"it). Supported from {percent(_RAPID, 0)}",
    )


def _why_unknown(found: Convergence) -> str:
    if found.first_loss <= found.end_loss:
        return "the training loss did not fall"
    if found.steps <= EARLY:
        return f"the run has only {counted(found.steps, 'step')}"
    return "the run's log interval is too long"


def _validation_below(model: str, found: Convergence | None) -> Claim:
    return Claim(
        "Validation loss below training loss",
        f"throughout {model}'s training",
        Verdict.of(found.below == found.epochs) if found else Verdict.NOT_MEASURED,
        f"in {found.below} of {counted(found.epochs, 'epoch')}" if found else "",
        "Both at the end of each epoch. The training loss is the mean over the epoch as it ran, with changing weights, "
        "dropout and augmentation; the validation loss is without them and may be lower for that reason alone. "
        "Supported if it is lower in every epoch",
    )


def _no_overfitting(model: str, found: Convergence | None) -> Claim:
    verdict, measured = Verdict.NOT_MEASURED, ""
    if found and found.epochs > 1:
        verdict = Verdict.of(found.rise <= _MAX_RISE)
        lowest = f"{found.lowest_validation:.4f} in epoch {found.lowest_epoch} of {found.epochs}"
        measured = (
            f"{found.rise * 100:+.1f}% from its minimum ({lowest}) to the last epoch ({found.last_validation:.4f})"
        )
    elif found:
        verdict, measured = Verdict.INCONCLUSIVE, "the run has only one epoch"
    return Claim(
        "No overfitting",
        f"{model}'s validation loss doesn't rise again",
        verdict,
        measured,
        f"How far the last validation loss is above the lowest. Supported up to {percent(_MAX_RISE, 0)}",
    )


def _final_loss(model: str, found: Convergence | None, label_smoothing: float) -> Claim:
    measured = ""
    if found:
        measured = f"{found.last_nll:.4f}"
        if label_smoothing:
            measured += f"; {found.last_validation:.4f} with label smoothing {label_smoothing:g}"
    return Claim(
        "Final validation loss about 0.20",
        f"of {model}",
        Verdict.of(_FINAL_LOSS[0] <= found.last_nll < _FINAL_LOSS[1]) if found else Verdict.NOT_MEASURED,
        measured,
        "Cross-entropy without label smoothing on the validation images after the last epoch; the original project "
        f"divides by one batch too many. Supported from {_FINAL_LOSS[0]} to below {_FINAL_LOSS[1]}",
    )
