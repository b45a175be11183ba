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
    from nicheloop.equations.tape import Pattern, Tape
    from nicheloop.integrate.batch_runs import BatchPeriod, Course

__all__ = [
    "Columns",
    "Entries",
    "PeriodSensitivity",
    "Slopes",
    "columns_of",
    "slopes_of_courses",
    "slopes_of_periods",
]

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


@dataclass(frozen=True)
class _ByColumn:
    """The entries of a sparse matrix, column after column: those of column c are first[c] to first[c + 1].

    Attributes
    ----------
    first : int64[columns + 1]
    source : int64[entries]
        Position of the entry in the pattern.
    row : int64[entries]
    """

    first: Wholes
    source: Wholes
    row: Wholes

    @classmethod
    def of(cls, pattern: Pattern) -> _ByColumn:
        columns = np.array(pattern.cols, np.int64)
        source = np.argsort(columns, kind="stable")
        first = np.searchsorted(columns[source], np.arange(pattern.shape[1] + 1))
        return cls(first, source, np.array(pattern.rows, np.int64)[source])

    def places(self, columns: Wholes, counts: Wholes) -> Wholes:
        """Where the entries of these columns stand in `source` and `row`, one column after the other."""
        before = np.cumsum(counts) - counts
        places: Wholes = np.arange(counts.sum()) + np.repeat(self.first[columns] - before, counts)
        return places


class Entries:
    """Where every parameter enters the derivatives of a network: worked out once, used in every call.

    Parameters
    ----------
    tape : Tape
        With the outputs ``rhs_p``, ``outputs_p`` and ``initials_p``.
    """

    def __init__(self, tape: Tape) -> None:
        self.n_species = tape.n_species
        self.n_parameters = tape.n_parameters
        self.by_column = [_ByColumn.of(tape.patterns[_SPARSE[kind]]) for kind in Kind]


class _Seeds:
    """Tables of what columns act on, each distinct one once."""

    def __init__(self, entries: Entries, columns: Columns) -> None:
        self._entries = entries
        self._columns = columns
        self._numbers: dict[int, int] = {}
        self._kept: list[Reals | None] = []  # also keeps the ids in use
        self._counts: list[Wholes] = []
        self._source: list[Wholes] = []
        self._row: list[Wholes] = []
        self._weight: list[Reals] = []

    def number(self, label: str, parameters: Reals | None) -> int:
        """Number of the table for a matrix of derivatives (None: each column is its own parameter)."""
        key = id(parameters)
        if key not in self._numbers:
            self._numbers[key] = len(self._kept)
            self._kept.append(parameters)
            self._add(*self._weights(label, parameters))
        return self._numbers[key]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The tables, for `Slopes`; none is empty, so that each has an address."""
        none = np.zeros(1, np.int64)
        return {
            "seed_first": np.cumsum(np.concatenate([none, *self._counts])),
            "seed_source": np.concatenate([*self._source, none]),
            "seed_row": np.concatenate([*self._row, none]),
            "seed_weight": np.concatenate([*self._weight, [0.0]]),
        }

    def _weights(self, label: str, parameters: Reals | None) -> tuple[Wholes, Wholes, Reals]:
        """(column, parameter, derivative) of what is not zero, column after column."""
        if parameters is None:
            column = np.flatnonzero(self._columns.parameter >= 0)
            return column, self._columns.parameter[column], np.ones(len(column))
        matrix = np.asarray(parameters, dtype=float)
        shape = (self._entries.n_parameters, len(self._columns))
        if matrix.shape != shape:
            raise ValueError(
                f"{label}: derivatives of parameters must have the shape {shape}, not {matrix.shape}"
            )
        column, parameter = np.nonzero(matrix.T)
        return column, parameter, matrix[parameter, column]

    def _add(self, column: Wholes, parameter: Wholes, weight: Reals) -> None:
        for entries in self._entries.by_column:
            counts = np.diff(entries.first)[parameter]
            places = entries.places(parameter, counts)
            self._source.append(entries.source[places])
            self._row.append(entries.row[places])
            self._weight.append(np.repeat(weight, counts))
            of_columns = np.zeros(len(self._columns), np.int64)
            np.add.at(of_columns, column, counts)
            self._counts.append(of_columns)


def slopes_of_periods(
    entries: Entries, columns: Columns, periods: Sequence[BatchPeriod], n: int, initial: ArrayLike | None
) -> Slopes:
    """Sensitivities of n runs that share a timetable."""
    alive: list[Reals] = []
    shape = (entries.n_species, len(columns))

    def addresses(what: str, values: ArrayLike | None) -> Wholes:
        if values is None:
            return np.zeros(n, np.int64)
        block = np.ascontiguousarray(values, dtype=float)
        if block.ndim != 3 or block.shape[0] not in (1, n) or block.shape[1:] != shape:
            raise ValueError(f"{what} must have the shape {(n, *shape)} or {(1, *shape)}, not {block.shape}")
        alive.append(block)
        return block.ctypes.data + (block.strides[0] if len(block) > 1 else 0) * np.arange(n, dtype=np.int64)

    seeds = _Seeds(entries, columns)
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


def slopes_of_courses(entries: Entries, columns: Columns, courses: Sequence[Course]) -> Slopes:
    """Sensitivities of runs that each have a timetable of their own."""
    alive: list[Reals] = []
    shape = (entries.n_species, len(columns))

    def address(what: str, values: ArrayLike | None) -> int:
        if values is None:
            return 0
        block = np.ascontiguousarray(values, dtype=float)
        if block.shape != shape:
            raise ValueError(f"{what} must have the shape {shape}, not {block.shape}")
        alive.append(block)
        return int(block.ctypes.data)

    seeds = _Seeds(entries, columns)
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
