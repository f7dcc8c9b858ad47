"""A real Slurm on this machine for the tests: munged, slurmctld and slurmd with all their files in one folder."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from waiting import wait_until

from fmnist_tui.runs.cluster.slurm import Job, parse_jobs

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
CPUS = 2


def why_not() -> str:
    """Why no Slurm can be started here, or ""."""
    missing = [program for program in _PROGRAMS if _which(program) is None]
    if missing:
        return f"{', '.join(missing)} missing: apt-get install --no-install-recommends slurm-wlm munge"
    return "" if os.getuid() == 0 else "needs root: slurmd starts jobs as their users"


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


class Cluster:
    """One node with two CPUs and two simulated GPUs; partition `high` preempts jobs of `low`, the default one.

    Attributes:
        folder: All its files.
        node: The node's name.
    """

    def __init__(self, folder: Path) -> None:
        """Starts it; SLURM_CONF must be set to `configuration` for Slurm's commands."""
        self.folder = folder
        self.node = socket.gethostname().partition(".")[0]
        self._pids: dict[str, int] = {}

    @property
    def configuration(self) -> Path:
        return self.folder / "slurm.conf"

    def start(self) -> None:
        for name in ("run", "state", "spool", "log"):
            (self.folder / name).mkdir()
        for index in range(2):
            os.mknod(self.folder / f"gpu{index}", 0o020666, os.makedev(1, 3))
        key = self.folder / "run/munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        (self.folder / "gres.conf").write_text(f"NodeName={self.node} Name=gpu File={self.folder}/gpu[0-1]\n")
        first, second = _free_ports()
        self.configuration.write_text(
            _CONFIGURATION.format(folder=self.folder, node=self.node, port=first, other=second, cpus=CPUS)
        )
        run = self.folder / "run"
        munge = ("--force", f"--key-file={key}", f"--socket={run}/munge.socket", f"--pid-file={run}/munged.pid")
        self._daemon("munged", *munge, f"--log-file={self.folder}/log/munged.log", f"--seed-file={run}/munge.seed")
        self._daemon("slurmctld", "-c", "-f", str(self.configuration))
        self._daemon("slurmd", "-c", "-f", str(self.configuration), "-N", self.node)
        wait_until(lambda: self.node_state() == "idle", "the node was idle")

    def stop(self) -> None:
        """End the daemons by their process ids, and whatever a job left."""
        with suppress(AssertionError, subprocess.TimeoutExpired):
            _run("scancel", "--me", "--signal=KILL", "--full")
            _run("scancel", "--me")
            wait_until(lambda: not self.unfinished(), "all jobs had ended")
        for program, pid in reversed(self._pids.items()):
            with suppress(ProcessLookupError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == program:
                    os.kill(pid, signal.SIGTERM)
            wait_until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), f"{program} had ended")  # type: ignore[misc]

    def _daemon(self, program: str, *arguments: str) -> None:
        _run(str(_which(program)), *arguments)
        file = self.folder / f"run/{program}.pid"
        wait_until(lambda: file.exists() and file.read_text().strip(), f"{program} had started")
        self._pids[program] = int(file.read_text())

    def node_state(self) -> str:
        """The node's state as `sinfo` has it: "idle", "mixed", "draining", ..."""
        return _run("sinfo", "-h", "-o", "%T", "-n", self.node, "-p", "low").strip()

    def jobs(self) -> list[Job]:
        return parse_jobs(_run("squeue", "-h", "-r", "-t", "all", "-o", "%i|%T|%r|%N|%j"))

    def unfinished(self) -> list[Job]:
        return [job for job in self.jobs() if not job.is_over]

    def state(self, number: str) -> str:
        """A job's state; "" if Slurm doesn't list it."""
        return next((job.state for job in self.jobs() if job.id == number), "")

    def release(self, number: str) -> None:
        """Start a requeued job soon: Slurm waits for two minutes.

        Within the second in which it ended a job, slurmd refuses to start it again, and the job fails.
        """
        wait_until(lambda: self.state(number) == "PENDING", f"job {number} was pending")
        _run("scontrol", "update", f"jobid={number}", "StartTime=now+2")

    def preempt(self) -> None:
        """Run a job in the partition `high` that takes the whole node for a moment."""
        words = ("-p", "high", "-n", str(CPUS), "-t", "1", "--output=/dev/null", "--wrap", "true")
        number = _run("sbatch", "--parsable", *words).strip()
        wait_until(lambda: self.state(number) == "COMPLETED", "the job that preempts had ended")

    def signal(self, number: str, name: str) -> None:
        """Send a signal to the batch process alone, as `--signal=B:USR1@120` does before the time limit."""
        _run("scancel", f"--signal={name}", "--batch", number)

    def call(self, *command: str) -> str:
        """Any command of Slurm."""
        return _run(*command)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={other}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
MpiDefault=none
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=10
MinJobAge=3600
InactiveLimit=0
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 Gres=gpu:2 State=UNKNOWN
PartitionName=low Nodes={node} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=high Nodes={node} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def seconds_until(condition: object, what: str) -> float:
    """How long it takes until `condition` is true."""
    assert callable(condition)
    began = time.monotonic()
    wait_until(condition, what)
    return time.monotonic() - began
