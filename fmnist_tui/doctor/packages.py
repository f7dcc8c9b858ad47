"""Whether the libraries, PyTorch and the trainer process work, with advice."""

from __future__ import annotations

import platform
import re
import signal
import sys
from pathlib import Path
from typing import Any

from fmnist_tui.host.machine import Check, CheckState, Machine
from fmnist_tui.host.processes import CommandResult, python_command
from fmnist_tui.models.registry import all_models
from fmnist_tui.text import safe
from fmnist_tui.training.config import INSTALL_PYTORCH

_NEEDED = (
    *("numpy", "scipy", "textual", "plotext", "textual-plotext", "rich", "click"),
    *("matplotlib", "safetensors", "psutil", "threadpoolctl", "platformdirs", "msgspec", "nvidia-ml-py"),
)


def libraries_check(machine: Machine) -> Check:
    """The versions of the libraries, and which are missing."""
    versions = {name: machine.version_of(name) for name in _NEEDED}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        advice = f"install {'them' if len(missing) > 1 else 'it'}: pip install {' '.join(missing)}"
        return Check("libraries", CheckState.PROBLEM, f"{', '.join(missing)} missing", advice)
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Check("libraries", CheckState.OK, f"Python {platform.python_version()}, {listed}")


TORCH_PROBE = python_command("fmnist_tui.doctor.torch_probe")
TORCH_SECONDS = 20.0
_MIN_VERSION = (2, 6)
_ON_CPU = "PyTorch models train on the CPU"
_WITHOUT = ", ".join(model.name for model in all_models() if not model.needs_torch)
_WORKS = f"{_WITHOUT}, data and results work without it"
_ADVICE = {
    "driver on your system is too old": "update NVIDIA's driver, or install a PyTorch built for an older CUDA",
    "no kernel image": "this PyTorch doesn't support this GPU: install another version of it",
    "out of memory": "the GPU's memory is in use: wait, or choose another GPU with --device cuda:1",
    "Error 803": "the driver was updated while in use: reboot the machine",
    "Error 804": "NVIDIA's driver is too old for this PyTorch: update it, or install an older PyTorch",
}
"""By text in common CUDA errors."""


def torch_check(machine: Machine, result: CommandResult, *, gpu_expected: bool) -> Check:
    """Whether PyTorch works, and the device that it trains on.

    Args:
        machine: The machine.
        result: The result of the command TORCH_PROBE.
        gpu_expected: Whether there is a GPU that it should find.
    """
    report = result.report()
    if report is None:
        return _broken(result)
    version, build = str(report.get("version")), str(report.get("build"))
    message = f"PyTorch {version} ({build or 'CPU build'})"
    if _numbers(version) < _MIN_VERSION:
        return Check("torch", CheckState.PROBLEM, f"{message} is too old", "install 2.6 or later: pip install -U torch")
    if report.get("gpu"):
        return Check("torch", CheckState.OK, f"{message}: PyTorch models train on {report['gpu']}")
    if not gpu_expected:
        return Check("torch", CheckState.OK, f"{message}: {_ON_CPU}, no GPU was found")
    if not build:
        return Check(
            "torch", CheckState.NOTE, f"{message}: {_ON_CPU}", "install the CUDA build of PyTorch to use the GPU"
        )
    return _gpu_out_of_reach(machine, message, report)


def _gpu_out_of_reach(machine: Machine, message: str, report: dict[str, Any]) -> Check:
    hidden = machine.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden in ("", "-1"):
        return Check(
            "torch", CheckState.NOTE, f"{message}: {_ON_CPU}, because CUDA_VISIBLE_DEVICES={hidden} hides the GPU"
        )
    why = str(report.get("why_not"))
    advice = next((advice for text, advice in _ADVICE.items() if text in why), "check that `nvidia-smi` works")
    return Check(
        "torch",
        CheckState.PROBLEM,
        f"{message} can't use the GPU: {_first_sentence(why)}",
        f"{advice}; or --device cpu",
    )


def _broken(result: CommandResult) -> Check:
    if result.status is None:
        advice = "probably a driver hangs: if `CUDA_VISIBLE_DEVICES= fmnist-tui doctor` works, it is the GPU's"
        return Check("torch", CheckState.PROBLEM, f"PyTorch: {result.errors}; {_WORKS}", advice)
    if result.status < 0:
        name = signal.strsignal(-result.status) or f"signal {-result.status}"
        return Check("torch", CheckState.PROBLEM, f"PyTorch crashes ({name}); {_WORKS}", "install another build of it")
    why = _last_error(result.errors)
    if re.match(r"ModuleNotFoundError: No module named '?torch'?$", why):
        return Check("torch", CheckState.PROBLEM, f"PyTorch isn't installed; {_WORKS}", INSTALL_PYTORCH)
    if re.match(r"(ModuleNotFoundError: |.*: )No module named '?fmnist_tui\b", why):
        return Check(
            "torch", CheckState.NOTE, "PyTorch could not be checked: this program isn't found outside this folder"
        )
    return Check(
        "torch", CheckState.PROBLEM, f"PyTorch is broken ({why}); {_WORKS}", "install it again: pip install torch"
    )


def _last_error(traceback: str) -> str:
    """The line of a traceback with the exception."""
    lines = [line for line in traceback.splitlines() if line.strip()] or ["no error message"]
    return next((line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception): ", line)), lines[-1])[:200]


def _first_sentence(why: str) -> str:
    """The essential part of a CUDA error, which is a paragraph: the sentence with an error number, else the first."""
    text = " ".join(why.split())
    numbered = re.search(r"Error \d+: .*", text)
    return (numbered[0] if numbered else text.partition(". ")[0])[:200] or "no error message"


def _numbers(version: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else _MIN_VERSION


TRAINER_PROBE = (sys.executable, "-c", "import fmnist_tui.runs.trainer_process, fmnist_tui.runs.worker")
TRAINER_SECONDS = 20.0
_INSTALL = f"install it for this Python: {sys.executable} -m pip install -e {Path(__file__).parents[2]}"


def trainer_check(status: int | None, errors: str) -> Check:
    """Whether the modules of the trainer process can be imported.

    Args:
        status: The exit status of the import, or minus a signal's number; None if it took too long.
        errors: Its standard error, or why there is no status.
    """
    if status == 0:
        return Check("trainer", CheckState.OK, "trainer processes can be started")
    lines = [safe(line).strip() for line in errors.splitlines() if line.strip()]
    why = lines[-1] if lines else "no error message"
    if re.search(r"No module named '?fmnist_tui\b", why):
        return Check(
            "trainer", CheckState.PROBLEM, f"{sys.executable} doesn't find this program outside this folder", _INSTALL
        )
    if status is None:
        return Check("trainer", CheckState.NOTE, f"could not be tested: {why}", "the disk may be slow; try again")
    return Check(
        "trainer", CheckState.PROBLEM, f"trainer processes can't be started: {why}", "install this program again"
    )
