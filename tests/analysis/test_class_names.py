from __future__ import annotations

from pathlib import Path

import pytest

from fmnist_tui.data.official import FASHION_CLASSES
from fmnist_tui.runs.run import read_run

from .builders import make_run

UNKNOWN = tuple(f"class {label}" for label in range(10))


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"name": "demo", "test_fingerprint": "ab"}, FASHION_CLASSES),
        ({"name": "Fashion-MNIST"}, FASHION_CLASSES),
        ({"name": 'folder "mnist"', "test_fingerprint": "ab"}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_garments_have_names_and_other_data_has_numbers(
    tmp_path: Path, data: dict[str, str], names: tuple[str, ...]
) -> None:
    assert read_run(make_run(tmp_path, config={"data": data})).class_names == names


def test_the_official_test_images_are_known_by_their_fingerprint(tmp_path: Path) -> None:
    assert read_run(make_run(tmp_path)).class_names == FASHION_CLASSES
