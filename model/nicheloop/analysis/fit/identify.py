"""What the data can tell near the optimum: directions of the Fisher matrix, named by their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.fit.informed import TOLD

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

SHARE = 0.3
"""A parameter takes part in a direction if its entry is at least this share of the largest."""
WHOLE = 0.15
"""An exponent so near 1 or -1 is called that."""


@dataclass(frozen=True)
class Direction:
    """An eigenvector of the information, in SDs of the priors.

    Attributes
    ----------
    information : float
        Eigenvalue: how often the data say more along it than the prior (precision over precision).
    weights : dict of str to float
        Entries of the unit vector, by parameter, largest first.
    logarithmic : dict of str to bool
        Which of them are searched as logarithms.
    widths : dict of str to float
        SDs of the priors on the search scale.
    """

    information: float
    weights: dict[str, float]
    logarithmic: dict[str, bool]
    widths: dict[str, float]

    @property
    def told(self) -> bool:
        """Whether the data say more along it than the prior does."""
        return self.information >= TOLD**2

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those that take part, most first."""
        largest = max(abs(weight) for weight in self.weights.values())
        return tuple(name for name, weight in self.weights.items() if abs(weight) >= SHARE * largest)

    @property
    def meaning(self) -> str:
        """What the data say along it, in words."""
        names = self.parameters
        if self.told:
            return f"told: {self._combination(names)}"
        if len(names) == 1:
            return f"not told: {names[0]}"
        if len(names) == 2 and all(self.logarithmic[name] for name in names):
            return f"{names[0]} and {names[1]}: only {self._kept(*names)}"
        return f"only together: {', '.join(names)}"

    def _kept(self, one: str, other: str) -> str:
        """What stays the same when two parameters move along a direction that is not told."""
        exponent = _rounded(-self._moved(one) / self._moved(other))
        if exponent == 1.0:
            return "their product"
        if exponent == -1.0:
            return "their ratio"
        return f"{one} * {other}^{exponent:g}"

    def _combination(self, names: Sequence[str]) -> str:
        """The combination of parameters that changes along a direction, as a product or a sum."""
        first = names[0]
        # A gradient is divided by widths where a displacement is multiplied with them.
        slope = {name: self.weights[name] / self.widths[name] for name in names}
        if not all(self.logarithmic[name] for name in names):
            return ", ".join(names)
        powers = [(name, _rounded(slope[name] / slope[first])) for name in names]
        return " * ".join(name if power == 1.0 else f"{name}^{power:g}" for name, power in powers)

    def _moved(self, name: str) -> float:
        return self.weights[name] * self.widths[name]


def _rounded(exponent: float) -> float:
    """Return 1 or -1 where it is near, other numbers with two digits."""
    near = 1.0 if exponent > 0 else -1.0
    return near if abs(exponent - near) <= WHOLE else float(f"{exponent:.2g}")


@dataclass(frozen=True)
class Told:
    """What the data say of one parameter, beside its prior; all on the search scale, near the optimum.

    Attributes
    ----------
    name : str
        Of the parameter.
    prior_sd : float
        Standard deviation of its prior.
    data_sd : float
        What the data give it, with the priors of all others; inf if nothing.
    posterior_sd : float
        Of both together.
    """

    name: str
    prior_sd: float
    data_sd: float
    posterior_sd: float

    @property
    def gained(self) -> float:
        """Share of the variance of the prior that the data take away, 0 to 1."""
        return float(np.clip(1.0 - (self.posterior_sd / self.prior_sd) ** 2, 0.0, 1.0))


@dataclass(frozen=True)
class Identifiability:
    """What the data tell near a point.

    Attributes
    ----------
    directions : tuple of Direction
        Most information first.
    parameters : tuple of Told
        In the order of the problem, factors on noise left out.
    """

    directions: tuple[Direction, ...]
    parameters: tuple[Told, ...]

    @property
    def rank(self) -> int:
        """How many directions the data tell more of than the prior."""
        return sum(direction.told for direction in self.directions)

    @property
    def confounded(self) -> tuple[str, ...]:
        """Directions that the data do not tell, in words, least information last."""
        return tuple(direction.meaning for direction in self.directions if not direction.told)


def identify(problem: FitProblem, x: ArrayLike) -> Identifiability:
    """Say what the data tell of the free parameters near a point, factors on noise unknown.

    Parameters
    ----------
    problem : FitProblem
        The problem.
    x : array_like, shape (parameters,)
        Such as the optimum.

    Raises
    ------
    ValueError
        If the point cannot be simulated.
    """
    found = problem.evaluate(x, order=2, prior=False)
    if not found.ok or found.fisher is None:
        raise ValueError(f"the point cannot be simulated: {'; '.join(found.problems)}")
    size = len(problem.free)
    noise_prior = problem.space.prior_information[size:]
    data = _without(found.fisher, size, noise_prior)
    width = problem.free.array("prior_sd")
    values, vectors = np.linalg.eigh(data * np.outer(width, width))
    order = np.argsort(values)[::-1]
    directions = [_direction(problem, float(values[k]), vectors[:, k]) for k in order]
    return Identifiability(tuple(directions), _told(problem, data))


def _without(fisher: Floats, size: int, prior: Floats) -> Floats:
    """Return the information on the first parameters when the rest is unknown but for its prior."""
    rest = fisher[size:, size:] + np.diag(prior)
    cross = fisher[:size, size:]
    left = fisher[:size, :size] - (cross @ np.linalg.solve(rest, cross.T) if len(prior) else 0.0)
    return np.asarray(0.5 * (left + left.T))


def _direction(problem: FitProblem, value: float, vector: Floats) -> Direction:
    vector = vector * np.sign(vector[np.argmax(np.abs(vector))])
    parameters = [problem.free.parameters[k] for k in np.argsort(-np.abs(vector), kind="stable")]
    entries = dict(zip(problem.free.names, vector.tolist(), strict=True))
    return Direction(
        information=max(value, 0.0),
        weights={one.name: entries[one.name] for one in parameters},
        logarithmic={one.name: one.scale == "log10" for one in parameters},
        widths={one.name: one.prior_sd for one in parameters},
    )


def _told(problem: FitProblem, data: Floats) -> tuple[Told, ...]:
    """Compare the data with the prior, parameter by parameter."""
    width = problem.free.array("prior_sd")
    prior = width**-2.0
    told = []
    for k, name in enumerate(problem.free.names):
        others = np.delete(np.arange(len(prior)), k)
        block = data[np.ix_(others, others)] + np.diag(prior[others])
        made_up = data[k, others] @ np.linalg.solve(block, data[others, k]) if others.size else 0.0
        precision = max(float(data[k, k] - made_up), 0.0)
        alone = precision**-0.5 if precision > 0 else np.inf
        told.append(Told(name, float(width[k]), float(alone), float((precision + prior[k]) ** -0.5)))
    return tuple(told)
