"""What sensitivities are taken by, and what a column acts on in each period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.integrate.kernel_layout import Kind

if TYPE_CHECKING:
    from nicheloop.equations.system import System
    from nicheloop.equations.tape import Tape
    from nicheloop.integrate.batch_runs import BatchPeriod, Course

__all__ = ["Columns", "PeriodSensitivity", "Slopes", "columns_of", "slopes_of_courses", "slopes_of_periods"]

Reals = NDArray[np.float64]
Wholes = NDArray[np.int64]

_SPARSE = {Kind.RHS: "rhs_p", Kind.OUTPUTS: "outputs_p", Kind.INITIALS: "initials_p"}


@dataclass(frozen=True)
class PeriodSensitivity:
    """What the c columns of sensitivities act on in one period.

    Attributes
    ----------
    parameters : float[p, c] or None
        Derivatives of the period's parameters by the columns, the same for all runs. None: each column acts
        on the parameter it is named after. A column of zeros is a parameter that the period overrides.
    shift : float[n, s, c], float[1, s, c] or None
        Derivatives of the period's shift (float[s, c] in a `Course`); None: it depends on no column.
    """

    parameters: Reals | None = None
    shift: Reals | None = None


@dataclass(frozen=True)
class Columns:
    """Columns of sensitivities: names, and for each the index of its parameter or its species, else -1."""

    names: tuple[str, ...]
    parameter: Wholes
    species: Wholes

    def __len__(self) -> int:
        return len(self.names)


def columns_of(system: System, wanted: Sequence[str | int]) -> Columns:
    """Find the columns that are asked for.

    Raises
    ------
    ValueError
        A name is neither a parameter nor a species, an index is no parameter's, or nothing is asked for.
    """
    if isinstance(wanted, str) or len(wanted) == 0:
        raise ValueError(f"sensitivities must be a sequence of parameters or species, not {wanted!r}")
    parameters = {name: i for i, name in enumerate(system.parameters)}
    species = {name: i for i, name in enumerate(system.species)}
    names, by_parameter, by_species = [], [], []
    for one in wanted:
        if not isinstance(one, str) and not 0 <= one < len(parameters):
            raise ValueError(f"there is no parameter {one}: the system has {len(parameters)}")
        name = one if isinstance(one, str) else system.parameters[one]
        if name not in parameters and name not in species:
            raise ValueError(f"no parameter or species is named {name!r}")
        names.append(name)
        by_parameter.append(parameters.get(name, -1))
        by_species.append(-1 if name in parameters else species[name])
    return Columns(tuple(names), np.array(by_parameter, np.int64), np.array(by_species, np.int64))


@dataclass(frozen=True)
class Slopes:
    """All the kernel has to know about sensitivities, in the order of `Tables`.

    Attributes
    ----------
    columns : Columns
    seed_table : int64[all periods]
    seed_first, seed_source, seed_row, seed_weight : arrays
        See the fields of the same names in `kernel_layout.Field`.
    shift : int64[all periods]
        Addresses of float[s, c]; 0 for none.
    initial : int64[runs]
        Addresses of float[s, c]; 0 where the initial amounts follow from parameters or are constant.
    alive : tuple of arrays
        Whatever the addresses point into.
    """

    columns: Columns
    seed_table: Wholes
    seed_first: Wholes
    seed_source: Wholes
    seed_row: Wholes
    seed_weight: Reals
    shift: Wholes
    initial: Wholes
    alive: tuple[Reals, ...] = field(repr=False)


class _Seeds:
    """Tables of what columns act on, each distinct one once."""

    def __init__(self, tape: Tape, columns: Columns) -> None:
        self._columns = columns
        self._n = tape.n_parameters
        self._entries = {
            kind: _by_column(tape.patterns[name].rows, tape.patterns[name].cols)
            for kind, name in _SPARSE.items()
        }
        self._numbers: dict[int, int] = {}
        self._kept: list[Reals | None] = []  # also keeps the ids in use
        self._first = [0]
        self._source: list[int] = []
        self._row: list[int] = []
        self._weight: list[float] = []

    def number(self, label: str, parameters: Reals | None) -> int:
        """Number of the table for a matrix of derivatives (None: each column is its own parameter)."""
        key = id(parameters)
        if key not in self._numbers:
            self._numbers[key] = len(self._kept)
            self._kept.append(parameters)
            self._add(self._weights(label, parameters))
        return self._numbers[key]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The tables, for `Slopes`."""
        return {
            "seed_first": np.array(self._first, np.int64),
            "seed_source": np.array([*self._source, 0], np.int64),
            "seed_row": np.array([*self._row, 0], np.int64),
            "seed_weight": np.array([*self._weight, 0.0]),
        }

    def _weights(self, label: str, parameters: Reals | None) -> list[list[tuple[int, float]]]:
        if parameters is None:
            return [[(int(i), 1.0)] if i >= 0 else [] for i in self._columns.parameter]
        matrix = np.asarray(parameters, dtype=float)
        if matrix.shape != (self._n, len(self._columns)):
            raise ValueError(
                f"{label}: derivatives of parameters must have the shape ({self._n}, {len(self._columns)}), "
                f"not {matrix.shape}"
            )
        return [[(int(i), float(c[i])) for i in np.flatnonzero(c)] for c in matrix.T]

    def _add(self, weights: list[list[tuple[int, float]]]) -> None:
        for kind in Kind:
            entries = self._entries[kind]
            for column in weights:
                for parameter, weight in column:
                    for source, row in entries.get(parameter, ()):
                        self._source.append(source)
                        self._row.append(row)
                        self._weight.append(weight)
                self._first.append(len(self._source))


def _by_column(rows: Sequence[int], cols: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """(position, row) of the entries of each column of a sparse matrix."""
    found: dict[int, list[tuple[int, int]]] = {}
    for k, (row, column) in enumerate(zip(rows, cols, strict=True)):
        found.setdefault(column, []).append((k, row))
    return found


def slopes_of_periods(
    tape: Tape, columns: Columns, periods: Sequence[BatchPeriod], n: int, initial: ArrayLike | None
) -> Slopes:
    """Sensitivities of n runs that share a timetable."""
    alive: list[Reals] = []
    shape = (tape.n_species, len(columns))

    def addresses(what: str, values: ArrayLike | None) -> Wholes:
        if values is None:
            return np.zeros(n, np.int64)
        block = np.ascontiguousarray(values, dtype=float)
        if block.ndim != 3 or block.shape[0] not in (1, n) or block.shape[1:] != shape:
            raise ValueError(f"{what} must have the shape {(n, *shape)} or {(1, *shape)}, not {block.shape}")
        alive.append(block)
        return block.ctypes.data + (block.strides[0] if len(block) > 1 else 0) * np.arange(n, dtype=np.int64)

    seeds = _Seeds(tape, columns)
    shifts, numbers = [], []
    for k, period in enumerate(periods):
        given = period.sensitivity or PeriodSensitivity()
        numbers.append(seeds.number(f"period {k}", given.parameters))
        shifts.append(addresses(f"the derivatives of the shift of period {k}", given.shift))
    return Slopes(
        columns,
        seed_table=np.tile(np.array(numbers, np.int64), n),
        **seeds.arrays(),  # type: ignore[arg-type]
        shift=np.stack(shifts, axis=1).ravel(),
        initial=addresses("initial_sensitivities", initial),
        alive=tuple(alive),
    )


def slopes_of_courses(tape: Tape, columns: Columns, courses: Sequence[Course]) -> Slopes:
    """Sensitivities of runs that each have a timetable of their own."""
    alive: list[Reals] = []
    shape = (tape.n_species, len(columns))

    def address(what: str, values: ArrayLike | None) -> int:
        if values is None:
            return 0
        block = np.ascontiguousarray(values, dtype=float)
        if block.shape != shape:
            raise ValueError(f"{what} must have the shape {shape}, not {block.shape}")
        alive.append(block)
        return int(block.ctypes.data)

    seeds = _Seeds(tape, columns)
    shifts, numbers = [], []
    for r, course in enumerate(courses):
        given = course.sensitivity or [None] * len(course.periods)
        if len(given) != len(course.periods):
            raise ValueError(f"course {r} has {len(course.periods)} periods, but {len(given)} sensitivities")
        for k, one in enumerate(given):
            known = one or PeriodSensitivity()
            numbers.append(seeds.number(f"course {r}, period {k}", known.parameters))
            shifts.append(address(f"the derivatives of the shift of course {r}, period {k}", known.shift))
    initial = [
        address(f"initial_sensitivity of course {r}", c.initial_sensitivity) for r, c in enumerate(courses)
    ]
    return Slopes(
        columns,
        seed_table=np.array(numbers, np.int64),
        **seeds.arrays(),  # type: ignore[arg-type]
        shift=np.array(shifts, np.int64),
        initial=np.array(initial, np.int64),
        alive=tuple(alive),
    )
