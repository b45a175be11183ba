"""Scenarios: what is looked at and varies, local derivatives against differences, the same bits anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.analysis.ensemble import load_ensemble
from nicheloop.analysis.sensitivity import Sensitivity
from nicheloop.analysis.sensitivity.model import ScenarioModel, quantities_of
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings
from nicheloop.biology import parameter_values
from nicheloop.biology.priors import free_parameters, prior_quantile

DOSE = "imatinib_k562r"
FEW = ["death_max", "imatinib_affinity_loss_K562R", "il1b_secretion_K562R", "cxcl11_secretion_stroma"]
PRIMED = nl.load_scenario("s5_primed_stroma").wells()[0]


def viability(parameters: dict[str, float], *, at: float = 72.0, dose: str = "1 uM") -> float:
    """One value, by another way: the run of a study."""
    scenario = nl.load_scenario(DOSE).with_(treatments={"imatinib": dose}, times=[0, at])
    run = Study([parameters], Settings("batch", rtol=1e-10)).runs(scenario)
    return float(run["viability:K562R"][0, -1])


def test_local_against_central_differences() -> None:
    names = ["death_max", "imatinib_affinity_loss_K562R", "il1_kon", "division_max_K562S", "cell_volume"]
    found = nl.sensitivity(DOSE, "local", ["viability"], parameters=names, times=[24, 72])
    assert [output.time for output in found.outputs] == [24, 72]
    table = parameter_values()
    for row, name in enumerate(names):
        step = 1e-4 * table[name]
        low, high = prior_quantile(name, np.array([0.15865525393145707, 0.8413447460685429]))
        for column, at in enumerate((24.0, 72.0)):
            up, down, middle = (viability({name: table[name] + d}, at=at) for d in (step, -step, 0.0))
            relative = (up - down) / (2 * step) / middle
            for index, scale in (("elasticity", table[name]), ("per_sd", (high - low) / 2)):
                expected = pytest.approx(relative * scale, rel=2e-3, abs=2e-7)
                assert found[index].value[row, column] == expected, (name, index)
    assert found["elasticity"].value[3].tolist() == [0, 0]  # of the other line
    assert found.verdict == "exact"
    assert found.matters[[1, 3], 1].tolist() == [True, False]


def test_local_sensitivities_of_summaries() -> None:
    """An area, a peak and an IC50, by differences of the summary; somewhere else than at the default."""
    base = {"death_max": 0.08}
    names = ["imatinib_affinity_loss_K562R", "death_max"]
    wide = nl.load_scenario(DOSE).with_(vary={"imatinib": [0, 1, 2, 4, 8]}, every=6.0)
    asked = ["auc", "peak", "ic50"]
    found = nl.sensitivity(wide, "local", ["viability"], parameters=names, summaries=asked, base=base)
    assert len(found.outputs) == 5 + 5 + 1
    model = ScenarioModel(quantities_of([wide], ["viability"], asked, None, False), tuple(names), base, 1e-10)
    at = np.array([parameter_values()["imatinib_affinity_loss_K562R"], 0.08])
    for row in range(2):
        step = np.zeros(2)
        step[row] = 1e-4 * at[row]
        (up, down, middle), _ = model(np.array([at + step, at - step, at]))
        expected = (up - down) / 2e-4 / middle
        assert found["elasticity"].value[row] == pytest.approx(expected, rel=5e-3, abs=1e-6)
    doomed = {"bim_copies": 4e5, "bclxl_copies": 2e3, "mcl1_copies": 2e3}
    with pytest.raises(RuntimeError, match="to differentiate failed: no stock culture: K562R shrinks"):
        nl.sensitivity(DOSE, "local", ["viability"], parameters=names, base=doomed)


@pytest.fixture(scope="module")
def several() -> Sensitivity:
    return nl.sensitivity(
        [DOSE, PRIMED],
        "sobol",
        {DOSE: ["viability"], PRIMED.name: ["cxcl11", "migrated"]},
        groups="mechanism",
        samples=16,
        seed=3,
        log=["cxcl11"],
        bootstrap=50,
    )


def test_scenarios_share_their_runs(several: Sensitivity) -> None:
    assert several.rows == 16 * (8 + 1 + 2)
    told = [(o.scenario, o.name, o.line, o.unit, o.summary, o.log) for o in several.outputs]
    assert told == [
        (DOSE, "viability", "K562R", "fraction", "final_72h", False),
        (PRIMED.name, "cxcl11", "", "pg/mL", "final_24h", True),
        (PRIMED.name, "migrated", "K562R", "%", "final_24h", False),
    ]
    assert several.factors == (
        "populations", "imatinib", "il1", "nfkb", "cox2", "survival", "cxcl11", "migration",
    )  # fmt: skip


def test_mechanisms_act_where_they_can(several: Sensitivity) -> None:
    total = dict(zip(several.factors, several["ST"].value, strict=False))
    for mechanism in ("cxcl11", "migration"):
        assert total[mechanism][0] < 1e-9  # no stroma in the well
    for mechanism in ("imatinib", "cox2", "survival"):
        assert total[mechanism][1] < 1e-3  # nothing of these in stroma without drug
    assert total["imatinib"][0] > 0.3
    assert total["cxcl11"][1] > 0.3
    assert total["migration"][2] > 0.3
    assert (several["ST"].value[-1] == 0).all()


def test_lines_that_cannot_grow_are_told(several: Sensitivity) -> None:
    assert 0 < several.failed_fraction < 0.3
    assert several.dropped[0] > 0
    (reason,) = {text.removeprefix("conditioning: ") for text in several.reasons}
    assert reason.startswith("no stock culture: K562R shrinks without drug at … /h")
    assert "blocks were left out with them" in several.failures()


def test_values_are_those_of_single_runs() -> None:
    model = ScenarioModel(
        quantities_of([DOSE, PRIMED], {DOSE: ["viability"], PRIMED.name: ["migrated"]}, None, None, False),
        tuple(FEW),
        {},
        1e-8,
    )
    x = np.array([[parameter_values()[name] for name in FEW]]) * np.array([[1.0], [1.5], [0.7]])
    values, reasons = model(x)
    assert reasons == ["", "", ""]
    for row, at in zip(values, x, strict=True):
        parameters = dict(zip(FEW, at.tolist(), strict=True))
        for value, (scenario, readout) in zip(row, [(DOSE, "viability"), (PRIMED, "migrated")], strict=True):
            run = nl.simulate(scenario, parameters)
            assert value == pytest.approx(run[readout][-1], rel=1e-5)


def test_rows_change_no_bit_with_company_workers_or_a_break(tmp_path: Path) -> None:
    def find(**how: object) -> Sensitivity:
        return nl.sensitivity(
            DOSE, "sobol", ["viability", "il1b"], parameters=FEW[:3], samples=8, bootstrap=10, **how
        )  # type: ignore[arg-type]

    store = tmp_path / "store"
    alone = find(store=store)
    in_two = find(workers=2)
    journal = store / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) > 3
    journal.write_text("".join(lines[:3]), encoding="utf-8")  # as if it had been killed there
    again = find(store=store, workers=2)
    for other in (in_two, again):
        for name in ("S1", "ST"):
            assert other[name].value.tobytes() == alone[name].value.tobytes()
            assert other[name].low.tobytes() == alone[name].low.tobytes()


def test_single_parameters_by_other_methods() -> None:
    def find(method: str, samples: int) -> Sensitivity:
        return nl.sensitivity(DOSE, method, ["viability"], parameters=FEW, samples=samples, bootstrap=20)

    for method, samples in (("morris", 8), ("pawn", 256), ("delta", 256), ("efast", 260)):
        found = find(method, samples)
        assert found.factors == tuple(FEW)
        assert np.argmax(found[found.main].value[:4, 0]) == 1, method
        assert not found.matters[3, 0], method  # no stroma in the well


def test_over_time_and_wells() -> None:
    matrix = nl.load_scenario(DOSE).with_(vary={"imatinib": [0.3, 3.0]})
    found = nl.sensitivity(
        matrix, "sobol", ["viability", "il1b"], parameters=FEW[:3], samples=8, times=["1 d", 72]
    )
    assert [(o.name, o.scenario, o.time) for o in found.outputs[:4]] == [
        ("viability", "imatinib_k562r[imatinib=0.3 uM]", 24),
        ("viability", "imatinib_k562r[imatinib=0.3 uM]", 72),
        ("viability", "imatinib_k562r[imatinib=3 uM]", 24),
        ("viability", "imatinib_k562r[imatinib=3 uM]", 72),
    ]
    assert len(found.outputs) == 8


def test_the_ensemble_instead_of_the_prior() -> None:
    def find(**how: object) -> Sensitivity:
        return nl.sensitivity(DOSE, "pawn", ["viability"], draws="ensemble", samples=400, bootstrap=20, **how)  # type: ignore[arg-type]

    found = find()
    assert found.rows == 400
    assert found.failed == 0  # all of its lines grow
    assert found.factors == free_parameters()
    assert find(workers=2)["median"].value.tobytes() == found["median"].value.tobytes()
    assert (find(seed=2)["median"].value != found["median"].value).any()
    model = ScenarioModel(
        quantities_of([DOSE], ["viability"], None, None, False), free_parameters(), {}, 1e-6
    )
    ensemble = load_ensemble()
    sets = ensemble.values[:8, [ensemble.names.index(name) for name in free_parameters()]]
    runs = Study(ensemble.sets(8), Settings("batch", rtol=1e-8), drawn=True).runs(
        nl.load_scenario(DOSE).with_(times=[72])
    )
    assert model(sets)[0][:, 0] == pytest.approx(runs["viability:K562R"][:, 0], rel=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nl.sensitivity("imatinib_k562"), "unknown scenario 'imatinib_k562', did you mean"),
        (lambda: nl.sensitivity([]), "scenario: got an empty list"),
        (lambda: nl.sensitivity(DOSE, "soboll"), "unknown method 'soboll', did you mean 'sobol'"),
        (lambda: nl.sensitivity(DOSE, "sobol", "viability"), r"expected a list, such as \['viability'\]"),
        (lambda: nl.sensitivity(DOSE, "sobol", ["viable"]), "unknown read-out 'viable'"),
        (lambda: nl.sensitivity(DOSE, "sobol", ["cxcl11_mRNA"]), "cxcl11_mRNA: none of its lines here"),
        (
            lambda: nl.sensitivity(DOSE, "sobol", {"other": ["viability"]}),
            "unknown scenario 'other'",
        ),
        (
            lambda: nl.sensitivity([DOSE, PRIMED], "sobol", {DOSE: ["viability"]}),
            r"readouts: s5_primed_stroma.*: got none, expected a list for every scenario",
        ),
        (lambda: nl.sensitivity(DOSE, "sobol", ["viability"], log=["il1b"]), "log: unknown read-out 'il1b'"),
        (lambda: nl.sensitivity(DOSE, "sobol", ["viability"], summaries="auc"), r"such as \['auc'\]"),
        (lambda: nl.sensitivity(DOSE, "sobol", ["viability"], summaries=["ic50"]), "no drug varies"),
        (
            lambda: nl.sensitivity(DOSE, "sobol", ["viability"], parameters="il1_kon"),
            "expected a list",
        ),
        (
            lambda: nl.sensitivity(DOSE, "sobol", ["viability"], base={"il1_kan": 1.0}),
            "did you mean 'il1_kon'",
        ),
        (
            lambda: nl.sensitivity(DOSE, "local", ["viability"], groups="mechanism"),
            "'local' takes single",
        ),
        (lambda: nl.sensitivity(DOSE, "sobol", draws="ensemble"), "are not independent, got method 'sobol'"),
        (lambda: nl.sensitivity(DOSE, "pawn", draws="ensembel"), "unknown source 'ensembel', did you mean"),
        (
            lambda: nl.sensitivity(DOSE, "pawn", draws="ensemble", parameters=["il1_kon"]),
            "all parameters of the ensemble vary",
        ),
        (
            lambda: nl.sensitivity(DOSE, "pawn", draws="ensemble", samples=10**6),
            "samples=1000000: expected 2",
        ),
        (lambda: nl.sensitivity(DOSE, "sobol", ["viability"], rtol=-1.0), "rtol: got -1.0"),
    ],
)
def test_misuse(call: Callable[[], Sensitivity], message: str) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        call()
