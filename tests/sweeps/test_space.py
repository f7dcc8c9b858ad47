"""What is typed after --set becomes a search space, or an error of one line that says what is wrong."""

from __future__ import annotations

import pytest

from fmnist_tui.models.options import ConfigError
from fmnist_tui.models.registry import get_model
from fmnist_tui.sweeps.space import Space, full_name, is_search, parse_space, trial_config
from fmnist_tui.training.recipes import configure

V3 = get_model("v3")


def space(**given: str) -> Space:
    return parse_space(V3, given)


def test_ranges_and_choices_are_read_and_whole_numbers_stay_whole() -> None:
    rate, decay, shift, smoothing, flip = space(
        learning_rate="log:1e-4:1e-2", weight_decay="0,0.01", shift="0:3", label_smoothing="0:0.2", flip="on,off"
    ).dimensions
    assert (rate.low, rate.high, rate.is_log, rate.choices) == (1e-4, 1e-2, True, ())
    assert rate.at(0.5) == pytest.approx(1e-3)
    assert (decay.choices, flip.choices) == ((0.0, 0.01), ("on", "off"))
    assert [shift.at(fraction) for fraction in (0.0, 0.3, 0.99)] == [0, 1, 3]
    assert isinstance(shift.at(0.7), int)
    assert smoothing.at(0.123456) == 0.02469  # four digits, so that it can be typed


def test_whole_numbers_of_a_logarithmic_range_reach_both_ends() -> None:
    (batch,) = space(batch_size="log:16:512").dimensions
    values = [batch.at(fraction / 999.01) for fraction in range(1000)]
    assert (min(values), max(values)) == (16, 512)
    assert abs(sum(value < 91 for value in values) - 500) < 20


def test_a_range_with_a_count_is_so_many_values() -> None:
    rate, shift = space(learning_rate="log:1e-4:1e-2:3", shift="0:3:3").dimensions
    assert rate.choices == (1e-4, 1e-3, 1e-2)
    assert rate.is_log
    assert shift.choices == (0, 2, 3)
    (rate,) = space(learning_rate="log:1e-320:100:3").dimensions  # their ratio is no float
    assert rate.choices == (1e-320, pytest.approx(1e-159), 100.0)


def test_lists_are_separated_by_slashes() -> None:
    (hidden,) = parse_space(get_model("v0"), {"model.hidden": "100/300,100"}).dimensions
    assert hidden.choices == ((100,), (300, 100))


def test_combinations_are_numbered_with_the_last_setting_changing_fastest() -> None:
    grid = space(weight_decay="0,0.01", shift="0,1,2")
    assert grid.size == 6
    assert [tuple(grid.combination(index).values()) for index in (0, 1, 3)] == [(0.0, 0), (0.0, 1), (0.01, 0)]
    assert space(learning_rate="1e-3:1").size is None


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("learning_rate", "log:0:1", "invalid learning rate 0 (must be above 0"),
        ("learning_rate", "0.1:0.2:" + 5000 * "9", "is no number of values from 2 to 10,000"),
        ("weight_decay", "log:0:1", "a logarithmic one starts above 0"),
        ("learning_rate", "1e-2:1e-4", "0.01 is not below 0.0001"),
        ("learning_rate", "log:1e-4", "must be LOW:HIGH, log:LOW:HIGH or A,B,C"),
        ("learning_rate", "lin:1e-4:1", "invalid learning rate 'lin'"),
        ("learning_rate", "1e-4:x", "invalid learning rate 'x' (must be a number"),
        ("learning_rate", "1e-4:1e-2:1", "'1' is no number of values"),
        ("label_smoothing", "0:1", "invalid label smoothing 1 (must be at least 0 and below 1)"),
        ("optimizer", "adamw:sgd", "has no range: list its values as optimizer=A,B"),
        ("optimizer", "adamw,adam", "invalid optimizer 'adam' (choose from"),
        ("shift", "0,1,0", "0 is listed twice"),
        ("shift", "0:2.5", "invalid shift '2.5' (must be a whole number"),
        ("warm_up", "auto:0.5", "the ends must be numbers"),
        ("dropot", "0:0.5", "unknown setting 'dropot'"),
        ("seed", "0,1", "'seed' is not a hyper-parameter: use --seed"),
    ],
)
def test_each_mistake_has_an_error_of_one_line(name: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_space(V3, {name: text})
    assert problem in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_setting_with_one_value_is_no_search() -> None:
    assert is_search(V3, "learning_rate", "1e-3,1e-2")
    assert not is_search(V3, "learning_rate", "1e-3")
    assert (full_name("lr"), full_name("batch-size")) == ("learning_rate", "batch_size")


def test_a_trial_has_its_own_settings_and_never_scores_the_test_images() -> None:
    base = configure("v3", "tuned", {"epochs": 4}, seed=5)
    searched = space(learning_rate="log:1e-4:1e-2", shift="0,1")
    config = trial_config(base, searched, {"learning_rate": 0.002, "shift": 0})
    assert (config.hyperparameters.learning_rate, config.hyperparameters.shift) == (0.002, 0)
    assert (config.hyperparameters.epochs, config.seed, config.score_test, config.modified) == (4, 5, False, True)
    again = trial_config(base, searched, {"learning_rate": 0.002, "shift": 0}, 6, score_test=True)
    assert (again.seed, again.score_test) == (6, True)
    with pytest.raises(ConfigError, match="learning rate"):
        trial_config(base, searched, {"learning_rate": -1, "shift": 0})
