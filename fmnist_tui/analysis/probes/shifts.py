"""Translation invariance: the accuracy on shifted test images."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.common import Claim, Count, Fraction, Report, Verdict, predict, quiet
from fmnist_tui.data.errors import CancelCheck, never
from fmnist_tui.text import counted
from fmnist_tui.training.metrics import accuracy

if TYPE_CHECKING:
    from fmnist_tui.runs.scored_model import Predictor

Images = NDArray[np.uint8]

MAX_SHIFT = 4
"""The largest shift, in pixels."""
DIRECTIONS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
"""Rows and columns that a shift by one pixel moves an image by."""
_Accuracies = Annotated[tuple[Fraction, ...], msgspec.Meta(min_length=MAX_SHIFT + 1, max_length=MAX_SHIFT + 1)]


class Shifts(msgspec.Struct, frozen=True):
    """Accuracies (0 to 1) on images shifted by 0, 1, 2, 3 and 4 pixels in one direction at a time.

    Attributes:
        images: The number of test images.
        up: Shifted up; the first one is without a shift, as for all directions.
        down: Shifted down.
        left: Shifted to the left.
        right: Shifted to the right.
    """

    images: Count
    up: _Accuracies
    down: _Accuracies
    left: _Accuracies
    right: _Accuracies

    @property
    def directions(self) -> tuple[tuple[float, ...], ...]:
        """The accuracies for each of `DIRECTIONS`."""
        return self.up, self.down, self.left, self.right

    @property
    def mean(self) -> tuple[float, ...]:
        """The mean over the directions, for each shift."""
        return tuple(sum(part) / len(part) for part in zip(*self.directions, strict=True))

    @property
    def retained(self) -> tuple[float, ...]:
        """The fraction of the unshifted accuracy that remains after shifts by 1, 2, 3 and 4 pixels."""
        return tuple(shifted / (self.mean[0] or 1.0) for shifted in self.mean[1:])

    def lines(self) -> list[str]:
        """A table for the terminal."""
        header = f"{'shift (pixels)':<18}" + "".join(f"{by:>9}" for by in range(MAX_SHIFT + 1))
        rows = {**dict(zip(DIRECTIONS, self.directions, strict=True)), "mean": self.mean}
        return [header, *(f"{name:<18}" + "".join(f"{value:>9.2%}" for value in row) for name, row in rows.items())]


def shifted(images: Images, direction: str, by: int) -> Images:
    """The images (n, channels, height, width) shifted by some pixels; black comes in, what goes out is lost."""
    rows, columns = (step * by for step in DIRECTIONS[direction])
    moved = np.zeros_like(images)
    height, width = images.shape[-2:]
    moved[..., max(rows, 0) : height + min(rows, 0), max(columns, 0) : width + min(columns, 0)] = images[
        ..., max(-rows, 0) : height + min(-rows, 0), max(-columns, 0) : width + min(-columns, 0)
    ]
    return moved


def measure_shifts(
    model: Predictor, images: Images, labels: NDArray[Any], report: Report = quiet, stop: CancelCheck = never
) -> Shifts:
    """The model's accuracies on images (n, channels, height, width) with labels (n,), for each shift in each direction.

    Raises:
        Cancelled: If `stop` returned True.
        AnalysisError: If the model's output isn't probabilities.
    """
    passes = 1 + MAX_SHIFT * len(DIRECTIONS)

    def score(shifted_images: Images, number: int, step: str) -> float:
        def report_images(done: int) -> None:
            report((number + done / len(images)) / passes, step)

        return accuracy(predict(model, shifted_images, labels, report_images, stop), labels)

    unshifted = score(images, 0, "unshifted")
    found = {name: [unshifted] for name in DIRECTIONS}
    number = 0
    for by in range(1, MAX_SHIFT + 1):
        for name, accuracies in found.items():
            number += 1
            accuracies.append(score(shifted(images, name, by), number, f"{counted(by, 'pixel')} {name}"))
    return Shifts(len(images), **{name: tuple(accuracies) for name, accuracies in found.items()})


def translation_claim(
    known: Mapping[str, Shifts], shift_augmented: Collection[str], dense: str, cnns: Sequence[str]
) -> Claim:
    """Whether CNNs tolerate shifts better than the dense network.

    Args:
        known: The measurements by model.
        shift_augmented: Models whose training images were shifted at random.
        dense: The dense network's name.
        cnns: The CNNs' names.
    """
    verdict, measured = Verdict.NOT_MEASURED, ""
    measured_cnns = [known[name] for name in cnns if name in known]
    if dense in known and measured_cnns:
        baseline = known[dense].retained
        verdict = Verdict.of(
            all(ours > theirs for one in measured_cnns for ours, theirs in zip(one.retained, baseline, strict=True))
        )
    if known:
        measured = "; ".join(
            f"{name} {' '.join(f'{100 * mean:.1f}' for mean in one.mean)}%" for name, one in known.items()
        )
        augmented = [name for name in known if name in shift_augmented]
        if augmented:
            measured += f"; trained on images randomly shifted by up to 1 pixel: {', '.join(augmented)}"
            if verdict is Verdict.SUPPORTED and len(augmented) < len(known):
                verdict, measured = Verdict.INCONCLUSIVE, f"{measured}, which may be the reason"
    return Claim(
        "Translation invariance",
        "a CNN recognises a garment wherever it is in the image",
        verdict,
        measured,
        "Accuracy on all test images shifted by 0, 1, 2, 3 and 4 pixels, averaged over up, down, left and right; black "
        f"comes in at the edge. Supported if each measured CNN retains a larger fraction of its accuracy than {dense} "
        "at every shift; inconclusive if only some of the models were trained on shifted images",
    )
