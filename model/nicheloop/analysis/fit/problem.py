"""The problem of a fit: assay tables, free parameters, priors; and its objective with exact derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.fit.derivatives import Handles
from nicheloop.analysis.fit.evaluation import Evaluation, joined
from nicheloop.analysis.fit.likelihood import Likelihood
from nicheloop.analysis.fit.observations import NONE, Assay, Observations, observations
from nicheloop.analysis.fit.parameters import Space, noise_parameter, space_of
from nicheloop.analysis.fit.summaries import Summary, SummaryTerm, of_summary
from nicheloop.assays.names import unknown
from nicheloop.assays.noise import Noise
from nicheloop.assays.runs.plates import Plate
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.predictions import BATCH
from nicheloop.biology import PROMOTERS, RESISTANCES
from nicheloop.biology.table import check_names

if TYPE_CHECKING:
    import pypesto

Floats = NDArray[np.float64]
NOISE = ("estimated", "fixed")


class FitProblem:
    """Measured values, what is free to explain them, and how well a point does.

    A point ``x`` holds the parameters of the table that are free, each on its search scale, then the decimal
    logarithms of the factors on noise. The noise of a row is that of its ``sd`` (over the root of ``n``), or
    that of the read-out (over the root of ``n``) times the factor of its read-out and experiment.

    Values of one plate share a factor where they are in arbitrary units, or where the read-out differs from
    plate to plate (``plate_sd``); it takes its most probable value at every point. Densities of values in
    arbitrary units are per unit of their geometric mean, so that nothing depends on that unit.

    Parameters
    ----------
    tables : AssayTable or sequence of them
        What was measured.
    parameters : sequence of str, optional
        Parameters of the table that are free; default: those that the tables can tell from each other (see
        `informed_parameters`).
    resistance, promoter : str, optional
        The hypothesis, as in `build_model`; default: that of each well.
    noise : str
        ``estimated``: a factor on the noise of each read-out of each experiment; or ``fixed``.
    base : mapping, optional
        Parameters that differ from the table and are not free.
    constraints : sequence of SummaryTerm
        Published numbers that count as data, such as `Ic50Term`.
    noises : mapping, optional
        Noise by read-out, where it is not the shipped one.
    plate_factors : bool
        Whether absolute values of a plate share a factor.
    settings : Settings
        How wells are simulated.

    Raises
    ------
    ValueError
        If a name is unknown, a parameter cannot be free, or a value cannot be judged; one line per problem.

    Examples
    --------
    >>> problem = FitProblem(table, ["imatinib_affinity_loss_K562R"])  # doctest: +SKIP
    >>> problem.evaluate(problem.start, order=1).gradient  # doctest: +SKIP
    """

    def __init__(
        self,
        tables: AssayTable | Sequence[AssayTable],
        parameters: Sequence[str] | None = None,
        resistance: str | None = None,
        promoter: str | None = None,
        noise: str = "estimated",
        base: Mapping[str, float] | None = None,
        constraints: Sequence[SummaryTerm] = (),
        noises: Mapping[str, Noise] | None = None,
        plate_factors: bool = True,
        settings: Settings = BATCH,
    ) -> None:
        _check(noise, resistance, promoter)
        self.tables = (tables,) if isinstance(tables, AssayTable) else tuple(tables)
        self.resistance, self.promoter, self.noise = resistance, promoter, noise
        self.base, self.constraints, self.settings = dict(base or {}), tuple(constraints), settings
        self.noises, self.plate_factors = dict(noises or {}), plate_factors
        check_names(self.base)
        changes = {"resistance": resistance, "promoter": promoter}
        changed = {name: value for name, value in changes.items() if value is not None}
        self.data = observations(
            self.tables, Assay(self.noises, noise == "estimated", plate_factors), changed
        )
        self._likelihood = Likelihood(self.data)
        self._asked = _Asked.of(self.data, self.constraints, changed)
        if parameters is None:
            from nicheloop.analysis.fit.informed import informed_parameters

            parameters = informed_parameters(self.with_(parameters=()))
        self.free = space_of(parameters, self.base)
        self.space = Space((*self.free.parameters, *map(noise_parameter, self.data.widths)))

    def with_(self, **changes: Any) -> FitProblem:
        """Return the problem with other arguments."""
        return FitProblem(**{**self._arguments(), **changes})

    def _arguments(self) -> dict[str, Any]:
        names = ("tables", "resistance", "promoter", "noise", "base", "constraints", "noises", "settings")
        kept = {name: getattr(self, name) for name in (*names, "plate_factors")}
        return {**kept, "parameters": self.free.names if hasattr(self, "free") else None}

    def __deepcopy__(self, memo: object) -> FitProblem:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self._arguments(),)

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """Explanations of resistance in the wells, each once."""
        return tuple(dict.fromkeys(well.resistance for well in self._asked.wells))

    @property
    def is_least_squares(self) -> bool:
        """Whether the objective is a sum of squares, so that evaluations hold its residuals."""
        return self._likelihood.least_squares and all(term.is_normal for term in self.constraints)

    # -- the search space -----------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Free parameters of the table, then factors on noise."""
        return self.space.names

    @property
    def lower(self) -> Floats:
        """Lower bounds of the search, on the search scale."""
        return self.space.array("lower")

    @property
    def upper(self) -> Floats:
        """Upper bounds."""
        return self.space.array("upper")

    @property
    def start(self) -> Floats:
        """Median of the prior."""
        return self.space.array("centre")

    def to_values(self, x: ArrayLike) -> dict[str, float]:
        """Return the parameters of the table that a point sets, ``base`` included, in their units."""
        numbers = self.free.numbers(self._point(x)[: len(self.free)])
        return {**self.base, **dict(zip(self.free.names, numbers.tolist(), strict=True))}

    def to_point(self, values: Mapping[str, float]) -> Floats:
        """Return the point of parameters and noise factors by name; those not named are at the start."""
        for name in values:
            if name not in self.names:
                raise ValueError(unknown("free parameter", name, self.names))
        start = self.space.numbers(self.start)
        numbers = [values.get(name, number) for name, number in zip(self.names, start, strict=True)]
        return self.space.point(np.array(numbers, dtype=np.float64))

    def noise_of(self, x: ArrayLike) -> dict[str, float]:
        """Return the factors on noise that a point sets, by name."""
        numbers = self.space.numbers(self._point(x))[len(self.free) :]
        return dict(zip(self.data.widths, numbers.tolist(), strict=True))

    def split(self, rows: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Cut what there is of every value, such as ``Evaluation.residuals``, into the tables."""
        ends = np.cumsum([len(table) for table in self.tables])
        return tuple(np.split(rows, ends[:-1])) if ends.size else ()

    def _point(self, x: ArrayLike) -> Floats:
        point = np.asarray(x, dtype=np.float64)
        if point.shape != (len(self.space),) or not np.isfinite(point).all():
            expected = f"{len(self.space)} finite numbers ({', '.join(self.names)})"
            raise ValueError(f"x: got {np.array2string(point, threshold=8)}, expected {expected}")
        return point

    # -- the objective --------------------------------------------------------------------------------------

    def evaluate(self, x: ArrayLike, order: int = 0, prior: bool = True) -> Evaluation:
        """Compute the objective at a point.

        Parameters
        ----------
        x : array_like, shape (parameters,)
            On the search scale, in the order of ``names``.
        order : int
            0: the value; 1: its gradient (and residuals, if it is a sum of squares), too; 2: the Fisher
            matrix, too. Costs the same for 1 and 2.
        prior : bool
            Whether the value is that of the posterior, with the density of the prior on the search scale, or
            of the likelihood alone.

        Returns
        -------
        Evaluation
            A run that fails, or data that cannot be, make the value inf, gradient and Fisher matrix zero; it
            says how many wells failed and why.
        """
        point = self._point(x)
        log_prior = self.space.log_prior(point) if prior else 0.0
        if np.isinf(log_prior):
            return self._impossible(order, ("beyond the ends of the prior",), 0)
        by = self.free.names if order else ()
        answers = self._asked.plate.run([self.to_values(point)], self.settings, by=by)
        if not np.isfinite(answers.values).all():
            told = [problem for problem in answers.problems[0] if problem]
            reasons = tuple(dict.fromkeys(told)) or ("a value of the model does not exist",)
            return self._impossible(order, reasons, max(len(told), 1))
        slopes = answers.slopes[0] * self.free.slopes(point[: len(self.free)])[: len(by)]
        return self._judged(point, answers.values[0], slopes, order, prior, log_prior)

    def sensitivities(self, x: ArrayLike) -> Floats | None:
        """Return how the logarithms of the values change with each free parameter, noise aside.

        Returns
        -------
        ndarray, shape (rows and constraints, free parameters), or None
            By one SD of the prior; what an unknown factor of a plate can make up for is left out. None if a
            run fails.
        """
        point, size = self._point(x), len(self.free)
        answers = self._asked.plate.run([self.to_values(point)], self.settings, by=self.free.names)
        values, data = answers.values[0], self.data
        if not np.isfinite(values).all():
            return None
        slopes = answers.slopes[0] * self.free.slopes(point[:size]) * self.free.array("prior_sd")
        least = np.finfo(float).tiny
        relative = slopes / np.maximum(np.abs(values), least)[:, None]
        by_vehicle = (data.reference != NONE)[:, None]
        rows = relative[data.request] - np.where(by_vehicle, relative[data.reference], 0.0)
        for number, factor in enumerate(data.factors):
            if not np.isfinite(factor.sd):
                here = data.factor == number
                rows[here] -= rows[here].mean(axis=0)
        terms = [term.summarised(values[part], slopes[part]) for term, part in self._asked.terms]
        more = [one.slopes[None, :] / max(abs(one.value), least) for one in terms]
        return np.concatenate([rows, *more])

    def _judged(
        self, point: Floats, values: Floats, slopes: Floats, order: int, prior: bool, log_prior: float
    ) -> Evaluation:
        """Compute the objective from the answers of the model and their derivatives on the search scale."""
        data, size = self.data, len(self.free)
        references = np.where(data.reference != NONE, values[data.reference], 1.0)
        judged = self._likelihood.judge(values[data.request], references, np.log(10.0) * point[size:])
        summaries = [term.summarised(values[part], slopes[part]) for term, part in self._asked.terms]
        log_density = self._likelihood.log_density(judged) + sum(term.log_density for term in summaries)
        value = -float(log_density + log_prior)
        found = Evaluation(
            value=value if np.isfinite(value) else np.inf,
            gradient=None if order < 1 else np.zeros(len(self.space)),
            fisher=None if order < 2 else np.zeros((len(self.space), len(self.space))),
            log_densities=judged.log_density,
            predictions=judged.mean,
            residuals=judged.residual,
            factors=np.exp(judged.factors) * self._likelihood.factor_units,
            summaries=np.array([term.value for term in summaries]),
        )
        if not order or not found.ok:
            return found
        with np.errstate(divide="ignore", invalid="ignore"):
            shifts = -slopes[data.reference] / references[:, None]
        shifts = np.where((data.reference != NONE)[:, None], shifts, 0.0)
        handles = self._likelihood.handles(judged, slopes[data.request], shifts)
        return self._with_derivatives(found, handles, summaries, point, order, prior)

    def _with_derivatives(
        self,
        found: Evaluation,
        handles: Handles,
        summaries: Sequence[Summary],
        point: Floats,
        order: int,
        prior: bool,
    ) -> Evaluation:
        size, space = len(self.free), self.space
        gradient, fisher = -handles.gradient, handles.information
        for term in summaries:
            gradient[:size] -= term.score * term.slopes
            fisher[:size, :size] += term.information * np.outer(term.slopes, term.slopes)
        if prior:
            gradient -= space.d_log_prior(point)
            fisher[np.diag_indices(len(space))] += space.prior_information
        squares = None
        if self.is_least_squares:
            parts = [handles.residuals(), *map(of_summary, summaries)]
            squares = joined([*parts, space.residuals(point)] if prior else parts)
        return replace(found, gradient=gradient, fisher=fisher if order > 1 else None, least_squares=squares)

    def _impossible(self, order: int, problems: tuple[str, ...], failed: int) -> Evaluation:
        size, nothing = len(self.space), np.full(len(self.data), np.nan)
        return Evaluation(
            value=np.inf,
            gradient=None if order < 1 else np.zeros(size),
            fisher=None if order < 2 else np.zeros((size, size)),
            log_densities=nothing,
            predictions=nothing,
            residuals=nothing,
            factors=np.full(len(self.data.factors), np.nan),
            summaries=np.full(len(self.constraints), np.nan),
            problems=problems,
            failed=failed,
        )

    def to_pypesto(self) -> pypesto.Problem:
        """Return the problem for pyPESTO: its optimisers, profiles, samplers, ensembles and plots.

        Raises
        ------
        ModuleNotFoundError
            Without the extra ``fit``; says how to install it.
        """
        try:
            from nicheloop.analysis.fit.pypesto_bridge import pypesto_problem
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{error.name} is not installed: pip install 'nicheloop[fit]'"
            ) from None
        return pypesto_problem(self)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What the model is asked: the values of the tables, then those of each term."""

    wells: tuple[Scenario, ...]
    plate: Plate
    terms: tuple[tuple[SummaryTerm, slice], ...]

    @classmethod
    def of(cls, data: Observations, terms: Sequence[SummaryTerm], changed: Mapping[str, str]) -> _Asked:
        wells, requests, placed = list(data.wells), list(data.requests), []
        for term in terms:
            asked = [replace(request, well=request.well + len(wells)) for request in term.requests]
            placed.append((term, slice(len(requests), len(requests) + len(asked))))
            requests += asked
            wells += [well.model_copy(update=dict(changed)) for well in term.wells]
        if not requests:
            raise ValueError("nothing to fit: expected a table with values, or a constraint")
        return cls(tuple(wells), Plate(wells, requests), tuple(placed))


def _made(arguments: Mapping[str, Any]) -> FitProblem:
    return FitProblem(**arguments)


def _check(noise: str, resistance: str | None, promoter: str | None) -> None:
    for kind, given, known in (
        ("noise", noise, NOISE),
        ("resistance", resistance, RESISTANCES),
        ("promoter", promoter, PROMOTERS),
    ):
        if given is not None and given not in known:
            raise ValueError(unknown(kind, given, known))
