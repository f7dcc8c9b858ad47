"""NVIDIA's GPUs and MIG instances that a process may use, by UUID. Run as a program, it prints them as JSON."""

from __future__ import annotations

import json
import os
import sys
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
    """What was found out about the GPUs.

    Attributes:
        visible: What a process with this environment may use, in the order that its environment asks for.
        hidden: What this user may open as well, but CUDA_VISIBLE_DEVICES leaves out; numbered from 0 too.
        driver: The driver's version, or "".
        fault: Why NVML could not be asked, or "". The GPUs are those of the device files then.
    """

    visible: tuple[Gpu, ...] = ()
    hidden: tuple[Gpu, ...] = ()
    driver: str = ""
    fault: str = ""


def read_gpus(environ: Mapping[str, str] = os.environ, devices: Path = DEVICES, proc: Path = PROC) -> GpuReport:
    """Ask NVML, or, where it can't be asked, look for device files. May hang in a broken driver: see `query`.

    Args:
        environ: The environment of the process that shall use a GPU.
        devices: The folder /dev.
        proc: The folder /proc.
    """
    driver = fault = ""
    try:
        driver, cards = read_cards(devices, proc)
    except NvmlFault as error:
        fault, cards = str(error), device_file_cards(devices, proc)
    return _report(environ, cards, driver, fault)


def visible_gpus(
    environ: Mapping[str, str] = os.environ, devices: Path = DEVICES, proc: Path = PROC
) -> tuple[Gpu, ...]:
    """What a process with this environment may use; see `read_gpus`."""
    return read_gpus(environ, devices, proc).visible


def query(environ: Mapping[str, str] = os.environ, seconds: float = QUERY_SECONDS) -> GpuReport:
    """`read_gpus` in a process of its own, for this long at most: a driver may hang, or crash who asks it.

    Args:
        environ: The environment of the process that shall use a GPU.
        seconds: After this time, what the device files and /proc show without the driver is reported.
    """
    settings = {name: environ[name] for name in SETTINGS if name in environ}
    inherited = {name: value for name, value in python_environment().items() if name not in SETTINGS}
    return report_of(run_command(QUERY_COMMAND, seconds, inherited | settings), environ)


def query_gpus(environ: Mapping[str, str] = os.environ, seconds: float = QUERY_SECONDS) -> tuple[Gpu, ...]:
    """What a process with this environment may use; see `query`."""
    return query(environ, seconds).visible


def report_of(result: CommandResult, environ: Mapping[str, str] = os.environ) -> GpuReport:
    """What QUERY_COMMAND reported, whole or until it was killed, or crashed in the driver.

    Args:
        result: How the command ended.
        environ: The environment that it was asked about.
    """
    report = next(filter(None, map(_report_in, reversed(result.output.splitlines()))), None)
    if report is None:  # not even Python started
        report = _without_driver(environ, DEVICES, None)
    if result.status == 0:
        return report
    why = result.errors.strip().rpartition("\n")[2] or f"NVML ends its process (status {result.status})"
    return replace(report, fault=why)


def main() -> None:
    """Print a report as JSON: first what is known without the driver, in case it hangs."""
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
    """The report in a line of JSON, or None where a library printed it, or the process ended in its middle."""
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
