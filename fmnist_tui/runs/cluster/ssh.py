"""Starting runs on another machine that shares the folder of runs, through the user's own `ssh`.

The run is put into that machine's queue, as `train --detach` there does. The connection is needed only for that: the
trainer outlives it, and is steered through the run's folder.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.host.processes import CommandResult, python_environment, run_command
from fmnist_tui.runs.cluster.launcher import KIND_SSH, Launcher, write_launcher
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.queue.dispatch import write_failed
from fmnist_tui.runs.queue.submit import Submitted
from fmnist_tui.text import safe
from fmnist_tui.user_settings import HostSettings, read_user_settings

SSH_OPTIONS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-T")
_SECONDS = 120.0
_REMOTE = "fmnist_tui.cli.remote"
_CONNECTION_FAILED = 255


def start_on(host: str, runs: Sequence[RunDirectory]) -> Submitted:
    """Start runs on a host; each is in its queue, or training, when this returns.

    Raises:
        SettingsError: settings.toml can't be read.
    """
    settings = read_user_settings().ssh.get(host, HostSettings())
    submitted = Submitted(is_here=False)
    for run in runs:
        write_launcher(run, Launcher(kind=KIND_SSH, host=host))
    result = run_command(ssh_command(host, settings, runs), _SECONDS)
    report = result.report()
    failed = report.get("failed", {}) if report else dict.fromkeys((run.run_id for run in runs), _fault(host, result))
    for run in runs:
        if why := failed.get(run.run_id):
            submitted.failed[run] = safe(f"{host}: {why}")
            write_failed(run, submitted.failed[run])
        else:
            submitted.queued.append(run)
    warning = str(report.get("warning", "")) if report else ""
    submitted.warning = safe(f"{host}: {warning}") if warning else ""
    return submitted


def ssh_command(host: str, settings: HostSettings, runs: Sequence[RunDirectory]) -> list[str]:
    """The command that starts runs there; everything in it is quoted for the shell there."""
    folders = [str(Path(settings.runs, run.run_id) if settings.runs else run.path.absolute()) for run in runs]
    python = settings.python or sys.executable
    path = "" if settings.python else python_environment().get("PYTHONPATH", "")
    lines = [
        *settings.setup,
        *([f"export PYTHONPATH={shlex.quote(path)}"] if path else []),
        f"exec {shlex.join([python, '-m', _REMOTE, *folders])}",
    ]
    return ["ssh", *SSH_OPTIONS, "--", host, shlex.join(["/bin/sh", "-c", "\n".join(lines)])]


def _fault(host: str, result: CommandResult) -> str:
    """Why nothing was started, in one line."""
    lines = [line.strip() for line in result.errors.splitlines() if line.strip()]
    why = lines[-1] if lines else "no answer"
    if result.status == _CONNECTION_FAILED:
        return f"ssh can't connect ({why}); try: ssh {host} true"
    if result.status == 127 or "No module named" in why:
        return f"{why}; set python, and setup if needed, in [ssh.{json.dumps(host)}] of settings.toml"
    return why
