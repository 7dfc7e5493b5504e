"""`python -m bench`: measures the product and the limit alternately, and prints tables."""

import argparse
import dataclasses
import inspect
import json
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine, report
from bench.context import QUICK, WHOLE, Extent, prepared
from bench.results import Results
from bench.sections import SECTIONS

FILES = 8192  # 2,000 connections, twice if a server passes them on to the model


def main() -> None:
    """Run the benchmark as the command line specifies."""
    options = _options()
    # On these signals, exit normally, so that started processes always end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    machine.raise_file_limit(FILES)
    extent = QUICK if options.quick else WHOLE
    if options.rounds:
        extent = dataclasses.replace(extent, rounds=options.rounds)
    described = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "run": _extent(options, extent)}
    described |= {**machine.describe(), "load before": machine.load()}
    started = time.monotonic()
    results = _measure(extent, options.only or list(SECTIONS))
    described |= {"load after": machine.load(), "took": f"{time.monotonic() - started:.0f} s"}
    text = f"## The run\n\n{report.facts(described)}\n{report.tables(results)}"
    sys.stdout.write(text)
    if options.json:
        options.json.write_text(json.dumps({"run": described, "sections": results.as_json()}, indent=1) + "\n")
    if options.write_results:
        report.write_results(text)


def _measure(extent: Extent, names: list[str]) -> Results:
    with prepared(extent) as bench:
        for name in names:
            started = time.monotonic()
            bench.results.begin(name, " ".join((inspect.getdoc(SECTIONS[name]) or "").split()))
            SECTIONS[name](bench)
            sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
        return bench.results


def _extent(options: argparse.Namespace, extent: Extent) -> str:
    kind = "quick" if options.quick else "whole"
    return f"{kind}, {extent.rounds} round{'s' if extent.rounds > 1 else ''}, product and limit alternately, medians"


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round with few samples, in one or two minutes")
    parser.add_argument("--rounds", type=int, help="the number of rounds (default: 3, or 1 with --quick)")
    sections = ", ".join(SECTIONS)
    parser.add_argument(
        "--only",
        action="append",
        choices=list(SECTIONS),
        metavar="SECTION",
        help=f"run this section only; may be repeated: {sections}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every sample to FILE, as JSON")
    parser.add_argument("--write-results", action="store_true", help="also write bench/RESULTS.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
