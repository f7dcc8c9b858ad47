"""`--on ssh:HOST`: what is run there, and a real sshd on this machine's loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from cli.commands import ENDLESS, TINY, call, learned, newest, wait_for_status
from waiting import wait_until

from fmnist_tui.files import read_json
from fmnist_tui.runs.cluster.ssh import ssh_command, start_on
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.user_settings import HostSettings

from .conftest import Programs

LONGER = (*ENDLESS[:3], "--epochs", "60", "--batch-size", "4", "--threads", "1")
KILLS = 6
SSHD = shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin")


def test_the_command_is_quoted_for_the_shell_there(tmp_path: Path) -> None:
    run = RunDirectory(Path("/a b/$(x)/v0-20260101-000000-0000"))
    python = tmp_path / "it's python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    settings = HostSettings(python=str(python), setup=("echo setup cuda",), runs="/other $(runs)")
    *options, host, remote = ssh_command("me@gpu2", settings, [run])
    assert options[-1] == "--"
    assert "BatchMode=yes" in options
    assert host == "me@gpu2"
    shown = subprocess.run(["sh", "-c", remote], capture_output=True, encoding="utf-8", check=True)
    words = ["-m", "fmnist_tui.cli.remote", "/other $(runs)/v0-20260101-000000-0000"]
    assert shown.stdout.splitlines() == ["setup cuda", *words]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('echo "ssh: connect to host gpu2 port 22: refused" >&2; exit 255', "ssh can't connect (ssh: connect to host"),
        ('echo "sh: 1: exec: /x/python: not found" >&2; exit 127', "set python, and setup if needed, in [ssh."),
        ('echo "banner"; echo \'{"failed": {"v0-20260101-000000-0000": "no"}, "warning": ""}\'', "gpu2: no"),
    ],
)
def test_why_nothing_was_started_is_one_line(body: str, why: str, programs: Programs, runs: Path) -> None:
    run = RunDirectory(runs / "v0-20260101-000000-0000")
    run.path.mkdir(parents=True)
    programs.write("ssh", body)
    submitted = start_on("gpu2", [run])
    assert submitted.queued == []
    assert why in submitted.failed[run]
    assert submitted.failed[run].isprintable()


@pytest.fixture
def host(programs: Programs, runs: Path) -> Iterator[str]:
    """A real sshd on the loopback interface, with keys of its own; skips the test where it can't be started."""
    if SSHD is None or not (client := shutil.which("ssh")) or os.getuid() != 0:
        pytest.skip("no sshd: needs root and apt-get install --no-install-recommends openssh-server")
    folder = Path(mkdtemp(prefix="sshd-"))
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = os.environ["XDG_STATE_HOME"]
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"SetEnv XDG_STATE_HOME={state} XDG_CACHE_HOME={os.environ['XDG_CACHE_HOME']}\n"
    )
    (folder / "config").write_text(
        f"Host there\nHostName 127.0.0.1\nPort {port}\nUser root\nIdentityFile {folder}/user\nIdentitiesOnly yes\n"
        f"UserKnownHostsFile {folder}/known\nStrictHostKeyChecking accept-new\n"
    )
    programs.write("ssh", f'exec {client} -F {folder}/config "$@"')
    Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([SSHD, "-D", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
    try:
        wait_until((folder / "pid").exists, "sshd had started")
        yield "there"
    finally:
        for run in list_runs(runs):
            if is_held(run) and (beat := read_heartbeat(run)) and beat.pid:
                os.kill(beat.pid, signal.SIGKILL)
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@pytest.mark.slow
def test_a_trainer_started_over_ssh_outlives_the_connection_and_obeys(host: str, runs: Path, tmp_path: Path) -> None:
    started = call("train", *ENDLESS, "--on", f"ssh:{host}", "--detach", "--runs", runs)
    assert started.status == 0, started
    run = newest(runs)
    wait_for_status(run, Status.RUNNING)
    wait_until(lambda: (beat := read_heartbeat(run)) is not None and beat.pid, "the trainer had started")
    assert (read_json(run.request) or {})["launcher"] == {"kind": "ssh", "host": host}
    assert f"started on       {host}" in call("show", run.run_id, "--runs", runs).out

    assert call("pause", run.run_id, "--runs", runs).status == 0
    wait_for_status(run, Status.PAUSED)
    second = call("train", *ENDLESS[:-1], "2", "--on", f"ssh:{host}", "--detach", "--runs", runs)
    assert second.status == 0, second
    queued = list_runs(runs)[0]
    assert status_of(queued) is Status.QUEUED
    assert call("stop", queued.run_id, "--runs", runs).status == 0
    began = time.monotonic()
    assert call("stop", run.run_id, "--now", "--runs", runs).status == 0
    wait_for_status(run, Status.STOPPED)
    assert time.monotonic() - began < 30
    assert call("resume", run.run_id, "--detach", "--runs", runs).status == 0  # there again
    wait_for_status(run, Status.RUNNING)
    assert call("stop", run.run_id, "--now", "--runs", runs).status == 0
    wait_for_status(run, Status.STOPPED)

    here, there = tmp_path / "here", tmp_path / "there"
    assert call("train", "v0", *TINY, "--runs", here).status == 0
    assert call("train", "v0", *TINY, "--on", f"ssh:{host}", "--runs", there).status == 0
    assert learned(newest(here)) == learned(newest(there))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_over_ssh_whose_connection_and_trainer_are_killed_ends_with_the_same_bytes(
    host: str, runs: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    assert call("train", "v0", *LONGER, "--runs", here).status == 0
    client = subprocess.Popen(
        [sys.executable, "-m", "fmnist_tui", "train", "v0", *LONGER, "--on", f"ssh:{host}", "--runs", str(runs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: list_runs(runs) and trainer_of(newest(runs)), "the trainer had started")
    finally:
        os.killpg(client.pid, signal.SIGKILL)  # the command and its ssh, as where a laptop is closed
        client.wait()
    run, chance = newest(runs), np.random.default_rng(3)
    killed: set[int] = set()
    while len(killed) < KILLS:
        pid = trainer_of(run)
        assert pid, f"{status_of(run)} after {len(killed)} kills"
        time.sleep(chance.uniform(0.0, 0.5))
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
        wait_for_status(run, Status.INTERRUPTED)
        assert call("resume", run.run_id, "--detach", "--runs", runs).status == 0
        wait_until(lambda: trainer_of(run) not in (0, *killed), "another trainer had started")
    wait_for_status(run, Status.FINISHED)
    assert (read_json(run.request) or {})["launcher"] == {"kind": "ssh", "host": host}
    assert learned(run) == learned(newest(here))


def trainer_of(run: RunDirectory) -> int:
    """The process that trains the run now; 0 if there is none."""
    beat = read_heartbeat(run)
    return beat.pid if beat and beat.pid and is_held(run) else 0
