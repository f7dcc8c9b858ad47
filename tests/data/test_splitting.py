from __future__ import annotations

import numpy as np

from fmnist_tui.data import split


def test_the_split_of_60000_is_54000_and_6000_disjoint_and_complete() -> None:
    train, validation = split(60000)
    assert (len(train), len(validation)) == (54000, 6000)
    assert train.dtype == validation.dtype == np.int64
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(60000))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_the_split_never_changes() -> None:
    _, validation = split(60000)
    assert validation[:8].tolist() == [2, 9, 10, 11, 14, 27, 29, 48]
    assert split(20)[1].tolist() == [0, 3]


def test_a_small_set_keeps_a_tenth_rounded_up_for_validation() -> None:
    assert [len(split(count)[1]) for count in (10, 11, 19, 60, 2000)] == [1, 2, 2, 6, 200]
