"""Options of jobs, and the batch scripts made of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_tui.runs.cluster.options import checked_options, checked_target, sbatch_words
from fmnist_tui.runs.cluster.script import (
    all_words,
    as_pattern,
    command_script,
    job_options,
    run_script,
    warning_seconds,
)
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.events import RunFinished
from fmnist_tui.user_settings import SlurmSettings


@pytest.mark.parametrize("target", ["", "slur", "ssh:", "ssh:-oProxyCommand=x", "ssh:a b", "ssh:a;b", "gpu2"])
def test_no_other_target_is_accepted(target: str) -> None:
    with pytest.raises(ConfigError, match="--on takes local, slurm or ssh:HOST"):
        checked_target(target)


def test_targets() -> None:
    for target in ("local", "slurm", "ssh:gpu2", "ssh:me@gpu2.example.org", "ssh:[::1]"):
        assert checked_target(target) == target


@pytest.mark.parametrize(
    "given",
    [
        {"partition": "gpu --wrap=x"},
        {"partition": "-x"},
        {"account": "a\nb"},
        {"time": "soon"},
        {"time": "1:2:3:4"},
        {"time": 5000 * "9"},
        {"time": "\u0661"},
        {"gpus": -1},
        {"cpus": 0},
        {"sbatch": ("--array=0-9",)},
        {"sbatch": ("-J name",)},
        {"sbatch": ("mem=8G",)},
        {"sbatch": ("--mem='8G",)},
        {"sbatch": ("--mem=8G\n#SBATCH --x",)},
        {"setup": ("module load a\nrm b",)},
    ],
)
def test_what_sbatch_or_the_script_would_misread_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        checked_options(SlurmSettings(), **given)


def test_the_command_line_wins_over_the_settings_and_adds_to_their_sbatch_options() -> None:
    defaults = SlurmSettings(partition="cpu", time="1:00:00", sbatch=("--mem=8G",))
    options = checked_options(defaults, partition="gpu", gpus=2, sbatch=("#SBATCH -C 'a100 & nvlink'",), time=None)
    assert options == SlurmSettings(
        partition="gpu", time="1:00:00", gpus=2, sbatch=("--mem=8G", "#SBATCH -C 'a100 & nvlink'")
    )
    words = all_words(job_options("name", options, "/dev/null", 3), options)
    assert words[-3:] == ["--mem=8G", "-C", "a100 & nvlink"]
    expected = {"--job-name=name", "--array=0-2", "--partition=gpu", "--time=1:00:00", "--gres=gpu:2", "--requeue"}
    assert expected <= set(words)
    assert sbatch_words("#SBATCH --exclusive") == ["--exclusive"]


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [("", 120), ("4:00:00", 120), ("infinite", 120), ("1-0", 120), ("0-0:04", 60), ("4", 60), ("2:40", 40), ("1", 20)],
)
def test_a_job_is_warned_two_minutes_before_its_limit_or_a_quarter_of_a_short_one(limit: str, seconds: int) -> None:
    """A run that gets the signal to save as soon as it starts would never get anywhere."""
    assert warning_seconds(limit) == seconds


def test_a_script_runs_the_task_of_its_index_whatever_the_names_contain(tmp_path: Path) -> None:
    """Paths with quotes, spaces and `$(...)` are data; setup lines are shell."""
    folder = tmp_path / 'it\'s $(touch oops) "here"'
    runs = [RunDirectory(folder / f"v0-20260101-000000-000{index}") for index in range(2)]
    for run in runs:
        run.path.mkdir(parents=True)
    python = tmp_path / "a python"
    python.write_text('#!/bin/sh\necho "$SETUP $*" >> "$0.log"\n')
    python.chmod(0o755)
    options = SlurmSettings(python=str(python), setup=("export SETUP=loaded",))
    lines = job_options("name", options, as_pattern(folder / "50%.log"), 2)
    assert f"--output={folder}/50%%.log" in lines
    script = run_script(runs, lines, options)
    done = subprocess.run(
        ["bash"],
        input=script.encode(),
        env={"SLURM_ARRAY_TASK_ID": "1", "PATH": "/usr/bin:/bin"},
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, runs[1].train_log.read_text()
    last = Path(f"{python}.log").read_text().splitlines()[-1]
    assert last == f"loaded -m fmnist_tui.runs.cluster.node {runs[1].path}"
    assert not (tmp_path / "oops").exists()
    assert "exec \"$python\" -m fmnist_tui.runs.cluster.node --command sweep 'a b'" in command_script(
        ["sweep", "a b"], lines, options
    )


@pytest.mark.parametrize(
    ("python", "why"), [('/no/such "one"', "is missing on the node"), ("/bin/false", "fails to import")]
)
def test_a_node_without_the_interpreter_or_the_program_ends_the_run_with_the_reason(
    tmp_path: Path, python: str, why: str
) -> None:
    run = RunDirectory(tmp_path / "v0-20260101-000000-0000")
    run.path.mkdir()
    options = SlurmSettings(python=python)
    done = subprocess.run(["bash"], input=run_script([run], [], options).encode(), capture_output=True, check=False)
    assert done.returncode == 1
    (logged,) = LogReader(run.events)
    assert isinstance(logged.event, RunFinished)
    assert (logged.event.reason, logged.event.resumable) == ("failed", True)
    assert python in logged.event.message
    assert why in logged.event.message


def test_the_script_names_this_interpreter_unless_the_settings_name_another() -> None:
    assert f"python={sys.executable}\n" in run_script([], [], SlurmSettings())
