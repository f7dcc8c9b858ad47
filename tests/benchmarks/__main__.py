"""`python -m tests.benchmarks`: measures every row in pairs and prints the table."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

import click

from benchmarks.bench import Bench, bench_on
from benchmarks.growth import growth
from benchmarks.machine import describe
from benchmarks.measured import Measured
from benchmarks.rows import GROUPS
from benchmarks.sizes import FULL, QUICK
from benchmarks.table import as_json, as_text, rows_of
from benchmarks.target import KEYS, TARGETS
from benchmarks.ten_epochs import whole_pair


def main() -> int:
    """Returns 0 whatever came out: speed is no test."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # processes and folders are cleaned up
    sizes = QUICK if options.quick else FULL
    with bench_on(sizes, frozenset(options.only or KEYS)) as bench:
        machine = describe(bench)
        click.echo("\n".join(f"{name}: {value}" for name, value in machine.items()))
        if options.growth:
            click.echo(growth(bench))
            return 0
        if options.full:
            click.echo(whole_pair(bench))
            return 0
        found = _measure(bench)
    click.echo(f"\n{as_text(rows_of(found))}")
    if options.json:
        options.json.write_text(json.dumps(as_json(found, machine), indent=2) + "\n")
    return 0


def _measure(bench: Bench) -> dict[str, Measured]:
    """The rows that are wanted; tells each on standard error as it comes."""
    found: dict[str, Measured] = {}
    groups = list(dict.fromkeys(target.group for target in TARGETS if target.key in bench.wanted))
    for group in reversed(groups) if bench.sizes.shared else groups:  # those that need the contestants last
        for key, measured in GROUPS[group](bench):
            if key in bench.wanted:
                found[key] = measured
                click.echo(f"{key}: {measured.value:.4g}", err=True)
        if not bench.sizes.shared:
            bench.workers.close()
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that every row can be measured")
    parser.add_argument("--only", nargs="+", choices=KEYS, metavar="ROW", help=f"of {', '.join(KEYS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON, too")
    parser.add_argument("--growth", action="store_true", help="how speed changes with sizes, instead of the table")
    parser.add_argument("--full", action="store_true", help="ten epochs of v3 and of the origin's procedure, whole")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
