"""What a reproduction of the claims yields: effects, series, panels and checks, as plain numbers.

Whatever computes them (:mod:`nicheloop.analysis`), draws them (:mod:`nicheloop.figures`) or renders them
(:mod:`nicheloop.report`) meets in these classes only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.execution.progress import Progress as Progress

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

INTERVAL = (5.0, 95.0)
"""Percentiles of the intervals that are shown."""
NEEDED_FRACTION = 0.9
"""Share of the ensemble that must have the claimed sign for an effect to hold."""


def spread(values: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the median over parameter sets, and the ends of the interval that is shown.

    Parameters
    ----------
    values : array_like, shape (sets, ...)
        NaN is a failed run and left out. An infinite value is a value: an IC50 that no dose reaches lies
        above all others.

    Returns
    -------
    tuple of ndarray, shapes (...)
        Median, 5th and 95th percentile; NaN where there is no value, infinite where that is their rank.
    """
    every = np.asarray(values, dtype=float)
    columns = every.reshape(len(every), math.prod(every.shape[1:]))
    found = np.full((3, columns.shape[1]), np.nan)
    known = ~np.isnan(columns)
    # Between an IC50 and none there is nothing to interpolate.
    plain = (np.isfinite(columns) | ~known).all(axis=0) & known.any(axis=0)
    if plain.any():
        found[:, plain] = np.nanpercentile(columns[:, plain], (50.0, *INTERVAL), axis=0)
    for number in np.flatnonzero(~plain & known.any(axis=0)):
        ranked = np.sort(columns[known[:, number], number])
        ranks = np.ceil(np.array((50.0, *INTERVAL)) / 100 * ranked.size).astype(int) - 1
        found[:, number] = ranked[np.maximum(ranks, 0)]
    middle, low, high = found.reshape(3, *every.shape[1:])
    return middle, low, high


def _interval(values: Floats) -> tuple[float, float]:
    """Return the shown percentiles of what is not NaN; NaN if there is nothing."""
    _, low, high = spread(values)
    return (float(low), float(high))


@dataclass(frozen=True, eq=False)
class Effect:
    """One number that a claim is about, for the default, the calibrated ensemble and the bare prior.

    Attributes
    ----------
    claim : str
        ``S1`` to ``S6``.
    experiment, effect : str
        What is done, and what is compared.
    unit : str
        Unit of the effect; ``1`` for a ratio or a fraction.
    expected_sign : int
        +1 or -1 as claimed; 0 if the effect is reported without a claim.
    null : float
        Value that means "no effect": 0 for a difference, 1 for a ratio.
    default : float
        Value for the default parameters.
    ensemble, prior : ndarray, shape (draws,)
        Values for parameter sets conditioned on the calibration numbers, and for the unconditioned prior.
        NaN is a failed run; an infinite value (an IC50 that no dose reaches) is a value.
    resolution : float
        Change that the assay could just see; a default that changes by less shows no effect.
    """

    claim: str
    experiment: str
    effect: str
    unit: str
    expected_sign: int
    null: float
    default: float
    ensemble: Floats
    prior: Floats
    resolution: float = 0.0

    def __post_init__(self) -> None:
        if self.expected_sign not in (-1, 0, 1):
            raise ValueError(f"{self.effect}: expected_sign is {self.expected_sign!r}, expected -1, 0 or 1")

    @property
    def low(self) -> float:
        """5th percentile of the ensemble, failed runs left out."""
        return _interval(self.ensemble)[0]

    @property
    def high(self) -> float:
        """95th percentile of the ensemble, failed runs left out."""
        return _interval(self.ensemble)[1]

    @property
    def prior_low(self) -> float:
        """5th percentile of the prior, failed runs left out."""
        return _interval(self.prior)[0]

    @property
    def prior_high(self) -> float:
        """95th percentile of the prior, failed runs left out."""
        return _interval(self.prior)[1]

    @property
    def fraction_with_claimed_sign(self) -> float:
        """Share of the ensemble (failed runs left out) that shows the claimed sign; NaN without a claim."""
        return self._fraction(self.ensemble)

    @property
    def prior_fraction(self) -> float:
        """Share of the prior (failed runs left out) with the claimed sign; NaN if no sign is claimed."""
        return self._fraction(self.prior)

    @property
    def failed(self) -> int:
        """Number of ensemble runs that gave no value."""
        return int(np.count_nonzero(np.isnan(self.ensemble)))

    @property
    def unreached(self) -> int:
        """Number of ensemble values that are infinite, such as IC50s that no dose reaches."""
        return int(np.count_nonzero(np.isinf(self.ensemble)))

    @property
    def prior_failed(self) -> int:
        """Number of prior runs that gave no value."""
        return int(np.count_nonzero(np.isnan(self.prior)))

    @property
    def holds(self) -> bool:
        """Whether the default and at least 90 % of the ensemble change visibly and with the claimed sign.

        False where no sign is claimed: there is nothing to hold.
        """
        return bool(self.shown_by(self.default) and self.fraction_with_claimed_sign >= NEEDED_FRACTION)

    def shown_by(self, values: float | Floats) -> NDArray[np.bool_]:
        """Whether values differ from no effect with the claimed sign, and by more than the resolution."""
        return np.asarray((np.asarray(values) - self.null) * self.expected_sign > self.resolution)

    def _fraction(self, values: Floats) -> float:
        known = values[~np.isnan(values)]
        if self.expected_sign == 0 or known.size == 0:
            return float("nan")
        return float(np.mean(self.shown_by(known)))


@dataclass(frozen=True, eq=False)
class Series:
    """One curve, or one set of bars, with the intervals of the ensemble and of the prior around it.

    Attributes
    ----------
    label : str
        Name in the legend.
    x, default : ndarray, shape (k,)
        Abscissa (position of the category, for bars) and the value for the default parameters.
    low, high : ndarray or None, shape (k,)
        90 % interval of the ensemble.
    prior_low, prior_high : ndarray or None, shape (k,)
        90 % interval of the unconditioned prior.
    group : str
        What decides the colour: ``K562S``, ``K562R``, ``T315I``, ``stroma``, or any other name.
    """

    label: str
    x: Floats
    default: Floats
    low: Floats | None = None
    high: Floats | None = None
    prior_low: Floats | None = None
    prior_high: Floats | None = None
    group: str = ""

    def __post_init__(self) -> None:
        for name in ("default", "low", "high", "prior_low", "prior_high"):
            values = getattr(self, name)
            if values is not None and np.shape(values) != np.shape(self.x):
                raise ValueError(
                    f"series {self.label!r}: {name} has shape {np.shape(values)}, x has {np.shape(self.x)}"
                )


@dataclass(frozen=True)
class Band:
    """A published range, drawn into a panel.

    Attributes
    ----------
    axis : str
        ``x`` or ``y``: the axis whose values the range limits.
    low, high : float
        In the unit of that axis.
    label, source : str
        What it is and where it was read.
    """

    axis: str
    low: float
    high: float
    label: str
    source: str


PANEL_KINDS = ("dose_response", "timecourse", "bars", "bell", "factorial")


@dataclass(frozen=True, eq=False)
class Panel:
    """One figure: series on common axes.

    Attributes
    ----------
    claim, name, title : str
        Claim it belongs to, file name stem, and title.
    kind : str
        ``dose_response``, ``timecourse``, ``bars``, ``bell`` or ``factorial``.
    xlabel, ylabel : str
        With units in brackets.
    xscale, yscale : str
        ``log`` or ``linear``.
    series : tuple of Series
        Curves or sets of bars.
    bands : tuple of Band
        Published ranges.
    categories : tuple of str
        Names of the positions 0..k-1 of bars.
    factors, levels : tuple of str, tuple of tuple of bool
        Of a factorial: what is on or off, and which of it is on at each position.
    caption : str
        What a reader must know to read the figure.
    """

    claim: str
    name: str
    title: str
    kind: str
    xlabel: str
    ylabel: str
    xscale: str
    yscale: str
    series: tuple[Series, ...]
    bands: tuple[Band, ...] = ()
    categories: tuple[str, ...] = ()
    caption: str = ""
    factors: tuple[str, ...] = ()
    levels: tuple[tuple[bool, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in PANEL_KINDS:
            raise ValueError(
                f"panel {self.name!r}: kind is {self.kind!r}, expected one of {', '.join(PANEL_KINDS)}"
            )
        for scale in (self.xscale, self.yscale):
            if scale not in ("log", "linear"):
                raise ValueError(f"panel {self.name!r}: scale is {scale!r}, expected log or linear")


@dataclass(frozen=True)
class FactAgainst:
    """A published fact that argues against the mechanism, and what the model does when it is switched on.

    Attributes
    ----------
    fact, source : str
        The fact and where it was read.
    switch : str
        What is changed in the model.
    effects : tuple of (claim, effect, unit, default, switched)
        Effects of the claims without and with the change.
    """

    fact: str
    source: str
    switch: str
    effects: tuple[tuple[str, str, str, float, float], ...]


@dataclass(frozen=True)
class Check:
    """One of the numbers that the default parameters must meet.

    Attributes
    ----------
    quantity, target, unit : str
        What, the target as written in the source, and its unit.
    value : float
        What the model gives.
    low, high : float
        Bounds of the target; infinite where it has none.
    source : str
        Where the target was read.
    met : bool
        Whether the value lies within.
    """

    quantity: str
    target: str
    unit: str
    value: float
    low: float
    high: float
    source: str
    met: bool


@dataclass(frozen=True, eq=False)
class Reproduction:
    """All that `nicheloop reproduce` found.

    Attributes
    ----------
    effects, panels, facts, checks : tuple
        Effects of the claims, figures, facts that argue against, and calibration numbers.
    draws, seed : int
        Parameter sets per claim, and the seed they were drawn with.
    failed_runs, total_runs : int
        Runs that gave no value, of all.
    seconds : float
        Wall time.
    ensemble_diagnostics : dict
        How the ensemble was sampled and how well.
    """

    effects: tuple[Effect, ...]
    panels: tuple[Panel, ...]
    facts: tuple[FactAgainst, ...]
    checks: tuple[Check, ...]
    draws: int
    seed: int
    failed_runs: int
    total_runs: int
    seconds: float
    ensemble_diagnostics: dict[str, object] = field(default_factory=dict)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per effect: default, 90 % of the ensemble, share with the claimed sign, verdict.

        ``sign`` is the claimed one; where none is it is 0, and nothing holds. ``prior_fraction`` is the share
        before any calibration.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "claim": effect.claim,
                "experiment": effect.experiment,
                "effect": effect.effect,
                "unit": effect.unit,
                "sign": effect.expected_sign,
                "default": effect.default,
                "low": effect.low,
                "high": effect.high,
                "fraction_with_claimed_sign": effect.fraction_with_claimed_sign,
                "holds": bool(effect.expected_sign) and effect.holds,
                "prior_fraction": effect.prior_fraction,
            }
            for effect in self.effects
        )
