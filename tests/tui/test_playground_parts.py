"""The parts of the Playground: the drawing and its history, the canvas's geometry, the table, the choice of runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual.message import Message

from fmnist_tui.data import official
from fmnist_tui.inspection.edits import noisy, rotation, shift
from fmnist_tui.runs.manifest import Manifest
from fmnist_tui.runs.run import Run, read_run
from fmnist_tui.tui.messages import Failed, Written
from fmnist_tui.tui.playground.canvas import Layout
from fmnist_tui.tui.playground.files import Opened, open_picture, save_picture
from fmnist_tui.tui.playground.network_view import drawn_colours, scaled_colours, scaling_of, scaling_text
from fmnist_tui.tui.playground.probabilities import Column, rendered
from fmnist_tui.tui.playground.selection import columns_of, inspection, proposed, usable
from fmnist_tui.tui.playground.sketch import Picture, Sketch
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.widgets.images import Shades
from fmnist_tui.tui.widgets.value_maps import make_palette

from .demo_runs import dataset, write_demo_run
from .samples import write_run

CLASSES = official.FASHION_CLASSES
BOOT = CLASSES.index("Ankle boot")


def test_each_edit_is_undone_and_redone_and_a_drag_is_one_step() -> None:
    sketch = Sketch((1, 28, 28))
    sketch.stroke([((3, 3), (3, 3))], 1, (255,))
    sketch.stroke([((3, 3), (3, 9))], 1, (255,), goes_on=True)
    drawn = sketch.image
    assert drawn.sum() == 7 * 255
    sketch.transform(rotation(90))
    sketch.edit(lambda image: noisy(image, 9.0, np.random.default_rng(0)))
    edited = sketch.image
    for _ in range(2):
        sketch.undo()
    np.testing.assert_array_equal(sketch.image, drawn)
    sketch.undo()
    assert not sketch.image.any()
    sketch.undo()
    for _ in range(4):
        sketch.redo()
    np.testing.assert_array_equal(sketch.image, edited)
    sketch.undo()
    sketch.clear()
    sketch.redo()
    assert not sketch.image.any(), "a new step forgets what was undone"


def test_what_is_drawn_is_called_what_it_is() -> None:
    sketch = Sketch((1, 28, 28))
    assert sketch.title == "blank"
    sketch.stroke([((3, 3), (3, 9))], 1, (255,))
    assert (sketch.title, inspection(sketch, [], None).title) == ("drawing", "drawing")
    sketch.undo()
    assert sketch.title == "blank"
    sketch.begin(Picture(dataset().test.images[0], "test image 5,609", "Sandal", 5609))
    assert sketch.title == "test image 5,609"
    sketch.transform(shift(1, 0))
    assert sketch.title == "test image 5,609, edited"
    sketch.reset()
    assert sketch.title == "test image 5,609"


def test_what_was_moved_out_of_the_image_comes_back_until_it_is_painted_on() -> None:
    garment = Picture(dataset().test.images[0], "test image 0", "Bag", 0)
    sketch = Sketch((1, 28, 28))
    sketch.begin(garment)
    for _ in range(20):
        sketch.transform(shift(0, 1))
    for _ in range(20):
        sketch.transform(shift(0, -1))
    np.testing.assert_array_equal(sketch.image, garment.image)
    sketch.transform(shift(0, 20))
    sketch.stroke([((0, 0), (0, 0))], 1, (0,))
    sketch.transform(shift(0, -20))
    assert not sketch.image[..., 8:].any()
    sketch.reset()
    assert sketch.begun is garment
    np.testing.assert_array_equal(sketch.image, garment.image)


@pytest.mark.parametrize(
    ("cells", "lines", "shown"),
    [(29, 14, (28, 28)), (56, 30, (56, 56)), (100, 44, (84, 84)), (28, 10, (20, 20)), (1, 1, (2, 1))],
)
def test_pixels_are_as_large_as_fits_and_every_cell_has_one(cells: int, lines: int, shown: tuple[int, int]) -> None:
    layout = Layout.of(28, 28, cells, lines)
    assert (layout.shown_height, layout.shown_width) == shown
    assert layout.lines <= max(1, lines)
    assert layout.pixels_at(0, 0)[0] == (0, 0)
    assert layout.pixels_at(-5, 99)[1][1] == 0
    if layout.shown_height >= 28:
        for pixel in ((0, 0), (13, 14), (27, 27)):
            assert pixel in layout.pixels_at(*layout.cell_of(pixel))
        assert layout.shown(np.zeros((28, 28, 3), np.uint8)).shape == (*shown, 3)


def test_a_cell_of_half_blocks_is_two_pixels_and_larger_images_shrink() -> None:
    assert Layout.of(28, 28, 28, 14).pixels_at(5, 3) == ((6, 5), (7, 5))
    assert Layout.of(28, 28, 56, 28).pixels_at(11, 3) == ((3, 5), (3, 5))
    large = Layout.of(64, 64, 29, 14)
    assert (large.shown_width, large.lines) == (28, 14)
    assert large.pixels_at(27, 13)[1][1] == 61
    assert large.area_of((63, 0)) == (slice(27, 28), slice(0, 1))
    assert Layout.of(28, 28, 56, 28).area_of((1, 2)) == (slice(2, 4), slice(4, 6))
    odd = Layout.of(15, 9, 30, 10)
    assert odd.shown(np.zeros((15, 9, 3), np.uint8)).shape == (16, 9, 3)


def answers(*tops: tuple[int, float], truth: str = "") -> list[Column]:
    """Columns of v0, v1 ... whose most probable class and its probability are these."""
    found, of = [], Picture(np.zeros((1, 2, 2), np.uint8), truth=truth)
    for number, (top, value) in enumerate(tops):
        values = [(1 - value) / 9] * 10
        values[top] = value
        found.append(Column(f"v{number}", f"v{number}", "●", "tuned, test 90.07%", tuple(values), of))
    return found


def test_the_predictions_are_prominent_and_agreement_is_said() -> None:
    def first(*tops: tuple[int, float]) -> str:
        return rendered(answers(*tops), CLASSES, 60, 30, THEMES[0]).plain.splitlines()[0]

    assert first((BOOT, 0.9), (BOOT, 0.8), (BOOT, 0.7)) == "All 3 predict Ankle boot"
    assert first((BOOT, 0.9), (BOOT, 0.8)) == "Both predict Ankle boot"
    assert first((BOOT, 0.9), (5, 0.8), (BOOT, 0.7)) == "2 of 3 predict Ankle boot"
    assert first((BOOT, 0.9), (5, 0.8)) == "Each predicts another class"
    text = rendered(answers((BOOT, 0.9), (5, 0.8), truth="Sandal"), CLASSES, 60, 30, THEMES[0]).plain
    assert "● v0  Ankle boot 90.00% ✗  tuned, test 90.07%" in text
    assert "● v1  Sandal 80.00% ✓" in text


def test_of_a_blank_image_it_is_said_that_it_has_no_class() -> None:
    shown = rendered(answers((BOOT, 0.9), (BOOT, 0.8)), CLASSES, 40, 30, THEMES[0], is_blank=True).plain
    assert shown.startswith("A blank image is none of the classes;\nthe network must choose one\n● v0  Ankle boot")
    assert "predict" not in shown


@pytest.mark.parametrize("answered", [False, True])
def test_why_a_network_does_not_answer_is_read_in_full_where_there_is_room(answered: bool) -> None:
    why = "code has changed: net.py:Net (/some/where/net.py: sha256 0123, not 4567); restore it, or train a new run"
    columns = [replace(one, values=(), note=why) for one in answers((BOOT, 0.9), (BOOT, 0.8))]
    columns += answers((5, 0.8)) * answered
    lines = rendered(columns, CLASSES, 46, 22, THEMES[0]).plain.splitlines()
    assert lines[1].startswith("● v0  code has changed: net.py:Net")
    assert " ".join(lines).count("restore it, or train a new run") == 1
    assert answered == any(line.startswith("Pullover") for line in lines)
    few = rendered(columns, CLASSES, 46, 6, THEMES[0]).plain
    assert "restore it" not in few or not answered


@pytest.mark.parametrize(("width", "height"), [(31, 16), (51, 22), (112, 44), (10, 3), (1, 1), (0, 0)])
def test_the_table_fits_any_panel(width: int, height: int) -> None:
    columns = answers((BOOT, 0.9), (5, 0.8), (0, 0.7), (1, 1.0))
    columns[3] = replace(columns[3], values=(), note="loading ...")
    text = rendered(columns, CLASSES, width, height, THEMES[1])
    lines = text.split()
    assert len(text.plain.splitlines()) <= height
    assert all(line.cell_len <= max(width, 1) for line in lines)
    if height >= 16:
        row = next(line for line in text.plain.splitlines() if line.startswith("Sandal"))
        assert "80%" in row
        assert ("━" in row) == (width > 40)


def test_rows_are_spread_over_a_high_panel() -> None:
    for height, apart in ((14, 1), (30, 2), (60, 3)):
        lines = rendered(answers((BOOT, 0.9)), CLASSES, 60, height, THEMES[0]).plain.splitlines()
        rows = [next(at for at, line in enumerate(lines) if line.startswith(name)) for name in ("Trouser", "Pullover")]
        assert rows[1] - rows[0] == apart, height


def test_of_many_classes_the_most_probable_are_shown_in_their_order() -> None:
    values = np.full(100, 0.001)
    values[[7, 70, 33]] = 0.3
    column = Column("v0", "v0", "●", values=tuple(values.tolist()))
    text = rendered([column], [f"class {label}" for label in range(100)], 60, 7, THEMES[0]).plain
    assert [line.split()[1] for line in text.splitlines() if line.startswith("class")] == ["0", "7", "33", "70"]


def test_the_best_run_of_each_model_on_this_data_is_proposed(tmp_path: Path) -> None:
    demo = dataset()
    worse, better = (write_demo_run(tmp_path, "v0", seed=seed, wrong=wrong) for seed, wrong in ((0, 200), (1, 100)))
    v3, other = write_demo_run(tmp_path, "v3", wrong=50), write_run(tmp_path, "v1", wrong=5)
    records = [read_run(run) for run in (worse, better, v3, other)]
    assert usable(records, demo) == records
    assert not proposed(records[3:], demo), "it has no weights"
    other.model.write_bytes(b"weights")
    records[3] = read_run(other)
    assert [record.run_id for record in proposed(records, demo)] == [better.run_id, v3.run_id]
    assert [record.run_id for record in proposed(records[3:], demo)] == [other.run_id], "rather than none"
    columns = columns_of(records[:3], "loading ...")
    assert [column.name for column in columns] == ["v0 s0", "v0 s1", "v3"]
    assert columns[2].about == "tuned, test 90.00%"


def test_runs_that_cannot_be_asked_are_left_out(tmp_path: Path) -> None:
    run = write_demo_run(tmp_path, "v0", wrong=10)
    unscored = read_run(write_demo_run(tmp_path, "v1", wrong=10))
    assert usable([replace(unscored, result=None)], dataset()) == []
    assert usable([], None) == []
    assert [record.run_id for record in usable([read_run(run)], None)] == [run.run_id]
    small = replace(dataset(), classes=("shoe", "boot"))
    assert usable([read_run(run)], small) == []


def test_the_network_sees_zero_as_the_background_and_both_signs_in_colour(tmp_path: Path) -> None:
    palette = make_palette("truecolor", "#000000", dark=True)
    image = np.array([[[0, 128, 255]]], np.uint8)
    colours = scaled_colours(image, (2 / 255, -1.0), palette)
    assert colours[0, 1].max() < 12, "nearly 0"
    assert colours[0, 0, 2] > colours[0, 0, 0], "negative is blue"
    assert colours[0, 2, 0] > colours[0, 2, 2], "positive is orange"
    assert scaling_text("v0", (2 / 255, -1.0), palette) == "v0: -1.0 blue, 1.0 orange"
    record: Run = read_run(write_demo_run(tmp_path, "v0", wrong=10))
    assert scaling_of(record) is not None
    assert scaling_of(replace(record, manifest=Manifest())) is None


def test_grey_is_drawn_from_the_background_to_the_text_colour_and_colours_are_kept() -> None:
    grey = drawn_colours(np.array([[[0, 248]]], np.uint8), Shades("#102030", "#FFFFFF"))
    assert grey[0, 0].tolist() == [0x10, 0x20, 0x30]
    assert grey[0, 1].min() > 245
    assert drawn_colours(np.full((3, 2, 2), 160, np.uint8), Shades()).tolist() == [[[160] * 3] * 2] * 2


def test_a_drawing_is_saved_as_png_and_never_overwrites(tmp_path: Path) -> None:
    posted: list[Message] = []
    image = dataset().test.images[3]
    for _ in range(2):
        save_picture(image, tmp_path / "boot", posted.append)
    assert [message.text for message in posted if isinstance(message, Written)] == [
        f"Saved {tmp_path / 'boot.png'}",
        f"Saved {tmp_path / 'boot-2.png'}",
    ]
    with Image.open(tmp_path / "boot-2.png") as saved:
        np.testing.assert_array_equal(np.asarray(saved), image[0])
    save_picture(image, tmp_path / "nowhere" / "a.png", posted.append)
    assert isinstance(posted[-1], Failed)
    assert "No such file" in posted[-1].reason
    save_picture(np.zeros((3, 8, 8), np.uint8), tmp_path / "colour.png", posted.append)
    with Image.open(tmp_path / "colour.png") as saved:
        assert (saved.mode, saved.size) == ("RGB", (8, 8))


def test_a_saved_drawing_opens_as_it_was_and_a_broken_file_is_one_line(tmp_path: Path) -> None:
    posted: list[Message] = []
    image = dataset().test.images[3]
    save_picture(image, tmp_path / "boot.png", posted.append)
    open_picture(tmp_path / "boot.png", (1, 28, 28), dataset(), posted.append)
    opened = posted[-1]
    assert isinstance(opened, Opened)
    np.testing.assert_array_equal(opened.picture.image, image)
    assert (opened.picture.title, opened.steps) == ("boot.png", "used as it is")
    np.save(tmp_path / "several.npy", dataset().test.images[:3, 0])
    open_picture(tmp_path / "several.npy", (1, 28, 28), dataset(), posted.append)
    assert isinstance(posted[-1], Opened)
    assert posted[-1].steps == "the first of 3 images: used as it is"
    (tmp_path / "bad.png").write_bytes(b"no picture")
    open_picture(tmp_path / "bad.png", (1, 28, 28), None, posted.append)
    assert isinstance(posted[-1], Failed)
    assert "\n" not in posted[-1].reason
