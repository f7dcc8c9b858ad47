"""What the overview of the results is made of, as text: intervals, steps, newest runs, reliability diagrams."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builtin_names import SPAN
from rich.color import Color
from textual.theme import BUILTIN_THEMES

from fmnist_tui.analysis.calibration import Bin
from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.analysis.paired import Difference
from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.run import read_runs
from fmnist_tui.runs.status import Status
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.results.calibration import reliability_lines
from fmnist_tui.tui.results.comparison import FASHION_MNIST, Compared, Wanted, compare_runs, excluded_runs
from fmnist_tui.tui.results.deltas import deltas_text, headline, headline_text, short_step, verdict, verdict_colour
from fmnist_tui.tui.results.interval_plot import REPORTED, IntervalRow, interval_plot
from fmnist_tui.tui.results.overview import newest_text
from fmnist_tui.tui.themes import THEMES, model_colour, status_colour

from .samples import training, write_run

THEME = THEMES[0]
V0 = IntervalRow("v0", "v0", "Dense", 0.90, Interval(0.89, 0.91), 3, reference=0.915, reported=0.87)
V1 = IntervalRow("v1", "v1", "Convolutions", 0.93, Interval(0.925, 0.935), 2)
UNTRAINED = IntervalRow("v2", "v2", "Deep head", 0.94, Interval(0.935, 0.945), 3, is_reference=True, is_faint=True)
STEP = Difference("v0", "v1", 0.0258, Interval(0.02, 0.03), "welch", (3, 3))
NOISE = replace(STEP, value=-0.0004, interval=Interval(-0.002, 0.001))


def lines(*rows: IntervalRow, width: int = 100, **options: bool | int) -> list[str]:
    return interval_plot(rows, width, THEME, **options).plain.splitlines()  # type: ignore[arg-type]


def test_an_interval_goes_from_its_low_to_its_high_end_around_the_models_marker() -> None:
    scale, first, second, legend = lines(V0, V1)
    assert first.index(REPORTED) < first.index("├") < first.index("●", 5) < first.index("┤") < first.index("○")
    assert second.index("├") > first.index("┤")
    assert "■" in second[5:]
    assert first.endswith("90.00%  89.00 to 91.00")
    assert legend == f"├●┤ yours, mean and 95% CI  ○ reference  {REPORTED} reported"
    ticks = [float(tick.rstrip("%")) for tick in scale.split()]
    assert len(ticks) >= 3
    assert ticks == sorted(ticks)
    at = scale.index("90%") + 1
    assert abs(at - first.index("●", 5)) <= 1


def test_what_is_not_trained_yet_is_drawn_as_a_reference() -> None:
    *_, untrained, about, legend = lines(V0, UNTRAINED, lines=2)
    assert "○" in untrained
    assert "▲" not in untrained[5:]
    assert "reference, 3 runs" in about
    assert "yours" in legend
    assert lines(UNTRAINED)[-1] == "○ reference runs, shipped with fmnist-tui"


@pytest.mark.parametrize("width", [30, 40, 56, 76, 120, 200])
@pytest.mark.parametrize("rows", [(V0,), (V0, V1, UNTRAINED), (replace(V1, name="v1 (lr 0.01, batch 64, 2 more)"),)])
def test_it_fits_every_width(width: int, rows: tuple[IntervalRow, ...]) -> None:
    for options in ({"lines": 1}, {"lines": 3}, {"with_steps": True}):
        plot = lines(*rows, width=width, **options)
        assert len(plot) == len(rows) * options.get("lines", 1) + 2
        assert max(map(len, plot[:-1])) <= width
        for row, line in zip(rows, plot[1 :: options.get("lines", 1)], strict=False):
            assert row.model in line


def test_equal_values_and_the_ends_of_the_scale_are_drawn() -> None:
    for mean in (0.0, 0.5, 1.0):
        assert "●" in lines(IntervalRow("v0", "v0", "", mean, None, 1))[1][5:]


def test_rows_have_their_models_colours() -> None:
    text = interval_plot([V0, V1], 100, THEME)
    for row in (V0, V1):
        styles = {str(span.style) for span in text.spans if row.name in text.plain[span.start : span.end]}
        assert any(model_colour(row.model, THEME) in style.upper() for style in styles)


@pytest.mark.parametrize(
    ("step", "sign", "words"),
    [
        (STEP, "▲", "significant"),
        (replace(STEP, value=-0.02, interval=Interval(-0.03, -0.01)), "▼", "significant"),
        (replace(STEP, method="paired"), "▲", "significant, one seed"),
        (NOISE, "≈", "not significant"),
        (replace(STEP, interval=None, method=None), "?", "no CI"),
        (replace(STEP, interval=None, method=None, alike=False), "?", "trained unalike"),
    ],
)
def test_a_verdict_has_a_sign_and_words(step: Difference, sign: str, words: str) -> None:
    assert verdict(step) == (sign, words)
    assert short_step(step, THEME).plain.endswith(sign)
    assert short_step(step, THEME).cell_len == short_step(None, THEME).cell_len


@pytest.mark.parametrize("name", sorted({*BUILTIN_THEMES, *(theme.name for theme in THEMES)}))
def test_verdicts_and_statuses_have_colours_that_rich_knows_under_every_theme(name: str) -> None:
    theme = {**BUILTIN_THEMES, **{one.name: one for one in THEMES}}[name]
    worse = replace(STEP, value=-0.02, interval=Interval(-0.03, -0.01))
    colours = [verdict_colour(STEP, theme), verdict_colour(worse, theme)]
    colours += [colour for status in Status if (colour := status_colour(status, theme))]
    for colour in colours:
        assert Color.parse(colour).triplet
    assert colours[0] != colours[1]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """v0 twice, v1 far better, v2 hardly better than v1; v1 under the other recipe; one that isn't eligible."""
    for seed, (version, wrong) in enumerate((("v0", 150), ("v0", 155), ("v1", 100), ("v2", 99))):
        write_run(tmp_path, version, seed=seed, wrong=wrong)
    for seed, (version, wrong) in enumerate((("v0", 170), ("v1", 160)), start=5):
        write_run(tmp_path, version, seed=seed, wrong=wrong, recipe="origin")
    write_run(tmp_path, "v3", seed=8, log=training(epochs=1)).result.unlink()
    return tmp_path


def compared(runs: Path, *recipes: str) -> Compared:
    return compare_runs(read_runs(runs), Wanted(recipes or ("tuned",)), lambda: False)


def test_steps_have_a_line_each_with_points_and_verdict(runs: Path) -> None:
    comparison = compare(read_runs(runs))
    first, second = deltas_text([comparison], 40, THEME).plain.splitlines()
    assert first == "v0→v1  +5.25 ▲ significant, one seed"
    assert second == "v1→v2  +0.10 ≈ not significant"
    assert "+0.10  -0.18 to +0.38" in deltas_text([comparison], 80, THEME).plain
    assert headline(comparison)[:2] == ("+5.35", "v0 → v2")
    assert headline_text(comparison, THEME).plain == "+5.35 points ▲"
    assert "second model" in deltas_text([compare([])], 40, THEME).plain
    assert headline_text(compare([]), THEME).plain == ""


def test_two_recipes_stand_side_by_side(runs: Path) -> None:
    records = read_runs(runs)
    heading, first, second, legend = deltas_text(
        [compare(records), compare(records, "origin")], 40, THEME
    ).plain.splitlines()
    assert heading.split() == ["tuned", "origin"]
    assert first.split() == ["v0→v1", "+5.25", "▲", "+1.00", "▲"]
    assert second.split() == ["v1→v2", "+0.10", "≈"]
    assert "not significant" in legend
    both = compared(runs, "tuned", "origin")
    assert [row.name for row in both.rows] == ["v0 tuned", "v0 origin", "v1 tuned", "v1 origin", "v2 tuned"]
    assert sorted(both.names.values()) == ["v0 origin", "v0 tuned", "v1 origin", "v1 tuned", "v2"]
    assert [one.version for one in both.summaries] == ["v0", "v0", "v1", "v1", "v2"]


def test_models_without_runs_have_the_references_row(runs: Path) -> None:
    rows = {row.name: row for row in compared(runs).rows}
    assert list(rows) == ["v0", "v1", "v2", "v3", "v4"]
    assert [row.is_reference for row in rows.values()] == [False, False, False, True, True]
    assert rows["v3"].step is None
    assert rows["v1"].reference == pytest.approx(0.9265)
    nothing = compared(runs.with_name("none"))
    assert nothing.is_reference
    assert all(row.is_reference and row.reference is None for row in nothing.rows)
    assert nothing.compared == []


def test_the_newest_runs_say_what_they_are(runs: Path) -> None:
    now = compared(runs)
    found = newest_text(now.records, {"v1-20260102-000006-00ff": "recipe is origin"}, THEME).plain.splitlines()
    assert found[0] == "! v3 s8 interrupted tuned"
    assert found[1] == "✓ v1 s6   84.00% origin (excluded)"
    assert found[-1] == "✓ v0 s0   85.00% tuned"
    assert "Press 2" in newest_text([], {}, THEME).plain


def test_a_reliability_bar_ends_at_the_accuracy_and_has_a_stroke_at_the_confidence() -> None:
    bins = [Bin(0.8, 0.9, 1, 0.85, 1.0), Bin(0.9, 1.0, 99, 0.95, 0.5)]
    heading, only = reliability_lines(bins, 60, "#FF0000", "#880000").plain.splitlines()
    assert heading.split() == ["conf.", "images", "acc."]
    assert only.split()[:3] == ["80-100%", "100", "50.5%"]
    assert only.count("━") == pytest.approx((60 - 23) * 0.505, abs=1.5)
    assert only.index("┃") > only.rindex("━")
    assert "┄" in only
    assert reliability_lines([], 60, "#FF0000", "#880000").plain == "no images"


def test_runs_on_other_data_alone_are_compared_under_its_name_and_without_references(tmp_path: Path) -> None:
    mine = {"name": 'file "digits.npz"', "train_fingerprint": "a", "test_fingerprint": "b", "test_images": 1000}
    for seed, version in enumerate(("v0", "v1")):
        run = write_run(tmp_path, version, seed=seed)
        write_json(run.run_json, {**(read_json(run.run_json) or {}), "data": mine})
    now = compare_runs(read_runs(tmp_path), Wanted(), lambda: False)
    assert not now.is_reference
    assert now.data is not None
    assert now.title.startswith(f'Other data, file "digits.npz" (1,000 test images): {SPAN}')
    assert [(row.model, row.reference, row.reported, row.is_faint) for row in now.rows] == [
        ("v0", None, None, False),
        ("v1", None, None, False),
    ]
    together = compare_runs(read_runs(tmp_path), Wanted(all_runs=True), lambda: False)
    assert [one.name for one in together.own[0].versions] == ["v0", "v1"], "the data needs no mention"
    assert now.next_data is together.next_data is None
    write_run(tmp_path, "v2", seed=9)
    both = compare_runs(read_runs(tmp_path), Wanted(), lambda: False)
    assert both.data is None
    assert [one.version for one in both.own[0].versions] == ["v2"]
    assert both.next_data == ("a", "b")
    write_json(run.run_json, {**(read_json(run.run_json) or {}), "limit": 500})
    for wanted in (Wanted(data=both.next_data), Wanted(recipes=RECIPES, data=both.next_data)):
        other = compare_runs(read_runs(tmp_path), wanted, lambda: False)
        assert other.title.startswith(f'Other data, file "digits.npz" (1,000 test images): {SPAN}, recipe')
        assert [one.name for one in other.own[0].versions] == ["v0"]
        assert excluded_runs(other)["v2-20260102-000009-00ff"] == "data is Fashion-MNIST"
        assert other.next_data == FASHION_MNIST
        assert other.report.document["data"] == mine["name"]
        whole = compare_runs(read_runs(tmp_path), replace(wanted, all_runs=True), lambda: False)
        assert [one.name for one in whole.own[0].versions] == ["v0", "v1 (500 images)"]
