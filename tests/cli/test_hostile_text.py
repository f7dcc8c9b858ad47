"""Text from files, folders and arguments is shown as text: no escape code and no markup of it takes effect."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.events import RunFinished, Stage

from .commands import ENDLESS, call, copy_of, edit
from .conftest import Fmnist
from .idx import sample
from .terminal import Terminal, terminal

HOSTILE = "\x1b[31m\x1b]0;title\x07\x9b1m\x7f\u202e[bold]x[/bold] :bomb: \r\n$(id)"
"""Colours, a window title, an 8-bit control, a delete, a reversal, markup, an emoji's name, a line break."""

AS_TEXT = "[bold]x[/bold] :bomb:"

CLEAR_LINE = "\r\x1b[K"


@pytest.fixture
def labelled(finished: RunDirectory, runs: Path) -> RunDirectory:
    """A finished run whose label, recipe, data and last message are hostile."""
    run = copy_of(finished, runs)
    edit(run.label, name=HOSTILE, note=HOSTILE)
    edit(run.run_json, recipe=HOSTILE, device=HOSTILE, data={"source": HOSTILE, "name": HOSTILE})
    edit(run.run_json, seed=HOSTILE, hyperparameters={HOSTILE: HOSTILE})
    record = {"event": "run_finished", "reason": "completed", "message": HOSTILE, "time": 1, "seq": 99}
    with run.events.open("a") as log:
        log.write(f"{json.dumps(record)}\n")
    return run


def raw_controls(text: str) -> set[str]:
    """What a terminal would obey in `text`, line ends apart."""
    return {character for character in text if unicodedata.category(character) in ("Cc", "Cf")} - {"\n", "\r"}


@pytest.mark.parametrize(
    "command",
    [
        "runs",
        "show last --json",
        *(pytest.param(command, marks=pytest.mark.slow) for command in ("runs --json", "show last")),
    ],
)
def test_labels_and_settings_are_printed_as_text_on_a_terminal(labelled: RunDirectory, command: str) -> None:
    with terminal(*command.split(), "--runs", labelled.path.parent, columns=400, rows=80) as shown:
        assert shown.status() == 0
    assert raw_controls(shown.sent.decode()) == set()
    assert AS_TEXT in shown.text


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_results_hold_no_control_characters(fmnist: Fmnist, labelled: RunDirectory, form: str) -> None:
    outcome = fmnist("results", "--all", "--format", form, "--runs", labelled.path.parent)
    assert outcome.status == 0
    assert raw_controls(outcome.out) == set()


def test_messages_of_a_trainer_are_printed_as_text(labelled: RunDirectory) -> None:
    outcome = call("attach", "last", "--runs", labelled.path.parent)
    assert outcome.status == 0
    assert raw_controls(outcome.out) == set()
    assert AS_TEXT in outcome.lines[-1]


@pytest.fixture
def hostile_folder(tmp_path: Path) -> Path:
    return tmp_path / HOSTILE.replace("/", "_")


@pytest.mark.parametrize("command", ["data", pytest.param("data --json", marks=pytest.mark.slow)])
def test_a_data_folders_name_is_printed_as_text(hostile_folder: Path, command: str) -> None:
    sample().write(hostile_folder)
    with terminal(*command.split(), "--data", hostile_folder, columns=400, rows=80) as shown:
        assert shown.status() == 0
    assert raw_controls(shown.sent.decode().replace(CLEAR_LINE, "")) == set()
    assert "[bold]x[_bold] :bomb:" in shown.text


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "--data", "FOLDER"],
        ["show", "last", "--runs", "FOLDER"],
        ["export", "last", "--to", "FILE/FOLDER", "--runs", "RUNS"],
        ["train", *ENDLESS, "--runs", "FILE/FOLDER"],
        ["train", HOSTILE, "--runs", "FOLDER"],
    ],
    ids=["data", "runs", "export", "train", "version"],
)
def test_an_error_about_a_strange_name_is_one_printable_line(
    fmnist: Fmnist, hostile_folder: Path, finished: RunDirectory, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "file").touch()
    places = {
        "FOLDER": hostile_folder,
        "FILE/FOLDER": tmp_path / "file" / hostile_folder.name,
        "RUNS": finished.path.parent,
    }
    outcome = fmnist(*(places.get(argument, argument) for argument in arguments))
    assert (outcome.status, outcome.out) == (1, "")
    assert "[bold]x" in outcome.complaint


@pytest.mark.parametrize("command", ["runs", pytest.param("export last --to", marks=pytest.mark.slow)])
def test_a_folder_that_a_command_names_is_printed_as_text(
    hostile_folder: Path, finished: RunDirectory, command: str
) -> None:
    arguments = [hostile_folder, "--runs", finished.path.parent] if "export" in command else ["--runs", hostile_folder]
    with terminal(*command.split(), *arguments, columns=400) as shown:
        assert shown.status() == 0
    assert raw_controls(shown.sent.decode()) == set()
    assert "[bold]x[_bold]" in shown.text


FOLLOW = """
import sys
from pathlib import Path
from fmnist_tui.cli.follow import ProgressBars, follow
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.follower import Follower

follow([Follower(RunDirectory(Path(sys.argv[1])))], ProgressBars())
"""


@pytest.fixture(params=[Stage(HOSTILE), RunFinished("failed", message=HOSTILE)], ids=["stage", "end"])
def last_words(request: pytest.FixtureRequest, runs: Path) -> Iterator[Terminal]:
    """A terminal in which a run is followed whose log ends in a hostile message."""
    run = RunDirectory(runs / "v0-20250101-000000-00ff")
    run.path.mkdir(parents=True)
    name, words = ("stage", "name") if isinstance(request.param, Stage) else ("run_finished", "message")
    record = {"event": name, "reason": "failed", words: HOSTILE, "time": 1, "seq": 0}
    run.events.write_text(f"{json.dumps(record)}\n")
    with terminal(run.path, program=(sys.executable, "-c", FOLLOW), columns=200) as shown:
        assert shown.status() == 0
        yield shown


def test_progress_bars_show_messages_of_a_trainer_as_text(last_words: Terminal) -> None:
    sent = last_words.sent.decode()
    assert "\x1b[31m" not in sent
    assert "\x1b]0;" not in sent
    assert raw_controls(sent) <= {"\x1b"}
    assert AS_TEXT in last_words.text
