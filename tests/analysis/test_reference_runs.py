"""The committed evidence: what the app shows of it, and whether it still says what it did when it was made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.probes.cache import KINDS
from fmnist_tui.analysis.probes.claims import reference_section, section
from fmnist_tui.analysis.probes.common import Verdict
from fmnist_tui.analysis.reference import RUNS, SUMMARY, bundled, reference_runs, summarised
from fmnist_tui.files import read_json
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.report.formats import to_csv, to_json, to_markdown
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.run import Run, read_runs
from fmnist_tui.training.recipes import RECIPES

EVIDENCE = Path(__file__).parents[2] / "assets" / "reference"


@pytest.fixture(scope="module")
def records() -> list[Run]:
    return read_runs(EVIDENCE / "runs")


def test_there_are_three_seeds_of_each_version_and_one_under_the_origins_settings(records: list[Run]) -> None:
    counted = {recipe: {one.version: one.runs for one in compare(records, recipe).versions} for recipe in RECIPES}
    versions = [name for name in BUILT_IN if name in counted["tuned"]]
    assert {"v0", "v1", "v2", "v3", "v4"} <= set(versions)
    assert counted == {"tuned": dict.fromkeys(versions, 3), "origin": dict.fromkeys(versions, 1)}


def test_their_logs_say_where_an_epoch_ends_also_without_a_process(records: list[Run]) -> None:
    started = {record.run_id: read_snapshot(record.directory).started for record in records}
    assert [run for run, event in started.items() if event is None] == []


def test_the_summary_in_the_package_is_of_these_runs(records: list[Run]) -> None:
    assert read_json(SUMMARY) == summarised(records)


def test_what_the_results_screen_shows_of_them_is_in_the_package(records: list[Run]) -> None:
    assert RUNS.read_bytes() == bundled(records)
    for recipe, known in reference_runs().items():
        comparison = compare(records, recipe)
        assert known.comparison.versions == comparison.versions
        assert (known.comparison.gain, known.comparison.paired) == (comparison.gain, comparison.paired)
        best = {one.best_run for one in comparison.versions}
        assert set(known.curves) == set(known.reliability) == best
        for record in records:
            if record.run_id in best:
                accuracies = [epoch.validation_accuracy for epoch in record.epochs]
                assert known.curves[record.run_id].accuracy == pytest.approx(accuracies, abs=1e-5)
                assert sum(one.count for one in known.reliability[record.run_id]) == 10_000


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_claims_checked_with_the_analyses_in_the_package_are_those_checked_with_these_runs(
    records: list[Run], recipe: str
) -> None:
    here, in_package = section(records, recipe), reference_section(recipe)
    titles = {one.study.title for one in here.studies}  # the package has no modified runs
    for ours, theirs in zip(in_package.claims, here.claims, strict=True):
        assert ours.verdict is Verdict.NOT_MEASURED if ours.title in titles else ours == theirs
    assert in_package.gain == here.gain
    for version, one in here.found.items():
        assert all(getattr(one, name) == getattr(in_package.found[version], name) for name in KINDS)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_tables_are_of_these_runs(records: list[Run], recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = compare(records, recipe)
    with_runs = tuple(one.version for one in compared.versions)  # a new model has none yet
    monkeypatch.setattr("fmnist_tui.report.comparison.BUILT_IN", with_runs)
    report = comparison_report(compared)
    assert (EVIDENCE / f"results-{recipe}.md").read_text() == to_markdown(report)
    assert (EVIDENCE / f"results-{recipe}.csv").read_text() == to_csv(report)
    assert read_json(EVIDENCE / f"results-{recipe}.json") == to_json(report)


def test_each_result_follows_from_the_probabilities_of_all_test_images(records: list[Run]) -> None:
    for record in records:
        with np.load(record.directory.predictions, allow_pickle=False) as stored:
            right = stored["probabilities"].argmax(axis=1) == stored["labels"]
        assert len(right) == 10_000
        assert record.test_accuracy == right.mean()


def test_nothing_in_it_names_the_machine_that_made_it() -> None:
    texts = [path for path in EVIDENCE.rglob("*") if path.suffix in {".json", ".jsonl", ".md", ".txt", ".csv"}]
    assert len(texts) > 50
    telling = ("/home/", "/root", "/tmp/", '"host"', '"argv"')  # noqa: S108 - nothing is written there
    for path in texts:
        content = path.read_text()
        assert not any(word in content for word in telling)
