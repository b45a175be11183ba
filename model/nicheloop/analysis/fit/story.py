"""What a fit found, put together for people: a row for each parameter, and sentences on what data tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.advice import SCENARIOS, Advice, advise, plain
from nicheloop.analysis.fit.bands import PredictiveCheck, checked
from nicheloop.analysis.fit.posterior import Posterior, laplace
from nicheloop.analysis.fit.profile import ABOVE, BELOW, FLAT, IDENTIFIABLE
from nicheloop.analysis.fit.quality import Quality, quality
from nicheloop.analysis.fit.structure import Structure, structure
from nicheloop.biology.table import rows

if TYPE_CHECKING:
    import pandas as pd

    from nicheloop.analysis.fit.fit import Fit
    from nicheloop.analysis.fit.problem import FitProblem
    from nicheloop.analysis.fit.profile import Profile
    from nicheloop.analysis.fit.search import Search

Floats = NDArray[np.float64]
NOT_PROFILED = "not profiled"
FEW_PARAMETERS, FEW_WELLS = 12, 100
"""Up to here it costs little to look at what the design could tell without noise."""


@dataclass(frozen=True)
class Estimate:
    """A parameter before and after a fit.

    Attributes
    ----------
    name, unit : str
        Of the parameter, or of a factor on noise.
    table : float
        Value in the table of parameters; 1 for a factor on noise.
    prior_low, prior_high : float
        Central 95 % of the prior.
    best : float
        At the best point.
    low, high : float
        95 % interval by profile likelihood, without the prior of this parameter; 0, infinite where open. That
        of the posterior where there is no profile.
    posterior_low, posterior_high : float
        Central 95 % of the draws, prior included.
    verdict : str
        ``identifiable``, ``bounded below``, ``bounded above``, ``flat`` or ``not profiled``.
    z_best, z_low, z_high : float
        The same on the search scale, in SDs of the prior from its median.
    """

    name: str
    unit: str
    table: float
    prior_low: float
    prior_high: float
    best: float
    low: float
    high: float
    posterior_low: float
    posterior_high: float
    verdict: str
    z_best: float
    z_low: float
    z_high: float


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything a report of a fit shows.

    Attributes
    ----------
    fit : Fit
        Problem, search, best point.
    profiles : mapping
        By name; empty if none were computed.
    posterior : Posterior
        Sample, or Laplace approximation.
    quality : Quality
        The best point beside the data.
    check : PredictiveCheck
        The draws beside the data.
    estimates : tuple of Estimate
        All parameters.
    advice : tuple of Advice
        What to measure next.
    structure : Structure or None
        What the data could tell without noise; None for large fits.
    """

    fit: Fit = field(repr=False)
    profiles: Mapping[str, Profile] = field(repr=False)
    posterior: Posterior
    quality: Quality
    check: PredictiveCheck
    estimates: tuple[Estimate, ...]
    advice: tuple[Advice, ...]
    structure: Structure | None = None

    @property
    def problem(self) -> FitProblem:
        """What was fitted."""
        return self.fit.problem

    @property
    def search(self) -> Search:
        """All starts."""
        return self.fit.search

    def named(self, *verdicts: str) -> list[Estimate]:
        """Return the parameters with a verdict."""
        return [one for one in self.estimates if one.verdict in verdicts]

    @property
    def tell(self) -> str:
        """What the data tell, in a sentence."""
        pinned = [f"{one.name} ({between(one)})" for one in self.named(IDENTIFIABLE)]
        return f"Your data tell {_listed(pinned)}." if pinned else "Your data pin no parameter on both sides."

    @property
    def tell_partly(self) -> str:
        """What they bound on one side only; empty if nothing."""
        sides = [f"{one.name} ({between(one)})" for one in self.named(BELOW, ABOVE)]
        return f"They bound on one side only {_listed(sides)}." if sides else ""

    @property
    def cannot_tell(self) -> str:
        """What they do not tell; empty if nothing."""
        flat = [one.name for one in self.named(FLAT)]
        if not flat:
            return ""
        return (
            f"They cannot tell {_listed(flat)}: they rule out no value within the bounds of the search, once "
            "the others make up for it. What is given for these comes from the prior."
        )

    @property
    def coverage(self) -> str:
        """How many measured values lie inside their bands, in a sentence."""
        inside, rows_ = int(self.check.inside.sum()), self.check.inside.size
        if not rows_:
            return ""
        p = self.check.chi_square_p
        more = "" if np.isnan(p) else f"; posterior predictive p of chi-square {p:.2g}"
        level = f"{100 * self.check.level:.0f} %"
        return f"{inside} of {rows_} values lie inside their {level} predictive band{more}."

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per parameter."""
        import pandas as pd

        columns = [name for name in Estimate.__dataclass_fields__ if not name.startswith("z_")]
        frame = pd.DataFrame(
            [{name: getattr(one, name) for name in columns} for one in self.estimates], columns=columns
        )
        return frame.assign(r_hat=self.posterior.r_hat, effective_size=self.posterior.effective_size)


def between(one: Estimate) -> str:
    """Say an interval in words.

    Examples
    --------
    >>> t = Estimate("k", "1/h", 1, 0.1, 10, 2, 1, 4, 1, 4, "identifiable", 0, 0, 0)
    >>> between(t)
    '2 1/h, 95 %: 1 to 4'
    """
    unit = "" if one.unit == "1" else f" {one.unit}"
    if one.verdict == BELOW:
        return f"at least {plain(one.low)}{unit}"
    if one.verdict == ABOVE:
        return f"at most {plain(one.high)}{unit}"
    return f"{plain(one.best)}{unit}, 95 %: {plain(one.low)} to {plain(one.high)}"


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return (
        f"{'; '.join(words[:-1])}; and {words[-1]}"
        if "," in "".join(words)
        else (f"{', '.join(words[:-1])} and {words[-1]}")
    )


def findings(fit: Fit, posterior: Posterior | None = None, scenarios: Sequence[str] = SCENARIOS) -> Findings:
    """Judge a fit.

    Parameters
    ----------
    fit : Fit
        What was found.
    posterior : Posterior, optional
        A sample; default: the Laplace approximation.
    scenarios : sequence of str
        Proposed as next measurements, beside the wells of the data.
    """
    problem, x = fit.problem, fit.optimum.x
    traced: Mapping[str, Profile] = {} if fit.profiles is None else fit.profiles
    drawn = laplace(problem, x) if posterior is None else posterior
    estimates = tuple(_estimate(problem, x, traced, drawn, i) for i in range(len(problem.names)))
    open_ = [one.name for one in estimates if one.verdict in (FLAT, BELOW, ABOVE)]
    return Findings(
        fit=fit,
        profiles=traced,
        posterior=drawn,
        quality=quality(problem, x),
        check=checked(drawn),
        estimates=estimates,
        advice=advise(problem, x, open_, scenarios),
        structure=_structure(problem),
    )


def _structure(problem: FitProblem) -> Structure | None:
    """Look at small fits; None for others, and where no point of the prior can be simulated."""
    if len(problem.free) > FEW_PARAMETERS or len(problem.data.wells) > FEW_WELLS:
        return None
    try:
        return structure(problem, points=3)
    except ValueError:
        return None


def _estimate(
    problem: FitProblem, x: Floats, profiles: Mapping[str, Profile], posterior: Posterior, i: int
) -> Estimate:
    parameter, space = problem.space.parameters[i], problem.space
    centre, width = space.array("centre")[i], space.array("prior_sd")[i]
    drawn = np.quantile(posterior.points[:, i], [0.025, 0.975])
    prior = [float(parameter.at_level(level)) for level in (0.025, 0.975)]
    profile = profiles.get(parameter.name)
    ends = tuple(drawn.tolist()) if profile is None else profile.limits()

    def number(at: float) -> float:
        if np.isinf(at):
            return float(at) if at > 0 or parameter.scale != "log10" else 0.0
        return float(10.0**at if parameter.scale == "log10" else at)

    in_table = rows()[parameter.name].value if parameter.name in rows() else 1.0
    return Estimate(
        parameter.name, parameter.unit, in_table, number(prior[0]), number(prior[1]),
        number(float(x[i])), number(ends[0]), number(ends[1]),
        number(float(drawn[0])), number(float(drawn[1])),
        NOT_PROFILED if profile is None else profile.verdict,
        *(float((at - centre) / width) for at in (float(x[i]), *ends)),
    )  # fmt: skip


def abscissae(problem: FitProblem) -> list[tuple[str, Floats]]:
    """Return what residuals are worth looking at against: doses and times that vary, the richest first."""
    from nicheloop.assays.tables.columns import HEADERS, TIME

    found: dict[str, list[Floats]] = {}
    for table in problem.tables:
        layout, well = table.layout, table.measurements.well
        doses = {HEADERS[name]: layout.doses[well, k] for k, name in enumerate(layout.treatments)}
        for name in (TIME, *HEADERS.values()):
            none = table.measurements.time_h if name == TIME else np.zeros(len(table))
            found.setdefault(name, []).append(np.asarray(doses.get(name, none), dtype=np.float64))
    joined = [(name, np.concatenate(parts)) for name, parts in found.items()]
    varied = [(name, x) for name, x in joined if np.unique(x).size > 2]
    return sorted(varied, key=lambda one: -np.unique(one[1]).size)
