"""The batch engine: many runs of one network at once, in lanes of vector registers and in threads.

Every run has its own parameters, initial amounts, step sizes and, if wanted, its own timetable. The native
kernel keeps one run per lane and gives a lane the next run as soon as it finishes one. What a run returns
does not depend, to the last bit, on the runs beside it, on their order or on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.integrate.batch_job import Kernel, Settings, Tables
from nicheloop.integrate.kernel_layout import Code

if TYPE_CHECKING:
    from nicheloop.equations.machine import MachineCode
    from nicheloop.equations.system import System
    from nicheloop.integrate.periods import Period

__all__ = ["BatchPeriod", "BatchResult", "BatchSolver", "Course"]

Reals = NDArray[np.float64]
Outputs = str | Sequence[str]

_MESSAGES = {
    Code.OK: "",
    Code.STEP_LIMIT: "the limit of steps was reached",
    Code.STEP_UNDERFLOW: "the step size fell below the resolution of time",
    Code.NOT_FINITE: "the derivatives or the state stopped being finite",
}


@dataclass(frozen=True)
class BatchPeriod:
    """A stretch of time during which parameters stay as they are, for n runs at once.

    Attributes
    ----------
    start, end : float
        Hours; a period may have no length.
    parameters : float[n, p] or float[1, p]
        Parameters of each run, or the same for all.
    scale, shift : float[n, s], float[1, s] or None
        Edit at the start: ``y <- y * scale + shift``.
    """

    start: float
    end: float
    parameters: Reals
    scale: Reals | None = None
    shift: Reals | None = None


@dataclass(frozen=True)
class Course:
    """One run with a timetable of its own.

    Attributes
    ----------
    periods : sequence of Period
        As for `integrate_periods`.
    times : float[t]
        Requested times, ascending.
    initial : float[s] or None
        Amounts before the first period's edit; None takes what its parameters say.
    """

    periods: Sequence[Period]
    times: ArrayLike
    initial: ArrayLike | None = None


@dataclass(frozen=True)
class BatchResult:
    """Results of n runs at t times.

    Attributes
    ----------
    time : float[t]
        The requested times.
    y : float[n, t, k]
        Values; NaN after `time_reached` of a failed run.
    names : tuple of str
        What the k columns are.
    code : int[n]
        See `nicheloop.integrate.kernel_layout.Code`.
    time_reached : float[n]
        Time up to which the values of each run hold.
    steps : int[n]
        Steps tried.
    """

    time: Reals
    y: Reals
    names: tuple[str, ...]
    code: NDArray[np.int64]
    time_reached: Reals
    steps: NDArray[np.int64]

    @property
    def status(self) -> NDArray[np.str_]:
        """``ok`` or ``failed`` for each run."""
        return np.where(self.code == Code.OK, "ok", "failed")

    @property
    def messages(self) -> list[str]:
        """Why each run failed; empty for those that did not."""
        return [_MESSAGES[Code(code)] for code in self.code.tolist()]

    def __getitem__(self, name: str) -> Reals:
        """Values[n, t] of one column."""
        try:
            return self.y[:, :, self.names.index(name)]
        except ValueError:
            raise KeyError(f"'{name}' is not among the results of this batch") from None


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
    ) -> None:
        self.system = system
        self.threads = threads
        self._arguments = (rtol, atol, threads, max_steps, lanes)
        self._settings = _settings(system.n, rtol, atol, max_steps)
        self._code, self._kernel = _compile(system, lanes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.system, *self._arguments)

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

        Returns
        -------
        BatchResult
            A run that fails has a status and NaN after the time reached; it raises nothing.

        Raises
        ------
        ValueError
            Shapes that do not fit, times that do not ascend, unknown names.
        """
        values = _rows("parameters", parameters, None, len(self.system.parameters))
        grid = _grid(times)
        period = BatchPeriod(float(grid[0]), float(grid[-1]), values)
        return self.run_periods([period], initials, grid, outputs=outputs)

    def run_periods(
        self,
        periods: Sequence[BatchPeriod],
        initials: ArrayLike | None,
        times: ArrayLike,
        *,
        outputs: Outputs = "species",
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

        Returns
        -------
        BatchResult
            As from `run`.

        Raises
        ------
        ValueError
            Also for gaps between periods and times outside of them.
        """
        grid = _grid(times)
        _check_timetable([(p.start, p.end) for p in periods], grid)
        n = _count_runs(periods, initials)
        names, selection = _columns(self.system, outputs)
        tables = _tables(periods, n, initials, grid, self.system)
        outcome = self._kernel.work(tables, selection, self.system.n, self._settings, self._threads())
        y = outcome.result.reshape(n, len(grid), len(names))
        return BatchResult(grid, y, names, outcome.code, outcome.reached, outcome.steps)

    def run_each(self, courses: Sequence[Course], *, outputs: Outputs = "species") -> list[BatchResult]:
        """Integrate runs that each have a timetable and requested times of their own.

        Parameters
        ----------
        courses : sequence of Course
            What to run.
        outputs : "species", "observables" or names
            Columns of the results.

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
        tables = _course_tables(courses, self.system)
        outcome = self._kernel.work(tables, selection, self.system.n, self._settings, self._threads())
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
                )
            )
        return results

    def _threads(self) -> int:
        return self.threads if self.threads is not None else _granted_processors()


def _rebuild(
    system: System, rtol: float, atol: Any, threads: int | None, max_steps: int, lanes: int | None
) -> BatchSolver:
    return BatchSolver(system, rtol, atol, threads, max_steps=max_steps, lanes=lanes)


def _granted_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _settings(n: int, rtol: float, atol: float | ArrayLike, max_steps: int) -> Settings:
    absolute = np.ascontiguousarray(np.broadcast_to(np.asarray(atol, dtype=float), (n,)))
    if not (rtol > 0 and np.all(absolute > 0) and np.all(np.isfinite(absolute))):
        raise ValueError("rtol and every atol must be positive and finite")
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, not {max_steps}")
    return Settings(float(rtol), absolute, int(max_steps))


def _compile(system: System, lanes: int | None) -> tuple[MachineCode, Kernel]:
    from nicheloop.equations.machine import Host, compile_module
    from nicheloop.integrate.kernel import write_kernel

    source = write_kernel(system.tape, lanes or Host.detect().vector_doubles)
    code = compile_module(source.text, level=1)
    kernel = Kernel(code.address("integrate"), source.space.total * source.lanes, source.lanes)
    return code, kernel


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


def _grid(times: ArrayLike) -> Reals:
    grid = np.ascontiguousarray(times, dtype=float)
    if grid.ndim != 1 or len(grid) == 0:
        raise ValueError(f"times must be a vector with at least one entry, not of shape {grid.shape}")
    if not np.all(np.isfinite(grid)) or np.any(np.diff(grid) < 0):
        raise ValueError("times must be finite and ascend")
    return grid


def _rows(what: str, values: ArrayLike, n: int | None, width: int) -> Reals:
    """Rows of doubles, each contiguous; `n` rows or one for all, any number if n is None."""
    rows = np.asarray(values, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != width or (n is not None and rows.shape[0] not in (1, n)):
        expected = f"(any number, {width})" if n is None else f"({n}, {width}) or (1, {width})"
        raise ValueError(f"{what} must have the shape {expected}, not {rows.shape}")
    return rows if rows.strides[1] == rows.itemsize else np.ascontiguousarray(rows)


def _check_timetable(edges: Sequence[tuple[float, float]], grid: Reals) -> None:
    if not edges:
        raise ValueError("at least one period is needed")
    for k, (start, end) in enumerate(edges):
        if not (np.isfinite(start) and np.isfinite(end) and end >= start):
            raise ValueError(f"period {k} must have a finite start and an end not before it: {start}, {end}")
        if k and start != edges[k - 1][1]:
            raise ValueError(f"period {k} starts at {start}, but the one before ends at {edges[k - 1][1]}")
    if len(grid) and (grid[0] < edges[0][0] or grid[-1] > edges[-1][1]):
        raise ValueError(
            f"times from {grid[0]} to {grid[-1]} lie outside the periods, {edges[0][0]} to {edges[-1][1]}"
        )


def _count_runs(periods: Sequence[BatchPeriod], initials: ArrayLike | None) -> int:
    arrays = [initials, *(a for p in periods for a in (p.parameters, p.scale, p.shift))]
    lengths = {np.shape(a)[0] for a in arrays if a is not None and np.ndim(a) == 2}
    several = sorted(lengths - {1})
    if len(several) > 1:
        raise ValueError(f"arrays for different numbers of runs: {several}")
    return several[0] if several else 1


def _addresses(rows: Reals, n: int) -> NDArray[np.int64]:
    """Address of each run's row."""
    stride = 0 if rows.shape[0] == 1 else rows.strides[0]
    return rows.ctypes.data + stride * np.arange(n, dtype=np.int64)


def _tables(
    periods: Sequence[BatchPeriod], n: int, initials: ArrayLike | None, grid: Reals, system: System
) -> Tables:
    alive: list[Reals] = []

    def addresses(what: str, values: ArrayLike | None, width: int) -> NDArray[np.int64]:
        if values is None:
            return np.zeros(n, dtype=np.int64)
        alive.append(_rows(what, values, n, width))
        return _addresses(alive[-1], n)

    columns: dict[str, list[NDArray[np.int64]]] = {"parameters": [], "scale": [], "shift": []}
    for k, period in enumerate(periods):
        for name, column in columns.items():
            width = len(system.parameters) if name == "parameters" else system.n
            column.append(addresses(f"{name} of period {k}", getattr(period, name), width))
    parameters, scales, shifts = (np.stack(c, axis=1).ravel() for c in columns.values())
    return Tables(
        first_period=np.arange(n + 1, dtype=np.int64) * len(periods),
        first_time=np.arange(n + 1, dtype=np.int64) * len(grid),
        times=np.tile(grid, n),
        starts=np.tile([float(p.start) for p in periods], n),
        ends=np.tile([float(p.end) for p in periods], n),
        parameters=parameters,
        scales=scales,
        shifts=shifts,
        initials=addresses("initials", initials, system.n),
        alive=tuple(alive),
    )


def _course_tables(courses: Sequence[Course], system: System) -> Tables:
    alive: list[Reals] = []

    def address(what: str, values: ArrayLike | None, width: int) -> int:
        if values is None:
            return 0
        row = np.ascontiguousarray(values, dtype=float)
        if row.shape != (width,):
            raise ValueError(f"{what} must have the shape ({width},), not {row.shape}")
        alive.append(row)
        return int(row.ctypes.data)

    grids = [_grid(course.times) for course in courses]
    for course, grid in zip(courses, grids, strict=True):
        _check_timetable([(p.start, p.end) for p in course.periods], grid)
    periods = [(r, k, p) for r, course in enumerate(courses) for k, p in enumerate(course.periods)]

    def column(name: str, width: int) -> NDArray[np.int64]:
        label = f"{name} of course"
        found = [address(f"{label} {r}, period {k}", getattr(p, name), width) for r, k, p in periods]
        return np.array(found, dtype=np.int64)

    def counts(lengths: list[int]) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)

    return Tables(
        first_period=counts([len(c.periods) for c in courses]),
        first_time=counts([len(g) for g in grids]),
        times=np.concatenate([np.empty(0), *grids]),
        starts=np.array([float(p.start) for _, _, p in periods]),
        ends=np.array([float(p.end) for _, _, p in periods]),
        parameters=column("parameters", len(system.parameters)),
        scales=column("scale", system.n),
        shifts=column("shift", system.n),
        initials=np.array(
            [address(f"initial of course {r}", c.initial, system.n) for r, c in enumerate(courses)],
            dtype=np.int64,
        ),
        alive=tuple(alive),
    )
