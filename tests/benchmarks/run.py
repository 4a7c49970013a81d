"""Runs the benchmarks one after the other: `python -m tests.benchmarks.run [--json FILE] [NAME ...]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.benchmarks import bench_cli, bench_idle, bench_launch, bench_notes, bench_start
from tests.benchmarks.measure import Row, say, table

ALL: dict[str, Callable[[], list[Row]]] = {
    "start": bench_start.run,
    "notes": bench_notes.run,
    "idle": bench_idle.run,
    "launch": bench_launch.run,
    "cli": bench_cli.run,
}


def main() -> None:
    """Prints a Markdown table; writes the rows as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(ALL)}; all without one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here too")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(ALL):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    say(f"{platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    rows = [row for name in asked.names or ALL for row in ALL[name]()]
    sys.stdout.write(table(rows) + "\n")
    if asked.json:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")


if __name__ == "__main__":
    main()
