"""Checks of what a batch is asked for, and the tables the native kernel reads it from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.integrate.batch_job import Tables

if TYPE_CHECKING:
    from nicheloop.equations.system import System
    from nicheloop.integrate.batch_runs import BatchPeriod, Course

__all__ = [
    "check_timetable",
    "count_runs",
    "flat_result",
    "grid_of",
    "rows_of",
    "tables_of_courses",
    "tables_of_periods",
]

Reals = NDArray[np.float64]


def grid_of(times: ArrayLike) -> Reals:
    """Requested times; refused unless they ascend."""
    grid = np.ascontiguousarray(times, dtype=float)
    if grid.ndim != 1 or len(grid) == 0:
        raise ValueError(f"times must be a vector with at least one entry, not of shape {grid.shape}")
    if not np.all(np.isfinite(grid)) or np.any(np.diff(grid) < 0):
        raise ValueError("times must be finite and ascend")
    return grid


def rows_of(what: str, values: ArrayLike, n: int | None, width: int) -> Reals:
    """Rows of doubles, each contiguous; `n` rows or one for all, any number if n is None."""
    rows = np.asarray(values, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != width or (n is not None and rows.shape[0] not in (1, n)):
        expected = f"(any number, {width})" if n is None else f"({n}, {width}) or (1, {width})"
        raise ValueError(f"{what} must have the shape {expected}, not {rows.shape}")
    return rows if rows.strides[1] == rows.itemsize else np.ascontiguousarray(rows)


def flat_result(out: Reals, shape: tuple[int, int, int]) -> Reals:
    """The rows of an array that results are to be written into; refused unless the kernel can write there."""
    fits = isinstance(out, np.ndarray) and out.shape == shape and out.dtype == np.float64
    if not (fits and out.flags.c_contiguous and out.flags.writeable and out.flags.aligned):
        found = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(
            f"out must be a writable C-contiguous array of float64 of shape {shape}, not {found}"
        )
    return out.reshape(shape[0] * shape[1], shape[2])


def check_timetable(edges: Sequence[tuple[float, float]], grid: Reals) -> None:
    """Refuse periods that do not follow each other, and times outside of them."""
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


def count_runs(periods: Sequence[BatchPeriod], *more: ArrayLike | None) -> int:
    """Number of runs: that of the rows of every array that has more than one."""
    arrays = [*more, *(a for p in periods for a in (p.parameters, p.scale, p.shift))]
    arrays += [p.sensitivity.shift for p in periods if p.sensitivity is not None]
    lengths = {np.shape(a)[0] for a in arrays if a is not None and np.ndim(a) >= 2}
    several = sorted(lengths - {1})
    if len(several) > 1:
        raise ValueError(f"arrays for different numbers of runs: {several}")
    return several[0] if several else 1


def _addresses(rows: Reals, n: int) -> NDArray[np.int64]:
    """Address of each run's row."""
    stride = 0 if rows.shape[0] == 1 else rows.strides[0]
    return rows.ctypes.data + stride * np.arange(n, dtype=np.int64)


def tables_of_periods(
    periods: Sequence[BatchPeriod], n: int, initials: ArrayLike | None, grid: Reals, system: System
) -> Tables:
    """Tables of n runs that share a timetable."""
    alive: list[Reals] = []

    def addresses(what: str, values: ArrayLike | None, width: int) -> NDArray[np.int64]:
        if values is None:
            return np.zeros(n, dtype=np.int64)
        alive.append(rows_of(what, values, n, width))
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


def tables_of_courses(courses: Sequence[Course], system: System) -> Tables:
    """Tables of runs that each have their own."""
    alive: list[Reals] = []

    def address(what: str, values: ArrayLike | None, width: int) -> int:
        if values is None:
            return 0
        row = np.ascontiguousarray(values, dtype=float)
        if row.shape != (width,):
            raise ValueError(f"{what} must have the shape ({width},), not {row.shape}")
        alive.append(row)
        return int(row.ctypes.data)

    grids = [grid_of(course.times) for course in courses]
    for course, grid in zip(courses, grids, strict=True):
        check_timetable([(p.start, p.end) for p in course.periods], grid)
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
