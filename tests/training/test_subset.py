from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.data import demo
from fmnist_tui.training.task import choose, is_fair

RNG = np.random.default_rng(0)
SHUFFLED = RNG.permutation(np.repeat(np.arange(10), 60)).astype(np.uint8)
SORTED = np.sort(SHUFFLED)
TWO = np.repeat(np.array([0, 1], np.uint8), 300)
BLOCKS = np.concatenate(
    [RNG.permutation(np.repeat(np.arange(5), 60)), RNG.permutation(np.repeat(np.arange(5, 10), 60))]
)
APPENDED = np.concatenate([RNG.permutation(np.repeat(np.arange(9), 60)), np.full(60, 9)])


def nearly_sorted() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    labels = SORTED.copy()
    moved = np.random.default_rng(1).choice(600, 60, replace=False)
    labels[moved] = labels[np.random.default_rng(2).permutation(moved)]
    return labels


@pytest.mark.parametrize("limit", [10, 50, 100, 300])
def test_sorted_labels_give_as_many_images_of_each_class(limit: int) -> None:
    for labels in (SORTED, SORTED[::-1], nearly_sorted()):
        chosen, subset = choose(labels, limit, "auto")
        assert subset == "by_class"
        assert len(chosen) == limit
        assert (np.diff(chosen) > 0).all()
        assert np.bincount(labels[chosen]).tolist() == [limit // 10] * 10


@pytest.mark.parametrize("limit", [20, 50, 100, 300])
def test_classes_that_come_late_are_missed(limit: int) -> None:
    assert not is_fair(TWO, limit)
    assert not is_fair(BLOCKS, limit)
    assert is_fair(APPENDED, limit) == (limit < 50)  # five images of a class may be missing by chance, not many more


@pytest.mark.parametrize("limit", [10, 24, 100, 599])
def test_shuffled_labels_give_the_first_images(limit: int) -> None:
    chosen, subset = choose(SHUFFLED, limit, "auto")
    assert subset == "first"
    np.testing.assert_array_equal(chosen, np.arange(limit))


def test_the_demo_set_gives_the_first_images_whatever_the_limit() -> None:
    labels = demo.draw().train.labels
    assert all(is_fair(labels, limit) for limit in range(10, 2000))


def test_a_choice_that_was_made_is_made_again() -> None:
    np.testing.assert_array_equal(choose(SORTED, 50, "first")[0], np.arange(50))
    np.testing.assert_array_equal(choose(SORTED, 50, "by_class")[0], choose(SORTED, 50, "auto")[0])
    assert choose(SHUFFLED, 50, "by_class")[1] == "by_class"


def test_classes_keep_their_proportions_and_the_rarest_one_image() -> None:
    labels = np.repeat(np.array([0, 1, 2], np.uint8), [8000, 1990, 10])
    chosen, _ = choose(labels, 100, "by_class")
    assert np.bincount(labels[chosen]).tolist() == [79, 20, 1]


def test_one_class_is_no_reason_to_choose() -> None:
    assert is_fair(np.zeros(500, np.uint8), 20)


def test_more_classes_than_images_give_what_fits() -> None:
    labels = np.repeat(np.arange(200, dtype=np.uint8), 5)
    chosen, _ = choose(labels, 10, "by_class")
    assert len(chosen) == 10
    assert len(set(labels[chosen].tolist())) == 10
