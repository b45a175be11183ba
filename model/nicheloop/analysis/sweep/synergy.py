"""Synergy of two drugs on a surface of all combinations of their doses: Bliss excess and Loewe index.

Both are read off the unaffected fraction ``f``, the response over that of the well without either drug.

- Bliss: drugs that act independently leave ``f_a * f_b``. The excess is the effect beyond that,
  ``f_a * f_b - f_ab``: above 0 synergy, below 0 antagonism (Bliss CI, Ann Appl Biol 1939;26:585,
  doi:10.1111/j.1744-7348.1939.tb06990.x).
- Loewe: doses that are diluted forms of each other add up, ``a / A + b / B = 1``, where A and B are the doses
  of each drug alone with the effect of the combination. The sum is the index: below 1 synergy, above 1
  antagonism (Loewe S, Muischnek H, Arch Exp Pathol Pharmakol 1926;114:313, doi:10.1007/BF01952257; Berenbaum
  MC, Pharmacol Rev 1989;41:93). A drug that alone never has the effect adds nothing to it (Berenbaum).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.evidence import spread

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
NOTHING = 1e-6
"""Share of the largest response down to which one below 0 is an error of the solver."""
NEUTRAL = {"bliss": 0.0, "loewe": 1.0}
"""Values at which drugs neither help nor hinder each other."""
ROUNDING = 1e-9
"""Scores that differ by less from neutral are neutral."""
_EDGE = 1e-12
"""Fractions are kept this far from 0 and 1, where their logit is infinite."""


def unaffected(doses_a: ArrayLike, doses_b: ArrayLike, response: ArrayLike) -> Floats:
    """Return the response over that of the well without either drug.

    Parameters
    ----------
    doses_a, doses_b : array_like, shapes (a,), (b,)
        Doses, 0 among them.
    response : array_like, shape (..., a, b)
        Response to every combination.

    Raises
    ------
    ValueError
        If there is no dose 0, or a response is below 0, as GR values of cells that die: of such a response
        there is no share.
    """
    y = np.asarray(response, dtype=float)
    lowest, size = np.nanmin(y, initial=0.0), np.nanmax(np.abs(y), initial=0.0)
    if lowest < -NOTHING * size:
        raise ValueError(
            f"response: got {lowest:.3g}, expected none below 0; of GR values take the viability instead"
        )
    control = y[..., _zero(doses_a), :][..., _zero(doses_b)]
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction: Floats = y / control[..., None, None]
    return fraction


def bliss_excess(doses_a: ArrayLike, doses_b: ArrayLike, response: ArrayLike) -> Floats:
    """Return the effect of combinations beyond that of independent drugs.

    Parameters
    ----------
    doses_a, doses_b, response
        As for `unaffected`.

    Returns
    -------
    ndarray, shape (..., a, b)
        ``f_a * f_b - f_ab``: fraction of the control; above 0 synergy.
    """
    f = unaffected(doses_a, doses_b, response)
    alone_a, alone_b = f[..., :, [_zero(doses_b)]], f[..., [_zero(doses_a)], :]
    excess: Floats = alone_a * alone_b - f
    return excess


def loewe_index(doses_a: ArrayLike, doses_b: ArrayLike, response: ArrayLike) -> Floats:
    """Return the sum of the shares that combinations have of the doses with the same effect alone.

    Parameters
    ----------
    doses_a, doses_b, response
        As for `unaffected`; at least two doses of each above 0. Effects are falls of the response.

    Returns
    -------
    ndarray, shape (..., a, b)
        ``a / A + b / B``: below 1 synergy. For the dose that a drug would need alone see `equivalent_dose`;
        a drug that never has the effect adds nothing. NaN where neither has it, or where there is none.
    """
    a, b = np.asarray(doses_a, dtype=float), np.asarray(doses_b, dtype=float)
    f = unaffected(a, b, response)
    with np.errstate(divide="ignore", invalid="ignore"):
        alone_a = equivalent_dose(a[a > 0], f[..., a > 0, _zero(b)][..., None, None, :], f)
        alone_b = equivalent_dose(b[b > 0], f[..., _zero(a), b > 0][..., None, None, :], f)
        share_a = np.where(a[:, None] > 0, a[:, None] / alone_a, 0.0)
        share_b = np.where(b > 0, b / alone_b, 0.0)
    neither = ~(np.isfinite(alone_a) & (a[:, None] > 0)) & ~(np.isfinite(alone_b) & (b > 0))
    return np.where(neither, np.nan, share_a + share_b)


def equivalent_dose(doses: ArrayLike, fraction: ArrayLike, level: ArrayLike) -> Floats:
    """Return the dose at which a falling unaffected fraction first reaches a level.

    Between two doses the logit of the fraction is linear in the logarithm of the dose, which is exact for
    Hill curves that go from 1 to 0 (median-effect plot, Chou TC, Talalay P, Adv Enzyme Regul 1984;22:27,
    doi:10.1016/0065-2571(84)90007-4); the lines between the outermost doses go on beyond them.

    Parameters
    ----------
    doses : array_like, shape (d,)
        Ascending and above 0, at least two.
    fraction : array_like, shape (..., d)
        Unaffected fraction at each dose.
    level : array_like, shape (...)
        Level that is reached.

    Returns
    -------
    ndarray, shape (...)
        inf where no dose reaches it and the fraction does not fall any more between the two highest; NaN
        where the level is no effect (1 or more), or where a value is missing.
    """
    x, goal = np.log(np.asarray(doses, dtype=float)), np.asarray(level, dtype=float)
    y = _logit(np.asarray(fraction, dtype=float)) - _logit(goal)[..., None]
    reached = y <= 0
    # The first two doses, if it lies below the lowest; the last two, if it lies above the highest.
    right = np.where(reached.any(-1), np.maximum(np.argmax(reached, axis=-1), 1), x.size - 1)
    y0 = np.take_along_axis(y, right[..., None] - 1, -1)[..., 0]
    y1 = np.take_along_axis(y, right[..., None], -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        crossed = np.exp(x[right - 1] + (x[right] - x[right - 1]) * y0 / (y0 - y1))
    level_there = np.where(y0 == 0, np.exp(x[right - 1]), np.where(reached.any(-1), np.nan, np.inf))
    dose = np.where(y0 > y1, crossed, level_there)
    return np.where(np.isnan(y).any(-1) | ~(goal < 1), np.nan, dose)


def _logit(fraction: Floats) -> Floats:
    inside = np.clip(fraction, _EDGE, 1 - _EDGE)
    return np.log(inside) - np.log1p(-inside)


def _zero(doses: ArrayLike) -> int:
    """Position of dose 0."""
    found = np.flatnonzero(np.asarray(doses, dtype=float) == 0)
    if not found.size:
        raise ValueError(f"doses {np.asarray(doses).tolist()}: expected dose 0 among them, as the control")
    return int(found[0])


@dataclass(frozen=True, eq=False)
class Synergy:
    """A response to all combinations of two drugs, and what it has beyond drugs that do not help each other.

    Attributes
    ----------
    drugs, units : tuple of str
        First and second drug, and the units of their doses.
    doses_a, doses_b : ndarray, shapes (a,), (b,)
        Ascending, 0 first.
    response : ndarray, shape (a, b)
        Of the default, or a median over parameter sets.
    excess : ndarray, shape (a, b)
        Bliss excess or Loewe index of the same.
    kind : str
        ``bliss`` or ``loewe``.
    readout, unit : str
        What responds.
    """

    drugs: tuple[str, str]
    units: tuple[str, str]
    doses_a: Floats
    doses_b: Floats
    response: Floats
    excess: Floats
    kind: str
    readout: str
    unit: str

    @property
    def largest(self) -> tuple[float, float, float]:
        """Doses of the largest synergy, and its excess or index; NaN if no combination has any."""
        beyond = (self.excess - NEUTRAL[self.kind]) * (1.0 if self.kind == "bliss" else -1.0)
        both = (self.doses_a > 0)[:, None] & (self.doses_b > 0)
        score = np.where(both & np.isfinite(beyond), beyond, 0.0)
        if not (score > ROUNDING).any():
            return (np.nan, np.nan, np.nan)
        i, j = np.unravel_index(int(np.argmax(score)), score.shape)
        return float(self.doses_a[i]), float(self.doses_b[j]), float(self.excess[i, j])


KINDS = tuple(NEUTRAL)


def synergy_of(results: xr.Dataset, name: str, kind: str = "bliss") -> Synergy:
    """Read the synergy of two drugs off a sweep of all their doses, or off wells by ``to_xarray()``.

    Parameters
    ----------
    results : xarray.Dataset
        With a response over two drugs, and perhaps parameter sets (``set``), over which medians are taken,
        and time, of which the last is taken.
    name : str
        Variable of the response.
    kind : str
        ``bliss`` or ``loewe``.

    Raises
    ------
    ValueError
        If the response is not over two axes, a dose 0 is missing, or the kind is unknown.
    """
    from nicheloop.assays.names import unknown

    if kind not in KINDS:
        raise ValueError(unknown("synergy", kind, KINDS))
    variable = results[name].isel(time=-1) if "time" in results[name].dims else results[name]
    axes = [str(dim) for dim in variable.dims if dim != "set"]
    if len(axes) != 2:
        raise ValueError(f"{name}: has axes {axes}, expected the doses of two drugs")
    variable = variable.sortby(axes).transpose(..., *axes)
    first, second = (np.asarray(variable[axis].values, dtype=float) for axis in axes)
    response = np.asarray(variable.values, dtype=float)
    excess = (bliss_excess if kind == "bliss" else loewe_index)(first, second, response)
    about = variable.attrs
    units = tuple(str(results[axis].attrs.get("units", "")) for axis in axes)
    return Synergy(
        drugs=(axes[0].replace("_", " "), axes[1].replace("_", " ")),
        units=(units[0], units[1]),
        doses_a=first,
        doses_b=second,
        response=_middle(response),
        excess=_middle(excess),
        kind=kind,
        readout=str(about.get("readout", name)).replace("_", " "),
        unit=str(about.get("units", "")),
    )


def _middle(values: Floats) -> Floats:
    """Median over parameter sets of what is known."""
    if values.ndim == 2:
        return values
    middle, _, _ = spread(values)
    return middle
