from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.data import DataError
from fmnist_tui.data.folder import find_files, read_files
from fmnist_tui.data.kaggle import NAMES

from .samples import Sample, labels_file, put, sample


def complaint(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_files(find_files(folder))
    return str(caught.value)


def test_gzipped_and_plain_folders_hold_the_same(tmp_path: Path, small: Sample) -> None:
    gzipped = read_files(find_files(small.write(tmp_path / "gzipped")))
    plain = read_files(find_files(small.write_plain(tmp_path / "plain")))
    for one, other, expected in zip(
        (gzipped.train, gzipped.test), (plain.train, plain.test), (small.train, small.test), strict=True
    ):
        np.testing.assert_array_equal(one.images, expected[0])
        np.testing.assert_array_equal(one.labels, expected[1])
        assert one.fingerprint == other.fingerprint


def test_a_folder_may_mix_plain_and_gzipped_files(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    (folder / "t10k-labels-idx1-ubyte").write_bytes(small.contents["t10k-labels-idx1-ubyte"])
    sets = read_files(find_files(folder))
    assert (len(sets.train), len(sets.test)) == (60, 20)


def test_the_names_with_a_dot_that_many_copies_of_mnist_have_are_found(tmp_path: Path, small: Sample) -> None:
    put(tmp_path, {name.replace("-idx", ".idx"): content for name, content in small.contents.items()})
    train = read_files(find_files(tmp_path)).train
    np.testing.assert_array_equal(train.images, small.train[0])


def test_kaggles_pair_holds_the_same_as_the_idx_files(tmp_path: Path, small: Sample) -> None:
    csv, idx = (
        read_files(find_files(folder)) for folder in (small.write_csv(tmp_path / "csv"), small.write(tmp_path / "idx"))
    )
    for from_csv, from_idx in ((csv.train, idx.train), (csv.test, idx.test)):
        assert from_csv.fingerprint == from_idx.fingerprint
        np.testing.assert_array_equal(from_csv.images, from_idx.images)
        np.testing.assert_array_equal(from_csv.labels, from_idx.labels)


def test_kaggles_pair_may_be_gzipped(tmp_path: Path, small: Sample) -> None:
    folder = small.write_csv(tmp_path)
    plain = folder / "fashion-mnist_train.csv"
    (folder / "fashion-mnist_train.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    sets = read_files(find_files(folder))
    assert [len(sets.train), len(sets.test)] == [60, 20]


def test_idx_comes_before_csv_where_a_folder_has_both(tmp_path: Path, small: Sample) -> None:
    sample(seed=1).write_csv(small.write(tmp_path))
    assert read_files(find_files(tmp_path)).train.fingerprint == small.release.fingerprints[0]


def test_a_lost_idx_file_is_reported_even_where_csv_could_stand_in(tmp_path: Path, small: Sample) -> None:
    folder = small.write_csv(small.write(tmp_path))
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert f"{folder} lacks t10k-labels-idx1-ubyte;" in complaint(folder)


@pytest.mark.parametrize("name", NAMES)
def test_half_a_csv_pair_names_the_other_half(name: str, tmp_path: Path, small: Sample) -> None:
    folder = small.write_csv(tmp_path)
    (folder / name).unlink()
    assert f"{folder} lacks {name};" in complaint(folder)


def test_a_folder_with_neither_says_what_was_looked_for(tmp_path: Path) -> None:
    message = complaint(put(tmp_path, {"mnist.txt": b"", "notes.txt": b""}))
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte", *NAMES):
        assert name in message


def test_a_file_of_an_unknown_kind_is_reported(tmp_path: Path) -> None:
    path = put(tmp_path, {"notes.txt": b"images"}) / "notes.txt"
    assert f"{path} is neither a folder nor a file of a known format; give the folder that contains" in complaint(path)


def test_the_training_sets_fault_is_reported_where_both_sets_have_one(tmp_path: Path, small: Sample) -> None:
    folder = put(small.write(tmp_path), {"train-labels-idx1-ubyte.gz": b"x", "t10k-labels-idx1-ubyte.gz": b"x"})
    assert "train-labels-idx1-ubyte.gz is not an IDX file" in complaint(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path / 'nowhere'};" in complaint(tmp_path / "nowhere")


def test_missing_files_are_named_and_the_others_are_not(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    assert f"{folder} lacks train-labels-idx1-ubyte;" in complaint(folder)


def test_counts_that_differ_name_both_files(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(labels_file(small.test[1][:19]))
    assert "t10k-images-idx3-ubyte.gz contains 20 images but t10k-labels-idx1-ubyte.gz 19 labels" in complaint(folder)


def test_the_message_about_a_bad_file_gives_its_whole_path(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    bad = folder / "train-images-idx3-ubyte.gz"
    bad.write_bytes(b"<html>sign in to this network</html>")
    assert str(bad) in complaint(folder)


def test_escape_codes_and_line_breaks_in_a_folder_name_do_not_reach_the_message(tmp_path: Path) -> None:
    message = complaint(tmp_path / "odd\n\x1b[31m")
    assert message.isprintable()
    assert "odd  [31m" in message


def test_a_link_to_nowhere_and_a_folder_in_a_files_place_are_named(tmp_path: Path, small: Sample) -> None:
    folder = small.write_plain(tmp_path / "data")
    path = folder / "train-images-idx3-ubyte"
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    assert f"train-images-idx3-ubyte is a link to {tmp_path / 'gone'}, which is not a file" in complaint(folder)
    path.unlink()
    path.mkdir()
    assert "train-images-idx3-ubyte exists, but it is not a file" in complaint(folder)


def test_data_one_folder_below_is_pointed_at(tmp_path: Path, small: Sample) -> None:
    small.write(tmp_path / "data" / "raw")
    (tmp_path / "data" / "other").mkdir()
    assert complaint(tmp_path / "data").endswith(f"; use {tmp_path / 'data' / 'raw'}, which does")
