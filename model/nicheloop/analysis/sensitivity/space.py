"""What varies in an analysis: parameters with their distributions, alone or in groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.names import unknown
from nicheloop.biology.priors import free_parameters, prior_quantile
from nicheloop.biology.table import check_names, rows

Floats = NDArray[np.float64]
Quantile = Callable[[Floats], Floats]

DUMMY = "dummy"
"""A factor that nothing depends on: what is found for it is what sampling makes of nothing."""
MECHANISM = "mechanism"


@dataclass(frozen=True)
class Space:
    """Independent parameters, each with its distribution.

    Attributes
    ----------
    names : tuple of str
        Parameters.
    quantiles : tuple of callable
        For each, its value below which lies a given probability.
    groups : tuple of str
        For each, the factor it belongs to. Parameters of one factor vary together.

    Raises
    ------
    ValueError
        If there is no parameter, or one occurs twice, or a factor has the name of the dummy.
    """

    names: tuple[str, ...]
    quantiles: tuple[Quantile, ...]
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("parameters: got none, expected at least one that varies")
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise ValueError(f"parameters: {twice[0]!r} is there twice, expected it once, in one group")
        if DUMMY in self.groups:
            raise ValueError(
                f"groups: {DUMMY!r} is the name of the parameter without effect, expected another"
            )

    @classmethod
    def uniform(
        cls, bounds: Mapping[str, tuple[float, float]], groups: Mapping[str, Sequence[str]] | None = None
    ) -> Space:
        """Make a space of parameters that are uniform between bounds.

        Parameters
        ----------
        bounds : mapping
            Lower and upper bound of each parameter.
        groups : mapping, optional
            Parameters of each factor; those that are in none stand alone.
        """
        for name, (low, high) in bounds.items():
            if not low < high:
                raise ValueError(f"bounds: {name}: got {low!r} to {high!r}, expected the lower first")
        of = _membership(groups or {}, tuple(bounds))
        quantiles = tuple(partial(_between, low, high) for low, high in bounds.values())
        return cls(tuple(bounds), quantiles, tuple(of.get(name, name) for name in bounds))

    @classmethod
    def prior(
        cls,
        parameters: Sequence[str] | None = None,
        groups: Mapping[str, Sequence[str]] | str | None = None,
        resistances: Sequence[str] = ("mixed",),
    ) -> Space:
        """Make a space of parameters of the table, each with its prior.

        Parameters
        ----------
        parameters : sequence of str, optional
            Default: those in ``groups``, or all that are free.
        groups : mapping or "mechanism", optional
            Parameters of each factor; ``mechanism``: those of one mechanism of the table vary together.
        resistances : sequence of str
            Explanations of resistance; they decide which parameters are free.

        Raises
        ------
        ValueError
            If a name is unknown (with the nearest) or a parameter has no prior.
        """
        if isinstance(groups, str) and groups != MECHANISM:
            raise ValueError(
                f"groups: got {groups!r}, expected {MECHANISM!r} or a mapping of names to parameters"
            )
        given = {} if groups is None or isinstance(groups, str) else groups
        _check_groups(given)
        free = tuple(dict.fromkeys(name for one in resistances for name in free_parameters(one)))
        names = tuple(parameters) if parameters is not None else None
        if names is None:
            names = tuple(dict.fromkeys(n for members in given.values() for n in members)) if given else free
        else:
            names = (*names, *(n for members in given.values() for n in members if n not in names))
        _check_free(names, free, resistances)
        of = _membership(given, names)
        if groups == MECHANISM:
            of = {name: rows()[name].mechanism for name in names}
        quantiles = tuple(partial(prior_quantile, name) for name in names)
        return cls(names, quantiles, tuple(of.get(name, name) for name in names))

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the factors: groups, and parameters that stand alone."""
        return tuple(dict.fromkeys(self.groups))

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Parameters of each factor."""
        pairs = list(zip(self.names, self.groups, strict=True))
        return {factor: tuple(name for name, of in pairs if of == factor) for factor in self.factors}

    @property
    def grouped(self) -> bool:
        """Whether some factor has several parameters."""
        return len(self.factors) < len(self.names)

    @property
    def belongs(self) -> NDArray[np.bool_]:
        """Which parameter belongs to which factor, shape (factors, parameters)."""
        return np.array([[of == factor for of in self.groups] for factor in self.factors])

    def values(self, levels: Floats) -> Floats:
        """Return the values at levels of probability, both of shape (n, parameters)."""
        columns = [quantile(levels[:, i]) for i, quantile in enumerate(self.quantiles)]
        return np.column_stack(columns)


def _between(low: float, high: float, level: Floats) -> Floats:
    return low + level * (high - low)


def _check_groups(groups: Mapping[str, Sequence[str]]) -> None:
    for group, members in groups.items():
        if isinstance(members, str) or not members:
            raise ValueError(f"groups: {group}: got {members!r}, expected a list of parameters")


def _membership(groups: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, str]:
    """Return the group of each parameter that is in one."""
    of: dict[str, str] = {}
    _check_groups(groups)
    for group, members in groups.items():
        for name in members:
            if name not in names:
                raise ValueError(f"groups: {group}: {unknown('parameter', name, names)}")
            if name in of:
                raise ValueError(
                    f"groups: {name!r} is in {of[name]!r} and in {group!r}, expected one of them"
                )
            of[name] = group
        if group in names and group not in members:
            raise ValueError(f"groups: {group!r} is also the name of a parameter, expected another name")
    return of


def _check_free(names: Sequence[str], free: Sequence[str], resistances: Sequence[str]) -> None:
    check_names(dict.fromkeys(names))
    for name in names:
        if name in free:
            continue
        if rows()[name].prior == "fixed":
            raise ValueError(f"parameter {name!r} is fixed in the table: it has no prior to vary in")
        raise ValueError(
            f"parameter {name!r} has the value of K562S if resistance is {' or '.join(resistances)}: vary "
            "that, or choose an explanation of resistance that changes it"
        )
