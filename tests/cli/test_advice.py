"""Commands and options named in advice exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import fmnist_tui
from fmnist_tui.cli import cli

SOURCES = [path.read_text() for path in Path(fmnist_tui.__file__).parent.rglob("*.py")]
CALLS = {
    re.sub(r"(?<=\w)\{\w+\}", "", call)  # a field directly after a word adds options, or nothing
    for source in SOURCES
    for call in re.findall(r"(?<!\"`)fmnist-tui ([a-z][^`\"\n;,]*)", source)
}
NAMED = {option for source in SOURCES for option in re.findall(r"(?:with|use|or|; | a lower|try) (--[a-z-]+)", source)}


def command(name: str) -> click.Command | None:
    with click.Context(cli) as context:
        return cli.get_command(context, name)


def options(name: str) -> set[str]:
    """Those of a command, and of the commands below it."""
    found = command(name)
    below = found.commands.values() if isinstance(found, click.Group) else []
    return {"--help", *(option for each in (found, *below) if each for one in each.params for option in one.opts)}


def test_advice_is_found() -> None:
    assert len(CALLS) > 10
    assert {"--runs", "--data", "--device"} <= NAMED


@pytest.mark.parametrize("call", sorted(CALLS))
def test_a_named_command_exists_with_its_options(call: str) -> None:
    name, *rest = call.split()
    assert command(name), call
    assert {word for word in rest if word.startswith("--")} <= options(name)
    assert rest or not any(one.required for one in getattr(command(name), "params", [])), "it needs an argument"


@pytest.mark.parametrize("option", sorted(NAMED))
def test_a_named_option_belongs_to_a_command(option: str) -> None:
    with click.Context(cli) as context:
        assert any(option in options(name) for name in cli.list_commands(context))
