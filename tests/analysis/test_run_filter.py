from __future__ import annotations

from pathlib import Path

import pytest

from fmnist_tui.analysis.run_filter import (
    FilterError,
    Value,
    group_name,
    grouped_by,
    known_fields,
    parse_fields,
    parse_filter,
    values_of,
)
from fmnist_tui.models.hyperparameters import hyperparameter_options
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import Manifest, Result
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status

RUN: dict[str, Value] = {
    "model": "v3",
    "recipe": "tuned",
    "status": ("running", "not responding"),
    "seed": 0,
    "learning_rate": 4e-3,
    "tag": ("night", "wide"),
    "label": "my first run",
    "accuracy": None,
    "validation": 0.9312,
    "flip": "auto",
    "input_scale": None,
    "nesterov": False,
    "model.dropout": 0.3,
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model=v3 recipe=tuned lr>=0.001 status=running seed!=1 tag=night",
        "version=V3",
        "model=v1,v3",
        "seed=0",
        "lr=0.004 lr=4e-3 lr<=0.004 lr<4.1e-3",
        "validation>93% val<0.94",
        "tag!=day tag=wide",
        "accuracy= accuracy=none accuracy!=0.9",
        "label='my first run' label=my* label!=",
        "flip=auto input_scale=auto nesterov=false",
        "model.dropout=0.3 model.width=",
    ],
)
def test_a_run_is_meant_where_all_conditions_hold(text: str) -> None:
    assert parse_filter(text).matches(RUN)


@pytest.mark.parametrize(
    "text",
    [
        "model=v3 recipe=origin",
        "model!=v1,v3",
        "seed!=0",
        "lr>0.004",
        "accuracy>0",
        "accuracy<1",
        "tag!=night",
        "status=paused",
        "tag=",
        "model.width>3",
        "learning_rate=auto",
    ],
)
def test_it_is_not_where_one_of_them_fails_and_no_order_holds_of_a_missing_value(text: str) -> None:
    assert not parse_filter(text).matches(RUN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recpie=tuned", "unknown field 'recpie'; did you mean recipe?"),
        ("weight_deca>0", "unknown field 'weight_deca'; did you mean weight_decay?"),
        ("colour=red", "unknown field 'colour'; fields: model, recipe, status"),
        ("v3", "'v3' is no condition; write FIELD=VALUE without spaces, such as model=v3"),
        ("lr >= 0.001", "'lr' is no condition; write FIELD=VALUE without spaces, such as lr>=0.001"),
        ("status>3", "status is text: use status= or status!="),
        ("lr>=fast", "lr>= needs a number, not 'fast'"),
        ("seed=one", "seed is a number, not 'one'"),
        ("label='open", "a quote is not closed"),
        ("model.=3", "unknown field 'model.'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(FilterError) as error:
        parse_filter(text)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_fields_to_group_by_are_separated_by_commas_or_spaces_and_short_names_are_completed() -> None:
    assert parse_fields("version, lr recipe,recipe") == ("model", "learning_rate", "recipe")
    assert parse_fields("") == ()
    with pytest.raises(FilterError, match="unknown field 'modle'; did you mean model"):
        parse_fields("modle")


def test_groups_stay_in_the_order_of_the_runs_and_a_missing_value_is_a_group_as_well() -> None:
    runs: list[dict[str, Value]] = [{"model": "v1", "lr": 1e-3}, {"model": "v0"}, {"model": "v1", "lr": 0.001}]
    groups = grouped_by(runs, ("model", "lr"), lambda run: run)
    assert groups == {("v1", "0.001"): [runs[0], runs[2]], ("v0", "none"): [runs[1]]}
    assert grouped_by(runs, (), lambda run: run) == {(): runs}
    assert group_name(("model", "learning_rate", "tag"), ("v3", "0.01", "none")) == ("v3", "lr=0.01", "tag=none")


def test_a_runs_values_have_every_field_and_its_models_own_settings(tmp_path: Path) -> None:
    manifest = Manifest(
        version="v3", recipe="tuned", hyperparameters={"learning_rate": 0.01}, model_options={"width": 32}, seed=3
    )
    run = Run(RunDirectory(tmp_path / "v3-20260102-000000-00ff"), Status.FAILED, manifest, Result(reason="diverged"))
    values = values_of(run)
    given = {"epochs", "batch_size", "schedule", "optimizer", "init", "input_scale", "input_offset"}
    assert set(values) >= set(known_fields()) - given, "those without a default are in every manifest"
    assert {option.name for option in hyperparameter_options()} <= set(known_fields())
    assert values["model.width"] == 32
    assert values["model.dropout"] is not None, "the model's own default"
    assert parse_filter("status=failed status=diverged lr=0.01 seed=3 run=v3-2026*").matches(values)
