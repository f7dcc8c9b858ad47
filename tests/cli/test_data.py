from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Fmnist
from .idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Files, images, labels, sample

KEYS = {"name", "source", "is_fashion_mnist", "classes", "train", "test"}
PART = {"images", "fingerprint", "class_counts"}

GOOD = sample()
PACKED = GOOD.pack(TRAIN_IMAGES)
PACKED_NAME = f"{TRAIN_IMAGES}.gz"

BROKEN = {
    "empty folder": (Files({}), f"lacks {TRAIN_IMAGES}, {TRAIN_LABELS}, {TEST_IMAGES}, {TEST_LABELS}; each file"),
    "one file missing": (GOOD.drop(TEST_LABELS), f"lacks {TEST_LABELS}; each file may be plain or end in .gz"),
    "cut short": (GOOD.cut(TRAIN_IMAGES), f"{TRAIN_IMAGES} is cut short: 47055 bytes of 47056; fetch the file again"),
    "ends in its header": (GOOD.put(TEST_IMAGES, images(20)[:9]), f"{TEST_IMAGES} is cut short: it ends within"),
    "too long": (GOOD.put(TEST_IMAGES, images(20) + b"\0"), f"{TEST_IMAGES} is too long: 15697 bytes, not 15696"),
    "empty file": (GOOD.put(TRAIN_LABELS, b""), f"{TRAIN_LABELS} is empty; fetch the file again"),
    "another kind of file": (
        GOOD.put(TRAIN_IMAGES, b"<html>not found</html>"),
        f"{TRAIN_IMAGES} is not an IDX file of images: it starts with 3c68746d, not 00000803",
    ),
    "images in the labels' place": (
        GOOD.put(TRAIN_LABELS, images(60)),
        f"{TRAIN_LABELS} is not an IDX file of labels: it starts with 00000803, not 00000801",
    ),
    "images of another size": (GOOD.put(TEST_IMAGES, images(20, 32)), "images of 32x32 pixels; only 28x28"),
    "no images": (GOOD.put(TEST_IMAGES, images(0)), f"{TEST_IMAGES} holds no images; fetch the file again"),
    "labels of other images": (GOOD.put(TRAIN_LABELS, labels(1, 2)), f"holds 60 images but {TRAIN_LABELS} 2 labels;"),
    "a label past nine": (
        GOOD.put(TEST_LABELS, labels(*range(9), 200, *range(10))),
        f"{TEST_LABELS} has label 200 at image 9; labels must be 0 to 9",
    ),
    "a damaged gzip stream": (
        PACKED.cut(PACKED_NAME, 1000),
        f"{PACKED_NAME} is damaged or cut short: it cannot be unpacked; fetch the file again",
    ),
    "bytes after a gzip stream": (
        PACKED.put(PACKED_NAME, PACKED.contents[PACKED_NAME] + b"more"),
        f"{PACKED_NAME} has other bytes after its gzip stream; fetch the file again",
    ),
}


def test_json_has_its_keys_and_the_counts_are_right(fmnist: Fmnist) -> None:
    told = fmnist("data", "--json", "--data", "demo").json
    assert told.keys() == KEYS
    assert told["train"].keys() == told["test"].keys() == PART
    assert (told["name"], told["is_fashion_mnist"]) == ("demo", False)
    assert told["classes"][0] == "T-shirt/top"
    assert (told["train"]["images"], told["test"]["images"]) == (2000, 500)
    assert (told["train"]["class_counts"], told["test"]["class_counts"]) == ([200] * 10, [50] * 10)


def test_a_person_reads_where_the_data_is_from_and_what_is_in_it(fmnist: Fmnist) -> None:
    outcome = fmnist("data", "--data", "demo")
    fingerprint = fmnist("data", "--json", "--data", "demo").json["train"]["fingerprint"]
    assert (outcome.status, outcome.err) == (0, "")
    told = {line[:24].strip(): line[24:] for line in outcome.lines[:7]}
    assert told["name"] == "demo"
    assert told["source"] == "demo, drawn by this program"
    assert told["official Fashion-MNIST"] == "no"
    assert (told["train images"], told["train sha256"]) == ("2000", fingerprint)
    assert "9      Ankle boot   200    50" in outcome.lines


@pytest.mark.parametrize("files", [GOOD, PACKED], ids=["plain", "one gzipped"])
def test_a_folder_of_idx_files_is_known_by_its_name_and_its_counts(
    fmnist: Fmnist, tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files.write(tmp_path / "mine")
    told = fmnist("data", "--json", "--data", folder).json
    assert (told["name"], told["source"]) == ('folder "mine"', f"given folder ({folder})")
    assert told["test"]["class_counts"] == [3, 3, 2, 2, 2, 2, 2, 2, 2, 0]
    monkeypatch.setenv("FMNIST_TUI_DATA", str(folder))
    assert fmnist("data", "--json").json == told
    assert fmnist("data", "--json", "--data", "demo").json["name"] == "demo"


@pytest.mark.parametrize(("files", "told"), BROKEN.values(), ids=BROKEN)
def test_broken_data_is_one_line_that_names_the_file_and_says_what_to_do(
    fmnist: Fmnist, tmp_path: Path, files: Files, told: str
) -> None:
    outcome = fmnist("data", "--data", files.write(tmp_path / "data"))
    assert (outcome.status, outcome.out) == (1, "")
    assert str(tmp_path / "data") in outcome.complaint
    assert told in outcome.complaint


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_that_is_none_is_one_line(fmnist: Fmnist, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    outcome = fmnist("data", "--data", tmp_path / name)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint == f"there is no folder {tmp_path / name}; give the folder that holds the IDX files"


def test_a_file_that_was_right_once_is_looked_at_again(fmnist: Fmnist, tmp_path: Path) -> None:
    folder = GOOD.write(tmp_path / "data")
    assert fmnist("data", "--data", folder).status == 0
    (folder / TEST_LABELS).write_bytes(b"")
    assert f"{TEST_LABELS} is empty" in fmnist("data", "--data", folder).complaint
