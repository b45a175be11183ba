"""The batch engine against SciPy's Radau: accuracy, periods, outputs, misuse."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

sys.path.insert(0, str(Path(__file__).parent))
from batch_cases import hill_switch, radau, robertson, scaled_error

from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.system import System, compile_model, compile_network
from nicheloop.integrate.batch import BatchPeriod, BatchSolver, Course
from nicheloop.integrate.periods import Period

HILL_TIMES = np.linspace(0, 30, 16)


@pytest.fixture(scope="module")
def hill() -> System:
    return compile_network(hill_switch())


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[System, np.ndarray, float]]:
    """System, times and the absolute tolerance at rtol 1e-6."""
    from pysb.examples import earm_1_0, tyson_oscillator

    return {
        "robertson": (compile_network(robertson()), np.linspace(0, 40, 21), 1e-10),
        "tyson": (compile_model(tyson_oscillator.model), np.linspace(0, 100, 51), 1e-9),
        "earm": (compile_model(earm_1_0.model), np.linspace(0, 20_000, 51), 1e-3),
        "hill": (compile_network(hill_switch()), HILL_TIMES, 1e-9),
    }


@pytest.mark.parametrize(
    ("name", "amplification"), [("robertson", 20), ("tyson", 600), ("earm", 100), ("hill", 20)]
)
def test_error_falls_with_the_tolerance(
    models: dict[str, tuple[System, np.ndarray, float]], name: str, amplification: float
) -> None:
    """The error stays within a fixed multiple of rtol, though it amplifies along the orbit."""
    system, times, atol = models[name]
    p = system.parameter_vector()
    reference = radau(system, p, system.initial(), times, atol * 1e-5)
    errors = []
    for rtol in (1e-5, 1e-7, 1e-9):
        result = BatchSolver(system, rtol, atol * rtol / 1e-6).run(p[None], times)
        assert result.status.tolist() == ["ok"]
        errors.append(scaled_error(result.y[0], reference))
        assert errors[-1] < amplification * rtol
    assert errors[0] > 50 * errors[2]


def test_many_parameter_sets_each_match_their_own_reference(hill: System) -> None:
    rng = np.random.default_rng(7)
    p = hill.parameter_vector() * np.exp(rng.normal(0, 0.3, (11, len(hill.parameters))))
    result = BatchSolver(hill, 1e-8, 1e-11, threads=1).run(p, HILL_TIMES)
    assert set(result.status) == {"ok"}
    assert result.y.shape == (11, len(HILL_TIMES), 3)
    for row, y in zip(p, result.y, strict=True):
        reference = radau(hill, row, hill.initial(row), HILL_TIMES)
        assert scaled_error(y, reference) < 1e-6
        np.testing.assert_array_equal(y[0], hill.initial(row))


def test_long_stiff_run_reaches_equilibrium() -> None:
    system = compile_network(robertson())
    times = np.array([0, 1e3, 1e7, 1e11])
    result = BatchSolver(system, 1e-6, [1e-8, 1e-12, 1e-8]).run(system.parameter_vector()[None], times)
    assert result.status.tolist() == ["ok"]
    np.testing.assert_allclose(result.y[0].sum(axis=1), 1.0, rtol=1e-9)
    assert result.y[0, -1, 0] == pytest.approx(2.0833e-8, rel=1e-2)  # Hairer & Wanner's value at 1e11


def dosing(hill: System, n: int) -> tuple[list[BatchPeriod], np.ndarray]:
    """Growth, a dose, two edits at one instant with another parameter, wash-out; all differ between runs."""
    rng = np.random.default_rng(11)
    p = hill.parameter_vector() * np.exp(rng.normal(0, 0.2, (n, len(hill.parameters))))
    slower = p.copy()
    slower[:, 3] *= 0.5
    dose = np.zeros((n, 3))
    dose[:, 0] = rng.uniform(0.5, 4, n)
    halve = np.array([[1.0, 0.5, 0.5]])
    edges = [
        (0.0, 4.0, p, None, None),
        (4.0, 9.0, p, None, dose),
        (9.0, 9.0, slower, halve, None),
        (9.0, 15.0, slower, None, dose[:1]),
        (15.0, 30.0, p[:1], rng.uniform(0, 1, (n, 3)), dose),
    ]
    return [BatchPeriod(*edge) for edge in edges], rng.uniform(0.1, 2, (n, 3))


def by_radau(
    hill: System, periods: list[BatchPeriod], y: np.ndarray, times: np.ndarray, run: int
) -> np.ndarray:
    """One run through the periods with a fresh Radau in each."""

    def row(values: np.ndarray) -> np.ndarray:
        return values[run % len(values)] if len(values) > 1 else values[0]

    found: dict[float, np.ndarray] = {}
    for period in periods:
        y = y * (1.0 if period.scale is None else row(period.scale))
        y = y + (0.0 if period.shift is None else row(period.shift))
        wanted = [t for t in times if period.start <= t <= period.end]
        grid = np.array([period.start, *wanted, period.end])
        states = radau(hill, row(period.parameters), y, np.unique(grid))
        found.update(zip(np.unique(grid), states, strict=True))
        y = states[-1]
    return np.array([found[t] for t in times])


def test_periods_with_doses_and_dilutions_match_restarted_radau(hill: System) -> None:
    periods, initials = dosing(hill, 13)
    times = np.array([0, 1.5, 4, 5, 9, 9.001, 14, 15, 22, 30.0])
    result = BatchSolver(hill, 1e-8, 1e-11).run_periods(periods, initials, times)
    assert set(result.status) == {"ok"}
    np.testing.assert_array_equal(result.time_reached, 30.0)
    for run in (0, 4, 7, 8, 12):
        assert scaled_error(result.y[run], by_radau(hill, periods, initials[run], times, run)) < 1e-6


def test_value_on_an_edge_is_the_one_after_the_edit(hill: System) -> None:
    p = hill.parameter_vector()[None]
    dose = np.array([[2.0, 0.0, 0.0]])
    periods = [BatchPeriod(0, 1, p), BatchPeriod(1, 1, p, None, dose), BatchPeriod(1, 2, p, None, dose)]
    before = BatchSolver(hill).run_periods(periods[:1], np.zeros((1, 3)), [0, 1.0])
    result = BatchSolver(hill).run_periods(periods, np.zeros((1, 3)), [0, 1.0, 1.0, 2.0])
    np.testing.assert_allclose(result.y[0, 1], before.y[0, 1] + [4.0, 0, 0], rtol=1e-14)
    np.testing.assert_array_equal(result.y[0, 1], result.y[0, 2])
    assert result.y[0, 3, 0] == pytest.approx(4.0 * np.exp(-0.3), rel=1e-5)


def test_a_last_period_without_length_still_edits(hill: System) -> None:
    p = hill.parameter_vector()[None]
    shift = np.array([[1.0, 0.0, 0.0]])
    periods = [BatchPeriod(0, 1, p), BatchPeriod(1, 1, p, None, shift)]
    result = BatchSolver(hill).run_periods(periods, np.zeros((1, 3)), [0.5, 1.0])
    assert result.status.tolist() == ["ok"]
    assert result.y[0, 1, 0] == 1.0
    instant = BatchSolver(hill).run_periods(periods[1:], np.ones((2, 3)), [1.0])
    np.testing.assert_array_equal(instant.y[:, 0], [[2.0, 1.0, 1.0]] * 2)


def test_a_short_pulse_after_a_long_rest_is_not_missed(hill: System) -> None:
    """Trap of the field: half an hour of a drug at t = 500 h; its area is known in closed form."""
    p = hill.parameter_vector()
    dose, wash = np.array([[3.0, 0, 0]]), np.array([[0.0, 1, 1]])
    periods = [
        BatchPeriod(0, 500, p[None]),
        BatchPeriod(500, 500.5, p[None], None, dose),
        BatchPeriod(500.5, 600, p[None], wash),
    ]
    times = np.linspace(500, 500.5, 400, endpoint=False)
    result = BatchSolver(hill, 1e-8).run_periods(periods, np.zeros((1, 3)), [*times, 500.5, 600])
    drug = result.y[0, :400, 0]
    area = np.trapezoid(drug, times) + (0.5 - (times[-1] - 500)) * drug[-1]
    assert area == pytest.approx(3.0 * (1 - np.exp(-0.15)) / 0.3, rel=1e-3)
    assert result.y[0, 400, 0] == 0.0


def test_outputs_are_those_of_the_system(hill: System) -> None:
    p = np.stack([hill.parameter_vector(), hill.parameter_vector({"n": 1.0, "gain": 3.0})])
    solver = BatchSolver(hill)
    species = solver.run(p, HILL_TIMES)
    every = solver.run(p, HILL_TIMES, outputs="observables")
    assert every.names == hill.output_names
    for run in range(2):
        np.testing.assert_allclose(every.y[run], hill.outputs(species.y[run], p[run]), rtol=1e-13)
    some = solver.run(p, HILL_TIMES, outputs=("free", "x"))
    np.testing.assert_array_equal(some["free"], every["free"])
    np.testing.assert_array_equal(some["x"], species["x"])
    with pytest.raises(KeyError, match="nothing"):
        some["nothing"]


def test_courses_of_their_own_equal_batches(hill: System) -> None:
    periods, initials = dosing(hill, 3)
    times = np.array([0, 4, 9, 20, 30.0])
    solver = BatchSolver(hill)
    together = solver.run_periods(periods, initials, times)

    def row(values: np.ndarray | None, run: int) -> np.ndarray | None:
        return None if values is None else values[run if len(values) > 1 else 0]

    courses = [
        Course(
            [
                Period(q.start, q.end, row(q.parameters, run), row(q.scale, run), row(q.shift, run))
                for q in periods[: 5 - run]
            ],
            times[times <= periods[4 - run].end],
            initials[run],
        )
        for run in range(3)
    ]
    courses.append(Course([Period(0, 30, hill.parameter_vector())], times))
    results = solver.run_each(courses)
    for run in range(3):
        count = len(results[run].time)
        inner = slice(0, count) if run == 0 else slice(0, count - 1)  # the last row may lie on an edge
        np.testing.assert_array_equal(results[run].y[0, inner], together.y[run, inner])
    alone = solver.run(hill.parameter_vector()[None], times)
    np.testing.assert_array_equal(results[3].y, alone.y)


def test_a_solver_survives_pickling(hill: System) -> None:
    solver = BatchSolver(hill, 1e-7, 1e-10, max_steps=77)
    again = pickle.loads(pickle.dumps(solver))
    p = hill.parameter_vector()[None]
    np.testing.assert_array_equal(again.run(p, HILL_TIMES).y, solver.run(p, HILL_TIMES).y)


def test_a_single_time_returns_the_start(hill: System) -> None:
    result = BatchSolver(hill).run(hill.parameter_vector()[None], [3.0], outputs="observables")
    np.testing.assert_allclose(result.y[0], hill.outputs(hill.initial())[None], rtol=1e-14)
    assert result.time_reached.tolist() == [3.0]
    assert result.steps.tolist() == [0]


def test_a_network_without_parameters_outputs_or_feedback_runs() -> None:
    network = Network("inflow", ("a", "b"), (), (), (), (), (Reaction("2", ((0, 1),)),), ())
    result = BatchSolver(compile_network(network)).run(np.empty((3, 0)), [0.0, 1.5])
    np.testing.assert_allclose(result.y[:, 1], [[3.0, 0.0]] * 3, rtol=1e-12)


def test_no_runs_give_an_empty_result(hill: System) -> None:
    result = BatchSolver(hill).run(np.empty((0, 5)), [0.0, 1.0])
    assert result.y.shape == (0, 2, 3)
    assert BatchSolver(hill).run_each([]) == []
    assert BatchSolver(hill).run_each([], sensitivities=[0]) == []


def test_results_may_be_written_into_an_array_of_the_callers(hill: System) -> None:
    """The same bits as in new memory, NaN of a run that fails included, block after block."""
    solver = BatchSolver(hill, max_steps=200)
    rows = np.tile(hill.parameter_vector(), (5, 1))
    rows[2, 0] = np.nan
    out = np.full((5, len(HILL_TIMES), 2), 7.0)
    for factor in (1.0, 1.3):
        result = solver.run(factor * rows, HILL_TIMES, outputs=hill.species[:2], out=out)
        assert result.y.base is out or result.y is out
        fresh = solver.run(factor * rows, HILL_TIMES, outputs=hill.species[:2])
        np.testing.assert_array_equal(out, fresh.y)
    assert np.isnan(out[2, 1:]).all()
    assert np.isfinite(np.delete(out, 2, axis=0)).all()


@pytest.mark.parametrize(
    "out",
    [
        np.empty((2, 3, 4)),
        np.empty((2, 2, 3), dtype=np.float32),
        np.empty((2, 2, 6))[:, :, ::2],
        np.empty((2, 3, 2)).transpose(0, 2, 1),
        [[[0.0] * 3] * 2] * 2,
    ],
)
def test_an_array_that_results_do_not_fit_into_is_refused(hill: System, out: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"float64 of shape \(2, 2, 3\), not"):
        BatchSolver(hill).run(np.ones((2, 5)), [0.0, 1.0], out=out)


def test_a_read_only_array_and_sensitivities_are_refused_for_results(hill: System) -> None:
    out = np.empty((2, 2, 3))
    with pytest.raises(ValueError, match="leave out one of the two"):
        BatchSolver(hill).run(np.ones((2, 5)), [0.0, 1.0], sensitivities=[0], out=out)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        BatchSolver(hill).run(np.ones((2, 5)), [0.0, 1.0], out=out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 4)), [0, 1]), "parameters"),
        ((np.ones(5), [0, 1]), "parameters"),
        ((np.ones((2, 5)), [1, 0]), "ascend"),
        ((np.ones((2, 5)), [0, np.nan]), "finite"),
        ((np.ones((2, 5)), []), "at least one"),
        ((np.ones((2, 5)), [0, 1], np.ones((3, 3))), "different numbers"),
        ((np.ones((2, 5)), [0, 1], np.ones((2, 4))), "initials"),
    ],
)
def test_misuse_of_run_is_explained(hill: System, arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BatchSolver(hill).run(*arguments)  # type: ignore[arg-type]


def test_misuse_of_periods_and_outputs_is_explained(hill: System) -> None:
    solver, p = BatchSolver(hill), hill.parameter_vector()[None]
    for periods, times, message in (
        ([], [0.0], "at least one period"),
        ([BatchPeriod(0, 1, p), BatchPeriod(2, 3, p)], [0.0], "the one before ends at"),
        ([BatchPeriod(1, 0, p)], [0.5], "not before"),
        ([BatchPeriod(0, 1, p)], [0.5, 2.0], "outside"),
    ):
        with pytest.raises(ValueError, match=message):
            solver.run_periods(periods, None, times)
    with pytest.raises(ValueError, match="'fre'"):
        solver.run(p, [0, 1], outputs=("fre",))
    with pytest.raises(ValueError, match="'all'"):
        solver.run(p, [0, 1], outputs="all")
    with pytest.raises(ValueError, match="positive"):
        BatchSolver(hill, 1e-6, 0.0)
    with pytest.raises(ValueError, match="max_steps"):
        BatchSolver(hill, max_steps=0)


def dense_relaxation(n: int) -> Network:
    """Every species turns into every other: y' = A y with a full matrix A, in units that sum up."""
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    return Network(
        name="dense relaxation",
        species=tuple(f"s{i}" for i in range(n)),
        parameters=("k",),
        values=(1.0,),
        expressions=(),
        observables=(("total", tuple((i, 1.0) for i in range(n))),),
        reactions=tuple(
            Reaction(f"k*{1 + (7 * i + 3 * j) % 11}/5*__s{i}", tuple(sorted(((i, -1), (j, 1)))))
            for i, j in pairs
        ),
        initials=((0, "1"),),
    )


def test_tables_replace_straight_line_code_in_dense_networks(
    monkeypatch: pytest.MonkeyPatch, hill: System
) -> None:
    times = [0.0, 0.01, 0.1, 1.0]
    monkeypatch.setattr("nicheloop.integrate.kernel.MOST_UNROLLED", 0)
    dense = compile_network(dense_relaxation(15))
    p = np.array([[1.0], [0.3], [2.0]])
    result = BatchSolver(dense, 1e-9, 1e-12).run(p, times)
    for run in range(3):
        matrix = dense.jacobian(np.zeros(15), p[run])
        exact = np.array([expm(matrix * t)[:, 0] for t in times])
        np.testing.assert_allclose(result.y[run], exact, rtol=1e-7, atol=1e-10)
    looped = BatchSolver(hill, 1e-8).run(hill.parameter_vector()[None], HILL_TIMES)
    monkeypatch.undo()
    unrolled = BatchSolver(hill, 1e-8).run(hill.parameter_vector()[None], HILL_TIMES)
    np.testing.assert_allclose(looped.y, unrolled.y, rtol=1e-12)
