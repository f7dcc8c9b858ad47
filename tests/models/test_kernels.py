from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import scipy.special

from fmnist_tui.models import kernels


@pytest.mark.parametrize("name", ["gemm", "gemv", "axpy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blas_is_scipys(name: str, dtype: type[np.floating]) -> None:
    assert kernels.blas(name, dtype) is scipy.linalg.get_blas_funcs(name, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sigmoid_has_scipys_bits(dtype: type[np.floating]) -> None:
    values = np.linspace(-100, 100, 100_001, dtype=dtype)
    np.testing.assert_array_equal(kernels.expit(values), scipy.special.expit(values))


def test_where_scipy_has_no_such_modules_its_packages_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_FBLAS", None)
    assert kernels.blas("gemm", np.float32) is scipy.linalg.get_blas_funcs("gemm", dtype=np.float32)
    assert kernels._compiled("scipy.linalg._none") is None
    monkeypatch.setattr(kernels, "_compiled", lambda _: None)
    assert kernels._sigmoid() is scipy.special.expit


def test_v0_is_ready_without_scipys_packages_and_they_can_be_imported_later() -> None:
    code = (
        "import sys; import fmnist_tui.training.numpy_engine; from fmnist_tui.models.kernels import blas, expit;"
        "assert not {'scipy.linalg', 'scipy.special', 'numpy.f2py'} & sys.modules.keys();"
        "from scipy import linalg, special; assert blas('gemm', 'f4') is linalg.get_blas_funcs('gemm', dtype='f4')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
