"""What the origin says of v3's curves, against the curve of a run of ours."""

from __future__ import annotations

from fmnist_tui.analysis.probes.cache import Findings
from fmnist_tui.analysis.probes.claim import Claim, Verdict
from fmnist_tui.analysis.probes.log_measures import EARLY, MEAN_STEPS, Convergence
from fmnist_tui.analysis.values import number
from fmnist_tui.text import grouped, percent

_RAPID = 0.5
_RISE = 0.02
_LOSS = (0.15, 0.25)


def claims(one: Findings | None, missing: tuple[str, ...] = ()) -> tuple[Claim, ...]:
    """The four claims about a run; `missing` are commands that make its analysis."""
    found = one.convergence if one else None
    smoothing = number(one.record.settings, "label_smoothing") if one else None
    return (
        _rapid(found, missing),
        _below(found, missing),
        _no_overfitting(found, missing),
        _final(found, smoothing or 0.0, missing),
    )


def _rapid(found: Convergence | None, missing: tuple[str, ...]) -> Claim:
    verdict, words = Verdict.MISSING, ""
    if found:
        share = found.early_share
        verdict = Verdict.UNTOLD if share is None else Verdict.of(share >= _RAPID)
        words = _why_untold(found) if share is None else _fall(found, share)
    return Claim(
        f"Rapid in the first {EARLY} steps",
        "v3's training loss falls fast at first",
        verdict,
        words,
        f"The training loss falls from the first window's mean to the mean of the last {MEAN_STEPS} steps: which share "
        f"of that is done by the {MEAN_STEPS} steps up to step {EARLY}? Holds from {percent(_RAPID, 0)} on",
        missing,
    )


def _fall(found: Convergence, share: float) -> str:
    losses = f"{found.first_loss:.3f}, {found.early_loss:.3f}, {found.end_loss:.3f}"
    return f"{percent(share, 0)} of the fall in {EARLY} of {grouped(found.steps)} steps (loss {losses})"


def _why_untold(found: Convergence) -> str:
    if found.first_loss <= found.end_loss:
        return "the training loss did not fall"
    if found.steps <= EARLY:
        return f"the run has {found.steps} steps in all"
    return "a window of its curve is longer than the steps that have to be told apart"


def _below(found: Convergence | None, missing: tuple[str, ...]) -> Claim:
    return Claim(
        "Validation loss below training loss",
        "throughout v3's training",
        Verdict.of(found.below == found.epochs) if found else Verdict.MISSING,
        f"in {found.below} of {found.epochs} epochs" if found else "",
        "Both at each epoch's end. The training loss is the mean over the epoch as it ran, with weights that change, "
        "dropout and augmentation, the validation loss is without: it can lie lower for these reasons alone. "
        "Holds where it lies lower in every epoch",
        missing,
    )


def _no_overfitting(found: Convergence | None, missing: tuple[str, ...]) -> Claim:
    verdict, words = Verdict.MISSING, ""
    if found and found.epochs > 1:
        verdict = Verdict.of(found.rise <= _RISE)
        lowest = f"{found.lowest_validation:.4f} in epoch {found.lowest_epoch} of {found.epochs}"
        words = f"{found.rise * 100:+.1f} % from its minimum, {lowest}, to the end, {found.last_validation:.4f}"
    elif found:
        verdict, words = Verdict.UNTOLD, "the run has one epoch"
    return Claim(
        "No overfitting",
        "v3's validation loss does not rise again",
        verdict,
        words,
        f"How far the validation loss ends above its lowest value. Holds up to {percent(_RISE, 0)}",
        missing,
    )


def _final(found: Convergence | None, smoothing: float, missing: tuple[str, ...]) -> Claim:
    words = ""
    if found:
        own = f"; {found.last_validation:.4f} with label smoothing {smoothing:g}" if smoothing else ""
        words = f"{found.last_nll:.4f}{own}"
    return Claim(
        "Final validation loss about 0.20",
        "of v3",
        Verdict.of(_LOSS[0] <= found.last_nll < _LOSS[1]) if found else Verdict.MISSING,
        words,
        "Cross-entropy without label smoothing on the validation images, after the last epoch; the origin divides by "
        f"one batch too many. Holds from {_LOSS[0]} to below {_LOSS[1]}",
        missing,
    )
