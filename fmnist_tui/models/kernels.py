"""What v0 needs of SciPy, BLAS and the sigmoid, from its compiled modules alone.

SciPy's packages around them take a third of a second to import: more than all else that v0 does before its first step.
Where a release of SciPy has no such modules, the packages are imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy
from numpy.typing import DTypeLike


def blas(name: str, dtype: DTypeLike) -> Callable[..., Any]:
    """A BLAS function such as "gemm" for float32 or float64, the one that `scipy.linalg.get_blas_funcs` gives."""
    own: Callable[..., Any] | None = getattr(_FBLAS, {"f": "s", "d": "d"}[np.dtype(dtype).char] + name, None)
    if own is not None:
        return own
    from scipy.linalg import get_blas_funcs

    found: Callable[..., Any] = get_blas_funcs(name, dtype=dtype)
    return found


def _sigmoid() -> Any:
    own = getattr(_compiled("scipy.special._special_ufuncs"), "expit", None)
    if own is not None:
        return own
    from scipy.special import expit

    return expit


def _compiled(name: str) -> ModuleType | None:
    """The compiled module, without the packages that it is in; None if there is none."""
    if name in sys.modules:
        return sys.modules[name]
    spec = PathFinder.find_spec(name, [str(Path(scipy.__path__[0], *name.split(".")[1:-1]))])
    if spec is None or spec.loader is None:
        return None
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError:
        return None
    return module


_FBLAS = _compiled("scipy.linalg._fblas")
expit = _sigmoid()
"""1 / (1 + exp(-x)), a ufunc."""
