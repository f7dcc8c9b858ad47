"""Screen 1: the images, by class and page, and one of them large."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static

from fmnist_tui.data import Dataset
from fmnist_tui.tui.browsing import Browsing
from fmnist_tui.tui.choices import Choices
from fmnist_tui.tui.messages import Chosen
from fmnist_tui.tui.pages import augmented_page, image_page, mean_page, pixel_histogram
from fmnist_tui.tui.screens.ask_number import AskNumberScreen
from fmnist_tui.tui.screens.large_image import LargeImageScreen
from fmnist_tui.tui.screens.words import WordsScreen
from fmnist_tui.tui.widgets.histogram import bar, bars
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.picture import Picture
from fmnist_tui.tui.widgets.pixels import drawing
from fmnist_tui.tui.widgets.thumbnails import Thumbnail, Thumbnails

_BAR = 8
_HISTOGRAM_BAR = 30


class DatasetScreen(Screen[None]):
    """Classes to the left, a page of images, and, where there is room, one image large."""

    CSS_PATH = "dataset.tcss"
    BINDINGS = [
        Binding("t", "other_part", "Train/test", tooltip="Switch between training and test images"),
        Binding("m", "ascii", "ASCII", tooltip="Draw images as half-blocks or in ASCII"),
        Binding("i", "invert", "Invert", tooltip="Dark on light, or light on dark"),
        Binding("n", "turn(1)", "Next page", tooltip="The next page of images"),
        Binding("b", "turn(-1)", "Page back", tooltip="The page of images before", show=False),
        Binding("j", "jump", "Jump", tooltip="Go to an image by its index"),
        Binding("x", "shuffle", "Shuffle", tooltip="A random order; again, another one"),
        Binding("o", "in_order", "In order", tooltip="Back to the data's own order", show=False),
        Binding("a", "means", "Means", tooltip="Each class's mean image, or the images again"),
        Binding("u", "augmented", "Augmented", tooltip="The image as v1, v2 and v3 see it in training, beside itself"),
        Binding("h", "histogram", "Histogram", tooltip="How grey the pixels of the chosen class are"),
    ]
    AUTO_FOCUS = "Thumbnails"

    def __init__(self) -> None:
        super().__init__()
        self._browsing: Browsing | None = None
        self._page = "images"
        self._augmented = 0
        self._first_mean = 0
        self._in_ascii: bool = getattr(self.app, "ascii_images", False)
        self._inverted: bool = getattr(self.app, "choices", Choices()).inverted

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
        self._draw_anew()
        self.watch(self.app, "dataset", self._take_dataset)
        self.watch(self.app, "dataset_words", self._show_words)

    def action_other_part(self) -> None:
        """Training or test images."""
        if self._browsing:
            self._augmented = 0
            self._show(self._browsing.other_part())
            self._list_classes()

    def action_ascii(self) -> None:
        """Half-blocks or ASCII."""
        self._in_ascii = not self._in_ascii
        self.post_message(Chosen(ascii_images=self._in_ascii))
        self._draw_anew()

    def action_invert(self) -> None:
        """Dark on light, or light on dark."""
        self._inverted = not self._inverted
        self.post_message(Chosen(inverted=self._inverted))
        self._draw_anew()

    def action_turn(self, direction: int) -> None:
        """The next page, or the one before."""
        if self._browsing is None:
            return
        capacity = self.query_one(Thumbnails).capacity
        if self._page == "images":
            self._browsing = self._browsing.turned(direction, capacity)
        elif self._page == "means" and 0 <= self._first_mean + direction * capacity < len(mean_page(self._browsing)):
            self._first_mean += direction * capacity
        self._fill_page()

    def action_shuffle(self) -> None:
        """A random order."""
        if self._browsing:
            self._show(self._browsing.shuffled())

    def action_in_order(self) -> None:
        """The data's own order."""
        if self._browsing:
            self._show(self._browsing.in_order())

    def action_jump(self) -> None:
        """Asks for an index."""
        if self._browsing:
            last = len(self._browsing.images) - 1
            self.app.push_screen(AskNumberScreen(f"Which {self._browsing.part} image, 0 to {last}?"), self._jump)

    def action_means(self) -> None:
        """Each class's mean image, or the images."""
        self._turn_to("images" if self._page == "means" else "means")

    def action_augmented(self) -> None:
        """What training sees of the image under the cursor, or the images."""
        index = self._index()
        if self._page == "images" and index is not None:
            self._augmented = index
        self._turn_to("images" if self._page == "augmented" else "augmented")

    def action_histogram(self) -> None:
        """How grey the pixels of the chosen images are."""
        if self._browsing:
            rows = pixel_histogram(self._browsing)
            title = f"Pixels of {self._browsing.part}, {self._class_words()}: from black (0) to white (255)"
            self.app.push_screen(WordsScreen(title, bars(rows, _HISTOGRAM_BAR)))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another class was chosen."""
        if self._browsing:
            self._show(self._browsing.only(event.option_index - 1 if event.option_index else None))

    def on_thumbnails_moved(self) -> None:
        """Shows the image under the cursor large."""
        self._show_details()

    def on_thumbnails_page_turned(self, event: Thumbnails.PageTurned) -> None:
        """The cursor ran over the edge, or a page was turned."""
        before = self._place
        self.action_turn(event.direction)
        if event.cursor is not None and before != self._place:
            thumbnails = self.query_one(Thumbnails)
            thumbnails.cursor = event.cursor % max(1, len(thumbnails.page))

    def on_thumbnails_resized(self) -> None:
        """Another number of images fits now."""
        self._fill_page()

    def on_thumbnails_opened(self) -> None:
        """One image over the whole screen, for terminals without room for it beside the page."""
        image = self.query_one(Thumbnails).current
        if image is not None:
            draw = drawing(in_ascii=self._in_ascii, inverted=self._inverted)
            self.app.push_screen(LargeImageScreen(image.image, self._about(), draw))

    def _take_dataset(self, dataset: Dataset | None) -> None:
        self.set_class(dataset is None, "-empty")
        if dataset is not None:
            self._show(Browsing(dataset))
            self._list_classes()

    def _show_words(self, words: str) -> None:
        if self._browsing is None and words:
            self.query_one("#caption", Static).update(Text(words))

    def _jump(self, index: int | None) -> None:
        if self._browsing is None or index is None:
            return
        try:
            browsing = self._browsing.showing(index)
        except IndexError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        self._show(browsing)
        self._list_classes(highlighted=0)
        self.query_one(Thumbnails).cursor = 0

    def _turn_to(self, page: str) -> None:
        self._page = page
        self._first_mean = 0
        self._fill_page()

    def _show(self, browsing: Browsing) -> None:
        """Shows images from `browsing.first` on."""
        self._browsing = browsing
        self._turn_to("images")

    def _fill_page(self) -> None:
        if self._browsing is None:
            return
        browsing, thumbnails = self._browsing, self.query_one(Thumbnails)
        make: dict[str, Callable[[], tuple[Thumbnail, ...]]] = {
            "images": partial(image_page, browsing, thumbnails.capacity),
            "means": lambda: mean_page(browsing)[self._first_mean : self._first_mean + thumbnails.capacity],
            "augmented": partial(augmented_page, browsing, self._augmented, thumbnails.capacity),
        }
        thumbnails.page = make[self._page]()
        self.query_one("#caption", Static).update(Text(self._caption(len(thumbnails.page))))
        self._show_details()

    def _caption(self, shown: int) -> str:
        assert self._browsing is not None  # noqa: S101 - the page was filled from it
        browsing = self._browsing
        if self._page == "means":
            return f"{browsing.dataset.name}, {browsing.part}: each class's mean image (a: back)"
        if self._page == "augmented":
            return f"{browsing.part} image {self._augmented} as training sees it: flips and shifts (u: back)"
        order = ", shuffled" if browsing.shuffle else ""
        place = f"{browsing.first + 1}-{browsing.first + shown} of {len(browsing.chosen)}" if shown else "no images"
        return f"{browsing.dataset.name}, {browsing.part}: {place}{order}"

    def _draw_anew(self) -> None:
        draw = drawing(in_ascii=self._in_ascii, inverted=self._inverted)
        self.query_one(Thumbnails).draw = self.query_one(Picture).draw = draw

    def _list_classes(self, highlighted: int | None = None) -> None:
        """Counts and bars; the highlighted line stays unless another one is given."""
        if self._browsing is None:
            return
        classes = self.query_one("#classes", OptionList)
        counts = self._browsing.counts()
        lines = [f"{'all classes':<11}{sum(counts):>6}"]
        for name, count in zip(self._browsing.dataset.classes, counts, strict=True):
            lines.append(f"{name[:11]:<11}{count:>6} {bar(count / max(*counts, 1), _BAR)}")
        kept = classes.highlighted if highlighted is None else highlighted
        with self.prevent(OptionList.OptionHighlighted):
            classes.clear_options()
            classes.add_options([Text(line, no_wrap=True, overflow="crop") for line in lines])
            classes.highlighted = kept or 0

    def _show_details(self) -> None:
        shown = self.query_one(Thumbnails).current
        self.query_one(Picture).image = shown.image if shown else None
        self.query_one("#about", Static).update(Text(self._about()))

    @property
    def _place(self) -> tuple[int, int]:
        """First image of the page, and first mean."""
        return (self._browsing.first if self._browsing else 0), self._first_mean

    def _index(self) -> int | None:
        """Which image the cursor is on, where the page shows images."""
        if self._browsing is None or self._page != "images":
            return None
        position = self._browsing.first + self.query_one(Thumbnails).cursor
        chosen = self._browsing.chosen
        return int(chosen[position]) if position < len(chosen) else None

    def _about(self) -> str:
        """What is known of the image under the cursor."""
        shown = self.query_one(Thumbnails).current
        if self._browsing is None or shown is None:
            return ""
        index = self._index()
        what = shown.caption
        if index is not None:
            label = int(self._browsing.images.labels[index])
            what = f"{self._browsing.part} image {index}\nclass {label}: {self._browsing.dataset.classes[label]}"
        image = shown.image
        pixels = f"mean {image.mean():.1f}, from {image.min()} to {image.max()}"
        source = self._browsing.dataset.source.replace(f"{Path.home()}/", "~/")
        return f"{what}\n{pixels}\n\n{source}"

    def _class_words(self) -> str:
        assert self._browsing is not None  # noqa: S101 - callers have looked
        label = self._browsing.label
        return "all classes" if label is None else self._browsing.dataset.classes[label]
