"""`python -m tests.benchmarks`: measures every row in pairs and prints the table."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

import click

from benchmarks.bench import bench_on
from benchmarks.growth import growth
from benchmarks.machine import describe
from benchmarks.measured import Measured
from benchmarks.measuring import Failed, measure
from benchmarks.rows import GROUPS
from benchmarks.sizes import FULL, QUICK
from benchmarks.table import as_json, as_text, rows_of
from benchmarks.target import KEYS
from benchmarks.ten_epochs import whole_pair


def main() -> int:
    """Returns 0 whatever came out, since speed is no test, but 1 where a row could not be measured."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # processes and folders are cleaned up
    sizes = QUICK if options.quick else FULL
    found: dict[str, Measured | Failed] = {}
    with bench_on(sizes, frozenset(options.only or KEYS)) as bench:
        machine = describe(bench)
        click.echo("\n".join(f"{name}: {value}" for name, value in machine.items()))
        if options.growth:
            click.echo(growth(bench))
            return 0
        if options.full:
            click.echo(whole_pair(bench))
            return 0

        def tell(key: str, one: Measured | Failed) -> None:
            found[key] = one
            click.echo(f"{key}: {f'failed: {one.why}' if isinstance(one, Failed) else f'{one.value:.4g}'}", err=True)
            if options.json:
                text = json.dumps(as_json(found, machine), indent=2)
                options.json.write_text(f"{text}\n", encoding="utf-8")

        try:
            measure(bench, GROUPS, tell)
        finally:  # also where somebody interrupts it
            click.echo(f"\n{as_text(rows_of(found))}")
    return 1 if any(isinstance(one, Failed) for one in found.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that every row can be measured")
    parser.add_argument("--only", nargs="+", choices=KEYS, metavar="ROW", help=f"of {', '.join(KEYS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON, too")
    parser.add_argument("--growth", action="store_true", help="how speed changes with sizes, instead of the table")
    parser.add_argument("--full", action="store_true", help="ten epochs of v3 and of the origin's procedure, whole")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
