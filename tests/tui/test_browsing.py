from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.data import FASHION_CLASSES, Dataset, ImageSet
from fmnist_tui.tui.dataset.image_pages import Browsing, augmented_page

from .samples import image_set


def dataset(train: ImageSet, test: ImageSet) -> Dataset:
    return Dataset("sample", FASHION_CLASSES, train, test, "made up")


DATA = dataset(image_set([0, 1, 2, 0, 1, 0, 9] * 3), image_set([4, 4, 5]))


def test_browsing_starts_with_all_training_images() -> None:
    browsing = Browsing(DATA)
    assert browsing.images is DATA.train
    assert browsing.chosen.tolist() == list(range(21))


def test_a_class_shows_only_its_images_by_their_own_index() -> None:
    chosen = Browsing(DATA).only(9).chosen
    assert chosen.tolist() == [6, 13, 20]


def test_choosing_a_class_starts_from_its_first_image() -> None:
    turned = Browsing(DATA).turned(1, 4)
    assert turned.only(0).first == 0
    assert turned.only(None).first == 0


def test_the_other_split_keeps_the_class_and_starts_at_its_first_page() -> None:
    other = Browsing(DATA).only(4).turned(1, 2).other_part()
    assert (other.part, other.label, other.first) == ("test", 4, 0)
    assert other.chosen.tolist() == [0, 1]
    assert other.other_part().part == "train"


def test_pages_follow_each_other_and_stop_at_both_ends() -> None:
    browsing = Browsing(DATA)
    firsts = [browsing.first]
    for _ in range(5):
        browsing = browsing.turned(1, 6)
        firsts.append(browsing.first)
    assert firsts == [0, 6, 12, 18, 18, 18]
    for _ in range(5):
        browsing = browsing.turned(-1, 6)
        firsts.append(browsing.first)
    assert firsts[6:] == [12, 6, 0, 0, 0]


@pytest.mark.parametrize(("count", "last"), [(12, 6), (13, 12), (1, 0)])
def test_the_last_page_is_never_empty(count: int, last: int) -> None:
    browsing = Browsing(dataset(image_set([0] * count), DATA.test))
    for _ in range(4):
        browsing = browsing.turned(1, 6)
    assert browsing.first == last


def test_a_class_without_images_can_be_turned() -> None:
    browsing = Browsing(DATA).only(7).turned(1, 6)
    assert browsing.first == 0
    assert len(browsing.chosen) == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([-1, 1]), st.integers(1, 30)), max_size=12))
def test_the_next_page_never_starts_before_this_one_at_any_size(turns: list[tuple[int, int]]) -> None:
    browsing = Browsing(DATA)
    for direction, capacity in turns:
        turned = browsing.turned(direction, capacity)
        assert 0 <= turned.first < 21
        assert (turned.first - browsing.first) * direction >= 0
        browsing = turned


def test_a_jump_finds_the_image_in_the_datas_own_order_and_keeps_a_class_that_it_is_of() -> None:
    there = Browsing(DATA).only(9).shuffled().showing(13)
    assert (there.label, there.shuffle, there.chosen[there.first]) == (9, 0, 13)
    elsewhere = there.showing(12)
    assert (elsewhere.label, elsewhere.chosen[elsewhere.first]) == (None, 12)
    with pytest.raises(IndexError, match="train images go from 0 to 20"):
        there.showing(21)


def test_a_page_that_holds_a_position_stays_and_another_one_is_turned_to() -> None:
    browsing = Browsing(DATA).showing(2)
    assert browsing.turned_to(7, 6) is browsing
    assert browsing.turned_to(8, 6).first == 6
    assert browsing.turned_to(1, 6).first == 0


def test_a_tenth_of_the_training_images_validates() -> None:
    browsing = Browsing(DATA)
    assert sum(browsing.is_validation(index) for index in range(21)) == 3
    assert not any(browsing.other_part().is_validation(index) for index in range(3))


def test_the_caption_of_an_augmented_image_describes_it() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[10, 10] = 255
    garments = replace(dataset(ImageSet.of(image[None], np.zeros(1, np.uint8)), DATA.test), flips=True)
    original, *seen = augmented_page(Browsing(garments), 0, 60)
    assert original.image is not image
    assert np.array_equal(original.image, image)
    for one in seen:
        [[row, column]] = np.argwhere(one.image)
        down, right = row - 10, column - (17 if "flipped" in one.caption else 10)
        arrows = {-1: "↑", 0: "", 1: "↓"}[down] + {-1: "←", 0: "", 1: "→"}[right]
        assert one.caption.removeprefix("flipped").strip() in (arrows, "unchanged")
    assert len({one.caption for one in seen}) == 18
    _, *moved = augmented_page(Browsing(replace(garments, flips=False)), 0, 60)
    assert {one.caption for one in moved} == {one.caption for one in seen if "flipped" not in one.caption}


def test_counts_are_of_the_part_and_name_every_class() -> None:
    browsing = Browsing(DATA)
    assert browsing.images.class_counts(10) == [9, 6, 3, 0, 0, 0, 0, 0, 0, 3]
    assert browsing.other_part().images.class_counts(10) == [0, 0, 0, 0, 2, 1, 0, 0, 0, 0]


def test_what_is_browsed_is_never_copied() -> None:
    assert np.shares_memory(Browsing(DATA).images.images, DATA.train.images)
