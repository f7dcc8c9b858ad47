from __future__ import annotations

import os
from pathlib import Path

import pytest

from fmnist_tui.runs import cpus
from fmnist_tui.runs.cpus import available_cpus


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine with 64 CPUs, of which this process may use all."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(cpus, "_QUOTA", tmp_path / "cpu.max")
    return monkeypatch


def test_here_it_is_at_least_one_and_not_more_than_there_are() -> None:
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)


def test_without_limits_all_count(machine: pytest.MonkeyPatch) -> None:
    assert available_cpus() == 64


def test_those_that_others_have_do_not_count(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(os, "sched_getaffinity", lambda _: {3, 4, 5})
    assert available_cpus() == 3


def test_where_there_is_no_affinity_all_count(machine: pytest.MonkeyPatch) -> None:
    machine.delattr(os, "sched_getaffinity")
    assert available_cpus() == 64
    machine.setattr(os, "cpu_count", lambda: None)
    assert available_cpus() == 1


@pytest.mark.parametrize(
    ("quota", "count"),
    [
        ("max 100000\n", 64),
        ("400000 100000\n", 4),
        ("50000 100000\n", 1),
        ("10000 100000\n", 1),
        ("9900000 100000\n", 64),
        ("", 64),
        ("many\n", 64),
        ("100000 0\n", 64),
        ("1 2 3\n", 64),
    ],
)
def test_a_containers_quota_counts(machine: pytest.MonkeyPatch, tmp_path: Path, quota: str, count: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert available_cpus() == count
