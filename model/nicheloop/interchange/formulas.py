"""Read-outs as formulas: what a read-out computes with arrays, written down as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from nicheloop.assays.readouts import Readout

FORMS: Mapping[np.ufunc, str] = {
    np.add: "({} + {})",
    np.subtract: "({} - {})",
    np.multiply: "({} * {})",
    np.true_divide: "({} / {})",
    np.power: "({})^({})",
    np.negative: "(-{})",
    np.exp: "exp({})",
    np.log: "log({})",
    np.log10: "log10({})",
    np.sqrt: "sqrt({})",
}
"""How functions are written in SBML and PEtab."""


class Formula(NDArrayOperatorsMixin):
    """A text that grows when it is computed with.

    Examples
    --------
    >>> (100.0 * Formula("dead")).text
    '(100.0 * dead)'
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Formula:
        if method != "__call__" or options or ufunc not in FORMS:
            raise TypeError(f"{ufunc.__name__} cannot be written as a formula")
        return Formula(FORMS[ufunc].format(*(_written(one) for one in inputs)))


def _written(part: Any) -> str:
    return part.text if isinstance(part, Formula) else repr(float(part))


class Traced:
    """Readings that are the names of the outputs of a model.

    Parameters
    ----------
    hosts : tuple of str
        Kinds of cell in the vessel.
    seeded : mapping
        Cells at the start, nM.
    other : callable
        ``other(kind, host, name)`` gives the number that an output has in the ``vehicle`` well, or in the
        ``stock`` culture of a host: another run, so that it cannot be part of a formula.
    """

    def __init__(
        self, hosts: tuple[str, ...], seeded: Mapping[str, float], other: Callable[[str, str, str], float]
    ) -> None:
        self.hosts = hosts
        self.outputs: set[str] = set()
        self._seeded, self._other = seeded, other

    def output(self, name: str) -> Any:
        """Return the name of an output."""
        self.outputs.add(name)
        return Formula(name)

    def seeded(self, host: str) -> float:
        """Return the cells at the start."""
        return self._seeded[host]

    def stock_output(self, host: str, name: str) -> Any:
        """Return a number of the stock culture."""
        return np.float64(self._other("stock", host, name))

    def vehicle(self) -> Any:
        """Return readings that are numbers of the vehicle well."""
        return _Vehicle(self.hosts, self._seeded, self._other)


class _Vehicle(Traced):
    """Readings of the vehicle well, all of them numbers."""

    def output(self, name: str) -> Any:
        return np.float64(self._other("vehicle", "", name))

    def vehicle(self) -> _Vehicle:
        return self


def formula_of(readout: Readout, host: str, traced: Traced) -> str:
    """Write what an assay shows as a formula of outputs.

    Raises
    ------
    TypeError
        If it holds a function that cannot be written.
    """
    shown: Any = readout.compute(traced, host)
    if readout.background:
        shown = shown + readout.background
    return _written(shown)
