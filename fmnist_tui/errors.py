"""The error that all layers raise if a run, or the runs folder, can't be used as requested."""

from __future__ import annotations


class RunError(Exception):
    """A problem with a run that is reported to the user; the text is one line."""
