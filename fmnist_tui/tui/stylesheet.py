"""The app's styles: each source is parsed once."""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

_SOURCES = 4096
"""More than there are: widgets, screens and dialogs with styles of their own."""


class ParsedOnce(Stylesheet):
    """A style sheet that parses its sources again only when the theme has other variables.

    Textual does so whenever a screen, or a widget of another class, is shown for the first time: its cache has room for
    fewer sources than there are, and a screen with a file of its own empties it.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(_SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Takes a theme's variables."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parses what wasn't parsed with these variables yet."""
        self.parse()
