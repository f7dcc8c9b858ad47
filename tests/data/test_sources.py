from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.data import Cancelled, DataError, Progress, Sources, load
from fmnist_tui.data.apt import Apt

from .conftest import FakeApt, Web
from .samples import Sample, sample


@pytest.fixture
def nowhere(tmp_path: Path, small: Sample) -> Sources:
    """Sources of which none has anything, to be replaced one by one."""
    no_apt = Apt(str(tmp_path / "apt-get"), str(tmp_path / "dpkg-deb"), is_root=False)
    return Sources(tmp_path / "system", (), 5.0, no_apt, small.release)


def test_the_systems_folder_comes_first(nowhere: Sources, web: Web, tmp_path: Path, small: Sample) -> None:
    small.write(nowhere.system)
    small.write(tmp_path / "cache" / "fashion-mnist")
    dataset = load(None, tmp_path / "cache", sources=replace(nowhere, mirrors=(web.address,)))
    assert dataset.source == f"Debian package ({nowhere.system})"
    np.testing.assert_array_equal(dataset.test.images, small.test[0])
    assert web.asked == []


def test_the_cache_comes_before_the_mirrors(nowhere: Sources, web: Web, tmp_path: Path, small: Sample) -> None:
    kept = small.write(tmp_path / "cache" / "fashion-mnist")
    dataset = load(None, tmp_path / "cache", sources=replace(nowhere, mirrors=(web.address,)))
    assert dataset.source == f"cache ({kept})"
    assert web.asked == []


def test_a_broken_system_folder_is_skipped(nowhere: Sources, tmp_path: Path, small: Sample) -> None:
    (small.write(nowhere.system) / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    small.write(tmp_path / "cache" / "fashion-mnist")
    assert load(None, tmp_path / "cache", sources=nowhere).source.startswith("cache (")


def test_other_data_in_the_systems_folder_is_skipped(nowhere: Sources, tmp_path: Path, small: Sample) -> None:
    sample(seed=1).write(nowhere.system)
    small.write(tmp_path / "cache" / "fashion-mnist")
    assert load(None, tmp_path / "cache", sources=nowhere).fingerprints == small.release.fingerprints


def test_the_mirrors_are_tried_in_turn_before_apt_and_fill_the_cache(
    nowhere: Sources, web: Web, fake_apt: FakeApt, tmp_path: Path, small: Sample
) -> None:
    mirrors = (f"{web.address}not-there/", web.address)
    sources = replace(nowhere, mirrors=mirrors, apt=fake_apt.commands())
    seen: list[Progress] = []
    dataset = load(None, tmp_path / "cache", seen.append, sources=sources)
    assert dataset.fingerprints == small.release.fingerprints
    assert web.asked == ["not-there/train-images-idx3-ubyte.gz", *small.packed]
    assert seen
    assert fake_apt.log == []
    again = load(None, tmp_path / "cache", sources=nowhere)
    assert (again.source, again.fingerprints) == (dataset.source, dataset.fingerprints)


def test_a_damaged_cache_is_mended_from_a_mirror(nowhere: Sources, web: Web, tmp_path: Path, small: Sample) -> None:
    kept = small.write(tmp_path / "cache" / "fashion-mnist")
    (kept / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    dataset = load(None, tmp_path / "cache", sources=replace(nowhere, mirrors=(web.address,)))
    assert dataset.fingerprints == small.release.fingerprints
    assert web.asked == ["t10k-images-idx3-ubyte.gz"]


def test_apt_is_the_last_resort(nowhere: Sources, web: Web, fake_apt: FakeApt, tmp_path: Path, small: Sample) -> None:
    web.files.clear()
    sources = replace(nowhere, mirrors=(web.address,), apt=fake_apt.commands())
    dataset = load(None, tmp_path / "cache", sources=sources)
    assert dataset.fingerprints == small.release.fingerprints
    assert dataset.source == f"cache ({tmp_path / 'cache' / 'fashion-mnist'})"
    assert web.asked == ["train-images-idx3-ubyte.gz"]


def test_where_nothing_could_be_loaded_one_line_names_every_place_with_its_reason(
    nowhere: Sources, web: Web, tmp_path: Path
) -> None:
    web.files.clear()
    with pytest.raises(DataError) as caught:
        load(None, tmp_path / "cache", sources=replace(nowhere, mirrors=(web.address,)))
    message = str(caught.value)
    assert message.isprintable()
    assert f"system: there is no folder {nowhere.system}" in message
    assert f"cache: there is no folder {tmp_path / 'cache' / 'fashion-mnist'}" in message
    assert "127.0.0.1: could not be reached (Not Found)" in message
    assert "apt: " in message
    assert "give a folder with --data" in message


def test_a_request_to_stop_is_no_reason_to_try_the_next_place(
    nowhere: Sources, web: Web, fake_apt: FakeApt, tmp_path: Path
) -> None:
    sources = replace(nowhere, mirrors=(web.address, web.address), apt=fake_apt.commands())
    with pytest.raises(Cancelled):
        load(None, tmp_path / "cache", cancelled=lambda: True, sources=sources)
    assert fake_apt.log == []


def test_a_mirror_with_wrong_files_is_passed_over(nowhere: Sources, web: Web, tmp_path: Path, small: Sample) -> None:
    for name, content in sample(seed=1).packed.items():
        web.files[f"wrong/{name}"] = content
    dataset = load(None, tmp_path / "cache", sources=replace(nowhere, mirrors=(f"{web.address}wrong/", web.address)))
    assert dataset.fingerprints == small.release.fingerprints
    assert web.asked == ["wrong/train-images-idx3-ubyte.gz", *small.packed]


def test_a_given_folder_is_the_only_place_tried(nowhere: Sources, tmp_path: Path, small: Sample) -> None:
    small.write(nowhere.system)
    with pytest.raises(DataError, match="there is no folder"):
        load(str(tmp_path / "given"), tmp_path / "cache", sources=nowhere)


def test_unknown_data_is_named_after_its_folder_whatever_that_is_called(tmp_path: Path) -> None:
    folder = sample(seed=1).write(tmp_path / "Fashion-MNIST")
    dataset = load(str(folder), tmp_path / "cache")
    assert dataset.name == 'folder "Fashion-MNIST"'
    assert dataset.source == f"given folder ({folder})"
    assert dataset.classes == tuple(f"class {label}" for label in range(10))
    assert not dataset.is_fashion_mnist


def test_an_empty_name_does_not_ask_for_the_usual_places(nowhere: Sources, tmp_path: Path, small: Sample) -> None:
    small.write(nowhere.system)
    with pytest.raises(DataError, match="the name of the data folder is empty"):
        load("", tmp_path / "cache", sources=nowhere)


def test_a_folder_that_may_not_be_searched_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="File name too long"):
        load(str(tmp_path / ("x" * 5000)), tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_reported_once_with_advice(tmp_path: Path, small: Sample) -> None:
    (tmp_path / "file").touch()
    mirrors = ("http://127.0.0.1:9/", "http://127.0.0.1:19/")
    sources = Sources(system=tmp_path / "nowhere", mirrors=mirrors, release=small.release)
    with pytest.raises(DataError) as caught:
        load(None, tmp_path / "file" / "cache", sources=sources)
    assert str(caught.value).count("cannot write to") == 1
    assert "or set XDG_CACHE_HOME to another folder, or give a folder with --data" in caught.value.advice
