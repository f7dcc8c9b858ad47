"""All checks in their order: the quick ones first, while PyTorch and the GPU's driver take their time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from fmnist_tui.runs.machine import nvml
from fmnist_tui.runs.machine.devices import ASK_GPUS, GPU_SECONDS, cpu_row, expects_gpu, gpu_row
from fmnist_tui.runs.machine.libraries import libraries_row
from fmnist_tui.runs.machine.logout import logout_row
from fmnist_tui.runs.machine.machine import Machine
from fmnist_tui.runs.machine.row import Row
from fmnist_tui.runs.machine.session import ask_tmux, clipboard_row, session_row
from fmnist_tui.runs.machine.storage import disk_row, folder_row, runs_row
from fmnist_tui.runs.machine.terminal import characters_row, colours_row, terminal_row
from fmnist_tui.runs.machine.torch_seen import ASK_TORCH, TORCH_SECONDS, torch_row
from fmnist_tui.runs.machine.trainer_seen import ASK_TRAINER, TRAINER_SECONDS, trainer_row


def check_up(machine: Machine, runs: Path, data: str | None, cache: Path) -> Generator[Row, None, None]:
    """The rows, each as soon as it is known; nothing goes on when the iterator is closed.

    Args:
        machine: What is looked at.
        runs: The folder of runs.
        data: The folder of the data, "demo", or None for the usual places.
        cache: Where fetched and decoded data is kept.
    """
    with closing(machine.start(ASK_TORCH)) as torch:
        yield from (terminal_row(machine), colours_row(machine), characters_row(machine))
        tmux = ask_tmux(machine)
        yield from (session_row(machine, tmux), clipboard_row(machine, tmux))
        yield from (cpu_row(machine), libraries_row(machine))
        yield from (folder_row(machine, runs), disk_row(machine, runs), runs_row(runs), logout_row(machine))
        trainer = machine.ask(*ASK_TRAINER, seconds=TRAINER_SECONDS)
        yield trainer_row(trainer.status, trainer.errors)
        from fmnist_tui.runs.machine.data_seen import data_row  # loads NumPy, which the rows above needn't wait for

        yield data_row(data, cache)
        gpu_wanted = False
        if machine.has_library(nvml.LIBRARY):
            gpus = machine.ask(*ASK_GPUS, seconds=GPU_SECONDS)
            gpu_wanted = expects_gpu(gpus)
            yield gpu_row(gpus)
        yield torch_row(machine, torch.answer(TORCH_SECONDS), gpu_wanted=gpu_wanted)
