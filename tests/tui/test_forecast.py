"""The forecast in the form: time and memory of a training run before it starts."""

from __future__ import annotations

import pytest
from rich.console import Console

from fmnist_tui.models import registry
from fmnist_tui.models.registry import get_model, register_model
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.training.recipes import configure
from fmnist_tui.tui.models.forecast import Known, exclusion, forecast
from fmnist_tui.tui.models.model_page import model_page

KNOWN = Known(peak=1e9, devices=(("cpu", "2 CPUs"), ("cuda:0", "a GPU")))


def test_without_a_run_here_the_time_is_rough_and_names_the_device() -> None:
    # 30 epochs of 54,000 images, 266,200 MACs forward, at 0.4e9 MACs per second
    assert forecast([configure("v0", "tuned", {})], KNOWN, 60_000) == (
        "≈ 55 min 54 s (rough, not yet timed here) on cpu (2 CPUs)"
    )


def test_several_trainings_add_up_and_a_limit_shortens_them() -> None:
    configs = [configure("v0", "tuned", {"epochs": 1}, seed=seed, limit=6000) for seed in (0, 1)]
    assert forecast(configs, KNOWN, None).startswith("≈ 22.4 s (rough")


def test_nothing_is_estimated_for_a_gpu_that_no_run_has_used() -> None:
    configs = [configure("v3", "tuned", {}, device="cuda")]
    assert forecast(configs, KNOWN, None) == "On cuda:0 (a GPU); duration unknown until a run has finished there"


def test_no_forecast_before_the_machine_is_timed() -> None:
    assert forecast([configure("v0", "tuned", {})], Known(), None) == ""
    assert forecast([], KNOWN, None) == ""


def test_reasons_for_exclusion_are_listed() -> None:
    as_it_is, changed = configure("v1", "tuned", {}), configure("v1", "tuned", {"batch_size": 32}, limit=600)
    assert exclusion([as_it_is]) == ""
    assert exclusion([as_it_is, changed]) == "Excluded from results (changed: batch size 32, limit 600)"


def test_a_model_without_reported_figures_or_a_story_has_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    register_model(ModelSpec("mine", "A model of mine", get_model("v1").build))
    console = Console(width=80)
    with console.capture() as captured:
        console.print(model_page(get_model("mine"), 80, [], None))
    page = captured.get()
    assert page.startswith("mine A model of mine (PyTorch)")
    assert "120,970 parameters" in page
    for row in ("Changed", "Why it helps", "Reported", "Reached", "original project"):
        assert row not in page
