"""Every key of every screen that changes nothing but the screen, in an order in which each of them does something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tui.distant import Answer, DistantTerminal

_NAMED = {
    "UP": b"\x1b[A",
    "DOWN": b"\x1b[B",
    "RIGHT": b"\x1b[C",
    "LEFT": b"\x1b[D",
    "FAR-RIGHT": b"\x1b[1;2C",
    "FAR-LEFT": b"\x1b[1;2D",
    "FAR-UP": b"\x1b[1;2A",
    "FAR-DOWN": b"\x1b[1;2B",
    "PAGE-DOWN": b"\x1b[6~",
    "PAGE-UP": b"\x1b[5~",
    "HOME": b"\x1b[H",
    "END": b"\x1b[F",
    "ENTER": b"\r",
    "TAB": b"\t",
    "ESC": b"\x1b",
    "SPACE": b" ",
    "PALETTE": b"\x10",
}
_EVERYWHERE = "? DOWN ESC PALETTE d a ESC"
_KEYS = {
    "1": "n b t t RIGHT DOWN LEFT UP PAGE-DOWN PAGE-UP i i m m x o a a u u h h j 5 ESC ENTER n b v ESC c DOWN UP ESC",
    "2": "DOWN DOWN UP SPACE SPACE TAB TAB ESC m TAB ESC n ESC ENTER",
    "3": "x w c RIGHT LEFT FAR-RIGHT FAR-LEFT c + + LEFT RIGHT - 0 g g d ESC o DOWN ESC u ESC l DOWN ESC m ESC a",
    "4": "a DOWN m u r DOWN UP SPACE SPACE t ESC s s b ESC v c c f f w v g RIGHT LEFT ESC ESC ESC",
    "5": "RIGHT RIGHT LEFT c c",
    "6": "t . , m ESC e SPACE RIGHT SPACE e s u y r R + - n b x g v v i ESC k ESC FAR-UP FAR-LEFT z c",
    "7": "DOWN UP PAGE-DOWN PAGE-UP END HOME s a g SPACE DOWN SPACE d d m ESC u ESC / v 3 ESC c",
    "8": "n v",
}


def time_keys(terminal: DistantTerminal, settle: float, screens: int = len(_KEYS)) -> Iterator[tuple[str, Answer]]:
    """Presses those of so many screens once; `settle` seconds after the answer to one, the next.

    Yields:
        A name, "screen number key", and the answer; keys that aren't answered, as there is nothing to show, are left
        out.
    """
    for screen, keys in islice(_KEYS.items(), screens):
        for number, name in enumerate((screen, *keys.split(), *_EVERYWHERE.split())):
            terminal.sent_in(settle)
            answer = terminal.time_key(_NAMED.get(name, name.encode()))
            if answer:
                yield f"{screen} {number} {name}", answer
