"""What the program writes beside runs, in the user's home folder: choices, the queue, the cache."""

from __future__ import annotations

from collections.abc import Iterator

from fmnist_tui.runs.directory import RunError
from fmnist_tui.runs.machine.row import Row, State
from fmnist_tui.runs.places import cache_folder, home_folder, private_temporary_folder, user_folder, writing_fault


def home_rows() -> Iterator[Row]:
    """Whether the home, queue and cache folders can be written, and which folders are used otherwise."""
    yield _home_row()
    yield _queue_row()
    yield _cache_row()


def _home_row() -> Row:
    home, choices = home_folder(), user_folder("config")
    if choices is None:
        seen = "there is no home folder: what you choose in the app is not remembered"
        return Row("home", State.NOTE, seen, "export HOME")
    if fault := writing_fault(choices):
        seen = f"{choices} can't be written ({fault}): what you choose in the app is not remembered"
        return Row("home", State.NOTE, seen, _advice(fault, "XDG_CONFIG_HOME"))
    return Row("home", State.OK, f"{home or choices}: can be written")


def _queue_row() -> Row:
    folder = user_folder("state")
    fault = "there is no home folder" if folder is None else writing_fault(folder)
    if not fault:
        return Row("queue", State.OK, f"{folder}: can be written")
    advice = _advice(fault, "XDG_STATE_HOME")
    why = f"{folder} can't be written ({fault})" if folder else fault
    try:
        other = private_temporary_folder()
    except RunError as error:
        return Row("queue", State.PROBLEM, f"{why}, and {error}; nothing can be trained", advice)
    return Row("queue", State.NOTE, f"{why}: runs wait in {other}, until a reboot", advice)


def _cache_row() -> Row:
    own = user_folder("cache")
    try:
        used = cache_folder()
    except RunError as error:
        return Row("cache", State.PROBLEM, str(error), "export HOME or XDG_CACHE_HOME")
    fault = "there is no home folder" if own is None else writing_fault(own, own=False)
    if not fault:
        return Row("cache", State.OK, f"{used}: can be written")
    advice = _advice(fault, "XDG_CACHE_HOME")
    if used == own:
        return Row("cache", State.NOTE, f"{own} can only be read ({fault}): each run decodes other data again", advice)
    why = f"{own} can't be written ({fault})" if own else fault
    return Row("cache", State.NOTE, f"{why}: data is cached in {used}, until a reboot", advice)


def _advice(fault: str, variable: str) -> str:
    if "quota" in fault or "space" in fault:
        return f"make room there, or export {variable}=DIR"
    return f"see to that, or export {variable}=DIR"
