"""Read-outs: what an assay would measure, computed from the state of the model.

A read-out is measured on a host (``viability:K562R``) or on the medium (``il1b``). To add one, make a
`Readout` and ask a result for it: ``run[Readout(...)]``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.names import unknown
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML, nanomolar_factor
from nicheloop.biology.hosts import HOSTS, LEUKAEMIC, STROMA

Floats = NDArray[np.float64]
MEDIUM = ""


class Readings(Protocol):
    """What a read-out is computed from: one run, or many of one scenario."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Kinds of cell in the vessel."""

    def output(self, name: str) -> Floats:
        """Observable or expression of the model, shape (..., times)."""

    def seeded(self, host: str) -> float:
        """Living cells at the start, nM."""

    def stock_output(self, host: str, name: str) -> Floats:
        """Observable or expression in the stock culture of ``host``, shape (..., 1)."""

    def vehicle(self) -> Readings:
        """The matching vehicle well."""


class ReadoutError(KeyError):
    """A read-out that does not exist, or not in this run."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Readout:
    """One measurement.

    Attributes
    ----------
    name, unit, description : str
        Name as in an assay table, unit of the values, what is measured and relative to what.
    hosts : tuple of str
        Cells it can be measured on; empty if it is measured in the medium.
    compute : callable
        ``compute(readings, host)`` gives the values, shape (..., times).
    """

    name: str
    unit: str
    description: str
    hosts: tuple[str, ...]
    compute: Callable[[Readings, str], Floats]


def _viable_cells(run: Readings, host: str) -> Floats:
    return run.output(f"cells_{host}") / NANOMOLAR_PER_CELL_PER_ML


def _viability(run: Readings, host: str) -> Floats:
    return _ratio(run.output(f"cells_{host}"), run.vehicle().output(f"cells_{host}"))


def _apoptosis(run: Readings, host: str) -> Floats:
    living, dead = run.output(f"cells_{host}"), run.output(f"dead_{host}")
    return 100.0 * _ratio(dead, living + dead)


def _elisa(solute: str, output: str) -> Callable[[Readings, str], Floats]:
    def compute(run: Readings, host: str) -> Floats:
        return run.output(output) / nanomolar_factor("pg/mL", solute)

    return compute


def _il1b_in_cells(run: Readings, host: str) -> Floats:
    mass = run.output(f"il1b_intracellular_{host}") / nanomolar_factor("pg/mL", "il1b")
    return 1e6 * _ratio(mass, _viable_cells(run, host))


def _fold(output: str, reference: str) -> Callable[[Readings, str], Floats]:
    """mRNA per cell relative to an untreated stock culture of the reference host."""

    def compute(run: Readings, host: str) -> Floats:
        level = _ratio(run.output(f"{output}_{host}"), run.output(f"cells_{host}"))
        stock = run.stock_output(reference, f"{output}_{reference}")
        return _ratio(level, _ratio(stock, run.stock_output(reference, f"cells_{reference}")))

    return compute


def _expression(output: str) -> Callable[[Readings, str], Floats]:
    def compute(run: Readings, host: str) -> Floats:
        return run.output(f"{output}_{host}")

    return compute


def _migrated(run: Readings, host: str) -> Floats:
    return 100.0 * _ratio(run.output(f"cells_{host}_stroma"), run.output(f"cells_{host}"))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; 0/0 is NaN (nothing to measure), without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Floats = numerator / denominator
    return quotient


READOUTS: tuple[Readout, ...] = (
    Readout("viable_cells", "cells/mL", "living cells per mL of medium", HOSTS, _viable_cells),
    Readout("viability", "fraction", "living cells, of those in the vehicle well", LEUKAEMIC, _viability),
    Readout("apoptosis", "%", "annexin V: dead cells not yet fallen apart, of all", LEUKAEMIC, _apoptosis),
    Readout("growth_rate", "1/h", "division minus death", HOSTS, _expression("growth_rate")),
    Readout("migrated", "%", "cells at the stroma or below an insert, of all living", LEUKAEMIC, _migrated),
    Readout("il1b", "pg/mL", "free IL-1β in the medium", (), _elisa("il1b", "il1b_medium")),
    Readout("cxcl11", "pg/mL", "free CXCL11, intact and clipped", (), _elisa("cxcl11", "cxcl11_medium")),
    Readout("il1b_in_cells", "pg/1e6 cells", "IL-1β in cells, as mature form", LEUKAEMIC, _il1b_in_cells),
    Readout("il1b_mRNA", "fold", "per cell, of K562S in stock", LEUKAEMIC, _fold("il1b_mRNA", "K562S")),
    Readout("cxcl11_mRNA", "fold", "per cell, of stroma in stock", (STROMA,), _fold("cxcl11_mRNA", STROMA)),
    Readout("p_bcr_abl", "fraction", "phosphorylated share of BCR-ABL", LEUKAEMIC, _expression("p_bcr_abl")),
    Readout("p_crkl", "fraction", "phosphorylated share of CrkL", LEUKAEMIC, _expression("p_crkl")),
    Readout("p_stat5", "fraction", "phosphorylated share of STAT5", LEUKAEMIC, _expression("p_stat5")),
    Readout("p_erk", "fraction", "phosphorylated share of ERK", LEUKAEMIC, _expression("p_erk")),
    Readout("nuclear_nfkb", "fraction", "share of NF-κB in the nucleus", HOSTS, _expression("nuclear_nfkb")),
)


def readout_names() -> tuple[str, ...]:
    """Names of all read-outs."""
    return tuple(readout.name for readout in READOUTS)


def find(key: str | Readout, hosts: Sequence[str]) -> tuple[Readout, str]:
    """Return the read-out and host that ``key`` names in a vessel with these hosts.

    Parameters
    ----------
    key : str or Readout
        ``viability``, or with the host ``viability:K562R``; the host may be left out if only one fits.

    Raises
    ------
    ReadoutError
        If there is no such read-out, or the host is missing, ambiguous or not measured.
    """
    host = None
    if isinstance(key, Readout):
        readout = key
    else:
        name, _, given = key.partition(":")
        host = given or None
        known = {readout.name: readout for readout in READOUTS}
        if name not in known:
            raise ReadoutError(unknown("read-out", name, known))
        readout = known[name]
    if not readout.hosts:
        if host is not None:
            raise ReadoutError(f"{readout.name} is measured in the medium, expected no line, got {host!r}")
        return readout, MEDIUM
    fitting = [candidate for candidate in hosts if candidate in readout.hosts]
    if host is None and len(fitting) == 1:
        return readout, fitting[0]
    if host is None:
        choice = ", ".join(f"{readout.name}:{candidate}" for candidate in fitting or readout.hosts)
        problem = "several lines here" if fitting else f"none of its lines here ({', '.join(hosts)})"
        raise ReadoutError(f"{readout.name}: {problem}, expected one of: {choice}")
    if host not in fitting:
        raise ReadoutError(f"{readout.name}: " + unknown("line", host, fitting))
    return readout, host


class _Recorder:
    """Readings that only note which outputs are asked for."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts
        self.asked: set[str] = set()

    def output(self, name: str) -> Floats:
        self.asked.add(name)
        return np.ones(1)

    def seeded(self, host: str) -> float:
        return 1.0

    def stock_output(self, host: str, name: str) -> Floats:
        return np.ones(1)

    def vehicle(self) -> _Recorder:
        return self


@lru_cache(maxsize=16)
def outputs_needed(hosts: tuple[str, ...]) -> frozenset[str]:
    """Outputs of the model that the read-outs of a vessel with these hosts are computed from."""
    recorder = _Recorder(hosts)
    for readout, host in applicable(hosts):
        readout.compute(recorder, host)
    return frozenset(recorder.asked)


def applicable(hosts: Sequence[str]) -> tuple[tuple[Readout, str], ...]:
    """All read-outs, each with each host, that a vessel with these hosts allows."""
    return tuple(
        (readout, host)
        for readout in READOUTS
        for host in (readout.hosts or (MEDIUM,))
        if host == MEDIUM or host in hosts
    )
