"""Where and how a run is started on a cluster: checked, and saved for a later `resume`."""

from __future__ import annotations

import hashlib
import re
import shlex
from contextlib import suppress
from typing import Any

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import write_atomically
from fmnist_tui.paths import state_folder, used_state_folders
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.config import ConfigError
from fmnist_tui.user_settings import SlurmSettings

LOCAL, SLURM, SSH = "local", "slurm", "ssh:"
_FOLDER = "launches"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,@+-]*")
_TIME = re.compile(r"([0-9]{1,9}-)?[0-9]{1,9}(:[0-9]{1,9}){0,2}|infinite", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:%-]*|\[[0-9A-Fa-f:]+\]")
_OURS = ("--array", "-a", "--job-name", "-J", "--wrap", "--parsable", "--no-requeue")
"""Options on which finding a job again depends."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run is trained.

    Attributes:
        target: "local", "slurm", or "ssh:HOST".
        slurm: The options of its job.
    """

    target: str = LOCAL
    slurm: SlurmSettings = SlurmSettings()


def checked_target(target: str) -> str:
    """The target, if it is one: "local", "slurm", "ssh:HOST".

    Raises:
        ConfigError: It is none, or ssh would read the host's name as an option.
    """
    if target in (LOCAL, SLURM) or (target.startswith(SSH) and _HOST.fullmatch(target.removeprefix(SSH))):
        return target
    raise ConfigError(f"--on takes local, slurm or ssh:HOST, not {target!r}")


def checked_options(defaults: SlurmSettings, **given: Any) -> SlurmSettings:
    """The options of a job: what was given, else the defaults; further `sbatch` options are added to the default ones.

    Raises:
        ConfigError: One of them can't be used.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    changes["sbatch"] = (*defaults.sbatch, *changes.get("sbatch", ()))
    options = msgspec.structs.replace(defaults, **changes)
    for name in ("partition", "account"):
        if (value := getattr(options, name)) and not _NAME.fullmatch(value):
            raise ConfigError(f"{value!r} is no name of a Slurm {name}")
    if options.time and not _TIME.fullmatch(options.time):
        raise ConfigError(f"{options.time!r} is no time limit; write 4:00:00, 90 (minutes) or 2-12:00:00")
    if (options.gpus or 0) < 0 or (options.cpus is not None and options.cpus < 1):
        raise ConfigError("--gpus takes 0 or more; cpus in [slurm] takes 1 or more")
    for line in options.sbatch:
        sbatch_words(line)
    for line in options.setup:
        if not line.isprintable():
            raise ConfigError(f"setup takes single lines of shell, not {line!r}")
    return options


def sbatch_words(line: str) -> list[str]:
    """An `#SBATCH` line, or what follows that word in one, as arguments: "--mem=8G", "-C a100", "#SBATCH --exclusive".

    Raises:
        ConfigError: It is none, or it would change what this program relies on.
    """
    text = line.strip().removeprefix("#SBATCH").strip()
    try:
        words = shlex.split(text) if text.isprintable() else []
    except ValueError:
        words = []
    if not words or not words[0].startswith("-") or words[0] in ("-", "--"):
        raise ConfigError(f"--sbatch takes an option of sbatch such as --mem=8G, not {line!r}")
    if any(word.partition("=")[0] in _OURS for word in words):
        raise ConfigError(f"--sbatch {line!r}: {', '.join(_OURS)} are set by this program")
    return words


def save_launch(run: RunDirectory, launch: Launch) -> None:
    """Remember how a run was started, for `resume`, in the user's state folder.

    Raises:
        RunError: It can't be saved.
    """
    try:
        folder = state_folder() / _FOLDER
        if launch.target == LOCAL:
            (folder / _file_name(run)).unlink(missing_ok=True)
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(folder / _file_name(run), msgspec.json.encode(launch))
    except OSError as error:
        raise RunError(f"the options of {run.run_id} can't be saved ({error.strerror})") from None


def saved_launch(run: RunDirectory) -> Launch:
    """How this user started the run last; on this machine if nothing else is known."""
    for folder in used_state_folders():
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((folder / _FOLDER / _file_name(run)).read_bytes(), type=Launch)
    return Launch()


def _file_name(run: RunDirectory) -> str:
    return hashlib.sha256(bytes(run.path.absolute())).hexdigest()[:32] + ".json"
