from __future__ import annotations

from dataclasses import replace

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from fmnist_tui.analysis.probes.cache import Findings
from fmnist_tui.analysis.probes.claims import Section, reference_section
from fmnist_tui.analysis.probes.common import Verdict
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.themes import THEMES, model_colour
from fmnist_tui.tui.why.claim_chart import Panel, paint
from fmnist_tui.tui.why.figures import Bars, Curves, figures, short_count
from fmnist_tui.tui.why.measuring import Work, missing_analyses
from fmnist_tui.tui.why.pages import Page
from fmnist_tui.tui.why.texts import details, list_line, panel_title, verdict_colour

from .driving import drawn

DARK = THEMES[0]
SPATIAL, EFFICIENCY, SHIFTS, HIERARCHY, GAP, TOTAL = 0, 1, 2, 3, 5, 11


def own(recipe: str = "tuned", *models: str) -> Section:
    """The reference runs of these models, as if they were the user's."""
    reference = reference_section(recipe)
    found = {model: reference.found[model] for model in models}
    claims = (
        reference.claims
        if len(models) == 4
        else tuple(
            replace(claim, verdict=Verdict.NOT_MEASURED, measured="", missing=("fmnist-tui analyse v0",))
            for claim in reference.claims
        )
    )
    return Section(recipe, found, reference.gain if len(models) == 4 else None, claims)


def page(recipe: str = "tuned", *models: str) -> Page:
    return Page(own(recipe, *models), reference_section(recipe))


ALL = ("v0", "v1", "v2", "v3")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("models", [(), ("v0",), ALL], ids=["none", "v0", "all"])
def test_each_claim_that_is_measured_has_a_chart_at_every_size(recipe: str, models: tuple[str, ...]) -> None:
    known = page(recipe, *models)
    for shown, charts in zip(known.claims, figures(known, DARK), strict=True):
        assert panel_title(shown, DARK).cell_len <= 53, "it fits beside the list at 80x24"
        assert bool(charts) == (shown.claim.verdict is not Verdict.NOT_MEASURED)
        for width, height in ((58, 10), (120, 30), (36, 8)):
            text = paint(Panel(panel_title(shown, DARK), figures=charts), width, height, framed=True)
            lines = text.plain.split("\n")
            assert len(lines) <= height
            assert max(map(len, lines)) <= width
            if charts:
                assert drawn(text.plain) or any(mark in text.plain for mark in "▆█●")
        assert paint(Panel(figures=charts), 5, 2, framed=True).plain.count("\n") <= 1


def test_the_users_measurements_are_bright_and_the_references_pale() -> None:
    (alone,) = figures(page(), DARK)[SHIFTS]
    (both,) = figures(page("tuned", *ALL), DARK)[SHIFTS]
    assert isinstance(alone, Curves)
    assert isinstance(both, Curves)
    lines = [one for one in alone.series if one.joined]
    assert [(one.end, one.colour) for one in lines] == [(model, model_colour(model, DARK)) for model in (*ALL, "v4")]
    dashed = [one for one in both.series if one.dashed]
    assert [one.name for one in dashed] == ["reference", "", "", "", ""]
    assert not {one.colour for one in dashed} & {one.colour for one in lines}
    (bars,) = figures(page("tuned", "v0"), DARK)[GAP]
    assert isinstance(bars, Bars)
    assert [(bar.text, bar.reference is None) for bar in bars.bars] == [
        ("+0.2071", False),
        ("+0.0263 reference", True),
        ("+0.0626 reference", True),
        ("+0.0535 reference", True),
        ("+0.0380 reference", True),
    ]
    assert not any(bar.reference for bar in figures(page(), DARK)[GAP][0].bars)  # type: ignore[union-attr]


def test_the_bars_of_permuted_pixels_are_errors_from_zero_in_pairs() -> None:
    (bars,) = figures(page(), DARK)[SPATIAL]
    assert isinstance(bars, Bars)
    assert [(bar.label, bar.text, bar.joined) for bar in bars.bars] == [
        ("v0 in place", "14.57%", False),
        ("v0 permuted", "14.64%", True),
        ("v1 in place", "10.87%", False),
        ("v1 permuted", "14.30%", True),
    ]


def test_accuracy_is_a_point_over_the_logarithm_of_the_cost() -> None:
    parameters, macs = figures(page(), DARK)[EFFICIENCY]
    assert isinstance(parameters, Curves)
    assert isinstance(macs, Curves)
    assert [one.end for one in parameters.series] == ["v0 267k", "v1 121k", "v2 5.9M", "v3 5.9M", "v4 629k"]
    assert [one.end for one in macs.series] == ["v0 266k", "v1 11M", "v2 17M", "v3 17M", "v4 14M"]
    assert [one.marker for one in macs.series] == ["●", "■", "▲", "◆", "▼"]
    assert [text for _, text in parameters.axes.x_ticks] == ["100k", "1M", "10M"]


@pytest.mark.parametrize(
    ("count", "text"), [(7, "7"), (999, "999"), (1000, "1k"), (120_970, "121k"), (999_900, "1M"), (5_858_442, "5.9M")]
)
def test_counts_are_short(count: int, text: str) -> None:
    assert short_count(count) == text


def test_a_claims_name_is_whole_in_a_narrow_list() -> None:
    for shown in page().claims:
        lines = list_line(shown, DARK, 21, with_verdict=True).plain.splitlines()
        assert max(map(len, lines)) <= 21
        assert " ".join(line[2:] for line in lines) == f"{shown.claim.title} {shown.claim.verdict}"


@pytest.mark.parametrize("theme", [*THEMES, *BUILTIN_THEMES.values()], ids=lambda theme: theme.name)
def test_verdicts_differ_in_colour_under_every_theme(theme: Theme) -> None:
    colours = {verdict_colour(verdict, theme) for verdict in Verdict}
    assert len(colours) == len(Verdict)
    assert all(colour.startswith("#") for colour in colours)


def test_below_a_chart_are_a_line_for_each_model_and_what_one_can_do() -> None:
    known = page("tuned", "v0")
    text = details(known.claims[EFFICIENCY], known, Work(3, 130.0), DARK).plain.split("\n")
    assert text[1] == "v1 92.52% with 120,970 parameters, 11.1 M MACs"
    (offer,) = [line for line in text if line.startswith("Measured on the reference runs (tuned).")]
    assert offer.endswith(" m measures it on your runs (about 2 min for all claims)")


def test_what_is_missing_is_measured_the_quick_ones_first() -> None:
    known = page("tuned", *ALL)
    assert missing_analyses([known]) == []
    record = known.own.found["v1"].record
    bare = Section("tuned", {"v1": Findings(record), "v2": Findings(known.own.found["v2"].record)}, None, ())
    names = [name for run, name in missing_analyses([Page(bare, known.reference)]) if run is record]
    assert names == ["efficiency", "gaps", "convergence", "fit", "shifts", "permuted"]
    assert len(missing_analyses([Page(bare, known.reference)])) == 11
