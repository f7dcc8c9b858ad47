"""Where the command and `python -m fmnist_tui` start."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Runs the command; while it is still being imported, Ctrl-C ends the process without a traceback."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in a shell's background
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # cuda:N is the driver's N, as in nvidia-smi
    from fmnist_tui.cli import main as command

    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


if __name__ == "__main__":
    main()
