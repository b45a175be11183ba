"""Designs and estimators are SALib's: the same rows, the same indices."""

from __future__ import annotations

import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from SALib.analyze import fast, morris, sobol
from SALib.analyze.delta import calc_delta
from SALib.sample import fast_sampler
from SALib.sample import morris as morris_sampler
from SALib.sample import sobol as sobol_sampler
from scipy.stats import ks_2samp

from nicheloop.analysis.sensitivity import Space
from nicheloop.analysis.sensitivity.designs import EDGE, LEVELS, Curves, Points, Saltelli, Trajectories
from nicheloop.analysis.sensitivity.distribution import SLIDES, _classes, delta_indices, pawn_indices
from nicheloop.analysis.sensitivity.efast import efast_indices
from nicheloop.analysis.sensitivity.morris import morris_indices
from nicheloop.analysis.sensitivity.sobol import sobol_indices

sys.path.insert(0, str(Path(__file__).parent))
import known

NAMES = ("a", "b", "c", "d")
PLAIN = Space.uniform(dict.fromkeys(NAMES, (0.0, 1.0)))
GROUPED = Space.uniform(dict.fromkeys(NAMES, (0.0, 1.0)), {"one": ["a", "c"], "other": ["b", "d"]})
BOTH = pytest.mark.parametrize("space", [PLAIN, GROUPED], ids=["single", "grouped"])


def problem(space: Space, *more: str) -> dict[str, object]:
    names = [*space.names, *more]
    return {
        "num_vars": len(names),
        "names": names,
        "bounds": [[0.0, 1.0]] * len(names),
        "groups": [*space.groups, *more] if space.grouped else None,
    }


def response(x: np.ndarray) -> np.ndarray:
    return np.exp(x[:, 0] + 0.5 * x[:, 1]) * (1 + x[:, 2]) - x[:, 3] ** 2


def all_rows(design: Saltelli | Trajectories | Curves) -> np.ndarray:
    return design.levels(0, design.blocks * design.block_rows)


@BOTH
@pytest.mark.parametrize("second_order", [False, True])
def test_sobol(space: Space, second_order: bool) -> None:
    design = Saltelli.of(space, 64, 5, second_order)
    rows = all_rows(design).reshape(64, design.block_rows, -1)
    count = len(space.factors)
    dummies = [1 + count, 2 + 2 * count] if second_order else [1 + count]
    assert (rows[:, dummies[0]] == rows[:, 0]).all()
    assert (rows[:, dummies[-1]] == rows[:, -1 if second_order else 0]).all()
    rng = np.random.default_rng(5)
    theirs = sobol_sampler.sample(problem(space), 64, calc_second_order=second_order, seed=rng)
    assert (np.delete(rows, dummies, axis=1).reshape(-1, 4) == theirs).all()

    y = response(rows.reshape(-1, 4)).reshape(64, -1, 1)
    found = sobol_indices(design, y, 2000, 1)
    kept = np.delete(y, dummies, axis=1)
    expected = sobol.analyze(
        problem(space), kept.ravel(), calc_second_order=second_order, num_resamples=2000, seed=1
    )
    for name in ("S1", "ST"):
        assert found[name].value[:count, 0] == pytest.approx(expected[name], rel=1e-9, abs=1e-12)
        half = 0.5 * (found[name].high - found[name].low)[:count, 0]
        assert half == pytest.approx(expected[f"{name}_conf"], rel=0.15)
    if second_order:
        upper = np.triu_indices(count, 1)
        assert found["S2"].value[..., 0][upper] == pytest.approx(expected["S2"][upper], rel=1e-9, abs=1e-12)
        assert (found["S2"].value == found["S2"].value.transpose(1, 0, 2))[upper].all()


@BOTH
def test_morris(space: Space) -> None:
    design = Trajectories.of(space, 20, 5)
    theirs = morris_sampler.sample(problem(space, "dummy"), 20, num_levels=LEVELS, seed=5)
    assert all_rows(design) == pytest.approx(EDGE + (1 - 2 * EDGE) * theirs[:, :-1])

    y = response(all_rows(design))
    found = morris_indices(design, y.reshape(20, -1, 1), space.belongs.sum(axis=1) > 1, 500, 1)
    expected = morris.analyze(
        problem(space, "dummy"), theirs, y, num_levels=LEVELS, num_resamples=500, seed=1
    )
    shrunk = 1 / (1 - 2 * EDGE)  # our steps are as much shorter
    size = found["mu_star"]
    assert size.value[:, 0] == pytest.approx(shrunk * expected["mu_star"])
    half = 0.5 * (size.high - size.low)[:-1, 0]
    assert half == pytest.approx(shrunk * expected["mu_star_conf"][:-1], rel=0.25)
    if space.grouped:
        assert np.isnan(found["sigma"].value[:2]).all()
        assert np.isnan(found["mu"].value[:2]).all()
    else:
        assert found["mu"].value[:, 0] == pytest.approx(shrunk * expected["mu"])
        assert found["sigma"].value[:, 0] == pytest.approx(shrunk * expected["sigma"])


def test_efast() -> None:
    points = 129
    phases = 2 * np.pi * np.random.default_rng(5).random(5)  # one for all parameters, as SALib draws them
    design = Curves(np.repeat(phases[None, :, None], 5, axis=2), points)
    theirs = fast_sampler.sample(problem(PLAIN, "dummy"), points, seed=5)
    assert all_rows(design) == pytest.approx(theirs[:, :-1], abs=1e-12)

    y = response(all_rows(design))
    found = efast_indices(design, y.reshape(1, -1, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its intervals, which are not looked at
        expected = fast.analyze(problem(PLAIN, "dummy"), y, num_resamples=2)
    for name in ("S1", "ST"):
        assert found[name].value[:, 0] == pytest.approx(np.array(expected[name], dtype=float))


def test_pawn() -> None:
    """By SciPy's test, slide by slide; with ties."""
    design = Points.of(PLAIN, 512, 5)
    y = np.round(response(design.unit), 2)
    found = pawn_indices(design, y[:, None, None], 0, 1)
    for factor in range(4):
        levels = design.unit[:, factor]
        edges = np.quantile(levels, np.linspace(0, 1, SLIDES + 1))
        edges[-1] = 2
        slides = [(levels >= low) & (levels < high) for low, high in pairwise(edges)]
        distances = [ks_2samp(y[slide], y).statistic for slide in slides]
        assert found["median"].value[factor, 0] == pytest.approx(np.median(distances))
        assert found["maximum"].value[factor, 0] == pytest.approx(np.max(distances))


def test_delta() -> None:
    design = Points.of(PLAIN, 512, 5)
    y = response(design.unit)
    found = delta_indices(design, y[:, None, None], 0, 1)
    grid = np.linspace(y.min(), y.max(), 100)
    classes = np.linspace(0, y.size, _classes(y.size) + 1)
    expected = [calc_delta(y, grid, design.unit[:, i], classes) for i in range(4)]
    assert found["delta"].value[:4, 0] == pytest.approx(expected)


def test_known_functions_are_those_of_salib() -> None:
    from SALib.test_functions import Ishigami, Sobol_G

    x = np.random.default_rng(1).uniform(-3, 3, (50, 3))
    assert known.ishigami(x) == pytest.approx(Ishigami.evaluate(x))
    u = np.random.default_rng(1).random((50, 6))
    assert known.sobol_g(u) == pytest.approx(Sobol_G.evaluate(u, known.G))
