"""The few motifs that every mechanism of the model is written with.

A mechanism module has two functions: ``state`` declares what exists (monomers, observables, the
expressions others read) and ``rules`` says what happens to it. All states come before all rules, because a
cell's death, say, removes molecules of every mechanism.

Conventions: amounts in nM of well volume, time in hours, cells are species too. A molecule of a cell is
counted over the whole well, so a per-cell number is ``amount / cells``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pysb
import sympy
from pysb.builder import Builder


class ModelBuilder(Builder):  # type: ignore[misc]
    """A PySB builder that knows the parameter table and the motifs of cell-borne molecules.

    Parameters
    ----------
    name : str
        Name of the model.
    values : mapping
        Value of every parameter of the table, by name. A parameter becomes part of the model when a
        mechanism first asks for it with :meth:`p`.
    """

    def __init__(self, name: str, values: Mapping[str, float]) -> None:
        super().__init__()
        self.model = pysb.Model(name, _export=False)
        self._values = values

    def p(self, name: str) -> pysb.Parameter:
        """Return the parameter ``name``, taking its value from the table at first use."""
        known = self.model.parameters.get(name)
        if known is not None:
            return known
        if name not in self._values:
            raise KeyError(f"parameter {name!r} is used in a rule but has no row in parameters.csv")
        return self.parameter(name, self._values[name])

    def host_p(self, name: str, host: str) -> pysb.Parameter:
        """Return the host-specific parameter ``<name>_<host>``."""
        return self.p(f"{name}_{host}")

    def observe(self, name: str, pattern: Any) -> pysb.Observable:
        """Add an observable that counts species (a complex counts once, however often it matches)."""
        return self.observable(name, pattern, match="species")

    def per_cell(self, amount: Any, host: str) -> Any:
        """Express an amount per cell of ``host``; zero cells give zero, not NaN."""
        return amount / (self["cells_" + host] + self.p("cell_floor"))

    def rate(self, name: str, formula: Any) -> Any:
        """Name a rate law, so that it is computed once and can be read in exports."""
        if isinstance(formula, (pysb.Parameter, pysb.Expression)):
            return formula
        return self.expression(name, sympy.sympify(formula))

    # -- motifs --------------------------------------------------------------------------------------------

    def dies_with_cell(self, name: str, pattern: Any, host: str) -> None:
        """Remove a cell-borne species at the per-cell hazard of its host.

        Give each complex through one of its members only, else it would die twice.
        """
        self.rule(f"{name}_{host}_dies_with_cell", pattern >> None, self["death_rate_" + host])

    def made_by_cells(self, name: str, product: Any, host: str, level: Any, turnover: Any) -> None:
        """Keep a molecule at ``level`` copies per cell: synthesis balances its turnover and division.

        Synthesis per cell is ``level * (turnover + division)``: a cell doubles its contents before it
        divides, so a change of growth rate alone changes no per-cell number.
        """
        supply = level * (turnover + self["division_rate_" + host]) * self["cells_" + host]
        self.rule(
            f"{name}_{host}_synthesis", None >> product, self.rate(f"{name}_{host}_synthesis_rate", supply)
        )

    def turns_over(self, name: str, pattern: Any, host: str, turnover: Any) -> None:
        """Lose a cell-borne species by its own turnover (1/h)."""
        self.rule(
            f"{name}_{host}_turnover", pattern >> None, self.rate(f"{name}_{host}_turnover_rate", turnover)
        )

    def inherited(self, name: str, species: Any, host: str) -> None:
        """Treat an active fraction as a property of cells: born with them, lost with them.

        A fraction is counted in cell equivalents (nM): ``amount / cells`` lies between 0 and 1. Daughters
        have the activity of their mother, so division leaves the fraction unchanged.
        """
        self.rule(f"{name}_{host}_inherited", species >> species + species, self["division_rate_" + host])
        self.dies_with_cell(name, species, host)

    def follows(self, name: str, species: Any, host: str, target: Any, rate: Any) -> None:
        """Let an active fraction relax to ``target`` (0..1) with rate constant ``rate`` (1/h)."""
        gain = target * rate * self["cells_" + host]
        self.rule(f"{name}_{host}_on", None >> species, self.rate(f"{name}_{host}_on_rate", gain))
        self.rule(f"{name}_{host}_off", species >> None, self.rate(f"{name}_{host}_off_rate", rate))
        self.inherited(name, species, host)

    def meets(self, per_cell_rate: Any, host: str) -> Any:
        """Rate constant (1/nM/h) for two molecules of one cell, from the rate per copy per cell (1/h)."""
        return per_cell_rate / (self["cells_" + host] + self.p("cell_floor"))


def saturation(signal: Any, half: Any, power: int = 1) -> Any:
    """Hill function: 0 without signal, 1/2 at ``half``, towards 1 above."""
    return signal**power / (half**power + signal**power)
