"""Screen 1: the images, by class and page, and one of them large."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import OptionList, Static

from fmnist_tui.data import Dataset, Progress
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.choices import Choices
from fmnist_tui.tui.dataset import pages as captions
from fmnist_tui.tui.dataset.large_image import LargeImageScreen
from fmnist_tui.tui.dataset.pages import Browsing, augmented_page, image_at, image_page, mean_page, pixel_histogram
from fmnist_tui.tui.dataset.sidebar import ClassList, Waiting
from fmnist_tui.tui.dataset.thumbnails import Thumbnail, Thumbnails
from fmnist_tui.tui.dialogs.entry import AskNumberScreen
from fmnist_tui.tui.dialogs.text import WordsScreen
from fmnist_tui.tui.messages import Chosen
from fmnist_tui.tui.widgets.bars import bars
from fmnist_tui.tui.widgets.images import Picture, drawing
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

_HISTOGRAM_BAR = 30
_OF_IMAGES = {"ascii", "invert", "classes", "other_part", "turn", "jump", "shuffle", "in_order"}
_OF_IMAGES |= {"means", "augmented", "histogram"}
"""Actions that make no sense while there are none."""


class DatasetScreen(LabScreen):
    """Classes to the left, a page of images, and, where there is room, one image large."""

    CSS_PATH = "dataset.tcss"
    BINDINGS = [
        Binding("c", "classes", "Classes", tooltip="To the classes: the arrow keys choose one, Enter leads back"),
        Binding("t", "other_part", "Train/test", tooltip="Switch between training and test images"),
        Binding("n", "turn(1)", "Next page", tooltip="The next page of images"),
        Binding("b", "turn(-1)", "Page back", tooltip="The page of images before", show=False),
        Binding("m", "ascii", "ASCII", tooltip="Draw images as half-blocks or in ASCII"),
        Binding("i", "invert", "Invert", tooltip="Dark on light, or light on dark"),
        Binding("j", "jump", "Jump", tooltip="Go to an image by its index"),
        Binding("x", "shuffle", "Shuffle", tooltip="A random order; again, another one"),
        Binding("o", "in_order", "In order", tooltip="Back to the data's own order", show=False),
        Binding("a", "means", "Means", tooltip="Each class's mean image, or the images again"),
        Binding("u", "augmented", "Augmented", tooltip="The image as training flips and shifts it, beside itself"),
        Binding("h", "histogram", "Histogram", tooltip="How grey the pixels of the chosen class are"),
    ]
    AUTO_FOCUS = "Waiting, Thumbnails"

    def __init__(self) -> None:
        super().__init__()
        self._browsing: Browsing | None = None
        self._page = "images"
        self._augmented = 0
        self._first_mean = 0
        self._in_ascii = self.app.ascii_images
        self._inverted = self.app.choices.inverted

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("dataset")
        with Horizontal():
            yield Waiting()
            with Vertical(id="left"):
                yield ClassList(id="classes")
                yield Static(id="caption")
            yield Thumbnails()
            with Vertical(id="details"):
                yield Picture()
                yield Static(id="about")
        yield KeyLine()

    def on_mount(self) -> None:
        """Shows the data as soon as it is there."""
        self._draw_anew()
        self.watch_app("dataset", self._take_dataset)
        self.watch_app("dataset_progress", self._show_waiting)
        self.watch_app("dataset_fault", self._show_waiting)
        self.watch_app("late_choices", self._take_choices)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Some keys make no sense while there are no images."""
        return self._browsing is not None or action not in _OF_IMAGES

    def action_classes(self) -> None:
        """To the classes."""
        self.set_focus(self.query_one(ClassList))

    def action_other_part(self) -> None:
        """Training or test images; the means stay means."""
        if self._browsing:
            self._show(self._browsing.other_part(), "means" if self._page == "means" else "images")
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
        if self.query_one(Thumbnails).current is None:
            return
        if self._browsing and self._browsing.part == "test":
            self.notify("Only training images are flipped and shifted: t shows them", markup=False)
            return
        if self._browsing and self._page == "images":
            position = self._browsing.first + self.query_one(Thumbnails).cursor
            self._augmented = int(self._browsing.chosen[position])
        self._turn_to("images" if self._page == "augmented" else "augmented")

    def action_histogram(self) -> None:
        """How grey the pixels of the chosen images are."""
        if self._browsing:
            rows = pixel_histogram(self._browsing)
            title = f"Pixels of {self._browsing.part}, {captions.class_words(self._browsing)}, 0 black to 255 white"
            self.app.push_screen(WordsScreen(title, bars(rows, _HISTOGRAM_BAR)))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another class was chosen."""
        if self._browsing:
            self._show(self._browsing.only(event.option_index - 1 if event.option_index else None))

    def on_option_list_option_selected(self) -> None:
        """On to the images of the class."""
        self.set_focus(self.query_one(Thumbnails))

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
        """One image over the whole screen; from the images' page all of the chosen can be reached."""
        thumbnails, draw = self.query_one(Thumbnails), drawing(in_ascii=self._in_ascii, inverted=self._inverted)
        if self._browsing is None or thumbnails.current is None:
            return
        if self._page == "images":
            at, count = partial(image_at, self._browsing), len(self._browsing.chosen)
            large = LargeImageScreen(at, count, self._browsing.first + thumbnails.cursor, draw)
        else:
            large = LargeImageScreen(thumbnails.page.__getitem__, len(thumbnails.page), thumbnails.cursor, draw)
        self.app.push_screen(large, self._come_back)

    def _take_choices(self, choices: Choices | None) -> None:
        if choices:
            self._in_ascii = self.app.ascii_images
            self._inverted = choices.inverted
            self._draw_anew()

    def _come_back(self, place: int | None) -> None:
        """The cursor goes to the image that was shown large last."""
        thumbnails = self.query_one(Thumbnails)
        if place is None or self._browsing is None:
            return
        if self._page == "images":
            self._browsing = self._browsing.turned_to(place, thumbnails.capacity)
            self._fill_page()
            place -= self._browsing.first
        thumbnails.cursor = place

    def _take_dataset(self, dataset: Dataset | None) -> None:
        self.set_class(dataset is None, "-empty")
        if dataset is not None:
            self._show(Browsing(dataset))
            self._list_classes()
            self.set_focus(self.query_one(Thumbnails))
            self.refresh_bindings()

    def _show_waiting(self, _: Progress | str | None) -> None:
        if self.app.dataset_fault:
            self.query_one(Waiting).show_fault(self.app.dataset_fault, may_take_demo=self.app.folders.data is None)
        else:
            self.query_one(Waiting).show_progress(self.app.dataset_progress)

    def _jump(self, index: int | None) -> None:
        if self._browsing is None or index is None:
            return
        before = self._browsing
        try:
            self._show(before.showing(index))
        except IndexError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        if before.label is not None and self._browsing.label is None:
            self.notify(f"Image {index} is not of class {captions.class_words(before)}: all are shown", markup=False)
        self._list_classes()
        self.query_one(Thumbnails).cursor = 0

    def _turn_to(self, page: str) -> None:
        self._page = page
        self._first_mean = 0
        self._fill_page()

    def _show(self, browsing: Browsing, page: str = "images") -> None:
        """Shows images from `browsing.first` on."""
        self._browsing = browsing
        self._turn_to(page)

    def _fill_page(self) -> None:
        thumbnails = self.query_one(Thumbnails)
        if self._browsing is None or not thumbnails.size:
            return
        thumbnails.page, caption = self._page_and_caption(self._browsing, thumbnails.capacity)
        self.query_one("#caption", Static).update(Text(caption))
        self._show_details()

    def _page_and_caption(self, browsing: Browsing, capacity: int) -> tuple[tuple[Thumbnail, ...], str]:
        if self._page == "means":
            means = mean_page(browsing)[self._first_mean : self._first_mean + capacity]
            return means, captions.of_means(browsing)
        if self._page == "augmented":
            page = augmented_page(browsing, self._augmented, capacity)
            return page, captions.of_augmented(browsing, self._augmented)
        images = image_page(browsing, capacity)
        return images, captions.of_images(browsing, len(images))

    def _draw_anew(self) -> None:
        draw = drawing(in_ascii=self._in_ascii, inverted=self._inverted)
        self.query_one(Thumbnails).draw = self.query_one(Picture).draw = draw

    def _list_classes(self) -> None:
        """Counts and bars."""
        if self._browsing:
            names, counts = self._browsing.dataset.classes, self._browsing.images.class_counts()
            self.query_one(ClassList).show(names, counts, self._browsing.label)

    def _show_details(self) -> None:
        shown = self.query_one(Thumbnails).current
        self.query_one(Picture).image = shown.image if shown else None
        self.query_one("#about", Static).update(Text(shown.about if shown else ""))

    @property
    def _place(self) -> tuple[int, int]:
        """First image of the page, and first mean."""
        return (self._browsing.first if self._browsing else 0), self._first_mean
