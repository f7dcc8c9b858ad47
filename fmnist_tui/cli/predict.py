"""`fmnist-tui predict`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np
from numpy.typing import NDArray

from fmnist_tui.cli.options import (
    CODE_OPTIONS,
    code_options,
    complete_run,
    data_option,
    given_options,
    json_option,
    runs_option,
)
from fmnist_tui.cli.output import as_written, is_terminal, print_columns, print_json, print_line, terminal_width
from fmnist_tui.data.assembling import plain_name
from fmnist_tui.data.errors import DataError, unreadable
from fmnist_tui.files import is_folder
from fmnist_tui.inspection.appearance import Appearance, appearance_for
from fmnist_tui.inspection.edits import is_blank
from fmnist_tui.inspection.pictures import READABLE, Prepared, Switches, prepare, read_pictures
from fmnist_tui.inspection.predict import load_model, predict
from fmnist_tui.paths import cache_folder, data_folder, runs_folder
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.model_code import CodeChoice, check_code
from fmnist_tui.runs.run import Run, read_run
from fmnist_tui.text import percent, safe

_STDIN = "-"
_BATCH = 256
_BAR = 30
_DRAWN = 28
_REPEATED = 3
"""Files in a command that an error advises."""


@dataclass(frozen=True)
class Source:
    """A file to predict.

    Attributes:
        name: As it is shown.
        path: None for standard input.
        label: The class after which its folder is named, or None.
    """

    name: str
    path: Path | None
    label: int | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """A picture and its probabilities.

    Attributes:
        source: Its file.
        index: Its position among the file's pictures; 0 unless it is an .npy file.
        prepared: The picture as the network got it; only its last step unless steps are shown.
        summary: What was done to prepare it.
        probabilities: (classes,).
    """

    source: Source
    index: int
    prepared: Prepared
    summary: str
    probabilities: NDArray[np.float32]

    @property
    def ranked(self) -> list[int]:
        """The classes, most probable first."""
        order: list[int] = np.argsort(-self.probabilities, kind="stable").tolist()
        return order


@click.command("predict")
@click.argument("ref", metavar="RUN", shell_complete=complete_run)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@click.option("--top", type=click.IntRange(1, 1000), default=5, show_default=True, metavar="K", help="Classes shown.")
@click.option("--show", is_flag=True, help="Draw each step of the preparation.")
@click.option("--no-invert", "invert", flag_value=False, default=True, help="Don't invert a light background.")
@click.option("--no-levels", "levels", flag_value=False, default=True, help="Don't even out the background.")
@click.option("--no-crop", "crop", flag_value=False, default=True, help="Don't crop to the object.")
@click.option("--no-centre", "centre", flag_value=False, default=True, help="Leave the object in its place.")
@code_options
@json_option
@data_option
@runs_option
@click.pass_context
def predict_command(
    ctx: click.Context,
    /,
    ref: str,
    files: tuple[str, ...],
    top: int,
    show: bool,  # noqa: FBT001
    model: str | None,
    accept_changed_model: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
    **steps: bool,
) -> None:
    """Predict the classes of pictures: PNG, JPEG, WebP, BMP, GIF, TIFF, .npy, `-` (standard input), or folders of them.

    A picture is prepared as the run's images were made: made grey, inverted if its background is light, cropped to the
    object, scaled and centred. One that has their size already is used as it is.
    """
    run = read_run(find_readable(runs_folder(runs), ref))
    dashes = ["--"] if any(name.startswith("-") and name != _STDIN for name in files) else []
    arguments = (*given_options(ctx, without=CODE_OPTIONS), *dashes, *files[:_REPEATED])
    code = CodeChoice(model, accept_changed_model, command="predict", arguments=arguments, marks_run=False)
    source = check_code(run.directory, code) if accept_changed_model else None
    recorded = run.manifest.source
    is_changed = source is not None and recorded is not None and source.sha256 != recorded.sha256
    switches = Switches(**steps)
    predictor = load_model(run, code)
    appearance = appearance_for(run, data_folder(data), cache_folder()) if switches.needs_appearance else None
    sources, errors = _find_sources(files, run.class_names)
    alone = len(sources) + len(errors) == 1 and not is_folder(Path(files[0]))
    if alone and errors:
        raise errors[0]
    found: list[Prediction] = []
    pictures = _read(sources, run, appearance, switches, errors, all_steps=show)
    while batch := list(islice(pictures, _BATCH)):
        probabilities = predict(run, np.stack([prepared.image for _, _, prepared, _ in batch]), predictor)
        found += [Prediction(*one, row) for one, row in zip(batch, probabilities, strict=True)]
    if alone and errors:
        raise errors[0]
    if as_json:
        print_json([prediction_json(one, run.class_names, is_code_changed=is_changed) for one in found])
    elif alone and len(found) == 1:
        _print_one(found[0], run, top, show=show)
    else:
        _print_all(found, run, show=show)
    if not as_json:
        print_line(f"Predicted by {run.run_id}{', with changed code of its model' if is_changed else ''}.")
    for error in errors:
        click.echo(f"error: {safe(error)}", err=True)
    ctx.exit(1 if errors else 0)


def _find_sources(files: Sequence[str], classes: Sequence[str]) -> tuple[list[Source], list[DataError]]:
    """The files, those of folders included; and what is wrong with folders."""
    sources: list[Source] = []
    errors: list[DataError] = []
    for name in files:
        path = Path(name)
        if name == _STDIN:
            sources.append(Source("standard input", None))
        elif not is_folder(path):
            sources.append(Source(name, path))
        elif found := _in_folder(path, classes, errors):
            sources += found
        elif not errors:
            errors.append(DataError(f"{path} contains no pictures", f"known are {', '.join(sorted(READABLE))}"))
    return sources, errors


def _in_folder(folder: Path, classes: Sequence[str], errors: list[DataError]) -> list[Source]:
    """The pictures in a folder and those below it, sorted; links to folders are not followed: they may be loops."""
    label_of = _labels_of_folders(classes)
    sources: list[Source] = []

    def fail(error: OSError) -> None:
        errors.append(unreadable(Path(error.filename or folder), error))

    for where, below, names in os.walk(folder, onerror=fail):
        below[:] = sorted(name for name in below if not name.startswith((".", "__MACOSX")))
        parts = Path(where).relative_to(folder).parts
        label = label_of(parts[0], "".join(parts[:2])) if parts else None
        pictures = [Path(where, name) for name in sorted(names) if not name.startswith(".")]
        sources += [Source(str(path), path, label) for path in pictures if path.suffix.lower() in READABLE]
    return sources


def _labels_of_folders(classes: Sequence[str]) -> Callable[..., int | None]:
    """Finds the class that the first of several names means: spelt the same, else alike and like no other class."""
    exactly = {name: label for label, name in enumerate(classes)}
    keys = [_key(name) for name in classes]
    alike = {key: label for label, key in enumerate(keys) if key and keys.count(key) == 1}

    def label_of(*names: str) -> int | None:
        spelt = (exactly.get(plain_name(name)) for name in names)
        similar = (alike.get(_key(name)) for name in names)
        return next((label for label in (*spelt, *similar) if label is not None), None)

    return label_of


def _key(name: str) -> str:
    """A class's name as a folder may have it: "T-shirt/top" as "t_shirt_top", say."""
    return re.sub(r"[\W_]", "", name.casefold())


def _read(
    sources: Sequence[Source],
    run: Run,
    appearance: Appearance | None,
    switches: Switches,
    errors: list[DataError],
    *,
    all_steps: bool,
) -> Iterator[tuple[Source, int, Prepared, str]]:
    """Each source's pictures, prepared; what can't be read is added to the errors."""
    for source in sources:
        try:
            pictures = read_pictures(source.path or _standard_input(), source.name, run.image_shape)
        except DataError as error:
            errors.append(error)
            continue
        for index, picture in enumerate(pictures):
            prepared = prepare(picture, run.image_shape, appearance, switches)
            yield source, index, prepared if all_steps else Prepared(prepared.steps[-1:]), prepared.summary


def _standard_input() -> BinaryIO:
    if is_terminal(sys.stdin):
        raise DataError("standard input is a terminal", "pipe a picture into it, or name a file")
    return sys.stdin.buffer


def prediction_json(one: Prediction, classes: Sequence[str], *, is_code_changed: bool = False) -> dict[str, Any]:
    """What `--json` prints of a picture.

    Keys: "file", "index" (of the picture in an .npy file, else 0), "predicted" (the class's index), "class" (its name),
    "probabilities" (of all classes), "prepared" (what was done to the picture, a line), "label" (the index of the class
    after which its folder is named, or null), "blank" (whether nothing is on it) and "code_changed" (whether the code
    of the run's model has changed since).
    """
    predicted = one.ranked[0]
    return {
        "file": one.source.name if one.source.path else _STDIN,
        "index": one.index,
        "predicted": predicted,
        "class": classes[predicted],
        "probabilities": [float(value) for value in one.probabilities],
        "prepared": one.summary,
        "label": one.source.label,
        "blank": is_blank(one.prepared.image),
        "code_changed": is_code_changed,
    }


def _print_one(one: Prediction, run: Run, top: int, *, show: bool) -> None:
    """The most probable classes with bars."""
    print_line(f"{one.source.name}: {one.summary}")
    if show:
        _draw(one)
    shown = one.ranked[:top]
    largest = max(float(one.probabilities[shown[0]]), 1e-9)
    rows = []
    for label in shown:
        probability = float(one.probabilities[label])
        bar = "━" * round(probability / largest * _BAR)
        rows.append([run.class_names[label], f"{percent(probability):>7}", bar])
    print_columns(rows)
    if is_blank(one.prepared.image):
        print_line("A blank image is none of the classes; the network must choose one.")


def _print_all(found: Sequence[Prediction], run: Run, *, show: bool) -> None:
    """A line for each picture, and the accuracy where folders are named after classes."""
    rows = [["file", "class", "probability", "runner-up", ""]]
    several = {id(one.source) for one in found if one.index}
    for one in found:
        name = f"{one.source.name} [{one.index}]" if id(one.source) in several else one.source.name
        if show:
            print_line(f"{name}: {one.summary}")
            _draw(one)
        first, second = (one.ranked * 2)[:2]
        cells = [f"{percent(float(one.probabilities[label])):>7}" for label in (first, second)]
        blank = " (blank)" if is_blank(one.prepared.image) else ""
        rows.append([name, run.class_names[first] + blank, cells[0], run.class_names[second], cells[1]])
    if found:
        print_columns(rows)
    if labelled := [one for one in found if one.source.label is not None]:
        correct = sum(one.ranked[0] == one.source.label for one in labelled)
        accuracy = percent(correct / len(labelled))
        print_line(f"Accuracy {accuracy}: {correct:,} of {len(labelled):,} pictures in folders named after classes.")


def _draw(one: Prediction) -> None:
    """The steps side by side, in half-blocks, or in ASCII where there are no colours."""
    from rich.console import Console
    from rich.segment import Segment, Segments

    from fmnist_tui.tui.cells import cut, pad
    from fmnist_tui.tui.widgets.images import drawing, picture, resized

    console = Console(width=10_000, highlight=False)
    has_colours = console.color_system in ("256", "truecolor") and not console.no_color
    draw = drawing(in_ascii=not has_colours or as_written("▀", sys.stdout) != "▀", inverted=False)
    blocks: list[tuple[str, list[list[Segment]]]] = []
    for step in one.prepared.steps:
        image = picture(step.image)
        factor = _DRAWN / max(image.shape[:2])
        height, width = (max(2, round(side * factor)) for side in image.shape[:2])
        blocks.append((step.text, draw(resized(image[None], height, width)[0])))
    per_line = max(1, (terminal_width() + 2) // (_DRAWN + 2))
    for first in range(0, len(blocks), per_line):
        line = blocks[first : first + per_line]
        captions = "".join(pad(cut(text, _DRAWN), _DRAWN + 2) for text, _ in line)
        click.echo(as_written(captions.rstrip(), sys.stdout))
        for row in range(max(len(rows) for _, rows in line)):
            segments: list[Segment] = []
            for _, rows in line:
                drawn = rows[row] if row < len(rows) else []
                segments += [*drawn, Segment(" " * (_DRAWN + 2 - sum(segment.cell_length for segment in drawn)))]
            console.print(Segments([*segments, Segment.line()]), end="")
