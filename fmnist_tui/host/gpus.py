"""The NVIDIA GPUs and MIG instances that a process may use. Run as a program, this module prints them as JSON."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fmnist_tui.host.cuda_visible import SETTINGS, Card, visible_devices
from fmnist_tui.host.gpu import Gpu, GpuProcess
from fmnist_tui.host.gpu_sources import NvmlFault, device_file_cards, read_cards
from fmnist_tui.host.processes import CommandResult, python_command, python_environment, run_command

QUERY_COMMAND = python_command("fmnist_tui.host.gpus")
QUERY_SECONDS = 5.0
DEVICES = Path("/dev")
PROC = Path("/proc")


@dataclass(frozen=True)
class GpuReport:
    """The GPUs of this machine, for a process with a certain environment.

    Attributes:
        visible: Those that the process may use, in the order that its environment asks for.
        hidden: Those that this user may open too, but that CUDA_VISIBLE_DEVICES leaves out; numbered from 0 as well.
        driver: The driver's version, or "".
        fault: Why NVML doesn't work, or "". The GPUs are then those of the device files.
    """

    visible: tuple[Gpu, ...] = ()
    hidden: tuple[Gpu, ...] = ()
    driver: str = ""
    fault: str = ""


def read_gpus(environ: Mapping[str, str] = os.environ, devices: Path = DEVICES, proc: Path = PROC) -> GpuReport:
    """Ask NVML, or, if it doesn't work, look for device files. This may hang in a broken driver: see `query`.

    Args:
        environ: The environment of the process that will use a GPU.
        devices: The folder /dev.
        proc: The folder /proc.
    """
    driver = fault = ""
    try:
        driver, cards = read_cards(devices, proc)
    except NvmlFault as error:
        fault, cards = str(error), device_file_cards(devices, proc)
    return _report(environ, cards, driver, fault)


def query(environ: Mapping[str, str] = os.environ, seconds: float = QUERY_SECONDS) -> GpuReport:
    """Run `read_gpus` in a separate process with a time limit, since a driver may hang, or crash its caller.

    Args:
        environ: The environment of the process that will use a GPU.
        seconds: The time limit, after which the GPUs known from the device files and /proc are reported.
    """
    settings = {name: environ[name] for name in SETTINGS if name in environ}
    inherited = {name: value for name, value in python_environment().items() if name not in SETTINGS}
    return report_of(run_command(QUERY_COMMAND, seconds, inherited | settings), environ)


def query_gpus(environ: Mapping[str, str] = os.environ, seconds: float = QUERY_SECONDS) -> tuple[Gpu, ...]:
    """The GPUs that a process with this environment may use; see `query`."""
    return query(environ, seconds).visible


def report_of(result: CommandResult, environ: Mapping[str, str] = os.environ) -> GpuReport:
    """The report printed by QUERY_COMMAND: the complete one, or the one before it was killed or crashed.

    Args:
        result: The result of the command.
        environ: The environment of the process that will use a GPU.
    """
    report = next(filter(None, map(_report_in, reversed(result.output.splitlines()))), None)
    if report is None:  # not even Python started
        report = _without_driver(environ, DEVICES, None)
    if result.status == 0:
        return report
    why = result.errors.strip().rpartition("\n")[2] or f"NVML crashes its process (status {result.status})"
    return replace(report, fault=why)


_PROBE_SECONDS = 4.0
"""Between two queries: each starts a process."""
_STALE_SECONDS = 20.0
"""The age at which a report is no longer shown."""


class GpuProbe:
    """The current state of the GPUs, for a screen that mustn't wait for a slow, missing or hanging driver.

    A thread queries the driver every few seconds.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._queried = -math.inf
        self._newest: tuple[float, GpuReport] = (-math.inf, GpuReport())

    def latest(self, environ: Mapping[str, str] = os.environ) -> GpuReport:
        """The latest report, or an empty one; starts a query if it is old. Returns at once.

        Args:
            environ: The environment of the process that will use a GPU.
        """
        now = time.monotonic()
        if now - self._queried >= _PROBE_SECONDS and not (self._thread and self._thread.is_alive()):
            self._queried = now
            self._thread = threading.Thread(target=self._query, args=(dict(environ),), name="gpu query", daemon=True)
            self._thread.start()
        reported, report = self._newest
        return report if now - reported < _STALE_SECONDS else GpuReport()

    def _query(self, environ: Mapping[str, str]) -> None:
        report = query(environ)
        self._newest = (time.monotonic(), report)


def main() -> None:
    """Print reports as JSON: first what is known without the driver, in case it hangs, then the complete one."""
    for report in (_without_driver(os.environ, DEVICES, PROC), read_gpus()):
        sys.stdout.write(f"{json.dumps(asdict(report))}\n")
        sys.stdout.flush()


def _without_driver(environ: Mapping[str, str], devices: Path, proc: Path | None) -> GpuReport:
    return _report(environ, device_file_cards(devices, proc, opened=False))


def _report(environ: Mapping[str, str], cards: Sequence[Card], driver: str = "", fault: str = "") -> GpuReport:
    visible = visible_devices(environ, cards)
    keys = {gpu.key for gpu in visible}
    everything = visible_devices({name: environ[name] for name in SETTINGS[1:] if name in environ}, cards)
    return GpuReport(visible, tuple(gpu for gpu in everything if gpu.key not in keys), driver, fault)


def _report_in(line: str) -> GpuReport | None:
    """The report in a line of JSON, or None if the line is incomplete or was printed by a library."""
    try:
        report = json.loads(line)
        gpus = {name: tuple(map(_gpu, report[name])) for name in ("visible", "hidden")}
        return GpuReport(**gpus, driver=report["driver"], fault=report["fault"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _gpu(gpu: dict[str, Any]) -> Gpu:
    return Gpu(**{**gpu, "processes": tuple(GpuProcess(**process) for process in gpu["processes"])})


if __name__ == "__main__":
    main()
