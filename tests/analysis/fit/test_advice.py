"""What is expected of a measurement against what it does once it is among the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nicheloop.analysis.fit.advice import REPLICATES, Candidate, advise, candidates, plain
from nicheloop.analysis.fit.posterior import covariance_at
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.readouts import READOUTS
from nicheloop.assays.tables.build import table_of_wells
from nicheloop.assays.tables.predictions import predict

from .fit_cases import DOSES, LEFT_OUT, series, well

NAMES = ("death_max", "il1b_secretion_K562R", "imatinib_affinity_loss_K562R")


@pytest.fixture(scope="module")
def problem() -> FitProblem:
    return FitProblem(series("viability"), NAMES, noise="fixed")


def measured(problem: FitProblem, readout: str, host: str, time: float) -> Any:
    """A table with that measurement, three replicates on one plate, exactly as the model says."""
    wells = [well("K562R", dose) for dose in DOSES]
    rows = [
        {
            **LEFT_OUT,
            "well": i,
            "readout": readout,
            "host": host,
            "time_h": time,
            "value": 0.5,
            "plate": "p",
            "experiment": "next",
        }
        for i in range(len(wells))
        for _ in range(REPLICATES)
    ]
    limits = {one.name: one.detection_limit for one in READOUTS}
    if limits[readout] is not None:
        rows = [{**row, "detection_limit": limits[readout]} for row in rows]
    if readout == "viability":
        rows = [{**row, "relative_to": "vehicle"} for row in rows]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    model = predict(table_of_wells(wells, columns), [problem.to_values(problem.start)]).values[0]
    return table_of_wells(wells, {**columns, "value": model}, source="next.csv")


@pytest.mark.parametrize(
    ("readout", "host"), [("viability", "K562R"), ("growth_rate", "K562R"), ("il1b", "")]
)
def test_the_expected_interval_is_that_of_a_fit_to_both(problem: FitProblem, readout: str, host: str) -> None:
    together = problem.with_(tables=(*problem.tables, measured(problem, readout, host, 48.0)))
    expected = np.sqrt(np.diag(covariance_at(together, problem.start)))
    now = np.sqrt(np.diag(covariance_at(problem, problem.start)))
    from nicheloop.analysis.fit.advice import _told, _with

    candidate = Candidate("next", readout, host, 48.0, tuple(well("K562R", dose) for dose in DOSES))
    ((slopes, noise),) = _told(problem, problem.start, [candidate])
    found = np.sqrt(np.diag(_with(covariance_at(problem, problem.start), slopes, noise)))
    np.testing.assert_allclose(found, expected, rtol=0.02)
    assert (found <= now * (1 + 1e-9)).all()


def test_what_is_flat_gets_a_measurement_that_tells_of_it(problem: FitProblem) -> None:
    (advice,) = advise(problem, problem.start, ["il1b_secretion_K562R"], scenarios=("s2_il1b_k562r",))
    assert advice.proposals
    assert advice.proposals[0].candidate.readout.startswith("il1b")
    shrinks = [one.shrinks_to for one in advice.proposals]
    assert shrinks == sorted(shrinks)
    assert shrinks[0] < 0.5
    assert advice.low < advice.proposals[0].low < advice.proposals[0].high < advice.high
    for words in ("il1b_secretion_K562R lies between", "measuring il1b", "is expected to narrow"):
        assert words in advice.sentence


def test_where_nothing_helps_that_is_said() -> None:
    problem = FitProblem(
        series("viability", ("K562S",)), ("death_max", "cxcl11_secretion_stroma"), noise="fixed"
    )
    (advice,) = advise(problem, problem.start, ["cxcl11_secretion_stroma"], scenarios=())
    assert advice.proposals == ()
    assert "no measurement that was looked at" in advice.sentence


def test_candidates_are_all_read_outs_of_the_wells_at_several_times(problem: FitProblem) -> None:
    found = candidates(problem, scenarios=(), times=(6, 24, 1000))
    assert {one.time for one in found} == {6.0, 24.0, 72.0}
    assert {one.host for one in found} == {"", "K562S", "K562R"}
    assert {"apoptosis", "viability", "il1b", "p_bcr_abl"} <= {one.readout for one in found}
    assert len({(one.series, one.readout, one.host, one.time) for one in found}) == len(found)


def test_misuse_is_told(problem: FitProblem) -> None:
    with pytest.raises(ValueError, match="did you mean 'death_max'"):
        advise(problem, problem.start, ["death_mx"])
    assert advise(problem, problem.start, []) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (93876.4, "93,900"),
        (0.08661, "0.0866"),
        (np.inf, "∞"),
        (-np.inf, "−∞"),
        (0.0, "0"),
        (1.234e-9, "1.23e-09"),
    ],
)
def test_numbers_are_written_plainly(value: float, text: str) -> None:
    assert plain(value) == text
