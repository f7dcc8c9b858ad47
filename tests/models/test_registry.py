from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from math import prod
from typing import Any

import pytest
from builtin_names import LISTED

from fmnist_tui.models import registry
from fmnist_tui.models.dense import parameter_shapes
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import BUILT_IN, UnknownModelError, all_models, find_model, get_model, register_model
from fmnist_tui.models.spec import ModelSpec, Reported
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.recipes import configure


@pytest.fixture
def copied_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(registry, "_models", dict(registry._models))


def spec(name: str, **settings: Any) -> ModelSpec:
    return ModelSpec(name, "A model", get_model("v1").build, **settings)


def test_the_built_in_models_are_in_order() -> None:
    assert BUILT_IN[:5] == ("v0", "v1", "v2", "v3", "v4")
    assert [get_model(name) for name in BUILT_IN] == list(all_models())


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match=rf"^unknown model 'v9' \(choose from {LISTED}\)$"):
        get_model("v9")
    assert find_model("v9") is None


@pytest.mark.usefixtures("copied_registry")
def test_a_registered_model_can_be_configured_like_a_built_in_one() -> None:
    register_model(spec("mine"))
    assert [model.name for model in all_models()] == [*BUILT_IN, "mine"]
    assert configure("mine", "tuned", {}).hyperparameters == configure("v1", "tuned", {}).hyperparameters
    with pytest.raises(UnknownModelError, match=f"{BUILT_IN[-1]}, mine"):
        get_model("yours")


@pytest.mark.usefixtures("copied_registry")
def test_a_model_may_bring_its_own_recipes() -> None:
    own = replace(configure("v1", "tuned", {}).hyperparameters, epochs=3)
    register_model(spec("mine", recipes={"tuned": own}))
    assert configure("mine", "tuned", {}).hyperparameters.epochs == 3
    with pytest.raises(ConfigError, match=r"invalid recipe 'origin' \(choose from tuned\)"):
        configure("mine", "origin", {})


@pytest.mark.parametrize("name", ["", "all", "V1", "my-net", "1st", "a b", "../x"])
@pytest.mark.usefixtures("copied_registry")
def test_a_name_that_commands_or_run_ids_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="invalid model name"):
        register_model(spec(name))


def test_a_name_that_is_taken_and_a_model_without_a_default_recipe_are_refused() -> None:
    with pytest.raises(ValueError, match="already a model 'v1'"):
        register_model(spec("v1"))
    with pytest.raises(ValueError, match="no recipe 'tuned'"):
        register_model(spec("mine", recipes={}))
    assert find_model("mine") is None


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("v0", 266_610, 784 * 300 + 300 * 100 + 100 * 10),
        ("v1", 120_970, 11_068_416 + 4608 * 10),
        ("v2", 5_858_442, 11_068_416 + 4608 * 1024 + 1024 * 1024 + 1024 * 10),
        ("v3", 5_858_442, 11_068_416 + 4608 * 1024 + 1024 * 1024 + 1024 * 10),
    ],
)
def test_parameters_and_macs_are_summed_over_the_layers(name: str, parameters: int, macs: int) -> None:
    # both convolutions: 64 x 28 x 28 values of 9 products, 128 x 12 x 12 values of 64 x 9
    assert 64 * 28 * 28 * 9 + 128 * 12 * 12 * 64 * 9 == 11_068_416
    table = layer_table(get_model(name))
    assert (table.parameters, table.macs) == (parameters, macs)


def test_v0s_table_names_its_tensors_and_what_is_between() -> None:
    layers = layer_table(get_model("v0")).layers
    assert [(layer.name, layer.kind, layer.output_shape) for layer in layers] == [
        ("layers.0", "Linear", (300,)),
        ("relu0", "ReLU", (300,)),
        ("layers.1", "Linear", (100,)),
        ("relu1", "ReLU", (100,)),
        ("layers.2", "Linear", (10,)),
        ("sigmoid", "Sigmoid", (10,)),
    ]
    for layer in layers[::2]:
        shapes = [shape for name, shape in parameter_shapes((784, 300, 100, 10)).items() if name.startswith(layer.name)]
        assert layer.parameters == sum(prod(shape) for shape in shapes)


def test_the_original_projects_figures_are_as_it_reported_them() -> None:
    assert [one.reported for one in all_models()[:5]] == [
        Reported(0.8748, 0.2177),
        Reported(0.9173, 0.2783),
        Reported(0.9254, 0.2860),
        Reported(0.9319, 0.2689),
        None,  # v4 is ours
    ]


def test_each_built_in_model_has_its_whole_story() -> None:
    for one in all_models():
        assert all([one.title, one.what_changed, one.story, one.loss])
        assert bool(one.why_it_helps) == (one.name != "v0"), "the first one helps nothing before it"
        assert one.framework == ("NumPy" if one.name == "v0" else "PyTorch")


def test_the_registry_needs_neither_torch_nor_a_screen() -> None:
    """The app's first paint must not wait for an import of a second."""
    imports = "import sys, fmnist_tui.models.registry, fmnist_tui.models.layers"
    code = f"{imports}; print({{'torch', 'scipy', 'textual', 'rich'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"
