"""What PyTorch sees here, and what to do where it sees less than there is."""

from __future__ import annotations

import re
import signal
from typing import Any

from fmnist_tui.host.command import CommandResult
from fmnist_tui.host.python import python_command
from fmnist_tui.runs.machine.machine import Machine
from fmnist_tui.runs.machine.row import Row, State
from fmnist_tui.training.config import INSTALL_PYTORCH

ASK_TORCH = python_command("fmnist_tui.runs.machine.torch_probe")
TORCH_SECONDS = 20.0
_OLDEST = (2, 6)
_ON_CPU = "v1 to v3 train on the CPU"
_V0_WORKS = "v0, data and results work without it"
_MENDING = {
    "driver on your system is too old": "update NVIDIA's driver, or install a PyTorch built for an older CUDA",
    "no kernel image": "this PyTorch wasn't built for this GPU: install another version of it",
    "out of memory": "somebody uses the GPU's memory: wait, or choose another with --device cuda:1",
    "Error 803": "the driver was updated while in use: reboot the machine",
    "Error 804": "NVIDIA's driver is too old for this PyTorch: update it, or install an older PyTorch",
}
"""By words of the CUDA errors that people meet."""


def torch_row(machine: Machine, answer: CommandResult, *, gpu_wanted: bool) -> Row:
    """What PyTorch makes of this machine.

    Args:
        machine: The machine.
        answer: What the command ASK_TORCH answered.
        gpu_wanted: Whether there is a GPU that it should find.
    """
    report = answer.report()
    if report is None:
        return _broken(answer)
    version, build = str(report.get("version")), str(report.get("build"))
    seen = f"PyTorch {version} ({build or 'CPU build'})"
    if _numbers(version) < _OLDEST:
        return Row("torch", State.PROBLEM, f"{seen} is too old", "install 2.6 or later: pip install -U torch")
    if report.get("gpu"):
        return Row("torch", State.OK, f"{seen}: v1 to v3 train on {report['gpu']}")
    if not gpu_wanted:
        return Row("torch", State.OK, f"{seen}: {_ON_CPU}, no GPU was found")
    if not build:
        return Row("torch", State.NOTE, f"{seen}: {_ON_CPU}", "install the CUDA build of PyTorch to use the GPU")
    return _gpu_out_of_reach(machine, seen, report)


def _gpu_out_of_reach(machine: Machine, seen: str, report: dict[str, Any]) -> Row:
    hidden = machine.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden in ("", "-1"):
        return Row("torch", State.NOTE, f"{seen}: {_ON_CPU}, as CUDA_VISIBLE_DEVICES={hidden} hides the GPU")
    why = str(report.get("why_not"))
    advice = next((advice for words, advice in _MENDING.items() if words in why), "see that `nvidia-smi` works")
    return Row(
        "torch", State.PROBLEM, f"{seen} can't use the GPU: {_first_sentence(why)}", f"{advice}; or --device cpu"
    )


def _broken(answer: CommandResult) -> Row:
    if answer.status is None:
        advice = "a driver that hangs makes it so; if `CUDA_VISIBLE_DEVICES= fmnist-tui doctor` works, it is the GPU's"
        return Row("torch", State.PROBLEM, f"PyTorch: {answer.errors}; {_V0_WORKS}", advice)
    if answer.status < 0:
        name = signal.strsignal(-answer.status) or f"signal {-answer.status}"
        return Row("torch", State.PROBLEM, f"PyTorch crashes ({name}); {_V0_WORKS}", "install another build of it")
    why = _last_error(answer.errors)
    if re.match(r"ModuleNotFoundError: No module named '?torch'?$", why):
        return Row("torch", State.PROBLEM, f"PyTorch isn't installed; {_V0_WORKS}", INSTALL_PYTORCH)
    if re.match(r"(ModuleNotFoundError: |.*: )No module named '?fmnist_tui\b", why):
        return Row("torch", State.NOTE, "PyTorch could not be looked at: this program isn't found outside this folder")
    return Row("torch", State.PROBLEM, f"PyTorch is broken ({why}); {_V0_WORKS}", "install it again: pip install torch")


def _last_error(traceback: str) -> str:
    """The line of a traceback that says what happened."""
    lines = [line for line in traceback.splitlines() if line.strip()] or ["it says nothing"]
    return next((line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception): ", line)), lines[-1])[:200]


def _first_sentence(why: str) -> str:
    """CUDA's errors go on for a paragraph; a number among them says most."""
    text = " ".join(why.split())
    numbered = re.search(r"Error \d+: .*", text)
    return (numbered[0] if numbered else text.partition(". ")[0])[:200] or "it says nothing"


def _numbers(version: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else _OLDEST
