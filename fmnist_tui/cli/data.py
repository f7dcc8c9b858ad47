"""`fmnist-tui data`."""

from __future__ import annotations

import sys
from typing import Any

import click

from fmnist_tui.cli.options import data_option, json_option
from fmnist_tui.cli.output import can_redraw, print_columns, print_json, show_for_now
from fmnist_tui.data import Dataset, Progress, load, same_images_as_official
from fmnist_tui.data.assembling import shape_text
from fmnist_tui.data.errors import ProgressCallback
from fmnist_tui.paths import cache_folder, data_folder
from fmnist_tui.text import grouped, megabytes, safe


@click.command("data")
@json_option
@data_option
def data_command(as_json: bool, data: str | None) -> None:  # noqa: FBT001
    """Show which data is used, verify it, and count the classes; download it if needed."""
    try:
        dataset = load(data_folder(data), cache_folder(), announce_downloads(), verify=True)
    finally:
        show_for_now("")
    if as_json:
        print_json(_as_json(dataset))
    else:
        _print(dataset)


def announce_downloads() -> ProgressCallback:
    """Shows downloads on stderr: a moving line on a terminal, elsewhere one line per file."""
    announced: set[str] = set()

    def announce(progress: Progress) -> None:
        if can_redraw(sys.stderr):
            total = f" of {megabytes(progress.total)}" if progress.total else ""
            show_for_now(f"{progress.what}: {megabytes(progress.done)}{total}")
        elif progress.what not in announced:
            announced.add(progress.what)
            click.echo(safe(progress.what), err=True)

    return announce


def _print(dataset: Dataset) -> None:
    rows = [["name", dataset.name], ["source", dataset.source]]
    rows.append(["official Fashion-MNIST", _official(dataset)])
    rows.append(["size", shape_text(dataset.shape)])
    rows += [["note", dataset.note]] if dataset.note else []
    for name, part in (("train", dataset.train), ("test", dataset.test)):
        rows += [[f"{name} images", grouped(len(part))], [f"{name} sha256", part.fingerprint]]
    if dataset.n_validation:
        rows.append(["for validation", f"the last {grouped(dataset.n_validation)} training images"])
    print_columns(rows)
    click.echo()
    train, test = (part.class_counts(len(dataset.classes)) for part in (dataset.train, dataset.test))
    table = [["class", "name", "train", "test"]]
    table += [[str(n), name, str(train[n]), str(test[n])] for n, name in enumerate(dataset.classes)]
    print_columns(table)


def _official(dataset: Dataset) -> str:
    """Whether these are Fashion-MNIST's images; only in their original order are runs eligible for the results."""
    if dataset.is_fashion_mnist:
        return "yes"
    partly = {
        (True, True): "its images, but in another order",
        (True, False): "its training images, but other test images",
        (False, True): "its test images, but other training images",
    }
    return partly.get(same_images_as_official(dataset), "no")


def _as_json(dataset: Dataset) -> dict[str, Any]:
    """The printed data; "official_images" is true for the official images in any order."""
    parts = (dataset.train, dataset.test)
    return {
        "name": dataset.name,
        "source": dataset.source,
        "is_fashion_mnist": dataset.is_fashion_mnist,
        "shape": list(dataset.shape),
        "classes": list(dataset.classes),
        "validation_images": dataset.n_validation,
        "note": dataset.note,
        **{
            name: {
                "images": len(part),
                "fingerprint": part.fingerprint,
                "official_images": same,
                "class_counts": part.class_counts(len(dataset.classes)),
            }
            for name, part, same in zip(("train", "test"), parts, same_images_as_official(dataset), strict=True)
        },
    }
