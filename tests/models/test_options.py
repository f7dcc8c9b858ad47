from __future__ import annotations

import re
from typing import Any

import pytest

from fmnist_tui.models.options import ConfigError, Option, option_named

WHOLE = Option(name="model.units", kind="int", documentation="", low=1, high=10_000)
RATE = Option(name="rate", kind="float", documentation="", low=0, above=True, high=100)
SCALE = Option(name="scale", kind="float | None", documentation="")
SIZES = Option(name="sizes", kind="ints", documentation="", low=1, high=99, longest=3)
KIND = Option(name="kind", kind="str", documentation="", choices=("a", "b"))
SWITCH = Option(name="switch", kind="bool", documentation="")


@pytest.mark.parametrize(
    ("option", "given", "value", "written"),
    [
        (WHOLE, "12", 12, "12"),
        (WHOLE, 12, 12, "12"),
        (RATE, "1e-3", 0.001, "0.001"),
        (RATE, 3, 3.0, "3.0"),
        (SCALE, "auto", None, "auto"),
        (SCALE, "-0.5", -0.5, "-0.5"),
        (SIZES, "30, 10", (30, 10), "30,10"),
        (SIZES, [30, 10], (30, 10), "30,10"),
        (KIND, " b ", "b", "b"),
        (SWITCH, "on", True, "true"),
        (SWITCH, False, False, "false"),
    ],
)
def test_a_value_is_read_from_text_and_from_toml_and_written_as_it_is_typed(
    option: Option, given: Any, value: Any, written: str
) -> None:
    assert option.read(given) == value
    assert type(option.read(given)) is type(value)
    assert option.write(value) == written
    assert option.read(written) == value


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        (WHOLE, "x", "invalid units 'x' (must be a whole number, between 1 and 10,000)"),
        (WHOLE, "0", "invalid units 0 (must be between 1 and 10,000)"),
        (WHOLE, True, "invalid model.units True (must be of type int)"),
        (WHOLE, 1.5, "invalid model.units 1.5 (must be of type int)"),
        (RATE, "", "invalid rate '' (must be a number, above 0 and at most 100)"),
        (RATE, "nan", "invalid rate nan (must be above 0 and at most 100)"),
        (SCALE, "inf", "invalid scale inf (must be a finite number)"),
        (SCALE, "auto1", "invalid scale 'auto1' (must be a number, or auto)"),
        (SIZES, "3,x", "invalid sizes '3,x' (must be whole numbers between commas, 1 to 3, between 1 and 99)"),
        (SIZES, "1,2,3,4", "invalid sizes 1,2,3,4 (1 to 3 numbers)"),
        (SIZES, "1,200", "invalid sizes 200 (must be between 1 and 99)"),
        (KIND, "c", "invalid kind 'c' (choose from a, b)"),
        (SWITCH, "maybe", "invalid switch 'maybe' (must be true or false)"),
    ],
)
def test_an_invalid_value_is_reported_with_the_valid_ones(option: Option, given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        option.read(given)


def test_an_unknown_name_gets_the_nearest_one_and_the_list() -> None:
    options = (WHOLE, RATE, KIND)
    assert option_named(options, "rate") is RATE
    with pytest.raises(
        ConfigError, match=r"^unknown setting 'rates'; did you mean 'rate'\? \(choose from model.units, rate, kind\)$"
    ):
        option_named(options, "rates")
    with pytest.raises(ConfigError, match=r"^unknown setting 'zzz' \(choose from"):
        option_named(options, "zzz")
    with pytest.raises(ConfigError, match=r"^'seed' is not a hyper-parameter: use --seed$"):
        option_named(options, "seed", {"seed": "--seed"})
