"""The steps from model to model with their verdicts, and the gain from the first to the last."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.theme import Theme

from fmnist_tui.analysis.comparison import Comparison, VersionSummary
from fmnist_tui.analysis.paired import Difference
from fmnist_tui.models.looks import look_of
from fmnist_tui.report.formats import styled
from fmnist_tui.report.sentences import step_sentence, version_sentence
from fmnist_tui.text import abbreviated, counted, percent, points
from fmnist_tui.tui.themes import model_colour, theme_colour

_BETTER, _WORSE, _EVEN, _UNKNOWN = "▲", "▼", "≈", "?"
_CI_FROM = 46
"""Cells from which intervals are written as well."""


def verdict(step: Difference) -> tuple[str, str]:
    """A sign and words: whether the difference is significant."""
    if step.significant is None:
        return _UNKNOWN, "no CI" if step.alike else "trained unalike"
    if not step.significant:
        return _EVEN, "not significant"
    return (_BETTER if step.value > 0 else _WORSE), f"significant{', one seed' if step.method == 'paired' else ''}"


def verdict_colour(step: Difference, theme: Theme) -> str:
    """Green for better, red for worse, muted for what is not significant."""
    if not step.significant:
        return "dim"
    return theme_colour("success" if step.value > 0 else "error", theme)


def short_step(step: Difference | None, theme: Theme) -> Text:
    """For example +2.58 ▲, always as wide."""
    if step is None:
        return Text(" " * 8)
    return Text(f"{points(step.value):>6} {verdict(step)[0]}", verdict_colour(step, theme))


def deltas_text(comparisons: Sequence[Comparison], width: int, theme: Theme) -> Text:
    """A line for each step: from, to, points, verdict; two recipes stand side by side, with signs alone."""
    shown = [one for one in comparisons if any(summary.step for summary in one.versions)]
    if not shown:
        return Text("Train a second model to see the step.", "dim")
    if len(shown) > 1:
        return _side_by_side(shown, theme)
    lines = []
    for summary in shown[0].versions:
        if step := summary.step:
            sign, words = verdict(step)
            line = Text.assemble(f"{step.first}→{step.second} ", (f"{points(step.value):>6}", "bold"))
            if width >= _CI_FROM and step.interval:
                line.append(f"  {points(step.interval.low)} to {points(step.interval.high)}", "dim")
            line.append(f" {sign} {words}", verdict_colour(step, theme))
            if summary.conditions:
                line.append(f"  {summary.conditions}", "dim")
            lines.append(line)
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def _side_by_side(comparisons: Sequence[Comparison], theme: Theme) -> Text:
    steps = [
        {(s.step.first, s.step.second): s.step for s in one.versions if s.step and not s.conditions}
        for one in comparisons
    ]
    pairs = list(dict.fromkeys(pair for of_one in steps for pair in of_one))
    width = max([8, *(len("→".join(pair)) for pair in pairs)])
    lines = [Text(" " * width + "".join(f"{one.recipe:>10}" for one in comparisons), "dim")]
    for pair in pairs:
        line = Text(f"{'→'.join(pair):<{width}}")
        for of_one in steps:
            line.append("  ")
            line.append_text(short_step(of_one.get(pair), theme))
        lines.append(line)
    lines.append(Text(f"{_BETTER} better  {_WORSE} worse  {_EVEN} not significant", "dim"))
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def headline(comparison: Comparison) -> tuple[str, str, str]:
    """The most important number, what it is, and what belongs below: the gain, or of a single model its accuracy."""
    gain = comparison.gain
    if gain is not None:
        interval = gain.interval
        ci = f", 95% CI {points(interval.low)} to {points(interval.high)}" if interval else ", no CI"
        return points(gain.value), f"{gain.first} → {gain.second}", f"points{ci}"
    if not comparison.versions:
        return "", "", ""
    only = comparison.versions[0]
    interval = only.test_accuracy.interval
    ci = f", 95% CI {percent(interval.low)} to {percent(interval.high)}" if interval else ""
    return percent(only.test_accuracy.mean), only.name, f"{counted(only.runs, 'run')}{ci}"


def headline_text(comparison: Comparison, theme: Theme) -> Text:
    """The gain in one line for small screens: "+3.64 points ▲"; "" if there is none."""
    gain = comparison.gain
    if gain is None:
        return Text()
    return Text.assemble((f"{points(gain.value)} points {verdict(gain)[0]}", f"bold {verdict_colour(gain, theme)}"))


def about_version(summary: VersionSummary) -> Text:
    """What is in a row of the table, in sentences: the model, its measures, the step to it."""
    lines = [Text(f"{summary.name} {summary.title}", "bold")]
    lines += [Text(f"Changed: {summary.what_changed}")] if summary.what_changed else []
    lines.append(styled(version_sentence(summary)))
    lines += [styled(step_sentence(summary.step))] if summary.step else []
    return Text("\n").join(lines)


def measures_text(comparison: Comparison, theme: Theme) -> Text:
    """The other measures on the test images: NLL, ECE and parameters of each model."""
    width = max([8, *(len(summary.version) for summary in comparison.versions)])
    lines = [Text(f"{'':<{width + 2}}{'NLL':>8}{'ECE':>8}{'params':>9}", "dim")]
    for summary in comparison.versions:
        numbers = f"{summary.test_nll.mean:>8.4f}{summary.test_ece.mean:>8.4f}{abbreviated(summary.parameters):>9}"
        name = f"{look_of(summary.version).marker} {summary.version:<{width}}"
        lines.append(Text.assemble((name, f"bold {model_colour(summary.version, theme)}"), numbers))
        if summary.conditions:
            lines[-1].append(f"  {summary.conditions}", "dim")
    return Text("\n").join(lines)
