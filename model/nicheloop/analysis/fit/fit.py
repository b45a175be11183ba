"""`fit`: from assay tables to parameters, how sure they are, and what the data cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicheloop.analysis.fit.evaluation import Evaluation
from nicheloop.analysis.fit.fitted import Fitted, FittedParameter
from nicheloop.analysis.fit.identify import Identifiability, identify
from nicheloop.analysis.fit.identity import data_digest
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.analysis.fit.profile import LEVEL, Profiles, profiles
from nicheloop.analysis.fit.search import NEAR, SAME, Optimum, Search, multistart
from nicheloop.analysis.fit.summaries import SummaryTerm
from nicheloop.assays.names import unknown
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.biology.table import rows
from nicheloop.execution import Engine, Processes, Serial, granted_cores
from nicheloop.execution.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from nicheloop.assays.result import Result
    from nicheloop.assays.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    problem : FitProblem
        Data, free parameters, priors, objective.
    search : Search
        All starts.
    profiles : Profiles or None
        Profile likelihoods, if asked for.
    identifiability : Identifiability
        What the data tell near the optimum.
    seed : int
        Of the starts.
    """

    problem: FitProblem
    search: Search
    profiles: Profiles | None
    identifiability: Identifiability
    seed: int

    def __repr__(self) -> str:
        names = ", ".join(self.problem.free.names)
        return f"Fit of {names} to {sum(map(len, self.problem.tables))} values: {self.verdict}"

    @property
    def optimum(self) -> Optimum:
        """The best point: of the search, or a better one that profiles found."""
        return self.search.best if self.profiles is None else self.profiles.optimum

    @property
    def best(self) -> dict[str, float]:
        """Parameters at the optimum, those of ``base`` included; takes the place of ``parameters=``."""
        return self.problem.to_values(self.optimum.x)

    @property
    def noise(self) -> dict[str, float]:
        """Factors on noise at the optimum, by name."""
        return self.problem.noise_of(self.optimum.x)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The objective at the optimum, with predictions and residuals of all values."""
        return self.problem.evaluate(self.optimum.x, order=2)

    @property
    def verdict(self) -> str:
        """What is to be said of the search, in a sentence."""
        if self.profiles is not None and self.profiles.rounds > 1:
            gain = self.search.best.value - self.optimum.value
            return f"{self.search.verdict}; profiles then found a point that is better by {gain:.3g}"
        return self.search.verdict

    def fitted(self) -> Fitted:
        """Return values, intervals, verdicts and provenance, as ``fitted.toml`` holds them."""
        from nicheloop.report.manifest import model_digests, versions

        return Fitted(
            parameters=tuple(self._parameter(name) for name in self.problem.free.names),
            base=dict(self.problem.base),
            noise=self.noise,
            resistance=self.problem.resistance or "",
            promoter=self.problem.promoter or "",
            objective=self.optimum.value,
            search={
                "starts": len(self.search.optima),
                "reached_within_0_1": self.search.reached(NEAR),
                "reached_within_0_001": self.search.reached(SAME),
                "failed_starts": self.search.failed,
                "evaluations": self.search.evaluations,
                "failed_evaluations": self.search.failed_evaluations,
                "converged": self.search.converged,
                "verdict": self.verdict,
            },
            provenance={
                "seed": self.seed,
                "data": [table.source for table in self.problem.tables],
                "data_digest": data_digest(self.problem),
                "versions": versions(),
                "model": model_digests(),
            },
        )

    def to_toml(self, path: str | Path) -> Path:
        """Write ``fitted.toml``, which other commands take as parameters, and return its path."""
        return self.fitted().save(path)

    def parameters(self) -> pd.DataFrame:
        """Return one row per free parameter: before, after, interval, prior, verdict, what the data add.

        Columns ``low`` and ``high`` are the ends of the 95 % profile interval (0, minus infinity or infinity
        on a side on which the data set no bound; NaN without profiles), ``prior_low`` and ``prior_high``
        those of the central 95 % of the prior; ``gained`` is the share of the variance of the prior that the
        data take away near the optimum. The optimum counts the prior of a parameter, its profile does not:
        where ``after`` lies outside the interval, the data contradict the prior.
        """
        import pandas as pd

        told = {one.name: one.gained for one in self.identifiability.parameters}
        return pd.DataFrame(
            [
                {
                    "name": one.name,
                    "unit": one.unit,
                    "before": one.before,
                    "after": one.value,
                    "low": one.interval[0],
                    "high": one.interval[1],
                    "prior_low": one.prior[0],
                    "prior_high": one.prior[1],
                    "verdict": one.verdict,
                    "gained": told[one.name],
                }
                for one in self.fitted().parameters
            ]
        )

    def predict(self, scenario: Scenario | str, **options: Any) -> Result:
        """Simulate a scenario at the optimum, under the hypothesis of the fit.

        Parameters
        ----------
        scenario : Scenario or str
            What is done.
        **options
            As of `simulate`.
        """
        from nicheloop.assays.library import load_scenario
        from nicheloop.assays.simulate import simulate

        loaded = load_scenario(scenario) if isinstance(scenario, str) else scenario
        wanted = {"resistance": self.problem.resistance, "promoter": self.problem.promoter}
        changed = loaded.model_copy(update={name: value for name, value in wanted.items() if value})
        return simulate(changed, self.best, **options)

    def plot(self, kind: str | None = None, ax: Any = None) -> Figure:
        """Draw it, and return the matplotlib figure.

        Parameters
        ----------
        kind : str, optional
            ``profiles`` (default, if they were asked for) or ``starts``: how far above the best each ended.
        ax : Axes or sequence of Axes, optional
            Where to, one per panel.

        Raises
        ------
        ValueError
            If there is no such figure, or no profile.
        """
        from nicheloop.figures import fit as figures
        from nicheloop.figures.style import figure_of

        kind = kind or ("starts" if self.profiles is None else "profiles")
        if kind not in ("profiles", "starts"):
            raise ValueError(unknown("figure", kind, ("profiles", "starts")))
        if kind == "starts":
            return figure_of(figures.starts(self.search, ax))
        if self.profiles is None:
            raise ValueError("profiles: none were computed, expected a fit with profiles")
        units = {name: rows()[name].unit for name in self.profiles if name in rows()}
        return figures.profiles(self.profiles, units, ax)

    def _parameter(self, name: str) -> FittedParameter:
        profile = None if self.profiles is None else self.profiles.get(name)
        free = self.problem.free
        tails = free.sampled(_tails(len(free)))[:, free.names.index(name)]
        ends = tails if not free.logarithmic[free.names.index(name)] else 10.0**tails
        nan = float("nan")
        return FittedParameter(
            name=name,
            unit=rows()[name].unit,
            value=float(self.best[name]),
            before=float(rows()[name].value),
            interval=(nan, nan) if profile is None else profile.interval(),
            prior=(float(ends[0]), float(ends[1])),
            verdict="" if profile is None else profile.verdict,
        )


def _tails(size: int) -> Any:
    import numpy as np

    return np.repeat([[0.5 * (1.0 - LEVEL)], [0.5 * (1.0 + LEVEL)]], size, axis=1)


def fit(
    data: AssayTable | str | Path | Sequence[AssayTable | str | Path] = (),
    parameters: Sequence[str] | None = None,
    starts: int = 50,
    seed: int = 1,
    *,
    resistance: str | None = None,
    promoter: str | None = None,
    noise: str = "estimated",
    base: Mapping[str, float] | None = None,
    constraints: Sequence[SummaryTerm] = (),
    optimizer: Any = "fides",
    profile: bool | Sequence[str] = True,
    workers: int | None = None,
    engine: Engine | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Fit:
    """Fit the model to assay tables.

    Parameters
    ----------
    data : AssayTable, path, or a sequence of them
        What was measured; a path is read with `read_assay`.
    parameters : sequence of str, optional
        What is free; default: those that the data can tell from each other.
    starts, seed : int
        Of the search.
    resistance, promoter : str, optional
        The hypothesis; default: that of each well.
    noise : str
        ``estimated`` or ``fixed``.
    base : mapping, optional
        Parameters that differ from the table and are not free; such as `read_fitted` returns.
    constraints : sequence of SummaryTerm
        Published numbers that count as data, see `ic50_terms`.
    optimizer : str or pypesto.optimize.Optimizer
        See `multistart`.
    profile : bool or sequence of str
        Whether profile likelihoods are computed, or of which parameters.
    workers : int, optional
        Processes; default: the granted cores. 1: this process.
    engine : Engine, optional
        In place of ``workers``: any of `nicheloop.execution`, such as `Dask`.
    store : path, optional
        Folder that keeps what is finished: the same call goes on where an earlier one was ended.
    progress : callable, optional
        Told ``(done, total, failed)``, first of starts, then of profiles.
    **options
        Others of `FitProblem`.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If an argument makes no sense; one line per problem.
    RuntimeError
        If the wells can be simulated from no start.

    Examples
    --------
    >>> fit = nl.fit(nl.load_data("imatinib_baf3"), starts=50, seed=1)  # doctest: +SKIP
    >>> fit.parameters()  # doctest: +SKIP
    """
    problem = FitProblem(
        _tables(data),
        parameters,
        resistance=resistance,
        promoter=promoter,
        noise=noise,
        base=base,
        constraints=constraints,
        **options,
    )
    engine = engine or _engine(workers)
    folders = {part: None if store is None else Path(store) / part for part in ("search", "profiles")}
    found = multistart(problem, starts, seed, optimizer, engine, folders["search"], progress)
    traced = None
    if profile is True or not isinstance(profile, bool):
        names = None if profile is True else profile
        traced = profiles(problem, found.best, names, engine, folders["profiles"], progress)
    best = found.best if traced is None else traced.optimum
    return Fit(problem, found, traced, identify(problem, best.x), int(seed))


def _tables(data: AssayTable | str | Path | Sequence[AssayTable | str | Path]) -> tuple[AssayTable, ...]:
    from nicheloop.assays.tables.read import read_assay

    given = [data] if isinstance(data, (AssayTable, str, Path)) else list(data)
    return tuple(one if isinstance(one, AssayTable) else read_assay(one) for one in given)


def _engine(workers: int | None) -> Engine:
    count = granted_cores() if workers is None else workers
    return Serial() if count == 1 else Processes(count)
