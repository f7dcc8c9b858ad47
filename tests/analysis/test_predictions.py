from __future__ import annotations

import os
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_tui.runs import predictions
from fmnist_tui.runs.predictions import NoPredictionsError, read_predictions

from .builders import LABELS, make_run, npz, probabilities

RIGHT = np.arange(100) % 4 != 0
TABLE = probabilities(RIGHT)


def test_predictions_say_which_images_were_correct(tmp_path: Path) -> None:
    predictions = read_predictions(make_run(tmp_path, right=RIGHT))
    assert np.array_equal(predictions.correct, RIGHT)
    assert np.array_equal(predictions.labels, LABELS)
    assert predictions.predicted[:5].tolist() == [1, 1, 2, 3, 5]


def test_a_run_that_was_not_scored_has_none(tmp_path: Path) -> None:
    with pytest.raises(NoPredictionsError, match=r"^no predictions\.npz$"):
        read_predictions(make_run(tmp_path))


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        (TABLE[:, :9], LABELS),
        (TABLE[:50], LABELS),
        (TABLE.astype(np.float64), LABELS),
        (TABLE, LABELS + np.uint8(1)),
        (TABLE, LABELS.astype(np.int64)),
        (TABLE * np.float32(np.nan), LABELS),
        (TABLE * np.float32(2), LABELS),
        (TABLE * np.float32(0), LABELS),
        (TABLE + np.array([-0.5, 0.5] + [0] * 8, np.float32), LABELS),
        (TABLE[:0], LABELS[:0]),
        (TABLE, np.uint8(3)),
    ],
    ids=[
        "nine classes",
        "half",
        "float64",
        "label 10",
        "int64",
        "NaN",
        "sums of 2",
        "zeros",
        "below zero",
        "none",
        "no list",
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, table: NDArray[Any], labels: NDArray[Any]) -> None:
    run = make_run(tmp_path)
    run.predictions.write_bytes(npz(probabilities=table, labels=labels))
    with pytest.raises(NoPredictionsError, match="does not hold"):
        read_predictions(run)


def test_arrays_of_absurd_size_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, right=RIGHT)
    monkeypatch.setattr(predictions, "_LARGEST", TABLE.nbytes)
    with pytest.raises(NoPredictionsError, match="damaged"):
        read_predictions(run)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000, 10)}",
        f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**30}, 10)}}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 10)}",
        "{[]: 1}",
        "{'descr': '<f4",
    ],
    ids=["more than memory", "more than a number holds", "no size", "no key", "cut"],
)
def test_a_header_that_somebody_made_up_is_damage(tmp_path: Path, header: str) -> None:
    run = make_run(tmp_path)
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(4000)
    with zipfile.ZipFile(run.predictions, "w") as archive:
        archive.writestr("probabilities.npy", content)
    with pytest.raises(NoPredictionsError, match="damaged"):
        read_predictions(run)


def test_what_savez_never_packs_is_not_unpacked(tmp_path: Path) -> None:
    run = make_run(tmp_path, right=RIGHT)
    with zipfile.ZipFile(run.predictions, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("probabilities.npy", b"probabilities")
    run.predictions.write_bytes(run.predictions.read_bytes().replace(b"\x5d\x00\x00", b"\xff\xff\xff", 1))
    with pytest.raises(NoPredictionsError, match="damaged"):
        read_predictions(run)


@pytest.mark.timeout(30)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    os.mkfifo(run.predictions)
    with pytest.raises(NoPredictionsError, match="damaged"):
        read_predictions(run)


def test_pickles_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    np.savez(run.predictions, probabilities=TABLE, labels=np.array([{}], dtype=object))
    with pytest.raises(NoPredictionsError, match="damaged"):
        read_predictions(run)


def test_damage_anywhere_in_the_file_is_noticed_or_harmless(tmp_path: Path) -> None:
    run = make_run(tmp_path, right=RIGHT)
    whole = run.predictions.read_bytes()
    chance = random.Random(0)  # noqa: S311 - no secret
    for _ in range(300):
        damaged = bytearray(whole)
        if chance.random() < 0.5:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        else:
            del damaged[chance.randrange(len(damaged)) :]
        run.predictions.write_bytes(damaged)
        try:
            assert np.array_equal(read_predictions(run).probabilities, TABLE)
        except NoPredictionsError as error:
            assert "damaged" in str(error)  # noqa: PT017
