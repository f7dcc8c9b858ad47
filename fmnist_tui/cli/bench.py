"""`fmnist-tui bench`."""

from __future__ import annotations

import click

from fmnist_tui.analysis.speed import Benchmark, Speed
from fmnist_tui.cli.options import json_option
from fmnist_tui.cli.output import print_columns, print_json, show_for_now
from fmnist_tui.text import counted, grouped, percent, safe

_SECONDS = 45.0
_HEADER = ["version", "device", "batch", "images/s", "quartiles", "ms/step", "of peak"]


@click.command("bench")
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 36_000.0),
    default=_SECONDS,
    show_default=True,
    metavar="N",
    help="Duration of the benchmark.",
)
@click.option("--device", "wanted", multiple=True, metavar="D", help="cpu, cuda, cuda:N or mps; can be repeated.")
@click.option("--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads; 0 for all.")
@json_option
def bench_command(seconds: float, wanted: tuple[str, ...], threads: int, as_json: bool) -> None:  # noqa: FBT001
    """Measure training speed on this machine, in about a minute.

    Each model is trained on random images, several times, with its recipe's batch size and with 64. Other processes on
    this machine slow it down.
    """
    from fmnist_tui.analysis.bench import bench, chosen_devices, devices_here
    from fmnist_tui.doctor.devices import device_names
    from fmnist_tui.host.machine import this_machine
    from fmnist_tui.host.node import available_cpus

    devices = chosen_devices(wanted) if wanted else devices_here()
    try:
        found = bench(devices, threads or available_cpus(), seconds, _report, device_names(this_machine()))
    finally:
        show_for_now("")
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)


def _print(found: Benchmark) -> None:
    print_columns([_HEADER, *map(_row, found.speeds)])
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


def _report(fraction: float, step: str) -> None:
    show_for_now(f"{fraction:4.0%}  {step}")
