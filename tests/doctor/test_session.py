from __future__ import annotations

import pytest

from fmnist_tui.doctor.session import clipboard_check, query_tmux, session_check
from fmnist_tui.host.machine import Check, CheckState, Machine
from fmnist_tui.host.processes import CommandResult

from .conftest import Make
from .machines import PLAIN

INSIDE = {"TERM": "tmux-256color", "TMUX": "default,1,0", "TERM_PROGRAM": "tmux"}
OPTIONS = (
    'buffer-limit 50\ncommand-alias[0] split-pane=split-window\nterminal-overrides\nset-clipboard {}\neditor "vi"\n'
)


def tmux(clipboard: str = "on", client: str = "xterm-256color 256,RGB,clipboard,title") -> dict[str, CommandResult]:
    return {"tmux": CommandResult(0, f"{client}\n{OPTIONS.format(clipboard)}")}


def rows(machine: Machine) -> tuple[Check, Check]:
    tmux = query_tmux(machine)
    return session_check(machine, tmux), clipboard_check(machine, tmux)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "local"),
        ({"SSH_CONNECTION": "10.0.0.1 22 10.0.0.2 22"}, "over SSH"),
        ({"SSH_TTY": "/dev/pts/1"}, "over SSH"),
        ({"SSH_TTY": "/dev/pts/1", "STY": "1.pts"}, "over SSH, inside GNU screen"),
        ({"SSH_TTY": "/dev/pts/1", "TERM": "tmux-256color"}, "over SSH, tmux or screen on the client side"),
    ],
)
def test_the_layers_between_are_reported(make: Make, environ: dict[str, str], message: str) -> None:
    assert rows(make(environ={**PLAIN, **environ}))[0] == Check("session", CheckState.OK, message)


def test_tmux_is_not_asked_where_there_is_none(make: Make) -> None:
    assert query_tmux(make(answers=tmux())) is None


def test_a_tmux_that_passes_everything_on_is_fine(make: Make) -> None:
    session, clipboard = rows(make(environ={**INSIDE, "TERM_PROGRAM_VERSION": "3.3a"}, answers=tmux()))
    assert session == Check("session", CheckState.OK, "local, inside tmux 3.3a")
    assert (clipboard.state, clipboard.advice) == (CheckState.OK, "")


@pytest.mark.parametrize("option", ["external", "off"])
def test_a_tmux_that_keeps_copies_gets_a_line_for_its_configuration(make: Make, option: str) -> None:
    clipboard = rows(make(environ=INSIDE, answers=tmux(option)))[1]
    assert clipboard.state is CheckState.NOTE
    assert f"set-clipboard {option}" in clipboard.message
    assert clipboard.advice.startswith("set -g set-clipboard on  (in ~/.tmux.conf")


def test_a_tmux_that_does_not_know_what_its_terminal_can_is_reported(make: Make) -> None:
    session, clipboard = rows(make(environ=INSIDE, answers=tmux(client="foot 256,title")))
    assert (session.state, clipboard.state) == (CheckState.NOTE, CheckState.NOTE)
    assert 'set -as terminal-features ",*:RGB"' in session.advice
    assert 'set -as terminal-features ",*:clipboard"' in clipboard.advice


@pytest.mark.parametrize("client", ["xterm-256color ", " ", ""])
def test_an_old_tmux_or_one_without_a_client_is_not_blamed_for_what_it_does_not_say(make: Make, client: str) -> None:
    session, clipboard = rows(make(environ=INSIDE, answers=tmux(client=client)))
    assert (session.state, clipboard.state) == (CheckState.OK, CheckState.OK)


def test_a_tmux_with_few_colours_gets_a_better_terminal(make: Make) -> None:
    session = rows(make(environ={**INSIDE, "TERM": "screen"}, answers=tmux()))[0]
    assert session.state is CheckState.NOTE
    assert session.advice.startswith('set -g default-terminal "tmux-256color"')


@pytest.mark.parametrize(
    "answer",
    [
        CommandResult(None, errors="no answer within 1 s"),
        CommandResult(1, "", "no server running"),
        CommandResult(0, ""),
    ],
)
def test_a_tmux_that_does_not_answer_ends_nothing(make: Make, answer: CommandResult) -> None:
    for row in rows(make(environ=INSIDE, answers={"tmux": answer})):
        assert row.state in (CheckState.OK, CheckState.NOTE)


@pytest.mark.parametrize(
    ("environ", "state", "word"),
    [
        ({"TERM": "xterm-kitty"}, CheckState.OK, "supports copying"),
        ({"TERM_PROGRAM": "iTerm.app"}, CheckState.OK, "supports copying"),
        ({"WT_SESSION": "1"}, CheckState.OK, "supports copying"),
        ({"TERM_PROGRAM": "Apple_Terminal"}, CheckState.NOTE, "doesn't support copying"),
        ({"TERM": "linux"}, CheckState.NOTE, "doesn't support copying"),
        ({"STY": "1.pts", "TERM": "screen"}, CheckState.NOTE, "GNU screen doesn't"),
        ({"TERM": "tmux-256color"}, CheckState.NOTE, "has to pass tmux or screen on the client side"),
        ({}, CheckState.NOTE, "can't be queried"),
    ],
)
def test_of_the_clipboard_only_what_is_known_is_reported(
    make: Make, environ: dict[str, str], state: CheckState, word: str
) -> None:
    row = rows(make(environ={**PLAIN, **environ}))[1]
    assert row.state is state
    assert word in row.message
    assert ("fmnist-tui export --to DIR" in row.advice) is (state is CheckState.NOTE)
