from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.samples import images_file, labels_file
from fmnist_tui.data import DataError, load
from fmnist_tui.data.quick_check import data_check
from fmnist_tui.data.sources import Sources
from fmnist_tui.host.machine import Check, CheckState

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
KAGGLE = ("fashion-mnist_train.csv", "fashion-mnist_test.csv")


def idx(count: int, *, images: bool) -> bytes:
    if images:
        return images_file(np.zeros((count, 28, 28), np.uint8))
    return labels_file(np.zeros(count, np.uint8))


def write(folder: Path, train: int = 12, test: int = 5, pack: Callable[[bytes], bytes] | None = None) -> Path:
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        content = idx(train if number < 2 else test, images=number % 2 == 0)
        (folder / f"{name}{'.gz' if pack else ''}").write_bytes(pack(content) if pack else content)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Usual places with nothing in them, and an official release as `write` writes it."""
    release = Sources().release
    sizes = [len(idx(count, images=images)) for count in (12, 5) for images in (True, False)]
    files = tuple(replace(file, size=size) for file, size in zip(release.files, sizes, strict=True))
    return Sources(system=tmp_path / "system", mirrors=(), release=replace(release, files=files))


def test_the_demo_set_needs_nothing(cache: Path) -> None:
    assert data_check("demo", cache) == Check("data", CheckState.OK, "the demo set, drawn by this program")


@pytest.mark.parametrize("pack", [None, gzip.compress])
def test_a_given_folder_is_looked_at_without_being_read(
    tmp_path: Path, cache: Path, pack: Callable[[bytes], bytes] | None
) -> None:
    folder = write(tmp_path / "given", pack=pack)
    row = data_check(str(folder), cache)
    assert row == Check("data", CheckState.OK, f"{folder}: 12 + 5 images by file size, verified at first use")
    assert not cache.exists()


def test_what_was_loaded_before_is_known(tmp_path: Path, cache: Path) -> None:
    folder = write(tmp_path / "given")
    load(str(folder), cache)
    assert data_check(str(folder), cache).message == (
        f"{folder}: 12 + 5 images, verified when first read; not the official Fashion-MNIST"
    )


def test_kaggles_files_are_known_by_their_names(tmp_path: Path, cache: Path) -> None:
    for name in KAGGLE:
        (tmp_path / name).write_text("label\n")
    row = data_check(str(tmp_path), cache)
    assert row.state is CheckState.OK
    assert "CSV" in row.message


def test_a_given_folder_that_is_not_there_is_a_problem(tmp_path: Path, cache: Path) -> None:
    row = data_check(str(tmp_path / "nowhere"), cache)
    assert (row.state, row.message) == (CheckState.PROBLEM, f"there is no folder {tmp_path / 'nowhere'}")
    assert row.advice


def test_a_given_folder_that_lacks_a_file_says_which(tmp_path: Path, cache: Path) -> None:
    folder = write(tmp_path / "given")
    (folder / NAMES[3]).unlink()
    row = data_check(str(folder), cache)
    assert row.state is CheckState.PROBLEM
    assert NAMES[3] in row.message


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:3],
        cut,
        lambda content: content + b"x",
        lambda content: b"PK" + content[2:],
        lambda content: content[:4] + bytes(4) + content[8:],
        lambda content: cut(gzip.compress(content)),
        lambda content: gzip.compress(content[:50]),
        lambda content: b"\x1f\x8b",
        lambda content: b"\x1f\x8b" + bytes(100),
        lambda content: gzip.compress(content)[:12] + b"\xff" * 40,
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, cache: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path / "given") / NAMES[0]
    path.write_bytes(damage(path.read_bytes()))
    row = data_check(str(path.parent), cache)
    assert row.state is CheckState.PROBLEM
    assert row.message.startswith(f"{path} ")
    with pytest.raises(DataError) as caught:
        load(str(path.parent), cache)
    assert (row.message, row.advice) == (caught.value.problem, caught.value.advice)


@pytest.mark.parametrize(
    "pack",
    [
        lambda content: gzip.compress(content[:50]) + gzip.compress(content[50:]),
        lambda content: gzip.compress(content) + b"something behind it",
    ],
)
def test_gzip_of_another_form_is_read_to_be_sure(tmp_path: Path, cache: Path, pack: Callable[[bytes], bytes]) -> None:
    folder = write(tmp_path / "given", pack=pack)
    assert data_check(str(folder), cache).message.startswith(f"{folder}: 12 + 5 images")


@pytest.mark.parametrize("loaded", [False, True])
def test_one_training_image_is_too_few(tmp_path: Path, cache: Path, loaded: bool) -> None:
    folder = write(tmp_path / "given", train=1)
    if loaded:
        load(str(folder), cache)
    row = data_check(str(folder), cache)
    assert (row.state, row.message) == (CheckState.PROBLEM, f"{folder} contains one training image")
    assert row.advice.startswith("use at least 2")


def test_files_that_do_not_belong_together_are_named(tmp_path: Path, cache: Path) -> None:
    folder = write(tmp_path / "given")
    (folder / NAMES[1]).write_bytes(idx(11, images=False))
    row = data_check(str(folder), cache)
    assert row.state is CheckState.PROBLEM
    assert "12 images" in row.message
    assert "11 labels" in row.message


def test_the_systems_folder_comes_before_the_cache(cache: Path, sources: Sources) -> None:
    write(cache / "fashion-mnist")
    assert str(cache) in data_check(None, cache, sources).message
    write(sources.system, pack=gzip.compress)
    row = data_check(None, cache, sources)
    assert row.state is CheckState.OK
    assert row.message.startswith(f"{sources.system}: 12 + 5 images")


def test_data_that_is_nowhere_yet_says_how_it_comes(cache: Path, sources: Sources) -> None:
    row = data_check(None, cache, sources)
    assert row == Check(
        "data",
        CheckState.NOTE,
        "not downloaded yet: Fashion-MNIST (31 MB) is fetched at first use",
        "fetch it now: fmnist-tui data; or use the demo set: --data demo",
    )
    assert not cache.exists()


def test_a_usual_place_with_wrong_files_is_reported_and_passed_over(cache: Path, sources: Sources) -> None:
    write(sources.system, train=13)
    (write(cache / "fashion-mnist") / NAMES[2]).write_bytes(b"")
    row = data_check(None, cache, sources)
    assert row.state is CheckState.NOTE
    assert f"{sources.system} contains data other than Fashion-MNIST" in row.message
    assert f"{NAMES[2]} is empty" in row.message
    assert "not downloaded yet" in row.message


def test_a_place_that_is_known_to_hold_other_images_is_passed_over(cache: Path, sources: Sources) -> None:
    load(str(write(sources.system)), cache)  # the sizes are right, the fingerprints aren't
    assert "contains data other" in data_check(None, cache, sources).message
