from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from fmnist_tui.host import node
from fmnist_tui.host.node import available_cpus, boot_id, host_name, slurm_job


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine with 64 CPUs, of which this process may use all."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(node, "_ROOT", tmp_path / "cgroup")
    monkeypatch.setattr(node, "_OWN", tmp_path / "own")
    return monkeypatch


def belong_to(folder: Path, own: str, quotas: dict[str, str]) -> None:
    """What the kernel says: which cgroups this process is in, and the files of cgroups."""
    (folder / "own").write_text(own)
    for name, content in quotas.items():
        path = folder / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_here_it_is_at_least_one_and_not_more_than_there_are() -> None:
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)


def test_without_limits_all_count(machine: pytest.MonkeyPatch) -> None:
    assert available_cpus() == 64


def test_those_that_others_have_do_not_count(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(os, "sched_getaffinity", lambda _: {3, 4, 5})
    assert available_cpus() == 3


def test_a_slurm_allocation_counts_also_where_nothing_confines_the_job_to_it(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("SLURM_CPUS_ON_NODE", "2")
    machine.delenv("SLURM_JOB_ID", raising=False)
    assert available_cpus() == 64
    machine.setenv("SLURM_JOB_ID", "7")
    assert available_cpus() == 2


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
    belong_to(tmp_path, "0::/\n", {"cpu.max": quota})
    assert available_cpus() == count


@pytest.mark.parametrize(
    ("own", "quotas", "count"),
    [
        ("0::/user/job\n", {"user/job/cpu.max": "300000 100000\n"}, 3),
        ("0::/user/job\n", {"user/cpu.max": "200000 100000\n", "user/job/cpu.max": "max 100000\n"}, 2),
        ("0::/user/job\n", {"user/cpu.max": "800000 100000\n", "user/job/cpu.max": "300000 100000\n"}, 3),
        ("0::/user/job\n", {"other/cpu.max": "100000 100000\n"}, 64),
        ("0::/../..\n", {"cpu.max": "500000 100000\n"}, 5),
        ("0::/user:1/job\n", {"user:1/job/cpu.max": "300000 100000\n"}, 3),
    ],
    ids=["own", "its parent's", "the smaller one", "not a neighbour's", "outside of what is seen", "a colon"],
)
def test_the_quotas_of_a_nested_group_and_its_ancestors_count(
    machine: pytest.MonkeyPatch, tmp_path: Path, own: str, quotas: dict[str, str], count: int
) -> None:
    belong_to(tmp_path, own, quotas)
    assert available_cpus() == count


@pytest.mark.parametrize(
    ("own", "where", "quota", "count"),
    [
        ("9:memory:/job\n4:cpu,cpuacct:/job\n0::/\n", "cpu/job", "250000", 2),
        ("4:cpu,cpuacct:/docker/abc\n", "cpu", "600000", 6),
        ("4:cpu,cpuacct:/job\n", "cpu/job", "-1", 64),
        ("4:cpuset:/job\n", "cpu/job", "300000", 64),
    ],
    ids=["own", "seen from within a container", "none", "another controller"],
)
def test_quotas_of_cgroups_of_version_1_count(
    machine: pytest.MonkeyPatch, tmp_path: Path, own: str, where: str, quota: str, count: int
) -> None:
    quotas = {f"{where}/cpu.cfs_quota_us": f"{quota}\n", f"{where}/cpu.cfs_period_us": "100000\n"}
    belong_to(tmp_path, own, quotas)
    assert available_cpus() == count


def test_the_host_is_called_what_the_system_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert host_name() == socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: "node7")
    assert host_name() == "node7"


def test_a_boot_has_one_name_where_the_system_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert boot_id() == boot_id()
    monkeypatch.setattr(node, "_BOOT_ID", tmp_path / "boot_id")
    assert boot_id() == ""
    (tmp_path / "boot_id").write_text("0a1b-2c\n")
    assert boot_id() == "0a1b-2c"


@pytest.mark.parametrize("job", ["7", "123456", "123_4"])
def test_a_job_is_its_number(job: str) -> None:
    assert slurm_job({"SLURM_JOB_ID": job}) == job


@pytest.mark.parametrize("text", ["", "../7", "7/8", "7\n", " 7", "_", "٣", "x", "7" * 99])
def test_what_is_no_number_is_no_job(text: str) -> None:
    assert slurm_job({"SLURM_JOB_ID": text}) == ""
    assert slurm_job({}) == ""
