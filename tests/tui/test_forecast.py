"""What the Models screen knows before a training starts: duration, exclusion, accuracies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.reference import references
from fmnist_tui.data import Dataset
from fmnist_tui.data.dataset import ImageSet
from fmnist_tui.models import registry
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import BUILT_IN, all_models, get_model, register_model
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ModelSpec
from fmnist_tui.text import TIMES
from fmnist_tui.training.recipes import configure
from fmnist_tui.tui.models.forecast import Forecast, Known, exclusion, forecast, is_long, measure_networks
from fmnist_tui.tui.models.model_list import cost_bars, model_line
from fmnist_tui.tui.models.model_tables import facts_table, page_heading, page_title
from fmnist_tui.tui.themes import THEMES

DARK = THEMES[0]
UNTIMED = Known().of_images(FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES)
KNOWN = replace(UNTIMED, peak=1e9, devices=(("cpu", "2 CPUs"), ("cuda:0", "a GPU")))


def test_without_a_run_here_the_time_is_rough_and_names_the_device() -> None:
    # 30 epochs of 54,000 images, 266,200 MACs forward, at 0.6e9 MACs per second
    expected = forecast([configure("v0", "tuned", {})], KNOWN, 60_000)
    assert expected is not None
    assert (expected.rounded, expected.note) == ("32 min", "On cpu (2 CPUs); rough, not yet timed here")


def test_a_measured_time_is_not_called_rough() -> None:
    assert Forecast(898.0, measured=True, where="cpu").note == "On cpu"
    assert Forecast(898.0, measured=True, where="cpu").rounded == "15 min"


def test_several_trainings_add_up_and_a_limit_shortens_them() -> None:
    configs = [configure("v0", "tuned", {"epochs": 1}, seed=seed, limit=6000) for seed in (0, 1)]
    expected = forecast(configs, KNOWN, None)
    assert expected is not None
    assert expected.seconds == pytest.approx(12.8, abs=0.1)


def test_nothing_is_estimated_for_a_gpu_that_no_run_has_used() -> None:
    expected = forecast([configure("v3", "tuned", {}, device="cuda")], KNOWN, None)
    assert expected is not None
    assert (expected.rounded, expected.note) == (
        "",
        "On cuda:0 (a GPU); duration unknown until a run has finished there",
    )


def test_no_forecast_before_the_machine_is_timed() -> None:
    assert forecast([configure("v0", "tuned", {})], UNTIMED, None) is None
    assert forecast([], KNOWN, None) is None


def test_over_ten_minutes_is_long_also_before_the_machine_is_timed() -> None:
    short, long = configure("v0", "tuned", {}, limit=1000), configure("v2", "tuned", {}, device="cpu")
    for known in (UNTIMED, KNOWN):
        assert not is_long([short], known, None)
        assert is_long([long], known, None)
    assert not is_long([long], replace(KNOWN, peak=1e12), None)
    assert is_long([long], replace(UNTIMED, tables={}), None), "not measured yet"


def test_reasons_for_exclusion_are_listed() -> None:
    as_it_is, changed = configure("v1", "tuned", {}), configure("v1", "tuned", {"batch_size": 32}, limit=600)
    assert exclusion([as_it_is]) == ""
    assert exclusion([as_it_is, changed]) == "Excluded from results (changed: batch size 32, limit 600)"


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A registered model with neither story nor reported figures."""
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    register_model(ModelSpec("mine", "A model of mine", get_model("v1").build))
    return get_model("mine")


@pytest.mark.parametrize(
    ("width", "heading"),
    [
        (60, "● v0 Dense network by hand · NumPy · 267k parameters"),
        (46, "● v0 Dense network by hand · 267k parameters"),
        (31, "● v0 Dense network by hand"),
    ],
)
def test_a_heading_has_what_fits(width: int, heading: str) -> None:
    assert page_heading(get_model("v0"), UNTIMED.tables["v0"], DARK, width).plain == heading


def test_a_model_without_reported_figures_or_a_story_has_a_page(mine: ModelSpec) -> None:
    known = replace(UNTIMED, tables={**UNTIMED.tables, "mine": layer_table(mine)})
    console = Console(width=80)
    with console.capture() as captured:
        console.print(page_title(mine, known.tables["mine"], DARK, short=False), facts_table(mine, known))
    page = captured.get().replace(TIMES, "x")
    assert "mine A model of mine · PyTorch · 120,970 parameters" in page
    assert "11.1M MACs per image (42x v0)" in page
    for row in ("Changed", "Why", "Reported", "Reached", "original project"):
        assert row not in page


def test_networks_are_measured_for_the_images_of_the_data_set_and_a_fault_is_shown(mine: ModelSpec) -> None:
    news: dict[str, dict[str, object]] = {}
    measure_networks(Known().of_images((1, 32, 32), 7), lambda **found: news.update(found))
    assert set(news["tables"]) == {*BUILT_IN, "mine"}
    measure_networks(Known().of_images((1, 1, 1), 7), lambda **found: news.update(found))
    assert str(news["faults"]["mine"]).startswith("The layers can't be measured: ValueError: images of 1x1 pixels")


@pytest.mark.parametrize(("width", "expected"), [(24, "■ v1 Conv"), (30, "■ v1 Convolutions"), (40, "121k ref 92.65%")])
def test_a_line_of_the_list_fits_its_width(width: int, expected: str) -> None:
    for model in all_models():
        line = model_line(model, KNOWN, "tuned", DARK, width, marked=True)
        assert line.cell_len <= width
        assert line.plain.startswith("+")
        assert ("ref 9" in line.plain) == (model.name in references("tuned"))
    assert expected in model_line(get_model("v1"), KNOWN, "tuned", DARK, width, marked=False).plain


def test_no_figure_of_fashion_mnist_is_shown_for_other_data() -> None:
    labels = np.arange(40, dtype=np.uint8) % 4
    images = ImageSet.of(np.zeros((40, 3, 8, 8), np.uint8), labels)
    digits = Dataset("digits", tuple("0123"), images, images, "")
    known = KNOWN.of_data(digits)
    known = replace(known, comparisons=(compare([]),))
    assert (known.image_shape, known.classes, known.other_data) == ((3, 8, 8), 4, digits.fingerprints)
    line = model_line(get_model("v0"), known, "tuned", DARK, 40, marked=False).plain
    console = Console(width=80)
    with console.capture() as captured:
        console.print(facts_table(get_model("v0"), known))
    assert "tuned: no run yet" in captured.get()
    for shown in (line, captured.get()):
        assert "ref" not in shown
        assert "Reported" not in shown
    assert KNOWN.of_data(replace(digits, name="demo")).other_data is None, "it stands for Fashion-MNIST"


def test_costs_are_to_scale() -> None:
    def length(name: str) -> int:
        return next(line for line in bars if line.startswith(name)).split()[1].count("▄")

    bars = cost_bars(all_models(), KNOWN, DARK, 60).plain.splitlines()
    assert max(map(len, bars)) <= 60
    assert length("v2") > 15 * length("v0") > 0
