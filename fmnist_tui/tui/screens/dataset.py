"""Screen 1: the images, by class and page, and one of them large."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static

from fmnist_tui.data import Dataset
from fmnist_tui.tui.browsing import Browsing
from fmnist_tui.tui.screens.large_image import LargeImageScreen
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.picture import Picture
from fmnist_tui.tui.widgets.pixels import ascii_ramp, half_blocks
from fmnist_tui.tui.widgets.thumbnails import Thumbnail, Thumbnails

_BAR = 8


class DatasetScreen(Screen[None]):
    """Classes to the left, a page of images, and, where there is room, one image large."""

    CSS_PATH = "dataset.tcss"
    BINDINGS = [
        Binding("t", "other_part", "Train/test", tooltip="Switch between training and test images"),
        Binding("m", "drawing", "Blocks/ASCII", tooltip="Draw images as half-blocks or in ASCII"),
        Binding("n", "turn(1)", "Next page"),
        Binding("b", "turn(-1)", "Page back"),
    ]
    AUTO_FOCUS = "Thumbnails"

    def __init__(self) -> None:
        super().__init__()
        self._browsing: Browsing | None = None

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("dataset")
        with Horizontal(id="body"):
            yield OptionList(id="classes")
            with Vertical():
                yield Static("Loading the data ...", id="caption")
                yield Thumbnails()
            with Vertical(id="details"):
                yield Picture()
                yield Static(id="about")
        yield Footer()

    def on_mount(self) -> None:
        """Shows the data as soon as it is there."""
        self.watch(self.app, "dataset", self._take_dataset)
        self.watch(self.app, "dataset_words", self._show_words)

    def action_other_part(self) -> None:
        """Training or test images."""
        if self._browsing:
            self._show(self._browsing.other_part())
            self._list_classes()

    def action_drawing(self) -> None:
        """Half-blocks or ASCII."""
        thumbnails, picture = self.query_one(Thumbnails), self.query_one(Picture)
        thumbnails.draw = ascii_ramp if thumbnails.draw is half_blocks else half_blocks
        picture.draw = thumbnails.draw

    def action_turn(self, direction: int) -> None:
        """The next page, or the one before."""
        if self._browsing:
            self._show(self._browsing.turned(direction, self.query_one(Thumbnails).capacity))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another class was chosen."""
        if self._browsing:
            self._show(self._browsing.only(event.option_index - 1 if event.option_index else None))

    def on_thumbnails_moved(self) -> None:
        """Shows the image under the cursor large."""
        self._show_details()

    def on_thumbnails_page_turned(self, event: Thumbnails.PageTurned) -> None:
        """The cursor ran over the edge."""
        self.action_turn(event.direction)

    def on_thumbnails_resized(self) -> None:
        """Another number of images fits now."""
        if self._browsing:
            self._show(self._browsing)

    def on_thumbnails_opened(self) -> None:
        """One image over the whole screen, for terminals without room for it beside the page."""
        index = self._index()
        if self._browsing and index is not None:
            images = self._browsing.images
            drawing = self.query_one(Thumbnails).draw
            self.app.push_screen(LargeImageScreen(images.images[index], self._about(index), drawing))

    def _take_dataset(self, dataset: Dataset | None) -> None:
        if dataset is None:
            return
        self._show(Browsing(dataset))
        self._list_classes()

    def _show_words(self, words: str) -> None:
        if self._browsing is None and words:
            self.query_one("#caption", Static).update(Text(words))

    def _list_classes(self) -> None:
        """Counts and bars; the highlighted line stays."""
        if self._browsing is None:
            return
        classes = self.query_one("#classes", OptionList)
        counts = self._browsing.counts()
        lines = [f"{'all classes':<13}{sum(counts):>6}"]
        for name, count in zip(self._browsing.dataset.classes, counts, strict=True):
            bar = "■" * round(_BAR * count / max(*counts, 1))
            lines.append(f"{name[:12]:<13}{count:>6} {bar}")
        highlighted = classes.highlighted
        with self.prevent(OptionList.OptionHighlighted):
            classes.clear_options()
            classes.add_options([Text(line) for line in lines])
            classes.highlighted = highlighted or 0

    def _show(self, browsing: Browsing) -> None:
        """Shows the page that starts at `browsing.first`."""
        self._browsing = browsing
        thumbnails = self.query_one(Thumbnails)
        chosen = browsing.chosen
        page = chosen[browsing.first : browsing.first + thumbnails.capacity]
        labels = browsing.images.labels
        names = browsing.dataset.classes
        thumbnails.page = tuple(
            Thumbnail(browsing.images.images[index], f"{index} {names[labels[index]]}") for index in page
        )
        last = browsing.first + len(page)
        words = f"{browsing.dataset.name}, {browsing.part}: {browsing.first + 1}-{last} of {len(chosen)}"
        self.query_one("#caption", Static).update(Text(words))
        self._show_details()

    def _show_details(self) -> None:
        index = self._index()
        if self._browsing is None or index is None:
            return
        self.query_one(Picture).image = self._browsing.images.images[index]
        self.query_one("#about", Static).update(Text(self._about(index)))

    def _index(self) -> int | None:
        """Which image the cursor is on."""
        if self._browsing is None:
            return None
        position = self._browsing.first + self.query_one(Thumbnails).cursor
        chosen = self._browsing.chosen
        return int(chosen[position]) if position < len(chosen) else None

    def _about(self, index: int) -> str:
        assert self._browsing is not None  # noqa: S101 - callers have an index, which needs one
        browsing = self._browsing
        label = int(browsing.images.labels[index])
        image = browsing.images.images[index]
        return (
            f"{browsing.part} image {index}\nclass {label}: {browsing.dataset.classes[label]}\n"
            f"mean {image.mean():.1f}, from {image.min()} to {image.max()}\n\n{browsing.dataset.source}"
        )
