from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.models.registry import get_model
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.recipe_files import read_recipe_file, recipe_toml
from fmnist_tui.training.recipes import RECIPES, configure, hyperparameters


def written(folder: Path, text: str) -> Path:
    path = folder / "my.toml"
    path.write_text(text)
    return path


def configured(folder: Path, text: str, model: str = "v3", **settings: Any) -> TrainingConfig:
    return configure(model, "tuned", {}, recipe_file=read_recipe_file(written(folder, text)), **settings)


@pytest.mark.parametrize("version", ["v0", "v1", "v3"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_shown_recipe_reads_back_as_the_unmodified_recipe(version: str, recipe: str, tmp_path: Path) -> None:
    text = recipe_toml(get_model(version), recipe, hyperparameters(version, recipe))
    assert all(len(line) <= 120 for line in text.splitlines())
    config = configured(tmp_path, text, version)
    assert (config.recipe, config.modified, config.model_options) == (recipe, False, {})
    assert config.hyperparameters == hyperparameters(version, recipe)
    assert config.recipe_file == {"name": "my.toml", "text": text}


def test_changes_in_a_file_modify_the_recipe_that_it_names(tmp_path: Path) -> None:
    config = configured(tmp_path, 'recipe = "origin"\nepochs = 3\n[model]\ndropout = 0.3\nblocks = 2\n')
    assert (config.recipe, config.modified, config.model_options) == ("origin", True, {"dropout": 0.3})
    assert (config.hyperparameters.epochs, config.hyperparameters.batch_size) == (3, 64)


def test_what_is_set_beside_a_file_replaces_its_values(tmp_path: Path) -> None:
    config = configured(tmp_path, "epochs = 3\nwarm_up = 0.1\n", given={"epochs": "5", "warm_up": "auto"})
    assert (config.hyperparameters.epochs, config.hyperparameters.warm_up) == (5, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = 3\nepochs == 4", "my.toml is not valid TOML: .*line 2"),
        ("epoch = 3", "^my.toml: unknown setting 'epoch'; did you mean 'epochs'"),
        ("epochs = '3x'", "^my.toml: invalid epochs '3x'"),
        ("epochs = 2.5", "^my.toml: invalid epochs 2.5"),
        ("epochs = 1979-05-27", "^my.toml: invalid epochs"),
        ("[training]\nepochs = 3", "training is a table; settings are plain names and values"),
        ("[model.dropout]\np = 3", "^my.toml: invalid model.dropout"),
        ("recipe = 5", "recipe must be the name of a recipe, in quotes"),
        ("recipe = 'best'", r"invalid recipe 'best' \(choose from tuned, origin\)"),
        ("seed = 3", "^my.toml: 'seed' is not a hyper-parameter: use --seed"),
        ("target_margin = 0.1", r"^my.toml: v3 \(PyTorch\) has no setting 'target_margin'"),
        ("a" * 70_000, "is larger than 64 KB"),
    ],
)
def test_a_fault_in_a_file_is_one_line_that_names_the_line_or_key(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        configured(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(b'\xef\xbb\xbfrecipe = "origin"\r\nepochs = 3\r\n')
    found = read_recipe_file(tmp_path / "my.toml")
    assert (found.recipe, dict(found.settings)) == ("origin", {"epochs": 3})


def test_a_file_that_is_missing_or_no_text_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't read recipe .*none\.toml"):
        read_recipe_file(tmp_path / "none.toml")
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        read_recipe_file(tmp_path / "my.toml")


@pytest.mark.parametrize(
    ("digits", "message"), [(400, "invalid learning rate inf"), (5000, "my.toml is not valid TOML: ")]
)
def test_a_number_of_very_many_digits_is_an_error_of_one_line(digits: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(tmp_path, f"learning_rate = {digits * '9'}\n")


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("v1", {"momentum": "0.9"}, "momentum is a setting of sgd, but the optimizer is adamw"),
        ("v1", {"muon_momentum": "0.9"}, "muon_momentum is a setting of muon, but the optimizer is adamw"),
        ("v1", {"optimizer": "sgd", "nesterov": "on"}, "nesterov needs a momentum above 0"),
        ("v0", {"precision": "bf16"}, "v0 (NumPy) has no setting 'precision'"),
        ("v0", {"optimizer": "adamw"}, "invalid optimizer 'adamw' (choose from sgd)"),
        ("v0", {"init": "torch"}, "invalid init 'torch' (choose from he, fan_out)"),
        ("v1", {"model.hidden": "30"}, "unknown setting 'model.hidden'; did you mean 'model.hidden_units'?"),
    ],
)
def test_a_setting_that_would_change_nothing_is_refused(model: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        configure(model, "tuned", {}, given=given)


def test_settings_of_the_model_modify_the_recipe_unless_they_are_its_own() -> None:
    assert not configure("v3", "tuned", {}, given={"model.dropout": "0.1"}).modified
    config = configure("v0", "tuned", {}, given={"model.hidden": "30,10"})
    assert (config.modified, config.model_options) == (True, {"hidden": (30, 10)})
    assert TrainingConfig.from_json({**config.to_json(), "model_options": {"hidden": [30, 10]}}) == config
    with pytest.raises(ConfigError, match="unknown setting 'depth'"):
        TrainingConfig.from_json({**config.to_json(), "model_options": {"depth": 3}})
