"""The queue over the Training screen: what it shows, at every width, and what its keys change."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.text import Text

from fmnist_tui.paths import state_folder
from fmnist_tui.runs.queue import order
from fmnist_tui.runs.queue.devices import Claim, take_claim
from fmnist_tui.runs.queue.store import Entry, Queue, this_queue
from fmnist_tui.runs.queue.waiting import QueueRow
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dialogs.queue import QueueDialog, table_of

from .driving import flat, loaded, notices, shown, until, until_shown
from .samples import training, write_run

ROWS = (
    QueueRow(Path("/runs/v3-20261129-120000-aaaa"), None, "cuda:0"),
    QueueRow(Path("/runs/v1-20261129-120001-bbbb"), 1, "cuda", "waits for cuda", 423.0, priority=2),
    QueueRow(
        Path("/runs/v0-20261129-120002-cccc"),
        2,
        "cpu",
        "held: v3-20261129-120000-aaaa was stopped without a score",
        held=True,
    ),
)


def lines(width: int) -> list[str]:
    header, rows = table_of(ROWS, width)
    return ["|".join(header), *("|".join(cell.plain for cell in row) for row in rows)]


def test_the_table_fits_every_width() -> None:
    assert lines(110) == [
        "|run|needs|wait|priority|reason",
        "●|v3-20261129-120000-aaaa|cuda:0||0|",
        "1|v1-20261129-120001-bbbb|cuda|~7 min|2|waits for cuda",
        "2|v0-20261129-120002-cccc|cpu||0|held: v3-20261129-120000-aaaa was stopped without a s…",
    ]
    assert lines(74)[2:] == [
        "1|v1-20261129-120001-bbbb|cuda|~7 min|waits for cuda",
        "2|v0-20261129-120002-cccc|cpu||held: v3-20261129-120000-aa…",
    ]
    assert lines(54)[2:] == ["1|v1 bbbb|cuda|~7 min|waits for cuda", "2|v0 cccc|cpu||held: v3-20261129-12000…"]
    assert {cell.style for cell in table_of(ROWS, 74)[1][2]} == {"dim"}
    assert table_of(ROWS, 74)[1][0][0] == Text("●")


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue of its own; nothing is started from it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(order, "ensure_dispatcher", lambda _: None)
    return this_queue(state_folder())


async def test_the_order_is_changed_in_the_dialog_and_enter_shows_a_run(
    app: FmnistApp, runs: Path, queue: Queue
) -> None:
    running = write_run(runs, log=training(epochs=1))
    waiting = [f"{running.path.parent}/v0-20261129-12000{number}-000{number}" for number in range(3)]
    with queue.locked():
        queue.write([Entry(run=run, created=1.0, needs="cpu", cpus=(0,), threads=1) for run in waiting])
        claim = take_claim(queue, Claim(run=str(running.path), cpus=(0,), threads=1))
    ids = [Path(run).name for run in waiting]

    def order_now() -> list[str]:
        return [entry.run_id for entry in queue.read()]

    async with app.run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        assert "Queue" in [command.title for command in app.get_system_commands(app.screen)], "on every screen"
        await pilot.press("3", "u")
        await until_shown(pilot, "Queue", "1 run with a device, 3 waiting", ids[0], ids[2], "waits for cpu")
        await pilot.press("d")  # the cursor is on the first one that waits
        await until(pilot, lambda: order_now() == [ids[1], ids[0], ids[2]], "it has moved down")
        await until(pilot, lambda: flat(app).index(ids[1]) < flat(app).index(ids[0]), "that is shown")
        await pilot.press("d")
        await until(pilot, lambda: order_now() == [ids[1], ids[2], ids[0]], "the cursor has moved with it")
        await pilot.press("h")
        await until(pilot, lambda: queue.read()[2].held, "it is held")
        await until_shown(pilot, f"{ids[0]}: held")
        await pilot.press("r", "u")
        await until(pilot, lambda: order_now() == [ids[1], ids[0], ids[2]], "it is released and moved up")
        assert not any(entry.held for entry in queue.read())
        await pilot.press("up", "up", "h")
        await until(pilot, lambda: f"{running.run_id} has its device already" in notices(app), "that is said")
        for size in ((60, 18), (120, 36)):
            await pilot.resize_terminal(*size)
            await until_shown(pilot, "v0 0001" if size[0] == 60 else ids[1])
            assert "esc: back" in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, QueueDialog), "it is closed")
        await until(pilot, lambda: app.followed is not None and app.followed.run == running, "the run is shown")
    claim.release()
