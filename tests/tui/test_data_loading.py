"""Fetching the images from within the app: it shows the progress, can be cancelled and retried."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from data.conftest import Web, serve
from data.samples import Sample, sample, snapshot

from fmnist_tui.data import Sources, load
from fmnist_tui.data.apt import Apt
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dataset import loading

from .driving import notices, part, shown, text_in, until, until_shown
from .samples import write_run

Maker = Callable[..., FmnistApp]
IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def small() -> Sample:
    return sample()


@pytest.fixture
def web(small: Sample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Web]:
    """The only place that has the images."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    web = Web(files=small.packed)
    with serve(web):
        nowhere = Apt(apt_get="no-such-command")
        sources = Sources(tmp_path / "system", (web.address,), 5.0, nowhere, small.release)
        monkeypatch.setattr(loading, "load", partial(load, sources=sources))
        yield web


async def test_a_slow_fetch_shows_how_far_it_is_and_can_be_stopped_and_begun_again(
    make_app: Maker, web: Web, tmp_path: Path
) -> None:
    web.pause = 0.05
    app = make_app(data=None)
    async with app.run_test(size=(60, 18)) as pilot:
        await until_shown(pilot, f"fetching {IMAGES}.gz", "%", "MB", "escape cancels")
        assert "Cancel" in part(pilot, "KeyLine")
        await until(pilot, lambda: "━" in part(pilot, "ProgressLine"), "the bar has grown")
        await pilot.press("r", "d", "escape")
        await until_shown(pilot, "Loading was cancelled.", "r tries again")
        assert "Cancel" not in part(pilot, "KeyLine")
        assert "━" not in shown(app)
        assert not snapshot(tmp_path / "cache")
        web.pause = 0.0
        await pilot.press("r")
        await until(pilot, lambda: "train: 1-" in text_in(pilot, "#caption"), "the images are there")
        assert "Try again" not in part(pilot, "KeyLine")


def cut(web: Web) -> None:
    """Connections break half-way."""
    web.sends = 0.5


def corrupt(web: Web) -> None:
    """The mirror has other images."""
    content = gzip.decompress(web.files[f"{IMAGES}.gz"])
    web.files[f"{IMAGES}.gz"] = gzip.compress(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [(cut, "is truncated: "), (corrupt, "is not the official file: its checksum (sha256) differs")],
)
async def test_a_failed_fetch_shows_the_reason_leaves_nothing_and_can_be_retried(
    make_app: Maker, web: Web, small: Sample, tmp_path: Path, spoil: Callable[[Web], None], expected: str
) -> None:
    spoil(web)
    app = make_app(data=None)
    async with app.run_test() as pilot:
        await until_shown(pilot, f"{IMAGES} {expected}", "r tries again, d uses images")
        assert notices(app) == ""
        assert not snapshot(tmp_path / "cache")
        web.sends, web.files = 1.0, small.packed
        await pilot.press("r")
        await until(pilot, lambda: "of 60" in text_in(pilot, "#caption"), "the images are there")


async def test_without_a_network_the_demo_set_is_a_key_away_and_trained_on(
    make_app: Maker, web: Web, runs: Path
) -> None:
    web.files = {}
    app = make_app(data=None, attach=write_run(runs))
    async with app.run_test() as pilot:
        await until(
            pilot, lambda: "could not load Fashion-MNIST" in notices(app), "the error is shown on other screens too"
        )
        await pilot.press("1")
        await until_shown(pilot, "could not be reached (Not Found)", "Demo images")
        await pilot.press("d")
        await until_shown(pilot, "demo, train: 1-")
        assert app.folders.data == "demo"
