"""The views of the Inspector: what they show of the answers, in a given space, and a sentence that says what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from fmnist_tui.inspection.occlusion import Sweep, spread
from fmnist_tui.inspection.requests import (
    Answer,
    ClassEvidence,
    ClassMaps,
    LayerImages,
    OcclusionRow,
    UnitImages,
)
from fmnist_tui.text import counted
from fmnist_tui.tui.cells import cells, distinct, pad, wrap
from fmnist_tui.tui.widgets.value_maps import Palette, Tile, balance, fit, legend, resampled, scale_of, strongest, tiles

Floats = NDArray[np.float32]

TITLES: Mapping[str, str] = {
    "units": "Weights",
    "evidence": "Evidence",
    "filters": "Filters",
    "maps": "Feature maps",
    "saliency": "Saliency",
    "grad_cam": "Grad-CAM",
    "occlusion": "Occlusion",
    "predictions": "Predictions",
}
SHORT: Mapping[str, str] = {"maps": "Maps", "occlusion": "Occlude", "predictions": "Predict"}
"""Titles where there is little room."""
DENSE = ("units", "evidence", "saliency", "occlusion")
"""The views of a network written in NumPy."""
MODULE = ("filters", "maps", "saliency", "grad_cam", "occlusion")
"""The views of any other network."""
COMPARING = ("units", "evidence", "saliency", "grad_cam", "occlusion")
"""The views that differ between two classes."""
_LITTLE = 0.05
"""A change of probability below which no part of an image matters much."""
_LONGEST_NAME, _NUMBER, _WIDEST_BAR, _NARROWEST_BAR = 14, 8, 24, 3
DEAD = "✗"


@dataclass(frozen=True)
class Look:
    """What is looked at.

    Attributes:
        names: The names of the classes.
        labels: The classes whose maps are shown: the predicted one, and one to compare it with, if any.
        true: The true class, or None where it isn't known.
        sweep: Where the patch of the occlusion map goes.
        samples: How many images decide which units are dead.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    true: int | None
    sweep: Sweep
    samples: int

    @property
    def predicted(self) -> str:
        """The name of the predicted class."""
        return self.names[self.labels[0]]

    def caption(self, label: int) -> str:
        """For example "Shirt (predicted)"."""
        if label == self.labels[0]:
            role = "correct" if label == self.true else "predicted"
        else:
            role = "true" if label == self.true else "compared"
        return f"{self.names[label]} ({role})"


@dataclass(frozen=True)
class Space:
    """Where a view is drawn: cells, lines, colours, which page or layer of it is chosen, and cells for the title."""

    width: int
    height: int
    palette: Palette
    page: int = 0
    layer: int = 0
    for_title: int | None = None


@dataclass(frozen=True)
class Drawn:
    """A view.

    Attributes:
        title: A few words for the panel's border.
        body: The maps.
        sentences: What one sees, in plain words; of a narrow terminal the last ones are left out.
        legend: What the colours mean; empty where there are none.
        pages: How many pages there are.
        layers: How many layers there are to choose from.
    """

    title: str
    body: Text
    sentences: tuple[str, ...]
    legend: Text
    pages: int = 1
    layers: int = 1


def fitting(sentences: Sequence[str], width: int, lines: int) -> str:
    """The sentences from the first on, as many as fit into the lines; the first one in any case."""
    for count in range(len(sentences), 1, -1):
        text = " ".join(sentences[:count])
        if len(wrap(text, width)) <= lines:
            return text
    return "".join(sentences[:1])


def draw_view(view: str, answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    """The view, or None while there is no answer yet."""
    return _VIEWS[view](answers, look, space)


def _units(answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    found = next((one for one in answers if isinstance(one, UnitImages)), None)
    if found is None:
        return None
    weights = strongest(found.weights.array())
    numbers = zip(
        found.units.array().tolist(),
        found.activations.array().tolist(),
        found.contributions.array().tolist(),
        found.dead.array().tolist(),
        strict=True,
    )
    captions = [f"{unit}{DEAD * dead} {activation:.1f} {added:+.2f}" for unit, activation, added, dead in numbers]
    dead = _dead(int(found.dead.array().sum()), "unit", look)
    negative, positive = space.palette.words
    toward = look.names[found.label] if found.label is not None else look.predicted
    first, *others = (
        f"Weights of hidden units: bright pixels under {positive} raise the activation, under {negative} lower it.",
        "Below: unit, activation, contribution.",
        f"Contributions, the largest first, are to the score of {toward} ({found.logit:+.1f}).",
    )
    title = f"{counted(len(captions), 'hidden unit')}, for {toward}"
    drawn = grid_view(title, weights, captions, (), space, counted(len(captions), "unit"))
    sentences = (first, dead, *others) if DEAD in drawn.body.plain else (first, *others, dead)
    return replace(drawn, sentences=sentences)


def _evidence(answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    found = next((one for one in answers if isinstance(one, ClassEvidence)), None)
    if found is None:
        return None
    contributions, bias, logits = found.contributions.array(), found.bias.array(), found.logits.array()
    favour, against = np.maximum(contributions, 0).sum(1), np.minimum(contributions, 0).sum(1)
    limit = float(max(favour.max(), -against.min(), 1e-9))
    names = distinct(tuple(look.names), _LONGEST_NAME)
    longest = max(map(cells, names))
    numbers = [("bias", bias), ("score", logits)]
    if longest + 2 + 2 * _NARROWEST_BAR + 2 * _NUMBER > space.width:
        numbers = numbers[1:]
    half = (space.width - longest - 2 - len(numbers) * _NUMBER) // 2
    half = max(_NARROWEST_BAR, min(_WIDEST_BAR, half))
    heading = f"{'against':>{longest + 1 + half}} {'for':<{half}}" + "".join(f" {name:>7}" for name, _ in numbers)
    lines = [Text(heading, style="dim", no_wrap=True)]
    order = np.argsort(-logits, kind="stable").tolist()
    rows = max(1, space.height - 1)
    pages = -(-len(order) // rows)
    page = min(space.page, pages - 1)
    for label in order[page * rows : (page + 1) * rows]:
        marked = label in look.labels or label == look.true
        name = Text(f"{pad(names[label], longest)} ", style="bold" if marked else "")
        bar = balance(float(against[label]), float(favour[label]), limit, half, space.palette)
        figures = "".join(f" {values[label]:+7.2f}" for _, values in numbers)
        lines.append(Text.assemble(name, bar, figures, no_wrap=True))
    voter = "unit of the last hidden layer" if found.layer else "pixel"
    how = "activation times weight" if found.layer else "brightness times weight"
    sentences = [
        f"Each {voter} votes for or against each class: {how}. The votes and a bias add up to the score; the highest "
        f"wins."
    ]
    if len(look.labels) > 1:
        sentences.append(_decisive(contributions, found.layer, look))
    title = _titled("Votes for each class", "Votes", page, pages, space)
    return Drawn(title, Text("\n", no_wrap=True).join(lines), tuple(sentences), Text(), pages)


def _decisive(contributions: Floats, layer: int, look: Look) -> str:
    """The unit that speaks most for the predicted class and against the compared one."""
    first, other = look.labels[:2]
    difference = contributions[first] - contributions[other]
    unit = int(difference.argmax())
    name = f"Unit {unit} of hidden layer {layer}" if layer else f"Pixel {unit}"
    return f"{name} decides most between {look.names[first]} and {look.names[other]}: {difference[unit]:+.2f}."


def _filters(answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    found = next((one for one in answers if isinstance(one, LayerImages)), None)
    if found is None:
        return None
    images, dead = strongest(found.values.array()), found.dead.array()
    count, height, width = images.shape
    negative, positive = space.palette.words
    is_dense = found.kind == "Linear"
    noun = "unit" if is_dense else "filter"
    what = (
        f"Weights of a dense layer's units: bright pixels under {positive} raise the output, under {negative} lower it."
        if is_dense
        else f"A filter is a small pattern that slides over the image; its output is large where the image is bright "
        f"under {positive}, dark under {negative}."
    )
    title = f"{counted(count, noun)} of {found.layer}, {height}x{width}"
    sentences = (what, _dead(int(dead.sum()), noun, look))
    return grid_view(title, images, _numbered(dead), sentences, space, counted(count, noun))


def _maps(answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    layers = [one for one in answers if isinstance(one, LayerImages)]
    if not layers:
        return None
    chosen = min(space.layer, len(layers) - 1)
    found = layers[chosen]
    values, dead = strongest(found.values.array()), found.dead.array()
    negative, positive = space.palette.words
    before = layers[chosen - 1].layer if chosen else ""
    have = f"the maps of {before} have" if before else "the image has"
    what = (
        f"A feature map is what one filter finds, place by place: {positive} where {have} its pattern, {negative} "
        f"where it is reversed, bright for dark."
    )
    if "Conv" not in found.kind:
        what = f"What {found.layer} makes of each map of {before or 'the image'}, place by place; it has no filters."
    sentences = (
        what,
        _dead(int(dead.sum()), "channel", look),
        "Deeper layers combine the patterns of the layer before, and see larger parts of the image.",
    )
    size = f"{counted(len(values), 'map')}, {values.shape[1]}x{values.shape[2]}"
    title = f"Layer {chosen + 1} of {len(layers)}: {found.layer} ({found.kind}), {size}"
    short = f"{chosen + 1} of {len(layers)}: {found.layer}, {size}"
    drawn = grid_view(title, values, _numbered(dead), sentences, space, short)
    return replace(drawn, layers=len(layers))


def _saliency(answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    negative, positive = space.palette.adjectives
    sentences = (
        f"A saliency map shows which pixels matter: a brighter pixel would raise the class's score where the map is "
        f"{positive}, and lower it where it is {negative}.",
    )
    return _class_maps(answers, look, space, "Gradient of the score", sentences)


def _grad_cam(answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    found = next((one for one in answers if isinstance(one, ClassMaps)), None)
    layer = found.layer if found else ""
    there = space.palette.words[1]
    sentences = (
        f"{there.capitalize()} marks where the last convolution ({layer}) raises the class's score.",
        "A map can be empty, even that of the predicted class: then the layers after it decide.",
        "The background can light up, too.",
    )
    return _class_maps(answers, look, space, f"Grad-CAM on {layer}", sentences)


def _class_maps(
    answers: Sequence[Answer], look: Look, space: Space, title: str, sentences: tuple[str, ...]
) -> Drawn | None:
    found = next((one for one in answers if isinstance(one, ClassMaps)), None)
    return None if found is None else _by_class(title, strongest(found.values.array()), sentences, look, space)


def _why(look: Look, space: Space) -> tuple[str, ...]:
    """How to read the difference between two maps."""
    if len(look.labels) < 2:
        return ()
    first, other = (look.names[label] for label in look.labels[:2])
    return (f"What is {space.palette.adjectives[1]} for {first} alone speaks for it and not for {other}.",)


def _occlusion(answers: Sequence[Answer], look: Look, space: Space) -> Drawn | None:
    rows = [one.drops.array() for one in answers if isinstance(one, OcclusionRow)]
    if not rows:
        return None
    drops, sweep = np.stack(rows, axis=1), look.sweep
    maps = np.stack([spread(drops[label], sweep) for label in range(len(drops))])
    negative, positive = space.palette.adjectives
    sentence = (
        f"How far a class's probability falls if {sweep.patch}x{sweep.patch} pixels are covered: what is "
        f"{positive} speaks for the class, what is {negative} against it."
    )
    largest = float(np.abs(drops).max())
    if largest < _LITTLE:
        sentence = f"No patch matters much: covering one changes a probability by {largest:.1%} at most. {sentence}"
    done = len(rows) == len(sweep.rows)
    title = "Occlusion" if done else f"Occlusion, row {len(rows)} of {len(sweep.rows)}"
    return _by_class(title, maps, (sentence, *_why(look, space)), look, space)


def _by_class(title: str, maps: Floats, sentences: tuple[str, ...], look: Look, space: Space) -> Drawn:
    """A map for each of the classes, side by side, in the proportions of the image."""
    size = look.sweep.height, look.sweep.width
    scale, grid = scale_of([maps]), fit(len(maps), size, space.width, space.height, least=len(maps))
    items = []
    for one, label in zip(maps, look.labels, strict=False):
        caption = look.caption(label)
        fits = cells(caption) <= grid.width
        items.append(Tile(resampled(one, *size), caption if fits else look.names[label]))
    return Drawn(title, tiles(items, scale.limit, space.palette, grid), sentences, legend(scale, space.palette))


def grid_view(
    title: str, images: Floats, captions: Sequence[str], sentences: tuple[str, ...], space: Space, short: str = ""
) -> Drawn:
    """A page of small maps, all in one scale; where the title and the page have no room, `short` is the title."""
    scale, longest = scale_of([images]), max(map(cells, captions), default=0)
    grid = fit(len(images), (images.shape[1], images.shape[2]), space.width, space.height, caption=longest)
    pages = max(1, -(-len(images) // grid.capacity))
    page = min(space.page, pages - 1)
    shown = slice(page * grid.capacity, (page + 1) * grid.capacity)
    items = [Tile(one, caption) for one, caption in zip(images[shown], captions[shown], strict=True)]
    title = _titled(title, short, page, pages, space)
    body = tiles(items, scale.limit, space.palette, grid)
    return Drawn(title, body, sentences, legend(scale, space.palette), pages)


def _titled(title: str, short: str, page: int, pages: int, space: Space) -> str:
    """The title with the page's number, shorter where there is little room; the number is never left out."""
    room = space.width if space.for_title is None else space.for_title
    numbers = [f", page {page + 1} of {pages}", f", {page + 1}/{pages}"] if pages > 1 else [""]
    forms = [title, short or title, title.rpartition(", ")[0] or title, (short or title).rpartition(", ")[0] or title]
    texts = [f"{form}{number}" for form in forms for number in numbers]
    return next((text for text in texts if cells(text) <= room), min(texts, key=cells))


def _numbered(dead: NDArray[np.bool_]) -> list[str]:
    return [f"{number}{f' {DEAD}' * is_dead}" for number, is_dead in enumerate(dead.tolist())]


def _dead(count: int, what: str, look: Look) -> str:
    if count:
        return f"{DEAD} marks dead {what}s ({count}): they put out the same for all of {look.samples} images tried."
    return f"No {what} is dead; a dead one would put out the same for all of {look.samples} images tried."


_VIEWS: Mapping[str, Callable[[Sequence[Answer], Look, Space], Drawn | None]] = {
    "units": _units,
    "evidence": _evidence,
    "filters": _filters,
    "maps": _maps,
    "saliency": _saliency,
    "grad_cam": _grad_cam,
    "occlusion": _occlusion,
}
