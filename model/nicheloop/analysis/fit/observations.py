"""Measured values of assay tables as a likelihood sees them: what is asked of the model, noise, factors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.noise import LogNormal, Noise, Normal
from nicheloop.assays.noise_counts import Binomial, CountedNormal
from nicheloop.assays.readouts import Readout
from nicheloop.assays.runs.plates import Request
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.tables.frame import AssayTable, Measurement
from nicheloop.assays.tables.layout import combined
from nicheloop.assays.tables.normalise import raw_rows
from nicheloop.assays.tables.problems import Problems

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
NONE = -1
"""Of an index: there is none."""


@dataclass(frozen=True)
class Assay:
    """What is expected of the noise of a read-out.

    Attributes
    ----------
    noises : mapping
        Noise of read-outs, by name, where it is not that of the read-out.
    estimated : bool
        Whether a factor on the noise of each read-out of each experiment is estimated.
    plates : bool
        Whether absolute values of a plate share an unknown factor, as large as the read-out says.
    """

    noises: Mapping[str, Noise] = field(default_factory=dict)
    estimated: bool = True
    plates: bool = True


@dataclass(frozen=True)
class Factor:
    """An unknown factor that values of one plate share.

    Attributes
    ----------
    table : str
        Source of the table.
    experiment, plate, readout : str
        Where it holds.
    sd : float
        Of its logarithm; inf in arbitrary units, where nothing is known of it.
    unit : float
        What values were divided by: their geometric mean in arbitrary units, else 1.
    """

    table: str
    experiment: str
    plate: str
    readout: str
    sd: float
    unit: float


@dataclass(frozen=True)
class Kind:
    """What values of one block share.

    Attributes
    ----------
    noise : Noise
        Around the model value.
    width : int
        Which noise factor widens it; `NONE` if none does.
    censored : str
        ``below`` or ``above`` if only that much is known; else empty.
    moves : bool
        How a factor acts: on the model value, which has its noise around it (True), or on the noisy value.
    """

    noise: Noise
    width: int
    censored: str
    moves: bool


@dataclass(frozen=True, eq=False)
class Block:
    """Values with the same noise, on the same side of what they say.

    Attributes
    ----------
    kind : Kind
        What they share.
    rows : ndarray of int
        Where they are among all.
    value, low, high : ndarray
        Values and the limits of the assay, in units of ``size``.
    gain : ndarray
        How many of these units one unit of the read-out is, a factor aside.
    """

    kind: Kind
    rows: Indices
    value: Floats
    low: Floats
    high: Floats
    gain: Floats


@dataclass(frozen=True, eq=False)
class Observations:
    """All measured values of a fit.

    Attributes
    ----------
    tables : tuple of AssayTable
        Where they are from; rows of the first come first.
    wells : tuple of Scenario
        Of all tables, with the hypotheses that are fitted.
    requests : tuple of Request
        What is asked of the model.
    request : ndarray of int, shape (rows,)
        Which of the requests each row is.
    reference : ndarray of int, shape (rows,)
        Request of the vehicle well that the row is relative to; `NONE` if there is none, or the request is
        relative itself.
    factor : ndarray of int, shape (rows,)
        Which unknown factor the row has; `NONE` if none.
    factors : tuple of Factor
        All unknown factors.
    widths : tuple of str
        Names of the estimated factors on noise.
    blocks : tuple of Block
        All rows, each once.
    """

    tables: tuple[AssayTable, ...]
    wells: tuple[Scenario, ...]
    requests: tuple[Request, ...]
    request: Indices
    reference: Indices
    factor: Indices
    factors: tuple[Factor, ...]
    widths: tuple[str, ...]
    blocks: tuple[Block, ...]

    def __len__(self) -> int:
        return self.request.size


def observations(tables: Sequence[AssayTable], assay: Assay, changes: Mapping[str, str]) -> Observations:
    """Prepare the values of tables.

    Parameters
    ----------
    tables : sequence of AssayTable
        All that was measured. Equal names of experiments mean the same experiment.
    assay : Assay
        What is expected of noise.
    changes : mapping
        Fields of the scenarios that are the hypothesis of this fit: ``resistance``, ``promoter``.

    Raises
    ------
    AssayError
        If a value cannot be judged: it is a raw signal, its read-out has no noise, its noise excludes it, or
        nothing tells the scale of a plate; one line per problem.
    """
    rows = _Rows(assay)
    for number, table in enumerate(tables):
        problems = Problems(table.source, table.names)
        raw = raw_rows(table)
        if raw.any():
            message = "raw signals, expected fractions of the vehicle wells: call table.normalise() first"
            problems.add(message, "unit", table.measurements.row[raw])
            problems.raise_any()
        wells = [well.model_copy(update=dict(changes)) for well in table.wells]
        rows.add(number, table, wells, problems)
        problems.raise_any()
    return rows.observations(tables)


class _Row(NamedTuple):
    """One value, prepared."""

    kind: Kind
    request: int
    reference: int
    factor: int
    value: float
    limit: float
    size: float
    gain: float


class _Rows:
    """Collects rows, table by table."""

    def __init__(self, assay: Assay) -> None:
        self._assay = assay
        self._readouts: Mapping[str, Readout] = {}
        self._wells: list[Scenario] = []
        self._vehicles: dict[int, int] = {}
        self._requests: dict[Request, int] = {}
        self._factors: list[Factor] = []
        self._widths: dict[tuple[str, str], int] = {}
        self._rows: list[_Row] = []

    def add(self, number: int, table: AssayTable, wells: Sequence[Scenario], problems: Problems) -> None:
        """Take the rows of a table."""
        first = len(self._wells)
        self._wells += wells
        self._readouts = table.known_readouts
        factors = self._factors_of(table, problems)
        limits = table.frame["detection_limit"].to_numpy(dtype=float)
        for row, limit in zip(table.measurements, limits, strict=True):
            noise = self._noise(row)
            if noise is None:
                message = f"{row.readout} has no noise, expected an SD here or a noise for it"
                problems.add(message, "sd", [row.row])
            elif row.value <= 0 and not row.censored and isinstance(noise, LogNormal) and not _own_sd(row):
                message = f"got {row.value:g}, but its noise is log-normal; write '<' and the detection limit"
                problems.add(message, "value", [row.row])
            else:
                factor = factors.get((row.experiment, row.plate, row.readout, row.relative_to), NONE)
                self._rows.append(self._row(number, row, float(limit), noise, factor, first))

    def _row(self, table: int, row: Measurement, limit: float, noise: Noise, factor: int, first: int) -> _Row:
        own, readout, well = _own_sd(row), self._readouts[row.readout], first + row.well
        width = NONE
        if self._assay.estimated and not own and not (row.censored and isinstance(noise, Binomial)):
            experiment = row.experiment or (f"table {table + 1}" if table else "")
            width = self._widths.setdefault((row.readout, experiment), len(self._widths))
        unit = self._factors[factor].unit if factor != NONE else 1.0
        size = unit
        if own:
            size, noise = row.sd / math.sqrt(_wells_behind(row)), Normal(sd=1.0)
        relative, reference = row.relative_to == "vehicle", NONE
        if relative and not own:
            reference = self._request(Request(self._vehicle(well), readout, row.host, row.time_h))
        request = self._request(Request(well, readout, row.host, row.time_h, relative and own))
        kind = Kind(noise, width, row.censored, own or row.relative_to == "")
        return _Row(kind, request, reference, factor, row.value, limit, size, unit / size)

    def _noise(self, row: Measurement) -> Noise | None:
        """Noise of a value: of the mean of so many wells, and of a kind that fits a relative value."""
        noise = self._assay.noises.get(row.readout, self._readouts[row.readout].noise)
        if noise is None:
            return Normal(sd=1.0) if _own_sd(row) else None
        if row.relative_to and isinstance(noise, Binomial):
            noise = CountedNormal(noise.counted, noise.whole)
        wells = _wells_behind(row)
        return noise if wells == 1.0 else noise.widened(1.0 / math.sqrt(wells))

    def _vehicle(self, well: int) -> int:
        if well not in self._vehicles:
            self._vehicles[well] = len(self._wells)
            self._wells.append(self._wells[well].vehicle())
        return self._vehicles[well]

    def _request(self, request: Request) -> int:
        return self._requests.setdefault(request, len(self._requests))

    def _factors_of(self, table: AssayTable, problems: Problems) -> dict[tuple[str, ...], int]:
        """Find the unknown factors of a table, by experiment, plate, read-out and relation."""
        values = table.measurements
        columns: list[Any] = [values.experiment, values.plate, values.readout, values.relative_to]
        code, firsts = combined(columns)
        found = {}
        for number, key in enumerate(zip(*(column[firsts] for column in columns), strict=True)):
            rows, plate_sd = np.flatnonzero(code == number), self._readouts[key[2]].plate_sd
            if key[3] == "scale":
                told = values.value[rows[(values.censored[rows] == "") & (values.value[rows] > 0)]]
                if not told.size:
                    message = (
                        f"no value of {key[2]} tells what one unit is on this plate, expected at least one "
                        "that is above 0 and not censored"
                    )
                    problems.add(message, "value", values.row[rows])
                    continue
                unit, sd = float(np.exp(np.log(told).mean())), math.inf
            elif key[3] == "" and self._assay.plates and plate_sd > 0:
                unit, sd = 1.0, plate_sd
            else:
                continue
            found[key] = len(self._factors)
            experiment, plate, readout, _ = key
            self._factors.append(Factor(table.source, experiment, plate, readout, sd, unit))
        return found

    def observations(self, tables: Sequence[AssayTable]) -> Observations:
        """Put everything together."""
        blocks: dict[Kind, list[int]] = {}
        for i, row in enumerate(self._rows):
            blocks.setdefault(row.kind, []).append(i)
        return Observations(
            tables=tuple(tables),
            wells=tuple(self._wells),
            requests=tuple(self._requests),
            request=np.array([row.request for row in self._rows], dtype=np.intp),
            reference=np.array([row.reference for row in self._rows], dtype=np.intp),
            factor=np.array([row.factor for row in self._rows], dtype=np.intp),
            factors=tuple(self._factors),
            widths=self._width_names(),
            blocks=tuple(self._block(kind, rows) for kind, rows in blocks.items()),
        )

    def _block(self, kind: Kind, rows: list[int]) -> Block:
        chosen = [self._rows[i] for i in rows]
        size = np.array([row.size for row in chosen])
        value = np.array([row.value for row in chosen]) / size
        limit = np.array([row.limit for row in chosen]) / size
        low = np.where(np.isnan(limit), -np.inf, limit)
        high = np.full(size.shape, np.inf)
        if kind.censored == "below":
            low = value
        elif kind.censored:
            high = value
        gain = np.array([row.gain for row in chosen])
        return Block(kind, np.array(rows, dtype=np.intp), value, low, high, gain)

    def _width_names(self) -> tuple[str, ...]:
        """Name the estimated factors: after the read-out, and the experiment where there are several."""
        readouts = [readout for readout, _ in self._widths]
        return tuple(
            f"noise:{readout}" if readouts.count(readout) == 1 else f"noise:{readout}:{experiment}"
            for readout, experiment in self._widths
        )


def _own_sd(row: Measurement) -> bool:
    """Whether a row tells how its wells scatter; an SD of 0 tells nothing."""
    return math.isfinite(row.sd) and row.sd > 0


def _wells_behind(row: Measurement) -> float:
    return row.n if math.isfinite(row.n) else 1.0
