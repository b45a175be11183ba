"""The batch engine: many runs of one network at once, in lanes of vector registers and in threads.

Every run has its own parameters, initial amounts, step sizes and, if wanted, its own timetable. The native
kernel keeps one run per lane and gives a lane the next run as soon as it finishes one. What a run returns
does not depend, to the last bit, on the runs beside it, on their order or on the number of threads.

With ``sensitivities=("k_on", "k_off")`` a run also returns the derivatives of its values by these parameters:
exact derivatives of the numerical solution, integrated along with it (see `kernel_tangent`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.integrate.batch_job import Kernel, Outcome, Settings, Tables
from nicheloop.integrate.batch_runs import BatchPeriod, BatchResult, Course
from nicheloop.integrate.batch_tables import (
    check_timetable,
    count_runs,
    flat_result,
    grid_of,
    rows_of,
    tables_of_courses,
    tables_of_periods,
)
from nicheloop.integrate.sensitivity import (
    Entries,
    Slopes,
    columns_of,
    slopes_of_courses,
    slopes_of_periods,
)
from nicheloop.integrate.tangent_job import work_with_slopes

if TYPE_CHECKING:
    from nicheloop.equations.machine import MachineCode
    from nicheloop.equations.system import System

__all__ = ["BatchPeriod", "BatchResult", "BatchSolver", "Course"]

Reals = NDArray[np.float64]
Outputs = str | Sequence[str]


class BatchSolver:
    """Integrates many runs of a network with Rodas5P, a stiffly accurate Rosenbrock method of order 5.

    Parameters
    ----------
    system : System
        The compiled network.
    rtol : float
        Relative tolerance of a step.
    atol : float or float[s]
        Absolute tolerance, for all species or one each, above 0.
    threads : int, optional
        At most this many; default: the processors granted to this process. Results do not depend on it.
    max_steps : int
        Most steps (rejected ones count) a run may try.
    lanes : int, optional
        Runs per vector; default: what the processor's registers hold. Results may differ between widths in
        the last bits where the compiler chooses other instructions.
    control_sensitivities : bool
        Whether the size of steps also keeps the errors of sensitivities within the tolerances (each times
        the size of its parameter). Otherwise they follow the steps of the state, which costs less.
    nonnegative : bool
        Whether a run fails in which an amount falls below zero by more than the tolerances explain. How far
        amounts went below zero is told in any case, see `BatchResult.lowest`.

    Raises
    ------
    ValueError
        A tolerance is not positive.
    """

    def __init__(
        self,
        system: System,
        rtol: float = 1e-6,
        atol: float | ArrayLike = 1e-9,
        threads: int | None = None,
        *,
        max_steps: int = 100_000,
        lanes: int | None = None,
        control_sensitivities: bool = False,
        nonnegative: bool = False,
    ) -> None:
        self.system = system
        self.threads = threads
        self._arguments = (rtol, atol, threads, max_steps, lanes, control_sensitivities, nonnegative)
        self._control = control_sensitivities
        self._settings = _settings(system.n, rtol, atol, max_steps, nonnegative)
        self._code, self._kernel = _compile(system, lanes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.system, *self._arguments)

    @property
    def atol(self) -> Reals:
        """Absolute tolerance of every species."""
        return self._settings.atol

    @property
    def lanes(self) -> int:
        """Runs per vector register."""
        return self._kernel.lanes

    def run(
        self,
        parameters: ArrayLike,
        times: ArrayLike,
        initials: ArrayLike | None = None,
        *,
        outputs: Outputs = "species",
        sensitivities: Sequence[str | int] | None = None,
        initial_sensitivities: ArrayLike | None = None,
        out: Reals | None = None,
    ) -> BatchResult:
        """Integrate from the first to the last requested time.

        Parameters
        ----------
        parameters : float[n, p]
            One row per run, in the order of ``system.parameters``.
        times : float[t]
            Requested times, ascending; the first is where the runs start.
        initials : float[n, s] or float[1, s], optional
            Initial amounts; default: what each row of parameters says.
        outputs : "species", "observables" (observables and expressions) or names
            Columns of the result.
        sensitivities : sequence of str or int, optional
            Derivatives by these: parameters (names or indices), or species for their initial amounts.
        initial_sensitivities : float[n, s, c] or float[1, s, c], optional
            Derivatives of the initial amounts; default: what the formulas of the initial amounts say, or 0
            where `initials` are given (1 for the species that a column is).
        out : float[n, t, k], optional
            Where the values are written; ``y`` of the result is a view of it. Default: new memory, which the
            system hands out page by page while it is written: up to a quarter of the time of short runs that
            return all species. A sweep in blocks may give the same array to every block.

        Returns
        -------
        BatchResult
            A run that fails has a status and NaN after the time reached; it raises nothing.

        Raises
        ------
        ValueError
            Shapes that do not fit, times that do not ascend, unknown names.
        """
        values = rows_of("parameters", parameters, None, len(self.system.parameters))
        grid = grid_of(times)
        period = BatchPeriod(float(grid[0]), float(grid[-1]), values)
        return self.run_periods(
            [period],
            initials,
            grid,
            outputs=outputs,
            sensitivities=sensitivities,
            initial_sensitivities=initial_sensitivities,
            out=out,
        )

    def run_periods(
        self,
        periods: Sequence[BatchPeriod],
        initials: ArrayLike | None,
        times: ArrayLike,
        *,
        outputs: Outputs = "species",
        sensitivities: Sequence[str | int] | None = None,
        initial_sensitivities: ArrayLike | None = None,
        out: Reals | None = None,
    ) -> BatchResult:
        """Integrate through periods that follow each other without gaps, with an exact restart at every edge.

        A requested time on an edge gets the value after the edit there; on the end of the last period, the
        value there.

        Parameters
        ----------
        periods : sequence of BatchPeriod
            The timetable, common to all runs; parameters and edits differ between runs where they have n
            rows.
        initials : float[n, s], float[1, s] or None
            Amounts before the first period's edit; None takes what the parameters of the first period say.
        times : float[t]
            Requested times, ascending, within the periods.
        outputs : "species", "observables" or names
            Columns of the result.
        sensitivities, initial_sensitivities, out
            As for `run`; initial sensitivities are those before the first period's edit.

        Returns
        -------
        BatchResult
            As from `run`.

        Raises
        ------
        ValueError
            Also for gaps between periods and times outside of them.
        """
        grid = grid_of(times)
        check_timetable([(p.start, p.end) for p in periods], grid)
        n = count_runs(periods, initials, initial_sensitivities)
        names, selection = _columns(self.system, outputs)
        tables = tables_of_periods(periods, n, initials, grid, self.system)
        slopes = None
        if sensitivities is None and initial_sensitivities is not None:
            raise ValueError("initial_sensitivities were given without sensitivities")
        if sensitivities is not None:
            if out is not None:
                raise ValueError("out is for runs without sensitivities: leave out one of the two")
            by = columns_of(self.system, sensitivities)
            slopes = slopes_of_periods(self._tangent.entries, by, periods, n, initial_sensitivities)
        room = None if out is None else flat_result(out, (n, len(grid), len(names)))
        outcome, derivatives = self._work(tables, selection, slopes, room)
        y = outcome.result.reshape(n, len(grid), len(names))
        result = BatchResult(grid, y, names, outcome.code, outcome.reached, outcome.steps, outcome.lowest)
        if slopes is None or derivatives is None:
            return result
        by_column = derivatives.reshape(*y.shape, len(slopes.columns))
        return replace(result, sensitivities=by_column, columns=slopes.columns.names)

    def run_each(
        self,
        courses: Sequence[Course],
        *,
        outputs: Outputs = "species",
        sensitivities: Sequence[str | int] | None = None,
    ) -> list[BatchResult]:
        """Integrate runs that each have a timetable and requested times of their own.

        Parameters
        ----------
        courses : sequence of Course
            What to run.
        outputs : "species", "observables" or names
            Columns of the results.
        sensitivities : sequence of str or int, optional
            As for `run`.

        Returns
        -------
        list of BatchResult
            One per course, in order, each with n = 1.

        Raises
        ------
        ValueError
            As from `run_periods`.
        """
        names, selection = _columns(self.system, outputs)
        tables = tables_of_courses(courses, self.system)
        slopes = None
        if sensitivities is not None:
            by = columns_of(self.system, sensitivities)
            slopes = slopes_of_courses(self._tangent.entries, by, courses)
        outcome, derivatives = self._work(tables, selection, slopes)
        results = []
        for r, (a, b) in enumerate(zip(tables.first_time, tables.first_time[1:], strict=False)):
            one = slice(r, r + 1)
            results.append(
                BatchResult(
                    tables.times[a:b],
                    outcome.result[None, a:b],
                    names,
                    outcome.code[one],
                    outcome.reached[one],
                    outcome.steps[one],
                    outcome.lowest[one],
                    None if derivatives is None else derivatives[None, a:b],
                    () if slopes is None else slopes.columns.names,
                )
            )
        return results

    def _work(
        self, tables: Tables, selection: Sequence[int], slopes: Slopes | None, room: Reals | None = None
    ) -> tuple[Outcome, Reals | None]:
        """Run the kernel; derivatives[all times, columns, columns of sensitivities] if there are slopes."""
        n, settings, threads = self.system.n, self._settings, self._threads()
        if slopes is None:
            return self._kernel.work(tables, selection, n, settings, threads, result=room), None
        kernel, controlled = self._tangent.kernel, self._control
        done = work_with_slopes(
            kernel, tables, slopes, selection, n, settings, threads, controlled=controlled
        )
        return done.states, done.slopes

    @cached_property
    def _tangent(self) -> _TangentKernel:
        """Compiled when sensitivities are asked for first."""
        return _compile_tangent(self.system, self.lanes)

    def _threads(self) -> int:
        return self.threads if self.threads is not None else _granted_processors()


def _rebuild(
    system: System,
    rtol: float,
    atol: Any,
    threads: int | None,
    max_steps: int,
    lanes: int | None,
    control_sensitivities: bool,
    nonnegative: bool,
) -> BatchSolver:
    return BatchSolver(
        system,
        rtol,
        atol,
        threads,
        max_steps=max_steps,
        lanes=lanes,
        control_sensitivities=control_sensitivities,
        nonnegative=nonnegative,
    )


def _granted_processors() -> int:
    """Return ``NICHELOOP_THREADS`` (which worker processes are given), else what the system grants."""
    limit = os.environ.get("NICHELOOP_THREADS", "")
    if limit:
        if not (limit.isdigit() and int(limit) > 0):
            raise ValueError(f"NICHELOOP_THREADS={limit!r}: expected a number of threads, 1 or more")
        return int(limit)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _settings(n: int, rtol: float, atol: float | ArrayLike, max_steps: int, nonnegative: bool) -> Settings:
    absolute = np.ascontiguousarray(np.broadcast_to(np.asarray(atol, dtype=float), (n,)))
    if not (rtol > 0 and np.all(absolute > 0) and np.all(np.isfinite(absolute))):
        raise ValueError("rtol and every atol must be positive and finite")
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, not {max_steps}")
    # One species alone may have an error of the square root of n tolerances in a step that passes its test.
    lowest = -math.sqrt(n) if nonnegative else -math.inf
    return Settings(float(rtol), absolute, int(max_steps), lowest)


def _compile(system: System, lanes: int | None) -> tuple[MachineCode, Kernel]:
    from nicheloop.equations.machine import Host, compile_module
    from nicheloop.integrate.kernel import write_kernel

    source = write_kernel(system.tape, lanes or Host.detect().vector_doubles)
    code = compile_module(source.text, level=1)
    kernel = Kernel(code.address("integrate"), source.space.total * source.lanes, source.lanes)
    return code, kernel


@dataclass(frozen=True)
class _TangentKernel:
    """A kernel that carries sensitivities, its loaded code, and where parameters enter the derivatives."""

    kernel: Kernel
    code: MachineCode
    entries: Entries


def _compile_tangent(system: System, lanes: int) -> _TangentKernel:
    from nicheloop.equations.machine import compile_module
    from nicheloop.equations.program import DERIVATIVES, build_tape
    from nicheloop.integrate.kernel import write_tangent_kernel

    tape = build_tape(system.network, DERIVATIVES)
    source = write_tangent_kernel(tape, lanes)
    code = compile_module(source.text, level=1)
    address = code.address("integrate")
    kernel = Kernel(address, source.space.total * lanes, lanes, source.space.slot * lanes)
    return _TangentKernel(kernel, code, Entries(tape))


def _columns(system: System, outputs: Outputs) -> tuple[tuple[str, ...], list[int]]:
    """Names of the result's columns and their positions (species first, outputs after them)."""
    names = (*system.species, *system.output_names)
    if outputs == "species":
        wanted: tuple[str, ...] = tuple(system.species)
        return wanted, list(range(system.n))
    if outputs == "observables":
        return tuple(system.output_names), list(range(system.n, len(names)))
    if isinstance(outputs, str):
        raise ValueError(f"outputs is 'species', 'observables' or a sequence of names, not '{outputs}'")
    place = {name: i for i, name in reversed(list(enumerate(names)))}
    unknown = [name for name in outputs if name not in place]
    if unknown:
        raise ValueError(f"no species, observable or expression is named {unknown[0]!r}")
    return tuple(outputs), [place[name] for name in outputs]
