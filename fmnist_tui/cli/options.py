"""Options and arguments that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from fmnist_tui.runs.notifications import Notifications
    from fmnist_tui.training.recipe_files import RecipeFile

Command = TypeVar("Command", bound=Callable[..., Any])

_RUNS_HELP = "The folder with the runs (or FMNIST_TUI_RUNS)."
_DATA_HELP = "A folder, .npz or .csv file with images, or `demo` (or FMNIST_TUI_DATA)."
_SIZE_HELP = "Resize the pictures of a folder to NxN pixels."
_SIZE_ALONE = "--size resizes the pictures of a folder: name it with --data"

_HARMLESS = re.compile(r"[\w.-]+")
"""Names that a shell may complete: it would interpret a space, a `;` or a `$`."""


class Folder(click.Path):
    """A folder that must not be empty: an unset variable of a script would mean another folder."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path unchanged, whether it exists or not."""
        if value == "":
            self.fail("the name is empty", param, ctx)
        return value


def recipe_option(command: Command) -> Command:
    """--recipe NAME|FILE.toml, passed as `recipe`: the name, or the file's content."""
    return click.option(
        "--recipe",
        default="tuned",
        show_default=True,
        metavar="NAME|FILE.toml",
        help="tuned, origin, or a file like those that `recipe show` prints.",
        callback=_name_or_file,
        shell_complete=_complete_recipe,
    )(command)


def _name_or_file(ctx: click.Context, param: click.Parameter, value: str) -> str | RecipeFile:
    from fmnist_tui.models.options import ConfigError
    from fmnist_tui.training.recipe_files import read_recipe_file
    from fmnist_tui.training.recipes import RECIPES

    if value in RECIPES:
        return value
    if not value.endswith(".toml"):
        message = f"{value!r} is not one of {', '.join(map(repr, RECIPES))}, nor a file NAME.toml."
        raise click.BadParameter(message, ctx, param)
    try:
        return read_recipe_file(Path(value))
    except ConfigError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def _complete_recipe(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Shell completion for --recipe: names of recipes; where none fits, files."""
    from click.shell_completion import CompletionItem

    from fmnist_tui.training.recipes import RECIPES

    found = [CompletionItem(name) for name in RECIPES if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def runs_option(command: Command) -> Command:
    """--runs DIR, passed as `runs`."""
    return click.option("--runs", type=Folder(), metavar="DIR", help=_RUNS_HELP)(command)


def data_option(command: Command) -> Command:
    """--data PATH and --size N, passed together as `data`, the text form of a location."""

    @wraps(command)
    def with_location(*args: Any, data: str | None, size: int | None, **options: Any) -> Any:
        if size is not None:
            location = data or os.environ.get("FMNIST_TUI_DATA")
            if not location or location == "demo":
                raise click.UsageError(_SIZE_ALONE, click.get_current_context())
            from fmnist_tui.data.location import with_size

            data = with_size(location, size)
        return command(*args, data=data, **options)

    sized = click.option("--size", type=click.IntRange(1, 1024), metavar="N", help=_SIZE_HELP)(with_location)
    return cast("Command", click.option("--data", type=Folder(), metavar="PATH", help=_DATA_HELP)(sized))


def json_option(command: Command) -> Command:
    """--json, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


CODE_OPTIONS = ("model", "accept_changed_model")


def given_options(ctx: click.Context, without: Iterable[str] = ()) -> list[str]:
    """The options on the command line, as they are given again in a command that an error advises."""
    words: list[str] = []
    for option in ctx.command.params:
        name = option.name or ""
        is_given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not isinstance(option, click.Option) or not is_given or name in without:
            continue
        value = ctx.params.get(name)
        values = value if isinstance(value, list | tuple) else [value]
        words += [option.opts[0]] if option.is_flag else [word for one in values for word in (option.opts[0], str(one))]
    return words


def code_options(command: Command) -> Command:
    """--model and --accept-changed-model, passed as `model` and `accept_changed_model`."""
    where = "The code of the run's model, FILE.py:NAME, if it has moved or you never named it."
    changed = "Go on with code that has changed; marks the run as modified, unless it only predicts."
    command = click.option("--accept-changed-model", is_flag=True, help=changed)(command)
    return click.option("--model", metavar="MODEL", help=where)(command)


def notify_options(command: Command) -> Command:
    """--on-end, --notify and --notify-best, passed as `on_end`, `notify` and `notify_best`."""
    options = (
        click.option("--on-end", metavar="COMMAND", help="Run a command when a run ends, with its result as JSON."),
        click.option("--notify", metavar="URL", help="Post a message there when a run ends: ntfy, Slack, Discord."),
        click.option("--notify-best", is_flag=True, help="Post one for each new best epoch, too."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def wanted_notifications(on_end: str | None, notify: str | None, *, best: bool) -> Notifications:
    """What `notify_options` ask for; raises click.UsageError if it can't be used."""
    from fmnist_tui.models.options import ConfigError
    from fmnist_tui.runs.notifications import read_notifications

    try:
        return read_notifications(on_end, notify, best=best)
    except ConfigError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def _runs_per_gpu(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """The number of --per-gpu, AUTO for `auto`."""
    from fmnist_tui.runs.queue.store import AUTO
    from fmnist_tui.text import small_number
    from fmnist_tui.user_settings import MOST_PER_GPU

    if value is None or value == "auto":
        return None if value is None else AUTO
    number = small_number(value)
    if number is None or not 1 <= number <= MOST_PER_GPU:
        message = f"{value!r} is neither a number from 1 to {MOST_PER_GPU} nor auto."
        raise click.BadParameter(message, ctx, param)
    return number


def queue_options(command: Command) -> Command:
    """--per-gpu and --avoid-busy/--use-busy, passed together as `queueing`, completed by the user's settings."""

    @wraps(command)
    def with_queueing(*args: Any, per_gpu: int | None, avoid_busy: bool | None, **options: Any) -> Any:
        from fmnist_tui.runs.queue.options import queue_options as completed

        return command(*args, queueing=completed(per_gpu, avoid_busy=avoid_busy), **options)

    per_gpu_help = "Up to N runs share a GPU; auto: as many as its memory and utilisation allow."
    busy_help = "Leave GPUs to other people who use them (default on shared machines)."
    busy = click.option("--avoid-busy/--use-busy", default=None, help=busy_help)(with_queueing)
    per_gpu = click.option("--per-gpu", metavar="N|auto", callback=_runs_per_gpu, help=per_gpu_help)
    return cast("Command", per_gpu(busy))


def graph_option(command: Command) -> Command:
    """--graph/--no-graph, passed as `graph`; None if neither is given."""
    what = "Replay training steps as a CUDA graph, where a check at the start allows it (default on NVIDIA GPUs)."
    return click.option("--graph/--no-graph", default=None, help=what)(command)


def run_argument(command: Command) -> Command:
    """RUN, passed as `ref`."""
    return click.argument("ref", metavar="RUN", shell_complete=complete_run)(command)


def screen_options(command: Command) -> Command:
    """What the app and `attach` take, passed as `ascii_only`, `mouse`, `low_bandwidth` and `summary`."""
    options = (
        click.option("--ascii/--no-ascii", "ascii_only", default=None, help="Draw in ASCII (default: by the locale)."),
        click.option("--no-mouse", "mouse", flag_value=False, default=True, help="Leave the mouse to the terminal."),
        click.option("--low-bandwidth", is_flag=True, help="Paint less often, and images in ASCII."),
        click.option("--no-summary", "summary", flag_value=False, default=True, help="Print no results at the end."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Shell completion for RUN: ids, labels, `last`."""
    from fmnist_tui.errors import RunError
    from fmnist_tui.paths import runs_folder
    from fmnist_tui.runs.directory import list_runs, name_of

    try:
        known = list_runs(runs_folder(ctx.params.get("runs")))
    except RunError:
        return []
    known_refs = ["last", *(name for run in known for name in (run.run_id, name_of(run)))]
    return [ref for ref in known_refs if ref.startswith(incomplete) and _HARMLESS.fullmatch(ref)]
