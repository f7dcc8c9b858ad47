"""What the ten classes of a run's test images are called."""

from __future__ import annotations

from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.data import official
from fmnist_tui.data.sources import DEMO, UNKNOWN_CLASSES

_GARMENTS = (official.NAME, DEMO)
"""The data sets whose classes are Fashion-MNIST's."""


def class_names(record: RunRecord) -> tuple[str, ...]:
    """Ten names; those of a data set that this program doesn't know are "class 0" to "class 9"."""
    of_garments = record.data_name in _GARMENTS
    if of_garments or record.test_fingerprint == official.FASHION_MNIST.fingerprints[1]:
        return official.FASHION_CLASSES
    return UNKNOWN_CLASSES
