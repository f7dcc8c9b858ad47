"""The message that a comparison was made."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.training.events import Epoch


class Compared(Message):
    """The comparison was made.

    Attributes:
        comparison: Of the runs that count and were not left out.
        records: All runs, newest first.
        left_out: Ids of those that were.
        epochs: Of the runs whose curves are drawn, by id.
    """

    def __init__(
        self,
        comparison: Comparison,
        records: Sequence[RunRecord],
        left_out: frozenset[str],
        epochs: dict[str, tuple[Epoch, ...]],
    ) -> None:
        super().__init__()
        self.comparison = comparison
        self.records = records
        self.left_out = left_out
        self.epochs = epochs

    @property
    def compared(self) -> list[RunRecord]:
        """The runs that the comparison is made of."""
        return [one for one in self.records if one.run_id in self.comparison.compared]
