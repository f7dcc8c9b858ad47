"""The devices to train on: CPUs, and NVIDIA GPUs as their driver reports them."""

from __future__ import annotations

from fmnist_tui.host.gpu import Gpu, others_on, process_text
from fmnist_tui.host.gpu_sources import LIBRARY
from fmnist_tui.host.gpus import QUERY_COMMAND, QUERY_SECONDS, GpuReport, report_of
from fmnist_tui.host.machine import Check, CheckState, Machine, cpu_title
from fmnist_tui.text import amount, counted, safe

_NOT_LOADED = "Driver Not Loaded"
_SCARCE = 1e9
"""Bytes of free GPU memory, below which training may fail."""


def cpu_check(machine: Machine) -> Check:
    """The number and the model of the usable CPUs."""
    return Check("cpu", CheckState.OK, cpu_title(machine))


def device_names(machine: Machine) -> dict[str, str]:
    """The product names of this machine's devices, by their names in configurations: "cpu", "cuda:0"."""
    gpus = query_gpus_of(machine).visible
    return {"cpu": safe(cpu_title(machine))} | {f"cuda:{gpu.index}": safe(gpu.name or gpu.key) for gpu in gpus}


def query_gpus_of(machine: Machine) -> GpuReport:
    """The driver's report, or an empty one if its library isn't installed."""
    if not machine.has_library(LIBRARY):
        return GpuReport()
    return report_of(machine.ask(*QUERY_COMMAND, seconds=QUERY_SECONDS), machine.environ)


def expects_gpu(report: GpuReport) -> bool:
    """Whether PyTorch should find a GPU.

    Login nodes often have the driver's library without the driver: nothing is broken there.
    """
    return _NOT_LOADED not in report.fault if report.fault else bool(report.visible)


def gpu_check(report: GpuReport, hiding: str | None = None) -> Check:
    """The GPUs that the driver reports, their other users, and those that are hidden from PyTorch.

    Args:
        report: The driver's report, from a machine that has the driver's library.
        hiding: The value of CUDA_VISIBLE_DEVICES, or None if it isn't set.
    """
    if report.fault:
        return _driver_fault(report.fault)
    gpus = report.visible
    message = "; ".join([f"{counted(len(gpus), 'GPU')}, driver {report.driver}", *map(_gpu_text, gpus)])
    if report.hidden:
        message += f"; CUDA_VISIBLE_DEVICES={hiding or ''} hides {', '.join(map(_title, report.hidden))}"
        if not gpus:
            return Check(
                "gpu", CheckState.NOTE, message, "to train on them, unset CUDA_VISIBLE_DEVICES, unless your job set it"
            )
    if gpus and all(gpu.total and gpu.free < _SCARCE for gpu in gpus):
        return Check("gpu", CheckState.NOTE, message, "GPU memory is in use: wait, or train with --device cpu")
    if gpus and all(map(others_on, gpus)):
        return Check("gpu", CheckState.NOTE, message, "all are used by others: share them, or train with --device cpu")
    return Check("gpu", CheckState.OK, message)


def _gpu_text(gpu: Gpu) -> str:
    parts = [f"{amount(gpu.free)} of {amount(gpu.total)} free"] if gpu.total else []
    parts += [f"{gpu.busy}% busy"] if gpu.busy is not None else []
    if others := others_on(gpu):
        parts.append(f"used by {', '.join(map(process_text, others))}")
    return f"cuda:{gpu.index} {_title(gpu)}" + (f" ({', '.join(parts)})" if parts else "")


def _title(gpu: Gpu) -> str:
    return f"{gpu.name} {gpu.short_key}".strip()


def _driver_fault(why: str) -> Check:
    if _NOT_LOADED in why:
        return Check(
            "gpu",
            CheckState.NOTE,
            "NVIDIA's library is installed, but its driver isn't loaded: no GPU, or an unused one",
        )
    advice = "`nvidia-smi` should report the same; ask the machine's administrator; meanwhile use --device cpu"
    if "mismatch" in why.lower():
        advice = "the driver was updated while in use: reboot the machine, or reload its modules"
    lines = why.strip().splitlines() or ["no error message"]
    return Check("gpu", CheckState.PROBLEM, f"NVIDIA's driver doesn't work: {lines[-1]}", advice)
