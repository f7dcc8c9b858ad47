"""CUDA_VISIBLE_DEVICES: which devices a process may use, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_tui.host.cuda_visible import Card, visible_devices
from fmnist_tui.host.gpu import Gpu

from .fake_nvml import mig_uuid, uuid

CARDS = [Card(uuid(number), (Gpu(uuid(number), 0, "NVIDIA H200"),), {}) for number in range(4)]
TWINS = [Card(f"GPU-7{last}", (Gpu(f"GPU-7{last}", 0, "NVIDIA L4"),), {}) for last in "ab"]
SPLIT = [
    CARDS[0],
    Card(
        uuid(1),
        tuple(Gpu(mig_uuid(number), 0, "NVIDIA H200 MIG 1g.18gb") for number in (5, 6, 7)),
        {f"MIG-{uuid(1)}/{instance}/0": mig_uuid(number) for number, instance in ((5, 1), (6, 13), (7, 2))},
    ),
    Card(uuid(2), (), {}),
]
A, B, C, D = (uuid(number) for number in range(4))


def seen(listed: str | None, cards: list[Card] = CARDS) -> list[str]:
    environ = {} if listed is None else {"CUDA_VISIBLE_DEVICES": listed}
    devices = visible_devices(environ, cards)
    assert [device.index for device in devices] == list(range(len(devices)))
    return [device.key for device in devices]


@pytest.mark.parametrize(
    ("listed", "keys"),
    [
        (None, [A, B, C, D]),
        ("", []),
        ("  ", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("none", []),
        ("all", []),
        ("0", [A]),
        ("3", [D]),
        ("2,0", [C, A]),
        (" 1 , 3 ", [B, D]),
        ("+1", [B]),
        ("01", [B]),
        ("0,1,", [A, B]),
        (",0", []),
        ("0,,1", [A]),
        ("0,-1,1", [A]),
        ("0,9,1", [A]),
        ("4", []),
        ("0,x,1", [A]),
        ("1gpu,2gpu", [B, C]),
        ("0;1", [A]),
        ("0 1", [A]),
        ("0,0", []),
        ("0,1,0", []),
        ("0,1,00", []),
        ("+", []),
        ("²", []),
        ("٣", []),
        ("9" * 5000, []),
        (f"0,{'9' * 5000}", [A]),
        (f"0,{B}", [A]),
        (A, [A]),
        (f"{C},{A}", [C, A]),
        ("GPU-22", [C]),
        ("GPU-2,GPU-0", [C, A]),
        ("GPU-", []),
        ("GPU-9", []),
        ("GPU-0,GPU-9,GPU-1", [A]),
        ("GPU-0,1", [A]),
        ("GPU-0, GPU-1", [A]),
        (" GPU-0", []),
        ("GPU-0,GPU-0", []),
        (f"GPU-0,{A}", []),
        ("GPU-0,", [A]),
        (A.lower(), []),
        (mig_uuid(5), []),
    ],
)
def test_a_list_is_read_as_cuda_and_pytorch_read_it(listed: str | None, keys: list[str]) -> None:
    assert seen(listed) == keys


def test_a_name_that_means_two_gpus_ends_the_list() -> None:
    assert seen("GPU-7", TWINS) == []
    assert seen("GPU-7b,GPU-7", TWINS) == ["GPU-7b"]


@pytest.mark.parametrize(
    ("listed", "keys"),
    [
        (None, [A, mig_uuid(5), mig_uuid(6), mig_uuid(7)]),
        ("1", [mig_uuid(5), mig_uuid(6), mig_uuid(7)]),
        ("2", []),
        (B, [mig_uuid(5), mig_uuid(6), mig_uuid(7)]),
        (mig_uuid(6), [mig_uuid(6)]),
        (f"{mig_uuid(7)},{mig_uuid(5)}", [mig_uuid(7), mig_uuid(5)]),
        ("MIG-66", [mig_uuid(6)]),
        (f"MIG-{B}/13/0", [mig_uuid(6)]),
        (f"MIG-{B}/1/0", [mig_uuid(5)]),
        (f"MIG-{B}/1", []),
        (f"MIG-{B}/9/0", []),
        (f"MIG-{B}/1/0,{mig_uuid(5)}", []),
        (f"{mig_uuid(5)},{mig_uuid(5)}", []),
        (f"{mig_uuid(5)},{A}", [mig_uuid(5)]),
        ("MIG-", []),
    ],
)
def test_the_instances_of_a_divided_gpu_are_the_devices(listed: str | None, keys: list[str]) -> None:
    assert seen(listed, SPLIT) == keys


def test_where_no_uuid_is_known_names_are_taken_as_they_are() -> None:
    nameless = [Card("", (Gpu(f"nvidia{minor}", 0, ""),), {}) for minor in (0, 3)]
    assert seen(None, nameless) == ["nvidia0", "nvidia3"]
    assert seen("1", nameless) == ["nvidia3"]
    assert seen(f"{B},{A},{C}", nameless) == [B, A]
    assert seen(mig_uuid(5), nameless) == [mig_uuid(5)]
    assert seen(mig_uuid(5), []) == seen(A, []) == []


def test_the_fastest_is_the_first_only_where_that_was_asked_for() -> None:
    cards = [
        replace(card, devices=(replace(card.devices[0], speed=speed),))
        for card, speed in zip(CARDS, (1, 9, 9, 5), strict=True)
    ]
    by_speed = {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    assert [device.key for device in visible_devices(by_speed, cards)] == [B, C, D, A]
    assert [device.key for device in visible_devices({**by_speed, "CUDA_VISIBLE_DEVICES": "3,0"}, cards)] == [A, B]
    by_bus = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert [device.key for device in visible_devices(by_bus, cards)] == [A, B, C, D]
    assert [device.key for device in visible_devices({}, cards)] == [A, B, C, D]


ENTRIES = st.sampled_from(["0", "1", "-1", " 2", "", "GPU-0", "GPU-", A, B, mig_uuid(5), f"MIG-{B}/1/0", "MIG-", "x"])
LISTS = st.one_of(st.text(max_size=30), st.lists(ENTRIES | st.text(max_size=5), max_size=8).map(",".join))


@given(listed=LISTS, cards=st.sampled_from([CARDS, SPLIT, TWINS, [], [Card("", (Gpu("nvidia0", 0, ""),), {})]]))
def test_whatever_is_listed_no_device_is_there_twice(listed: str, cards: list[Card]) -> None:
    keys = seen(listed, cards)
    assert len(set(keys)) == len(keys)
