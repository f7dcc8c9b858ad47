"""`fmnist-tui bench`."""

from __future__ import annotations

import click

from fmnist_tui.analysis.speed import Benchmark, Speed
from fmnist_tui.cli.options import json_option
from fmnist_tui.cli.output import print_columns, print_json, show_for_now
from fmnist_tui.text import grouped, safe

_SECONDS = 45.0
_HEADER = ["version", "device", "batch", "images/s", "quartiles", "ms/step", "of peak"]


@click.command("bench")
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 36_000.0),
    default=_SECONDS,
    show_default=True,
    metavar="N",
    help="How long to measure.",
)
@click.option("--device", "wanted", multiple=True, metavar="D", help="cpu, cuda, cuda:N or mps; can be given again.")
@click.option("--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads; 0 takes all.")
@json_option
def bench_command(seconds: float, wanted: tuple[str, ...], threads: int, as_json: bool) -> None:  # noqa: FBT001
    """Measure how fast the versions train here, in about a minute: in training, on random images, several times.

    Each at its own batch size and at 64. What else runs on this machine slows it down.
    """
    from fmnist_tui.analysis.bench import bench, chosen_devices, devices_here
    from fmnist_tui.doctor.devices import device_names
    from fmnist_tui.host.cpus import available_cpus
    from fmnist_tui.host.machine import this_machine

    devices = chosen_devices(wanted) if wanted else devices_here()
    try:
        found = bench(devices, threads or available_cpus(), seconds, _tell, device_names(this_machine()))
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
        spread = f"{grouped(peak.gflops.low)} to {grouped(peak.gflops.high)}"
        click.echo(f"peak of {peak.device}: {grouped(peak.gflops.median)} GFLOP/s ({spread}), float32 matrix product")
    for device, words in found.machine.items():
        click.echo(f"{device}: {safe(words)}")
    click.echo(f"{found.threads} threads; {found.data}; medians of {found.speeds[0].images_per_second.n} repeats")
    for version, why in found.left_out.items():
        click.echo(f"{version} is left out: {safe(why)}")


def _row(speed: Speed) -> list[str]:
    images = speed.images_per_second
    return [
        speed.version,
        speed.device,
        str(speed.batch_size),
        grouped(images.median),
        f"{grouped(images.low)} to {grouped(images.high)}",
        f"{speed.milliseconds_per_step:.2f}",
        f"{speed.share_of_peak * 100:.0f} %",
    ]


def _tell(share: float, words: str) -> None:
    show_for_now(f"{share * 100:3.0f} %  {words}")
