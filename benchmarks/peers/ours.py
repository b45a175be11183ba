"""Our engines: lanes and threads, a single lane, and the SciPy path."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from benchmarks.cases import Case, Reals
from benchmarks.peers.base import Engine
from nicheloop.equations import compile_network
from nicheloop.integrate import BatchSolver, Period, integrate_periods


class Lanes(Engine):
    """The batch engine as it comes."""

    distribution = "nicheloop"
    has_gradient = True
    has_threads = True
    solvers: dict[int, BatchSolver]
    lanes: ClassVar[int | None] = None

    def __init__(self, case: Case, rtol: float | None = None) -> None:
        self.case = case
        self.start = case.initial[None]
        system = compile_network(case.network)
        self.solvers = {
            cores: BatchSolver(system, rtol or case.rtol, case.atol, cores, lanes=self.lanes)
            for cores in (1, 2)
        }
        self.results = np.empty((0, len(case.times), len(case.initial)))

    def single(self, row: Reals) -> Reals:
        return np.asarray(self.sweep(row[None])[0])

    def sweep(self, rows: Reals, cores: int = 1) -> Reals:
        """Into memory that is there already, as the others' processes do on two cores."""
        if len(self.results) < len(rows):
            self.results = np.empty((len(rows), *self.results.shape[1:]))
        out = self.results[: len(rows)]
        return self.solvers[cores].run(self.case.vectors(rows), self.case.times, self.start, out=out).y

    def prepare_gradient(self) -> None:
        self.gradient(self.case.default)

    def gradient(self, row: Reals) -> Reals:
        p = self.case.vectors(row[None])
        result = self.solvers[1].run(p, self.case.times, self.start, sensitivities=self.case.varied)
        if result.sensitivities is None:
            raise RuntimeError("the engine returned no sensitivities")
        return np.asarray(result.sensitivities[0])


class OneLane(Lanes):
    """The batch engine in scalar code: the fastest for one run."""

    lanes = 1


class SciPy(Engine):
    """The default for a single run: LSODA with compiled right-hand side and Jacobian."""

    distribution = "nicheloop"

    def __init__(self, case: Case) -> None:
        self.case = case
        self.system = compile_network(case.network)
        self.ends = float(case.times[0]), float(case.times[-1])

    def single(self, row: Reals) -> Reals:
        case = self.case
        periods = [Period(*self.ends, case.vectors(row[None])[0])]
        return np.asarray(
            integrate_periods(
                self.system, periods, case.initial, case.times, rtol=case.rtol, atol=case.atol
            ).y
        )
