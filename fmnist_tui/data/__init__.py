"""Data sets: their sources, formats, validation, cache and statistics. Imports NumPy and the standard library only."""

from __future__ import annotations

from fmnist_tui.data.dataset import Dataset, ImageSet, split, split_of
from fmnist_tui.data.errors import Cancelled, DataError, Progress
from fmnist_tui.data.official import FASHION_CLASSES, same_images_as_official
from fmnist_tui.data.sources import Sources, load

__all__ = [
    "FASHION_CLASSES",
    "Cancelled",
    "DataError",
    "Dataset",
    "ImageSet",
    "Progress",
    "Sources",
    "load",
    "same_images_as_official",
    "split",
    "split_of",
]
