"""Memory of a long sweep of our model whose results are streamed, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.cases import SPREAD, Reals, own
from benchmarks.peak import peak
from nicheloop.integrate import BatchSolver, run_blocks

BLOCK = 1024
OUTPUTS = ("cells_K562R", "dead_K562R", "p_bcr_abl_K562R", "p_crkl_K562R", "nuclear_nfkb_K562R")


@dataclass(frozen=True)
class Streamed:
    """Runs that passed by, how many failed, seconds, and the peak of resident memory in MiB."""

    runs: int
    failed: int
    seconds: float
    before: float
    peak: float


def streamed(runs: int) -> Streamed:
    """Measure in a fresh process: its peak is not that of what was measured before."""
    command = [sys.executable, "-m", "benchmarks.memory", str(runs)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Streamed(**json.loads(done.stdout.splitlines()[-1]))


def _stream(runs: int) -> Streamed:
    """Five outputs of every run pass by hour by hour; one of them is written to a file."""
    case = own()
    solver = BatchSolver(case.system, case.rtol, case.atol)
    rng = np.random.default_rng(1)

    def blocks() -> Iterator[Reals]:
        for first in range(0, runs, BLOCK):
            noise = rng.normal(0, SPREAD, (min(BLOCK, runs - first), len(case.varied)))
            yield case.vectors(case.default * np.exp(noise))

    failed, done, before, start = 0, 0, peak(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        shape = (runs, len(case.times))
        store = np.lib.format.open_memmap(f"{folder}/cells.npy", mode="w+", dtype=float, shape=shape)
        for result in run_blocks(solver, blocks(), case.times, initials=case.initial[None], outputs=OUTPUTS):
            store[done : done + len(result.y)] = result[OUTPUTS[0]]
            done += len(result.y)
            failed += int((result.code != 0).sum())
    return Streamed(done, failed, time.perf_counter() - start, before, peak())


if __name__ == "__main__":
    print(json.dumps(vars(_stream(int(sys.argv[1])))))
