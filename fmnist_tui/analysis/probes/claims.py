"""The original project's claims about its networks, each with a verdict from what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fmnist_tui.analysis.probes import curve_claims
from fmnist_tui.analysis.probes.cache import Findings
from fmnist_tui.analysis.probes.claim import Claim, Verdict
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.analysis.values import text
from fmnist_tui.text import grouped, percent
from fmnist_tui.training.augment import shifts
from fmnist_tui.training.recipes import recipe_option

_GAIN = 5.71
"""Points, from v0 to v3, as the origin reports them."""
_SAME_GAIN = 0.5
_CNNS = ("v1", "v2", "v3")
SCOPE = "All but the total gain is of one run a version: how far other seeds would differ is not in it."
"""What the verdicts are of."""


def claims(recipe: str, found: Mapping[str, Findings], gain: float | None) -> tuple[Claim, ...]:
    """All claims about the runs of one recipe.

    Args:
        recipe: "tuned" or "origin".
        found: What is known of one run of each version that has one.
        gain: Test accuracy of v3 less that of v0 (0 to 1), or None where one of them is missing.
    """
    return (
        _spatial(recipe, found),
        _efficiency(recipe, found),
        _translation(recipe, found),
        _HIERARCHY,
        _NORMALISATION,
        _regularisation(recipe, found),
        *curve_claims.claims(found.get("v3"), _missing(recipe, found, ("v3",), "convergence")),
        _total_gain(recipe, found, gain),
    )


def _spatial(recipe: str, found: Mapping[str, Findings]) -> Claim:
    dense, cnn = (found[name].permuted if name in found else None for name in ("v0", "v1"))
    verdict, number, missing = Verdict.MISSING, "", _missing(recipe, found, ("v0", "v1"), "permuted")
    if dense and cnn:
        verdict = _lost_more(dense, cnn)
        number = "; ".join(
            f"{name} {percent(one.plain_test)}, permuted {percent(one.permuted_test)} "
            f"({0.0 - 100 * one.lost:+.2f} points)"
            for name, one in (("v0", dense), ("v1", cnn))
        )
        budget = dict.fromkeys(f"{one.epochs} epochs on {grouped(one.limit)} images" for one in (dense, cnn))
        number += f"; {' and '.join(budget)}"
        if not dense.is_comparable_with(cnn):
            verdict, number = Verdict.UNTOLD, f"{number}; v0 and v1 were not trained alike"
            runs = " ".join(found[name].record.run_id for name in ("v0", "v1"))
            missing = (f"fmnist-tui analyse {runs} --only permuted --again",)
    return Claim(
        "Spatial awareness",
        "the CNN sees which pixels are neighbours, the dense network does not",
        verdict,
        number,
        "v0 and v1 trained anew twice each, in memory, for as many epochs on the same images, without augmentation: "
        "with all pixels in place, and with those of all images in one random other order. Test accuracy, read once at "
        "each end. Holds where v1 loses more than v0 by over two standard errors over the test images, can't be told "
        "within them",
        missing,
    )


def _lost_more(dense: Permuted, cnn: Permuted) -> Verdict:
    """By the standard error of a sum of four shares (Wald), held for independent.

    They are of the same images, where what is right once is mostly right again: so it is rather too large.
    """
    shares = [share for one in (dense, cnn) for share in (one.plain_test, one.permuted_test)]
    counts = [one.test_images for one in (dense, dense, cnn, cnn)]
    return _beyond(cnn.lost - dense.lost, _error(shares, counts))


def _beyond(more: float, error: float) -> Verdict:
    """Whether there is more, as far as two standard errors tell."""
    return Verdict.UNTOLD if abs(more) <= 2 * error else Verdict.of(more > 0)


def _error(shares: Sequence[float], counts: Sequence[int | None]) -> float:
    """Of a sum or a difference of independent shares, each of so many images; an unknown number adds nothing."""
    known = [(share, count) for share, count in zip(shares, counts, strict=True) if count]
    return math.sqrt(sum(share * (1 - share) / count for share, count in known))


def _efficiency(recipe: str, found: Mapping[str, Findings]) -> Claim:
    known = {name: one.efficiency for name, one in found.items() if one.efficiency}
    verdict, number = Verdict.MISSING, ""
    if "v0" in known and "v1" in known:
        dense, cnn = known["v0"], known["v1"]
        images = [found[name].record.test_images for name in ("v0", "v1")]
        verdict = Verdict.of(cnn.parameters < dense.parameters)
        if verdict is Verdict.HOLDS:
            verdict = _beyond(cnn.accuracy - dense.accuracy, _error((dense.accuracy, cnn.accuracy), images))
    if known:
        number = "; ".join(
            f"{name} {percent(one.accuracy)} with {grouped(one.parameters)} parameters, "
            f"{one.multiply_adds / 1e6:.1f} M multiply-adds"
            for name, one in known.items()
        )
    return Claim(
        "Parameter efficiency",
        "shared filters reach more with fewer parameters",
        verdict,
        number,
        "Test accuracy over the parameters and the multiply-adds of one image. Holds where v1 is more accurate than v0 "
        "with fewer parameters, by over two standard errors over the test images, can't be told within them; it pays "
        "for them in multiply-adds, and v2 and v3 have many more of both",
        _missing(recipe, found, ("v0", *_CNNS), "efficiency"),
    )


def _translation(recipe: str, found: Mapping[str, Findings]) -> Claim:
    known = {name: one.shifts for name, one in found.items() if one.shifts}
    verdict, number = Verdict.MISSING, ""
    cnns = [known[name] for name in _CNNS if name in known]
    if "v0" in known and cnns:
        dense = known["v0"].mean
        kept = [share > there for one in cnns for share, there in zip(_kept(one.mean), _kept(dense), strict=True)]
        verdict = Verdict.of(all(kept))
    if known:
        number = "; ".join(
            f"{name} {' '.join(f'{100 * share:.1f}' for share in one.mean)} %" for name, one in known.items()
        )
        if trained := ", ".join(name for name in known if _moves_images(found[name])):
            number += f"; in training {trained} saw images moved by up to 1 pixel, the others none"
            if verdict is Verdict.HOLDS and not all(map(_moves_images, (found[name] for name in known))):
                verdict, number = Verdict.UNTOLD, f"{number}: that may be why"
    return Claim(
        "Translation invariance",
        "the CNN finds a thing wherever it lies",
        verdict,
        number,
        "Accuracy on all test images moved by 0, 1, 2, 3, 4 pixels, the mean of up, down, left and right, black where "
        "nothing comes in. Holds where each CNN measured keeps a larger share of its accuracy than v0 at every shift; "
        "can't be told where images were moved in the training of some only",
        _missing(recipe, found, ("v0", *_CNNS), "shifts"),
    )


def _kept(mean: Sequence[float]) -> list[float]:
    """What each shift leaves, as a share of the accuracy without one."""
    return [accuracy / (mean[0] or 1.0) for accuracy in mean[1:]]


def _moves_images(one: Findings) -> bool:
    return shifts(text(one.record.settings, "augment"))


_HIERARCHY = Claim(
    "Feature hierarchy",
    "later layers build shapes from the edges that earlier ones find",
    Verdict.UNTOLD,
    "no CNN has fewer convolution blocks than two",
    "It would take a version that differs in the number of blocks alone",
)
_NORMALISATION = Claim(
    "Normalisation",
    "batch and layer normalisation make training stable",
    Verdict.UNTOLD,
    "no CNN goes without normalisation",
    "It would take a version that differs in normalisation alone",
)


def _regularisation(recipe: str, found: Mapping[str, Findings]) -> Claim:
    known = {name: found[name].fit for name in ("v2", "v3") if name in found}
    before, after = known.get("v2"), known.get("v3")
    verdict, number = Verdict.MISSING, ""
    if before and after:
        error = math.hypot(before.nll_gap_error, after.nll_gap_error)
        verdict = _beyond(before.nll_gap - after.nll_gap, error)
        number = "; ".join(
            f"{name} {fit.nll_gap:+.4f} in NLL ({fit.train_nll:.4f}, {fit.validation_nll:.4f}), "
            f"{100 * fit.accuracy_gap:+.2f} points in accuracy"
            for name, fit in (("v2", before), ("v3", after))
        )
    return Claim(
        "Regularisation",
        "dropout prevents overfitting",
        verdict,
        number,
        "The scored weights on all images that they learned from and on those set aside for validation, as the images "
        "are, without dropout: how much worse is the latter? Holds where v3's gap in NLL is smaller than v2's by over "
        "two standard errors over these images, can't be told within them",
        _missing(recipe, found, ("v2", "v3"), "fit"),
    )


def _total_gain(recipe: str, found: Mapping[str, Findings], gain: float | None) -> Claim:
    verdict, number = Verdict.MISSING, ""
    if gain is not None:
        verdict = Verdict.of(abs(100 * gain - _GAIN) <= _SAME_GAIN)
        number = f"{100 * gain:+.2f} points"
    lacking = tuple(name for name in ("v0", "v3") if name not in found)
    return Claim(
        f"Total gain +{_GAIN} points",
        "from v0 to v3",
        verdict,
        number,
        "v3's accuracy on all test images less v0's, each the mean over its runs; the origin scored v3 on 9 000 of the "
        f"10 000. Holds within {_SAME_GAIN} points",
        _missing(recipe, found, lacking, ""),
    )


def _missing(recipe: str, found: Mapping[str, Findings], versions: Sequence[str], name: str) -> tuple[str, ...]:
    """Commands that make what these versions lack of an analysis."""
    untrained = [version for version in versions if version not in found]
    lacking = [found[one].record.run_id for one in versions if one in found and name and _lacks(found[one], name)]
    train = (f"fmnist-tui train {' '.join(untrained)}{recipe_option(recipe)}",) if untrained else ()
    analyse = (f"fmnist-tui analyse {' '.join(lacking)} --only {name}",) if lacking else ()
    return train + analyse


def _lacks(one: Findings, name: str) -> bool:
    return getattr(one, name) is None
