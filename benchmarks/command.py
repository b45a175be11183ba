"""The command: sets engines up, measures them item by item, judges the goals, writes the tables."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import warnings
from importlib import import_module
from pathlib import Path

from benchmarks.bystanders import Clock, share_of_others
from benchmarks.cases import CASES, Case
from benchmarks.goals import Verdict, verdicts
from benchmarks.limits import limit
from benchmarks.measure import FULL, QUICK, Bench, Effort
from benchmarks.memory import Streamed, streamed
from benchmarks.peers import ENGINES
from benchmarks.peers.base import Engine
from benchmarks.report import Record, markdown, show, version_of

RESULTS = Path(__file__).parent / "results.md"
STREAMED_RUNS = 100_000
DRAWS = 1000
_PURPOSE = "Measure nicheloop's engines and those of every other tool that is installed."


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    options = _parser().parse_args(arguments)
    warnings.filterwarnings("ignore", module="pysb")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    record = Record()
    engines = _available(options.peers or list(ENGINES), record)
    command = " ".join(["python -m benchmarks", *(arguments or sys.argv[1:])])
    for name in options.models or CASES:
        _measure(CASES[name](), engines, QUICK if options.quick else FULL, record)
        _write(options.out, record, verdicts(record.items, None, None, limit), command)
    judged = verdicts(record.items, *_long_runs(options.quick or bool(options.models)), limit)
    _write(options.out, record, judged, command)
    show(record, judged)
    return 0


def _write(path: str, record: Record, judged: list[Verdict], command: str) -> None:
    """Write what there is: a long measurement that is stopped has not been for nothing."""
    if path:
        Path(path).write_text(markdown(record, judged, command), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=_PURPOSE)
    parser.add_argument(
        "--quick", action="store_true", help="few short rounds, no long sweep, no reproduction"
    )
    parser.add_argument("--models", nargs="+", choices=sorted(CASES), help="default: all")
    parser.add_argument("--peers", nargs="+", choices=list(ENGINES), metavar="ENGINE", help="default: all")
    parser.add_argument("--out", default=str(RESULTS), help="document to write; '' writes none")
    return parser


def _available(names: list[str], record: Record) -> dict[str, type[Engine]]:
    """Engines whose tools can be imported; the others are noted with the reason."""
    found = {}
    for name in names:
        module, _, kind = ENGINES[name].partition(":")
        try:
            engine: type[Engine] = getattr(import_module(module), kind)
        except ImportError as reason:
            record.absent[name] = f"is not installed ({reason})"
            continue
        found[name] = engine
        record.versions[engine.distribution] = version_of(engine.distribution)
    return found


def _measure(case: Case, kinds: dict[str, type[Engine]], effort: Effort, record: Record) -> None:
    record.cases[case.name] = case
    record.setup[case.name] = {}
    engines = {}
    for name, kind in kinds.items():
        print(f"{case.name}: setting up {name}", file=sys.stderr, flush=True)
        try:
            # Some tools leave compiled files where they work.
            with tempfile.TemporaryDirectory() as cache, contextlib.chdir(cache):
                os.environ["NICHELOOP_CACHE"] = cache  # nothing compiled before counts
                start = time.perf_counter()
                engines[name] = kind(case)
                record.setup[case.name][name] = time.perf_counter() - start
        except Exception as problem:
            record.failures[f"{name} on {case.name}"] = f"{type(problem).__name__}: {problem}"
    bench = Bench(case, engines, effort)
    record.cross_checks[case.name] = bench.cross_check
    work = {
        "single": bench.single,
        "sweep 1": lambda: bench.sweep(1),
        "sweep 2": lambda: bench.sweep(2),
        "gradient": bench.gradient,
    }
    for item, measure in work.items():
        print(f"{case.name}: {item}", file=sys.stderr, flush=True)
        before = Clock.now()
        timings = record.items[case.name, item] = measure()
        record.others[case.name, item] = share_of_others(before)
        for name, timing in timings.items():
            if timing.problem:
                record.failures[f"{name} on {case.name}, {item}"] = timing.problem


def _long_runs(skip: bool) -> tuple[Streamed | None, float | None]:
    """Stream many runs of our model, and reproduce the claims with many draws."""
    if skip:
        return None, None
    print(f"streaming {STREAMED_RUNS} runs", file=sys.stderr, flush=True)
    memory = streamed(STREAMED_RUNS)
    print(f"reproducing with {DRAWS} draws", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        command = (
            f"from nicheloop.cli.main import main; main(['reproduce', '--draws', '{DRAWS}', '--seed', '1', "
        )
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", command + f"'--out', {folder!r}])"], check=True)
        return memory, time.perf_counter() - start
