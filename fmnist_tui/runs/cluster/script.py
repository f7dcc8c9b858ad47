"""The batch script of a job: readable, and made only of what the user's settings and command line say."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.host.processes import python_environment
from fmnist_tui.runs.cluster.options import sbatch_words
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.user_settings import SlurmSettings
from fmnist_tui.version import __version__

NODE = "fmnist_tui.runs.cluster.node"
_WARNING = 120
"""How long before its time limit a job gets the signal to save, in seconds; Slurm may do so up to a minute earlier."""
_SHORTEST_WARNING = 20

_FAIL = r"""fail() {  # ends the run with a message, which is safe in JSON
    echo "error: $1" >&2
    if [ -d "${run:-}" ]; then
        printf '\n{"event":"run_finished","reason":"failed","resumable":true,"message":"%s","time":%s,"seq":0}\n' \
            "$1" "$(date +%s)" >> "$run/events.jsonl"
    fi
    exit 1
}
"""


def job_options(name: str, options: SlurmSettings, output: str, tasks: int = 0) -> list[str]:
    """The options of sbatch, a list for each: first what this program relies on, then the user's.

    Args:
        name: The job's name.
        options: The user's.
        output: The file for what the job prints.
        tasks: The size of the job array; 0 for a single job.
    """
    lines = [
        f"--job-name={name}",
        "--nodes=1",
        "--ntasks=1",
        "--requeue",
        "--open-mode=append",
        f"--signal=B:USR1@{warning_seconds(options.time)}",
        f"--output={output}",
    ]
    lines += [f"--array=0-{tasks - 1}"] if tasks else []
    lines += [f"--partition={options.partition}"] if options.partition else []
    lines += [f"--account={options.account}"] if options.account else []
    lines += [f"--time={options.time}"] if options.time else []
    lines += [f"--gres=gpu:{options.gpus}"] if options.gpus else []
    lines += [f"--cpus-per-task={options.cpus}"] if options.cpus else []
    return lines


def warning_seconds(limit: str) -> int:
    """How long before a time limit (as sbatch takes it) a job gets the signal to save: for short ones, a quarter."""
    days, dash, rest = limit.rpartition("-")
    parts = [int(part) for part in rest.split(":")] if limit and rest[:1].isdecimal() else []
    if not parts:
        return _WARNING
    with_hours = bool(dash) or len(parts) == 3  # days-hours[:minutes[:seconds]], hours:minutes:seconds
    units = (3600, 60, 1) if with_hours else (60, 1)
    seconds = 86_400 * int(days or 0) + sum(part * unit for part, unit in zip(parts, units, strict=False))
    return max(_SHORTEST_WARNING, min(_WARNING, seconds // 4))


def all_words(lines: Sequence[str], options: SlurmSettings) -> list[str]:
    """The options as arguments; they win over the environment's, which lines of a script don't."""
    return [*lines, *(word for line in options.sbatch for word in sbatch_words(line))]


def run_script(runs: Sequence[RunDirectory], lines: Sequence[str], options: SlurmSettings) -> str:
    """A script that trains a run, or, as a job array, one run per task."""
    paths = [shlex.quote(str(run.path.absolute())) for run in runs]
    body = ["runs=(", *(f"    {path}" for path in paths), ")", 'run="${runs[${SLURM_ARRAY_TASK_ID:-0}]}"']
    body += ['exec >> "$run/train.log" 2>&1'] if len(runs) > 1 else []
    return _script(lines, options, body, f'exec "$python" -m {NODE} "$run"')


def command_script(arguments: Sequence[str], lines: Sequence[str], options: SlurmSettings) -> str:
    """A script whose every task runs a command line of this program."""
    return _script(lines, options, [], f'exec "$python" -m {NODE} --command {shlex.join(arguments)}')


def _script(lines: Sequence[str], options: SlurmSettings, body: Sequence[str], last: str) -> str:
    python = options.python or sys.executable
    missing = f"{python} is missing on the node; set python in [slurm] of settings.toml"
    broken = f"{python} on the node fails to import fmnist_tui (see train.log); set python and setup in settings.toml"
    path = python_environment().get("PYTHONPATH")
    parts = [
        "#!/bin/bash",
        f"# Submitted by fmnist-tui {__version__}. A copy for the reader: changing it has no effect.",
        *(f"#SBATCH {line}" for line in _quoted(lines)),
        *(f"#SBATCH {shlex.join(sbatch_words(line))}" for line in options.sbatch),
        "",
        "trap '' USR1  # it may come before the trainer can save: ignored until then",
        *body,
        "",
        _FAIL,
        *(["# Setup, from settings.toml", *options.setup, ""] if options.setup else []),
        f"python={shlex.quote(python)}",
        *([f"export PYTHONPATH={shlex.quote(path)}"] if path else []),
        f'command -v "$python" > /dev/null || fail {shlex.quote(_in_json(missing))}',
        f'"$python" -c "import fmnist_tui" || fail {shlex.quote(_in_json(broken))}',
        last,
    ]
    return "\n".join(parts) + "\n"


def _quoted(lines: Sequence[str]) -> list[str]:
    return [line if line.replace(" ", "") == line else shlex.quote(line) for line in lines]


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def as_pattern(path: Path) -> str:
    """A path as sbatch's --output takes it, where "%" begins a pattern."""
    return os.fspath(path.absolute()).replace("%", "%%")
