from __future__ import annotations

import math
from typing import Any

import pytest

from fmnist_tui.analysis.values import nested, number, text, whole

RECORD: dict[str, Any] = {
    "float": 0.5,
    "int": 3,
    "bool": True,
    "text": "a\nb",
    "object": {"x": 1},
    "huge": 10**400,
    "nan": math.nan,
    "infinite": -math.inf,
    "none": None,
}


@pytest.mark.parametrize(
    ("read", "found", "else_found"),
    [
        (number, {"float": 0.5, "int": 3.0}, None),
        (whole, {"int": 3}, None),
        (text, {"text": "a b"}, ""),
        (nested, {"object": {"x": 1}}, {}),
    ],
)
def test_a_value_of_another_type_is_no_value(read: Any, found: dict[str, Any], else_found: Any) -> None:
    for key in [*RECORD, "missing"]:
        assert read(RECORD, key) == found.get(key, else_found)


def test_a_text_is_cut_to_200_characters() -> None:
    assert len(text({"x": "y" * 10_000}, "x")) == 200
