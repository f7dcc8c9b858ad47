"""Data sets: their sources, formats, validation, cache and statistics. Imports NumPy and the standard library only.

The names below are imported when they are first used: a comparison of runs needs the official data's fingerprints, but
none of the code that reads images.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fmnist_tui.data.dataset import Dataset as Dataset
    from fmnist_tui.data.dataset import ImageSet as ImageSet
    from fmnist_tui.data.dataset import split as split
    from fmnist_tui.data.dataset import split_of as split_of
    from fmnist_tui.data.errors import Cancelled as Cancelled
    from fmnist_tui.data.errors import DataError as DataError
    from fmnist_tui.data.errors import Progress as Progress
    from fmnist_tui.data.official import FASHION_CLASSES as FASHION_CLASSES
    from fmnist_tui.data.official import same_images_as_official as same_images_as_official
    from fmnist_tui.data.sources import Sources as Sources
    from fmnist_tui.data.sources import load as load

_MODULES = {
    "FASHION_CLASSES": "official",
    "Cancelled": "errors",
    "DataError": "errors",
    "Dataset": "dataset",
    "ImageSet": "dataset",
    "Progress": "errors",
    "Sources": "sources",
    "load": "sources",
    "same_images_as_official": "official",
    "split": "dataset",
    "split_of": "dataset",
}

__all__ = [*_MODULES]  # noqa: PLE0604 - they are strings


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
