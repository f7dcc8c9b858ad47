from __future__ import annotations

import json
import math
from typing import Any

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import DataInfo, Manifest, Result, lenient, read_manifest, read_result, requested_folder

ODD_VALUES: list[Any] = [True, "x\x1b[31m\ud800", 1e308, 10**400, math.inf, math.nan, [1], {"x": 1}]


@pytest.mark.parametrize("value", [*ODD_VALUES, None], ids=repr)
@pytest.mark.parametrize("kind", [Result, DataInfo])
def test_a_value_of_another_type_is_replaced_by_its_default(kind: type[Result] | type[DataInfo], value: Any) -> None:
    for name in kind.__struct_fields__:
        found = getattr(lenient({name: value, "unknown": value}, kind), name)
        assert found in (getattr(kind(), name), value) or found == "x [31m "


@pytest.mark.parametrize("record", [None, 3, "text", [], {}])
def test_what_is_no_object_counts_as_empty(record: object) -> None:
    assert lenient(record, DataInfo) == DataInfo()


def test_text_is_one_printable_line_of_bounded_length_and_a_path_stays_as_it_is() -> None:
    found = lenient({"name": "a\nb" * 1000, "folder": "/a\nb"}, DataInfo)
    assert found == DataInfo(name=("a b" * 1000)[:200], folder="/a\nb")


def test_before_run_json_the_manifest_is_the_request(run: RunDirectory) -> None:
    run.request.write_text('{"version": "v1", "seed": 3, "device": "auto", "data": "/data"}')
    manifest = read_manifest(run)
    assert (manifest.version, manifest.seed, manifest.device, manifest.data.folder) == ("v1", 3, "auto", "/data")
    assert not manifest.is_settled
    run.run_json.write_text('{"version": "v1", "seed": 3, "device": "cpu", "data": {"folder": null, "name": "demo"}}')
    manifest = read_manifest(run)
    assert (manifest.device, manifest.data.folder, manifest.data.name, manifest.is_settled) == (
        "cpu",
        None,
        "demo",
        True,
    )


@pytest.mark.parametrize("depth", [200, 900, 100_000])
def test_a_deeply_nested_file_counts_as_damaged(run: RunDirectory, depth: int) -> None:
    run.run_json.write_text(f'{{"version": "v1", "x": {"[" * depth}{"]" * depth}}}')
    run.result.write_text(f'{{"reason": "completed", "x": {"[" * depth}{"]" * depth}}}')
    assert read_manifest(run) == Manifest(version="v0")
    assert read_result(run) is None


def test_without_any_file_the_manifest_has_the_version_of_the_id(run: RunDirectory) -> None:
    assert read_manifest(run) == Manifest(version="v0")


def test_a_run_of_0_1_0_has_defaults_for_what_came_later(run: RunDirectory) -> None:
    run.run_json.write_text('{"version": "v3", "hyperparameters": {"epochs": 5}}')
    manifest = read_manifest(run)
    assert (manifest.epochs, manifest.subset, manifest.cpus, manifest.device_id) == (5, "first", 0, "")
    assert manifest.settings["label_smoothing"] == 0.0


def test_a_hyper_parameter_is_a_number_or_none() -> None:
    odd = {str(number): value for number, value in enumerate([*ODD_VALUES, -math.inf, "0.1"])}
    manifest = Manifest(hyperparameters={"label_smoothing": 0.1, "epochs": 3, **odd})
    assert (manifest.number("label_smoothing"), manifest.number("epochs")) == (0.1, 3.0)
    assert {manifest.number(name) for name in [*odd, "missing"]} == {None}


@pytest.mark.parametrize(
    ("moved", "folder"), [(None, "/a"), ({"folder": "/b"}, "/b"), ({"folder": None}, None), ({"folder": 3}, "/a")]
)
def test_where_the_images_are_is_where_they_were_found_last(run: RunDirectory, moved: Any, folder: str | None) -> None:
    run.request.write_text('{"data": "/a"}')
    if moved is not None:
        run.data_json.write_text(json.dumps(moved))
    assert requested_folder(run) == folder


def test_a_damaged_result_is_none(run: RunDirectory) -> None:
    assert read_result(run) is None
    run.result.write_text("{")
    assert read_result(run) is None
    run.result.write_text('{"reason": "completed", "test_accuracy": "high", "exact": 3}')
    result = read_result(run)
    assert result is not None
    assert (result.reason, result.test_accuracy, result.has_scores, result.scores, result.exact) == (
        "completed",
        None,
        True,
        None,
        True,
    )
