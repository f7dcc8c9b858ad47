"""The `train` and `resume` commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fmnist_tui.cli.cluster import Cluster, cluster_options, prepare_for_slurm, resumed_on, submitter
from fmnist_tui.cli.options import (
    CODE_OPTIONS,
    Folder,
    code_options,
    complete_run,
    data_option,
    given_options,
    graph_option,
    json_option,
    notify_options,
    queue_options,
    recipe_option,
    run_argument,
    runs_option,
    wanted_notifications,
)
from fmnist_tui.cli.start import start_and_follow, start_and_leave, train_here
from fmnist_tui.errors import RunError
from fmnist_tui.models.named import name_model, remembered
from fmnist_tui.models.registry import BUILT_IN, UnknownModelError, all_models, find_model
from fmnist_tui.paths import AppPaths, app_paths, data_folder, runs_folder
from fmnist_tui.runs.cluster.options import Launch, saved_launch
from fmnist_tui.runs.cluster.submit import train_locally
from fmnist_tui.runs.directory import RunDirectory, find_run
from fmnist_tui.runs.model_code import CodeChoice
from fmnist_tui.runs.notifications import Notifications, save_notifications
from fmnist_tui.runs.resume import check_resumable
from fmnist_tui.text import counted, decoded, safe
from fmnist_tui.training.config import ConfigError, NoPyTorchError, TrainingConfig
from fmnist_tui.training.recipe_files import RecipeFile
from fmnist_tui.training.recipes import FLIPS, configure_all

if TYPE_CHECKING:
    from fmnist_tui.runs.queue.options import QueueOptions

_AFTER_ELSEWHERE = "--after is for the queue of this machine: leave out --on or --after"
_DETACHED_IN_APP = "--detach trains in separate processes, --in-app in this one: choose one"
SET_HELP = "Change a setting: --set mixup=0.2 --set model.dropout=0.3 (repeatable; see `recipe show`)."
_FLIP_HELP = "Flip training images horizontally: if that suits the data, always, or never."


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Shell completion for MODEL."""
    names = [*(model.name for model in all_models()), *(one.name for one in remembered()), "all"]
    return [name for name in names if name.startswith(incomplete)]


@click.command("train")
@click.argument("versions", nargs=-1, required=True, metavar="MODEL...|all", shell_complete=complete_model)
@recipe_option
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help=SET_HELP)
@click.option("--epochs", type=int, metavar="N", help="Epochs, instead of the recipe's.")
@click.option("--batch-size", type=int, metavar="N", help="Images per step, instead of the recipe's.")
@click.option("--lr", "learning_rate", type=float, metavar="X", help="Learning rate, instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N")
@click.option("--seeds", type=click.IntRange(1, 100), default=1, metavar="K", help="K runs, with seeds N to N+K-1.")
@click.option("--flip", type=click.Choice(FLIPS), default="auto", show_default=True, help=_FLIP_HELP)
@click.option(
    "--limit",
    type=int,
    metavar="N",
    help="Use only N training images: the first, or by class if sorted.",
)
@click.option("--no-test", is_flag=True, help="Don't score the test images.")
@click.option("--device", default="auto", show_default=True, metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--threads", type=int, default=0, metavar="N", help="CPU threads; 0 for all.")
@graph_option
@click.option("--detach", is_flag=True, help="Print the run ids and return; the runs continue in the background.")
@click.option("--in-app", is_flag=True, help="Train in this process; the runs end with it.")
@cluster_options
@click.option("--after", metavar="RUN", help="Start only once that run has succeeded.", shell_complete=complete_run)
@queue_options
@notify_options
@json_option
@data_option
@runs_option
def train_command(
    versions: tuple[str, ...],
    seed: int,
    seeds: int,
    no_test: bool,  # noqa: FBT001
    detach: bool,  # noqa: FBT001
    in_app: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
    recipe: str | RecipeFile,
    given: tuple[str, ...],
    graph: bool | None,  # noqa: FBT001
    on_end: str | None,
    notify: str | None,
    notify_best: bool,  # noqa: FBT001
    cluster: Cluster,
    queueing: QueueOptions,
    after: str | None,
    **settings: Any,
) -> None:
    """Train models and follow them. Several runs queue for the device, or are an array of jobs (`--on slurm`).

    MODEL is a name that `fmnist-tui models` lists, or one of your own: FILE.py:NAME or package.module:NAME, where NAME
    is a class or function that builds an nn.Module.
    """
    if detach and in_app:
        raise click.UsageError(_DETACHED_IN_APP)
    launch = resumed_on(cluster, Launch())
    notifications = wanted_notifications(on_end, notify, best=notify_best)
    changes = {key: settings.pop(key) for key in ("epochs", "batch_size", "learning_rate")}
    seeds_wanted = range(seed, seed + seeds)
    settings |= {"recipe": "tuned", "recipe_file": recipe} if isinstance(recipe, RecipeFile) else {"recipe": recipe}
    settings |= {"given": given_settings(given, changes, settings["flip"]), "score_test": not no_test}
    folders = app_paths(runs, data)
    if after is not None:
        if cluster.is_elsewhere:
            raise click.UsageError(_AFTER_ELSEWHERE, click.get_current_context())
        queueing = replace(queueing, after=str(_run_to_wait_for(folders.runs, after).path.absolute()))
    names = model_names(versions, folders.data, folders.cache)
    configs = configurations(names, seeds_wanted, changes=changes, **settings)
    requested = _request(configs, folders, cluster)
    for run in requested:
        save_notifications(run, notifications)
    _save_graph(requested, graph)
    submit = submitter(launch, queueing, are_new=True)
    if detach:
        sys.exit(start_and_leave(requested, submit))
    if in_app:
        sys.exit(train_here(requested, queueing, as_json=as_json))
    sys.exit(start_and_follow(requested, submit, as_json=as_json))


def _run_to_wait_for(runs: Path, ref: str) -> RunDirectory:
    """The run of --after, which may still succeed."""
    from fmnist_tui.runs.queue.after import Outcome, outcome_of

    run = find_run(runs, ref)
    outcome, why = outcome_of(run.path)
    if outcome is Outcome.FAILED:
        raise RunError(f"{why}, so nothing would start after it; leave out --after")
    return run


def given_settings(pairs: tuple[str, ...], changes: Mapping[str, Any], flip: str) -> dict[str, str]:
    """The settings of --set by name; each may be given once, and not as an option of its own as well."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise click.UsageError(f"--set takes NAME=VALUE, not {pair!r}", click.get_current_context())
        if name in found or changes.get(name) is not None or (name == "flip" and flip != "auto"):
            raise click.UsageError(f"{name} is set twice", click.get_current_context())
        found[name] = value
    return found


def configurations(names: list[str], seeds: Sequence[int], **settings: Any) -> list[TrainingConfig]:
    """The requested configurations; one that can't be trained anywhere is wrong usage."""
    try:
        return configure_all(names, seeds, **settings)
    except NoPyTorchError:
        raise
    except ConfigError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def _request(configs: list[TrainingConfig], folders: AppPaths, cluster: Cluster) -> list[RunDirectory]:
    """Create the runs, without starting them, after checking that they can start."""
    from fmnist_tui.runs.start import request_runs

    if cluster.is_slurm:
        prepare_for_slurm(configs[0].device, folders)
    requested = request_runs(configs, folders, here=not cluster.is_elsewhere)
    threads = "" if cluster.is_elsewhere else too_many_threads(max(config.threads for config in configs))
    for warning in filter(None, [requested.warning, threads]):
        click.echo(f"warning: {safe(warning)}", err=True)
    for message in requested.failed:
        raise RunError(message)
    return requested.runs


def _save_graph(runs: Sequence[RunDirectory], wanted: bool | None) -> None:  # noqa: FBT001
    from fmnist_tui.runs.request import write_graph

    for run in runs:
        if wanted is not None:
            write_graph(run, use=wanted)


def too_many_threads(threads: int) -> str:
    """A warning if there are fewer CPUs than threads, else ""."""
    from fmnist_tui.host.node import available_cpus

    cpus = available_cpus()
    if threads <= cpus:
        return ""
    return f"--threads {threads} exceeds the {counted(cpus, 'available CPU')}; training will be many times slower"


def model_names(versions: tuple[str, ...], data: str | None, cache: Path) -> list[str]:
    """The requested models, each once; "all" means all built-in models. The user's own are checked."""
    named = {name: find_model(name) for name in versions if name != "all"}
    try:
        for name in [name for name, known in named.items() if known is None]:
            from fmnist_tui.runs.start import image_format

            named[name] = name_model(decoded(name), Path.cwd(), *image_format(data, cache))
    except UnknownModelError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    names = dict.fromkeys(model.name for model in named.values() if model)
    return list(dict.fromkeys([*BUILT_IN, *names]) if "all" in versions else names)


@click.command("resume")
@run_argument
@graph_option
@click.option("--detach", is_flag=True, help="Print the run id and return; the run continues in the background.")
@click.option("--in-app", is_flag=True, help="Train in this process; the run ends with it.")
@cluster_options
@queue_options
@notify_options
@json_option
@click.option("--data", type=Folder(), metavar="DIR", help="The folder with the run's images, if they have moved.")
@code_options
@runs_option
def resume_command(
    ref: str,
    graph: bool | None,  # noqa: FBT001
    model: str | None,
    accept_changed_model: bool,  # noqa: FBT001
    detach: bool,  # noqa: FBT001
    in_app: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
    on_end: str | None,
    notify: str | None,
    notify_best: bool,  # noqa: FBT001
    cluster: Cluster,
    queueing: QueueOptions,
) -> None:
    """Resume a stopped or interrupted run from its latest checkpoint, where it was started, or elsewhere (`--on`).

    On the same machine, with the same device, number of threads and library versions, it continues bit for bit;
    otherwise it adapts and reports what differs. The images are searched for in the folder used last, in
    FMNIST_TUI_DATA and in the default places, and identified by their checksum. What --on-end and --notify asked for
    at the start still applies, unless they are given again.
    """
    if detach and in_app:
        raise click.UsageError(_DETACHED_IN_APP)
    notifications = wanted_notifications(on_end, notify, best=notify_best)
    run = find_run(runs_folder(runs), ref)
    arguments = given_options(click.get_current_context(), without=CODE_OPTIONS)
    code = CodeChoice(model, accept_changed_model, arguments=tuple(arguments))
    check_resumable(run, data_folder(data) if data else None, code)
    if notifications != Notifications():
        save_notifications(run, notifications)
    _save_graph([run], graph)
    if in_app:
        train_locally(run)
        sys.exit(train_here([run], queueing, as_json=as_json))
    submit = submitter(resumed_on(cluster, saved_launch(run)), queueing, are_new=False)
    sys.exit(start_and_leave([run], submit) if detach else start_and_follow([run], submit, as_json=as_json))
