"""`fmnist-tui analyse`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click

from fmnist_tui.analysis.probes.claim import Claim
from fmnist_tui.analysis.probes.claims import claims
from fmnist_tui.analysis.probes.kept import KINDS, Findings
from fmnist_tui.analysis.probes.page import section
from fmnist_tui.analysis.probes.permuted import EPOCHS, LIMIT
from fmnist_tui.analysis.probes.telling import EXPECTED, AnalysisError, Report
from fmnist_tui.analysis.record import RunRecord, read_record, read_records
from fmnist_tui.cli.analysed import Analysed, analysed_json, print_analysed
from fmnist_tui.cli.options import complete_run, data_option, json_option, runs_option
from fmnist_tui.cli.printing import can_redraw, print_json, show_for_now
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.places import cache_folder, data_folder, runs_folder
from fmnist_tui.text import safe
from fmnist_tui.training.recipes import RECIPES, recipe_option

if TYPE_CHECKING:
    from fmnist_tui.analysis.probes.analysing import Wish

_ENDS = ("v0", "v3")
_TELL_SECONDS = 0.2


@click.command("analyse")
@click.argument("words", nargs=-1, metavar="[RUN...]", shell_complete=complete_run)
@click.option("--recipe", type=click.Choice(RECIPES), default="tuned", show_default=True, help="Whose best runs.")
@click.option("--only", multiple=True, type=click.Choice(tuple(KINDS)), help="This analysis alone; may be repeated.")
@click.option("--again", is_flag=True, help="Compute what is kept with the runs, too.")
@click.option("--epochs", type=click.IntRange(1, 10_000), metavar="N", help=f"Of `permuted`; {EPOCHS} if not said.")
@click.option(
    "--limit", type=click.IntRange(10, 10_000_000), metavar="N", help=f"Images of `permuted`; {LIMIT} if not said."
)
@click.option("--device", default="auto", show_default=True, metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
@json_option
@data_option
@runs_option
def analyse_command(
    words: tuple[str, ...],
    recipe: str,
    only: tuple[str, ...],
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
    **settings: Any,
) -> None:
    """Measure what the CNNs are said to be better at, of runs or of the best run of each version.

    shifts: accuracy on test images moved by up to 4 pixels. permuted (v0 and v1): two short trainings, one on pixels
    in a random order. efficiency: accuracy over parameters and multiply-adds. fit: the images it learned from
    against those it never saw. gaps: training against validation as the epochs ran.
    convergence: the loss curve. All are kept with the run.
    """
    from fmnist_tui.analysis.probes.analysing import Images, Wish

    records, gain = _chosen(words, recipe, runs)
    wish = Wish(Images(data_folder(data), cache_folder()), **settings)
    analysed = [_analysed(record, only, wish) for record in records]
    if not any(one.analyses for one in analysed):
        raise AnalysisError(next(why for one in analysed for why in one.faults.values()))
    told = _claims(analysed, gain, asked=bool(words))
    if as_json:
        print_json(analysed_json(analysed, told))
    else:
        print_analysed(analysed, told)
    for one in analysed:
        for why in dict.fromkeys(one.faults.values()):
            names = ", ".join(name for name, fault in one.faults.items() if fault == why)
            click.echo(safe(f"{one.record.run_id}: {names}: {why}"), err=True)


def _chosen(words: Sequence[str], recipe: str, runs: str | None) -> tuple[list[RunRecord], float | None]:
    """The runs that are named, each once, or the recipe's best counting ones; and the latter's total gain."""
    folder = runs_folder(runs)
    if words:
        return [read_record(run) for run in dict.fromkeys(find_readable(folder, word) for word in words)], None
    best = section(read_records(folder), recipe)
    if not best.found:
        train = f"fmnist-tui train all{recipe_option(recipe)}"
        raise AnalysisError(f"no run counts yet under the recipe {recipe}; name a run, or train: {train}")
    return [one.record for one in best.found.values()], best.gain


def _analysed(record: RunRecord, only: Sequence[str], wish: Wish) -> Analysed:
    """All that was asked for of one run, as far as it can be made."""
    from fmnist_tui.analysis.probes.analysing import analyse, applies

    done = Analysed(record)
    for name in only or [name for name in KINDS if applies(record, name)]:
        with _telling(f"{record.run_id}: {name}") as report:
            try:
                made = analyse(record, name, wish, report)
            except EXPECTED as error:
                done.faults[name] = str(error)
                continue
        done.analyses[name] = made.result
        if made.kept:
            done.kept.append(name)
        if made.unkept:
            done.faults[name] = made.unkept
    return done


@contextmanager
def _telling(what: str) -> Iterator[Report]:
    """Tells on stderr how far it is: a moving line on a terminal, elsewhere one line where it takes its time."""
    moving = can_redraw(sys.stderr)
    due = 0.0
    said = False

    def report(share: float, words: str) -> None:
        nonlocal due, said
        if moving and time.monotonic() >= due:
            due = time.monotonic() + _TELL_SECONDS
            show_for_now(f"{what} {share:.0%}, {words}")
        elif not moving and not said:
            said = True
            click.echo(safe(what), err=True)

    try:
        yield report
    finally:
        show_for_now("")


def _claims(analysed: Sequence[Analysed], gain: float | None, *, asked: bool) -> dict[str, tuple[Claim, ...]]:
    """The claims for each recipe, about the first run of each version that is on the images of the recipe's first."""
    told = {}
    for recipe in dict.fromkeys(one.record.recipe for one in analysed):
        found: dict[str, Findings] = {}
        own = [one for one in analysed if one.record.recipe == recipe]
        common = [one for one in own if one.record.is_comparable_with(own[0].record)]
        for one in sorted(common, key=lambda one: one.record.version):
            found.setdefault(one.record.version, one.findings)
        told[recipe] = claims(recipe, found, _gain([one.record for one in common]) if asked else gain)
    return told


def _gain(records: Sequence[RunRecord]) -> float | None:
    """Mean accuracy of v3's runs less that of v0's."""
    scored = [(one.version, one.scores.accuracy) for one in records if one.scores]
    first, last = ([accuracy for version, accuracy in scored if version == name] for name in _ENDS)
    return fmean(last) - fmean(first) if first and last else None
