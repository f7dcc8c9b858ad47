"""Debian's package as the last resort: downloaded with apt-get and unpacked in the cache, without root."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_tui.data.cache import save_file
from fmnist_tui.data.errors import (
    CancelCheck,
    DataError,
    Progress,
    ProgressCallback,
    raise_if_cancelled,
    unwritable,
)
from fmnist_tui.data.folder import locate
from fmnist_tui.data.official import OfficialFile
from fmnist_tui.host.processes import CommandResult, run_command

PACKAGE = "dataset-fashion-mnist"
UNPACKED = Path("usr/share/datasets/fashion-mnist")
FAIL_FAST = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10")
ASK_LIMIT, UPDATE_LIMIT, DOWNLOAD_LIMIT, UNPACK_LIMIT = 30.0, 180.0, 600.0, 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Apt:
    """The commands to use, and whether this user is root and may update the package lists."""

    apt_get: str = "apt-get"
    dpkg_deb: str = "dpkg-deb"
    is_root: bool = field(default_factory=lambda: os.geteuid() == 0)


@dataclass(frozen=True, slots=True)
class _AptRun:
    """What each command of one download needs."""

    apt: Apt
    folder: Path
    report: ProgressCallback
    cancelled: CancelCheck

    def run(self, what: str, total: int | None, limit: float, *command: str) -> CommandResult:
        """Run a command in the folder, and report the folder's size in bytes as the progress of `what`.

        Raises:
            DataError: The command can't be started, or takes longer than `limit` seconds.
            Cancelled: The caller asked to stop.
        """

        def tick() -> None:
            self.report(Progress(what, _bytes_in(self.folder), total))
            raise_if_cancelled(self.cancelled)

        result = run_command(command, limit, {**os.environ, "LC_ALL": "C"}, self.folder, tick)
        if result.status is None:
            raise DataError(f"{Path(command[0]).name} failed: {result.errors}")
        return result


def fetch(
    files: tuple[OfficialFile, ...], apt: Apt, folder: Path, report: ProgressCallback, cancelled: CancelCheck
) -> None:
    """Copy `files` from Debian's package into `folder`.

    Args:
        files: The files to fetch.
        apt: The commands to use.
        folder: Where to save the files; created if needed. The package is unpacked in a temporary folder inside.
        report: Called with the current step and the bytes downloaded so far.
        cancelled: Polled meanwhile.

    Raises:
        DataError: There is no apt-get on this machine, or it can't download the package.
        CacheError: `folder` can't be written.
        Cancelled: `cancelled` returned True.
    """
    for command in (apt.apt_get, apt.dpkg_deb):
        if not shutil.which(command):
            raise DataError(f"{command} is not on this machine")
    with _temporary_folder(folder) as temporary:
        apt_run = _AptRun(apt, Path(temporary), report, cancelled)
        _download(apt_run, _package_size(apt_run))
        _unpack(apt_run)
        for file in files:
            path = locate(apt_run.folder / UNPACKED, file.name)
            if path is None:
                raise DataError(f"the package {PACKAGE} lacks {file.name}")
            save_file(folder, file, path.read_bytes())


def _temporary_folder(folder: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder, prefix=".apt-")
    except OSError as error:
        raise unwritable(folder, error) from None


def _package_size(apt_run: _AptRun) -> int:
    """The package's size in bytes. As root, the package lists are updated first if the package isn't in them."""
    size = _listed_size(apt_run)
    if size is None and apt_run.apt.is_root:
        what = "updating the package lists (apt-get update)"
        apt_run.run(what, None, UPDATE_LIMIT, apt_run.apt.apt_get, *FAIL_FAST, "update")
        size = _listed_size(apt_run)
    if size is None:
        hint = "" if apt_run.apt.is_root else " (`sudo apt-get update` may help)"
        raise DataError(f"apt does not know the package {PACKAGE}{hint}")
    return size


def _listed_size(apt_run: _AptRun) -> int | None:
    what = f"asking apt for the package {PACKAGE}"
    listing = apt_run.run(what, None, ASK_LIMIT, apt_run.apt.apt_get, "download", "--print-uris", PACKAGE)
    entry = re.search(rf"^'\S+' {PACKAGE}_\S+\.deb (\d+)", listing.output, re.MULTILINE)
    return int(entry[1]) if entry and listing.status == 0 else None


def _download(apt_run: _AptRun, size: int) -> None:
    what = f"fetching Debian's package {PACKAGE} with apt-get"
    _succeed(apt_run.run(what, size, DOWNLOAD_LIMIT, apt_run.apt.apt_get, *FAIL_FAST, "download", PACKAGE), "apt-get")


def _unpack(apt_run: _AptRun) -> None:
    packages = sorted(apt_run.folder.glob(f"{PACKAGE}_*.deb"))
    if not packages:
        raise DataError(f"apt-get downloaded no package {PACKAGE}")
    what = f"unpacking {PACKAGE}"
    _succeed(apt_run.run(what, None, UNPACK_LIMIT, apt_run.apt.dpkg_deb, "-x", packages[0].name, "."), "dpkg-deb")


def _succeed(result: CommandResult, name: str) -> None:
    """Raise DataError with the last error message of the command if it failed."""
    if result.status != 0:
        lines = f"{result.output}\n{result.errors}".strip().splitlines() or ["it printed no message"]
        messages = [line for line in lines if line.startswith("E:")] or lines
        raise DataError(f"{name} failed: {messages[-1].removeprefix('E:').strip()}")


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # apt renames completed files
            total += path.stat().st_size if path.is_file() else 0
    return total
