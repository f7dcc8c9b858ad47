from __future__ import annotations

import pytest

from fmnist_tui.models.catalogue import VERSIONS, Version, version
from fmnist_tui.tui.models.model_page import drawing


@pytest.mark.parametrize("one", VERSIONS, ids=lambda one: str(one.name))
def test_a_drawing_fits_beside_the_form_at_80_columns(one: Version) -> None:
    assert max(map(len, drawing(one.layers).plain.splitlines())) <= 43


def test_v0_is_an_image_and_three_dense_layers() -> None:
    lines = drawing(version("v0").layers).plain.splitlines()
    assert lines[5].split() == ["image", "fc", "fc", "fc"]
    assert lines[6].split() == ["1", "300", "100", "10"]


def test_convolutions_keep_the_size_and_pools_halve_it() -> None:
    lines = drawing(version("v1").layers).plain.splitlines()
    assert lines[5].split() == ["image", "conv", "pool", "conv", "pool", "fc"]
    assert lines[7].split() == ["28x28", "28x28", "14x14", "12x12", "6x6"]


def test_dropout_is_what_sets_v3_apart_from_v2() -> None:
    v2, v3 = (drawing(version(name).layers).plain.splitlines() for name in ("v2", "v3"))
    assert v2[:8] == v3[:8]
    assert (v2[8:], v3[8].split()) == ([], ["drop"] * 4)
