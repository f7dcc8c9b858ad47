"""What waits when the app starts: live runs, and runs that were interrupted."""

from __future__ import annotations

from fmnist_tui.text import counted
from fmnist_tui.tui.run_monitor import SeenRun, SeenRuns


def greeting(seen: SeenRuns) -> list[str]:
    """What waits, a line each; why the runs can't be read, if so."""
    if seen.fault:
        return [seen.fault]
    lines = [_running_line(one) for one in seen.running[:3]]
    if interrupted := sum(one.is_interrupted for one in seen.runs):
        choose = "o to choose one and " if seen.running else ""
        lines.append(f"{counted(interrupted, 'interrupted run')}: press 3, then {choose}r to resume")
    return lines


def _running_line(seen: SeenRun) -> str:
    epoch = f", epoch {min(seen.epoch + 1, seen.epochs)} of {seen.epochs}" if seen.epochs else ""
    return f"{seen.record.version} is {seen.status}{epoch}: press 3"
