from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fmnist_tui.host import identity
from fmnist_tui.host.identity import boot_id, host_name, slurm_job


def test_the_host_is_called_what_the_system_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert host_name() == socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: "node7")
    assert host_name() == "node7"


def test_a_boot_has_one_name_where_the_system_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert boot_id() == boot_id()
    monkeypatch.setattr(identity, "_BOOT_ID", tmp_path / "boot_id")
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
