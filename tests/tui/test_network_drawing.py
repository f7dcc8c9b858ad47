from __future__ import annotations

import pytest

from fmnist_tui.models.layer_table import Layer, LayerTable
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.text import TIMES
from fmnist_tui.tui.models.network_drawing import BATCH_NORM, CONV, DROPOUT, LINEAR, POOL, drawing

SMALL, WIDE = 31, 76
"""Cells beside the form at 60 and at 120 columns."""


def lines(name: str, width: int = WIDE) -> list[str]:
    return (
        drawing(layer_table(get_model(name)), FASHION_MNIST_SHAPE, width, dark=True)
        .plain.replace(TIMES, "x")
        .splitlines()
    )


def cells_of(line: str) -> list[str]:
    return line.replace("→", "").split()


@pytest.mark.parametrize("width", [SMALL, 46, WIDE, 150])
@pytest.mark.parametrize("name", BUILT_IN)
def test_a_drawing_fits_at_every_width_with_all_sizes_and_fractions(name: str, width: int) -> None:
    text = lines(name, width)
    assert max(map(len, text)) <= width
    dense = ("1024", "81%", "18%", "<1%")
    own = {"v0": ("300", "88%"), "v1": ("12x12", "61%"), "v2": dense, "v3": dense, "v4": ("176", "44%", "<1%")}
    for expected in own.get(name, ()):
        assert expected in " ".join(text)


def test_the_rows_say_outputs_size_and_fraction_of_the_parameters() -> None:
    text = lines("v1")
    assert cells_of(text[5]) == ["image", "conv", "3x3", "pool", "conv", "3x3", "pool", "linear"]
    assert cells_of(text[6]) == ["outputs", "1", "64", "64", "128", "128", "10"]
    assert cells_of(text[7]) == ["size", "28x28", "28x28", "14x14", "12x12", "6x6"]
    assert cells_of(text[8]) == ["params", "<1%", "61%", "38%"]


def test_each_layer_type_has_its_colour_and_is_in_the_legend() -> None:
    picture = drawing(layer_table(get_model("v3")), FASHION_MNIST_SHAPE, WIDE, dark=True)
    colours = {str(span.style) for span in picture.spans}
    legend = picture.plain.splitlines()[-1]
    for kind in (CONV, POOL, LINEAR, BATCH_NORM, DROPOUT):
        assert kind.on_dark in colours
        assert f"{kind.fill} {kind.name}" in legend
    assert DROPOUT.name not in lines("v2")[-1]


def test_a_light_theme_has_colours_of_its_own() -> None:
    picture = drawing(layer_table(get_model("v1")), FASHION_MNIST_SHAPE, WIDE, dark=False)
    assert {CONV.on_light, POOL.on_light} <= {str(span.style) for span in picture.spans}


def test_the_bar_divides_the_parameters_among_the_layers() -> None:
    picture = drawing(layer_table(get_model("v1")), FASHION_MNIST_SHAPE, WIDE, dark=True)
    start = len("\n".join(picture.plain.splitlines()[:9]))
    bar = {
        str(span.style): span.end - span.start
        for span in picture.spans
        if span.start > start and set(picture.plain[span.start : span.end]) == {"▄"}
    }
    assert bar[LINEAR.on_dark] / bar[CONV.on_dark] == pytest.approx(38 / 62, abs=0.05)


UNUSUAL: dict[str, tuple[list[Layer], ImageShape, str]] = {
    "equal blocks": (
        [Layer(f"{number}", "Conv 3x3", (32, 64, 64), 9_248) for number in range(3)],
        (3, 64, 64),
        "3x conv 3x3",
    ),
    "unknown modules": ([Layer("rnn", "LSTM", (), 400)], (1, 28, 28), "LSTM"),
    "sequences": ([Layer("0", "Linear", (49, 64), 100)], (3, 7, 7), "49"),
    "a norm first": ([Layer("0", "BatchNorm", (3, 8, 8), 6)], (3, 8, 8), "100%"),
    "nothing to train": ([Layer("0", "Flatten", (784,))], (1, 28, 28), "image"),
}


@pytest.mark.parametrize(("layers", "shape", "expected"), UNUSUAL.values(), ids=UNUSUAL.keys())
def test_networks_of_others_can_be_drawn(layers: list[Layer], shape: ImageShape, expected: str) -> None:
    text = drawing(LayerTable(tuple(layers)), shape, WIDE, dark=True).plain.replace(TIMES, "x")
    assert expected in text
    assert f"{shape[1]}x{shape[2]}" in text
