"""What is known of the claims under one recipe: from the user's own runs, and from the reference runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fmnist_tui.analysis.probes.cache import Findings
from fmnist_tui.analysis.probes.claims import Section, reference_section, section
from fmnist_tui.analysis.probes.common import Claim, Verdict
from fmnist_tui.runs.run import Run
from fmnist_tui.training.recipes import RECIPES


@dataclass(frozen=True)
class Shown:
    """A claim as it is shown: checked against the user's runs, or against the reference runs until these suffice.

    Attributes:
        claim: With its verdict.
        own: The same, checked against the user's runs.
        reference: The same, checked against the reference runs.
    """

    claim: Claim
    own: Claim
    reference: Claim

    @property
    def is_reference(self) -> bool:
        """Whether the verdict is that of the reference runs."""
        return self.claim is not self.own


@dataclass(frozen=True)
class Page:
    """The claims under one recipe.

    Attributes:
        own: Checked against the user's runs.
        reference: Checked against the reference runs.
    """

    own: Section
    reference: Section

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self.own.recipe

    @property
    def claims(self) -> tuple[Shown, ...]:
        """All claims."""
        return tuple(
            Shown(theirs if is_only_theirs(ours, theirs) else ours, ours, theirs)
            for ours, theirs in zip(self.own.claims, self.reference.claims, strict=True)
        )

    def layers(self, analysis: str, model: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
        """An analysis by model, as it is drawn, and as it is drawn pale beside that; of one model, or of all.

        The reference runs' is drawn until the user's runs have one, and is pale from then on.
        """
        own, reference = (_known(one.found, analysis, model) for one in (self.own, self.reference))
        return (own, reference) if own else (reference, {})


def is_only_theirs(ours: Claim, theirs: Claim) -> bool:
    """Whether only the reference runs decide a claim."""
    return theirs.verdict is not Verdict.NOT_MEASURED and ours.verdict is Verdict.NOT_MEASURED


def load_pages(records: Sequence[Run]) -> tuple[Page, ...]:
    """A page for each recipe; reads the analyses saved with the runs."""
    return tuple(Page(section(records, recipe), reference_section(recipe)) for recipe in RECIPES)


def _known(found: dict[str, Findings], analysis: str, only: str) -> dict[str, Any]:
    return {
        model: known
        for model, one in found.items()
        if only in ("", model) and (known := getattr(one, analysis)) is not None
    }
