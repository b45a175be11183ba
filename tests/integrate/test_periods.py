from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nicheloop.equations import Network, Reaction, System, compile_network
from nicheloop.integrate import METHODS, Period, Trajectory, integrate_periods


def reactions(*pairs: tuple[str, dict[int, int]]) -> tuple[Reaction, ...]:
    return tuple(Reaction(rate, tuple(sorted(change.items()))) for rate, change in pairs)


def system_of(n: int, parameters: dict[str, float], *pairs: tuple[str, dict[int, int]]) -> System:
    names = tuple(f"s{i}" for i in range(n))
    values = tuple(parameters.values())
    return compile_network(Network("test", names, tuple(parameters), values, (), (), reactions(*pairs), ()))


@pytest.fixture(scope="module")
def decay() -> System:
    """A -> B -> nothing, and a source of A."""
    pairs = (("a*__s0", {0: -1, 1: 1}), ("b*__s1", {1: -1}), ("source", {0: 1}))
    return system_of(2, {"a": 0.3, "b": 0.05, "source": 0.0}, *pairs)


@pytest.fixture(scope="module")
def robertson() -> System:
    k = {"k1": 0.04, "k2": 3e7, "k3": 1e4}
    pairs = (("k1*__s0", {0: -1, 1: 1}), ("k2*__s1**2", {1: -1, 2: 1}), ("k3*__s1*__s2", {0: 1, 1: -1}))
    return system_of(3, k, *pairs)


def run(system: System, initial: list[float], times, method: str = "lsoda", **options: object) -> Trajectory:
    period = Period(float(times[0]), float(times[-1]), system.parameter_vector())
    return integrate_periods(system, [period], initial, times, method=method, **options)


@pytest.mark.parametrize("method", METHODS)
def test_decay_chain_has_its_closed_form(decay: System, method: str) -> None:
    t = np.linspace(0, 40, 9)
    found = run(decay, [2.0, 0.0], t, method, rtol=1e-9, atol=1e-12)
    a, b = 0.3, 0.05
    expected = np.column_stack([2 * np.exp(-a * t), 2 * a / (a - b) * (np.exp(-b * t) - np.exp(-a * t))])
    assert (found.status, found.message, found.time_reached) == ("ok", "", 40.0)
    np.testing.assert_allclose(found.y, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_reversible_dimerisation_has_its_closed_form(method: str) -> None:
    system = system_of(2, {"f": 0.7, "r": 0.2}, ("f*__s0**2", {0: -2, 1: 1}), ("r*__s1", {0: 2, 1: -1}))
    t = np.linspace(0, 5, 11)
    found = run(system, [3.0, 0.0], t, method, rtol=1e-9, atol=1e-12)
    # A' = -2 f A^2 + r (T - A) = -2 f (A - p)(A - q)
    p, q = np.sort(np.roots([2 * 0.7, 0.2, -0.2 * 3.0]))[::-1]
    ratio = (3.0 - p) / (3.0 - q) * np.exp(-2 * 0.7 * (p - q) * t)
    expected = (p - q * ratio) / (1 - ratio)
    np.testing.assert_allclose(found.y[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(found.y[:, 0] + 2 * found.y[:, 1], 3.0, rtol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_logistic_growth_of_cells_in_nanomolar(method: str) -> None:
    system = system_of(1, {"g": 0.03, "K": 3.3e-6}, ("g*__s0*(1 - __s0/K)", {0: 1}))
    t = np.linspace(0, 300, 13)
    found = run(system, [1e-8], t, method, rtol=1e-8, atol=[1e-17])
    expected = 3.3e-6 / (1 + (3.3e-6 / 1e-8 - 1) * np.exp(-0.03 * t))
    np.testing.assert_allclose(found.y[:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_robertson_meets_the_literature(robertson: System, method: str) -> None:
    # t = 40: four digits in the example of ODEPACK's LSODA; t = 1e11: Test set for IVP solvers, problem ROBER
    found = run(robertson, [1.0, 0.0, 0.0], [0.0, 40.0, 1e11], method, rtol=1e-9, atol=[1e-14, 1e-20, 1e-14])
    np.testing.assert_allclose(found.y[1], [7.158e-1, 9.185e-6, 2.842e-1], rtol=2e-4)
    late = [0.2083340149701255e-07, 0.8333360770334713e-13, 0.9999999791665050]
    np.testing.assert_allclose(found.y[2], late, rtol=1e-6)


def test_lsoda_agrees_with_tight_radau(robertson: System) -> None:
    times = np.concatenate([[0.0], np.geomspace(1e-3, 1e5, 30)])
    atol = [1e-12, 1e-16, 1e-12]
    lsoda = run(robertson, [1.0, 0.0, 0.0], times, rtol=1e-9, atol=atol)
    radau = run(robertson, [1.0, 0.0, 0.0], times, "radau", rtol=1e-11, atol=atol)
    np.testing.assert_allclose(lsoda.y, radau.y, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_short_late_pulse_delivers_its_area(decay: System, method: str) -> None:
    quiet = decay.parameter_vector({"a": 0.0})
    pulse = decay.parameter_vector({"a": 0.0, "source": 3.0})
    periods = [Period(0, 500, quiet), Period(500, 500.5, pulse), Period(500.5, 1000, quiet)]
    found = integrate_periods(decay, periods, [0.0, 0.0], [0, 500, 500.25, 500.5, 1000], method=method)
    np.testing.assert_allclose(found.y[:, 0], [0, 0, 0.75, 1.5, 1.5], rtol=1e-9, atol=1e-12)
    coarse = integrate_periods(decay, periods, [0.0, 0.0], [0, 1000], method=method)
    np.testing.assert_allclose(coarse.y[-1, 0], 1.5, rtol=1e-9)


def test_edits_at_one_instant_follow_one_another(decay: System) -> None:
    still = decay.parameter_vector({"a": 0.0, "b": 0.0})
    halve, add = np.array([0.5, 1.0]), np.array([1.0, 10.0])
    periods = [
        Period(0, 1, still),
        Period(1, 1, still, scale=halve),
        Period(1, 2, still, shift=add),
        Period(2, 3, still, scale=np.zeros(2), shift=add),
        Period(3, 3, still, scale=halve),
    ]
    found = integrate_periods(decay, periods, [8.0, 2.0], [0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0])
    before, after, new = [8, 2], [5, 12], [1, 10]
    expected = [before, before, after, after, after, new, new, [0.5, 10]]  # the last edit counts at the end
    np.testing.assert_allclose(found.y, expected, rtol=1e-14)
    swapped = [periods[0], Period(1, 1, still, shift=add), Period(1, 2, still, scale=halve)]
    found = integrate_periods(decay, swapped, [8.0, 2.0], [2.0])
    np.testing.assert_allclose(found.y, [[4.5, 12]], rtol=1e-14)


def test_only_an_edit_and_no_time(decay: System) -> None:
    period = Period(5, 5, decay.parameter_vector(), shift=np.array([1.0, 2.0]))
    found = integrate_periods(decay, [period], [1.0, 1.0], [5.0])
    np.testing.assert_array_equal(found.y, [[2.0, 3.0]])
    assert (found.status, found.time_reached) == ("ok", 5.0)


def test_splitting_a_period_changes_nothing(robertson: System) -> None:
    p, times = robertson.parameter_vector(), np.linspace(0, 30, 7)
    options = {"rtol": 1e-10, "atol": [1e-14, 1e-18, 1e-14]}
    whole = integrate_periods(robertson, [Period(0, 30, p)], [1.0, 0, 0], times, **options)
    edges = [0, 7.3, 11, 11, 29.999, 30]
    parts = [Period(a, b, p) for a, b in pairwise(edges)]
    split = integrate_periods(robertson, parts, [1.0, 0, 0], times, **options)
    np.testing.assert_allclose(split.y, whole.y, rtol=1e-7)


def test_parameters_of_each_period_act(decay: System) -> None:
    slow, fast = decay.parameter_vector({"a": 0.1}), decay.parameter_vector({"a": 1.0})
    found = integrate_periods(decay, [Period(0, 2, slow), Period(2, 4, fast)], [1.0, 0.0], [1, 2, 3, 4])
    np.testing.assert_allclose(found.y[:, 0], np.exp([-0.1, -0.2, -1.2, -2.2]), rtol=1e-6)


def test_tolerances_per_species_matter() -> None:
    system = system_of(2, {"k": 1.0}, ("k*__s0", {0: -1}), ("k*__s1", {1: -1}))
    start, times = [1.0, 1e-9], [0.0, 5.0]
    expected = np.exp(-5.0) * np.array(start)
    vector = run(system, start, times, rtol=1e-8, atol=[1e-10, 1e-19])
    np.testing.assert_allclose(vector.y[-1], expected, rtol=1e-5)


def test_input_arrays_are_left_alone_and_results_are_not_shared(decay: System) -> None:
    start, times, p = np.array([2.0, 0.0]), np.array([0.0, 1.0]), decay.parameter_vector()
    shift = np.array([1.0, 1.0])
    one = integrate_periods(decay, [Period(0, 1, p, shift=shift)], start, times)
    copy = one.y.copy()
    integrate_periods(decay, [Period(0, 1, p * 2, shift=shift)], start * 3, times)
    np.testing.assert_array_equal(one.y, copy)
    np.testing.assert_array_equal(start, [2.0, 0.0])
    np.testing.assert_array_equal(shift, [1.0, 1.0])


@pytest.mark.parametrize("method", METHODS)
def test_a_blow_up_is_a_status_with_nan_after_the_time_reached(method: str, capfd) -> None:
    system = system_of(1, {"k": 1.0}, ("k*__s0**2", {0: 1}))
    times = np.linspace(0, 2, 21)
    found = run(system, [1.0], times, method)
    assert found.status == "failed"
    assert found.message
    assert 0.99 < found.time_reached < 1.0001
    known = times < 0.95
    np.testing.assert_allclose(found.y[known, 0], 1 / (1 - times[known]), rtol=1e-5)
    assert np.isnan(found.y[times > found.time_reached]).all()
    assert np.isfinite(found.y[times <= found.time_reached - 1e-3]).all()


@pytest.mark.parametrize("method", METHODS)
def test_formulas_that_leave_their_domain_fail(method: str) -> None:
    system = system_of(1, {"k": 1.0}, ("log(k - __s0)", {0: 1}))
    found = run(system, [2.0], [0.0, 1.0], method)
    assert (found.status, found.time_reached) == ("failed", 0.0)
    assert np.isnan(found.y[1:]).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_step_limit_is_a_status(robertson: System, method: str) -> None:
    found = run(robertson, [1.0, 0.0, 0.0], [0.0, 1e-6, 1e5], method, max_steps=12)
    assert found.status == "failed"
    assert "more than 12 steps" in found.message
    assert 0 < found.time_reached < 1e5
    assert np.isnan(found.y[-1]).all()


def test_a_failure_in_one_period_ends_the_run(decay: System) -> None:
    system = system_of(1, {"k": 1.0}, ("k*__s0**2", {0: 1}))
    p = system.parameter_vector()
    periods = [Period(10, 10.5, p), Period(10.5, 13, p), Period(13, 20, p, scale=np.zeros(1))]
    found = integrate_periods(system, periods, [1.0], [10, 10.5, 12, 13, 20])
    assert found.status == "failed"
    assert "period from 10.5 h" in found.message
    assert found.time_reached == pytest.approx(11.0, abs=1e-3)
    assert np.isfinite(found.y[:2]).all()
    assert np.isnan(found.y[2:]).all()


def test_no_species_at_all() -> None:
    system = compile_network(Network("empty", (), ("k",), (1.0,), (), (), (), ()))
    found = integrate_periods(system, [Period(0, 1, np.ones(1))], [], [0.0, 1.0])
    assert found.y.shape == (2, 0)
    assert found.status == "ok"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"periods": []}, "at least one period"),
        ({"periods": [(0, 1), (2, 3)]}, "must start where the one before ends"),
        ({"periods": [(1, 0)]}, "end at or after its start"),
        ({"periods": [(0, np.inf)]}, "finite times"),
        ({"times": [0.0, 2.0]}, "outside the periods"),
        ({"times": [-1.0, 1.0]}, "outside the periods"),
        ({"times": [1.0, 0.0]}, "must not decrease"),
        ({"times": []}, "at least one entry"),
        ({"times": [0.0, np.nan]}, "times must be finite"),
        ({"initial": [1.0]}, "the initial state must have shape"),
        ({"initial": [1.0, np.nan]}, "non-finite value at index 1"),
        ({"method": "euler"}, "unknown method 'euler'"),
        ({"rtol": 0.0}, "rtol"),
        ({"atol": -1.0}, "atol must be positive"),
        ({"atol": [1e-9, 1e-9, 1e-9]}, "one per species"),
        ({"max_steps": 0}, "max_steps"),
        ({"scale": np.ones(3)}, "the scale of period 0"),
        ({"shift": np.array([np.inf, 0.0])}, "the shift of period 0.*non-finite"),
        ({"parameters": np.array([1.0, np.nan, 0.0])}, "the parameters of period 0.*non-finite"),
    ],
)
def test_misuse_is_an_error_that_helps(decay: System, changes: dict, expected: str) -> None:
    p = changes.pop("parameters", decay.parameter_vector())
    edit = {name: changes.pop(name) for name in ("scale", "shift") if name in changes}
    periods = [Period(a, b, p, **edit) for a, b in changes.pop("periods", [(0, 1)])]
    arguments = {"initial": [1.0, 1.0], "times": [0.0, 1.0], **changes}
    with pytest.raises(ValueError, match=expected):
        integrate_periods(decay, periods, arguments.pop("initial"), arguments.pop("times"), **arguments)
