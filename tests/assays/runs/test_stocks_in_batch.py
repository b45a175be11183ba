"""Stock cultures that are followed together against those that are found one by one."""

from __future__ import annotations

import numpy as np

import nicheloop as nl
from nicheloop.assays.runs.stocks import FEW_CULTURES
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings
from nicheloop.biology.priors import free_parameters, sample_prior

SETS = 2 * FEW_CULTURES


def draws() -> list[dict[str, float]]:
    names = free_parameters()
    values = sample_prior(SETS, seed=11, names=names)
    return [{name: float(values[name][i]) for name in names} for i in range(SETS)]


def test_together_or_alone_the_cultures_are_the_same() -> None:
    scenario = nl.load_scenario("coculture")
    together = Study(draws(), Settings(engine="batch", rtol=1e-6), drawn=True)
    alone = Study(draws(), Settings(engine="scipy", rtol=1e-6), drawn=True)
    for host in scenario.hosts:
        for name in (f"growth_rate_{host}", f"nuclear_nfkb_{host}"):
            together.runs(scenario)
            ours, theirs = (study.stock_output(scenario, host, name) for study in (together, alone))
            assert np.array_equal(np.isnan(ours), np.isnan(theirs))
            assert np.isfinite(ours).sum() >= SETS // 2
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)


def test_a_culture_does_not_depend_on_its_company() -> None:
    scenario = nl.load_scenario("k562r_growth")
    settings = Settings(engine="batch", rtol=1e-6)
    everyone = Study(draws(), settings, drawn=True).runs(scenario)["viable_cells:K562R"]
    half = Study(draws()[::2], settings, drawn=True).runs(scenario)["viable_cells:K562R"]
    assert np.array_equal(everyone[::2], half, equal_nan=True)
