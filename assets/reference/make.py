"""Makes the evidence: `python assets/reference/make.py RUNS [DEVICE]`; may be broken off and called again.

Takes half an hour with a GPU, hours on two CPUs.

Trains the reference runs into RUNS, measures the origin's claims on them, and writes to this folder what can be
committed: each run without its checkpoints, its large weights and what is this machine's alone; tables; figures; and
the summary and the analyses that the app shows.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bundle_analyses import write_analyses
from bundle_runs import bundle
from trained import train_all

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.reference import SUMMARY, summarised
from fmnist_tui.files import read_json, write_json
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.report.export import export_run, export_shifts
from fmnist_tui.report.formats import to_csv, to_json, to_markdown
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import Run, read_runs
from fmnist_tui.training.recipes import configure_all

HERE = Path(__file__).parent
SEEDS = {"origin": 1, "tuned": 3}
KEPT = ("result.json", "predictions.npz", "analysis")
SMALL = ("v0", "v1")
"""Whose weights are committed, too: one and a half megabytes a run."""
FIGURES = ("confusion", "reliability", "training_loss_plot")
OF_THE_MACHINE = ("host", "pid", "argv", "user", "queue")


def main(runs: Path, device: str) -> None:
    """All of it."""
    configs = [
        config
        for recipe, seeds in SEEDS.items()
        for config in configure_all(BUILT_IN, range(seeds), recipe, {}, device)
    ]
    records = train_all(runs, configs)
    for recipe in SEEDS:
        (HERE / f"claims-{recipe}.txt").write_text(_analysed(runs, recipe))
    shutil.rmtree(HERE / "runs", ignore_errors=True)
    for record in records:
        put_away(record.directory)
    write_tables(read_runs(HERE / "runs"))


def put_away(run: RunDirectory) -> None:
    """Copies what is committed of a run."""
    to = HERE / "runs" / run.run_id
    to.mkdir(parents=True)
    weights = ("model.safetensors",) if run.run_id.startswith(SMALL) else ()
    for name in (*KEPT, *weights):
        source = run.path / name
        if source.exists():  # only the best run of each version is analysed
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, to / name)
    put_log_away(run, to)
    content: dict[str, Any] = read_json(run.run_json) or {}
    data = {name: value for name, value in content["data"].items() if name not in ("folder", "source")}
    write_json(to / "run.json", {**{k: v for k, v in content.items() if k not in OF_THE_MACHINE}, "data": data})


def put_log_away(run: RunDirectory, to: Path) -> None:
    """Writes the log without what is this machine's alone; the analyses, which don't depend on that, stay valid."""
    lines = (json.loads(line) for line in run.events.read_text().splitlines())
    events = ({name: value for name, value in line.items() if name not in OF_THE_MACHINE} for line in lines)
    content = "".join(f"{json.dumps(event)}\n" for event in events).encode()
    (to / "events.jsonl").write_bytes(content)
    for path in (to / "analysis").glob("*.json"):
        analysis = read_json(path) or {}
        analysis["basis"]["log_sha256"] = hashlib.sha256(content).hexdigest()
        write_json(path, analysis)


def write_tables(records: list[Run]) -> None:
    """The summary and the analyses for the app, the tables, and the figures."""
    SUMMARY.write_text(json.dumps(summarised(records), indent=2) + "\n")
    bundle(records)
    write_analyses(records)
    for recipe in SEEDS:
        report = comparison_report(compare(records, recipe))
        (HERE / f"results-{recipe}.md").write_text(to_markdown(report))
        (HERE / f"results-{recipe}.csv").write_text(to_csv(report))
        (HERE / f"results-{recipe}.json").write_text(json.dumps(to_json(report), indent=2) + "\n")
    write_figures(records)


def write_figures(records: list[Run]) -> None:
    """The figures of the tuned recipe's best runs."""
    best = {one.best_run: one.version for one in compare(records, "tuned").versions}
    with tempfile.TemporaryDirectory() as folder:
        chosen = [record for record in records if record.run_id in best]
        for record in chosen:
            for path in export_run(record, Path(folder)).files:
                if path.stem in FIGURES and path.suffix == ".png":
                    shutil.copyfile(path, HERE / f"{best[record.run_id]}-{path.name}")
        for path in export_shifts(chosen, Path(folder)):
            shutil.copyfile(path, HERE / path.name)


def _analysed(runs: Path, recipe: str) -> str:
    """What `analyse` prints of the recipe's best runs."""
    command = [sys.executable, "-m", "fmnist_tui", "analyse", "--recipe", recipe, "--runs", str(runs)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "cpu")
