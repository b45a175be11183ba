"""Read-outs: what an assay would measure, computed from the state of the model.

A read-out is measured on a host (``viability:K562R``) or on the medium (``il1b``). It also knows its assay:
noise, background, limits. To add one, make a `Readout` and ask a result for it: ``run[Readout(...)]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.noise import Noise
from nicheloop.assays.noise_table import shipped_limits, shipped_noise
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML, nanomolar_factor
from nicheloop.biology.hosts import HOSTS, LEUKAEMIC, STROMA

Floats = NDArray[np.float64]
MEDIUM = ""
RELATIVES = ("", "vehicle", "stock")
"""What a read-out is relative to: nothing, the matching vehicle well, an untreated stock culture."""
GROWN = 1e-6
"""Logarithm of the growth of a control from which on a GR value can be told."""


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
        Name as in an assay table, unit of the values, what is measured and relative to what. Values in "%" or
        "fraction" that are relative to nothing are shares of a whole; "fold" and "1" have no upper end.
    hosts : tuple of str
        Cells it can be measured on; empty if it is measured in the medium.
    compute : callable
        ``compute(readings, host)`` gives the values, shape (..., times). Arithmetic and NumPy's elementary
        functions only: derivatives are carried through them.
    noise : Noise or None
        How values of replicate wells scatter on one plate; None: not known.
    background : float
        What the assay shows of nothing, in the unit of the read-out.
    saturation, detection_limit : float or None
        Ends of the assay: a value at or beyond one is only known to be beyond it.
    relative : str
        What the values are relative to: nothing (""), the matching ``vehicle`` well, an untreated ``stock``
        culture.
    plate_sd : float
        SD of the natural logarithm of the factor between plates. Values relative to a vehicle well of the
        same plate have none.
    signed : bool
        Whether values may be negative.

    Raises
    ------
    ValueError
        If a limit is not a number, the limits are in the wrong order, or ``relative`` is unknown.
    """

    name: str
    unit: str
    description: str
    hosts: tuple[str, ...]
    compute: Callable[[Readings, str], Floats]
    noise: Noise | None = None
    background: float = 0.0
    saturation: float | None = None
    detection_limit: float | None = None
    relative: str = ""
    plate_sd: float = 0.0
    signed: bool = False

    def __post_init__(self) -> None:
        if self.relative not in RELATIVES:
            raise ValueError(f"{self.name}: relative: {unknown('reference', self.relative, RELATIVES)}")
        for name in ("background", "saturation", "detection_limit", "plate_sd"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{self.name}: {name}: got {value!r}, expected a finite number")
        if self.plate_sd < 0:
            raise ValueError(f"{self.name}: plate_sd: got {self.plate_sd!r}, expected at least 0")
        low, high = self.detection_limit, self.saturation
        if low is not None and high is not None and low >= high:
            raise ValueError(f"{self.name}: detection_limit {low:g} is not below saturation {high:g}")

    def measured(self, values: ArrayLike) -> Floats:
        """What the assay shows of true values: background added, and no more than it can show."""
        shown: Floats = np.add(values, self.background)
        return shown if self.saturation is None else np.minimum(shown, self.saturation)


def _viable_cells(run: Readings, host: str) -> Floats:
    return run.output(f"cells_{host}") / NANOMOLAR_PER_CELL_PER_ML


def _viability(run: Readings, host: str) -> Floats:
    return _ratio(run.output(f"cells_{host}"), run.vehicle().output(f"cells_{host}"))


def gr_value(cells: ArrayLike, seeded: ArrayLike, control: ArrayLike) -> Floats:
    """Growth-rate inhibition value: 2 ** (log2(cells / seeded) / log2(control / seeded)) - 1.

    1 is growth as in the control, 0 none, and negative where cells were lost; -1 where none are left. Before
    either well has changed it is 1, its limit: a treatment has not reached the cells yet. Cells that a
    passage takes away count as lost, so it is told within one passage only.

    Parameters
    ----------
    cells, seeded, control : array_like
        Living cells in the treated well, at the start, and in the vehicle well; any unit they share.

    Returns
    -------
    ndarray
        NaN where cells have changed and the control has not grown.

    References
    ----------
    Hafner M, Niepel M, Chung M, Sorger PK. Nat Methods 2016, doi:10.1038/nmeth.3853; the formula as given at
    labsyspharm.github.io/dye-drop-microsite.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        grown, treated = np.log(np.divide(control, seeded)), np.log(np.divide(cells, seeded))
        start = (np.absolute(grown) <= GROWN) & (np.absolute(treated) <= GROWN)
        told = np.where(start | (grown > GROWN), 1.0, np.nan)
        values: Floats = told * (np.exp2(start + treated / (start + grown)) - 1.0)
    return values


def _gr(run: Readings, host: str) -> Floats:
    return gr_value(run.output(f"cells_{host}"), run.seeded(host), run.vehicle().output(f"cells_{host}"))


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


def _shipped(
    name: str,
    unit: str,
    description: str,
    hosts: tuple[str, ...],
    compute: Callable[[Readings, str], Floats],
    relative: str = "",
    signed: bool = False,
) -> Readout:
    """Make a read-out with the noise and limits of ``assay_noise.csv``."""
    noise, limits = shipped_noise(name, whole=100.0 if unit == "%" else 1.0), shipped_limits(name)
    return Readout(name, unit, description, hosts, compute, noise, relative=relative, signed=signed, **limits)


READOUTS: tuple[Readout, ...] = (
    _shipped("viable_cells", "cells/mL", "living cells per mL of medium", HOSTS, _viable_cells),
    _shipped(
        "viability",
        "fraction",
        "living cells, of those in the vehicle well",
        LEUKAEMIC,
        _viability,
        "vehicle",
    ),
    _shipped("gr", "1", "growth-rate inhibition (GR) value", LEUKAEMIC, _gr, "vehicle", signed=True),
    _shipped("apoptosis", "%", "annexin V: dead cells not yet fallen apart, of all", LEUKAEMIC, _apoptosis),
    _shipped("growth_rate", "1/h", "division minus death", HOSTS, _expression("growth_rate"), signed=True),
    _shipped("migrated", "%", "cells at the stroma or below an insert, of all living", LEUKAEMIC, _migrated),
    _shipped("il1b", "pg/mL", "free IL-1β in the medium", (), _elisa("il1b", "il1b_medium")),
    _shipped("cxcl11", "pg/mL", "free CXCL11, intact and clipped", (), _elisa("cxcl11", "cxcl11_medium")),
    _shipped("il1b_in_cells", "pg/1e6 cells", "IL-1β in cells, as mature form", LEUKAEMIC, _il1b_in_cells),
    _shipped(
        "il1b_mRNA", "fold", "per cell, of K562S in stock", LEUKAEMIC, _fold("il1b_mRNA", "K562S"), "stock"
    ),
    _shipped(
        "cxcl11_mRNA",
        "fold",
        "per cell, of stroma in stock",
        (STROMA,),
        _fold("cxcl11_mRNA", STROMA),
        "stock",
    ),
    _shipped("p_bcr_abl", "fraction", "phosphorylated share of BCR-ABL", LEUKAEMIC, _expression("p_bcr_abl")),
    _shipped("p_crkl", "fraction", "phosphorylated share of CrkL", LEUKAEMIC, _expression("p_crkl")),
    _shipped("p_stat5", "fraction", "phosphorylated share of STAT5", LEUKAEMIC, _expression("p_stat5")),
    _shipped("p_erk", "fraction", "phosphorylated share of ERK", LEUKAEMIC, _expression("p_erk")),
    _shipped("nuclear_nfkb", "fraction", "share of NF-κB in the nucleus", HOSTS, _expression("nuclear_nfkb")),
)


def readout_names() -> tuple[str, ...]:
    """Names of all read-outs."""
    return tuple(readout.name for readout in READOUTS)


def readouts_with(own: Iterable[Readout] = ()) -> FrozenMap[Readout]:
    """Return the shipped read-outs and own ones, by name.

    Raises
    ------
    ValueError
        If an own one has the name of another, a name that cannot stand in a table, or an unknown host.
    """
    known = {readout.name: readout for readout in READOUTS}
    for readout in own:
        name = readout.name if isinstance(readout, Readout) else None
        if name is None:
            raise ValueError(f"readouts: got {readout!r}, expected nl.Readout(...)")
        if not name or name != name.strip() or ":" in name:
            raise ValueError(f"readouts: got the name {name!r}, expected one like 'ldh', without colon")
        if name in readout_names():
            raise ValueError(f"readouts: {name!r} ships with the package, expected a name of its own")
        if known.setdefault(name, readout) != readout:
            raise ValueError(f"readouts: two are called {name!r}, expected a name for each")
        for host in readout.hosts:
            if host not in HOSTS:
                raise ValueError(f"{name}: {unknown('host', host, HOSTS)}")
    return FrozenMap(known)


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
