"""Fit of the free defaults to the table of numbers, and writing the result back into the parameter table."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.claims.claim import Measured
from nicheloop.analysis.ensemble import to_sets
from nicheloop.analysis.targets import GROUPS, Target, measure_group

Floats = NDArray[np.float64]

FREE = (
    "division_max_K562S",
    "division_max_K562R",
    "proliferation_half_activity",
    "atp_competition",
    "imatinib_affinity_loss_K562R",
    "death_max",
    "commitment_time",
    "unphosphorylated_activity",
    "stat5_half_activity",
    "erk_half_activity",
    "bim_copies",
    "bax_half_bim",
    "bclxl_nfkb",
    "mcl1_nfkb",
    "il1b_secretion_K562S",
    "il1b_secretion_K562R",
    "irak_half_occupancy",
    "p38_half_irak",
    "cox2_induction",
)
"""Parameters that the table of numbers informs; all others stay at their table value."""
WIDTHS = 4.0
"""A target's bounds are this many standard deviations apart: the fit seeks their middle."""
SOURCE = "calibration"
"""Key in the reference list of a fitted value that has no other source."""
STIFFNESS = 0.02
"""Standard deviation of a one-sided bound, and the margin kept from it, as a share of its range."""
NOTE = "fitted to the table of numbers by simulations/calibrate_defaults.py"
DIFFERENCE = 0.02
"""Step of the central differences, in standard deviations of the prior."""
MOST = 30.0
"""Residual of a run that failed, or of a dose beyond its series."""


@dataclass(frozen=True)
class Fit:
    """Best parameters of a calibration.

    Attributes
    ----------
    values : mapping
        Value by name, in units of the table.
    cost : float
        Half the sum of squared residuals (targets and prior).
    costs : tuple of float
        The same for every start, ascending.
    """

    values: Mapping[str, float]
    cost: float
    costs: tuple[float, ...]


def residuals(positions: Floats, names: Sequence[str] = FREE) -> Floats:
    """Residuals of targets and prior.

    Parameters
    ----------
    positions : ndarray, shape (sets, names)
        In the standard-normal space of the prior.

    Returns
    -------
    ndarray, shape (sets, targets + names)
        A run that fails counts as far as a residual can be.
    """
    from nicheloop.assays.runs.study import Study
    from nicheloop.assays.settings import Settings

    study = Study(to_sets(names, positions), Settings(engine="batch", rtol=1e-6), drawn=True)
    known: dict[str, Floats] = {}
    columns = []
    for group in GROUPS:
        measured = Measured({name: study.runs(scenario) for name, scenario in group.experiments.items()}, 0)
        measure_group(group, measured, known)
        columns += [_miss(target, known[target.quantity]) for target in group.targets]
    return np.column_stack([*columns, positions])


def _miss(target: Target, values: Floats) -> Floats:
    """How far values miss a target, in its standard deviations.

    A published range pulls towards its middle; a one-sided bound is content with anything within, and stiff.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if target.log:
            width = np.log(target.high / target.low) / WIDTHS
            miss = np.log(values / np.sqrt(target.low * target.high)) / width
        else:
            width = STIFFNESS * (target.high - target.low)
            low, high = target.low + width, target.high - width
            miss = (np.maximum(values - high, 0) + np.minimum(values - low, 0)) / width
    return np.asarray(np.clip(np.nan_to_num(miss, nan=MOST, posinf=MOST, neginf=-MOST), -MOST, MOST))


def fit_defaults(seed: int, starts: int, report: Callable[[str], None] = print) -> Fit:
    """Fit :data:`FREE` by least squares from several seeded starts; the best is the most probable set.

    Parameters
    ----------
    seed : int
        Seed of the starts.
    starts : int
        How many; the first is the centre of the prior.
    report : callable
        Told one line per start.
    """
    from scipy.optimize import least_squares

    rng = np.random.default_rng([seed, 2])
    offsets = rng.standard_normal((starts, len(FREE))) * 0.5
    offsets[0] = 0.0
    found = []
    for number, offset in enumerate(offsets):
        result = least_squares(
            lambda x: residuals(x[None])[0], offset, jac=_jacobian, x_scale=1.0, max_nfev=40
        )
        found.append((float(result.cost), result.x))
        report(f"start {number + 1} of {starts}: cost {result.cost:.4f} after {result.nfev} evaluations")
    found.sort(key=lambda pair: pair[0])
    values = to_sets(FREE, found[0][1][None])[0]
    return Fit(values, found[0][0], tuple(cost for cost, _ in found))


def _jacobian(x: Floats) -> Floats:
    """Central differences, all in one batch."""
    steps = DIFFERENCE * np.eye(x.size)
    both = residuals(np.concatenate([x + steps, x - steps]))
    return np.asarray((both[: x.size] - both[x.size :]).T / (2 * DIFFERENCE))


def write_back(values: Mapping[str, float], table: Path) -> None:
    """Replace values in the parameter table, with evidence ``fitted`` and a note; replaced atomically."""
    with table.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        fields = list(reader.fieldnames or ())
        rows = list(reader)
    for row in rows:
        if row["name"] in values:
            row["value"] = f"{values[row['name']]:.4g}"
            row["evidence"] = "fitted"
            row["source"] = row["source"] or SOURCE
            if NOTE not in row["note"]:
                row["note"] = "; ".join(filter(None, (row["note"], NOTE)))
    partial = table.with_name(table.name + ".partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(table)
