"""The original project's claims about its networks, and ours about v4, each with a verdict from runs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.paired import Difference
from fmnist_tui.analysis.probes import permuted
from fmnist_tui.analysis.probes.cache import Findings, read_findings
from fmnist_tui.analysis.probes.common import Claim, Verdict
from fmnist_tui.analysis.probes.convergence import curve_claims
from fmnist_tui.analysis.probes.efficiency import efficiency_claim, small_network_claim
from fmnist_tui.analysis.probes.fit import regularisation_claim
from fmnist_tui.analysis.probes.reference import reference_findings
from fmnist_tui.analysis.probes.shifts import translation_claim
from fmnist_tui.analysis.probes.studies import StudyResult, study_results
from fmnist_tui.analysis.reference import reference_runs, references
from fmnist_tui.runs.run import Run
from fmnist_tui.training.recipes import RECIPES, recipe_option

DENSE, CNNS = "v0", ("v1", "v2", "v3")
"""The models that the claims are about."""
UNREGULARISED, REGULARISED = "v2", "v3"
"""The same network without and with dropout."""
SMALL = "v4"
"""The network that is compared with the last of the CNNs."""
SCOPE = (
    "Each claim is based on one run per model, without seed variance; except the total gain, feature hierarchy, "
    "normalisation, regularisation without augmentation, and v4's, which are means over runs."
)
"""Shown above the verdicts."""

_REPORTED_GAIN = 5.71
"""Percentage points from v0 to v3, as the original project reports."""
_GAIN_TOLERANCE = 0.5


@dataclass(frozen=True)
class Section:
    """The claims, checked against the runs of one recipe.

    Attributes:
        recipe: "tuned" or "origin".
        found: What is known of the best run of each model that has one, by model.
        gain: The last CNN's mean test accuracy minus the dense network's (0 to 1); None if one of them has no run.
        claims: All of them.
        studies: What those are based on that need modified runs.
        small: The small network's mean test accuracy minus the last CNN's; None if one of them has no run.
    """

    recipe: str
    found: dict[str, Findings]
    gain: float | None
    claims: tuple[Claim, ...]
    studies: tuple[StudyResult, ...] = ()
    small: Difference | None = None


def sections(runs: Sequence[Run]) -> tuple[Section, ...]:
    """A section for each recipe that has eligible runs; if there are none, one for the tuned recipe."""
    made = [section(runs, recipe) for recipe in RECIPES]
    return tuple(one for one in made if one.found) or (made[0],)


def section(runs: Sequence[Run], recipe: str) -> Section:
    """The claims, checked against the eligible runs of one recipe."""
    comparison = compare(runs, recipe)
    by_id = {run.run_id: run for run in runs}
    found = {one.version: read_findings(by_id[one.best_run]) for one in comparison.versions}
    means = {one.version: one.test_accuracy.mean for one in comparison.versions}
    gain = means[CNNS[-1]] - means[DENSE] if {DENSE, CNNS[-1]} <= means.keys() else None
    studies, small = study_results(runs, recipe), _small_against_last(comparison)
    return Section(recipe, found, gain, claims(recipe, found, gain, studies, small), studies, small)


def reference_section(recipe: str) -> Section:
    """The claims, checked against the reference runs that come with the package."""
    found, accuracies = reference_findings(recipe), references(recipe)
    known = {DENSE, CNNS[-1]} <= accuracies.keys()
    gain = accuracies[CNNS[-1]].mean - accuracies[DENSE].mean if known else None
    small = _small_against_last(reference_runs()[recipe].comparison)
    return Section(recipe, found, gain, claims(recipe, found, gain, small=small), small=small)


def small_network(runs: Sequence[Run], recipe: str) -> Difference | None:
    """The accuracy of the small network minus that of the last CNN, over the eligible runs of one recipe."""
    return _small_against_last(compare(runs, recipe))


def _small_against_last(comparison: Comparison) -> Difference | None:
    steps = [one.step for one in comparison.versions if one.version == SMALL]
    return next((step for step in steps if step and step.first == CNNS[-1]), None)


def claims(
    recipe: str,
    found: Mapping[str, Findings],
    gain: float | None,
    studies: Sequence[StudyResult] = (),
    small: Difference | None = None,
) -> tuple[Claim, ...]:
    """All claims, checked against runs of one recipe.

    Args:
        recipe: "tuned" or "origin".
        found: What is known of one run of each model that has one.
        gain: The last CNN's test accuracy minus the dense network's (0 to 1); None if one of them is missing.
        studies: What is known of modified runs; without them, the claims that need these aren't measured.
        small: The small network's test accuracy minus the last CNN's; None if one of them is missing.
    """
    hierarchy, normalisation, unaugmented = (one.claim for one in studies or study_results((), recipe))
    known_shifts = {name: one.shifts for name, one in found.items() if one.shifts}
    known_efficiency = {name: one.efficiency for name, one in found.items() if one.efficiency}
    last = found.get(CNNS[-1])
    smoothing = last.record.manifest.number("label_smoothing") if last else None
    fits = [(name, found[name].fit if name in found else None) for name in (UNREGULARISED, REGULARISED)]

    def missing(models: Sequence[str], analysis: str) -> tuple[str, ...]:
        return _missing(recipe, found, models, analysis)

    return (
        _spatial(found, missing(permuted.VERSIONS, "permuted")),
        replace(
            efficiency_claim(
                known_efficiency, {name: one.record.test_images for name, one in found.items()}, DENSE, CNNS[0]
            ),
            missing=missing((DENSE, *CNNS), "efficiency"),
        ),
        replace(
            translation_claim(known_shifts, [name for name in known_shifts if _augments(found[name])], DENSE, CNNS),
            missing=missing((DENSE, *CNNS), "shifts"),
        ),
        hierarchy,
        normalisation,
        replace(regularisation_claim(*fits), missing=missing((UNREGULARISED, REGULARISED), "fit")),
        unaugmented,
        *(
            replace(claim, missing=missing(CNNS[-1:], "convergence"))
            for claim in curve_claims(CNNS[-1], last.convergence if last else None, smoothing or 0.0)
        ),
        _total_gain(gain, missing([name for name in (DENSE, CNNS[-1]) if name not in found], "")),
        replace(
            small_network_claim(known_efficiency, small, SMALL, CNNS[-1]),
            missing=missing((CNNS[-1], SMALL), "efficiency"),
        ),
    )


def _spatial(found: Mapping[str, Findings], missing: tuple[str, ...]) -> Claim:
    pair = [found[name].permuted if name in found else None for name in permuted.VERSIONS]
    dense, cnn = pair
    if dense and cnn and not dense.is_comparable_with(cnn):
        runs = " ".join(found[name].record.run_id for name in permuted.VERSIONS)
        missing = (f"fmnist-tui analyse {runs} --only permuted --again",)
    return replace(permuted.spatial_claim(dense, cnn), missing=missing)


def _augments(one: Findings) -> bool:
    """Whether the run's training images were shifted at random."""
    return any(one.record.settings.get(name) for name in ("shift", "crop"))


def _total_gain(gain: float | None, missing: tuple[str, ...]) -> Claim:
    verdict, measured = Verdict.NOT_MEASURED, ""
    if gain is not None:
        verdict = Verdict.of(abs(100 * gain - _REPORTED_GAIN) <= _GAIN_TOLERANCE)
        measured = f"{100 * gain:+.2f} points"
    return Claim(
        f"Total gain +{_REPORTED_GAIN} points",
        f"from {DENSE} to {CNNS[-1]}",
        verdict,
        measured,
        f"{CNNS[-1]}'s accuracy on all test images minus {DENSE}'s, each the mean over its runs; the original project "
        f"scored {CNNS[-1]} on 9,000 of the 10,000 test images. Supported within {_GAIN_TOLERANCE} points",
        missing,
    )


def _missing(recipe: str, found: Mapping[str, Findings], models: Sequence[str], analysis: str) -> tuple[str, ...]:
    """Commands that train the models without a run, and make the analysis ("" for none) of those that lack it."""
    untrained = [name for name in models if name not in found]
    lacking = [
        found[name].record.run_id
        for name in models
        if name in found and analysis and getattr(found[name], analysis) is None
    ]
    train = (f"fmnist-tui train {' '.join(untrained)}{recipe_option(recipe)}",) if untrained else ()
    analyse = (f"fmnist-tui analyse {' '.join(lacking)} --only {analysis}",) if lacking else ()
    return train + analyse
