"""Dose-responses as they are published: curves with bands, a fitted Hill curve, measured points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.evidence import INTERVAL

if TYPE_CHECKING:
    import xarray as xr

    from nicheloop.assays.wells import Wells

Floats = NDArray[np.float64]

LEAST_DOSES = 4
"""Doses that a Hill curve of four parameters needs."""
LEAST_EFFECT = 0.05
"""Change of the response, relative to the largest, below which there is no curve to fit."""
STEEPEST = 10.0


@dataclass(frozen=True)
class Hill:
    """``bottom + (top - bottom) / (1 + (dose / ec50)**slope)``.

    Attributes
    ----------
    top, bottom : float
        Response without the drug, and to endless doses.
    ec50 : float
        Dose half way between; in the unit of the doses.
    slope : float
        Above 0.
    """

    top: float
    bottom: float
    ec50: float
    slope: float

    def __call__(self, doses: ArrayLike) -> Floats:
        """Response to doses (0 among them, if you like), of their shape."""
        share = (np.asarray(doses, dtype=float) / self.ec50) ** self.slope
        return np.asarray(self.bottom + (self.top - self.bottom) / (1.0 + share))


@dataclass(frozen=True, eq=False)
class Points:
    """Measured values.

    Attributes
    ----------
    doses, values : ndarray, shape (k,)
        In the units of the curve.
    sd : ndarray, shape (k,)
        NaN where none is known.
    """

    doses: Floats
    values: Floats
    sd: Floats


@dataclass(frozen=True, eq=False)
class DoseCurve:
    """The response of one culture.

    Attributes
    ----------
    label, group : str
        Name in the legend, and what decides the colour: a host, or any other name.
    doses, response : ndarray, shape (d,)
        Ascending, 0 among them or not.
    low, high : ndarray or None, shape (d,)
        90 % of the parameter sets.
    hill : Hill or None
        Fitted to the response; None if it does not change, or that was not asked for.
    measured : Points or None
        Data beside it.
    """

    label: str
    doses: Floats
    response: Floats
    low: Floats | None = None
    high: Floats | None = None
    hill: Hill | None = None
    measured: Points | None = None
    group: str = ""

    @property
    def peak(self) -> tuple[float, float]:
        """Dose of the largest response, and that response; NaN if all failed."""
        if not np.isfinite(self.response).any():
            return (np.nan, np.nan)
        best = int(np.nanargmax(self.response))
        return float(self.doses[best]), float(self.response[best])


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """Curves on common axes.

    Attributes
    ----------
    drug, dose_unit : str
        What is dosed.
    readout, unit : str
        What is measured, such as ``viability`` and ``fraction of vehicle``.
    curves : tuple of DoseCurve
        One per culture.
    title : str
        Above the figure.
    """

    drug: str
    dose_unit: str
    readout: str
    unit: str
    curves: tuple[DoseCurve, ...]
    title: str = ""


def hill_fit(doses: ArrayLike, response: ArrayLike) -> Hill | None:
    """Fit a Hill curve by least squares.

    Parameters
    ----------
    doses, response : array_like, shape (d,)
        At least four finite points above dose 0; dose 0 counts for the top.

    Returns
    -------
    Hill or None
        None if there are fewer points, if the response hardly changes, or if half of the change lies far
        beyond the doses.
    """
    from scipy.optimize import least_squares

    x, y = np.asarray(doses, dtype=float), np.asarray(response, dtype=float)
    told = np.isfinite(x) & np.isfinite(y)
    x, y = x[told], y[told]
    scale = float(np.abs(y).max(initial=0.0))
    if (x > 0).sum() < LEAST_DOSES or np.ptp(y) < LEAST_EFFECT * scale:
        return None
    low, high = np.log(x[x > 0].min()), np.log(x.max())
    order = np.argsort(x)
    start = [y[order[0]] / scale, y[order[-1]] / scale, 0.5 * (low + high), 0.0]
    reach = 3.0 * (high - low)

    def residuals(p: Floats) -> Floats:
        return np.asarray(Hill(p[0], p[1], float(np.exp(p[2])), float(np.exp(p[3])))(x) - y / scale)

    bounds = ([-2.0, -2.0, low - reach, np.log(0.1)], [2.0, 2.0, high + reach, np.log(STEEPEST)])
    found = least_squares(residuals, np.clip(start, *bounds), bounds=bounds)
    top, bottom, middle, slope = found.x
    if not low - 1.0 <= middle <= high + 1.0:
        return None
    return Hill(top * scale, bottom * scale, float(np.exp(middle)), float(np.exp(slope)))


def dose_curve(
    label: str,
    doses: ArrayLike,
    response: ArrayLike,
    ensemble: ArrayLike | None = None,
    measured: Points | None = None,
    fit: bool = True,
    group: str = "",
) -> DoseCurve:
    """Make one curve of a figure.

    Parameters
    ----------
    label, group : str
        As in `DoseCurve`.
    doses, response : array_like, shape (d,)
        Of the default parameters, or a median.
    ensemble : array_like, shape (sets, d), optional
        Responses of parameter sets, for the band; what is not finite is left out.
    measured : Points, optional
        Data beside it.
    fit : bool
        Whether to fit a Hill curve.
    """
    x, y = np.asarray(doses, dtype=float), np.asarray(response, dtype=float)
    order = np.argsort(x, kind="stable")
    low = high = None
    if ensemble is not None:
        values = np.asarray(ensemble, dtype=float)[:, order]
        values = np.where(np.isfinite(values), values, np.nan)
        low, high = np.full(x.size, np.nan), np.full(x.size, np.nan)
        some = np.isfinite(values).any(axis=0)
        low[some], high[some] = np.nanpercentile(values[:, some], INTERVAL, axis=0)
    hill = hill_fit(x, y) if fit else None
    return DoseCurve(label, x[order], y[order], low, high, hill, measured, group or label)


def dose_response_of(
    results: xr.Dataset, name: str, along: str | None = None, fit: bool = True
) -> DoseResponse:
    """Read the dose-response of one variable off a sweep, or off wells by way of ``to_xarray()``.

    Parameters
    ----------
    results : xarray.Dataset
        With a variable over doses, and perhaps over one other axis, parameter sets (``set``) and time, of
        which the last is taken.
    name : str
        Variable.
    along : str, optional
        Axis of the doses; default: the one with most values.
    fit : bool
        Whether to fit Hill curves.

    Raises
    ------
    ValueError
        If there are more axes than can be drawn as curves.
    """
    variable = results[name]
    if "time" in variable.dims:
        variable = variable.isel(time=-1)
    axes = [str(dim) for dim in variable.dims if dim != "set"]
    along = along or max(axes, key=lambda axis: variable.sizes[axis], default="")
    others = [axis for axis in axes if axis != along]
    if along not in axes or len(others) > 1:
        raise ValueError(f"{name}: has axes {axes}, expected one of doses and at most one more")
    about = variable.attrs
    host, readout = str(about.get("host", "")), str(about.get("readout", name)).replace("_", " ")
    doses, other = results[along].values, others[0] if others else ""
    curves = []
    for number in range(variable.sizes[other] if other else 1):
        part = variable.isel({other: number}) if other else variable
        unit = results[other].attrs.get("units", "") if other else ""
        label = f"{other} {float(results[other][number]):.4g} {unit}".strip() if other else host or readout
        values = np.asarray(part.transpose(..., along).values, dtype=float)
        sets = values.reshape(-1, len(doses))
        finite = np.where(np.isfinite(sets), sets, np.nan)
        middle = np.full(len(doses), np.nan)
        some = np.isfinite(finite).any(axis=0)
        middle[some] = np.nanmedian(finite[:, some], axis=0)
        group = "" if other else host
        curves.append(dose_curve(label, doses, middle, sets if len(sets) > 1 else None, None, fit, group))
    drug = along.replace("_", " ")
    return DoseResponse(
        drug, str(results[along].attrs.get("units", "")), readout, str(about.get("units", "")), tuple(curves)
    )


def dose_response_of_wells(
    wells: Wells, readout: str, along: str | None = None, fit: bool = True
) -> DoseResponse:
    """Read the dose-response of one read-out at the last time off the wells of an experiment."""
    results = wells.to_xarray([readout])
    (name,) = (str(found) for found in results.data_vars)
    found = dose_response_of(results, name, along, fit)
    title = wells.scenario.title or wells.scenario.name
    return DoseResponse(found.drug, found.dose_unit, found.readout, found.unit, found.curves, title)


def measured_points(doses: Sequence[float], values: Sequence[float], sd: Sequence[float] = ()) -> Points:
    """Return measured values with their SD, if it is known."""
    x, y = np.asarray(doses, dtype=float), np.asarray(values, dtype=float)
    return Points(x, y, np.asarray(sd, dtype=float) if len(sd) else np.full(x.shape, np.nan))
