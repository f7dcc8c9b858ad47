from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.data import DataError
from fmnist_tui.data.folder import find, read

from .samples import Sample, labels_file


def complaint(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(find(folder))
    return str(caught.value)


def test_gzipped_and_plain_folders_hold_the_same(tmp_path: Path, small: Sample) -> None:
    gzipped = read(find(small.write(tmp_path / "gzipped")))
    plain = read(find(small.write_plain(tmp_path / "plain")))
    for one, other, expected in zip(gzipped, plain, (small.train, small.test), strict=True):
        np.testing.assert_array_equal(one.images, expected[0])
        np.testing.assert_array_equal(one.labels, expected[1])
        assert one.fingerprint == other.fingerprint


def test_a_folder_may_mix_plain_and_gzipped_files(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    (folder / "t10k-labels-idx1-ubyte").write_bytes(small.contents["t10k-labels-idx1-ubyte"])
    train, test = read(find(folder))
    assert (len(train), len(test)) == (60, 20)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path / 'nowhere'};" in complaint(tmp_path / "nowhere")


def test_missing_files_are_named_and_the_others_are_not(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    assert f"{folder} lacks train-labels-idx1-ubyte;" in complaint(folder)


def test_counts_that_differ_name_both_files(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(labels_file(small.test[1][:19]))
    assert "t10k-images-idx3-ubyte.gz holds 20 images but t10k-labels-idx1-ubyte.gz 19 labels" in complaint(folder)


def test_the_message_about_a_bad_file_gives_its_whole_path(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path)
    bad = folder / "train-images-idx3-ubyte.gz"
    bad.write_bytes(b"<html>sign in to this network</html>")
    assert str(bad) in complaint(folder)


def test_escape_codes_and_line_breaks_in_a_folder_name_do_not_reach_the_message(tmp_path: Path) -> None:
    message = complaint(tmp_path / "odd\n\x1b[31m")
    assert message.isprintable()
    assert "odd??[31m" in message
