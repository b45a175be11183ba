"""The sampler against a known distribution, the shipped ensemble against the table it was conditioned on."""

import numpy as np
import pytest

from nicheloop.analysis.claims.claim import Measured
from nicheloop.analysis.ensemble import load_ensemble, prior_sets, sample_conditioned, to_values
from nicheloop.analysis.targets import GROUPS, measure_group
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings
from nicheloop.biology.priors import free_parameters
from nicheloop.biology.table import rows


def test_sampler_draws_a_truncated_normal_and_leaves_the_rest_alone() -> None:
    """Condition x0 > 2.5 (0.6 % of the prior): the conditioned mean is known, x1 stays standard normal."""

    def distance(positions: np.ndarray, tolerance: float) -> np.ndarray:
        gap = np.maximum(2.5 - positions[:, 0], 0.0) ** 2
        return np.where(gap <= tolerance, gap, np.inf)

    positions, diagnostics = sample_conditioned(("a", "b"), distance, 2000, seed=3, report=lambda line: None)
    assert (positions[:, 0] >= 2.5).all()
    # E[x | x > 2.5] = phi(2.5) / (1 - Phi(2.5)) = 2.8227
    assert positions[:, 0].mean() == pytest.approx(2.8227, abs=0.05)
    assert positions[:, 1].mean() == pytest.approx(0.0, abs=0.12)
    assert positions[:, 1].std() == pytest.approx(1.0, abs=0.12)
    assert diagnostics["stages"][-1]["tolerance"] == 0.0


def test_sampler_repeats_itself() -> None:
    def distance(positions: np.ndarray, tolerance: float) -> np.ndarray:
        return np.maximum(1.0 - positions[:, 0], 0.0)

    first, second = (
        sample_conditioned(("a",), distance, 50, seed=7, report=lambda line: None)[0] for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_positions_become_prior_quantiles() -> None:
    names = free_parameters()
    middle = to_values(names, np.zeros((1, len(names))))[0]
    for name, value in zip(names, middle, strict=True):
        row = rows()[name]
        assert row.low is not None
        assert row.high is not None
        expected = (
            (row.low + row.high) / 2 if row.prior in ("normal", "uniform") else np.sqrt(row.low * row.high)
        )
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-12), name


def test_prior_sets_repeat_and_do_not_depend_on_their_number() -> None:
    assert prior_sets(3, seed=1) == prior_sets(5, seed=1)[:3]
    assert prior_sets(1, seed=1) != prior_sets(1, seed=2)


def test_shipped_ensemble_is_of_this_model() -> None:
    ensemble = load_ensemble()
    assert ensemble.values.shape[0] >= 1000
    assert ensemble.names == free_parameters()
    assert np.isfinite(ensemble.values).all()
    assert np.unique(ensemble.values, axis=0).shape[0] >= 0.95 * len(ensemble.values)


def test_shipped_ensemble_meets_the_table() -> None:
    """A seeded sample of the sets, measured anew at a tighter tolerance; bounds may be missed by a hair."""
    sets = load_ensemble().sets()
    chosen = [sets[i] for i in np.random.default_rng(5).choice(len(sets), 24, replace=False)]
    study = Study(chosen, Settings(engine="batch", rtol=1e-6), drawn=True)
    known: dict[str, np.ndarray] = {}
    for group in GROUPS:
        measured = Measured({name: study.runs(scenario) for name, scenario in group.experiments.items()}, 0)
        measure_group(group, measured, known)
        for target in group.targets:
            assert target.distance(known[target.quantity]) == pytest.approx(0.0, abs=0.01), target.quantity
