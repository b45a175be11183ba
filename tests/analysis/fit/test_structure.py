"""What a design could tell without noise: closed forms of A -> B, and cases of the model."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pypesto")
sys.path.insert(0, str(Path(__file__).parent))
from closed_problems import parameter
from fit_cases import problem, series, table, well

from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.analysis.fit.structure import Structure, structure, structure_of

TIMES = np.linspace(0.1, 3.0, 20)
NAMES = ("k1", "k2", "amount", "scale")


def decay(points: int = 4) -> Structure:
    """A -> B with rate k1 k2 from an amount; scale * A is measured: ln = ln scale + ln amount - k1 k2 t."""
    rng = np.random.default_rng(1)
    free = [parameter(name, sd) for name, sd in zip(NAMES, (1.0, 0.6, 1.0, 0.5), strict=True)]
    matrices = []
    for k1, k2 in rng.lognormal(size=(points, 2)):
        by_rate, by_amount = -k1 * k2 * TIMES, np.ones(TIMES.size)
        columns = [by_rate, by_rate, by_amount, by_amount]
        matrices.append(np.stack(columns, axis=1) * [one.prior_sd for one in free])
    return structure_of(matrices, free)


def test_only_the_product_of_rates_and_of_scale_and_amount_is_told() -> None:
    found = decay()
    assert (found.rank, found.same, found.points) == (2, 4, 4)
    assert found.clear
    assert not found.silent
    assert {frozenset(text.partition(":")[0].split(" and ")) for text in found.confounded} == {
        frozenset(("k1", "k2")),
        frozenset(("amount", "scale")),
    }
    assert all(text.endswith("only their product") for text in found.confounded)
    assert "2 of 4 combinations, at 4 of 4" in found.verdict


def test_a_ratio_a_silent_parameter_and_a_weak_one_are_told_apart() -> None:
    free = [parameter(name) for name in ("on", "off", "weak", "silent")]
    matrix = np.stack([TIMES, -TIMES, 1e-5 * TIMES**2, 0 * TIMES], axis=1)
    found = structure_of([matrix, 2 * matrix], free)
    assert found.rank == 2
    assert found.silent == ("silent",)
    assert found.confounded == ("on and off: only their ratio",)
    assert "not told: silent; on and off: only their ratio" in found.verdict


def test_a_rank_that_differs_or_has_no_gap_is_not_clear() -> None:
    free = [parameter("a"), parameter("b")]
    differing = structure_of([np.eye(2), np.eye(2), np.ones((2, 2))], free)
    assert (differing.rank, differing.same) == (2, 2)
    assert not differing.clear
    vague = structure_of([np.array([[1.0, 1.0], [0.0, 1e-5]]), np.array([[1.0, 1.0], [0.0, 1e-7]])], free)
    assert not vague.clear


def test_a_parameter_that_acts_on_nothing_measured_is_silent() -> None:
    names = ("death_max", "il1b_secretion_K562R")
    found = structure(FitProblem(series("viability", ("K562S",)), names, noise="fixed"), points=2)
    assert found.silent == ("il1b_secretion_K562R",)
    assert (found.rank, found.same, found.points) == (1, 2, 2)
    assert found.clear


def test_export_and_loss_of_affinity_do_the_same_to_one_viability() -> None:
    """One dose, one time: one number for two parameters; a series of doses parts them, by very little."""
    names = ("abcb1_export", "imatinib_affinity_loss_K562R")
    whole = FitProblem(series("viability", ("K562R",)), names, noise="fixed")
    told = {"well": 0, "readout": "viability", "host": "K562R", "time_h": 72.0}
    one = FitProblem(table([well("K562R", 0.4)], [told]), names, noise="fixed")
    found = structure(one, points=2)
    assert (found.rank, found.same) == (1, 2)
    assert not found.silent
    assert structure(whole, points=2).rank == 2


def test_points_are_checked() -> None:
    with pytest.raises(ValueError, match="points: got 0"):
        structure(problem("viability"), points=0)
