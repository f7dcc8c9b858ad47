"""The predictions on the test set that a run saved."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.files import check_regular_file, reading_fault
from fmnist_tui.runs.directory import RunDirectory

_NO_ZIP = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
_NO_ARRAY = (TypeError, OverflowError, MemoryError, tokenize.TokenError)
"""What NumPy raises, too, for an invalid header."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compression methods of `savez` and `savez_compressed`."""
_LARGEST = 100_000_000
"""Bytes; 10,000 test images take 0.4 MB."""
_ROUNDED = 1e-3
"""How far a sum of probabilities may be from 1."""


class NoPredictionsError(Exception):
    """A run has no usable predictions; the message is a short reason."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """A run's predictions for all test images.

    Attributes:
        probabilities: float32, (n, classes), of at least 2 classes; rows sum to 1.
        labels: uint8, or uint16 for more than 256 classes, (n,), below the number of classes.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[Any]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each image, (n,)."""
        most_probable: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return most_probable

    @property
    def confidence(self) -> NDArray[np.float64]:
        """The probability of the predicted class, (n,), 0 to 1."""
        highest: NDArray[np.float64] = self.probabilities.max(axis=1).astype(np.float64)
        return highest

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is correct, (n,)."""
        equal: NDArray[np.bool_] = self.predicted == self.labels
        return equal

    @property
    def confusion_matrix(self) -> NDArray[np.int64]:
        """Images by true class (row) and predicted class (column), int64 (classes, classes)."""
        classes = self.probabilities.shape[1]
        cells = self.labels.astype(np.int64) * classes + self.predicted
        counts: NDArray[np.int64] = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
        return counts


def read_predictions(run: RunDirectory) -> Predictions:
    """The run's predictions.

    Raises:
        NoPredictionsError: There are none, they are damaged, or they may not be read.
    """
    try:
        check_regular_file(run.predictions, _LARGEST)
        with zipfile.ZipFile(run.predictions) as archive:
            predictions = Predictions(_member(archive, "probabilities"), _member(archive, "labels"))
    except FileNotFoundError:
        raise NoPredictionsError("no predictions.npz") from None
    except (*_NO_ZIP, *_NO_ARRAY):
        why = reading_fault(run.predictions)
        fault = f"can't be read ({why})" if why else "is damaged"
        raise NoPredictionsError(f"predictions.npz {fault}") from None
    if not _is_sound(predictions):
        raise NoPredictionsError(
            "predictions.npz does not hold a probability for each class and a label for each image"
        )
    return predictions


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Reads the whole member first, which verifies its checksum: NumPy would parse the header before that."""
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > _LARGEST or info.compress_type not in _METHODS:
        raise ValueError(f"{name} is too large, or compressed with another method")
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    return array


def _is_sound(predictions: Predictions) -> bool:
    probabilities, labels = predictions.probabilities, predictions.labels
    return (
        probabilities.dtype == np.float32
        and labels.dtype in (np.uint8, np.uint16)
        and labels.ndim == 1
        and labels.size > 0
        and probabilities.ndim == 2
        and len(probabilities) == labels.size
        and probabilities.shape[1] >= 2
        and bool((labels < probabilities.shape[1]).all())
        and bool((probabilities >= 0).all())
        and np.allclose(probabilities.sum(axis=1), 1.0, atol=_ROUNDED)
    )
