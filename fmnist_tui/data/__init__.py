"""Where images come from and whether they are right."""

from __future__ import annotations

from fmnist_tui.data.dataset import Dataset, ImageSet
from fmnist_tui.data.errors import Cancelled, DataError
from fmnist_tui.data.official import FASHION_CLASSES
from fmnist_tui.data.progress import Progress
from fmnist_tui.data.sameness import same_images_as_official
from fmnist_tui.data.sources import Sources, load
from fmnist_tui.data.splitting import split

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
]
