"""``python -m benchmarks.sweep``: a large sweep, its throughput beside the engine's own, its memory; Dask.

The sweep is a surface of two drugs times draws from the prior, each run reduced to two numbers, recorded in a
store. What the engine alone takes is measured within the same sweep. Costs per run of worker processes and of
Dask are differences between a longer and a shorter sweep, so that starting them does not count.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.peak import peak
from nicheloop.analysis.sweep import Sweep, plan_sweep, subjects
from nicheloop.assays.runs.stocks import grow_cultures
from nicheloop.execution import Dask, Engine, Processes, Serial, granted_cores
from nicheloop.execution.progress import progress
from nicheloop.integrate import BatchSolver

_PURPOSE = "Measure a large sweep beside the engine alone, and its memory; or processes and Dask."
SURFACE = {"imatinib": "0,0.1:30:19:log", "il1ra": "0,1:5000:19:log"}
WELLS = 400
FEW = 20_000
ROUNDS = 3


class Watched:
    """A function that counts its calls, and how long they take."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.calls = 0
        self.seconds = 0.0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call it."""
        start = time.perf_counter()
        done = self._function(*arguments, **options)
        self.seconds += time.perf_counter() - start
        self.calls += 1
        return done


class WatchedSolver:
    """A solver that counts what it is given and how long it takes."""

    def __init__(self, solver: BatchSolver) -> None:
        self._integrate = Watched(solver.run_periods)
        self.runs = 0

    @property
    def seconds(self) -> float:
        """Spent in the engine."""
        return self._integrate.seconds

    def run_periods(self, periods: Any, initials: Any, *arguments: Any, **options: Any) -> Any:
        """Integrate."""
        self.runs += len(initials)
        return self._integrate(periods, initials, *arguments, **options)


def surfaces(runs: int) -> Sweep:
    """A surface of two drugs for as many draws from the prior as make so many runs."""
    return plan_sweep(
        "imatinib_il1ra_matrix",
        SURFACE,
        ["viability", "il1b"],
        summaries=["final"],
        parameters=f"prior:{max(1, runs // WELLS)}",
    )


def measure(runs: int, out: str) -> None:
    """Run the sweep in this process; print throughput, the engine's own, and the peak of memory."""
    planned = surfaces(runs)
    planned.task(0, 1)  # compiled before the clock runs
    watched = WatchedSolver(planned.task._solver)
    planned.task.__dict__["_solver"] = watched
    grown = Watched(grow_cultures)
    with (
        tempfile.TemporaryDirectory() as folder,
        progress("sweep") as show,
        patch.object(subjects, "grow_cultures", grown),
    ):
        start = time.perf_counter()
        arrays = planned.run(store=Path(out or folder) / "store", progress=show)
        seconds = time.perf_counter() - start
        failed = int((arrays["status"] != 0).sum())
        size = sum(array.nbytes for array in arrays.values())
    done = planned.design.runs
    print(f"{done:,} runs on {granted_cores()} cores in {seconds:.1f} s, {failed:,} failed")
    print(f"stored: {size / 2**20:.1f} MiB")
    if watched.runs < 0.5 * (done - failed):
        print("most runs were in the store already: no throughput to tell")
    else:
        own = watched.seconds / watched.runs
        print(f"throughput: {done / seconds:,.0f} runs/s, {1e6 * seconds / done:.1f} us per run")
        print(f"engine alone: {1 / own:,.0f} runs/s, {1e6 * own:.1f} us per run (vehicle wells included)")
        rest = seconds - watched.seconds - grown.seconds
        per_run = 1e6 * grown.seconds / done
        print(f"stock cultures of {planned.design.sets:,} parameter sets: {per_run:.1f} us per run")
        print(f"all else: {1e6 * rest / done:.1f} us per run")
        print(f"sweep over engine: {seconds / done / own:.2f} times")
    print(f"peak of resident memory: {peak():.0f} MiB")


def compare(runs: int) -> None:
    """Print what a run costs in one process with one thread, in processes, and on Dask."""
    from distributed import LocalCluster

    os.environ["NICHELOOP_THREADS"] = "1"  # as worker processes have
    alone = _cost(lambda: Serial(), runs)
    print(f"serial, one thread: {1e6 * alone:.1f} us per run")
    _tell("2 processes", _cost(lambda: Processes(2), runs), alone, 2)
    for workers in (1, 3):
        with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
            cost = _cost(lambda: Dask(cluster.scheduler_address, workers), runs)  # noqa: B023
        _tell(f"Dask, {workers} worker{'s' * (workers > 1)}", cost, alone, workers)


def _tell(name: str, cost: float, alone: float, workers: int) -> None:
    """A worker more than there are cores cannot add anything."""
    expected = alone / min(workers, granted_cores())
    print(
        f"{name}: {1e6 * cost:.1f} us per run, {alone / cost:.2f} times serial on {granted_cores()} cores; "
        f"overhead per run {1e6 * (cost - expected):+.1f} us"
    )


def _cost(engine: Callable[[], Engine], runs: int) -> float:
    """Seconds per run: the difference between a longer and a shorter sweep, each the best of several."""
    longer, shorter = (min(_elapsed(engine, n) for _ in range(ROUNDS)) for n in (3 * runs, runs))
    return (longer - shorter) / (2 * runs)


def _elapsed(engine: Callable[[], Engine], runs: int) -> float:
    planned = surfaces(runs)
    start = time.perf_counter()
    planned.run(engine())
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=_PURPOSE)
    parser.add_argument("--runs", type=int, default=1_000_000, help="runs of the large sweep")
    parser.add_argument("--dask", action="store_true", help="compare processes and Dask instead")
    parser.add_argument("--out", default="", help="keep the store in this folder, and go on where it stopped")
    options = parser.parse_args(arguments)
    if options.dask:
        compare(min(options.runs, FEW))
    else:
        measure(options.runs, options.out)
    return 0


if __name__ == "__main__":
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    raise SystemExit(main())
