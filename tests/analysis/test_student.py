from __future__ import annotations

import math

import pytest
from scipy.special import ndtri, stdtrit

from fmnist_tui.analysis.intervals import two_sided


def test_one_and_two_degrees_of_freedom_worked_by_hand() -> None:
    assert two_sided(1, 0.95) == pytest.approx(math.tan(0.475 * math.pi), rel=1e-12)  # Cauchy's distribution
    assert two_sided(2, 0.95) == pytest.approx(0.95 * math.sqrt(2 / (1 - 0.95**2)), rel=1e-10)


@pytest.mark.parametrize("freedom", [1, 1.0001, 1.47, 2.9, 3, 4, 5.5, 9, 17.3, 30, 120, 999.5, 1e4, 1e6])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_it_is_scipys(freedom: float, confidence: float) -> None:
    assert two_sided(freedom, confidence) == pytest.approx(stdtrit(freedom, (1 + confidence) / 2), rel=1e-8)


def test_with_many_degrees_of_freedom_it_is_the_normal_distributions() -> None:
    assert two_sided(1e6, 0.95) == pytest.approx(ndtri(0.975), rel=1e-5)
