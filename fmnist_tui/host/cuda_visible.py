"""CUDA_VISIBLE_DEVICES, in every form that CUDA and PyTorch accept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from fmnist_tui.host.gpu import Gpu

SETTINGS = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
_DIGITS = 4000
"""More than any index has, fewer than Python's limit for converting to an integer."""


@dataclass(frozen=True)
class Card:
    """A physical GPU.

    Attributes:
        uuid: "GPU-...", or "" if unknown.
        devices: What CUDA computes on: the GPU itself, or its MIG instances.
        names: The keys of the devices by their alternative names in CUDA_VISIBLE_DEVICES: the old "MIG-GPU-.../gi/ci".
    """

    uuid: str
    devices: tuple[Gpu, ...]
    names: Mapping[str, str]


def visible_devices(environ: Mapping[str, str], cards: Sequence[Card]) -> tuple[Gpu, ...]:
    """The devices that a process with this environment may use, numbered as `nvidia-smi` orders them.

    CUDA numbers the fastest GPU first unless CUDA_DEVICE_ORDER is PCI_BUS_ID, with which trainers are started. GPUs of
    different models are numbered by speed (an estimate of CUDA's own order) only if the user asks for FASTEST_FIRST.

    As in CUDA and PyTorch, a list ends at its first invalid entry; a list with a repeated entry is empty; the first
    entry decides whether all are indices, "GPU-" or "MIG-" names; and names may be abbreviated as long as they are
    unique. If no UUID is known at all, names are taken as they are.

    Args:
        environ: CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER are read. (NVIDIA_VISIBLE_DEVICES only decides which GPUs a
            container gets, before any process in it starts.)
        cards: In the driver's order, which is that of the PCI bus.
    """
    cards = _ordered(environ, cards)
    listed = environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        devices = [device for card in cards for device in card.devices]
    elif listed.startswith("GPU-"):
        devices = _by_gpu_name(_names(listed, "GPU-"), cards)
    elif listed.startswith("MIG-"):
        devices = _by_mig_name(_names(listed, "MIG-"), cards)
    else:
        devices = [device for index in _indices(listed, len(cards)) for device in cards[index].devices]
    return tuple(replace(device, index=index) for index, device in enumerate(devices))


def _ordered(environ: Mapping[str, str], cards: Sequence[Card]) -> Sequence[Card]:
    if environ.get("CUDA_DEVICE_ORDER") != "FASTEST_FIRST":
        return cards
    return sorted(cards, key=lambda card: -max((device.speed for device in card.devices), default=0))


def _indices(listed: str, count: int) -> list[int]:
    """The valid indices, below `count`, at the start of the list; an entry is read up to its first non-digit."""
    indices: list[int] = []
    for entry in listed.split(","):
        number = re.match(r"[+-]?[0-9]+", entry.strip())
        index = int(number[0][:_DIGITS]) if number else -1
        if index in indices:
            return []
        if index < 0:
            break
        indices.append(index)
    return list(takewhile(lambda index: index < count, indices))


def _names(listed: str, prefix: str) -> list[str]:
    names: list[str] = []
    for entry in listed.split(","):
        if entry in names:
            return []
        if not entry.startswith(prefix):
            break
        names.append(entry)
    return names


def _by_gpu_name(names: Sequence[str], cards: Sequence[Card]) -> list[Gpu]:
    if not any(card.uuid for card in cards):
        return [Gpu(name, 0, "") for name in names[: len(cards)]]
    chosen: list[int] = []
    for name in names:
        matching = [index for index, card in enumerate(cards) if card.uuid.startswith(name)]
        if len(matching) != 1:
            break
        if matching[0] in chosen:
            return []
        chosen += matching
    return [device for index in chosen for device in cards[index].devices]


def _by_mig_name(names: Sequence[str], cards: Sequence[Card]) -> list[Gpu]:
    if not any(card.uuid for card in cards):
        return [Gpu(name, 0, "") for name in names] if cards else []
    instances = {device.key: device for card in cards for device in card.devices if device.key.startswith("MIG-")}
    by_name = {key: key for key in instances} | {name: key for card in cards for name, key in card.names.items()}
    chosen: list[str] = []
    for name in names:
        found = (
            {by_name[name]} if name in by_name else {key for known, key in by_name.items() if known.startswith(name)}
        )
        if len(found) != 1:
            break
        key = found.pop()
        if key in chosen:
            return []
        chosen.append(key)
    return [instances[key] for key in chosen]
