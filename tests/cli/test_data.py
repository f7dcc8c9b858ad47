from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.data import Dataset, Progress, load, same_images_as_official
from fmnist_tui.data.errors import ProgressCallback
from fmnist_tui.data.official import FASHION_MNIST, content_checksum

from .conftest import Fmnist
from .idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Files, images, labels, sample
from .terminal import terminal

FETCHING = """
import sys
from fmnist_tui import cli
from fmnist_tui.cli import data
from fmnist_tui.data import DataError, Progress

load = data.load

def fetch(folder, cache, progress, **others):
    progress(Progress("fetching train-images", 1_000_000, 2_000_000))
    if folder != "demo":
        raise DataError("the mirror is gone", "try again")
    return load(folder, cache)

data.load = fetch
cli.main()
"""

KEYS = {"name", "source", "is_fashion_mnist", "shape", "classes", "train", "test", "validation_images", "note"}
PART = {"images", "fingerprint", "official_images", "class_counts"}

GOOD = sample()
PACKED = GOOD.pack(TRAIN_IMAGES)
PACKED_NAME = f"{TRAIN_IMAGES}.gz"

BROKEN = {
    "empty folder": (Files({}), [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS]),
    "one file missing": (GOOD.drop(TEST_LABELS), ["lacks", TEST_LABELS]),
    "cut short": (
        GOOD.cut(TRAIN_IMAGES),
        [f"{TRAIN_IMAGES} is truncated", "it contains 47039; download or copy it again"],
    ),
    "ends in its header": (GOOD.put(TEST_IMAGES, images(20)[:9]), [f"{TEST_IMAGES} is truncated", "header"]),
    "too long": (GOOD.put(TEST_IMAGES, images(20) + b"\0"), [f"{TEST_IMAGES} is too long", "fix its header"]),
    "empty file": (GOOD.put(TRAIN_LABELS, b""), [f"{TRAIN_LABELS} is empty"]),
    "another kind of file": (
        GOOD.put(TRAIN_IMAGES, b"<html>not found</html>"),
        [f"{TRAIN_IMAGES} is not an IDX file of images", "it is a web page; download the file itself"],
    ),
    "images in the labels' place": (
        GOOD.put(TRAIN_LABELS, images(60)),
        [f"{TRAIN_LABELS} is not an IDX file of labels", "it contains images; the names of the files may be swapped"],
    ),
    "images of another size": (GOOD.put(TEST_IMAGES, images(20, 32)), [TEST_IMAGES, "32x32", "28x28"]),
    "no images": (GOOD.put(TEST_IMAGES, images(0)), [f"{TEST_IMAGES} contains no images"]),
    "labels of other images": (GOOD.put(TRAIN_LABELS, labels(1, 2)), ["60 images", f"{TRAIN_LABELS} 2 labels"]),
    "a label below zero": (
        GOOD.put(TEST_LABELS, b"\0\0\x09\1" + labels(*range(9), 255, *range(10))[4:]),
        [f"{TEST_IMAGES} has label -1 at image 9", "number the classes from 0"],
    ),
    "a damaged gzip stream": (
        PACKED.cut(PACKED_NAME, 1000),
        [f"{PACKED_NAME} is truncated", "download or copy it again"],
    ),
    "a second gzip stream that is damaged": (
        PACKED.put(PACKED_NAME, PACKED.contents[PACKED_NAME] + b"\x1f\x8b more"),
        [f"{PACKED_NAME} is damaged", "download or copy it again"],
    ),
}


def test_json_has_its_keys_and_the_counts_are_correct(fmnist: Fmnist) -> None:
    printed = fmnist("data", "--json", "--data", "demo").json
    assert printed.keys() == KEYS
    assert printed["train"].keys() == printed["test"].keys() == PART
    assert (printed["name"], printed["is_fashion_mnist"]) == ("demo", False)
    assert printed["classes"][0] == "T-shirt/top"
    assert (printed["train"]["images"], printed["test"]["images"]) == (2000, 500)
    assert (printed["train"]["class_counts"], printed["test"]["class_counts"]) == ([200] * 10, [50] * 10)


def test_the_text_shows_source_and_content_of_the_data(fmnist: Fmnist) -> None:
    outcome = fmnist("data", "--data", "demo")
    fingerprint = fmnist("data", "--json", "--data", "demo").json["train"]["fingerprint"]
    assert (outcome.status, outcome.err) == (0, "")
    printed = {line[:24].strip(): line[24:] for line in outcome.lines[:7]}
    assert printed["name"] == "demo"
    assert printed["source"] == "demo, drawn by this program"
    assert printed["official Fashion-MNIST"] == "no"
    assert (printed["train images"], printed["train sha256"]) == ("2,000", fingerprint)
    assert "9      Ankle boot   200    50" in outcome.lines


@pytest.mark.parametrize("files", [GOOD, PACKED], ids=["plain", "one gzipped"])
def test_a_folder_of_idx_files_is_known_by_its_name_and_its_counts(
    fmnist: Fmnist, tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files.write(tmp_path / "mine")
    printed = fmnist("data", "--json", "--data", folder).json
    assert (printed["name"], printed["source"]) == ('folder "mine"', f"given folder ({folder})")
    assert printed["test"]["class_counts"] == [3, 3, 2, 2, 2, 2, 2, 2, 2, 0]
    monkeypatch.setenv("FMNIST_TUI_DATA", str(folder))
    assert fmnist("data", "--json").json == printed
    assert fmnist("data", "--json", "--data", "demo").json["name"] == "demo"


@pytest.mark.parametrize(
    ("release", "same", "words"),
    [
        (["train", "test"], (True, True), "its images, but in another order"),
        (["train", "train"], (True, False), "its training images, but other test images"),
        (["test", "test"], (False, True), "its test images, but other training images"),
        (["test", "train"], (False, False), "no"),
    ],
    ids=["both", "train", "test", "none"],
)
def test_a_folder_that_holds_the_official_images_in_another_order_is_known(
    fmnist: Fmnist,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    release: list[str],
    same: tuple[bool, bool],
    words: str,
) -> None:
    folder = GOOD.write(tmp_path / "mine")
    known = load(str(folder), tmp_path / "cache")
    train, test = (content_checksum(getattr(known, part)) for part in release)
    compare = partial(
        same_images_as_official, release=replace(FASHION_MNIST, fingerprints=("", ""), content_checksums=(train, test))
    )
    monkeypatch.setattr("fmnist_tui.cli.data.same_images_as_official", compare)
    printed = fmnist("data", "--json", "--data", folder).json
    assert (printed["train"]["official_images"], printed["test"]["official_images"]) == same
    assert any(line.split(None, 2)[2] == words for line in fmnist("data", "--data", folder).lines[2:3])


@pytest.mark.parametrize(("files", "expected"), BROKEN.values(), ids=BROKEN)
def test_broken_data_is_one_line_with_the_file_and_advice(
    fmnist: Fmnist, tmp_path: Path, files: Files, expected: list[str]
) -> None:
    outcome = fmnist("data", "--data", files.write(tmp_path / "data"))
    assert (outcome.status, outcome.out) == (1, "")
    problem, _, advice = outcome.complaint.partition("; ")
    assert str(tmp_path / "data") in problem
    assert all(word in outcome.complaint for word in expected)
    assert advice


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_path_that_is_no_folder_is_one_line(fmnist: Fmnist, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    outcome = fmnist("data", "--data", tmp_path / name)
    assert (outcome.status, outcome.out) == (1, "")
    problem, _, advice = outcome.complaint.partition("; ")
    assert str(tmp_path / name) in problem
    assert "folder" in problem
    assert "IDX" in advice


def test_a_file_that_was_valid_once_is_checked_again(fmnist: Fmnist, tmp_path: Path) -> None:
    folder = GOOD.write(tmp_path / "data")
    assert fmnist("data", "--data", folder).status == 0
    (folder / TEST_LABELS).write_bytes(b"")
    assert f"{TEST_LABELS} is empty" in fmnist("data", "--data", folder).complaint


def test_a_download_is_reported_once_without_a_terminal(fmnist: Fmnist, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(folder: str, cache: Path, progress: ProgressCallback, **others: Any) -> Dataset:
        for done in range(3):
            progress(Progress("fetching train-images", done, 2))
        return load(folder, cache)

    monkeypatch.setattr("fmnist_tui.cli.data.load", fetch)
    outcome = fmnist("data", "--json", "--data", "demo")
    assert outcome.err == "fetching train-images\n"
    assert json.loads(outcome.out)["name"] == "demo"


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["--data", "demo"], "name   "),
        (["--data", "demo", "--json"], "{"),
        ([], "error: the mirror is gone"),
    ],
    ids=["table", "json", "error"],
)
def test_the_progress_of_a_download_is_cleared_from_the_terminal(arguments: list[str], first: str) -> None:
    with terminal("data", *arguments, program=(sys.executable, "-c", FETCHING), rows=80) as shown:
        status = shown.status()
    assert status == (1 if "error" in first else 0)
    assert b"fetching train-images: 1.0 MB of 2.0 MB" in shown.sent
    assert shown.text.startswith(first)
