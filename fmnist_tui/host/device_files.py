"""NVIDIA's GPUs by their device files, where NVML can't be asked."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from fmnist_tui.host.cuda_visible import Card
from fmnist_tui.host.gpu import Gpu

_REFUSED = {errno.EPERM, errno.EACCES, errno.ENODEV, errno.ENXIO, errno.EIO}


def device_file_cards(devices: Path, proc: Path | None, *, opened: bool = True) -> list[Card]:
    """The GPUs whose device files this user may open, by their numbers, which may have gaps (in a container).

    The driver gives their places on the PCI bus, which decide the order, UUIDs and names below /proc, or none of it.

    Args:
        devices: The folder /dev.
        proc: The folder /proc, or None for numbers alone.
        opened: Whether to try to open the files, which starts the driver. Else all that are there are reported.
    """
    try:
        names = os.listdir(devices)  # noqa: PTH208
    except OSError:
        return []
    minors = [int(found[1]) for name in names if (found := re.fullmatch(r"nvidia([0-9]{1,9})", name))]
    known = _driver_information(proc) if proc else {}
    bus = {minor: known[minor][0] for minor in minors} if known.keys() >= set(minors) else {}
    cards = []
    for minor in sorted(minors, key=lambda minor: (bus.get(minor, ""), minor)):
        if not (opened and is_refused(devices / f"nvidia{minor}")):
            _, uuid, name = known.get(minor, ("", "", ""))
            cards.append(Card(uuid, (Gpu(uuid or f"nvidia{minor}", 0, name),), {}))
    return cards


def is_refused(path: Path) -> bool:
    """Whether a device file is there but can't be opened: the job has another GPU, or the driver is gone."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in _REFUSED
    return False


def _driver_information(proc: Path) -> dict[int, tuple[str, str, str]]:
    """Place on the PCI bus, UUID and name by the number of the device file."""
    known = {}
    for path in proc.glob("driver/nvidia/gpus/*/information"):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        fields = dict(re.findall(r"^([^:\n]+):[ \t]*(.*?)[ \t]*$", text, re.MULTILINE))
        if fields.get("Device Minor", "").isdecimal():
            uuid = fields.get("GPU UUID", "")
            complete = re.fullmatch(r"GPU-[0-9a-fA-F-]{36}", uuid)  # question marks until the GPU is first used
            known[int(fields["Device Minor"])] = (path.parent.name, uuid if complete else "", fields.get("Model", ""))
    return known
