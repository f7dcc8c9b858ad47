"""The entry point of the command and of `python -m fmnist_tui`."""

from __future__ import annotations

import gc
import os
import signal

_ALLOCATIONS = 50_000
"""Between two garbage collections: with Python's 700 they take a twelfth of the start-up time."""


def main() -> None:
    """Run the command. While it is still being imported, Ctrl-C ends the process without a traceback."""
    gc.set_threshold(_ALLOCATIONS)
    handles_interrupt = (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )  # False for a shell's background jobs
    if handles_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # cuda:N is the same GPU as N in nvidia-smi
    from fmnist_tui.cli import main as command

    if handles_interrupt:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


if __name__ == "__main__":
    main()
