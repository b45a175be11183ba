"""The table of numbers that the default must meet, each measured on the model as in its source.

The experiments come in groups: a parameter set that misses an early group need not run the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.claims.claim import STROMA_DENSITY, Measured, experiment, leukaemia, ratio
from nicheloop.analysis.curves import ec50, half_dose
from nicheloop.analysis.evidence import Check
from nicheloop.assays.readouts import Readings, Readout
from nicheloop.assays.scenario import Scenario

Floats = NDArray[np.float64]

DOSES_S = (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.25, 0.32, 0.42, 0.6, 1.0, 2.0, 5.0)
DOSES_R = (0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 2.5, 3.2, 4.0, 6.0, 10.0, 30.0)
"""Imatinib (µM) around the published IC50s."""
COMMON_DOSES = (0.1, 5.0)
"""Imatinib (µM), the range over which resistance is averaged."""
PM_IL1B = (0.1, 0.3, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
"""IL-1β on stroma, pM."""
PG_PER_PM = 17.5
"""pg/mL of 1 pM IL-1β."""
BLOCKADE = {"il1ra": "2 ug/mL", "anti_il1b": "10 ug/mL", "anti_il1rap": "20 ug/mL"}
"""All arms of IL-1 at once."""
PULSES = (8.0, 24.0)
"""Exposure to 1 µM imatinib before the wash-out, h."""


def _pge2(run: Readings, host: str) -> Floats:
    return run.output("pge2_medium")


def _occupancy(run: Readings, host: str) -> Floats:
    return ratio(run.output(f"il1r1_bound_{host}"), run.output(f"il1r1_{host}"))


MAHON = "Blood 2000;96:1070"
BAF3 = "BaF3 + BCR-ABL, 20 replicates (abl_dms IC50HeatMap.csv), a factor 1.5 either way"
SNEAD = "Blood 2009;114:3459"
MEAN_S = "mean viability of K562S"
DOUBLING = "doubling time of K562S, no drug"
IL1B_S = "IL-1β in medium of K562S at 72 h"
IC50_S = "72 h viable-cell IC50 of K562S"
IC50_R = "72 h viable-cell IC50 of K562R"
EC50_STROMA = "EC50 of IL-1β on stroma (PGE2, 24 h)"

Known = Mapping[str, Floats]
"""Quantities measured before, by name, for the same parameter sets."""
Measure = Callable[[Measured, Known], Floats]

PGE2 = Readout("pge2", "nM", "PGE2 in the medium", (), _pge2)
OCCUPANCY = Readout(
    "il1r1_occupancy", "fraction", "share of IL1R1 that holds a ligand", ("stroma",), _occupancy
)


@dataclass(frozen=True)
class Target:
    """One number with a source.

    Attributes
    ----------
    quantity, unit : str
        What and in which unit.
    low, high : float
        Bounds that the model must lie within.
    source : str
        Where the bounds were read.
    measure : callable
        Value per parameter set from the runs of its group and the quantities before it.
    log : bool
        A published range, judged on a log scale; otherwise a one-sided bound, judged on a linear one.
    """

    quantity: str
    unit: str
    low: float
    high: float
    source: str
    measure: Measure
    log: bool = True

    def distance(self, values: Floats) -> Floats:
        """Distance to the bounds: 0 within, in factors of e (or in 0.25, on a linear scale); inf for NaN."""
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                x, low, high = np.log(values), np.log(self.low), np.log(self.high)
        else:
            x, low, high = values / 0.25, self.low / 0.25, self.high / 0.25
        gap = np.maximum(np.maximum(low - x, x - high), 0.0)
        # A dose beyond the series is far, but how far is unknown: all such sets are equally bad.
        return np.where(np.isnan(values), np.inf, np.minimum(gap, 10.0))


@dataclass(frozen=True)
class Group:
    """Targets that the same experiments measure; ``aside`` is measured for later groups and not judged."""

    name: str
    experiments: Mapping[str, Scenario]
    targets: tuple[Target, ...]
    aside: Mapping[str, Measure] = field(default_factory=dict)


def _series(line: str, doses: Sequence[float], label: str, **treatments: str) -> dict[str, Scenario]:
    """A vehicle well and an imatinib series, all with the same other treatments."""
    return {
        f"{label}/{dose:g}": leukaemia(
            line, treatments={**treatments, "imatinib": dose}, times=(0.0, 2.0, 72.0)
        )
        for dose in (0.0, *doses)
    }


def _ic50(label: str, line: str, doses: Sequence[float]) -> Measure:
    def measure(measured: Measured, known: Known) -> Floats:
        readout = f"viable_cells:{line}"
        living = np.array([measured(f"{label}/{dose:g}", readout, 72) for dose in doses])
        return half_dose(doses, ratio(living, measured(f"{label}/0", readout, 72)).T)

    return measure


def _mean_viability(label: str, line: str, doses: Sequence[float]) -> Measure:
    """Viability averaged over log dose in the range that all series share."""
    grid = np.linspace(np.log(COMMON_DOSES[0]), np.log(COMMON_DOSES[1]), 41)

    def measure(measured: Measured, known: Known) -> Floats:
        readout = f"viable_cells:{line}"
        living = np.array([measured(f"{label}/{dose:g}", readout, 72) for dose in doses])
        curves = ratio(living, measured(f"{label}/0", readout, 72)).T
        return np.array([np.interp(grid, np.log(doses), curve).mean() for curve in curves])

    return measure


def _steepness(measured: Measured, known: Known) -> Floats:
    """How gradual the dose-response of K562S is; 4.9 in the shipped series of 20 replicates."""
    living = np.array([measured(f"K562S/{dose:g}", "viable_cells:K562S", 72) for dose in DOSES_S])
    curves = ratio(living, measured("K562S/0", "viable_cells:K562S", 72)).T
    return ratio(half_dose(DOSES_S, curves, np.array(0.2)), half_dose(DOSES_S, curves, np.array(0.8)))


def _doubling(measured: Measured, known: Known) -> Floats:
    growth = measured("K562S/0", "growth_rate:K562S", 0)
    return np.where(growth > 0, np.log(2) / np.where(growth > 0, growth, 1.0), np.nan)


def _growth_ratio(measured: Measured, known: Known) -> Floats:
    return np.asarray(measured("K562R/0", "growth_rate:K562R", 0) * known[DOUBLING] / np.log(2))


def _il1b_ratio(measured: Measured, known: Known) -> Floats:
    return ratio(measured("K562R/0", "il1b", 72), known[IL1B_S])


def _kinase_block(measured: Measured, known: Known) -> Floats:
    readout = "p_bcr_abl:K562S"
    return 1 - ratio(measured("K562S/1", readout, 2), measured("K562S/0", readout, 2))


def _after_pulse(hours: float) -> Measure:
    def measure(measured: Measured, known: Known) -> Floats:
        readout = "viable_cells:K562S"
        return ratio(measured(f"pulse/{hours:g}", readout, 72), measured("K562S/0", readout, 72))

    return measure


def _il1b_share(measured: Measured, known: Known) -> Floats:
    """Share of the resistance that full IL-1 blockade removes.

    Resistance is the mean viability over log dose beyond that of K562S, so a lifted floor counts like a
    shifted curve.
    """
    free, blocked = (
        _mean_viability(label, "K562R", DOSES_R)(measured, known) for label in ("K562R", "blocked")
    )
    return ratio(free - blocked, free - known[MEAN_S])


def _stroma_ec50(measured: Measured, known: Known) -> Floats:
    response = np.array([measured(f"stroma/{dose:g}", PGE2, 24) for dose in PM_IL1B])
    return ec50(PM_IL1B, response.T, measured("stroma/0", PGE2, 24))


def _stroma_occupancy(measured: Measured, known: Known) -> Floats:
    """Occupancy after 4 h at the EC50, linear in log dose."""
    held = np.array([measured(f"stroma/{dose:g}", OCCUPANCY, 4) for dose in PM_IL1B]).T
    middle = np.clip(known[EC50_STROMA], PM_IL1B[0], PM_IL1B[-1])
    x = np.log(PM_IL1B)
    return np.array(
        [np.interp(np.log(m), x, h) if np.isfinite(m) else np.nan for m, h in zip(middle, held, strict=True)]
    )


GROUPS: tuple[Group, ...] = (
    Group(
        "K562S",
        {
            **_series("K562S", DOSES_S, "K562S"),
            **{
                f"pulse/{hours:g}": leukaemia(
                    "K562S",
                    treatments={"imatinib": 1.0},
                    times=(0.0, 72.0),
                    events=({"at": hours, "wash_out": 1.0},),
                )
                for hours in PULSES
            },
        },
        (
            Target(
                DOUBLING, "h", 24, 36, "PMC3411713 Table 1 (34 h) to Yu et al. (20.4 h), rounded", _doubling
            ),
            Target(
                IL1B_S,
                "pg/mL",
                0,
                20,
                "prior; K562 shows IL-1β only after PMA, PMID 9877448",
                lambda m, _: m("K562S/0", "il1b", 72),
                log=False,
            ),
            Target(IC50_S, "uM", 0.15, 0.35, MAHON, _ic50("K562S", "K562S", DOSES_S)),
            Target("dose ratio from 80 % to 20 % viability, K562S", "1", 3.3, 7.4, BAF3, _steepness),
            Target(
                "loss of p-BCR-ABL in K562S, 1 uM, 2 h", "fraction", 0.9, 1, SNEAD, _kinase_block, log=False
            ),
            Target(
                "K562S at 72 h after 8 h of 1 uM, of vehicle",
                "fraction",
                0.5,
                1.1,
                SNEAD,
                _after_pulse(8),
                log=False,
            ),
            Target(
                "K562S at 72 h after 24 h of 1 uM, of vehicle",
                "fraction",
                0,
                0.5,
                SNEAD,
                _after_pulse(24),
                log=False,
            ),
        ),
        {MEAN_S: _mean_viability("K562S", "K562S", DOSES_S)},
    ),
    Group(
        "K562R",
        {
            **_series("K562R", DOSES_R, "K562R"),
            **_series("K562R", DOSES_R, "blocked", **BLOCKADE),
        },
        (
            Target("growth rate K562R / K562S, no drug", "1", 0.6, 0.8, MAHON, _growth_ratio),
            Target(
                "IL-1β in medium at 72 h, K562R / K562S",
                "1",
                3,
                50,
                "prior; K562 shows IL-1β only after PMA, PMID 9877448",
                _il1b_ratio,
            ),
            Target(IC50_R, "uM", 1.5, 4, MAHON, _ic50("K562R", "K562R", DOSES_R)),
            Target(
                "IC50 K562R / K562S", "1", 6, 16, MAHON, lambda _, known: ratio(known[IC50_R], known[IC50_S])
            ),
            Target(
                "share of resistance that full IL-1 blockade removes",
                "fraction",
                0.02,
                0.95,
                "CML colonies under IL-1 blockade: Blood 1994;84:3142, Blood 1991;78:1476",
                _il1b_share,
                log=False,
            ),
        ),
    ),
    Group(
        "stroma",
        {
            f"stroma/{dose:g}": experiment(
                name="stroma",
                stroma={"mode": "coculture", "density": STROMA_DENSITY},
                treatments={"il1b": dose * PG_PER_PM},
                duration=24,
                times=(0.0, 4.0, 24.0),
            )
            for dose in (0.0, *PM_IL1B)
        },
        (
            Target(EC50_STROMA, "pM", 2, 5, "Chin 1987 (J Exp Med)", _stroma_ec50),
            Target(
                "IL-1 receptor occupancy at that EC50",
                "fraction",
                0.1,
                0.15,
                "Chin 1987 (J Exp Med)",
                _stroma_occupancy,
            ),
        ),
    ),
)


def measure_group(group: Group, measured: Measured, known: dict[str, Floats]) -> None:
    """Add the values of a group's targets to ``known``."""
    for name, measure in group.aside.items():
        known[name] = measure(measured, known)
    for target in group.targets:
        known[target.quantity] = target.measure(measured, known)


def checks(measured: Measured) -> tuple[Check, ...]:
    """Return every number of the table for the default parameters (the first set)."""
    known: dict[str, Floats] = {}
    found = []
    for group in GROUPS:
        measure_group(group, measured, known)
        for target in group.targets:
            value = float(known[target.quantity][0])
            met = target.low <= value <= target.high
            text = f"{target.low:g} to {target.high:g}"
            found.append(
                Check(target.quantity, text, target.unit, value, target.low, target.high, target.source, met)
            )
    return tuple(found)
