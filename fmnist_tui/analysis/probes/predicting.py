"""What a model says of many images, in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.telling import AnalysisError
from fmnist_tui.data.progress import Stop, check
from fmnist_tui.training.engine import EVALUATION_BATCH

if TYPE_CHECKING:
    from fmnist_tui.training.predictor import Predictor

BATCH = EVALUATION_BATCH
"""Images at once; as many as the trainer scores at once, so that sums round alike."""


def predicted(
    model: Predictor, images: NDArray[np.uint8], report: Callable[[int], None], stop: Stop
) -> NDArray[np.float32]:
    """The model's probabilities (n, 10) of images (n, 28, 28), one at least.

    Args:
        model: The model.
        images: The images.
        report: Told before each batch how many images are done.
        stop: Asked before each batch whether to leave.

    Raises:
        Cancelled: `stop` turned true.
        AnalysisError: The model doesn't give ten probabilities an image, as weights don't that are far too large.
    """
    told = []
    for first in range(0, len(images), BATCH):
        check(stop)
        report(first)
        told.append(model.predict(images[first : first + BATCH]))
    probabilities = np.concatenate(told)
    if probabilities.shape != (len(images), 10) or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        raise AnalysisError("the model does not give ten probabilities an image that sum to 1; train the run anew")
    return probabilities
