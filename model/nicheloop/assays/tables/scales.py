"""Values in arbitrary units: one factor for each plate and read-out, estimated from the values themselves.

The factor has a closed form: least squares, each value weighted by what is known of its scatter, or for
log-normal noise the mean of the logarithms of the ratios. It is a function of the model values, so their
derivatives go through it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.compiled import Floats
from nicheloop.assays.noise import LogNormal
from nicheloop.assays.readouts import Readout
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.layout import combined
from nicheloop.assays.tables.problems import Problems


@dataclass(frozen=True)
class Scale:
    """A plate (of an experiment) on which a read-out is in arbitrary units."""

    experiment: str
    plate: str
    readout: str


@dataclass(frozen=True, eq=False)
class _Part:
    """The rows that share a factor; weights are 0 where a value does not tell it."""

    scale: Scale
    rows: NDArray[np.intp]
    measured: Floats
    weights: Floats
    logarithmic: bool


class Scales:
    """The factors of a table.

    Parameters
    ----------
    table : AssayTable
        Rows with ``relative_to`` "scale" have one.
    problems : Problems
        Gets plates without a value that tells the factor.
    """

    def __init__(self, table: AssayTable, problems: Problems) -> None:
        values = table.measurements
        relative = np.flatnonzero(values.relative_to == "scale")
        self._parts: list[_Part] = []
        if relative.size:
            columns = [values.experiment[relative], values.plate[relative], values.readout[relative]]
            code, firsts = combined(columns)
            for number, names in enumerate(zip(*(column[firsts] for column in columns), strict=True)):
                self._parts.append(_part(table, Scale(*names), relative[code == number]))
        for part in self._parts:
            if not (part.weights > 0).any():
                problems.add(
                    f"no value of {part.scale.readout} tells what one unit is on this plate, expected at "
                    "least one that is above 0 and not censored",
                    "value",
                    values.row[part.rows],
                )

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Where there is a factor."""
        return tuple(part.scale for part in self._parts)

    def apply(self, values: Floats, slopes: Floats) -> Floats:
        """Estimate the factors and multiply values and slopes by them, in place.

        Parameters
        ----------
        values : ndarray, shape (sets, rows)
            Of the model; those that are NaN tell nothing.
        slopes : ndarray, shape (sets, rows, columns)
            Their derivatives.

        Returns
        -------
        ndarray, shape (sets, scales)
            NaN where no run went well.
        """
        factors = np.full((len(values), len(self._parts)), np.nan)
        for number, part in enumerate(self._parts):
            model, moved = values[:, part.rows], slopes[:, part.rows]
            with np.errstate(divide="ignore", invalid="ignore"):
                factor, factor_slopes = (_mean_ratio if part.logarithmic else _least_squares)(
                    part, model, moved
                )
                slopes[:, part.rows] = (
                    factor[:, None, None] * moved + model[..., None] * factor_slopes[:, None, :]
                )
                values[:, part.rows] = factor[:, None] * model
            factors[:, number] = factor
        return factors


def _part(table: AssayTable, scale: Scale, rows: NDArray[np.intp]) -> _Part:
    readout = table.known_readouts[scale.readout]
    values = table.measurements
    measured, wells = values.value[rows], np.nan_to_num(values.n[rows], nan=1.0)
    logarithmic = isinstance(readout.noise, LogNormal)
    with np.errstate(divide="ignore"):
        weights = wells / _variance(readout, measured, values.sd[rows])
    if logarithmic:
        weights = weights * measured**2  # the variance of a logarithm
    told = (values.censored[rows] == "") & (measured > 0) & np.isfinite(weights)
    return _Part(scale, rows, measured, np.where(told, weights, 0.0), logarithmic)


def _variance(readout: Readout, measured: Floats, sd: Floats) -> Floats:
    """Variance of a well around the model: of the table, else of the read-out, which knows its shape only.

    In arbitrary units the constant part of a noise has no meaning: what is left is in proportion to the
    values, or the same for all.
    """
    given = np.isfinite(sd) & (sd > 0)
    if isinstance(readout.noise, LogNormal):
        known = (readout.noise.sd * measured) ** 2
    else:
        cv = getattr(readout.noise, "cv", 0.0)
        same = float(np.median(sd[given])) if given.any() else 1.0
        known = (cv * measured) ** 2 if cv else np.full_like(measured, same**2)
    return np.where(given, sd**2, known)


def _least_squares(part: _Part, model: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Factor with the least weighted sum of squares, per set, and its derivatives (sets, columns)."""
    known = np.isfinite(model)
    m, dm = np.where(known, model, 0.0), np.where(known[..., None], slopes, 0.0)
    weighted = part.weights * m
    size = (weighted * m).sum(axis=1)
    factor = (weighted * part.measured).sum(axis=1) / size
    towards = part.weights * (part.measured - 2.0 * factor[:, None] * m)
    return factor, np.einsum("sr,src->sc", towards, dm) / size[:, None]


def _mean_ratio(part: _Part, model: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Factor whose logarithm is the weighted mean of those of the ratios, and its derivatives."""
    known = np.isfinite(model) & (model > 0)
    weights = np.where(known, part.weights, 0.0)
    weights = weights / weights.sum(axis=1)[:, None]
    told = weights > 0
    ratio = np.where(told, part.measured, 1.0) / np.where(told, model, 1.0)
    factor: Floats = np.exp((weights * np.log(ratio)).sum(axis=1))
    factor = np.where(told.any(axis=1), factor, np.nan)
    relative = np.where(told[..., None], slopes / model[..., None], 0.0)
    return factor, -factor[:, None] * np.einsum("sr,src->sc", weights, relative)
