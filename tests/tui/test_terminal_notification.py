from __future__ import annotations

import pytest

from fmnist_tui.tui.terminal_notification import terminal_notification, understands_notifications


def test_the_text_can_neither_end_the_sequence_nor_begin_another() -> None:
    assert terminal_notification("4;1\x07\x1b]0;title\n") == "\x1b]9;fmnist-tui: 4;1  ]0;title \x07"
    assert len(terminal_notification("x" * 1000)) < 230


@pytest.mark.parametrize(
    ("environ", "understands"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "TMUX": "/run/tmux,1,0"}, False),
        ({"TERM": "screen-256color"}, False),
        ({"TERM": "linux"}, False),
        ({}, False),
    ],
)
def test_it_is_not_sent_to_consoles_and_multiplexers(environ: dict[str, str], understands: bool) -> None:
    assert understands_notifications(environ) is understands
