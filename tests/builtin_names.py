"""How messages and titles name the built-in models; no test needs a change because there is one more."""

from __future__ import annotations

from fmnist_tui.models.registry import BUILT_IN

LISTED = ", ".join(BUILT_IN)
"""`v0, v1, v2, v3, v4`."""
SPAN = f"{BUILT_IN[0]} to {BUILT_IN[-1]}"
"""`v0 to v4`."""
CNNS = BUILT_IN[1:]
"""Those in PyTorch."""


def all_but(*names: str) -> list[str]:
    """The built-in models without these, in order."""
    return [name for name in BUILT_IN if name not in names]


def spelt(names: list[str]) -> str:
    """`v2, v3 and v4`."""
    return f"{', '.join(names[:-1])} and {names[-1]}"
