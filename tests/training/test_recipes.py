from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from fmnist_tui.data.dataset import PixelStatistics
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.recipes import (
    RECIPES,
    configure,
    hyperparameters,
    left_to_data,
    settle,
    settle_for_fashion_mnist,
)
from fmnist_tui.training.task import settled

from .samples import dataset

VERSIONS = ("v0", "v1", "v2", "v3")


@pytest.mark.parametrize("recipe", RECIPES)
def test_v1_v2_and_v3_share_one_recipe_so_that_only_the_architecture_differs(recipe: str) -> None:
    assert hyperparameters("v1", recipe) == hyperparameters("v2", recipe) == hyperparameters("v3", recipe)
    assert hyperparameters("v0", recipe) != hyperparameters("v1", recipe)


def test_v0s_origin_recipe_is_the_origins() -> None:
    settings = hyperparameters("v0", "origin")
    assert (settings.batch_size, settings.learning_rate, settings.epochs) == (1, 1e-4, 15)
    assert (settings.schedule, settings.optimizer, settings.momentum) == ("constant", "sgd", 0.0)
    assert (settings.target_margin, settings.init, settings.augments) == (0.01, "fan_out", False)


def test_the_cnns_origin_recipe_is_the_origins() -> None:
    settings = hyperparameters("v3", "origin")
    assert (settings.batch_size, settings.learning_rate, settings.epochs) == (64, 3e-4, 10)
    assert (settings.schedule, settings.optimizer, settings.augments) == ("constant", "adamw", False)
    assert settings.weight_decay == 0.01  # PyTorch's default, which the origin left


@pytest.mark.parametrize("version", VERSIONS)
def test_the_origins_pixels_run_from_a_hundredth_to_one(version: str) -> None:
    scale, offset = hyperparameters(version, "origin").pixel_scaling
    assert offset == pytest.approx(0.01)
    assert 255 * scale + offset == pytest.approx(1.0)


@pytest.mark.parametrize("version", VERSIONS)
def test_tuned_pixels_have_mean_0_and_deviation_1(version: str) -> None:
    settings = settle(hyperparameters(version, "tuned"), PixelStatistics(0.1, 0.2), flips=False)
    scale, offset = settings.pixel_scaling
    assert 0.1 * 255 * scale + offset == pytest.approx(0.0, abs=1e-9)
    assert 0.2 * 255 * scale == pytest.approx(1.0)


@pytest.mark.parametrize("version", VERSIONS)
def test_fashion_mnist_settles_the_tuned_recipe_to_the_numbers_of_0_1_0(version: str) -> None:
    settings = settle_for_fashion_mnist(hyperparameters(version, "tuned"))
    assert settings.pixel_scaling == (0.011108630183703417, -0.8102657073253641)
    assert (settings.flip, settings.shift) == (("off", 0) if version == "v0" else ("on", 1))
    assert left_to_data(settings) == frozenset()


def test_images_that_are_all_alike_become_zero() -> None:
    for mean in (0.0, 0.4, 1.0):
        scale, offset = settle(hyperparameters("v0", "tuned"), PixelStatistics(mean, 0.0), flips=False).pixel_scaling
        assert 255 * mean * scale + offset == pytest.approx(0.0, abs=1e-12)


def test_what_is_settled_stays_as_it_is() -> None:
    for recipe in RECIPES:
        once = settle_for_fashion_mnist(hyperparameters("v1", recipe))
        assert settle(once, PixelStatistics(0.1, 0.2), flips=False) == once


def test_an_input_scale_that_is_not_settled_can_not_be_used() -> None:
    with pytest.raises(ConfigError, match="not loaded yet"):
        _ = hyperparameters("v1", "tuned").pixel_scaling


@pytest.mark.parametrize(
    ("version", "recipe", "flip", "garments", "other"),
    [
        ("v1", "tuned", "auto", (("on", 1), False), (("off", 1), False)),
        ("v1", "tuned", "on", (("on", 1), False), (("on", 1), True)),
        ("v1", "tuned", "off", (("off", 1), True), (("off", 1), False)),
        ("v1", "origin", "auto", (("off", 0), False), (("off", 0), False)),
        ("v1", "origin", "on", (("on", 0), True), (("on", 0), True)),
        ("v0", "tuned", "off", (("off", 0), False), (("off", 0), False)),
        ("v0", "tuned", "on", (("on", 0), True), (("on", 0), True)),
    ],
)
def test_flips_are_the_data_sets_unless_somebody_says_otherwise(
    version: str, recipe: str, flip: str, garments: tuple[object, bool], other: tuple[object, bool]
) -> None:
    for flips, expected in ((True, garments), (False, other)):
        config = settled(configure(version, recipe, {}, flip=flip), replace(dataset(), flips=flips))
        assert ((config.hyperparameters.flip, config.hyperparameters.shift), config.modified) == expected


def test_a_change_stays_one_whatever_the_data() -> None:
    assert settled(configure("v1", "tuned", {"epochs": 3}, flip="on"), replace(dataset(), flips=True)).modified


def test_an_unknown_flip_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"invalid flip 'maybe' \(choose from auto, on, off\)"):
        configure("v1", "tuned", {}, flip="maybe")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tuned_recipe_ends_with_a_learning_rate_of_about_zero(version: str) -> None:
    assert hyperparameters(version, "tuned").schedule in {"cosine", "one_cycle"}


def test_an_unknown_recipe_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"invalid recipe 'best' \(choose from tuned, origin\)"):
        hyperparameters("v1", "best")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_an_unchanged_recipe_is_not_modified(version: str, recipe: str) -> None:
    config = configure(version, recipe, {"epochs": None, "batch_size": None})
    assert not config.modified
    assert config.hyperparameters == hyperparameters(version, recipe)
    assert (config.version, config.recipe) == (version, recipe)


def test_naming_the_recipes_own_value_modifies_nothing() -> None:
    assert not configure("v1", "origin", {"epochs": 10, "learning_rate": 3e-4}).modified


@pytest.mark.parametrize("change", [{"epochs": 3}, {"batch_size": 7}, {"learning_rate": 0.02}, {"shift": 0}])
def test_a_change_marks_the_recipe_as_modified_and_changes_nothing_else(change: dict[str, object]) -> None:
    config = configure("v1", "tuned", change)
    assert config.modified
    assert asdict(config.hyperparameters) == asdict(hyperparameters("v1", "tuned")) | change


def test_seed_limit_device_and_threads_do_not_modify_a_recipe() -> None:
    config = configure("v2", "tuned", {}, seed=7, limit=500, score_test=False, device="cuda:1", threads=3)
    assert (config.seed, config.limit, config.score_test, config.device, config.threads) == (7, 500, False, "cuda:1", 3)
    assert not config.modified


def test_a_change_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"invalid epochs 0 \(must be between 1 and 10,000\)"):
        configure("v1", "tuned", {"epochs": 0})
