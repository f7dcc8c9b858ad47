"""Analyses saved with the run: computed once, and again if what they were computed from has changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.analysis.probes.convergence import Convergence, Gaps
from fmnist_tui.analysis.probes.efficiency import Efficiency
from fmnist_tui.analysis.probes.fit import Fit
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.files import check_regular_file, read_json, write_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import Run
from fmnist_tui.version import __version__

FORMAT = 1
MODEL = "model_sha256"

Result = Shifts | Permuted | Efficiency | Fit | Gaps | Convergence

KINDS: dict[str, type[Result]] = {
    "shifts": Shifts,
    "permuted": Permuted,
    "efficiency": Efficiency,
    "fit": Fit,
    "gaps": Gaps,
    "convergence": Convergence,
}
"""The analyses by the names under which they are requested, printed and saved."""


class _Saved(msgspec.Struct):
    """An analysis file; `made` and `fmnist-tui`, which it has too, are for people."""

    format: int
    name: str
    basis: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True)
class Findings:
    """What is known of one run; None for each analysis that is missing or of an earlier state of the run."""

    record: Run
    shifts: Shifts | None = None
    permuted: Permuted | None = None
    efficiency: Efficiency | None = None
    fit: Fit | None = None
    gaps: Gaps | None = None
    convergence: Convergence | None = None


def read_findings(record: Run) -> Findings:
    """All valid saved analyses of the run; damaged ones are treated as missing."""
    basis = basis_of(record)
    found: dict[str, Any] = {name: read_saved(record.directory, name, basis) for name in KINDS}
    return Findings(record, **found)


def basis_of(record: Run) -> dict[str, str]:
    """Checksums of what analyses are computed from: model ("" if the run has none), test images, log, result."""
    return {
        MODEL: _sha256(record.directory.model),
        "test_fingerprint": record.test_fingerprint,
        "log_sha256": _sha256(record.directory.events),
        "result_sha256": _sha256(record.directory.result),
    }


def read_saved(run: RunDirectory, name: str, basis: Mapping[str, str]) -> Result | None:
    """The saved analysis of this name; None if it is missing, damaged, or not computed from `basis`.

    It stays valid if only the weights have been removed since, as they are from archived runs.
    """
    try:
        saved = msgspec.convert(read_json(_path(run, name)), _Saved)
        if (saved.format, saved.name) != (FORMAT, name) or not _is_current(saved.basis, basis):
            return None
        return msgspec.convert(saved.result, KINDS[name])
    except msgspec.ValidationError:
        return None


def save(run: RunDirectory, name: str, basis: Mapping[str, str], result: Result) -> None:
    """Save a result with the run, atomically.

    Raises:
        AnalysisError: If it can't be written, for instance because the run was deleted.
    """
    content = {
        "format": FORMAT,
        "name": name,
        "basis": dict(basis),
        "result": msgspec.json.decode(msgspec.json.encode(result)),  # lists, and null for NaN
        "made": time.time(),
        "fmnist-tui": __version__,
    }
    try:
        run.analysis.mkdir(exist_ok=True)
        write_json(_path(run, name), content)
    except OSError as error:
        raise AnalysisError(f"not saved: can't write to {run.analysis} ({error.strerror})") from None


def _path(run: RunDirectory, name: str) -> Path:
    return run.analysis / f"{name}.json"


def _is_current(saved: Mapping[str, Any], now: Mapping[str, str]) -> bool:
    """Whether nothing has changed; the result identifies the weights, so these may have been removed."""
    removed = not now[MODEL] and now["result_sha256"]
    return saved == ({**now, MODEL: saved.get(MODEL)} if removed else now)


def _sha256(path: Path) -> str:
    """A file's checksum as hex digits; "" if it is missing or unreadable."""
    try:
        check_regular_file(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
