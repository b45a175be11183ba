"""A fit as a PEtab problem: libRoadRunner, through pyPESTO's own objective, gives the same likelihood."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis" / "fit"))
from fit_cases import TIGHT, problem, random_points, series, table, well

from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.noise import Normal, StudentT
from nicheloop.interchange.petab import NotInPetab, write_petab

NAMES = (
    "imatinib_permeation",
    "imatinib_medium_loss",
    "atp_competition",
    "imatinib_kd_unphosphorylated",
)
"""Parameters that matter only where there is imatinib: they leave stock cultures as they are."""
DOSES = (0.05, 0.2, 0.6, 2.0)


def told(line: str = "K562S", **changes: Any) -> FitProblem:
    """Blots over a day, counts with an SD of their own and viability with two-part noise, over doses."""
    wells = [well(line, dose) for dose in (0.0, *DOSES)]
    rows: list[dict[str, Any]] = []
    for i, dose in enumerate((0.0, *DOSES)):
        here = {"well": i, "host": line}
        rows += [{**here, "readout": "p_crkl", "time_h": hour} for hour in (2.0, 8.0, 24.0)]
        rows.append({**here, "readout": "viable_cells", "time_h": 72.0, "sd": 0.1, "n": 3.0})
        if dose:
            rows.append({**here, "readout": "viability", "time_h": 72.0})
    arguments = {"parameters": NAMES, "settings": TIGHT, "plate_factors": False, **changes}
    return FitProblem(table(wells, rows, seed=2), **arguments)


def in_roadrunner(yaml: Path) -> Any:
    """What pyPESTO makes of a PEtab problem with libRoadRunner as simulator."""
    pytest.importorskip("roadrunner", reason="libroadrunner is not installed: pip install libroadrunner")
    importer = pytest.importorskip("pypesto.petab", reason="pypesto is not installed: pip install pypesto")
    petab = pytest.importorskip("petab.v1", reason="petab is not installed: pip install petab")
    from pypesto.objective.roadrunner.utils import SolverOptions

    read = petab.Problem.from_yaml(str(yaml))
    assert not petab.lint_problem(read)
    made = importer.PetabImporter(read, simulator_type="roadrunner").create_problem()
    options = SolverOptions(relative_tolerance=1e-8, absolute_tolerance=1e-17, maximum_num_steps=10**6)
    likelihood, _ = made.objective._objectives
    likelihood.solver_options = options
    return made, likelihood


def test_an_independent_simulator_gives_the_same_likelihood_and_prior(tmp_path: Path) -> None:
    fit = told("K562R")
    made, likelihood = in_roadrunner(write_petab(fit, tmp_path))
    assert made.x_names == [name.replace(":", "_") for name in fit.names]
    np.testing.assert_allclose(made.lb, fit.lower, atol=1e-12)
    np.testing.assert_allclose(made.ub, fit.upper, atol=1e-12)
    constants = []
    for x in random_points(fit, 5, seed=1):
        found = fit.evaluate(x, prior=False)
        assert found.ok
        assert likelihood(x) == pytest.approx(found.value, abs=1e-4)
        constants.append(made.objective(x) - fit.evaluate(x).value)
    np.testing.assert_allclose(constants, constants[0], atol=1e-4)  # ours are cut, and normalised so


def test_parameters_of_a_condition_follow_what_is_free(tmp_path: Path) -> None:
    """A scenario that fixes a parameter is a condition of its own; the others take the free one."""
    wells = [well("K562S", 0.3), well("K562S", 0.3, parameters={"imatinib_permeation": 2.0})]
    rows = [{"well": i, "readout": "p_crkl", "host": "K562S", "time_h": 3.0} for i in (0, 1)]
    fit = FitProblem(table(wells, rows), NAMES[:1], noise="fixed", plate_factors=False, settings=TIGHT)
    yaml = write_petab(fit, tmp_path)
    lines = (tmp_path / "conditions.tsv").read_text().splitlines()
    told_of = [line.split("\t")[-1] for line in lines]
    assert told_of == ["imatinib_permeation", "imatinib_permeation_free", "2.0"]
    _, likelihood = in_roadrunner(yaml)
    (x,) = random_points(fit, 1)
    assert likelihood(x) == pytest.approx(fit.evaluate(x, prior=False).value, abs=1e-4)


@pytest.mark.parametrize(
    ("fit", "reason"),
    [
        (lambda: problem("constraint"), "it has constraints"),
        (lambda: problem("scale"), "values of p_crkl share unknown factors"),
        (lambda: problem("vehicle"), "values are relative to vehicle wells"),
        (lambda: problem("below"), "values are only known to be below a limit"),
        (lambda: problem("student"), "noise is StudentT, expected Normal or LogNormal"),
        (lambda: FitProblem(series("viability"), NAMES), "wells hold different kinds of cell"),
        (lambda: told(parameters=["death_max"]), "death_max changes the cells before they are seeded"),
        (lambda: told(base={"uniform_death": 0.2}), "no stock culture: K562S shrinks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_petab_cannot_say_is_refused(fit: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(NotInPetab, match=f"not in PEtab: .*{reason}"):
        write_petab(fit(), tmp_path / "petab")
    assert not (tmp_path / "petab").exists()


def test_all_reasons_are_told_at_once(tmp_path: Path) -> None:
    noises = {"p_crkl": StudentT(sd=0.1), "viability": Normal(sd=0.1)}
    fit = FitProblem(series("p_crkl", plate="1", censored="above"), NAMES, noises=noises)
    with pytest.raises(NotInPetab) as told_of:
        write_petab(fit, tmp_path)
    assert len(str(told_of.value).splitlines()) == 3
