"""Analyses cached with the run: computed once, and again when what they were computed from has changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from fmnist_tui import __version__
from fmnist_tui.analysis.probes.errors import AnalysisError
from fmnist_tui.analysis.probes.log_measures import Convergence, Efficiency, Gaps
from fmnist_tui.analysis.probes.model_measures import Fit, Shifts
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.analysis.values import nested, number, whole
from fmnist_tui.files import check_regular_file, finite, read_json, write_json
from fmnist_tui.runs.directory import RunDirectory

R = TypeVar("R")

_LONGEST = 100_000
_FLOATS = "tuple[float, ...]"


class _Unfit(Exception):
    """A key is missing or of another type."""


def read_as(kind: type[R], record: Mapping[str, Any]) -> R | None:
    """The dataclass `kind` out of a JSON object; None where that doesn't fit.

    Its fields are numbers or tuples of numbers. Keys that it doesn't have are passed over.
    """
    try:
        return kind(**{item.name: _value(record, item.name, str(item.type)) for item in fields(kind)})  # type: ignore[arg-type]
    except (_Unfit, ValueError):
        return None


def _value(record: Mapping[str, Any], name: str, annotation: str) -> Any:
    if name not in record:
        raise _Unfit
    if annotation == _FLOATS:
        return _floats(record[name])
    if record[name] is None and annotation.endswith("| None"):
        return None
    value = whole(record, name) if annotation.startswith("int") else number(record, name)
    if value is None:
        raise _Unfit
    return value


def _floats(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) > _LONGEST:
        raise _Unfit
    found = [number({"": value}, "") for value in values]
    known = tuple(value for value in found if value is not None)
    if len(known) != len(found):
        raise _Unfit
    return known


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
"""The analyses by the names under which they are kept, asked for and printed."""


@dataclass(frozen=True)
class Findings:
    """What is known of one run; None for each analysis that was not made, or not of the run as it lies there now."""

    record: RunRecord
    shifts: Shifts | None = None
    permuted: Permuted | None = None
    efficiency: Efficiency | None = None
    fit: Fit | None = None
    gaps: Gaps | None = None
    convergence: Convergence | None = None


def read_findings(record: RunRecord) -> Findings:
    """All that is kept of the run and still holds; what is damaged counts as never made."""
    basis = basis_of(record)
    found: dict[str, Any] = {name: read_kept(record.run, name, basis) for name in KINDS}
    return Findings(record, **found)


def basis_of(record: RunRecord) -> dict[str, str]:
    """What analyses are made of, as sums: the model ("" where the run has none), the test images, log, result."""
    return {
        MODEL: _sha256(record.run.model),
        "test_fingerprint": record.test_fingerprint,
        "log_sha256": _sha256(record.run.events),
        "result_sha256": _sha256(record.run.result),
    }


def read_kept(run: RunDirectory, name: str, basis: Mapping[str, str]) -> Result | None:
    """The analysis of this name, where it is there, whole, and made of `basis`.

    Weights that were left out when a run was put away take nothing from what was measured with them.
    """
    record = read_json(_path(run, name)) or {}
    if record.get("format") != FORMAT or record.get("name") != name or not _holds(nested(record, "basis"), basis):
        return None
    return read_as(KINDS[name], nested(record, "result"))


def keep(run: RunDirectory, name: str, basis: Mapping[str, str], result: Result) -> None:
    """Keeps a result with the run, whole.

    Raises:
        AnalysisError: It can't be written; the run may be gone.
    """
    content = {
        "format": FORMAT,
        "name": name,
        "basis": dict(basis),
        "result": as_json(result),
        "made": time.time(),
        "fmnist-tui": __version__,
    }
    try:
        run.analysis.mkdir(exist_ok=True)
        write_json(_path(run, name), content)
    except OSError as error:
        raise AnalysisError(f"not saved: can't write to {run.analysis} ({error.strerror})") from None


def as_json(result: Result) -> dict[str, Any]:
    """The result as it is kept, and as `analyse --json` prints it."""
    plain: dict[str, Any] = finite(_plain(asdict(result)))
    return plain


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _path(run: RunDirectory, name: str) -> Path:
    return run.analysis / f"{name}.json"


def _holds(kept: Mapping[str, Any], now: Mapping[str, str]) -> bool:
    """Whether nothing has changed; a result says of which weights it is, so that those may be gone."""
    gone = not now[MODEL] and now["result_sha256"]
    return kept == ({**now, MODEL: kept.get(MODEL)} if gone else now)


def _sha256(path: Path) -> str:
    """Of a file, as hex digits; "" where there is none that can be read."""
    try:
        check_regular_file(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
