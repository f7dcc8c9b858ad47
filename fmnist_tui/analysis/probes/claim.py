"""A claim, and what came of measuring it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a claim holds, in the words that people see."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNTOLD = "can't be told"
    MISSING = "not measured yet"

    @classmethod
    def of(cls, holds: bool) -> Verdict:  # noqa: FBT001
        """Of something that was measured."""
        return cls.HOLDS if holds else cls.FAILS


@dataclass(frozen=True)
class Claim:
    """One of the origin's claims, about our runs under one recipe.

    Attributes:
        title: A few words.
        says: What the origin says.
        verdict: Whether it holds.
        number: What was measured, in words; or why it can't be told.
        how: How it was got, and where the verdict's border lies.
        missing: Commands that measure what is missing.
    """

    title: str
    says: str
    verdict: Verdict
    number: str
    how: str
    missing: tuple[str, ...] = ()
