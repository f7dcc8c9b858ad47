"""Screen 1: the images, by class and page, and one of them large."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.theme import Theme
from textual.widgets import OptionList, Static

from fmnist_tui.text import grouped
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dataset.sidebar import ClassList, Introduction, Waiting, picture_rows
from fmnist_tui.tui.dataset.thumbnails import Thumbnail, Thumbnails
from fmnist_tui.tui.lazy import LazyModule
from fmnist_tui.tui.messages import ClassMeans, SettingsChanged
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.settings import Settings
from fmnist_tui.tui.widgets.bars import bars
from fmnist_tui.tui.widgets.images import Drawing, Picture, as_text, drawing, theme_shades
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

if TYPE_CHECKING:
    from fmnist_tui.data import Dataset, Progress
    from fmnist_tui.tui.dataset import image_pages as pages
    from fmnist_tui.tui.dataset.image_pages import Browsing
else:
    pages = LazyModule("fmnist_tui.tui.dataset.image_pages")

_HISTOGRAM_BAR = 30
_SMALL_BAR = 12
_HUGE = Size(180, 44)
"""Cells from which the image under the cursor is shown at twice its size."""
_OF_IMAGES = {"ascii", "invert", "classes", "other_part", "turn", "jump", "shuffle", "in_order"}
_OF_IMAGES |= {"means", "augmented", "histogram", "inspect"}
"""Actions that need images."""


class DatasetScreen(LabScreen):
    """Classes to the left, a page of images, and, on wide terminals, one image large."""

    CSS_PATH = "dataset.tcss"
    BINDINGS = [
        Binding("c", "classes", "Classes", tooltip="Choose a class with the arrow keys; Enter returns to the images"),
        Binding("t", "other_part", "Train/test", tooltip="Switch between training and test images"),
        Binding("n", "turn(1)", "Next page", tooltip="The next page of images"),
        Binding("b", "turn(-1)", "Previous page", tooltip="The previous page of images", show=False),
        Binding("m", "ascii", "ASCII", tooltip="Draw images with half-blocks or in ASCII"),
        Binding("i", "invert", "Invert", tooltip="Dark on light, or light on dark"),
        Binding("j", "jump", "Jump", tooltip="Go to an image by its index"),
        Binding("x", "shuffle", "Shuffle", tooltip="Random order; again for another one"),
        Binding("o", "in_order", "Original order", tooltip="Back to the original order", show=False),
        Binding("a", "means", "Means", tooltip="The mean image of each class, or the images again"),
        Binding("u", "augmented", "Augmented", tooltip="The image as augmentation flips and shifts it"),
        Binding("h", "histogram", "Histogram", tooltip="Histogram of the pixel values of the chosen class"),
        Binding("l", "inspect", "Look inside", tooltip="What a trained network sees in the image under the cursor"),
        Binding("escape", "back", "Back", tooltip="Back to the images, from means or augmented ones"),
    ]
    AUTO_FOCUS = "Waiting, Thumbnails"

    def __init__(self) -> None:
        super().__init__()
        self._browsing: Browsing | None = None
        self._page = "images"
        self._augmented = 0
        self._first_mean = 0
        self._in_ascii = self.app.ascii_images
        self._inverted = self.app.settings.inverted
        self._introduces = False
        self.set_class(self.app.dataset is None, "-empty", update=False)

    def compose(self) -> ComposeResult:
        """Classes, thumbnails and details side by side, or `Waiting` in their place."""
        yield Nav("dataset")
        yield Introduction(classes="panel")
        with Horizontal():
            yield Waiting()
            with Vertical(id="left", classes="panel") as left:
                left.border_title = "Classes"
                yield ClassList(id="classes")
                yield Static(id="of")
                yield Picture(id="mean")
            with Vertical(id="images", classes="panel") as images:
                images.border_title = "Images"
                yield Static(id="caption")
                yield Thumbnails()
            with Vertical(id="details", classes="panel") as details:
                details.border_title = "Image"
                yield Picture(id="large")
                yield Static(id="about")
                yield Static(id="pixels")
        yield KeyLine()

    def on_mount(self) -> None:
        """Shows the images as soon as they are loaded."""
        self._redraw()
        self.watch_app("dataset", self._take_dataset)
        self.watch_app("dataset_progress", self._show_waiting)
        self.watch_app("dataset_fault", self._show_waiting)
        self.watch_app("class_means", self._take_means)
        self.watch_app("late_settings", self._apply_settings)
        self.watch_app("runs_state", self._introduce)
        self.app.theme_changed_signal.subscribe(self, self._redraw)

    def on_resize(self) -> None:
        """Takes the room of a very large terminal, and fits the classes' images to their height once that is known."""
        self.set_class(self.size.width >= _HUGE.width and self.size.height >= _HUGE.height, "-huge")
        self.call_after_refresh(self._list_classes)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Hides actions that need images while there are none."""
        if action == "back":
            return self._introduces or self._page != "images"
        return self._browsing is not None or action not in _OF_IMAGES

    def action_back(self) -> None:
        """Returns to the images; from there, hides the introduction."""
        if self._page != "images":
            self._turn_to("images")
        elif self._introduces:
            self.post_message(SettingsChanged(introduced=True))
            self._show_introduction(shown=False)

    def action_classes(self) -> None:
        """Moves the focus to the classes."""
        self.set_focus(self.query_one(ClassList))

    def action_other_part(self) -> None:
        """Switches between training and test images, or between their means."""
        if self._browsing:
            self._show(self._browsing.other_part(), "means" if self._page == "means" else "images")
            self._list_classes()

    def action_ascii(self) -> None:
        """Switches between half-blocks and ASCII."""
        self._in_ascii = not self._in_ascii
        self.post_message(SettingsChanged(ascii_images=self._in_ascii))
        self._redraw()

    def action_invert(self) -> None:
        """Switches between light on dark and dark on light."""
        self._inverted = not self._inverted
        self.post_message(SettingsChanged(inverted=self._inverted))
        self._redraw()

    def action_turn(self, direction: int) -> None:
        """Shows the next page (1) or the previous one (-1)."""
        if self._browsing is None:
            return
        capacity = self.query_one(Thumbnails).capacity
        if self._page == "images":
            self._browsing = self._browsing.turned(direction, capacity)
        elif self._page == "means" and 0 <= self._first_mean + direction * capacity < len(self._means):
            self._first_mean += direction * capacity
        self._fill_page()

    def action_shuffle(self) -> None:
        """Shuffles the images."""
        if self._browsing:
            self._show(self._browsing.shuffled())

    def action_in_order(self) -> None:
        """Restores the original order."""
        if self._browsing:
            self._show(self._browsing.in_order())

    def action_jump(self) -> None:
        """Asks for the index of an image to show."""
        from fmnist_tui.tui.dialogs.entry import NumberDialog

        if self._browsing:
            last = len(self._browsing.images) - 1
            self.app.push_screen(
                NumberDialog(f"Index of the {self._browsing.part} image (0 to {grouped(last)}):"), self._jump
            )

    def action_means(self) -> None:
        """Switches between the class means and the images."""
        self._turn_to("images" if self._page == "means" else "means")

    def action_augmented(self) -> None:
        """Switches between augmented versions of the image under the cursor and the images."""
        if self.query_one(Thumbnails).current is None:
            return
        if self._browsing and self._browsing.part == "test":
            self.notify("Only training images are augmented: t shows them", markup=False)
            return
        if self._browsing and self._page == "images":
            position = self._browsing.first + self.query_one(Thumbnails).cursor
            self._augmented = int(self._browsing.chosen[position])
        self._turn_to("images" if self._page == "augmented" else "augmented")

    def action_inspect(self) -> None:
        """Opens the Inspector on the image under the cursor."""
        if self._browsing and self._page == "images" and self.query_one(Thumbnails).current:
            self.post_message(pages.inspect_message(self._browsing, self.query_one(Thumbnails).cursor))

    def action_histogram(self) -> None:
        """Shows the histogram of the chosen images' pixel values."""
        from fmnist_tui.tui.dialogs.text import TextDialog

        if self._browsing:
            rows = pages.pixel_histogram(self._browsing)
            title = f"Pixel values, {self._browsing.part}, {pages.class_text(self._browsing)} (0 black, 255 white)"
            self.app.push_screen(TextDialog(title, bars(rows, _HISTOGRAM_BAR)))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Shows the images of the chosen class."""
        if self._browsing:
            self._show(self._browsing.only(event.option_index - 1 if event.option_index else None))

    def on_option_list_option_selected(self) -> None:
        """Moves the focus to the images."""
        self.set_focus(self.query_one(Thumbnails))

    def on_thumbnails_moved(self) -> None:
        """Shows the image under the cursor large."""
        self._show_details()

    def on_thumbnails_page_turned(self, event: Thumbnails.PageTurned) -> None:
        """Turns the page, and places the cursor on the new one."""
        before = self._position
        self.action_turn(event.direction)
        if event.cursor is not None and before != self._position:
            thumbnails = self.query_one(Thumbnails)
            thumbnails.cursor = event.cursor % max(1, len(thumbnails.page))

    def on_thumbnails_resized(self) -> None:
        """Fills the page again."""
        self._fill_page()

    def on_thumbnails_opened(self) -> None:
        """Opens the image in a dialog; from the page of images all of the chosen can be reached there."""
        from fmnist_tui.tui.dataset.large_image import LargeImageDialog

        thumbnails, draw = self.query_one(Thumbnails), partial(self._drawing, "surface")
        if self._browsing is None or thumbnails.current is None:
            return
        if self._page == "images":
            at, count = partial(pages.image_at, self._browsing), len(self._browsing.chosen)
            large = LargeImageDialog(at, count, self._browsing.first + thumbnails.cursor, draw)
        else:
            large = LargeImageDialog(thumbnails.page.__getitem__, len(thumbnails.page), thumbnails.cursor, draw)
        self.app.push_screen(large, self._return_from_image)

    def _apply_settings(self, settings: Settings | None) -> None:
        if settings:
            self._in_ascii = self.app.ascii_images
            self._inverted = settings.inverted
            self._redraw()
            self._introduce()

    def _introduce(self, _: RunsState | None = None) -> None:
        """Shows the introduction at the first start, with neither runs nor saved settings, until there is a run."""
        state = self.app.runs_state
        new = state.complete and not state.runs and not state.fault
        self._show_introduction(shown=new and (self._introduces or self.app.settings == Settings()))

    def _show_introduction(self, *, shown: bool) -> None:
        if shown != self._introduces:
            self._introduces = shown
            self.query_one(Introduction).display = shown
            self.call_after_refresh(self._list_classes)
            self.refresh_bindings()

    def _return_from_image(self, index: int | None) -> None:
        """Moves the cursor to the image that was shown last."""
        thumbnails = self.query_one(Thumbnails)
        if index is None or self._browsing is None:
            return
        if self._page == "images":
            self._browsing = self._browsing.turned_to(index, thumbnails.capacity)
            self._fill_page()
            index -= self._browsing.first
        thumbnails.cursor = index

    def _take_dataset(self, dataset: Dataset | None) -> None:
        self.set_class(dataset is None, "-empty")
        if dataset is not None:
            self._show(pages.Browsing(dataset))
            self.call_after_refresh(self._list_classes)  # once the list is laid out
            self.set_focus(self.query_one(Thumbnails))
            self.refresh_bindings()

    def _take_means(self, _: ClassMeans | None) -> None:
        self.call_after_refresh(self._list_classes)
        if self._page == "means":
            self._fill_page()

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
            self.notify(
                f"Image {grouped(index)} is not of class {pages.class_text(before)}: showing all classes",
                markup=False,
            )
        self._list_classes()
        self.query_one(Thumbnails).cursor = 0

    def _turn_to(self, page: str) -> None:
        self._page = page
        self._first_mean = 0
        self._fill_page()
        self.refresh_bindings()

    def _show(self, browsing: Browsing, page: str = "images") -> None:
        """Shows images from `browsing.first` on."""
        self._browsing = browsing
        self._turn_to(page)

    def _fill_page(self) -> None:
        thumbnails = self.query_one(Thumbnails)
        if self._browsing is None or not thumbnails.size:
            return
        thumbnails.together = len(self._means) if self._page == "means" else 0
        means = self._means[self._first_mean :] if self._page == "means" else None
        augmented = self._augmented if self._page == "augmented" else None
        thumbnails.page, caption = pages.page_and_caption(self._browsing, thumbnails.capacity, means, augmented)
        self.query_one("#caption", Static).update(Text(caption))
        self._show_details()

    @property
    def _means(self) -> tuple[Thumbnail, ...]:
        return pages.mean_page(self._browsing, self.app.class_means) if self._browsing else ()

    def _drawing(self, ground: str = "background") -> Drawing:
        shades = theme_shades(self.app, ground)
        return drawing(in_ascii=self._in_ascii, inverted=self._inverted, shades=shades)

    def _redraw(self, _: Theme | None = None) -> None:
        draw = self.query_one(Thumbnails).draw = self._drawing()
        for picture in self.query(Picture):
            picture.draw = draw
        self._list_classes()

    def _list_classes(self) -> None:
        """Updates the counts of the classes and, where there is room, their mean images."""
        if self._browsing is None:
            return
        names, counts = (
            self._browsing.dataset.classes,
            self._browsing.images.class_counts(len(self._browsing.dataset.classes)),
        )
        width, height = self.query_one(ClassList).content_size.width, self.query_one("#left").size.height
        rows = picture_rows(Size(width, height), names)
        means = self.app.class_means
        self.set_class(not rows, "-plain-list")
        pictures = []
        if rows and means:
            draw = self._drawing()
            pictures = [as_text(draw(icon)) for icon in pages.class_icons(means[self._browsing.part], rows)]
        self.query_one(ClassList).show(names, counts, self._browsing.label, pictures)
        self._show_mean()

    def _show_mean(self) -> None:
        """Below a list without images: the mean image of the chosen class, or of that of the image under the cursor."""
        means, browsing, thumbnails = self.app.class_means, self._browsing, self.query_one(Thumbnails)
        if browsing is None or means is None or not self.has_class("-plain-list"):
            return
        label, position = browsing.label, browsing.first + thumbnails.cursor
        if label is None and self._page == "images" and position < len(browsing.chosen):
            label = int(browsing.images.labels[browsing.chosen[position]])
        if label is not None:
            self.query_one("#mean", Picture).image = pages.stretched(means[browsing.part][label])
            self.query_one("#of", Static).update(Text(f"mean {browsing.dataset.classes[label]}"))

    def _show_details(self) -> None:
        shown = self.query_one(Thumbnails).current
        self.query_one("#large", Picture).image = shown.image if shown else None
        self.query_one("#about", Static).update(Text(shown.about if shown else ""))
        histogram = bars(pages.image_histogram(shown.image), _SMALL_BAR) if shown else Text()
        self.query_one("#pixels", Static).update(histogram)
        self._show_mean()

    @property
    def _position(self) -> tuple[int, int]:
        """First image of the page, and first mean."""
        return (self._browsing.first if self._browsing else 0), self._first_mean
