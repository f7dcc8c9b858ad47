"""Modules that are imported when they are first used: the first paint waits for neither NumPy nor what draws images."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class LazyModule(ModuleType):
    """Stands for the module of that name, for example `np = LazyModule("numpy")`.

    A type checker is given the module itself (`if TYPE_CHECKING: import numpy as np`). The app imports all of them in a
    thread once it is painted (`startup.import_all`).
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)
