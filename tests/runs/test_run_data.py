from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from data.samples import write_idx

from fmnist_tui.data import DataError, Dataset, load, official
from fmnist_tui.errors import RunError
from fmnist_tui.runs import resume as run_data
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import requested_folder
from fmnist_tui.runs.request import read_request, request_run
from fmnist_tui.runs.resume import DataMoved, check_images, load_images

from .trainers import SHORT_V0


@pytest.fixture(autouse=True)
def no_other_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FMNIST_TUI_DATA", raising=False)


@pytest.fixture
def demo() -> Dataset:
    return load("demo", Path("unused"))


@pytest.fixture
def folder(tmp_path: Path, demo: Dataset) -> Path:
    """Where the images are when the run is begun."""
    return write_idx(tmp_path / "images", demo.train, demo.test)


@pytest.fixture
def other(tmp_path: Path, demo: Dataset) -> Path:
    """Other training images."""
    return write_idx(tmp_path / "other", demo.test, demo.test)


@pytest.fixture
def begun(runs: Path, folder: Path, demo: Dataset) -> RunDirectory:
    """A run that was begun on the images in `folder`."""
    run = request_run(runs, SHORT_V0, str(folder))
    train, test = demo.fingerprints
    run.run_json.write_text(json.dumps({"data": {"train_fingerprint": train, "test_fingerprint": test}}))
    return run


def place_of(run: RunDirectory) -> str | None:
    return read_request(run).data


def load_for(run: RunDirectory) -> Dataset:
    return load_images(run, place_of(run))


def advice(run: RunDirectory) -> str:
    return f"; give their folder with: fmnist-tui resume {run.run_id} --data DIR"


def refused(run: RunDirectory, given: str | None = None) -> str:
    """The message about images that aren't there; it is one line, and says what to do."""
    with pytest.raises(DataMoved) as raised:
        check_images(run, given)
    assert str(raised.value).isprintable()
    assert str(raised.value).endswith(advice(run))
    return str(raised.value).removesuffix(advice(run))


def test_nothing_is_read_while_the_folder_is_where_it_was(begun: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_data, "load", None)
    check_images(begun)
    assert not begun.data_json.exists()


def test_a_folder_that_is_gone_is_asked_for(begun: RunDirectory, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "moved")
    assert refused(begun) == f"there is no folder {folder}"
    with pytest.raises(DataMoved, match=f"^there is no folder {folder}; give their folder with"):
        load_for(begun)


def test_images_that_were_moved_are_found_in_the_given_folder(
    begun: RunDirectory, folder: Path, tmp_path: Path, demo: Dataset
) -> None:
    moved = folder.rename(tmp_path / "moved")
    before = begun.request.read_bytes(), begun.run_json.read_bytes()
    check_images(begun, str(moved))
    assert place_of(begun) == str(moved)
    assert (begun.request.read_bytes(), begun.run_json.read_bytes()) == before
    assert load_for(begun).fingerprints == demo.fingerprints
    check_images(begun)


def test_a_given_folder_is_the_only_one_that_is_tried(begun: RunDirectory, folder: Path, other: Path) -> None:
    line = refused(begun, str(other))
    assert line.startswith(f"{other} has other training images than run {begun.run_id} began with (sha256 ")
    assert refused(begun, f"{other}/none") == f"there is no folder {other}/none"
    assert place_of(begun) == str(folder)


def test_both_checksums_are_named(begun: RunDirectory, tmp_path: Path, demo: Dataset) -> None:
    there = write_idx(tmp_path / "test", demo.train, demo.train)
    line = refused(begun, str(there))
    assert "other test images" in line
    assert line.endswith(f"(sha256 {demo.train.fingerprint[:12]}..., not {demo.test.fingerprint[:12]}...)")


def test_images_are_found_in_the_folder_that_the_environment_names(
    begun: RunDirectory, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = folder.rename(tmp_path / "moved")
    monkeypatch.setenv("FMNIST_TUI_DATA", str(moved))
    check_images(begun)
    monkeypatch.delenv("FMNIST_TUI_DATA")
    assert place_of(begun) == str(moved)


def test_a_trainer_finds_and_remembers_them_too(
    begun: RunDirectory, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: Dataset
) -> None:
    moved = folder.rename(tmp_path / "moved")
    monkeypatch.setenv("FMNIST_TUI_DATA", str(moved))
    assert load_for(begun).fingerprints == demo.fingerprints
    assert place_of(begun) == str(moved)


@pytest.mark.parametrize("name", ["other", "nowhere", "~nobody-of-this-name/data"])
def test_the_environment_does_not_break_a_run_whose_folder_is_fine(
    begun: RunDirectory, other: Path, monkeypatch: pytest.MonkeyPatch, demo: Dataset, name: str
) -> None:
    monkeypatch.setenv("FMNIST_TUI_DATA", str(other) if name == "other" else name)
    check_images(begun)
    assert load_for(begun).fingerprints == demo.fingerprints
    assert not begun.data_json.exists()


def test_a_folder_that_holds_other_images_now_is_passed_over(
    begun: RunDirectory, folder: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: Dataset
) -> None:
    moved = folder.rename(tmp_path / "moved")
    shutil.copytree(other, folder)
    monkeypatch.setenv("FMNIST_TUI_DATA", str(moved))
    assert load_for(begun).fingerprints == demo.fingerprints
    assert place_of(begun) == str(moved)


def test_a_folder_that_is_known_to_hold_other_images_is_seen_at_the_command(
    begun: RunDirectory, folder: Path, other: Path
) -> None:
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    with pytest.raises(DataMoved, match="has other training images"):
        load_for(begun)
    assert "has other training images" in refused(begun)


def test_every_place_that_was_tried_is_named(
    begun: RunDirectory, folder: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rename(tmp_path / "moved")
    monkeypatch.setenv("FMNIST_TUI_DATA", str(other))
    line = refused(begun)
    assert line.startswith(f"there is no folder {folder}; {other} has other training images")


def test_fashion_mnist_may_be_in_its_usual_places(
    begun: RunDirectory, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: Dataset
) -> None:
    folder.rename(tmp_path / "moved")
    asked: list[str | None] = []

    def load_usual(place: str | None, cache: Path, *, verify: bool) -> Dataset:
        asked.append(place)
        return demo if place is None else load(place, cache, verify=verify)

    monkeypatch.setattr(run_data, "load", load_usual)
    release = replace(official.FASHION_MNIST, fingerprints=demo.fingerprints)
    monkeypatch.setattr(official, "FASHION_MNIST", release)
    check_images(begun)
    assert asked == []
    assert load_for(begun).fingerprints == demo.fingerprints
    assert asked == [str(folder), None]
    assert json.loads(begun.data_json.read_text()) == {"folder": None}
    assert place_of(begun) is None


def test_a_run_that_never_began_takes_the_folder_that_is_given(runs: Path, folder: Path, other: Path) -> None:
    run = request_run(runs, SHORT_V0, f"{folder}/none")
    assert refused(run) == f"there is no folder {folder}/none"
    with pytest.raises(DataError):
        load_for(run)
    check_images(run, str(other))
    assert place_of(run) == str(other)
    assert len(load_for(run).train) == 500


@pytest.mark.parametrize("content", ["{", "[]", '{"folder": 3}', '{"folder": ""}', "{}"])
def test_a_damaged_record_of_the_place_is_no_folder(begun: RunDirectory, content: str, folder: Path) -> None:
    begun.data_json.write_text(content)
    assert requested_folder(begun, {"data": str(folder)}) == str(folder)


def test_a_place_that_cannot_be_written_down_is_reported(begun: RunDirectory, folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "moved")
    begun.data_json.mkdir()
    with pytest.raises(RunError, match=f"^can't write {begun.data_json} "):
        check_images(begun, str(moved))
