"""Which settings a trial gets."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fmnist_tui.models.options import ConfigError
from fmnist_tui.models.registry import get_model
from fmnist_tui.sweeps import samplers
from fmnist_tui.sweeps.samplers import Tried, check_sampler, propose
from fmnist_tui.sweeps.space import parse_space

V0 = get_model("v0")
RANGES = parse_space(V0, {"learning_rate": "log:1e-4:1", "momentum": "0,0.5,0.9"})
CHOICES = parse_space(V0, {"learning_rate": "0.01,0.1", "momentum": "0,0.5,0.9"})


def test_random_search_depends_on_the_seed_and_the_trials_number_alone() -> None:
    first = [propose("random", RANGES, 3, number) for number in range(20)]
    assert [propose("random", RANGES, 3, number) for number in reversed(range(20))] == first[::-1]
    assert first != [propose("random", RANGES, 4, number) for number in range(20)]
    assert {one["momentum"] for one in first} == {0.0, 0.5, 0.9}
    below = sum(one["learning_rate"] < 1e-2 for one in (propose("random", RANGES, 0, k) for k in range(400)))
    assert 150 < below < 250  # evenly over the logarithm


@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_no_combination_is_tried_twice(sampler: str) -> None:
    found = {tuple(propose(sampler, CHOICES, 1, number).values()) for number in range(6)}
    assert len(found) == 6
    assert check_sampler(sampler, CHOICES, None) == 6
    with pytest.raises(ConfigError, match=r"only 6 combinations: use --trials 6"):
        check_sampler(sampler, CHOICES, 7)


def test_a_grid_has_all_whole_numbers_of_a_range() -> None:
    space = parse_space(get_model("v3"), {"shift": "0:3", "weight_decay": "0,0.01"})
    assert check_sampler("grid", space, None) == 8
    found = [propose("grid", space, 0, number) for number in range(8)]
    assert [one["shift"] for one in found] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert check_sampler("random", space, 100) == 100  # at random, a range is sampled as before
    with pytest.raises(ConfigError, match="not a range: give their number, batch_size=log:16:512:5"):
        check_sampler("grid", parse_space(get_model("v3"), {"batch_size": "log:16:512"}), None)


def test_what_a_sampler_cannot_do_is_said_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"not a range: give their number, learning_rate=log:1e-4:1:5, or list them"):
        check_sampler("grid", RANGES, 4)
    with pytest.raises(ConfigError, match="--trials N"):
        check_sampler("random", RANGES, None)
    monkeypatch.setattr(samplers, "find_spec", lambda _: None)
    for call in (lambda: check_sampler("tpe", RANGES, 5), lambda: propose("tpe", RANGES, 0, 0, [], Path("journal"))):
        with pytest.raises(ConfigError, match=r"install it: pip install optuna, or, .* '\.\[sweep\]'$"):
            call()


@pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="needs the extra [sweep]")
def test_tpe_learns_from_earlier_trials_and_its_journal_can_be_lost(tmp_path: Path) -> None:
    journal = tmp_path / "optuna.journal"
    tried: list[Tried] = []
    for number in range(16):
        settings = propose("tpe", RANGES, 0, number, tried, journal)
        good = 1.0 - abs(settings["learning_rate"] - 0.1)
        tried.append(Tried(number, settings, None if number == 3 else good, is_over=number != 15))
    early, late = (sum(abs(one.settings["learning_rate"] - 0.1) for one in part) for part in (tried[:6], tried[10:]))
    assert late < early
    following = propose("tpe", RANGES, 0, 16, tried, journal)
    for damage in (b"{torn", b'{"op_code": 99}\n', b""):
        journal.write_bytes(damage)
        assert propose("tpe", RANGES, 0, 16, tried, journal)["momentum"] in (0.0, 0.5, 0.9)
    assert 1e-4 <= following["learning_rate"] <= 1
