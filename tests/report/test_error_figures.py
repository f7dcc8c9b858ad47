from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from analysis.models import chance, constant, perfect, predicting
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from fmnist_tui.analysis.calibration import reliability
from fmnist_tui.data.official import FASHION_CLASSES
from fmnist_tui.models.looks import look_of
from fmnist_tui.report.figures import CORRECT_COLOUR, WRONG_COLOUR, confusion_figure, reliability_figure
from fmnist_tui.report.rendering import to_png, to_svg
from fmnist_tui.runs.predictions import Predictions

PNG = b"\x89PNG\r\n\x1a\n"


def confusion(predictions: Predictions, title: str = "run") -> Figure:
    return confusion_figure(predictions.confusion_matrix, FASHION_CLASSES, title)


def both(predictions: Predictions) -> tuple[Figure, Figure]:
    """The confusion matrix and the reliability diagram of these predictions."""
    return confusion(predictions), reliability_figure(reliability(predictions), "run", "v1")


def test_every_cell_says_its_count_and_is_blue_or_vermilion() -> None:
    figure = confusion(constant())
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == (["0"] * 3 + ["100"] + ["0"] * 6) * 10
    colours = np.asarray(axes.get_images()[0].get_array())
    assert colours[3, 3] == pytest.approx(to_rgb(CORRECT_COLOUR))
    assert colours[0, 3] == pytest.approx(to_rgb(WRONG_COLOUR))
    assert colours[0, 0] == pytest.approx((1, 1, 1))
    assert [label.get_text() for label in axes.get_yticklabels()] == list(FASHION_CLASSES)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")


def test_a_name_of_any_length_leaves_room_for_the_matrix() -> None:
    names = [f"{'long ' * 40}{number}" for number in range(10)]
    figure = confusion_figure(constant().confusion_matrix, names, "run")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()][3] == "long long lo…long long 3"
    assert axes.get_position().width > 0.5
    assert axes.get_tightbbox().x0 >= 0  # type: ignore[union-attr]


def test_bars_stand_at_their_bins_as_high_as_the_accuracy() -> None:
    diagram, counts = reliability_figure(reliability(constant()), "run", "v1").axes
    (bar,) = diagram.patches
    assert (bar.get_x(), bar.get_width(), bar.get_height()) == pytest.approx((7 / 15, 1 / 15, 0.1))  # type: ignore[attr-defined]
    assert [patch.get_height() for patch in counts.patches] == [0] * 7 + [1000] + [0] * 7  # type: ignore[attr-defined]
    legend = diagram.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "expected calibration error 0.4000"


def test_bins_of_few_images_are_pale_and_the_legend_says_so() -> None:
    diagram, _ = reliability_figure(reliability(predicting([0] * 29, [0] * 29)), "run", "v1").axes
    (bar,) = diagram.patches
    legend = diagram.get_legend()
    assert bar.get_alpha() == pytest.approx(0.3)
    assert legend is not None
    assert legend.get_title().get_text().endswith("\npale: fewer than 30 images")


def test_a_bin_of_few_images_draws_no_bar_of_its_own() -> None:
    predictions = predicting([0] * 101, [0] * 100 + [1], [0.95] * 100 + [0.5])
    diagram, counts = reliability_figure(reliability(predictions), "run", "v1").axes
    (bar,) = diagram.patches
    assert (bar.get_x(), bar.get_width()) == pytest.approx((7 / 15, 8 / 15))  # type: ignore[attr-defined]
    assert bar.get_facecolor() == pytest.approx((*to_rgb(look_of("v1").on_light), 1.0))
    assert sum(patch.get_height() for patch in counts.patches) == 101  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "model",
    [
        *(pytest.param(model, marks=pytest.mark.slow) for model in (perfect, constant)),
        chance,
        lambda: predicting([0], [0]),
    ],
)
def test_both_figures_are_drawn_whatever_a_model_predicts(model: Callable[[], Predictions]) -> None:
    for figure in both(model()):
        assert b"</svg>" in to_svg(figure)


@pytest.mark.slow
def test_the_same_predictions_give_the_same_bytes() -> None:
    for figure, again in zip(both(chance()), both(chance()), strict=True):
        assert to_svg(figure) == to_svg(again)
        assert to_png(figure).startswith(PNG)


@pytest.mark.parametrize(
    "title", [pytest.param(r"$\frac{$ & <b> --", marks=pytest.mark.slow), "\x1b[31m\x00 写真 $x_1$"]
)
def test_titles_are_drawn_character_by_character(title: str) -> None:
    for figure in (confusion(chance(), title), reliability_figure(reliability(chance()), title, "v1")):
        ET.fromstring(to_svg(figure))  # noqa: S314 - made here
