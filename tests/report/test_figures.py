from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from analysis.builders import epoch, make_run, training, window, write_log
from matplotlib import legend, rc_context
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from fmnist_tui.models.looks import look_of
from fmnist_tui.report.figures import loss_figure
from fmnist_tui.report.rendering import drawable, to_png, to_svg
from fmnist_tui.runs.fold import Snapshot, read_snapshot
from fmnist_tui.training.events import Event, RunStarted

PNG = b"\x89PNG\r\n\x1a\n"
STARTED = RunStarted("v3", 20, 10, 2, 1, 1)


def snapshot(folder: Path, log: list[Event]) -> Snapshot:
    run = make_run(folder)
    write_log(run, log)
    return read_snapshot(run)


def line(figure: Figure, panel: int, label: str) -> tuple[list[float], list[float]]:
    """The points of the line of this name."""
    (found,) = [line for line in figure.axes[panel].get_lines() if str(line.get_label()).startswith(label)]
    return list(found.get_xdata()), list(found.get_ydata())  # type: ignore[arg-type]


def test_log_intervals_validation_and_the_best_epoch_are_drawn(tmp_path: Path) -> None:
    figure = loss_figure(snapshot(tmp_path, training("v1", [0.9, 0.8])), "v1")
    assert line(figure, 0, "training, each log interval") == ([5, 10, 15, 20], [1 / 5, 1 / 10, 1 / 15, 1 / 20])
    assert line(figure, 0, "training, smoothed")[0] == [5, 10, 15, 20]
    assert line(figure, 0, "validation") == ([10, 20], [0.5, 0.5])
    assert line(figure, 1, "validation") == ([10, 20], [90, 80])
    assert line(figure, 1, "best validation accuracy: epoch 1") == ([10], [90])
    losses, accuracies = figure.axes
    assert losses.get_legend() is not None
    assert losses.get_ylabel() == "loss\n(cross-entropy of the softmax)"
    assert (accuracies.get_ylabel(), accuracies.get_xlabel()) == ("accuracy (%)", "step (10 per epoch)")


def test_a_run_is_drawn_in_its_models_colour_validation_stronger_than_training(tmp_path: Path) -> None:
    look = look_of("v1")
    (losses, _) = loss_figure(snapshot(tmp_path, training("v1", [0.9, 0.8])), "v1").axes
    raw, smooth, validation, _ = losses.get_lines()
    assert (validation.get_color(), validation.get_marker(), validation.get_linestyle()) == (
        look.on_light,
        look.mark,
        look.line,
    )
    strengths = [1 - min(to_rgb(one.get_color())) for one in (raw, smooth, validation)]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == 3


@pytest.mark.parametrize(
    "log",
    [
        pytest.param([], id="empty"),
        pytest.param([STARTED, window(5)], id="one", marks=pytest.mark.slow),
        pytest.param([STARTED, window(5, math.inf), window(10, -math.inf)], id="inf", marks=pytest.mark.slow),
        pytest.param([STARTED, window(5), window(10, 1e308), window(15, math.nan), window(20, 0.1)], id="huge"),
        pytest.param(
            [STARTED, window(5, 1e11), window(10, 0.0), epoch(1, math.nan)], id="spread", marks=pytest.mark.slow
        ),
        pytest.param([STARTED, window(5), window(10), epoch(1, 0.5)], id="epoch", marks=pytest.mark.slow),
        pytest.param([epoch(1, 0.5)], id="only epoch", marks=pytest.mark.slow),
        pytest.param([RunStarted("v9", 0, 0, 0, 0, 0), window(5), window(10)], id="unknown", marks=pytest.mark.slow),
    ],
)
def test_whatever_the_curve_holds_it_is_drawn(tmp_path: Path, log: list[Event]) -> None:
    figure = loss_figure(snapshot(tmp_path, log), "odd")
    assert to_png(figure).startswith(PNG)
    assert ET.fromstring(to_svg(figure)).tag.endswith("svg")  # noqa: S314 - made here


def test_a_loss_that_is_not_finite_leaves_a_gap(tmp_path: Path) -> None:
    log: list[Event] = [STARTED, window(5, 0.5), window(10, math.inf), window(15, 0.3)]
    _, losses = line(loss_figure(snapshot(tmp_path, log), "gap"), 0, "training, each log interval")
    assert losses[0] == 0.5
    assert math.isnan(losses[1])
    assert losses[2] == 0.3


def test_a_high_start_does_not_press_the_curve_flat_and_is_reported(tmp_path: Path) -> None:
    log: list[Event] = [STARTED, *(window(5 * number, 50.0 if number <= 2 else 0.5) for number in range(1, 201))]
    losses = loss_figure(snapshot(tmp_path, log), "start").axes[0]
    assert losses.get_ylim()[1] < 1
    assert "2 intervals at the start lie above the axis" in [text.get_text() for text in losses.texts]


def test_a_spike_later_on_stays_in_sight(tmp_path: Path) -> None:
    log: list[Event] = [STARTED, *(window(5 * number, 50.0 if number == 200 else 0.5) for number in range(1, 201))]
    losses = loss_figure(snapshot(tmp_path, log), "spike").axes[0]
    assert losses.get_ylim()[1] > 50
    assert not losses.texts


def test_the_svg_is_the_same_bytes_each_time_under_any_settings(tmp_path: Path) -> None:
    found = snapshot(tmp_path, training("v0", [0.8, 0.9]))
    once = to_svg(loss_figure(found, "run"))
    with rc_context({"text.usetex": True, "svg.hashsalt": "other", "axes.facecolor": "red"}):
        again = to_svg(loss_figure(found, "run"))
    assert once == again
    assert b"date" not in once


@pytest.mark.parametrize(
    "title",
    [
        "\x1b[31m\x00 写真 $x_1$",
        *(pytest.param(title, marks=pytest.mark.slow) for title in (r"$\frac{$ \$5 & <b> a -- b", "\n")),
    ],
)
def test_titles_are_drawn_character_by_character(tmp_path: Path, title: str) -> None:
    figure = loss_figure(snapshot(tmp_path, []), title)
    assert to_png(figure).startswith(PNG)
    ET.fromstring(to_svg(figure))  # noqa: S314 - made here


def test_a_slow_machine_is_not_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count(step=10)
    monkeypatch.setattr(legend, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    figure = loss_figure(snapshot(tmp_path, training("v0", [0.8, 0.9])), "run")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_png(figure)


def test_characters_that_the_font_lacks_become_question_marks() -> None:
    assert drawable("é写\x1b$\n.") == "é??$\n."
