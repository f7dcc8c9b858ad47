from __future__ import annotations

import pytest

from fmnist_tui.doctor.session import characters_check, colours_check, terminal_check
from fmnist_tui.host.machine import Check, CheckState
from fmnist_tui.host.terminal import colours, is_utf8

from .conftest import Make
from .machines import PLAIN


def test_a_usual_terminal_is_named_with_its_size(make: Make) -> None:
    assert terminal_check(make()) == Check("terminal", CheckState.OK, "TERM=xterm-256color, 80x24")


@pytest.mark.parametrize("size", [(60, 18), (79, 40), (200, 23)])
def test_a_small_one_is_enough(make: Make, size: tuple[int, int]) -> None:
    row = terminal_check(make(size=size))
    assert (row.state, row.advice) == (CheckState.OK, "")
    assert "comfortable" in row.message


@pytest.mark.parametrize("size", [(59, 18), (60, 17), (1, 1)])
def test_one_that_is_too_small_is_a_problem(make: Make, size: tuple[int, int]) -> None:
    row = terminal_check(make(size=size))
    assert row.state is CheckState.PROBLEM
    assert "60x18" in row.advice


def test_no_terminal_is_no_problem_but_says_how_to_get_one(make: Make) -> None:
    row = terminal_check(make(size=None))
    assert row.state is CheckState.NOTE
    assert "ssh -t" in row.advice


@pytest.mark.parametrize("size", [(0, 0), (80, 0)])
def test_the_size_of_a_terminal_that_does_not_know_it_can_be_set(make: Make, size: tuple[int, int]) -> None:
    row = terminal_check(make(size=size))
    assert row.state is CheckState.NOTE
    assert row.advice == "set it with: stty cols 80 rows 24"


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": "unknown"}, {"TERM": ""}, {}])
def test_a_dumb_terminal_is_a_note_without_colours(make: Make, environ: dict[str, str]) -> None:
    row = terminal_check(make(environ=environ))
    assert row.state is CheckState.NOTE
    assert "TERM=xterm-256color" in row.advice
    assert colours_check(make(environ=environ)).message.startswith("none")


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, 1 << 24),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, 1 << 24),
        ({"TERM": "xterm-256color", "COLORTERM": "yes"}, 256),
        ({"TERM": "tmux-256color"}, 256),
        ({"TERM": "xterm-kitty"}, 256),
        ({"TERM": "linux"}, 16),
        ({"TERM": "screen"}, 16),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, 0),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, 0),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, 0),
        ({}, 0),
    ],
)
def test_colours_are_counted_as_the_app_draws_them(environ: dict[str, str], count: int) -> None:
    assert colours(environ) == count


def test_few_colours_come_with_advice_and_many_without(make: Make) -> None:
    few = colours_check(make(environ={"TERM": "linux"}))
    assert (few.state, few.message) == (CheckState.NOTE, "16")
    assert "COLORTERM=truecolor" in few.advice
    for environ in (PLAIN, {"TERM": "xterm-256color"}, {**PLAIN, "NO_COLOR": "1"}):
        row = colours_check(make(environ=environ))
        assert (row.state, row.advice) == (CheckState.OK, "")


def test_without_a_terminal_nothing_is_advised_about_its_colours(make: Make) -> None:
    assert colours_check(make(environ={"TERM": "xterm"}, size=None)).advice == ""


@pytest.mark.parametrize(
    ("environ", "utf8"),
    [
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "en_US.utf8"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "POSIX"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "LC_CTYPE": "C"}, False),
        ({"LANG": "en_US.UTF-8", "LC_CTYPE": "en_US.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "en_US.UTF-8", "LC_ALL": ""}, True),
        ({}, False),
    ],
)
def test_the_locales_first_word_says_whether_it_is_utf8(environ: dict[str, str], utf8: bool) -> None:
    assert is_utf8(environ) is utf8


def test_without_utf8_ascii_is_reported_and_the_way_out_fits_the_system(make: Make) -> None:
    row = characters_check(make(environ={"LANG": "C"}))
    assert (row.state, row.message) == (CheckState.NOTE, "not UTF-8 (LANG=C): the app draws in ASCII")
    assert "LC_ALL=C.UTF-8" in row.advice
    assert "en_US.UTF-8" in characters_check(make(environ={"LANG": "C"}, system="Darwin")).advice
    message = "UTF-8 (LANG=de_DE.UTF-8); in other locales the app draws in ASCII"
    assert characters_check(make()) == Check("characters", CheckState.OK, message)
