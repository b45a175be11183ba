"""What the model says to every value of an assay table, for many parameter sets, with exact derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.compiled import Floats
from nicheloop.assays.runs.plates import Plate, Request
from nicheloop.assays.settings import Settings
from nicheloop.assays.tables.curves import Curve, curves_of
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.layout import combined
from nicheloop.assays.tables.normalise import raw_rows
from nicheloop.assays.tables.problems import Problems
from nicheloop.assays.tables.scales import Scale, Scales

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BATCH = Settings(engine="batch", rtol=1e-6)
"""How a table is simulated if nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Model values beside the measured ones.

    Attributes
    ----------
    table : AssayTable
        What was measured.
    values : ndarray, shape (sets, rows)
        Model values, in the unit of each row; NaN where a run failed.
    problems : tuple of tuple of str, sets of wells
        Why a well (or its vehicle well) failed; empty if it did not.
    by : tuple of str
        Parameters of the table of parameters that derivatives are by; may be empty.
    derivatives : ndarray, shape (sets, rows, by)
        Of the values, scale factors included.
    scales : tuple of Scale
        Plates in arbitrary units.
    factors : ndarray, shape (sets, scales)
        What one unit of the read-out is on each of these plates, estimated from the values.
    parameter_sets, settings, drawn
        How they were predicted.
    """

    table: AssayTable
    values: Floats
    problems: tuple[tuple[str, ...], ...]
    by: tuple[str, ...]
    derivatives: Floats
    scales: tuple[Scale, ...] = ()
    factors: Floats = field(default_factory=lambda: np.empty((0, 0)))
    parameter_sets: tuple[Mapping[str, float], ...] = field(default=(), repr=False)
    settings: Settings = BATCH
    drawn: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def status(self) -> NDArray[np.str_]:
        """``ok`` or ``failed``, shape (sets, wells)."""
        shape = (len(self), len(self.table.wells))
        failed = np.array([[bool(text) for text in texts] for texts in self.problems], dtype=bool)
        return np.where(failed.reshape(shape), "failed", "ok")

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Which sets have a value for every row, shape (sets,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """The model between the measured doses and times, for figures; simulated when first asked for."""
        return curves_of(
            self.table, self.scales, self.factors, self.parameter_sets, self.settings, self.drawn
        )

    def plot(self, ax: Any = None) -> Figure:
        """Draw measured values and the model over them (into ``ax``, one per panel); return the figure."""
        from nicheloop.figures.assay import plot_assay

        return plot_assay(self.table, self.values, self.curves, ax)

    def to_dataframe(self) -> pd.DataFrame:
        """Return the table once per set, with columns ``set``, ``predicted``, ``status`` and ``message``."""
        import pandas as pd

        well = self.table.measurements.well
        status = self.status
        frames = []
        for j, texts in enumerate(self.problems):
            messages = np.array(texts, dtype=object)
            more = {"predicted": self.values[j], "status": status[j, well], "message": messages[well]}
            frames.append(self.table.frame.assign(set=j, **more))
        return pd.concat(frames, ignore_index=True)


class Predictor:
    """A table prepared to be predicted again and again, as a fit does.

    Parameters
    ----------
    table : AssayTable
        What was measured.

    Raises
    ------
    AssayError
        If values are raw signals that have to be normalised first, or nothing tells the scale of a plate in
        arbitrary units.
    """

    def __init__(self, table: AssayTable) -> None:
        self.table = table
        problems = Problems(table.source, table.names)
        raw, rows = raw_rows(table), table.measurements.row
        if raw.any():
            problems.add(
                "raw signals, expected fractions of the vehicle wells: call table.normalise() first",
                "unit",
                rows[raw],
            )
        self._scales = Scales(table, problems)
        problems.raise_any()
        requests, self._request_of = _requests(table)
        self._plate = Plate(table.wells, requests)

    def predict(
        self,
        parameter_sets: Sequence[Mapping[str, float]] = ({},),
        settings: Settings = BATCH,
        drawn: bool = False,
        by: Sequence[str] | None = None,
    ) -> Predictions:
        """Predict the table, as `predict` does."""
        names = tuple(by or ())
        answers = self._plate.run(parameter_sets, settings, drawn, names)
        values, slopes = answers.values[:, self._request_of], answers.slopes[:, self._request_of]
        factors = self._scales.apply(values, slopes)
        scales, sets = self._scales.scales, tuple(parameter_sets)
        return Predictions(
            self.table, values, answers.problems, names, slopes, scales, factors, sets, settings, drawn
        )


def predict(
    table: AssayTable,
    parameter_sets: Sequence[Mapping[str, float]] = ({},),
    settings: Settings = BATCH,
    drawn: bool = False,
    by: Sequence[str] | None = None,
) -> Predictions:
    """Say what the model predicts for every value of a table.

    Parameters
    ----------
    table : AssayTable
        What was measured. Wells are simulated together, vehicle wells once.
    parameter_sets : sequence of mapping
        Each holds the parameters that differ from the table of parameters.
    settings : Settings
        How runs are integrated.
    drawn : bool
        Whether the sets are draws that stand in for the table of parameters, so that the explanation of
        resistance still decides where K562R differs from K562S.
    by : sequence of str, optional
        Parameters to differentiate by: exactly, through stock cultures, conditioned media, vehicle wells and
        scale factors. Takes the batch engine.

    Returns
    -------
    Predictions
        A run that fails is NaN and says why.

    Raises
    ------
    ValueError
        If a parameter is unknown (the nearest is suggested) or not a finite number.
    AssayError
        If the table holds raw signals, or nothing tells the scale of a plate in arbitrary units.

    Examples
    --------
    >>> predict(table, [{"death_max": 0.05}], by=["death_max"]).derivatives  # doctest: +SKIP
    """
    return Predictor(table).predict(parameter_sets, settings, drawn, by)


def _requests(table: AssayTable) -> tuple[list[Request], NDArray[np.intp]]:
    """What is asked of the plate, each value once, and which of them every row is."""
    rows = table.measurements
    columns: list[Any] = [rows.well, rows.readout, rows.host, rows.time_h, rows.relative_to]
    code, firsts = combined(columns)
    known = table.known_readouts
    requests = [
        Request(int(well), known[name], host, float(time), relation == "vehicle")
        for well, name, host, time, relation in zip(*(column[firsts] for column in columns), strict=True)
    ]
    return requests, code
