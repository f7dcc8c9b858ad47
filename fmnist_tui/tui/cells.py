"""Text as a terminal shows it: its width in cells, cut and padded by them, and its form in ASCII."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

_JOINER = "\u200d"
_FLAGS = range(0x1F1E6, 0x1F200)
"""Two of these characters are drawn as one flag."""
_SKINS = range(0x1F3FB, 0x1F400)
_BRAILLE, _BRAILLE_END = 0x2800, 0x28FF
_ACCENTS = "\u0300"
"""The first character that isn't one cell wide; ± and the letters of Europe are below."""
_DOTS = " .,:;+*%#"
"""A braille cell with so many dots."""
_SUBSTITUTES = {
    **dict.fromkeys("─╌┄┈▔▁‾⎯\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}—\N{MINUS SIGN}", "-"),
    **dict.fromkeys("━╸╺", "="),
    **dict.fromkeys("╷╵│┃╎┆▏▕▌▐▎▍", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋", "+"),
    **dict.fromkeys("█▉▊▋▇▆▅", "#"),
    **dict.fromkeys("▀▄▃▂░▒▓", ":"),
    **dict.fromkeys("╴╶", "-"),
    **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
    **dict.fromkeys("“”", '"'),
    "\N{MULTIPLICATION SIGN}": "x",
    "•": "o",
    "◷": "o",
    "□": "#",
    "◇": "*",
    "△": "^",
    "▽": "v",
    "‖": "|",
    "❋": "*",
    "★": "*",
    "●": "@",
    "○": "o",
    "■": "#",
    "◆": "*",
    "✓": "+",
    "✗": "x",
    "·": ".",
    "╍": "-",
    "±": "~",
    "≈": "~",
    "…": ".",
    "⏎": "E",
    "▼": "v",
    "▲": "^",
    "▶": ">",
    "◀": "<",
    "°": "o",
    "↑": "^",
    "↓": "v",
    "←": "<",
    "→": ">",
    "⇧": "^",
    "⭘": "O",
    **dict.fromkeys("∂δ", "d"),
    "Σ": "S",
    "φ": "f",
    "θ": "w",
    "⊙": "*",
}


def cells(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii() or (text.isprintable() and max(text) < _ACCENTS):
        return len(text)
    from rich.cells import cell_len  # its tables take a while to load, and most texts that are printed need none

    return cell_len(text)


def cut(text: str, width: int, mark: str = "…") -> str:
    """`text` in at most `width` cells; only whole visible characters are cut off, and `mark` shows it."""
    if cells(text) <= width:
        return text
    room = width - cells(mark)
    if room < 0:
        return ""
    kept = ""
    for cluster in _clusters(text):
        if cells(kept + cluster) > room:
            break
        kept += cluster
    return f"{kept.rstrip().removesuffix(mark)}{mark}" if mark else kept


@lru_cache(64)
def distinct(texts: tuple[str, ...], width: int, mark: str = "…") -> tuple[str, ...]:
    """Each text in at most `width` cells, cut at its end; at its start, too, where texts would look the same."""
    short = {text: cut(text, width, mark) for text in texts}
    _tell_apart(short, set(short), width)
    return tuple(short[text] for text in texts)


def _tell_apart(short: dict[str, str], among: set[str], width: int) -> None:
    """Cut the texts that look the same so that the first difference between them shows."""
    alike: dict[str, set[str]] = {}
    for text in among:
        alike.setdefault(short[text], set()).add(text)
    for group in alike.values():
        if len(group) == 1:
            continue
        first, last = min(group), max(group)
        same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))
        for text in group:
            short[text] = _from(text, same, width)
        if len({short[text] for text in group}) > 1:
            _tell_apart(short, group, width)


def _from(text: str, start: int, width: int) -> str:
    """The text in `width` cells from the character at `start` on, and as much before it as fits."""
    before, end = [], 0
    clusters = list(_clusters(text))
    while clusters and end + len(clusters[0]) <= start:
        before.append(clusters.pop(0))
        end += len(before[-1])
    kept = "".join(clusters)
    while before and cells(before[-1] + kept) < width:
        kept = before.pop() + kept
    return f"…{cut(kept, width - 1)}" if before else cut(kept, width)


def fitting(texts: Sequence[str], width: int) -> str:
    """The first of them that fits so many cells, else the last one."""
    return next((text for text in texts if cells(text) <= width), texts[-1])


def pad(text: str, width: int) -> str:
    """`text` and as many spaces as it takes to fill `width` cells."""
    return text + " " * (width - cells(text))


def centre(text: str, width: int) -> str:
    """`text` in the middle of `width` cells."""
    room = max(0, width - cells(text))
    return f"{' ' * (room // 2)}{text}{' ' * (room - room // 2)}"


def wrap(text: str, width: int) -> list[str]:
    """The text broken between words into lines of `width` cells; a longer word, a path for one, stays whole."""
    lines: list[str] = []
    for word in text.split():
        if lines and cells(lines[-1]) + 1 + cells(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]


@lru_cache(8192)
def in_ascii(text: str) -> str:
    """The text in ASCII, as wide as before."""
    return text if text.isascii() else "".join(map(_substitute, text.replace(" ± ", "+/-")))


def _clusters(text: str) -> Iterator[str]:
    """Each character with all that is drawn in the same place: accents, selectors, a joined emoji, a flag's half."""
    cluster = ""
    for character in text:
        if cluster and not _belongs(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _belongs(cluster: str, character: str) -> bool:
    if ord(character) in _FLAGS:
        return len(cluster) == 1 and ord(cluster) in _FLAGS
    return cluster[-1] == _JOINER or ord(character) in _SKINS or cells(character) == 0


def _substitute(character: str) -> str:
    if character.isascii():
        return character
    if character in _SUBSTITUTES:
        return _SUBSTITUTES[character]
    if _BRAILLE <= ord(character) <= _BRAILLE_END:
        return _DOTS[(ord(character) - _BRAILLE).bit_count()]
    width = cells(character)
    plain = unicodedata.normalize("NFKD", character)[:1]
    return (plain if plain.isascii() and plain.isprintable() else "?").ljust(width, "?")[:width]
