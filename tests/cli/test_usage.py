from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fmnist_tui.cli.app import _check_terminal
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.version import __version__

from .commands import call
from .conftest import Fmnist

COMMANDS = {
    *("train", "runs", "show", "attach", "pause", "continue", "stop", "resume"),
    *("label", "delete", "queue", "recipe", "results", "analyse", "export", "data", "bench", "doctor"),
    *("models", "new-model", "predict", "watch", "sweep"),
}

OPTIONS = {
    "recipe": {"show"},
    "sweep": {
        *("--set", "--trials", "--sampler", "--halving", "--min-epochs", "--eta", "--retrain-seeds", "--seed"),
        *("--epochs", "--limit", "--workers", "--device", "--threads", "--detach", "--recipe", "--data", "--runs"),
        *("list", "show", "watch", "resume", "stop"),
        *("--on", "--partition", "--time", "--gpus", "--sbatch"),
    },
    "watch": {"--once", "--json", "--filter", "--group", "--runs"},
    "train": {
        "--set",
        "--recipe",
        "--epochs",
        "--batch-size",
        "--lr",
        "--seed",
        "--seeds",
        "--limit",
        "--flip",
        "--no-test",
        "--device",
        "--threads",
        "--data",
        "--runs",
        "--detach",
        "--in-app",
        "--json",
        *("--per-gpu", "--avoid-busy", "--after"),
    },
    "runs": {"--json", "--runs"},
    "show": {"--json", "--runs"},
    "attach": {"--runs"},
    "pause": {"--runs"},
    "continue": {"--runs"},
    "stop": {"--after-epoch", "--now", "--runs"},
    "resume": {
        *("--detach", "--in-app", "--json", "--runs", "--model", "--accept-changed-model"),
        *("--per-gpu", "--avoid-busy"),
    },
    "queue": {"--json"},
    "label": {"--name", "--tag", "--untag", "--note", "--json", "--runs"},
    "delete": {"--yes", "--runs"},
    "results": {"--recipe", "--all", "--format", "--runs"},
    "analyse": {
        *("--only", "--again", "--epochs", "--limit", "--device", "--json", "--data", "--runs"),
        *("--recipe", "--model", "--accept-changed-model"),
    },
    "predict": {
        *("--top", "--show", "--no-invert", "--no-levels", "--no-crop", "--no-centre"),
        *("--json", "--data", "--runs", "--model", "--accept-changed-model"),
    },
    "models": {"--json"},
    "new-model": set(),
    "export": {"--to", "--runs"},
    "data": {"--json", "--data"},
    "bench": {
        *("--seconds", "--device", "--threads", "--json"),
        *("--to", "--seeds", "--set", "--from-runs", "--data", "--runs"),
    },
    "doctor": {"--json", "--data", "--runs"},
}

WRONG = {
    "unknown command": (["trian"], "No such command 'trian'"),
    "unknown option": (["train", "v0", "--epoch", "3"], "--epochs"),
    "no model": (["train"], "MODEL...|all"),
    "no run": (["show"], "RUN"),
    "no picture": (["predict", "last"], "FILE..."),
    "no folder to export to": (["export", "last"], "--to"),
    "unknown recipe": (["train", "v0", "--recipe", "best"], "'tuned', 'origin'"),
    "unknown recipe of results": (["results", "--recipe", "best"], "'tuned', 'origin'"),
    "unknown format": (["results", "--format", "xml"], "'table', 'markdown', 'csv', 'json'"),
    "epochs that are no number": (["train", "v0", "--epochs", "many"], "'many' is not a valid integer"),
    "no seeds": (["train", "v0", "--seeds", "0"], "0 is not in the range 1<=x<=100"),
    "detached in this process": (["train", "v0", "--detach", "--in-app"], "choose one"),
    "a setting without a value": (["train", "v0", "--set", "ema"], "--set takes NAME=VALUE, not 'ema'"),
    "a setting twice": (["train", "v0", "--set", "ema=0.9", "--set", "ema=0.8"], "ema is set twice"),
    "a setting that is an option too": (["train", "v0", "--epochs", "3", "--set", "epochs=4"], "epochs is set twice"),
    "an unknown setting": (["train", "v0", "--set", "epoch=3"], "unknown setting 'epoch'; did you mean 'epochs'?"),
    "an unknown setting of a model": (["train", "v1", "--set", "model.dropuot=0.3"], "did you mean 'model.dropout'?"),
    "a setting of another engine": (["train", "v0", "--set", "precision=bf16"], "v0 (NumPy) has no setting"),
    "a setting out of range": (["train", "v1", "--set", "model.dropout=1"], "invalid dropout 1 (must be"),
    "a setting that is no number": (["train", "v0", "--set", "clip=much"], "invalid clip 'much' (must be"),
    "an alias of a setting": (["train", "v0", "--set", "lr=1"], "use learning_rate"),
    "runs before the command": (["--runs", "here", "runs"], "--runs comes after the command"),
    "an empty name": (["runs", "--runs", ""], "Invalid value for '--runs': the name is empty (see fmnist-tui runs"),
}


def test_help_lists_every_command_with_a_line_of_its_own(fmnist: Fmnist) -> None:
    for option in ("--help", "-h"):
        outcome = fmnist(option)
        assert (outcome.status, outcome.err) == (0, "")
        listed = outcome.out.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
        names = {line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "}
        assert names == COMMANDS
        assert all(len(line.split()) > 2 for line in listed if line[2] != " ")
    assert {"--version", "--debug", "--runs", "--data", "--in-app"} <= set(outcome.out.split())


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_command_lists_its_options(fmnist: Fmnist, command: str) -> None:
    outcome = fmnist(command, "--help")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines[0].startswith(f"Usage: fmnist-tui {command} ")
    assert OPTIONS[command] <= set(outcome.out.replace(",", " ").split())


def test_the_installed_command_and_the_module_are_the_same_program() -> None:
    script = Path(sys.executable).with_name("fmnist-tui")
    by_script = subprocess.run([script, "--version"], capture_output=True, check=True, encoding="utf-8")
    by_module = call("--version")
    assert by_module.status == 0
    assert by_script.stdout == by_module.out == f"fmnist-tui, version {__version__}\n"
    assert by_script.stderr == by_module.err == ""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], {"recipe", "resume", "results"}),
        (["train", "v"], set(BUILT_IN)),
        (["train", "v0", "--se"], {"--seed", "--seeds", "--set"}),
        (["show", "--runs", "RUNS", ""], {"last", "v0-20250101-000000-0001", "night", "v1-20250101-000000-0002"}),
        (["export", "--runs", "RUNS", "v0"], {"v0-20250101-000000-0001"}),
    ],
)
def test_the_shell_completes_commands(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], offered: set[str]
) -> None:
    (runs / "v0-20250101-000000-0001").mkdir(parents=True)
    (runs / "v0-20250101-000000-0001" / "label.json").write_text('{"name": "night"}')
    (runs / "v1-20250101-000000-0002").mkdir()
    (runs / "v1-20250101-000000-0002" / "label.json").write_text('{"name": "v0;reboot"}')
    line = ["fmnist-tui", *(str(runs) if word == "RUNS" else word for word in words)]
    monkeypatch.setenv("_FMNIST_TUI_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", shlex.join(line[:-1]) + f" {words[-1]}")
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert {line.partition(",")[2] for line in fmnist().lines} == offered


def test_the_app_without_a_terminal_is_one_line() -> None:
    outcome = call()
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint.startswith("the app needs a terminal; `fmnist-tui --help`")


def test_a_browser_needs_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """`textual serve` names the driver that draws; the refusal would otherwise come first, with any TERM."""
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    monkeypatch.setenv("TERM", "dumb")
    _check_terminal()
    monkeypatch.delenv("TEXTUAL_DRIVER")
    with pytest.raises(click.ClickException, match="needs a terminal"):
        _check_terminal()


@pytest.mark.parametrize(("arguments", "expected"), WRONG.values(), ids=WRONG)
def test_wrong_usage_exits_with_two_and_one_line_of_advice(fmnist: Fmnist, arguments: list[str], expected: str) -> None:
    outcome = fmnist(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert expected in outcome.complaint


def test_an_option_that_a_command_does_not_take_is_refused(fmnist: Fmnist, runs: Path) -> None:
    outcome = fmnist("--in-app", "runs", "--runs", runs)
    assert outcome.status == 2
    assert "--in-app" in outcome.err


def test_debug_shows_where_an_error_came_from(fmnist: Fmnist, runs: Path) -> None:
    plain = fmnist("show", "nothing", "--runs", runs)
    assert "Traceback" not in plain.err
    assert plain.complaint
    traced = call("--debug", "show", "nothing", "--runs", runs)
    assert traced.status == 1
    assert traced.err.startswith("Traceback (most recent call last):\n")
    assert f"RunError: {plain.complaint}\n" in traced.err


def test_an_unexpected_error_is_one_line_that_names_debug(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr("fmnist_tui.cli.runs.read_runs", fail)
    outcome = fmnist("runs", "--runs", runs)
    assert outcome.status == 1
    assert (
        outcome.complaint
        == "ZeroDivisionError: first line second line (run with fmnist-tui --debug ... for the traceback)"
    )


def test_an_interrupted_command_ends_silently(fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fmnist_tui.cli.runs.read_runs", interrupt)
    outcome = fmnist("runs", "--runs", runs)
    assert (outcome.status, outcome.out, outcome.err.strip()) == (130, "", "")


def test_a_size_belongs_to_a_folder(fmnist: Fmnist, tmp_path: Path) -> None:
    for data in ([], ["--data", "demo"]):
        outcome = fmnist("data", "--size", "8", *data)
        assert outcome.status == 2
        assert "--size resizes the pictures of a folder: name it with --data" in outcome.err
    outcome = fmnist("data", "--size", "8", "--data", tmp_path / "nowhere")
    assert outcome.complaint.startswith(f"there is no folder {tmp_path / 'nowhere'};")
