from __future__ import annotations

import sys
from typing import Any

import pytest

from fmnist_tui.doctor.packages import libraries_check, torch_check, trainer_check
from fmnist_tui.host.machine import Check, CheckState, this_machine
from fmnist_tui.host.processes import CommandResult

from .conftest import Make
from .machines import PLAIN, TORCH, reported

CUDA = {**TORCH, "build": "CUDA 13.0"}

TOO_OLD = (
    "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver by downloading "
    "and installing a new\nversion from the URL: http://www.nvidia.com/Download/index.aspx Alternatively, go to ..."
)
UNEXPECTED = (
    "Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that "
    "might have already set an error? Error {}"
)

MISSING = """Traceback (most recent call last):
  File "torch_probe.py", line 14, in main
    torch = importlib.import_module("torch")
ModuleNotFoundError: No module named 'torch'
"""


@pytest.fixture
def see(make: Make) -> Any:
    """The row for a report."""

    def row(answer: CommandResult, *, gpu: bool = True, **environ: str) -> Check:
        return torch_check(make(environ={**PLAIN, **environ}), answer, gpu_expected=gpu)

    return row


def test_a_cpu_build_without_a_gpu_is_fine(see: Any) -> None:
    assert see(reported(**TORCH), gpu=False) == Check(
        "torch", CheckState.OK, "PyTorch 2.13.0 (CPU build): PyTorch models train on the CPU, no GPU was found"
    )


def test_a_cpu_build_beside_a_gpu_is_a_note(see: Any) -> None:
    row = see(reported(**TORCH))
    assert row.state is CheckState.NOTE
    assert "CUDA build" in row.advice


@pytest.mark.parametrize("gpu", ["cuda:0 NVIDIA H100", "mps"])
def test_a_gpu_that_works_is_named(see: Any, gpu: str) -> None:
    row = see(reported(**{**CUDA, "gpu": gpu}))
    assert row == Check("torch", CheckState.OK, f"PyTorch 2.13.0 (CUDA 13.0): PyTorch models train on {gpu}")


def test_a_cuda_build_where_there_is_no_gpu_is_fine(see: Any) -> None:
    row = see(reported(**{**CUDA, "why_not": "Found no NVIDIA driver on your system. Please check ..."}), gpu=False)
    assert (row.state, row.advice) == (CheckState.OK, "")


@pytest.mark.parametrize(
    ("why", "message", "advice"),
    [
        (TOO_OLD, "The NVIDIA driver on your system is too old (found version 11040)", "update NVIDIA's driver"),
        (
            UNEXPECTED.format("803: system has unsupported display driver / cuda driver combination"),
            "Error 803: system has unsupported display driver / cuda driver combination",
            "reboot",
        ),
        (UNEXPECTED.format("804: forward compatibility was attempted"), "Error 804: forward", "older PyTorch"),
        ("CUDA error: no kernel image is available for execution on the device", "no kernel image", "another version"),
        ("CUDA out of memory. Tried to allocate 2.00 MiB.", "CUDA out of memory", "cuda:1"),
        ("", "no error message", "nvidia-smi"),
    ],
)
def test_a_gpu_out_of_reach_is_one_line_with_advice(see: Any, why: str, message: str, advice: str) -> None:
    row = see(reported(**{**CUDA, "why_not": why}))
    assert row.state is CheckState.PROBLEM
    assert row.message.startswith("PyTorch 2.13.0 (CUDA 13.0) can't use the GPU: ")
    assert message in row.message
    assert advice in row.advice
    assert row.advice.endswith("; or --device cpu")
    assert "\n" not in row.message
    assert len(row.message) < 260


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_gpus_that_somebody_hid_are_no_problem(see: Any, hidden: str) -> None:
    row = see(reported(**{**CUDA, "why_not": "No CUDA GPUs are available"}), CUDA_VISIBLE_DEVICES=hidden)
    assert row.state is CheckState.NOTE
    assert "CUDA_VISIBLE_DEVICES" in row.message


def test_one_that_is_too_old_is_a_problem(see: Any) -> None:
    assert see(reported(**{**TORCH, "version": "2.5.1+cu124"})).state is CheckState.PROBLEM
    assert see(reported(**{**TORCH, "version": "2.6.0"}), gpu=False).state is CheckState.OK
    assert see(reported(**{**TORCH, "version": "git-main"}), gpu=False).state is CheckState.OK


def test_without_it_v0_still_works(see: Any) -> None:
    row = see(CommandResult(1, "", MISSING))
    assert row.state is CheckState.PROBLEM
    assert row.message == "PyTorch isn't installed; v0, data and results work without it"
    assert "pip install torch" in row.advice


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            CommandResult(1, "", MISSING.replace("'torch'", "'torch._C'")),
            "broken (ModuleNotFoundError: No module named",
        ),
        (
            CommandResult(1, "", "Traceback\nOSError: libcudart.so.12: cannot open\nshared object file\n"),
            "broken (OSError: lib",
        ),
        (CommandResult(1, "", "ImportError: " + "x" * 900), "broken (ImportError: xxx"),
        (CommandResult(1), "broken (no error message)"),
        (CommandResult(0, "no JSON"), "broken (no error message)"),
        (CommandResult(-4), "crashes (Illegal instruction)"),
        (CommandResult(None, errors="no answer within 20 s"), "PyTorch: no answer within 20 s"),
    ],
)
def test_one_that_is_broken_is_one_line(see: Any, answer: CommandResult, message: str) -> None:
    row = see(answer)
    assert row.state is CheckState.PROBLEM
    assert message in row.message
    assert row.advice
    assert "\n" not in row.message
    assert len(row.message) < 300


# The trainer


def test_a_trainer_that_can_be_imported_is_ok() -> None:
    assert trainer_check(0, "a library's warning").state is CheckState.OK


@pytest.mark.parametrize(
    "errors",
    [
        "Traceback ...\nModuleNotFoundError: No module named 'fmnist_tui'\n",
        f"{sys.executable}: Error while finding module specification for 'x' (ModuleNotFoundError: "
        "No module named 'fmnist_tui')\n",
    ],
)
def test_a_checkout_that_is_not_installed_is_a_problem_with_advice(errors: str) -> None:
    row = trainer_check(1, errors)
    assert row.state is CheckState.PROBLEM
    assert row.message == f"{sys.executable} doesn't find this program outside this folder"
    assert "pip install -e" in row.advice


def test_any_other_failure_of_the_trainer_is_quoted() -> None:
    row = trainer_check(1, "Traceback\nImportError: libblas.so\x1b[31m: cannot open\n\n")
    assert (row.state, row.message) == (
        CheckState.PROBLEM,
        "trainer processes can't be started: ImportError: libblas.so [31m: cannot open",
    )
    assert "no error message" in trainer_check(-9, "").message


def test_a_trainer_that_does_not_answer_in_time_is_a_note() -> None:
    assert trainer_check(None, "no answer within 20 s").state is CheckState.NOTE


# Other libraries


def test_here_all_libraries_are_installed() -> None:
    row = libraries_check(this_machine())
    assert (row.state, row.advice) == (CheckState.OK, "")
    assert "numpy " in row.message


def test_a_missing_library_is_named_with_the_command_that_installs_it(make: Make) -> None:
    row = libraries_check(make(version_of=lambda name: None if name in ("scipy", "plotext") else "1.0"))
    assert (row.state, row.message) == (CheckState.PROBLEM, "scipy, plotext missing")
    assert row.advice == "install them: pip install scipy plotext"
