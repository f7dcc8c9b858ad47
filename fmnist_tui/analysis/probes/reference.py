"""The analyses of the reference runs, which come with the package; `assets/reference` has the runs themselves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from fmnist_tui.analysis.probes.cache import KINDS, Findings
from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import manifest_of
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status

ANALYSES = Path(__file__).parent / "reference.json"
"""Written by `assets/reference/bundle_analyses.py`."""
_BUNDLED = ("version", "recipe", "hyperparameters", "seed", "train_images", "data")
"""The keys of run.json that the claims depend on, or that identify the run."""


def bundled(found: Mapping[str, Mapping[str, Findings]]) -> dict[str, Any]:
    """The content of ANALYSES: by recipe and version, a run and its analyses."""
    return {recipe: {version: _bundle(one) for version, one in runs.items()} for recipe, runs in found.items()}


@cache
def reference_findings(recipe: str) -> dict[str, Findings]:
    """The reference runs' analyses by version; {} for a recipe without any. The file is read when first used."""
    content = read_json(ANALYSES) or {}
    return {version: _unbundle(one) for version, one in content.get(recipe, {}).items()}


def _bundle(one: Findings) -> dict[str, Any]:
    analyses = {name: result for name in KINDS if (result := getattr(one, name)) is not None}
    return {
        "run": one.record.run_id,
        "run.json": {name: value for name, value in one.record.manifest.json.items() if name in _BUNDLED},
        "analyses": msgspec.json.decode(msgspec.json.encode(analyses)),
    }


def _unbundle(content: dict[str, Any]) -> Findings:
    run = RunDirectory(Path(content["run"]))
    record = Run(run, Status.FINISHED, manifest_of(run.run_id, content["run.json"], is_settled=True))
    analyses = {name: msgspec.convert(result, KINDS[name]) for name, result in content["analyses"].items()}
    return Findings(record, **analyses)  # type: ignore[arg-type]
