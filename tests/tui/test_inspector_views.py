"""What the Inspector's views draw of the answers, as text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.geometry import Size

from fmnist_tui.inspection.occlusion import Sweep
from fmnist_tui.inspection.requests import (
    Answer,
    ClassEvidence,
    ClassMaps,
    LayerImages,
    OcclusionRow,
    Packed,
    UnitImages,
)
from fmnist_tui.runs.snapshots import NetworkSnapshots
from fmnist_tui.tui.inspector.epochs import epoch_view, first_layer, slider
from fmnist_tui.tui.inspector.facts import facts_text
from fmnist_tui.tui.inspector.views import Drawn, Look, Space, draw_view, fitting
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.widgets.value_maps import make_palette

SIGNS = make_palette("none", "#000000", dark=True)
LOOK = Look(("Coat", "Shirt", "Bag"), (1, 0), 0, Sweep(4, 4, 2, 2), 64)


def packed(values: object, dtype: str = "float32") -> Packed:
    return Packed.of(np.array(values, dtype))


def drawn(view: str, *answers: Answer, width: int = 60, height: int = 12, page: int = 0, layer: int = 0) -> Drawn:
    found = draw_view(view, answers, LOOK, Space(width, height, SIGNS, page, layer))
    assert found is not None
    return found


def layer_images(values: NDArray[np.float32], dead: list[bool], layer: str = "conv1") -> LayerImages:
    return LayerImages(number=1, layer=layer, kind="Conv2d", values=Packed.of(values), dead=packed(dead, "bool"))


def test_units_have_number_activation_and_contribution_below_their_weights() -> None:
    weights = np.array([[[[4, -4], [4, -4]]], [[[0, 0], [0, 0]]]], np.float32)
    answer = UnitImages(
        number=1,
        units=packed([7, 2], "int64"),
        weights=Packed.of(weights),
        activations=packed([1.5, 0]),
        contributions=packed([2.25, 0]),
        dead=packed([False, True], "bool"),
        remainder=0.5,
        logit=2.75,
        label=0,
    )
    found = drawn("units", answer, width=60, height=8)
    lines = found.body.plain.splitlines()
    assert lines[0].startswith("#######%%%%%%%")
    assert lines[-1].split() == ["7", "1.5", "+2.25", "2✗", "0.0", "+0.00"]
    assert found.title == "2 hidden units, for Coat"
    assert found.sentences[1] == "✗ marks dead units (1): they put out the same for all of 64 images tried."
    assert found.sentences[-1] == "Contributions, the largest first, are to the score of Coat (+2.8)."
    assert found.legend.plain == "-4 %%==--,, 0 ..++**## +4"


def test_evidence_is_a_bar_against_and_one_for_each_class_the_highest_score_first() -> None:
    contributions = [[2, -1], [4, 1], [-3, 0]]
    answer = ClassEvidence(
        number=1, contributions=packed(contributions), bias=packed([0, 0.5, 0]), logits=packed([1, 5.5, -3]), layer=2
    )
    found = drawn("evidence", answer, width=33)
    rows = found.body.plain.splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["Shirt", "Coat", "Bag"]
    assert rows[1].split() == ["Shirt", "│+++++", "+0.50", "+5.50"]
    assert rows[3].split() == ["Bag", "---│", "+0.00", "-3.00"]
    assert found.sentences[-1] == "Unit 0 of hidden layer 2 decides most between Shirt and Coat: +2.00."


def test_classes_that_have_no_room_are_on_further_pages_of_the_evidence_and_no_line_is_too_wide() -> None:
    answer = ClassEvidence(number=1, contributions=packed(np.eye(3)), bias=packed([0] * 3), logits=packed([1, 2, 3]))
    found = drawn("evidence", answer, width=21, height=3, page=1)
    assert (found.pages, found.title) == (2, "Votes, page 2 of 2")
    assert [line.split()[0] for line in found.body.plain.splitlines()] == ["against", "Coat"]
    assert max(map(len, found.body.plain.splitlines())) <= 21
    assert found.sentences[0].startswith("Each pixel votes")


def test_filters_and_feature_maps_come_in_pages_and_layers_and_dead_ones_are_marked() -> None:
    values = np.ones((30, 1, 3, 3), np.float32)
    found = drawn("filters", layer_images(values, [True] + [False] * 29), width=30, height=8)
    assert found.pages == 4
    assert found.title == "30 filters of conv1, 3x3, 1/4"
    assert found.body.plain.splitlines()[3].split() == ["0", "✗", "1", "2", "3"]
    assert "✗ marks dead filters (1)" in found.sentences[1]
    assert found.legend.plain == " 0 ..++**## 1"
    layers = [layer_images(values, [False] * 30), layer_images(-values, [False] * 30, "conv2")]
    second = drawn("maps", *layers, layer=1)
    assert second.layers == 2
    assert second.title.startswith("Layer 2 of 2: conv2 (Conv2d), 30 maps, 3x3")
    assert "orange where the maps of conv1 have its pattern" in second.sentences[0].replace("+*#", "orange")
    assert second.sentences[1] == "No channel is dead; a dead one would put out the same for all of 64 images tried."
    narrow = drawn("maps", *layers, layer=1, width=30, height=5)
    assert narrow.title == "2 of 2: conv2, 30 maps, 1/8"


def test_the_units_of_a_dense_layer_are_no_filters() -> None:
    values = np.ones((3, 1, 3, 3), np.float32)
    dead = packed([False] * 3, "bool")
    found = drawn("filters", LayerImages(number=1, layer="1", kind="Linear", values=Packed.of(values), dead=dead))
    assert found.title == "3 units of 1, 3x3"
    assert found.sentences[0].startswith("Weights of a dense layer's units")
    assert "filter" not in "".join(found.sentences)


def test_a_wrong_prediction_and_the_true_class_are_side_by_side() -> None:
    maps = np.zeros((2, 1, 4, 4), np.float32)
    maps[0, 0, :2], maps[1, 0, 2:] = 1, -1
    found = drawn("saliency", ClassMaps(number=1, values=Packed.of(maps)), width=60, height=9)
    lines = found.body.plain.splitlines()
    assert lines[0].rstrip() == "#" * 16
    assert lines[-2] == " " * 17 + "%" * 16
    assert lines[-1].split() == ["Shirt", "Coat", "(true)"]  # "Shirt (predicted)" has no room
    cam = drawn(
        "grad_cam", ClassMaps(number=1, layer="conv2", values=packed(np.ones((2, 1, 2, 2)))), width=60, height=9
    )
    assert cam.title == "Grad-CAM on conv2"
    assert cam.body.plain.splitlines()[0] == "#" * 16 + " " + "#" * 16
    assert cam.sentences[-1] == "The background can light up, too."


def test_an_occlusion_map_grows_row_by_row() -> None:
    rows = [OcclusionRow(number=1, row=row, drops=packed([[0.5, 0], [0, -0.5]])) for row in (0, 1)]
    begun, done = drawn("occlusion", rows[0], width=60, height=9), drawn("occlusion", *rows, width=60, height=9)
    assert (begun.title, done.title) == ("Occlusion, row 1 of 2", "Occlusion")
    assert begun.body.plain.splitlines()[-2].strip() == ""
    assert done.body.plain.splitlines()[-2].strip() == "#" * 8 + " " * 17 + "%" * 8
    assert "2x2 pixels are covered: what is marked +*# speaks for" in done.sentences[0]
    assert done.sentences[-1] == "What is marked +*# for Shirt alone speaks for it and not for Coat."


def test_nothing_is_drawn_before_there_is_an_answer() -> None:
    for view in ("units", "evidence", "filters", "maps", "saliency", "grad_cam", "occlusion"):
        assert draw_view(view, [], LOOK, Space(60, 12, SIGNS)) is None


def test_sentences_that_do_not_fit_are_left_out_but_for_the_first() -> None:
    sentences = ("one two three", "four five", "six")
    assert fitting(sentences, 13, 3) == "one two three four five six"
    assert fitting(sentences, 9, 3) == "one two three four five"
    assert fitting(sentences, 5, 1) == "one two three"


def recorded(weights: NDArray[np.float16]) -> NetworkSnapshots:
    """Before training, and after epochs 1 and 3; four images of the classes 0, 0, 1 and 2."""
    predicted = np.array([[0, 2, 2, 2], [0, 2, 1, 2], [0, 0, 1, 2]])
    return NetworkSnapshots(
        np.array([0, 1, 3]),
        weights,
        np.eye(3, dtype=np.float16)[predicted],
        np.arange(weights.shape[1]) * 2,
        np.arange(4),
        np.array([0, 0, 1, 2]),
        "layers.0.weight",
    )


def test_the_slider_and_the_predictions_follow_the_epochs() -> None:
    snapshots = recorded(np.ones((3, 2, 16), np.float16))
    assert slider(snapshots, 0, 60).plain == "Epoch 0 of 3  ●──┼──┼──┼  2 of 4 validation images correct"
    assert slider(snapshots, 3, 30).plain == "Trained  ┼─┼─┼──●  4/4 correct"
    view = epoch_view("predictions", snapshots, 1, [], LOOK, Space(40, 9, SIGNS))
    assert [line.split() for line in view.body.plain.splitlines()] == [
        ["Coat", "✓✗", "1", "of", "2", "Bag"],
        ["Shirt", "✓", "1", "of", "1"],
        ["Bag", "✓", "1", "of", "1"],
    ]
    assert "after epoch 1" in view.sentences[0]


def test_filters_of_an_epoch_are_the_recorded_ones() -> None:
    weights = np.stack([np.full((2, 1, 3, 3), value, np.float16) for value in (1, 2, 4)])
    view = epoch_view("filters", recorded(weights), 0, [], LOOK, Space(40, 9, SIGNS))
    assert view.title == "2 filters, epoch 0"
    assert view.body.plain.splitlines()[-1].split() == ["0", "2"]
    assert "before training, random, of the 2 filters that are recorded: " in view.sentences[0]
    dense = first_layer(recorded(np.ones((3, 2, 48), np.float16)), 1, (3, 4, 4))
    assert dense is not None
    assert dense.shape == (2, 3, 4, 4)
    odd = recorded(np.ones((3, 2, 17), np.float16))
    assert first_layer(odd, 1, (1, 4, 4)) is None
    assert "no weights that can be drawn" in epoch_view("filters", odd, 0, [], LOOK, Space(40, 9, SIGNS)).body.plain


def test_facts_name_both_classes_and_the_likeliest() -> None:
    probabilities = np.array([0.25, 0.7, 0.05], np.float32)
    text: Text = facts_text(LOOK.names, 0, probabilities, Size(30, 4), THEMES[0])
    lines = text.plain.splitlines()
    assert lines[:2] == ["true Coat", "predicted Shirt 70.00%"]
    assert [line.split()[0] for line in lines[2:]] == ["Shirt", "Coat"]
    assert facts_text(LOOK.names, 2, probabilities, Size(30, 3), THEMES[0]).plain.split()[-2:-1] == ["5.00%"]
    assert facts_text(LOOK.names, 0, probabilities, Size(16, 1), THEMES[0]).plain == "Shirt 70.00%"
    assert facts_text(LOOK.names, 0, None, Size(30, 4), THEMES[0]).plain == "true Coat"
