"""Which parameters a table can inform: pivots against projections, rankings against what must be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fit_cases import series

from nicheloop.analysis.fit.informed import TOLD, informed_parameters, pivots, rank_parameters
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.settings import Settings

LOOSE = Settings("batch", rtol=1e-5)
CANDIDATES = (
    "imatinib_affinity_loss_K562R",
    "imatinib_kd_unphosphorylated",
    "atp_competition",
    "il1b_secretion_K562R",
    "cxcl11_medium_loss",
    "division_max_stroma",
)


def test_pivots_are_what_a_column_adds_to_those_before() -> None:
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(30, 6)) * [5.0, 1.0, 3.0, 0.2, 2.0, 0.0]
    columns[:, 4] = columns[:, 0] - 2.0 * columns[:, 2]
    order, beyond = pivots((columns.T @ columns)[None])
    assert sorted(order) == list(range(6))
    for k, column in enumerate(order):
        before = columns[:, order[:k]]
        left = columns[:, column] - before @ np.linalg.lstsq(before, columns[:, column], rcond=None)[0]
        assert beyond[column] == pytest.approx(np.linalg.norm(left), abs=1e-6)
    assert (beyond < 1e-6).sum() == 2  # the sum of others and the one that is zero
    assert list(beyond[order]) == sorted(beyond, reverse=True)


def test_what_stands_out_at_one_odd_point_only_does_not_count() -> None:
    usual, odd = np.diag([4.0, 0.0, 1.0]), np.diag([4.0, 1e6, 1.0])
    order, beyond = pivots(np.array([usual, odd, usual]))
    assert list(order) == [0, 2, 1]
    np.testing.assert_allclose(beyond, [2.0, 0.0, 1.0])


def test_what_the_wells_do_not_hold_is_not_informed_and_twins_are_told_once() -> None:
    fit = FitProblem(series("viability", ("K562S",)), (), settings=LOOSE)
    ranked = {one.name: one for one in rank_parameters(fit, CANDIDATES, draws=2)}
    for name in ("imatinib_affinity_loss_K562R", "il1b_secretion_K562R", "cxcl11_medium_loss"):
        assert ranked[name].sensitivity == 0.0
        assert not ranked[name].told
    assert ranked["atp_competition"].told
    twin = ranked["imatinib_kd_unphosphorylated"]  # both set how much imatinib it takes
    assert twin.sensitivity > TOLD
    assert twin.beyond < 0.2 * twin.sensitivity


def test_more_values_of_the_same_kind_tell_more() -> None:
    once, often = (FitProblem(series("viability", n=wells), (), settings=LOOSE) for wells in (1.0, 100.0))
    first, second = (rank_parameters(fit, CANDIDATES, draws=1) for fit in (once, often))
    for name in ("atp_competition", "imatinib_affinity_loss_K562R"):
        a, b = (next(one for one in ranked if one.name == name) for ranked in (first, second))
        assert b.sensitivity == pytest.approx(10.0 * a.sensitivity, rel=0.1)


def test_a_problem_without_names_fits_what_is_told() -> None:
    fit = FitProblem(series("viability", n=4.0), noise="fixed", settings=LOOSE)
    told = {one.name for one in rank_parameters(fit) if one.told}
    assert set(fit.names) == told
    assert fit.names == informed_parameters(fit)
    assert {"atp_competition", "imatinib_affinity_loss_K562R"} <= told
    assert len(told) < 12  # six values
    fixed = FitProblem(
        series("viability", n=4.0), noise="fixed", settings=LOOSE, base={"atp_competition": 40.0}
    )
    assert "atp_competition" not in fixed.names
