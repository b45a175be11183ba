"""What draws from a posterior say of data (predictive check) and of any scenario (bands)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.library import load_scenario
from nicheloop.assays.readouts import applicable, find
from nicheloop.assays.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from nicheloop.analysis.fit.posterior import Posterior
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

DRAWS = 200
LEVEL = 0.9


@dataclass(frozen=True, eq=False)
class Band:
    """A read-out of a well for every draw.

    Attributes
    ----------
    scenario : str
        Name of the well.
    readout : str
        With the cells it is measured on, such as ``viability:K562R``.
    unit : str
        Of the read-out.
    time : ndarray, shape (times,)
        Hours.
    values : ndarray, shape (draws, times)
        What the model says, without noise; NaN where a run failed.
    level : float
        Share of the draws inside.
    """

    scenario: str
    readout: str
    unit: str
    time: Floats
    values: Floats = field(repr=False)
    level: float = LEVEL

    @property
    def failed(self) -> int:
        """How many draws could not be run."""
        return int(np.sum(~np.isfinite(self.values).all(axis=1)))

    @property
    def low(self) -> Floats:
        """Lower end, shape (times,)."""
        return self._quantile(0.5 * (1.0 - self.level))

    @property
    def median(self) -> Floats:
        """Middle."""
        return self._quantile(0.5)

    @property
    def high(self) -> Floats:
        """Upper end."""
        return self._quantile(0.5 * (1.0 + self.level))

    def _quantile(self, level: float) -> Floats:
        good = self.values[np.isfinite(self.values).all(axis=1)]
        if not len(good):
            return np.full(self.time.size, np.nan)
        return np.asarray(np.quantile(good, level, axis=0))

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per time."""
        import pandas as pd

        columns = {"time [h]": self.time, "low": self.low, "median": self.median, "high": self.high}
        return pd.DataFrame(
            {"scenario": self.scenario, "readout": self.readout, **columns, "unit": self.unit}
        )


def bands(
    problem: FitProblem,
    points: Floats,
    scenario: Scenario | str,
    readouts: Sequence[str] | None = None,
    level: float = LEVEL,
    times: Sequence[float | str] | None = None,
) -> tuple[Band, ...]:
    """Say what draws predict for a scenario; all draws are run together.

    Parameters
    ----------
    problem : FitProblem
        What was fitted; its explanation of resistance and its promoter hold for the scenario, too.
    points : ndarray, shape (draws, parameters)
        As of ``Posterior.thinned``.
    scenario : Scenario or str
        A scenario, or the name or TOML path of one; one that varies something has bands for each well.
    readouts : sequence of str, optional
        ``viability`` or ``viability:K562R``; default: all that fit.
    level : float
        Share of the draws inside.
    times : sequence, optional
        Sampling times instead of those of the scenario.

    Returns
    -------
    tuple of Band
        By well, then read-out.

    Raises
    ------
    ValueError
        If a name is unknown or does not fit, or the level is not between 0 and 1.
    """
    from nicheloop.assays.simulate import simulate_many

    if not 0 < level < 1:
        raise ValueError(f"level: got {level!r}, expected a number between 0 and 1")
    chosen = load_scenario(scenario) if isinstance(scenario, str) else scenario
    hypothesis = {"resistance": problem.resistance, "promoter": problem.promoter}
    chosen = chosen.model_copy(
        update={name: value for name, value in hypothesis.items() if value is not None}
    )
    wells = chosen.wells()
    keys = _keys(wells[0], readouts)
    sets = [problem.to_values(point) for point in np.atleast_2d(points)]
    settings = problem.settings
    found = simulate_many(
        wells, sets, engine=settings.engine, rtol=settings.rtol, times=times, threads=settings.threads
    )
    return tuple(
        Band(run.scenario.name, key, find(key, run.hosts)[0].unit, run.time, _values(run[key], run.ok), level)
        for run in found
        for key in keys
    )


def _keys(well: Scenario, readouts: Sequence[str] | None) -> list[str]:
    fitting = applicable(well.hosts)
    if readouts is None:
        return [_key(readout.name, host) for readout, host in fitting]
    keys: list[str] = []
    for name in readouts:
        hosts = [host for readout, host in fitting if readout.name == name]
        if not hosts:
            find(name, well.hosts)
        keys += [_key(name, host) for host in hosts] or [name]
    return keys


def _key(name: str, host: str) -> str:
    return f"{name}:{host}" if host else name


def _values(values: Floats, ok: NDArray[np.bool_]) -> Floats:
    return np.where(ok[:, None], values, np.nan)


# -- predictive check ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PredictiveCheck:
    """The data beside what draws predict of them, noise included.

    Attributes
    ----------
    predictions : ndarray, shape (draws, rows)
        Model values in the unit of each row, factors of plates included, without noise.
    level_of : ndarray, shape (rows,)
        Predictive probability of a smaller value than the measured one; of censored rows, NaN.
    censored : ndarray, shape (rows,)
        Predictive probability that a row is censored as it is; of other rows, NaN.
    chi_square_p : float
        Posterior predictive p: how often replicated data would lie as far from the model as the measured do.
    level : float
        Of the bands.
    """

    predictions: Floats = field(repr=False)
    level_of: Floats = field(repr=False)
    censored: Floats = field(repr=False)
    chi_square_p: float
    level: float = LEVEL

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which rows lie inside their band; a censored one, if that is not improbable."""
        tail = 0.5 * (1.0 - self.level)
        told = (self.level_of >= tail) & (self.level_of <= 1.0 - tail)
        return np.asarray(np.where(np.isnan(self.censored), told, self.censored >= tail))

    @property
    def share(self) -> float:
        """Share of the rows inside."""
        return float(self.inside.mean()) if self.inside.size else float("nan")

    def quantile(self, level: float) -> Floats:
        """Return quantiles of what the model says of each row."""
        good = self.predictions[np.isfinite(self.predictions).all(axis=1)]
        return np.asarray(np.quantile(good, level, axis=0))


def predictive_check(
    problem: FitProblem, points: Floats, best: Floats | None = None, level: float = LEVEL
) -> PredictiveCheck:
    """Compare the data with what draws predict of them.

    Measured values are compared on the scale on which their noise is standard; it is taken as normal there,
    which is exact for normal and log-normal noise.

    Parameters
    ----------
    problem : FitProblem
        What was fitted.
    points : ndarray, shape (draws, parameters)
        Draws.
    best : ndarray, optional
        A point that counts where every draw fails.
    level : float
        Of the bands.

    Raises
    ------
    ValueError
        If the model can be run for none of the draws.
    """
    from scipy.special import ndtr
    from scipy.stats import chi2

    found = [problem.evaluate(point) for point in points]
    good = [one for one in found if one.ok]
    if not good and best is not None:
        good = [one for one in (problem.evaluate(best),) if one.ok]
    if not good:
        raise ValueError("the model can be run for none of the draws")
    residuals = np.array([one.residuals for one in good]).reshape(len(good), -1)
    censored = np.isnan(residuals[0])
    squares = np.sum(np.where(censored, 0.0, residuals) ** 2, axis=1)
    told = int(np.sum(~censored))
    chances = np.exp(np.array([one.log_densities for one in good]).reshape(len(good), -1)).mean(axis=0)
    return PredictiveCheck(
        predictions=np.array([one.predictions for one in good]).reshape(len(good), -1),
        level_of=np.where(censored, np.nan, ndtr(residuals).mean(axis=0)),
        censored=np.where(censored, chances, np.nan),
        chi_square_p=float(chi2.sf(squares, told).mean()) if told else float("nan"),
        level=level,
    )


def checked(posterior: Posterior, draws: int = DRAWS) -> PredictiveCheck:
    """Compare the data with what a posterior predicts of them."""
    return predictive_check(posterior.problem, posterior.thinned(draws))
