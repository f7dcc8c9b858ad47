"""Whether detached runs survive the end of a login, a job or a container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.files import exists, is_folder
from fmnist_tui.host.machine import Check, CheckState, Machine
from fmnist_tui.text import safe

_JOBS = {"SLURM_JOB_ID": "Slurm", "PBS_JOBID": "PBS", "LSB_JOBID": "LSF"}
_RESUME = "fmnist-tui resume RUN continues from the last checkpoint"
_LINGER = "run once: loginctl enable-linger"
_FOLDERS = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd")
"""The folders of logind.conf and logind.conf.d; files in earlier ones override those in later ones."""


@dataclass(frozen=True)
class Threat:
    """What would end detached runs, and advice."""

    message: str
    advice: str


def what_a_logout_ends(machine: Machine) -> str | None:
    """One line on what ends detached runs at logout, with advice; None if nothing does."""
    threat = _threat(machine)
    return safe(f"{threat.message}; {threat.advice}") if threat else None


def logout_check(machine: Machine) -> Check:
    """Whether detached runs continue after a logout."""
    threat = _threat(machine)
    if threat is None:
        return Check("logout", CheckState.OK, "detached runs continue after logout")
    return Check("logout", CheckState.NOTE, threat.message, threat.advice)


def _threat(machine: Machine) -> Threat | None:
    return _from_job(machine) or _from_systemd(machine) or _from_container(machine) or _from_wsl(machine)


def _from_job(machine: Machine) -> Threat | None:
    """A batch system ends everything that a job started, even in new sessions."""
    jobs = [f"{kind} job {machine.environ[name]}" for name, kind in _JOBS.items() if machine.environ.get(name)]
    adopted = re.search(r"slurm\S*/job_(\d+)", machine.read("proc/self/cgroup"))  # an SSH login (pam_slurm_adopt)
    if adopted:
        jobs.append(f"Slurm job {adopted[1]}")
    return Threat(f"runs end with {jobs[0]}", f"request enough time; {_RESUME}") if jobs else None


def _from_systemd(machine: Machine) -> Threat | None:
    """By logind.conf(5) and loginctl(1), what happens depends on the control group of this process."""
    if not is_folder(machine.root / "run/systemd/system"):
        return None
    group = machine.read("proc/self/cgroup")
    if re.search(r"/user@\d+\.service", group):
        if _lingers(machine):
            return None
        return Threat("your last logout ends runs: systemd stops your user manager with all its processes", _LINGER)
    if re.search(r"/session-[^/]+\.scope", group) and _kills_session(machine):
        # Lingering alone isn't enough: the trainer must also leave the session's scope.
        start = "start with: systemd-run --user --scope fmnist-tui"
        advice = start if _lingers(machine) else f"{_LINGER}; then {start}"
        return Threat("a logout ends runs (systemd's KillUserProcesses)", advice)
    return None


def _lingers(machine: Machine) -> bool:
    return exists(machine.root / "var/lib/systemd/linger" / machine.user())


def _kills_session(machine: Machine) -> bool:
    """Whether logind kills the user's session processes, by its own rules."""
    settings = _logind_settings(machine)
    user = machine.user()
    if user in settings.get("KillExcludeUsers", "root").split():
        return False
    if only := settings.get("KillOnlyUsers", "").split():
        return user in only
    return settings.get("KillUserProcesses", "no").lower() in ("yes", "true", "on", "1", "y", "t")


def _logind_settings(machine: Machine) -> dict[str, str]:
    """The settings in logind's files; later ones win, and lists of users are joined."""
    settings: dict[str, str] = {}
    for text in _logind_files(machine):
        for name, value in _assignments(text):
            joined = name.endswith("Users") and value
            settings[name] = f"{settings.get(name, '')} {value}".strip() if joined else value
    return settings


def _logind_files(machine: Machine) -> Iterator[str]:
    """The texts of the main file, preceded by its commented-out built-in defaults as settings, and of the drop-ins."""
    main = [text for folder in _FOLDERS if (text := machine.read(f"{folder}/logind.conf"))]
    if main:
        yield "[Login]\n" + "\n".join(re.findall(r"^#(KillUserProcesses=.*)", main[0], re.MULTILINE))
        yield main[0]
    drop_ins: dict[str, Path] = {}
    for folder in reversed(_FOLDERS):
        drop_ins |= {path.name: path for path in (machine.root / folder / "logind.conf.d").glob("*.conf")}
    for name in sorted(drop_ins):
        yield machine.read(str(drop_ins[name]))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line
        elif section == "[Login]" and line[:1] not in ("#", ";") and "=" in line:
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


def _from_container(machine: Machine) -> Threat | None:
    """A first process with a terminal is a shell (`docker run -it`): all processes end with it."""
    name, _, rest = machine.read("proc/1/stat").rpartition(")")
    fields = rest.split()
    if len(fields) < 5 or fields[4] == "0":  # state, parent, group, session, terminal
        return None
    first = name.partition("(")[2]
    return Threat(
        f"runs end with the first process of this container ({first})",
        "detach from the container (ctrl-p ctrl-q) instead of exiting its shell",
    )


def _from_wsl(machine: Machine) -> Threat | None:
    if "microsoft" not in machine.read("proc/sys/kernel/osrelease").lower():
        return None
    return Threat("WSL may end runs when its last window is closed", f"leave a WSL window open; {_RESUME}")
