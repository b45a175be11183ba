"""Dose-responses as they are published: curves with bands, a fitted Hill curve, measured points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.curves import gr50, half_dose
from nicheloop.analysis.evidence import spread
from nicheloop.assays.tables.arrangement import unit_in_words

if TYPE_CHECKING:
    import xarray as xr

    from nicheloop.assays.wells import Wells

Floats = NDArray[np.float64]

RELATIVE = ("viability",)
"""Read-outs that are 1 without the drug by definition."""
GR = "gr"
READ = ("viability", "viable_cells", "gr")
_FINAL = re.compile(r"_final(_[\d.]+h)?$")
LEAST_DOSES = 4
"""Doses that a Hill curve of four parameters needs."""
LEAST_READ = 2
"""Doses above 0 that a dose is read off between."""
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
    control : float
        Response without the drug; NaN if it is not known.
    """

    label: str
    doses: Floats
    response: Floats
    low: Floats | None = None
    high: Floats | None = None
    hill: Hill | None = None
    measured: Points | None = None
    group: str = ""
    control: float = np.nan

    @property
    def peak(self) -> tuple[float, float]:
        """Dose of the largest response, and that response; NaN if all failed."""
        if not np.isfinite(self.response).any():
            return (np.nan, np.nan)
        best = int(np.nanargmax(self.response))
        return float(self.doses[best]), float(self.response[best])


@dataclass(frozen=True)
class HalfDose:
    """A dose that is read off a curve.

    Attributes
    ----------
    name : str
        ``IC50`` (the response falls to half of that without the drug), ``GR50`` (the GR value falls to 0.5)
        or ``EC50`` (middle of the Hill curve of a rising response).
    dose : float
        Among the doses of the curve: below the lowest and above the highest nothing is known.
    response : float
        There.
    """

    name: str
    dose: float
    response: float


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

    def half_dose(self, curve: DoseCurve) -> HalfDose | None:
        """Read the dose of half the effect off one of the curves, as the summaries of a sweep do.

        Returns
        -------
        HalfDose or None
            None if the curve does not get there between its lowest and its highest dose.
        """
        told = curve.doses > 0
        x, y = curve.doses[told], curve.response[told]
        if x.size < LEAST_READ:
            return None
        if self.readout.partition(" ")[0] == GR:
            name, dose, level = "GR50", float(gr50(x, y)), 0.5
        else:
            name, level = "IC50", 0.5 * curve.control
            dose = float(half_dose(x, y, level))
        hill = curve.hill
        if not x.min() <= dose <= x.max() and hill is not None and hill.bottom > hill.top:
            name, dose, level = "EC50", hill.ec50, 0.5 * (hill.top + hill.bottom)
        return HalfDose(name, dose, level) if x.min() <= dose <= x.max() else None


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
    control: float | None = None,
) -> DoseCurve:
    """Make one curve of a figure.

    Parameters
    ----------
    label, group : str
        As in `DoseCurve`.
    doses, response : array_like, shape (d,)
        Of the default parameters, or a median.
    ensemble : array_like, shape (sets, d), optional
        Responses of parameter sets, for the band, as for `spread`.
    measured : Points, optional
        Data beside it.
    fit : bool
        Whether to fit a Hill curve.
    control : float, optional
        Response without the drug; default: that to dose 0, if it is among the doses.
    """
    x, y = np.asarray(doses, dtype=float), np.asarray(response, dtype=float)
    order = np.argsort(x, kind="stable")
    low = high = None
    if ensemble is not None:
        _, low, high = spread(np.asarray(ensemble, dtype=float)[:, order])
    hill = hill_fit(x, y) if fit else None
    if control is None:
        control = float(y[x == 0][0]) if (x == 0).any() else np.nan
    return DoseCurve(label, x[order], y[order], low, high, hill, measured, group or label, control)


def is_response(variable: xr.DataArray) -> bool:
    """Whether a variable is what an assay reads, not something read off a curve (an IC50, a synergy score).

    A sweep says by what it was summarised; wells hold read-outs only. Of other data the name decides.
    """
    about, name = variable.attrs, str(variable.name)
    if "summary" in about:
        return str(about["summary"]) in ("course", "final")
    return "readout" in about or name in READ or bool(_FINAL.search(name))


def readout_of(variable: xr.DataArray) -> str:
    """Return what a variable is: its read-out, or its name if it is read off a curve."""
    readout = variable.attrs.get("readout") if is_response(variable) else None
    return str(readout or variable.name)


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
    about, which = variable.attrs, readout_of(variable)
    host, readout = str(about.get("host", "")), which.replace("_", " ")
    control = 1.0 if which in RELATIVE else None
    doses, other = results[along].values, others[0] if others else ""
    curves = []
    for number in range(variable.sizes[other] if other else 1):
        part = variable.isel({other: number}) if other else variable
        unit = unit_in_words(str(results[other].attrs.get("units", ""))) if other else ""
        label = f"{other} {float(results[other][number]):.4g} {unit}".strip() if other else host or readout
        values = np.asarray(part.transpose(..., along).values, dtype=float)
        sets = values.reshape(-1, len(doses))
        middle, _, _ = spread(sets)
        group, ensemble = "" if other else host, sets if len(sets) > 1 else None
        curves.append(dose_curve(label, doses, middle, ensemble, None, fit, group, control))
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
