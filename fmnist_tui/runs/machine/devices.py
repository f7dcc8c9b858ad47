"""What trains: CPUs, NVIDIA's GPUs by their driver, and what PyTorch makes of them."""

from __future__ import annotations

import re
import sys

from fmnist_tui.runs.machine import nvml
from fmnist_tui.runs.machine.asking import Answer
from fmnist_tui.runs.machine.machine import Machine
from fmnist_tui.runs.machine.report import report_in
from fmnist_tui.runs.machine.row import Row, State
from fmnist_tui.text import amount, counted, safe

ASK_GPUS = (sys.executable, "-m", "fmnist_tui.runs.machine.nvml")
GPU_SECONDS = 5.0
_NOT_LOADED = "Driver Not Loaded"
_SCARCE = 1e9
"""Bytes of GPU memory that v3 gets by with."""


def cpu_row(machine: Machine) -> Row:
    """How many CPUs may be used, and what they are called."""
    usable, all_of_them = machine.cpus
    count = counted(usable, "CPU") if usable == all_of_them else f"{usable} of {all_of_them} CPUs (the rest is barred)"
    return Row("cpu", State.OK, f"{count}, {_processor(machine)}")


def device_names(machine: Machine) -> dict[str, str]:
    """What this machine's devices are called, by the names under which trainings wait for them: "cpu", "cuda-0"."""
    names = {"cpu": safe(cpu_row(machine).seen)}
    if machine.has_library(nvml.LIBRARY):
        report = report_in(machine.ask(*ASK_GPUS, seconds=GPU_SECONDS)) or {}
        gpus = [nvml.Gpu(**gpu) for gpu in report.get("gpus", ())]
        names |= {f"cuda-{number}": safe(gpu.name) for number, gpu in enumerate(gpus)}
    return names


def expects_gpu(answer: Answer) -> bool:
    """Whether PyTorch should find a GPU, by what the command ASK_GPUS answered.

    The driver's library without the driver is what login nodes have: nothing is broken there.
    """
    report = report_in(answer) or {}
    if "gpus" in report:
        return bool(report["gpus"])
    return _NOT_LOADED not in str(report.get("error"))


def gpu_row(answer: Answer) -> Row:
    """The GPUs that the driver told of."""
    report = report_in(answer)
    if report is None or "gpus" not in report:
        return _driver_fault(str(report["error"]) if report and "error" in report else answer.errors)
    gpus = [nvml.Gpu(**gpu) for gpu in report["gpus"]]
    seen = "; ".join([f"{counted(len(gpus), 'GPU')}, driver {report['driver']}", *map(_words, gpus)])
    if gpus and all(gpu.total and gpu.free < _SCARCE for gpu in gpus):
        return Row("gpu", State.NOTE, seen, "its memory is in use: wait, or train with --device cpu")
    return Row("gpu", State.OK, seen)


def _words(gpu: nvml.Gpu) -> str:
    busy = "" if gpu.busy is None else f", {gpu.busy} % busy"
    return f"{gpu.name} ({amount(gpu.free)} of {amount(gpu.total)} free{busy})"


def _driver_fault(why: str) -> Row:
    if _NOT_LOADED in why:
        return Row("gpu", State.NOTE, "NVIDIA's library is here, but its driver isn't loaded: no GPU, or one left out")
    advice = "`nvidia-smi` should say the same; ask who keeps this machine; --device cpu works meanwhile"
    if "mismatch" in why:
        advice = "the driver was updated while in use: reboot the machine, or have its modules loaded anew"
    lines = why.strip().splitlines() or ["it says nothing"]
    return Row("gpu", State.PROBLEM, f"NVIDIA's driver doesn't work: {lines[-1]}", advice)


def _processor(machine: Machine) -> str:
    if machine.system == "Darwin":
        answer = machine.ask("sysctl", "-n", "machdep.cpu.brand_string")
        return answer.output.strip() or machine.processor
    model = re.search(r"^model name\s*:\s*(.+)", machine.read("proc/cpuinfo"), re.MULTILINE)
    return model[1] if model else machine.processor
