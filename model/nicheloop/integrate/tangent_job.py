"""Runs with sensitivities: every run takes part several times, each time with some of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nicheloop.integrate.batch_job import Kernel, Outcome, Settings, Tables
from nicheloop.integrate.kernel_layout import Field
from nicheloop.integrate.sensitivity import Slopes

__all__ = ["SlopeOutcome", "work_with_slopes"]

Reals = NDArray[np.float64]
Wholes = NDArray[np.int64]

_STATE_COST = 5  # what all columns of a lane share costs as much as about so many of them
_MOST_SLOTS = 24  # columns of a lane: beyond, their stages leave the cache
_CONTROLLED_PARTS = 8  # with error control the parts must not depend on the machine


@dataclass(frozen=True)
class SlopeOutcome:
    """As `Outcome`, with slopes[all times, columns of the result, columns of sensitivities]."""

    states: Outcome
    slopes: Reals


def work_with_slopes(
    kernel: Kernel,
    tables: Tables,
    slopes: Slopes,
    selection: Sequence[int],
    n: int,
    settings: Settings,
    threads: int,
    *,
    controlled: bool,
) -> SlopeOutcome:
    """Integrate all runs with their sensitivities; arguments as for `Kernel.work`.

    A part of a run integrates the state again, so that one run fills all lanes. Without error control all
    parts take the same steps and what a column gets does not depend on how columns are dealt out.
    """
    columns, width = len(slopes.columns), len(selection)
    workers = kernel.lanes * max(1, threads)
    slots = _controlled_slots(columns) if controlled else _choose_slots(columns, tables.runs, workers)
    parts = -(-columns // slots)
    result = np.empty((len(tables.times), width, columns))
    starts = np.repeat(tables.first_time[:-1], parts) * (width * columns)
    first_column = np.tile(np.arange(parts, dtype=np.int64) * slots, tables.runs)
    periods = _repeated(tables.first_period, parts)
    fields: dict[Field, NDArray[np.generic] | int] = {
        Field.SLOTS: slots,
        Field.COLUMNS: columns,
        Field.FIRST_COLUMN: first_column,
        Field.SEED_TABLE: slopes.seed_table[periods],
        Field.SEED_FIRST: slopes.seed_first,
        Field.SEED_SOURCE: slopes.seed_source,
        Field.SEED_ROW: slopes.seed_row,
        Field.SEED_WEIGHT: slopes.seed_weight,
        Field.SHIFT_SLOPES: slopes.shift[periods],
        Field.INITIAL_SLOPES: np.repeat(slopes.initial, parts),
        Field.COLUMN_SPECIES: slopes.columns.species,
        Field.COLUMN_PARAMETER: slopes.columns.parameter,
        Field.SLOPES: result,
        Field.SLOPE_START: starts + first_column,
        Field.CONTROLS: int(controlled),
    }
    outcome = kernel.work(_in_parts(tables, parts), selection, n, settings, threads, fields)
    return _joined(outcome, result, tables, parts)


def _choose_slots(columns: int, runs: int, workers: int) -> int:
    """Columns per part for which the last lane is ready soonest."""

    def makespan(slots: int) -> int:
        rounds = -(-runs * -(-columns // slots) // workers)
        return rounds * (_STATE_COST + slots)

    return min(range(1, min(columns, _MOST_SLOTS) + 1), key=lambda slots: (makespan(slots), -slots))


def _controlled_slots(columns: int) -> int:
    return -(-columns // min(columns, _CONTROLLED_PARTS))


def _repeated(first: Wholes, parts: int) -> Wholes:
    """Positions of what belongs to each run, `parts` times in a row for every run."""
    lengths = np.repeat(np.diff(first), parts)
    begins = np.cumsum(lengths) - lengths
    inside = np.arange(lengths.sum(), dtype=np.int64) - np.repeat(begins, lengths)
    positions: Wholes = inside + np.repeat(np.repeat(first[:-1], parts), lengths)
    return positions


def _in_parts(tables: Tables, parts: int) -> Tables:
    periods, times = (_repeated(first, parts) for first in (tables.first_period, tables.first_time))

    def offsets(first: Wholes) -> Wholes:
        return np.concatenate([[0], np.cumsum(np.repeat(np.diff(first), parts))]).astype(np.int64)

    return replace(
        tables,
        first_period=offsets(tables.first_period),
        first_time=offsets(tables.first_time),
        times=tables.times[times],
        starts=tables.starts[periods],
        ends=tables.ends[periods],
        parameters=tables.parameters[periods],
        scales=tables.scales[periods],
        shifts=tables.shifts[periods],
        initials=np.repeat(tables.initials, parts),
    )


def _joined(outcome: Outcome, slopes: Reals, tables: Tables, parts: int) -> SlopeOutcome:
    """One outcome per run: the states of its first part; a run got only as far as its last part did."""
    shape = (tables.runs, parts)
    code, reached, steps = (a.reshape(shape) for a in (outcome.code, outcome.reached, outcome.steps))
    lengths = np.diff(tables.first_time)
    offsets = np.repeat(tables.first_time[:-1] * (parts - 1), lengths)
    own = np.arange(len(tables.times), dtype=np.int64) + offsets
    result = outcome.result[own]
    if code.any():  # the kernel writes no derivatives to rows that a part did not reach
        for part in range(1, parts):
            other = outcome.result[own + part * np.repeat(lengths, lengths)]
            result[np.isnan(other).all(axis=-1)] = np.nan
        slopes[np.isnan(result).all(axis=-1)] = np.nan
    lowest = outcome.lowest.reshape(shape).min(axis=1)
    states = Outcome(result, code.max(axis=1), reached.min(axis=1), steps.max(axis=1), lowest)
    return SlopeOutcome(states, slopes)
