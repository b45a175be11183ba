"""The tables a batch of runs hands to the native kernel, and the call itself."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nicheloop.integrate.kernel_layout import Field

__all__ = ["Kernel", "Outcome", "Settings", "Tables"]

Reals = NDArray[np.float64]
Wholes = NDArray[np.int64]

_ALIGNMENT = 64


@dataclass(frozen=True)
class Tables:
    """Runs, their periods and their requested times, one after the other.

    Attributes
    ----------
    first_period, first_time : int64[runs + 1]
        Where the periods and times of each run begin.
    times : float[all times]
    starts, ends : float[all periods]
    parameters, scales, shifts : int64[all periods]
        Addresses of rows of doubles; 0 for no scale or shift.
    initials : int64[runs]
        Addresses of rows; 0 where the initial amounts follow from the parameters.
    alive : tuple of arrays
        Whatever the addresses point into.
    """

    first_period: Wholes
    first_time: Wholes
    times: Reals
    starts: Reals
    ends: Reals
    parameters: Wholes
    scales: Wholes
    shifts: Wholes
    initials: Wholes
    alive: tuple[Reals, ...] = field(repr=False)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.initials)


@dataclass(frozen=True)
class Outcome:
    """What the kernel wrote: result[all times, columns] and one entry per run of the rest."""

    result: Reals
    code: Wholes
    reached: Reals
    steps: Wholes
    lowest: Reals


@dataclass(frozen=True)
class Kernel:
    """Address of a native kernel and the size of its workspace (and of each slot behind it) in doubles."""

    address: int
    workspace: int
    lanes: int
    slot: int = 0

    def work(
        self,
        tables: Tables,
        selection: Sequence[int],
        n: int,
        settings: Settings,
        threads: int,
        more: Mapping[Field, NDArray[np.generic] | int] | None = None,
        result: Reals | None = None,
    ) -> Outcome:
        """Integrate all runs; the interpreter lock is free meanwhile.

        Parameters
        ----------
        tables : Tables
            The runs.
        selection : sequence of int
            Columns of the result: species, or `n` plus the position of an output.
        n : int
            Number of species.
        settings : Settings
            Tolerances and the limit of steps.
        threads : int
            At most this many; the result does not depend on it.
        more : mapping of Field to array or int, optional
            Further words of the job record, for kernels that carry sensitivities.
        result : float[all times, columns], optional
            Where to write; default: new memory.
        """
        columns = np.asarray(selection, dtype=np.int64)
        outcome = Outcome(
            np.empty((len(tables.times), len(columns))) if result is None else result,
            np.zeros(tables.runs, dtype=np.int64),
            np.zeros(tables.runs),
            np.zeros(tables.runs, dtype=np.int64),
            np.zeros(tables.runs),
        )
        if tables.runs == 0:
            return outcome
        counter = np.zeros(1, dtype=np.int64)
        job = self._record(tables, columns, n, settings, outcome, counter)
        for position, value in (more or {}).items():
            job[position] = value if isinstance(value, int) else value.ctypes.data
        useful = max(1, min(threads, -(-tables.runs // self.lanes)))
        if useful == 1:
            self._integrate(job)
        else:
            with ThreadPoolExecutor(useful) as pool:
                list(pool.map(self._integrate, [job] * useful))
        return outcome

    def _record(
        self, tables: Tables, columns: Wholes, n: int, settings: Settings, outcome: Outcome, counter: Wholes
    ) -> Wholes:
        arrays: dict[Field, NDArray[np.generic]] = {
            Field.COUNTER: counter,
            Field.FIRST_PERIOD: tables.first_period,
            Field.FIRST_TIME: tables.first_time,
            Field.TIMES: tables.times,
            Field.STARTS: tables.starts,
            Field.ENDS: tables.ends,
            Field.PARAMETERS: tables.parameters,
            Field.SCALES: tables.scales,
            Field.SHIFTS: tables.shifts,
            Field.INITIALS: tables.initials,
            Field.RESULT: outcome.result,
            Field.SELECTION: columns,
            Field.STATUS: outcome.code,
            Field.REACHED: outcome.reached,
            Field.STEPS: outcome.steps,
            Field.LOWEST: outcome.lowest,
            Field.ATOL: settings.atol,
        }
        job = np.zeros(len(Field), dtype=np.int64)
        for position, array in arrays.items():
            job[position] = array.ctypes.data
        job[Field.RUNS] = tables.runs
        job[Field.WIDTH] = len(columns)
        job[Field.MAX_STEPS] = settings.max_steps
        job[Field.RTOL] = np.float64(settings.rtol).view(np.int64)
        job[Field.LOWEST_ALLOWED] = np.float64(settings.lowest_allowed).view(np.int64)
        job[Field.WANTS_OUTPUTS] = int(bool(np.any(columns >= n)))
        return job

    def _integrate(self, job: Wholes) -> None:
        memory = np.empty(self.workspace + self.slot * int(job[Field.SLOTS]) + _ALIGNMENT // 8)
        start = memory.ctypes.data + (-memory.ctypes.data) % _ALIGNMENT
        ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(self.address)(job.ctypes.data, start)


@dataclass(frozen=True)
class Settings:
    """Tolerances (atol one per species), the most steps a run may try, and how far below zero it may go.

    The latter counts in absolute tolerances.
    """

    rtol: float
    atol: Reals
    max_steps: int
    lowest_allowed: float
