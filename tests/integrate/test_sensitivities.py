"""Sensitivities of the batch engine against closed forms and tight central differences."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

sys.path.insert(0, str(Path(__file__).parent))
from batch_cases import hill_switch, robertson

from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.system import System, compile_model, compile_network
from nicheloop.integrate.batch import BatchPeriod, BatchResult, BatchSolver, Course
from nicheloop.integrate.periods import Period
from nicheloop.integrate.sensitivity import PeriodSensitivity

HILL_TIMES = np.linspace(0, 30, 16)


@pytest.fixture(scope="module")
def hill() -> System:
    return compile_network(hill_switch())


def slopes(result: BatchResult) -> np.ndarray:
    assert set(result.status) == {"ok"}
    assert result.sensitivities is not None
    return result.sensitivities


_EIGHTH_ORDER = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


def central(run: Callable[[np.ndarray], np.ndarray], p: np.ndarray, i: int, relative: float) -> np.ndarray:
    """Derivative by parameter i by differences of order 8; `run` takes rows of parameters."""
    h = relative * p[i]
    rows = np.tile(p, (8, 1))
    rows[:, i] += h * np.array([1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0])
    y = run(rows)
    terms = [w * (y[2 * m] - y[2 * m + 1]) for m, w in enumerate(_EIGHTH_ORDER)]
    return np.asarray(sum(terms) / h)


def deviation(found: np.ndarray, expected: np.ndarray, y: np.ndarray, size: float) -> float:
    """Largest difference [t, k] relative to the largest value of k, or to a thousandth of y / size."""
    floor = 1e-3 * np.abs(y).max(axis=0) / abs(size) + 1e-300
    return float((np.abs(found - expected) / np.maximum(np.abs(expected).max(axis=0), floor)).max())


def assert_matches_differences(
    system: System,
    times: np.ndarray,
    atol: float,
    names: tuple[str, ...],
    relative: float,
    outputs: str = "species",
) -> None:
    """Sensitivities at rtol 1e-8 against differences of runs at 1e-12; atol is that at rtol 1e-6."""
    p = system.parameter_vector()
    result = BatchSolver(system, 1e-8, atol * 1e-2).run(p[None], times, outputs=outputs, sensitivities=names)
    found = slopes(result)
    assert result.columns == names
    tight = BatchSolver(system, 1e-12, atol * 1e-6)
    for column, name in enumerate(names):
        i = system.parameter_index(name)
        expected = central(lambda rows: tight.run(rows, times, outputs=outputs).y, p, i, relative)
        assert deviation(found[0, :, :, column], expected, result.y[0], float(p[i])) < 1e-5, name


@pytest.mark.parametrize("outputs", ["species", "observables"])
def test_parameters_of_rates_expressions_and_initials(hill: System, outputs: str) -> None:
    """k is in a Hill function, in an expression and in an initial amount; n is an exponent."""
    assert_matches_differences(hill, HILL_TIMES, 1e-9, hill.parameters, 5e-3, outputs)


def test_stiff_kinetics() -> None:
    system = compile_network(robertson())
    assert_matches_differences(system, np.linspace(0, 40, 21), 1e-10, system.parameters, 5e-3)


def test_an_oscillator() -> None:
    from pysb.examples import tyson_oscillator

    system = compile_model(tyson_oscillator.model)
    names = tuple(n for n, value in zip(system.parameters, system.parameter_vector(), strict=True) if value)
    assert_matches_differences(system, np.linspace(0, 100, 51), 1e-9, names, 2e-4)


def test_earm_rates_and_initials() -> None:
    from pysb.examples import earm_1_0

    system = compile_model(earm_1_0.model)
    names = tuple(n for n, value in zip(system.parameters, system.parameter_vector(), strict=True) if value)
    assert_matches_differences(system, np.linspace(0, 20_000, 51), 1e-3, names, 5e-3)


def relative_error(found: np.ndarray, exact: np.ndarray) -> float:
    """Largest difference [t, k, c] relative to the largest value of each k and c that is not round-off.

    In `hill_switch` x and y do not depend on k: the drug starts at 2 k and acts relative to k.
    """
    size = np.abs(exact).max(axis=0)
    real = size > 1e-10
    assert np.abs(found[:, ~real]).max() < 1e-10
    return float((np.abs(found - exact).max(axis=0)[real] / size[real]).max())


def test_the_error_falls_with_the_tolerance(hill: System) -> None:
    p, names = hill.parameter_vector()[None], hill.parameters

    def at(rtol: float) -> np.ndarray:
        return slopes(BatchSolver(hill, rtol, rtol * 1e-3).run(p, HILL_TIMES, sensitivities=names))[0]

    exact = at(1e-12)
    errors = [relative_error(at(rtol), exact) for rtol in (1e-4, 1e-6, 1e-8)]
    assert errors[0] < 3e-2
    assert errors[1] < errors[0] / 20
    assert errors[2] < errors[1] / 20


def one_species(rate: str, initial: str, values: dict[str, float]) -> System:
    network = Network(
        "one",
        ("x",),
        tuple(values),
        tuple(values.values()),
        (),
        (),
        (Reaction(rate, ((0, 1),)),),
        ((0, initial),),
    )
    return compile_network(network)


def test_decay_in_closed_form() -> None:
    decay = one_species("-k*__s0", "2*a**2", {"k": 0.7, "a": 1.5, "idle": 1.0})
    times = np.linspace(0, 5, 11)
    p = np.array([[0.7, 1.5, 1.0], [0.2, 3.0, 0.0]])
    found = slopes(BatchSolver(decay, 1e-10, 1e-14).run(p, times, sensitivities=["a", 0, "idle"]))
    for run, (k, a, _) in enumerate(p):
        decayed = np.exp(-k * times)
        np.testing.assert_allclose(found[run, :, 0, 0], 4 * a * decayed, rtol=1e-9)
        np.testing.assert_allclose(found[run, :, 0, 1], -times * 2 * a**2 * decayed, rtol=1e-8, atol=1e-13)
        np.testing.assert_array_equal(found[run, :, 0, 2], 0.0)


def exchange() -> System:
    """Linear exchange between three pools."""
    pairs = ((0, 1), (1, 2), (2, 0))
    reactions = tuple(Reaction(f"k{i}*__s{i}", tuple(sorted(((i, -1), (j, 1))))) for i, j in pairs)
    network = Network("exchange", ("a", "b", "c"), ("k0", "k1", "k2"), (1.0, 0.5, 0.3), (), (), reactions, ())
    return compile_network(network)


def test_species_and_given_derivatives_of_initial_amounts() -> None:
    """In a linear network the sensitivities by initial amounts are columns of the matrix exponential."""
    system, times = exchange(), [0.0, 0.5, 2.0]
    p, y = system.parameter_vector()[None], np.array([[1.0, 2.0, 3.0]])
    matrices = np.array([expm(system.jacobian(y[0], p[0]) * t) for t in times])
    solver = BatchSolver(system, 1e-10, 1e-13)
    found = slopes(solver.run(p, times, y, sensitivities=["c", "a"]))
    np.testing.assert_allclose(found[0], matrices[:, :, [2, 0]], rtol=1e-8, atol=1e-11)
    start = np.array([[[1.0], [-2.0], [0.5]]])
    moved = slopes(solver.run(p, times, y, sensitivities=["c"], initial_sensitivities=start))
    np.testing.assert_allclose(moved[0], matrices @ start[0], rtol=1e-8, atol=1e-11)


# -- periods -----------------------------------------------------------------------------------------------


def treated(hill: System, p: np.ndarray, slopes_too: bool = True) -> list[BatchPeriod]:
    """A wash, and a dose that is the gain squared; then a period with its own n and twice the decay."""
    names = hill.parameters
    gain, n, decay = (names.index(name) for name in ("gain", "n", "decay"))
    dose = np.zeros((len(p), 3))
    dose[:, 0] = p[:, gain] ** 2
    other = p.copy()
    other[:, n] = 1.7
    other[:, decay] *= 2
    shift = np.zeros((len(p), 3, len(names)))
    shift[:, 0, gain] = 2 * p[:, gain]
    acting = np.eye(len(names))
    acting[n, n], acting[decay, decay] = 0.0, 2.0
    given = (
        [PeriodSensitivity(shift=shift), PeriodSensitivity(parameters=acting)] if slopes_too else [None, None]
    )
    return [
        BatchPeriod(0, 6, p),
        BatchPeriod(6, 6, p, np.array([[0.1, 0.8, 1.0]])),
        BatchPeriod(6, 14, p, None, dose, given[0]),
        BatchPeriod(14, 30, other, None, None, given[1]),
    ]


@pytest.mark.parametrize("outputs", ["species", "observables"])
def test_a_dose_a_wash_and_other_parameters_in_between(hill: System, outputs: str) -> None:
    p, times = hill.parameter_vector(), np.array([0, 3, 6, 6.5, 13.9, 14, 20, 30.0])
    tight = BatchSolver(hill, 1e-12, 1e-15)

    def run(rows: np.ndarray) -> np.ndarray:
        return tight.run_periods(treated(hill, rows, False), None, times, outputs=outputs).y

    result = BatchSolver(hill, 1e-8, 1e-11).run_periods(
        treated(hill, p[None]), None, times, outputs=outputs, sensitivities=hill.parameters
    )
    found = slopes(result)[0]
    for i in range(len(p)):
        assert deviation(found[:, :, i], central(run, p, i, 5e-3), result.y[0], p[i]) < 1e-5


def test_courses_of_their_own_equal_batches(hill: System) -> None:
    times = np.array([0, 3, 6, 6.5, 14, 30.0])
    p = hill.parameter_vector() * np.array([[1.0], [1.3]])
    periods = treated(hill, p)
    solver = BatchSolver(hill)
    together = solver.run_periods(periods, None, times, sensitivities=hill.parameters)

    def row(values: np.ndarray | None, run: int) -> np.ndarray | None:
        return None if values is None else values[run if len(values) > 1 else 0]

    def own(sensitivity: PeriodSensitivity | None, run: int) -> PeriodSensitivity | None:
        if sensitivity is None:
            return None
        return PeriodSensitivity(sensitivity.parameters, row(sensitivity.shift, run))

    courses = [
        Course(
            [
                Period(q.start, q.end, q.parameters[run], row(q.scale, run), row(q.shift, run))
                for q in periods
            ],
            times,
            None,
            [own(q.sensitivity, run) for q in periods],
        )
        for run in (0, 1)
    ]
    courses.append(Course([Period(0, 6, p[0])], times[:2], None, None, np.ones((3, len(hill.parameters)))))
    results = solver.run_each(courses, sensitivities=hill.parameters)
    for run in (0, 1):
        np.testing.assert_array_equal(slopes(results[run])[0], slopes(together)[run])
        np.testing.assert_array_equal(results[run].y[0], together.y[run])
    np.testing.assert_array_equal(slopes(results[2])[0, 0], 1.0)


# -- the rest ----------------------------------------------------------------------------------------------


def test_states_are_those_of_a_run_without_sensitivities(hill: System) -> None:
    p = hill.parameter_vector() * np.linspace(0.8, 1.2, 5)[:, None]
    solver = BatchSolver(hill)
    plain = solver.run(p, HILL_TIMES)
    both = solver.run(p, HILL_TIMES, sensitivities=["k"])
    np.testing.assert_allclose(both.y, plain.y, rtol=1e-11)
    np.testing.assert_array_equal(both.steps, plain.steps)
    assert plain.sensitivities is None
    assert slopes(both).shape == (5, 16, 3, 1)
    assert both.columns == ("k",)


def test_error_control_tightens_the_sensitivities(hill: System) -> None:
    p, names = hill.parameter_vector(), hill.parameters
    exact = slopes(BatchSolver(hill, 1e-11, 1e-14).run(p[None], HILL_TIMES, sensitivities=names))
    errors, steps = [], []
    for control in (False, True):
        solver = pickle.loads(pickle.dumps(BatchSolver(hill, 1e-4, 1e-7, control_sensitivities=control)))
        result = solver.run(p[None], HILL_TIMES, sensitivities=names)
        errors.append(relative_error(slopes(result)[0], exact[0]))
        steps.append(int(result.steps[0]))
    assert steps[1] > steps[0]
    assert errors[1] < 0.5 * errors[0]


def test_a_second_derivative_that_is_infinite_at_zero_does_no_harm() -> None:
    """x**1.5 starts at 0 and grows from there: its first derivative is 0, its second infinite."""
    system = one_species("k - b*__s0**n", "0", {"k": 0.4, "b": 0.9, "n": 1.5})
    assert_matches_differences(system, np.linspace(0, 3, 7), 1e-10, system.parameters, 5e-3)


def test_products_by_tables_equal_those_written_out(monkeypatch: pytest.MonkeyPatch, hill: System) -> None:
    p, names = hill.parameter_vector()[None], hill.parameters
    written = BatchSolver(hill).run(p, HILL_TIMES, outputs="observables", sensitivities=names)
    monkeypatch.setattr("nicheloop.integrate.kernel_tangent._MOST_UNROLLED", 0)
    looped = BatchSolver(hill).run(p, HILL_TIMES, outputs="observables", sensitivities=names)
    np.testing.assert_allclose(slopes(looped), slopes(written), rtol=1e-9, atol=1e-14)


def test_misuse_is_explained(hill: System) -> None:
    solver, p = BatchSolver(hill), hill.parameter_vector()[None]
    wrong = [
        ({"sensitivities": ["kk"]}, "'kk'"),
        ({"sensitivities": [5]}, "no parameter 5"),
        ({"sensitivities": []}, "sequence"),
        ({"sensitivities": "k"}, "sequence"),
        ({"sensitivities": ["k"], "initial_sensitivities": np.ones((1, 3, 2))}, "initial_sensitivities"),
        ({"initial_sensitivities": np.ones((1, 3, 1))}, "without sensitivities"),
    ]
    for arguments, message in wrong:
        with pytest.raises(ValueError, match=message):
            solver.run(p, [0, 1], **arguments)  # type: ignore[arg-type]
    for given, message in (
        (PeriodSensitivity(parameters=np.eye(4)), "derivatives of parameters"),
        (PeriodSensitivity(shift=np.ones((3, 1))), "derivatives of the shift of period 0"),
    ):
        with pytest.raises(ValueError, match=message):
            solver.run_periods([BatchPeriod(0, 1, p, sensitivity=given)], None, [1.0], sensitivities=["k"])
    with pytest.raises(ValueError, match="1 periods, but 2"):
        solver.run_each([Course([Period(0, 1, p[0])], [1.0], None, [None, None])], sensitivities=["k"])
