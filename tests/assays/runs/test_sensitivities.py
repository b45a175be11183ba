"""Sensitivities of a vessel of the model, with a wash and a dose in between, against central differences."""

from __future__ import annotations

import numpy as np
import pytest

from nicheloop.assays.library import load_scenario
from nicheloop.assays.runs.plan import plan_of
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.settings import Settings
from nicheloop.integrate import BatchPeriod, BatchSolver, PeriodSensitivity

# Rates, half-saturations inside of expressions, copies per cell. The second dose is so many times the Kd.
NAMES = (
    *("imatinib_kon", "imatinib_kd_phosphorylated", "abcb1_turnover", "erk_half_activity", "commitment_time"),
    *("bh3_kon", "bclxl_basal", "ikk_basal", "bcr_abl_copies_K562S", "commitment_half", "death_max"),
)
DOSED, DOSE = "imatinib_kd_phosphorylated", 50.0
WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of differences of order 8
TIMES = np.array([0.0, 4, 8, 8.5, 24, 30, 36, 72])


class Vessel:
    """K562S in imatinib, washed at 8 h, dosed again at 30 h."""

    def __init__(self) -> None:
        plan = plan_of(load_scenario("imatinib_washout"))
        start = Specimen({}, Settings()).start(plan)
        edit = plan.steps[1].edit
        assert edit is not None
        self.p, self.state, self.wash = start.vector, start.state, edit.scale[None]
        self.system, self.atol = plan.compiled.system, plan.compiled.atol
        ((self.imatinib, _),) = dict(self.system.network.observables)["imatinib_medium"]

    def periods(self, rows: np.ndarray) -> list[BatchPeriod]:
        amount = np.zeros((len(rows), self.system.n))
        amount[:, self.imatinib] = DOSE * rows[:, self.system.parameter_index(DOSED)]
        slopes = np.zeros((1, self.system.n, len(NAMES)))
        slopes[0, self.imatinib, NAMES.index(DOSED)] = DOSE
        return [
            BatchPeriod(0.0, 8.0, rows),
            BatchPeriod(8.0, 30.0, rows, self.wash),
            BatchPeriod(30.0, 72.0, rows, None, amount, PeriodSensitivity(shift=slopes)),
        ]

    def differences(self, name: str, outputs: str) -> np.ndarray:
        solver = BatchSolver(self.system, 1e-12, self.atol * 1e-6)
        i = self.system.parameter_index(name)
        rows, h = np.tile(self.p, (8, 1)), 5e-3 * self.p[i]
        rows[:, i] += h * np.array([1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0])
        y = solver.run_periods(self.periods(rows), self.state[None], TIMES, outputs=outputs).y
        return np.asarray(sum(w * (y[2 * m] - y[2 * m + 1]) for m, w in enumerate(WEIGHTS)) / h)


@pytest.mark.parametrize("outputs", ["species", "observables"])
def test_sensitivities_of_the_model_match_differences(outputs: str) -> None:
    vessel = Vessel()
    result = BatchSolver(vessel.system, 1e-8, vessel.atol * 1e-2).run_periods(
        vessel.periods(vessel.p[None]), vessel.state[None], TIMES, outputs=outputs, sensitivities=NAMES
    )
    assert result.status.tolist() == ["ok"]
    assert result.sensitivities is not None
    size = np.abs(result.y[0]).max(axis=0)
    if outputs == "species":
        size = np.maximum(size, vessel.atol * 1e3)
    for column, name in enumerate(NAMES):
        expected = vessel.differences(name, outputs)
        p = vessel.p[vessel.system.parameter_index(name)]
        scale = np.maximum(np.abs(expected).max(axis=0), 1e-3 * size / p) + 1e-300
        deviation = np.abs(result.sensitivities[0, :, :, column] - expected) / scale
        assert deviation.max() < 1e-5, (name, result.names[int(deviation.max(axis=0).argmax())])
    dosed = result.sensitivities[0, 5, :, NAMES.index(DOSED)] if outputs == "species" else None
    assert dosed is None or dosed[vessel.imatinib] == pytest.approx(DOSE, rel=1e-3)
