from __future__ import annotations

import pytest

from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE
from fmnist_tui.tui.models.model_page import drawing


def drawn(name: str) -> list[str]:
    return drawing(layer_table(get_model(name)).layers, FASHION_MNIST_SHAPE).plain.splitlines()


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_drawing_fits_beside_the_form_at_80_columns(name: str) -> None:
    assert max(map(len, drawn(name))) <= 43


def test_v0_is_an_image_and_three_dense_layers() -> None:
    lines = drawn("v0")
    assert lines[5].split() == ["image", "fc", "fc", "fc"]
    assert lines[6].split() == ["1", "300", "100", "10"]


def test_convolutions_keep_the_size_and_pools_halve_it() -> None:
    lines = drawn("v1")
    assert lines[5].split() == ["image", "conv", "pool", "conv", "pool", "fc"]
    assert lines[7].split() == ["28x28", "28x28", "14x14", "12x12", "6x6"]


def test_dropout_is_what_sets_v3_apart_from_v2() -> None:
    v2, v3 = drawn("v2"), drawn("v3")
    assert v2[:8] == v3[:8]
    assert (v2[8:], v3[8].split()) == ([], ["drop"] * 4)
