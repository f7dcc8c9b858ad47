"""The error that every layer raises when a run, or the folder of runs, can't be used as asked."""

from __future__ import annotations


class RunError(Exception):
    """Something about a run that a person has to know; its text is one line."""
