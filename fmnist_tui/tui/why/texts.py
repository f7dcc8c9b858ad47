"""The claims in words: their verdicts as badges, and the numbers and the method below a chart."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text
from textual.color import Color
from textual.theme import Theme

from fmnist_tui.analysis.probes.claims import SCOPE
from fmnist_tui.analysis.probes.common import Claim, Verdict
from fmnist_tui.text import rough_duration
from fmnist_tui.tui.cells import wrap
from fmnist_tui.tui.themes import model_colour, theme_colour
from fmnist_tui.tui.why.measuring import Work
from fmnist_tui.tui.why.pages import Page, Shown

_MARKS = {Verdict.SUPPORTED: "✓", Verdict.NOT_SUPPORTED: "✗", Verdict.INCONCLUSIVE: "?", Verdict.NOT_MEASURED: "·"}
_COLOURS = {Verdict.SUPPORTED: "success", Verdict.NOT_SUPPORTED: "error", Verdict.INCONCLUSIVE: "warning"}
REFERENCE_RUNS = "reference runs"


def verdict_colour(verdict: Verdict, theme: Theme) -> str:
    """The verdict's colour on this theme, `#RRGGBB`."""
    return theme_colour(_COLOURS.get(verdict, "foreground"), theme)


def panel_title(shown: Shown, theme: Theme) -> Text:
    """The claim's name, and its verdict as a word on its colour."""
    verdict = shown.claim.verdict
    ground = verdict_colour(verdict, theme)
    ink = Color.parse(ground).get_contrast_text(1.0).hex6
    badge = (f" {_MARKS[verdict]} {verdict} ", f"bold {ink} on {ground}")
    return Text.assemble((shown.claim.title, "bold"), " ", badge)


def source(shown: Shown) -> str:
    """On which runs the verdict is based."""
    return REFERENCE_RUNS if shown.is_reference else "your runs"


def sentence(claim: Claim, *, with_reason: bool) -> str:
    """What is claimed; for a claim without a chart also why it can't be decided."""
    names_model = claim.statement[1:2].isdigit()
    statement = claim.statement if names_model else claim.statement[:1].upper() + claim.statement[1:]
    if not with_reason:
        return statement
    commands = f" To measure it: {'; '.join(claim.missing)}" if claim.missing else ""
    return f"{statement}. {(claim.measured or str(claim.verdict)).capitalize()}. {claim.method}.{commands}"


def list_line(shown: Shown, theme: Theme, width: int, *, with_verdict: bool) -> Text:
    """A claim in a list of so many cells: its mark and its name; the verdict below, where there is room."""
    colour, mark = verdict_colour(shown.claim.verdict, theme), _MARKS[shown.claim.verdict]
    title = "\n  ".join(wrap(shown.claim.title, width - 2))
    line = Text.assemble((mark, f"bold {colour}"), f" {title}", no_wrap=True, overflow="ellipsis")
    return line.append(f"\n  {shown.claim.verdict}", colour) if with_verdict else line


def tally(page: Page, theme: Theme, *, in_words: bool = True) -> Text:
    """How many claims have each verdict."""
    verdicts = [shown.claim.verdict for shown in page.claims]
    parts = [
        Text(
            f"{_MARKS[verdict]} {verdicts.count(verdict)}{f' {verdict}' if in_words else ''}",
            f"bold {verdict_colour(verdict, theme)}",
        )
        for verdict in Verdict
        if verdict in verdicts
    ]
    return Text("   ").join(parts)


def overview(page: Page, work: Work, theme: Theme) -> Text:
    """Below the charts of all claims: how many are supported, on which runs, and how to measure one's own."""
    return Text("\n").join([tally(page, theme), *(Text(line) for line in _sources(page)), *_offer(page, work)])


def details(shown: Shown, page: Page, work: Work, theme: Theme) -> Text:
    """Below the chart of one claim: the measurements, what is missing of one's own, the method."""
    claim = shown.claim
    lines = [_coloured(line, theme) for line in claim.measured.split("; ") if line]
    if shown.is_reference:
        lines += [Text(f"Measured on the {REFERENCE_RUNS} ({page.recipe}). {how}") for how in _on_own_runs(shown, work)]
    lines.append(Text(f"{claim.method}.", "dim"))
    if not shown.is_reference and shown.reference.measured != claim.measured:
        lines.append(Text(f"Reference runs: {shown.reference.verdict}. {shown.reference.measured}", "dim"))
    return Text("\n").join(lines)


def _coloured(line: str, theme: Theme) -> Text:
    """The line; the name of a model that it begins with is in the model's colour."""
    name, space, rest = line.partition(" ")
    is_model = name[:1] == "v" and name[1:].isdigit()
    return Text.assemble((name, f"bold {model_colour(name, theme)}" if is_model else ""), space, rest)


def _sources(page: Page) -> Iterator[str]:
    """The runs that the claims are checked on."""
    runs = " ".join(one.record.run_id for one in page.own.found.values())
    if runs:
        yield f"Your runs, {page.recipe}: {runs}; beside them, pale, the {REFERENCE_RUNS}"
    else:
        yield f"The {REFERENCE_RUNS} that come with fmnist-tui, {page.recipe}; no eligible runs of yours yet"
    yield SCOPE


def _offer(page: Page, work: Work) -> Iterator[Text]:
    if work.count:
        yield Text.assemble(("m", "bold"), f" measures what is missing on your runs ({_duration(work)})")
    elif not page.own.found:
        yield Text.assemble("Press ", ("2", "bold"), " and train v0 and v1 to measure the same on your own runs")


def _on_own_runs(shown: Shown, work: Work) -> Iterator[str]:
    """How to measure the claim on one's own runs."""
    training = [command for command in shown.own.missing if " train " in command]
    if training:
        yield f"On your own runs: press 2 and train, or {' '.join(training)}"
    elif shown.own.missing and work.count:
        yield f"m measures it on your runs ({_duration(work)} for all claims)"
    elif shown.own.missing:
        yield f"On your own runs: {' '.join(shown.own.missing)}"


def _duration(work: Work) -> str:
    return f"about {rough_duration(work.seconds)}"
