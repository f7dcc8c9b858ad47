from __future__ import annotations

import subprocess
import sys
from math import prod

import pytest

from fmnist_tui.models.catalogue import VERSION_NAMES, VERSIONS, Reported, UnknownVersionError, version
from fmnist_tui.models.dense import parameter_shapes


def test_there_are_four_versions_in_order() -> None:
    assert VERSION_NAMES == ("v0", "v1", "v2", "v3")
    assert [version(name) for name in VERSION_NAMES] == list(VERSIONS)


def test_an_unknown_version_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownVersionError, match=r"no version 'v4'; choose from v0, v1, v2, v3"):
        version("v4")


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        ("v0", 266_610, 784 * 300 + 300 * 100 + 100 * 10),
        ("v1", 120_970, 11_068_416 + 4608 * 10),
        ("v2", 5_858_442, 11_068_416 + 4608 * 1024 + 1024 * 1024 + 1024 * 10),
        ("v3", 5_858_442, 11_068_416 + 4608 * 1024 + 1024 * 1024 + 1024 * 10),
    ],
)
def test_parameters_and_multiply_adds_are_summed_over_the_layers(
    name: str, parameters: int, multiply_adds: int
) -> None:
    # both convolutions: 64 x 28 x 28 values of 9 products, 128 x 12 x 12 values of 64 x 9
    assert 64 * 28 * 28 * 9 + 128 * 12 * 12 * 64 * 9 == 11_068_416
    assert (version(name).parameters, version(name).multiply_adds) == (parameters, multiply_adds)


def test_v0s_table_names_its_tensors_and_what_lies_between() -> None:
    layers = version("v0").layers
    assert [(layer.name, layer.kind, layer.output_shape) for layer in layers] == [
        ("layers.0", "Linear", (300,)),
        ("relu0", "ReLU", (300,)),
        ("layers.1", "Linear", (100,)),
        ("relu1", "ReLU", (100,)),
        ("layers.2", "Linear", (10,)),
        ("sigmoid", "Sigmoid", (10,)),
    ]
    for layer in layers[::2]:
        shapes = [shape for name, shape in parameter_shapes().items() if name.startswith(layer.name)]
        assert layer.parameters == sum(prod(shape) for shape in shapes)


def test_the_origins_figures_are_told_as_it_reported_them() -> None:
    assert [one.reported for one in VERSIONS] == [
        Reported(0.8748, 0.2177),
        Reported(0.9173, 0.2783),
        Reported(0.9254, 0.2860),
        Reported(0.9319, 0.2689),
    ]


def test_each_version_tells_its_whole_story() -> None:
    for one in VERSIONS:
        assert all([one.title, one.what_changed, one.why_it_helped, one.story, one.loss])
        assert one.framework == ("NumPy" if one.name == "v0" else "PyTorch")


def test_the_catalogue_needs_neither_torch_nor_a_screen() -> None:
    """The app's first paint must not wait for an import of a second."""
    code = "import sys, fmnist_tui.models.catalogue; print({'torch', 'textual', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"
