"""What a user has set for all runs: `settings.toml` in the settings folder; nothing is written there.

For example:

    [queue]
    per_gpu = 2

    [slurm]
    partition = "gpu"
    setup = ["module load python/3.11"]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import check_regular_file, exists
from fmnist_tui.paths import config_folder

FILE_NAME = "settings.toml"
_LARGEST = 100_000
"""Bytes."""

MOST_PER_GPU = 64
Slots = Annotated[int, msgspec.Meta(ge=1, le=MOST_PER_GPU)]
"""How many runs share a device."""


class SettingsError(RunError):
    """The file can't be used; the text is one line."""


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [queue].

    Attributes:
        per_gpu: How many runs share a GPU; "auto" for as many as its free memory and utilisation allow.
        avoid_busy: Whether runs wait for GPUs that other people use; None: only where the machine is shared.
        cpu_slots: How many runs share the CPUs; 0 for as many as there are CPUs for their threads.
    """

    per_gpu: Slots | Literal["auto"] = 1
    avoid_busy: bool | None = None
    cpu_slots: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0


class SlurmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [slurm]: defaults for `--on slurm`. What is "", None or empty is left to the cluster.

    Attributes:
        partition: As `sbatch --partition` takes it.
        account: As `sbatch --account` takes it.
        time: The time limit of one life of a job, as `sbatch --time` takes it.
        gpus: GPUs of each run's job; runs use at most one.
        cpus: CPUs of each run's job.
        sbatch: Further options, each with its value: "--mem=8G".
        setup: Shell lines before the trainer starts: "module load cuda".
        python: The interpreter on the nodes, "" for this one.
    """

    partition: str = ""
    account: str = ""
    time: str = ""
    gpus: int | None = None
    cpus: int | None = None
    sbatch: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    python: str = ""


class HostSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table [ssh.HOST]: defaults for `--on ssh:HOST`.

    Attributes:
        python: The interpreter there, "" for the path of this one.
        setup: Shell lines before the trainer starts: "module load cuda".
        runs: The path of the folder with the runs there, "" where it is the same.
    """

    python: str = ""
    setup: tuple[str, ...] = ()
    runs: str = ""


class UserSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: a table for each part."""

    queue: QueueSettings = QueueSettings()
    slurm: SlurmSettings = SlurmSettings()
    ssh: dict[str, HostSettings] = {}


def read_user_settings(folder: Path | None = None) -> UserSettings:
    """The user's settings; the defaults if there is no file.

    Args:
        folder: The settings folder; None for the usual one.

    Raises:
        SettingsError: The file can't be read, is no TOML, or has a value that isn't possible.
    """
    folder = folder or config_folder()
    if folder is None or not exists(file := folder / FILE_NAME):
        return UserSettings()
    import tomllib

    try:
        check_regular_file(file, _LARGEST)
        content = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
        return msgspec.convert(content, UserSettings)
    except OSError as error:
        raise SettingsError(f"{file} can't be read ({error.strerror})") from None
    except msgspec.ValidationError as error:
        raise SettingsError(f"{file}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{file} is no valid TOML: {' '.join(str(error).split())}") from None
