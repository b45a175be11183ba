"""What a fit is free to change, on the scale it is searched on, with the prior on that scale.

A parameter with a log-normal or log-uniform prior is searched as its decimal logarithm, any other as it is.
Prior densities are per unit of the search scale, so they hold the Jacobian: that of a log-normal parameter is
the normal density of its logarithm. The most probable point is the one on the search scale; on another scale
it would lie elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.evaluation import LeastSquares
from nicheloop.assays.names import unknown
from nicheloop.biology.priors import CUT, prior_quantile
from nicheloop.biology.table import rows

Floats = NDArray[np.float64]

EDGE = 1e-4
"""Prior probability beyond either bound of the search."""
NOISE_FACTOR = 5.0
"""Assumed: with 90 % prior probability the noise of an assay is within this factor of the shipped one."""
_LN10 = math.log(10.0)
_Z95 = 1.6448536269514722  # 95 % quantile of the standard normal distribution
_OUTSIDE = 1e-9
"""Of the width of a support: what rounding may lie beyond its ends."""


@dataclass(frozen=True)
class FreeParameter:
    """A number that a fit is free to change.

    Attributes
    ----------
    name : str
        In the table of parameters, or of a noise.
    unit : str
        Of the number.
    scale : str
        ``log10`` or ``linear``: what is searched is the decimal logarithm, or the number.
    low, high : float
        Ends of the prior, on the search scale.
    sd : float
        Standard deviation of a prior that is normal on the search scale, about the middle of its ends; inf
        if it is flat.
    """

    name: str
    unit: str
    scale: str
    low: float
    high: float
    sd: float

    @property
    def centre(self) -> float:
        """Median of the prior, on the search scale."""
        return 0.5 * (self.low + self.high)

    @property
    def prior_sd(self) -> float:
        """Standard deviation of the prior, on the search scale, also of a flat one."""
        return self.sd if math.isfinite(self.sd) else (self.high - self.low) / math.sqrt(12.0)

    @property
    def lower(self) -> float:
        """Lower bound of the search: the prior has the probability `EDGE` below it."""
        return float(self.at_level(EDGE))

    @property
    def upper(self) -> float:
        """Upper bound of the search."""
        return float(self.at_level(1.0 - EDGE))

    def at_level(self, probability: float | Floats) -> Floats:
        """Point of the search scale below which the prior has a probability."""
        from scipy.special import ndtr, ndtri

        level = np.asarray(probability, dtype=np.float64)
        if not math.isfinite(self.sd):
            return np.asarray(self.low + level * (self.high - self.low))
        outside = ndtr(-CUT)
        z = np.clip(ndtri(outside + level * (1.0 - 2.0 * outside)), -CUT, CUT)
        return np.asarray(self.centre + self.sd * z)


def free_parameter(name: str) -> FreeParameter:
    """Return a parameter of the table as one that is free.

    Raises
    ------
    ValueError
        If there is no such parameter (the nearest is named), or its prior is ``fixed``.
    """
    if name not in rows():
        raise ValueError(f"{unknown('parameter', name, rows())} (`nicheloop parameters` lists all)")
    row = rows()[name]
    if row.prior == "fixed":
        raise ValueError(
            f"parameter {name!r}: its prior is 'fixed' at {row.value:g} {row.unit}, expected one that "
            "varies; give another value in 'base' to change it"
        )
    logarithmic = row.prior in ("lognormal", "loguniform")
    low, high = prior_quantile(name, [0.0, 1.0])
    if logarithmic:
        low, high = math.log10(low), math.log10(high)
    sd = (high - low) / (2.0 * CUT) if row.prior in ("lognormal", "normal") else math.inf
    return FreeParameter(
        name, row.unit, "log10" if logarithmic else "linear", float(low), float(high), float(sd)
    )


def noise_parameter(name: str) -> FreeParameter:
    """Return the factor on the noise of an assay as a free parameter; 1 is the noise of the read-out."""
    sd = math.log10(NOISE_FACTOR) / _Z95
    return FreeParameter(name, "1", "log10", -CUT * sd, CUT * sd, sd)


class Space:
    """The search space of a fit: parameters in their order.

    Parameters
    ----------
    parameters : sequence of FreeParameter
        Each with a name of its own.
    """

    def __init__(self, parameters: Sequence[FreeParameter]) -> None:
        self.parameters = tuple(parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def logarithmic(self) -> NDArray[np.bool_]:
        """Which of them are searched as logarithms."""
        return np.array([parameter.scale == "log10" for parameter in self.parameters], dtype=bool)

    def array(self, attribute: str) -> Floats:
        """Return a number of each parameter, such as ``lower``."""
        return np.array([getattr(parameter, attribute) for parameter in self.parameters], dtype=np.float64)

    def numbers(self, x: Floats) -> Floats:
        """Return the numbers at a point, in their units."""
        with np.errstate(over="ignore"):
            return np.where(self.logarithmic, 10.0 ** np.where(self.logarithmic, x, 0.0), x)

    def point(self, numbers: Floats) -> Floats:
        """Return the point at which the parameters have these numbers."""
        return np.where(self.logarithmic, np.log10(np.where(self.logarithmic, numbers, 1.0)), numbers)

    def slopes(self, x: Floats) -> Floats:
        """Derivatives of the numbers by the point."""
        return np.where(self.logarithmic, _LN10 * self.numbers(x), 1.0)

    def sampled(self, levels: Floats) -> Floats:
        """Return the point at which the prior has these probabilities below, parameter by parameter."""
        columns = [p.at_level(levels[..., i]) for i, p in enumerate(self.parameters)]
        return np.stack(columns, axis=-1) if columns else np.empty((*levels.shape[:-1], 0))

    def log_prior(self, x: Floats) -> float:
        """Log density of the prior, per unit of the search scale; minus infinity beyond its ends."""
        low, high, sd = self.array("low"), self.array("high"), self.array("sd")
        slack = _OUTSIDE * (high - low)
        if np.any((x < low - slack) | (x > high + slack)):
            return -math.inf
        flat = np.isinf(sd)
        mass = math.erf(CUT / math.sqrt(2.0)) * math.sqrt(2.0 * math.pi)
        heights = np.where(flat, high - low, np.where(flat, 1.0, sd) * mass)
        return float(-0.5 * np.sum(self._z(x) ** 2) - np.sum(np.log(heights)))

    def d_log_prior(self, x: Floats) -> Floats:
        """Its derivatives."""
        return -self._z(x) / self.array("sd")

    @cached_property
    def prior_information(self) -> Floats:
        """Curvature of the log prior, shape (parameters,): 0 for a flat one."""
        return self.array("sd") ** -2.0

    def residuals(self, x: Floats) -> LeastSquares:
        """Return what the log prior is less half the sum of squares of; nothing of flat priors."""
        normal = np.flatnonzero(np.isfinite(self.array("sd")))
        slopes = np.zeros((normal.size, len(self)))
        slopes[np.arange(normal.size), normal] = 1.0 / self.array("sd")[normal]
        return LeastSquares(self._z(x)[normal], slopes)

    def _z(self, x: Floats) -> Floats:
        return np.asarray((x - self.array("centre")) / self.array("sd"))


def space_of(names: Iterable[str], base: Mapping[str, float]) -> Space:
    """Return the search space of parameters of the table.

    Raises
    ------
    ValueError
        One line per problem: a name that is unknown, given twice, or in ``base`` as well, too.
    """
    problems, found = [], []
    wanted = list(names)
    for name in dict.fromkeys(wanted):
        try:
            found.append(free_parameter(name))
        except ValueError as error:
            problems.append(str(error))
        if wanted.count(name) > 1:
            problems.append(f"parameter {name!r} is named {wanted.count(name)} times, expected once")
        if name in base:
            problems.append(f"parameter {name!r} is in 'base' and free, expected one of the two")
    if problems:
        raise ValueError("\n".join(problems))
    return Space(found)
