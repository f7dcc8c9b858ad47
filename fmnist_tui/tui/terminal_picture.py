"""What the terminal shows, cell by cell, so that only the difference to what it should show is sent.

Textual sends every segment of what it painted with all of its colours, and resets them after it: a screen of 120x40 has
30 to 80 KB, which take seconds on a slow line. Here, a change of screens sends the cells that differ; of their colours
and attributes only those that differ from the cell before; and a run of equal cells as one, where the terminal repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.strip import Strip

_BOLD, _DIM, _ITALIC = 1, 2, 4
_ON = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
"""The codes that switch attributes on, by their bit in Rich's styles."""
_OFF = ("22", "22", "23", "24", "25", "25", "27")
"""Those that switch them off; the others, which not every terminal knows, are left to a reset."""
_UNSEEN_ON_BLANKS = _BOLD | _DIM | _ITALIC
_SHORT_GAP = 4
"""Unchanged cells between two changes: a sequence that skips them takes as many bytes."""
_UPPER_HALF = "▀"
_NARROW = (
    range(0xAE, 0x180),
    range(0x2010, 0x2028),
    range(0x2190, 0x2200),
    range(0x2500, 0x2600),
    range(0x2800, 0x2900),
)
"""Latin letters, punctuation, arrows, lines, blocks, Braille."""


class Pen(NamedTuple):
    """What a cell is drawn with.

    Attributes:
        flags: Rich's bits of bold, underlined and so on.
        colour: The codes of its foreground; "" on blanks, where no foreground is seen.
        ground: The codes of its background.
        link: What opens its hyperlink, or "".
    """

    flags: int
    colour: str
    ground: str
    link: str = ""


PLAIN = Pen(0, "39", "49")
Cell = tuple[str, Pen]
"""A character, with combining ones where it has some, and its pen; the text is "" in the second half of a wide one."""
Cells = list[Cell | None]
"""Of a row; None where nothing is known."""
_PLAIN_BLANK = Pen(0, "", "49")


@dataclass
class Overlay:
    """An image that is drawn over cells.

    Attributes:
        area: The cells.
        sequence: What draws it.
        is_sent: Whether it is on the terminal.
    """

    area: Region
    sequence: str
    is_sent: bool = False


class TerminalPicture:
    """The cells as they should be and as they are.

    Attributes:
        repeats: Whether the terminal knows the sequence that repeats a character (REP).
        size: Of the terminal.
    """

    def __init__(self) -> None:
        """Nothing is known of the terminal."""
        self.repeats = False
        self.size = Size(0, 0)
        self._wanted: list[Cells] = []
        self._shown: list[Cells] = []
        self._rows: set[int] = set()
        self._overlays: list[Overlay] = []

    def forget(self) -> None:
        """The terminal may show anything: all is sent again."""
        self._shown = [[None] * self.size.width for _ in self._wanted]
        self._rows = set(range(self.size.height))
        for overlay in self._overlays:
            overlay.is_sent = False

    def take(self, update: LayoutUpdate | ChopsUpdate, colours: ColorSystem) -> None:
        """Takes in what Textual has painted."""
        if isinstance(update, LayoutUpdate):
            self._fit(update.region.size)
            painted = list(_whole_rows(update))
        else:
            self._fit(Size(update.chop_ends[0][-1], len(update.chops)))
            painted = list(_parts(update))
        for x, y, strip in painted:
            cells = [cell for segment in strip if not segment.control for cell in _cells(segment, colours)]
            row = self._wanted[y]
            if row[x : x + len(cells)] != cells:
                row[x : x + len(cells)] = cells
                del row[self.size.width :]
                self._rows.add(y)
        self._take_overlays(painted)

    @property
    def is_shown(self) -> bool:
        """Whether the terminal shows all that it should."""
        return not self._rows and all(overlay.is_sent for overlay in self._overlays)

    def changes(self, limit: int | None = None) -> str:
        """What has to be sent to the terminal for it to show what it should; it counts as sent.

        Args:
            limit: About how many bytes may be sent now: other characters go first, so that a dialog is there before
                what is around it is dimmed, and images go last.
        """
        out = _Output(self.repeats, self.size.width, limit)
        for is_due in (None,) if limit is None else (_other_characters, _no_images, None):
            for y in sorted(self._rows):
                if self._send_row(y, out, is_due) and is_due is None:
                    self._rows.discard(y)
        if not self._rows:
            for overlay in self._overlays:
                if not overlay.is_sent:
                    overlay.is_sent = True
                    out.append(overlay.sequence)
        return out.text()

    def _fit(self, size: Size) -> None:
        if size != self.size:
            self.size = size
            self._wanted = [[None] * size.width for _ in range(size.height)]
            self._overlays = []
            self.forget()

    def _send_row(self, y: int, out: _Output, is_due: Callable[[Cell, Cell | None], bool] | None) -> bool:
        """Sends the cells that differ and are due; returns whether all of them could be sent."""
        wanted, shown = self._wanted[y], self._shown[y]
        if wanted == shown:
            return True
        x, width = 0, len(wanted)
        while x < width:
            cell = wanted[x]
            if cell == shown[x] or cell is None or not cell[0] or (is_due and not is_due(cell, shown[x])):
                x += 1
                continue
            if out.is_full:
                return False
            end = after = x + 1
            while after < width and wanted[after] == cell and (self.repeats or after - end < _SHORT_GAP):
                after += 1
                if shown[after - 1] != cell:
                    end = after
            out.move(x, y, wanted)
            out.write(cell, end - x)
            while end < width and (half := wanted[end]) is not None and not half[0]:
                end += 1
            shown[x:end] = wanted[x:end]
            if self._overlays:
                self._damage(x, y, end)
            x = end
        return True

    def _damage(self, left: int, y: int, right: int) -> None:
        """What was written there has to be drawn over again."""
        for overlay in self._overlays:
            if overlay.area.overlaps(Region(left, y, right - left, 1)):
                overlay.is_sent = False

    def _take_overlays(self, painted: list[tuple[int, int, Strip]]) -> None:
        """Those in the strips; what others were drawn over is sent again where the update has painted any of it."""
        new = [overlay for _, _, strip in painted for overlay in _overlays(strip)]
        kept = []
        for before in self._overlays:
            if any(one.area == before.area and one.sequence == before.sequence for one in new):
                new = [one for one in new if one.area != before.area]
                kept.append(before)
            elif any(before.area.overlaps(Region(x, y, strip.cell_length, 1)) for x, y, strip in painted):
                for y in before.area.line_range:
                    self._shown[y][before.area.x : before.area.right] = [None] * before.area.width
                    self._rows.add(y)
            else:
                kept.append(before)
        self._overlays = kept + new


def _no_images(wanted: Cell, _shown: Cell | None) -> bool:
    return wanted[0] != _UPPER_HALF


def _other_characters(wanted: Cell, shown: Cell | None) -> bool:
    return wanted[0] != _UPPER_HALF and (shown is None or wanted[0] != shown[0])


class _Output:
    """Collects what is sent; the terminal's pen is plain before and after."""

    def __init__(self, repeats: bool, width: int, limit: int | None) -> None:  # noqa: FBT001
        self._repeats, self._width, self._limit = repeats, width, limit
        self._parts: list[str] = []
        self._length = 0
        self._pen = PLAIN
        self._x, self._y = -1, -1

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self._limit is not None and self._length >= self._limit

    def append(self, sequence: str) -> None:
        """Sends it as it is."""
        self._parts.append(sequence)
        self._length += len(sequence) if sequence.isascii() else len(sequence.encode())

    def text(self) -> str:
        """All of it."""
        self._draw_with(PLAIN)
        return "".join(self._parts)

    def move(self, x: int, y: int, row: Cells) -> None:
        """To a cell. Cells in between that can be written with this pen are written, if they are few."""
        gap = x - self._x
        if y != self._y:
            self.append(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")
        elif self._x < 0 or gap < 0:
            self.append(f"\x1b[{x + 1}G")
        elif gap:
            text = ""
            if gap <= _SHORT_GAP:
                text = "".join(cell[0] for cell in row[self._x : x] if cell and cell[0].isascii() and self._suits(cell))
            self.append(text if len(text) == gap else f"\x1b[{gap}C" if gap > 1 else "\x1b[C")
        self._x, self._y = x, y

    def write(self, cell: Cell, count: int) -> None:
        """So many of them; cursor movements follow what terminals may have different widths for."""
        text, pen = cell
        self._draw_with(_on_blank(self._pen, pen) if pen.colour == "" else pen)
        if self._repeats and count > 2 and count * (1 if text.isascii() else 3) > 6 and len(text) == 1:
            self.append(f"{text}\x1b[{count - 1}b")
        else:
            self.append(text * count)
        self._x += count
        if self._x >= self._width or not (text.isascii() or _is_simple(text)):
            self._x = -1

    def _suits(self, cell: Cell) -> bool:
        pen = cell[1]
        return pen == self._pen or (pen.colour == "" and _on_blank(self._pen, pen) == self._pen)

    def _draw_with(self, pen: Pen) -> None:
        if pen != self._pen:
            self.append(_change(self._pen, pen))
            self._pen = pen


def _whole_rows(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    for y, line in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in line:
            yield x, y, strip
            x += strip.cell_length


def _parts(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """The parts of rows that hold a change, whole: Textual has painted all of them."""
    for y, left, right in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=True):
            if strip is not None and x < right and end > left:
                yield x, y, strip


def _overlays(strip: Strip) -> Iterator[Overlay]:
    """A control segment's codes are the first cell of its image, and the one after the last."""
    for segment in strip:
        if segment.control:
            begin, end = ((int(code[1]), int(code[2])) for code in segment.control if len(code) == 3)
            yield Overlay(Region.from_corners(*begin, *end), segment.text)


def _cells(segment: Segment, colours: ColorSystem) -> Iterable[Cell]:
    text, style, _ = segment
    pen, blank = _pens(style, colours) if style else (PLAIN, _PLAIN_BLANK)
    if not text.strip(" "):
        return repeat((" ", blank), len(text))
    if text[0] == _UPPER_HALF and not pen.flags and pen.colour[1:] == pen.ground[1:] and len(pen.colour) > 2:
        return repeat((" ", blank), len(text)) if not text.strip(_UPPER_HALF) else [(one, pen) for one in text]
    if text.isascii() and text.isprintable():
        return [(" ", blank) if one == " " else (one, pen) for one in text]
    cells: list[Cell] = []
    for one in text:
        width = get_character_cell_size(one)
        if width:
            cells += [(" ", blank) if one == " " else (one, pen), *repeat(("", pen), width - 1)]
        elif cells and one.isprintable():
            last = next(index for index in reversed(range(len(cells))) if cells[index][0])
            cells[last] = cells[last][0] + one, pen
    length = cell_len(text)
    return cells if len(cells) == length else [(text, pen), *repeat(("", pen), length - 1)]


@lru_cache(1 << 14)
def _pens(style: Style, colours: ColorSystem) -> tuple[Pen, Pen]:
    """For characters, and for blanks."""
    flags = style._attributes & style._set_attributes
    front = style.color.downgrade(colours).get_ansi_codes() if style.color else ("39",)
    ground = style.bgcolor.downgrade(colours).get_ansi_codes(foreground=False) if style.bgcolor else ("49",)
    link = f"\x1b]8;id={style.link_id};{style.link}\x1b\\" if style.link else ""
    pen = Pen(flags, ";".join(front), ";".join(ground), link)
    return pen, pen if flags & ~_UNSEEN_ON_BLANKS else Pen(0, "", pen.ground, link)


@lru_cache(1 << 14)
def _on_blank(now: Pen, blank: Pen) -> Pen:
    """The pen that draws a blank after this one."""
    return Pen(now.flags & _UNSEEN_ON_BLANKS, now.colour, blank.ground, blank.link)


@lru_cache(1 << 14)
def _change(old: Pen, new: Pen) -> str:
    """The shortest sequence from one pen to the other."""
    link = "" if old.link == new.link else new.link or "\x1b]8;;\x1b\\"
    if old[:3] == new[:3]:
        return link
    added, removed = new.flags & ~old.flags, old.flags & ~new.flags
    off = {_OFF[bit] if bit < len(_OFF) else "0" for bit in _bits(removed)}
    if off & {"22", "24", "25"}:
        added = new.flags  # a code switches off two attributes, of which one may be wanted
    colours = [new.colour] * (new.colour != old.colour) + [new.ground] * (new.ground != old.ground)
    step = ";".join([*sorted(off), *(_ON[bit] for bit in _bits(added)), *colours])
    colours = [new.colour] * (new.colour != PLAIN.colour) + [new.ground] * (new.ground != PLAIN.ground)
    reset = ";".join(["0", *(_ON[bit] for bit in _bits(new.flags)), *colours]) if new[:3] != PLAIN[:3] else ""
    return f"{link}\x1b[{reset if '0' in off or len(reset) < len(step) else step}m"


def _bits(flags: int) -> Iterator[int]:
    return (bit for bit in range(len(_ON)) if flags >> bit & 1)


@lru_cache(1 << 12)
def _is_simple(text: str) -> bool:
    """Whether all terminals agree that it takes one cell."""
    return len(text) == 1 and any(ord(text) in narrow for narrow in _NARROW)
