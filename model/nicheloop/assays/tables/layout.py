"""Which rows of an assay table are of which well, and which cells each is measured on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.axes import label, vehicle_name
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.readouts import Readout
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.tables.columns import HEADERS, TIME, TREATMENTS
from nicheloop.assays.tables.problems import ENOUGH, Problems
from nicheloop.assays.tables.wells import (
    Design,
    DesignError,
    bare,
    base_well,
    host_measured,
    without_treatments,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
DESIGN = ("scenario", "line", "stroma", "cells_per_ml", "stroma_per_ml")


@dataclass(frozen=True, eq=False)
class Layout:
    """Wells of a table.

    Attributes
    ----------
    well : ndarray of int, shape (rows,)
        Well of each row; wells are in the order in which they occur.
    host : ndarray of str, shape (rows,)
        What each row is measured on; empty for the medium.
    time : ndarray, shape (rows,)
        Hours.
    base : ndarray of int, shape (wells,)
        Which of ``bases`` each well is, treatments aside.
    bases : tuple of Scenario
        Wells without the treatments that the table holds.
    treatments : tuple of str
        Those that the table holds.
    doses : ndarray, shape (wells, treatments)
        In the default unit of each.
    """

    well: Indices
    host: NDArray[Any]
    time: Floats
    base: Indices
    bases: tuple[Scenario, ...]
    treatments: tuple[str, ...]
    doses: Floats

    @cached_property
    def vehicle(self) -> NDArray[np.bool_]:
        """Whether each well is without any treatment, shape (wells,)."""
        plain = np.array([base.vehicle() is base for base in self.bases], dtype=bool)
        return plain[self.base] & ~(self.doses > 0).any(axis=1)

    @cached_property
    def family(self) -> Indices:
        """Number of the vehicle that matches each well, shape (wells,): the same for wells that share it."""
        known: dict[Scenario, int] = {}
        of_base = [known.setdefault(bare(base.vehicle()), len(known)) for base in self.bases]
        return np.array(of_base, dtype=np.intp)[self.base]

    def scenarios(self) -> tuple[Scenario, ...]:
        """Return the wells, each sampled at all times at which something is measured in it."""
        order = np.lexsort((self.time, self.well))
        wells, times = self.well[order], self.time[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(wells) != 0) | (np.diff(times) != 0)
        wells, times = wells[new], times[new]
        starts = np.searchsorted(wells, np.arange(len(self.base) + 1))
        return tuple(
            self._scenario(i, tuple(times[starts[i] : starts[i + 1]].tolist())) for i in range(len(self.base))
        )

    def _scenario(self, number: int, times: tuple[float, ...]) -> Scenario:
        base = self.bases[self.base[number]]
        doses = zip(self.treatments, self.doses[number].tolist(), strict=True)
        given = {name: dose for name, dose in doses if dose}
        last = max([times[-1], *(event.at for event in base.events)])
        changes = {
            "name": _name(base.name, given) if self.treatments else base.name,
            "treatments": FrozenMap({**base.treatments, **given}),
            "times": times,
            "duration": last or base.duration,
        }
        well: Scenario = base.model_copy(update=changes)
        return well


def _name(name: str, given: Mapping[str, float]) -> str:
    if not given:
        return vehicle_name(name)
    stem, _, told = name.partition("[")
    items = [told.removesuffix("]")] if told else []
    return f"{stem}[{', '.join([*items, *(label(*item) for item in given.items())])}]"


def combined(columns: Sequence[Any]) -> tuple[Indices, Indices]:
    """Return a code for each row that is the same where all columns are, and the first row of each code.

    Codes are in the order of occurrence; NaN equals NaN.
    """
    import pandas as pd

    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        own, _ = pd.factorize(np.asarray(column))
        if own.size and own.max() > own.min():
            codes, _ = pd.factorize(codes * (own.max() + 2) + own + 1)
    codes, _ = pd.factorize(codes)
    _, firsts = np.unique(codes, return_index=True)
    return codes.astype(np.intp), firsts.astype(np.intp)


def grouped(values: NDArray[Any], codes: Indices, count: int) -> list[NDArray[Any]]:
    """Return the values of each code from 0 to ``count`` - 1."""
    order = np.argsort(codes, kind="stable")
    return np.split(values[order], np.searchsorted(codes[order], np.arange(1, count)))


def layout_of(
    frame: pd.DataFrame,
    scenarios: Mapping[str, Scenario],
    problems: Problems,
    readouts: Mapping[str, Readout],
) -> Layout:
    """Find the wells of a table.

    Parameters
    ----------
    frame : DataFrame
        With the columns of an assay table; read-outs are known ones.
    scenarios : mapping
        Those that the column ``scenario`` names.
    problems : Problems
        Gets designs that describe no well, and read-outs that cannot be measured in theirs.
    readouts : mapping
        Those that the table may hold, by name.

    Raises
    ------
    AssayError
        If there are problems, with those found before.
    """
    treatments = tuple(name for name in TREATMENTS if HEADERS[name] in frame)
    codes, firsts = combined([frame[name].to_numpy() for name in DESIGN])
    described = _described(frame, codes, firsts, scenarios, problems)
    host = _hosts(frame, codes, described, problems, readouts)
    problems.raise_any()
    full = [well for well in described if well is not None]
    number: dict[Scenario, int] = {}
    bases: list[Scenario] = []
    base_of = np.zeros(len(full), dtype=np.intp)
    for code, described_well in enumerate(full):
        left = without_treatments(described_well, treatments)
        base_of[code] = number.setdefault(bare(left), len(bases))
        if base_of[code] == len(bases):
            bases.append(left)
    doses = [_doses(frame, name, codes, full) for name in treatments]
    base = base_of[codes]
    well, first = combined([base, *doses])
    return Layout(
        well=well,
        host=host,
        time=frame[TIME].to_numpy(dtype=float),
        base=base[first],
        bases=tuple(bases),
        treatments=treatments,
        doses=np.array([dose[first] for dose in doses]).reshape(len(treatments), len(first)).T,
    )


def _described(
    frame: pd.DataFrame,
    codes: Indices,
    firsts: Indices,
    scenarios: Mapping[str, Scenario],
    problems: Problems,
) -> list[Scenario | None]:
    """Return the well of each design as its columns say, its treatments aside; None if there is none."""
    columns = [frame[name].to_numpy()[firsts].tolist() for name in DESIGN]
    wells: list[Scenario | None] = []
    rows, refused = grouped(frame["row"].to_numpy(), codes, len(firsts)), 0
    for code, (scenario, line, stroma, cells, layer) in enumerate(zip(*columns, strict=True)):
        design = Design(scenario, line, stroma, _number(cells), _number(layer))
        try:
            wells.append(base_well(design, scenarios))
        except DesignError as error:
            problems.add(str(error), error.column, rows[code])
            wells.append(None)
            refused += 1
        if refused >= ENOUGH:
            return wells + [None] * (len(firsts) - len(wells))
    return wells


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _hosts(
    frame: pd.DataFrame,
    codes: Indices,
    wells: Sequence[Scenario | None],
    problems: Problems,
    readouts: Mapping[str, Readout],
) -> NDArray[Any]:
    """Return what each row is measured on."""
    names = frame["readout"].to_numpy()
    pairs, firsts = combined([codes, names])
    lines, rows = frame["line"].to_numpy(), grouped(frame["row"].to_numpy(), pairs, len(firsts))
    hosts = []
    for pair, first in enumerate(firsts):
        host, well = "", wells[codes[first]]
        if well is not None and names[first] in readouts:  # else it has been told
            try:
                host = host_measured(readouts[names[first]], lines[first], well)
            except DesignError as error:
                problems.add(str(error), error.column, rows[pair])
        hosts.append(host)
    return np.array(hosts, dtype=object)[pairs]


def _doses(frame: pd.DataFrame, name: str, codes: Indices, full: Sequence[Scenario]) -> Floats:
    """Return the dose of each row; where the cell is empty, that of the scenario."""
    given = frame[HEADERS[name]].to_numpy(dtype=float)
    default = np.array([well.treatments.get(name, 0.0) for well in full])[codes]
    return np.where(np.isnan(given), default, given)
