from __future__ import annotations

import csv
import io

from analysis.models import predicting

from fmnist_tui.analysis.errors import class_scores
from fmnist_tui.data.official import FASHION_CLASSES
from fmnist_tui.report.export import confusion_csv, per_class_csv

MATRIX = predicting([0, 0, 0, 6], [0, 6, 6, 6]).confusion_matrix


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_class_has_a_row_with_its_figures_in_full() -> None:
    found = rows(per_class_csv(class_scores(MATRIX), FASHION_CLASSES))
    assert [row["class"] for row in found] == list(FASHION_CLASSES)
    assert [row["label"] for row in found] == [str(label) for label in range(10)]
    assert (found[0]["precision"], found[0]["recall"], found[0]["f1"], found[0]["support"]) == (
        "1.0",
        str(1 / 3),
        "0.5",
        "3",
    )
    assert found[9]["precision"] == "0.0"


def test_the_matrix_has_a_row_for_each_true_class() -> None:
    found = rows(confusion_csv(MATRIX, FASHION_CLASSES))
    assert [row["true"] for row in found] == list(FASHION_CLASSES)
    assert (found[0]["T-shirt/top"], found[0]["Shirt"], found[6]["Shirt"], found[6]["Bag"]) == ("1", "2", "1", "0")


def test_names_with_commas_stay_one_cell() -> None:
    names = ('a, "b"', *FASHION_CLASSES[1:])
    assert rows(confusion_csv(MATRIX, names))[0]['a, "b"'] == "1"
