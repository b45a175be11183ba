"""A small fit that the tests of its report and figures share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from nicheloop.analysis.fit.fit import fit
from nicheloop.analysis.fit.story import Findings, findings
from nicheloop.analysis.fit.summaries import Ic50Term
from nicheloop.assays.library import load_scenario
from nicheloop.assays.noise import Normal
from nicheloop.assays.tables.virtual import simulate_assay

FREE = ("death_max", "il1b_secretion_K562R")


@cache
def small() -> Findings:
    """Four viabilities of K562S and its IC50, two free parameters of which one is not told."""
    doses: Any = [0.1, 0.3, 1.0, 3.0]
    scenario = load_scenario("imatinib_k562s").with_(vary={"imatinib": doses}, times=[72])
    table = simulate_assay(scenario, ["viability"], 1, seed=2, noise=Normal(sd=0.03))
    return findings(
        fit(table, FREE, starts=3, noise="fixed", workers=1, constraints=(Ic50Term("K562S", 0.2, 0.25),)),
        scenarios=("s2_il1b_k562r",),
    )


def verdicts() -> np.ndarray:
    """Verdicts of the parameters."""
    return np.array([one.verdict for one in small().estimates])
