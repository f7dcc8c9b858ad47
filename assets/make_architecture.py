"""Draws the architecture from the code's own imports: `python assets/make_architecture.py [FILE]`.

Above, what runs and the one folder in which it meets; below, the packages of the code, each with what it imports.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import grimp

SVG = Path(__file__).parent / "architecture.svg"
FLOORS = tuple(
    floor.split()
    for floor in ("cli", "tui", "report doctor", "analysis inspection", "runs", "training", "models", "data", "host")
)
HOLDS = {
    "cli": "the commands",
    "tui": "the screens",
    "report": "tables, sentences, figures, exports",
    "doctor": "checks of this machine",
    "analysis": "statistics, comparison, errors, claims",
    "inspection": "what a network sees; a process for it",
    "runs": "a run's folder: log, lock, control, status, queue; the trainer process",
    "host": "the machine: CPUs, GPUs by UUID, identity, commands with time limits",
    "training": "recipes, the loop, its events, checkpoints, engines",
    "models": "v0 in NumPy; v1 to v3 in PyTorch",
    "data": "the images: where from, whether right, split",
}
FILES = (
    ("run.json", "what was asked for, where it runs"),
    ("events.jsonl", "everything that happened, appended"),
    ("control.jsonl", "pause, continue, stop, appended"),
    ("checkpoints", "two, written whole, with checksums"),
    ("result.json, predictions.npz", "the scores, and the probabilities of every test image"),
    ("model.safetensors", "the scored weights"),
    ("analysis", "claims, measured once"),
)
WIDTH, FLOOR = 920, 52


def drawing() -> str:
    """The picture as SVG; an import that points upwards is an error."""
    parts = [*_processes(), *_packages()]
    height = 330 + len(FLOORS) * FLOOR + 24
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#1b1f24">',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L10 5 L0 10 z" fill="#57606a"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    )
    return "\n".join((*head, *parts, "</svg>")) + "\n"


def imported(package: str) -> tuple[list[str], list[str]]:
    """Our packages, and those of others, that a package's modules import directly."""
    graph = grimp.build_graph("fmnist_tui", include_external_packages=True)
    name = f"fmnist_tui.{package}"
    direct = {
        found
        for module in (name, *graph.find_descendants(name))
        for found in graph.find_modules_directly_imported_by(module)
    }
    ours = {found.split(".")[1] for found in direct if found.startswith("fmnist_tui.")} & HOLDS.keys() - {package}
    return sorted(ours), sorted({found.split(".")[0] for found in direct} - _own())


def _own() -> set[str]:
    return {"fmnist_tui", *sys.stdlib_module_names}


SCREENS = (
    "any number, come and go",
    "",
    "fmnist-tui: the app",
    "attach, runs, show, results,",
    "pause, continue, stop, ...",
)
TRAINER = (
    "a process of its own for each run",
    "",
    "outlives screens and connections;",
    "runs wait in turn for their device;",
    "with --in-app: a thread of the app",
)


def _processes() -> Iterator[str]:
    yield from _process(20, "#ddf4ff", "screens and commands", SCREENS)
    yield from _process(650, "#dafbe1", "trainer", TRAINER)
    yield _box(335, 40, 250, 240, "#fff8c5")
    yield _text(460, 66, "the run's folder", bold=True)
    for line, (name, words) in enumerate(FILES):
        yield _text(460, 88 + 28 * line, name, bold=True, size=12)
        yield _text(460, 101 + 28 * line, words, size=11)
    left = ((110, 335, 272, "read"), (150, 270, 333, "wishes"), (190, 270, 333, "analysis"))
    right = ((110, 650, 587, "events"), (150, 585, 648, "wishes"), (190, 650, 587, "results"))
    for y, start, end, words in left + right:
        yield _arrow(start, y, end, y)
        yield _text((start + end) / 2, y - 6, words, size=11)
    yield _text(WIDTH / 2, 24, "What runs: screens and trainers share files, nothing else", bold=True, size=15)


def _process(x: float, fill: str, name: str, lines: Sequence[str]) -> Iterator[str]:
    yield _box(x, 40, 250, 240, fill)
    yield _text(x + 125, 66, name, bold=True)
    for line, words in enumerate(lines):
        yield _text(x + 125, 92 + 20 * line, words)


def _packages() -> Iterator[str]:
    top = 330
    yield _text(WIDTH / 2, top - 8, "The packages: each imports from those below it, never back", bold=True, size=15)
    for level, floor in enumerate(FLOORS):
        y = top + level * FLOOR + 8
        width = (WIDTH - 40 - 20 * (len(floor) - 1)) / len(floor)
        for place, package in enumerate(floor):
            yield from _package(20 + place * (width + 20), y, width, package)


def _package(x: float, y: float, width: float, package: str) -> Iterator[str]:
    below = [name for floor in FLOORS[_level(package) + 1 :] for name in floor]
    ours, packages = imported(package)
    back = set(ours) - set(below)
    if back:
        raise ValueError(f"{package} imports {', '.join(sorted(back))}, which doesn't lie below it")
    yield _box(x, y, width, FLOOR - 10, "#f6f8fa")
    yield _text(x + width / 2, y + 18, f"{package}: {HOLDS[package]}", bold=True)
    yield _text(x + width / 2, y + 34, f"uses {', '.join([*ours, *packages])}", size=11)


def _level(package: str) -> int:
    return next(level for level, floor in enumerate(FLOORS) if package in floor)


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" fill="{fill}" stroke="#8c959f"/>'


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path d="M{x:g} {y:g} L{to_x:g} {to_y:g}" stroke="#57606a" stroke-width="1.5" marker-end="url(#tip)"/>'


def _text(x: float, y: float, words: str, *, bold: bool = False, size: int = 13) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="{size}"{weight}>{escape(words)}</text>'


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else SVG).write_text(drawing())
