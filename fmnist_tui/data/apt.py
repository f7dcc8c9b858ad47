"""Debian's package as the last resort: downloaded with apt-get, unpacked beside the cache, no root needed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_tui.data.cache import keep_file
from fmnist_tui.data.errors import DataError, Progress, Report, Stop, unwritable
from fmnist_tui.data.folder import locate
from fmnist_tui.data.official import OfficialFile
from fmnist_tui.data.process import Outcome, run

PACKAGE = "dataset-fashion-mnist"
UNPACKED = Path("usr/share/datasets/fashion-mnist")
FAIL_SOON = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10")
ASK_LIMIT, UPDATE_LIMIT, DOWNLOAD_LIMIT, UNPACK_LIMIT = 30.0, 180.0, 600.0, 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Apt:
    """The commands to use, and whether this user may refresh the package lists."""

    apt_get: str = "apt-get"
    dpkg_deb: str = "dpkg-deb"
    is_root: bool = field(default_factory=lambda: os.geteuid() == 0)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What every step of one download needs to know."""

    apt: Apt
    folder: Path
    report: Report
    cancelled: Stop

    def run(self, what: str, total: int | None, limit: float, *command: str) -> Outcome:
        """Run `command` in the folder; report as `what`, with the bytes that lie there so far."""

        def tick() -> None:
            self.report(Progress(what, _bytes_in(self.folder), total))

        tick()
        return run(command, self.folder, limit, self.cancelled, tick)


def fetch(files: tuple[OfficialFile, ...], apt: Apt, folder: Path, report: Report, cancelled: Stop) -> None:
    """Bring `files` from Debian's package into `folder`.

    Args:
        files: What is wanted.
        apt: The commands to use.
        folder: Where to keep the files; made if needed. Work is done in a temporary folder inside.
        report: Told what is done and how many bytes have come.
        cancelled: Asked all the time.

    Raises:
        DataError: There is no apt-get here, or it cannot get the package.
        Cancelled: `cancelled` turned true.
    """
    for command in (apt.apt_get, apt.dpkg_deb):
        if not shutil.which(command):
            raise DataError(f"{command} is not on this machine")
    with _workplace(folder) as workplace:
        errand = _Errand(apt, Path(workplace), report, cancelled)
        _download(errand, _ask_size(errand))
        _unpack(errand)
        for file in files:
            path = locate(errand.folder / UNPACKED, file.name)
            if path is None:
                raise DataError(f"the package {PACKAGE} lacks {file.name}")
            keep_file(folder, file, path.read_bytes())


def _workplace(folder: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder, prefix=".apt-")
    except OSError as error:
        raise unwritable(folder, error) from None


def _ask_size(errand: _Errand) -> int:
    """Return the package's size in bytes, refreshing apt's lists first where they lack it and root may."""
    size = _listed_size(errand)
    if size is None and errand.apt.is_root:
        what = "refreshing apt's package lists (apt-get update)"
        errand.run(what, None, UPDATE_LIMIT, errand.apt.apt_get, *FAIL_SOON, "update")
        size = _listed_size(errand)
    if size is None:
        wish = "" if errand.apt.is_root else " (`sudo apt-get update` may help)"
        raise DataError(f"apt does not know the package {PACKAGE}{wish}")
    return size


def _listed_size(errand: _Errand) -> int | None:
    what = f"asking apt for the package {PACKAGE}"
    asked = errand.run(what, None, ASK_LIMIT, errand.apt.apt_get, "download", "--print-uris", PACKAGE)
    listed = re.search(rf"^'\S+' {PACKAGE}_\S+\.deb (\d+)", asked.output, re.MULTILINE)
    return int(listed[1]) if listed and asked.status == 0 else None


def _download(errand: _Errand, size: int) -> None:
    what = f"fetching Debian's package {PACKAGE} with apt-get"
    _succeed(errand.run(what, size, DOWNLOAD_LIMIT, errand.apt.apt_get, *FAIL_SOON, "download", PACKAGE), "apt-get")


def _unpack(errand: _Errand) -> None:
    packages = sorted(errand.folder.glob(f"{PACKAGE}_*.deb"))
    if not packages:
        raise DataError(f"apt-get left no package {PACKAGE}")
    what = f"unpacking {PACKAGE}"
    _succeed(errand.run(what, None, UNPACK_LIMIT, errand.apt.dpkg_deb, "-x", packages[0].name, "."), "dpkg-deb")


def _succeed(outcome: Outcome, name: str) -> None:
    """Raise DataError with the last complaint that the command printed, unless it went well."""
    if outcome.status != 0:
        lines = outcome.output.strip().splitlines() or ["it said nothing"]
        complaints = [line for line in lines if line.startswith("E:")] or lines
        raise DataError(f"{name} failed: {complaints[-1].removeprefix('E:').strip()}")


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # apt renames what is complete
            total += path.stat().st_size if path.is_file() else 0
    return total
