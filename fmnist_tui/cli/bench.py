"""`fmnist-tui bench`."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from fmnist_tui.analysis.speed import Benchmark, Speed
from fmnist_tui.cli.options import data_option, json_option, runs_option
from fmnist_tui.cli.output import print_columns, print_json, show_for_now
from fmnist_tui.cli.train import SET_HELP, complete_model, given_settings
from fmnist_tui.paths import data_folder, runs_folder
from fmnist_tui.text import counted, grouped, percent, safe

_SECONDS = 45.0
_SECONDS_HELP = f"Duration of the benchmark. [default: {_SECONDS:.0f}]"
_ACCURACY = click.FloatRange(0.0, 1.0, min_open=True)
_TO_HELP = "Time to this validation accuracy; can be repeated. [default with a MODEL: 0.90, 0.92, 0.94]"
_HEADER = ["version", "device", "batch", "images/s", "quartiles", "ms/step", "of peak"]
_GPU_HEADER = ["graph", "GPU busy"]


@click.command("bench")
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete_model)
@click.option("--seconds", type=click.FloatRange(0.1, 36_000.0), metavar="N", help=_SECONDS_HELP)
@click.option("--device", "wanted", multiple=True, metavar="D", help="cpu, cuda, cuda:N or mps; can be repeated.")
@click.option("--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads; 0 for all.")
@click.option("--no-graph", "graph", flag_value=False, default=True, help="Measure GPUs without CUDA graphs only.")
@click.option("--to", "targets", type=_ACCURACY, multiple=True, metavar="ACCURACY", help=_TO_HELP)
@click.option("--seeds", type=click.IntRange(1, 100), metavar="N", help="With --to: seeds 0 to N-1. [default: 1]")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help=f"With --to: {SET_HELP}")
@click.option("--from-runs", is_flag=True, help="With --to: read the logs of this machine's runs; train nothing.")
@json_option
@data_option
@runs_option
@click.pass_context
def bench_command(
    ctx: click.Context,
    /,
    models: tuple[str, ...],
    targets: tuple[float, ...],
    seconds: float | None,
    wanted: tuple[str, ...],
    threads: int,
    graph: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    **settings: Any,
) -> None:
    """Measure training speed on this machine, in about a minute; with --to or a MODEL, the time to an accuracy.

    Each model is trained on random images, several times, with its recipe's batch size and with 64, on NVIDIA GPUs with
    and without a CUDA graph. Other processes on this machine slow it down.

    With --to, models (by default all built-in ones) are trained with the tuned recipe until they reach the validation
    accuracies. The times are saved and listed with those measured before.
    """
    to_accuracy = bool(models or targets or settings["from_runs"])
    _check_options(ctx, to_accuracy=to_accuracy, from_runs=settings["from_runs"])
    if to_accuracy:
        _measure_to_accuracy(models, targets, wanted, threads, as_json=as_json, **settings)
        return
    from fmnist_tui.analysis.bench import bench, chosen_devices, devices_here
    from fmnist_tui.doctor.devices import device_names
    from fmnist_tui.host.machine import this_machine
    from fmnist_tui.host.node import available_cpus

    devices = chosen_devices(wanted) if wanted else devices_here()
    duration = seconds or _SECONDS
    try:
        names = device_names(this_machine())
        found = bench(devices, threads or available_cpus(), duration, _report, names, graph=graph)
    finally:
        show_for_now("")
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)


def _check_options(ctx: click.Context, *, to_accuracy: bool, from_runs: bool) -> None:
    """Raise a usage error if an option has no effect in this mode."""
    given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    useless = {"seconds", "graph"} if to_accuracy else {"seeds", "given", "data", "size", "runs"}
    if to_accuracy:
        useless |= {"seeds", "given", "wanted", "threads"} if from_runs else {"runs"}
    for param in ctx.command.params:
        if param.name in useless and param.name in given:
            why = "with --from-runs" if from_runs else "with --to or a MODEL" if to_accuracy else "without --to"
            raise click.UsageError(f"{param.opts[0]} has no effect {why}", ctx)


def _measure_to_accuracy(
    models: tuple[str, ...],
    targets: tuple[float, ...],
    wanted: tuple[str, ...],
    threads: int,
    *,
    given: tuple[str, ...],
    seeds: int | None,
    from_runs: bool,
    data: str | None,
    runs: str | None,
    as_json: bool,
) -> None:
    from fmnist_tui.analysis.leaderboard import TARGETS
    from fmnist_tui.cli.leaderboard import read_from_runs, train_to_targets

    chosen = sorted(set(targets or TARGETS))
    folder = data_folder(data)
    if from_runs:
        read_from_runs(models, chosen, folder, runs_folder(runs), as_json=as_json)
        return
    if len(wanted) > 1:
        raise click.UsageError("--to takes one --device", click.get_current_context())
    train_to_targets(
        models,
        chosen,
        folder,
        given=given_settings(given, {}, "auto"),
        seeds=seeds or 1,
        device=wanted[0] if wanted else "auto",
        threads=threads,
        as_json=as_json,
    )


def _print(found: Benchmark) -> None:
    on_gpu = any(speed.graph is not None for speed in found.speeds)
    header, rows = _HEADER + _GPU_HEADER * on_gpu, [_row(one) + _gpu_row(one) * on_gpu for one in found.speeds]
    print_columns([header, *rows])
    click.echo()
    for peak in found.peaks:
        quartiles = f"{grouped(peak.gflops.low)} to {grouped(peak.gflops.high)}"
        click.echo(
            f"peak of {peak.device}: {grouped(peak.gflops.median)} GFLOP/s ({quartiles}), float32 matrix multiplication"
        )
    for device, description in found.machine.items():
        click.echo(f"{device}: {safe(description)}")
    repeats = found.speeds[0].images_per_second.n
    click.echo(f"{counted(found.threads, 'thread')}; {found.data}; medians of {repeats} repeats")
    for version, reason in found.skipped.items():
        click.echo(f"{version} skipped: {safe(reason)}")


def _row(speed: Speed) -> list[str]:
    images = speed.images_per_second
    return [
        speed.version,
        speed.device,
        str(speed.batch_size),
        grouped(images.median),
        f"{grouped(images.low)} to {grouped(images.high)}",
        f"{speed.milliseconds_per_step:.2f}",
        percent(speed.fraction_of_peak, 0),
    ]


def _gpu_row(speed: Speed) -> list[str]:
    busy = "-" if speed.busy_fraction is None else percent(speed.busy_fraction, 0)
    return ["-" if speed.graph is None else "yes" if speed.graph else "no", busy]


def _report(fraction: float, step: str) -> None:
    show_for_now(f"{fraction:4.0%}  {step}")
