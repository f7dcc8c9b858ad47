"""The test set's probabilities and labels that a run saved, and the names of its classes."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.data import official
from fmnist_tui.data.sources import DEMO, UNKNOWN_CLASSES
from fmnist_tui.files import check_regular_file, reading_fault
from fmnist_tui.runs.directory import RunDirectory

_NO_ZIP = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
_NO_ARRAY = (TypeError, OverflowError, MemoryError, tokenize.TokenError)
"""What NumPy raises besides of a header that somebody made up."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those of `savez` and `savez_compressed`."""
_LARGEST = 100_000_000
"""Bytes; those of 10 000 test images take 0.4 MB."""
_ROUNDED = 1e-3
"""By how much a sum of ten probabilities may miss 1."""


class NoPredictionsError(Exception):
    """A run has no predictions that can be used; its text says why, in a few words."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run said of each test image.

    Attributes:
        probabilities: float32, (n, 10); rows sum to 1.
        labels: uint8, (n,), 0 to 9.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The likeliest class of each image, (n,)."""
        likeliest: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return likeliest

    @property
    def confidence(self) -> NDArray[np.float64]:
        """The probability of that class, (n,), 0 to 1."""
        greatest: NDArray[np.float64] = self.probabilities.max(axis=1).astype(np.float64)
        return greatest

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether it is the label, (n,)."""
        equal: NDArray[np.bool_] = self.predicted == self.labels
        return equal


def read_predictions(run: RunDirectory) -> Predictions:
    """The run's predictions.

    Raises:
        NoPredictionsError: There are none, or they are damaged, or another user's and private.
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
        raise NoPredictionsError("predictions.npz does not hold ten probabilities and a label for each image")
    return predictions


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Reads the whole member first, which checks its sum: NumPy parses the header before that."""
    told = archive.getinfo(f"{name}.npy")
    if told.file_size > _LARGEST or told.compress_type not in _METHODS:
        raise ValueError(f"{name} is far too large, or packed in a strange way")
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    return array


def _is_sound(predictions: Predictions) -> bool:
    probabilities, labels = predictions.probabilities, predictions.labels
    return (
        probabilities.dtype == np.float32
        and labels.dtype == np.uint8
        and labels.ndim == 1
        and labels.size > 0
        and probabilities.shape == (labels.size, 10)
        and bool((labels < 10).all())
        and bool((probabilities >= 0).all())
        and np.allclose(probabilities.sum(axis=1), 1.0, atol=_ROUNDED)
    )


_GARMENTS = (official.NAME, DEMO)
"""The data sets whose classes are Fashion-MNIST's."""


def class_names(record: RunRecord) -> tuple[str, ...]:
    """Ten names; those of a data set that this program doesn't know are "class 0" to "class 9"."""
    of_garments = record.data_name in _GARMENTS
    if of_garments or record.test_fingerprint == official.FASHION_MNIST.fingerprints[1]:
        return official.FASHION_CLASSES
    return UNKNOWN_CLASSES
