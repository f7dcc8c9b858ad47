from __future__ import annotations

from dataclasses import asdict

import pytest

from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.recipes import RECIPES, configure, hyperparameters

VERSIONS = ("v0", "v1", "v2", "v3")


@pytest.mark.parametrize("recipe", RECIPES)
def test_v1_v2_and_v3_share_one_recipe_so_that_only_the_architecture_differs(recipe: str) -> None:
    assert hyperparameters("v1", recipe) == hyperparameters("v2", recipe) == hyperparameters("v3", recipe)
    assert hyperparameters("v0", recipe) != hyperparameters("v1", recipe)


def test_v0s_origin_recipe_is_the_origins() -> None:
    settings = hyperparameters("v0", "origin")
    assert (settings.batch_size, settings.learning_rate, settings.epochs) == (1, 1e-4, 15)
    assert (settings.schedule, settings.optimizer, settings.momentum) == ("constant", "sgd", 0.0)
    assert (settings.target_margin, settings.init, settings.augment) == (0.01, "fan_out", "none")


def test_the_cnns_origin_recipe_is_the_origins() -> None:
    settings = hyperparameters("v3", "origin")
    assert (settings.batch_size, settings.learning_rate, settings.epochs) == (64, 3e-4, 10)
    assert (settings.schedule, settings.optimizer, settings.augment) == ("constant", "adamw", "none")
    assert settings.weight_decay == 0.01  # PyTorch's default, which the origin left


@pytest.mark.parametrize("version", VERSIONS)
def test_the_origins_pixels_run_from_a_hundredth_to_one(version: str) -> None:
    settings = hyperparameters(version, "origin")
    assert settings.input_offset == pytest.approx(0.01)
    assert 255 * settings.input_scale + settings.input_offset == pytest.approx(1.0)


@pytest.mark.parametrize("version", VERSIONS)
def test_tuned_pixels_have_mean_0_and_deviation_1(version: str) -> None:
    settings = hyperparameters(version, "tuned")
    mean, deviation = 0.28604 * 255, 0.35302 * 255  # of Fashion-MNIST's training pixels
    assert mean * settings.input_scale + settings.input_offset == pytest.approx(0.0, abs=1e-9)
    assert deviation * settings.input_scale == pytest.approx(1.0)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tuned_recipe_ends_with_a_learning_rate_of_about_zero(version: str) -> None:
    assert hyperparameters(version, "tuned").schedule in {"cosine", "one_cycle"}


def test_an_unknown_recipe_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="recipe 'best' is none of tuned, origin"):
        hyperparameters("v1", "best")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_as_it_stands_is_not_modified(version: str, recipe: str) -> None:
    config = configure(version, recipe, {"epochs": None, "batch_size": None})
    assert not config.modified
    assert config.hyperparameters == hyperparameters(version, recipe)
    assert (config.version, config.recipe) == (version, recipe)


def test_naming_the_recipes_own_value_modifies_nothing() -> None:
    assert not configure("v1", "origin", {"epochs": 10, "learning_rate": 3e-4}).modified


@pytest.mark.parametrize("change", [{"epochs": 3}, {"batch_size": 7}, {"learning_rate": 0.02}, {"augment": "none"}])
def test_a_change_marks_the_recipe_as_modified_and_changes_nothing_else(change: dict[str, object]) -> None:
    config = configure("v1", "tuned", change)
    assert config.modified
    assert asdict(config.hyperparameters) == asdict(hyperparameters("v1", "tuned")) | change


def test_seed_limit_device_and_threads_do_not_modify_a_recipe() -> None:
    config = configure("v2", "tuned", {}, seed=7, limit=500, score_test=False, device="cuda:1", threads=3)
    assert (config.seed, config.limit, config.score_test, config.device, config.threads) == (7, 500, False, "cuda:1", 3)
    assert not config.modified


def test_a_change_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="epochs 0 is not between 1 and 10000"):
        configure("v1", "tuned", {"epochs": 0})
