"""Profile likelihoods against closed forms; verdicts; what happens where they find a better optimum."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("fides")
sys.path.insert(0, str(Path(__file__).parent))
from closed_problems import ClosedProblem, linear, parameter, two_valleys

from nicheloop.analysis.fit.evaluation import Evaluation
from nicheloop.analysis.fit.parameters import FreeParameter, Space
from nicheloop.analysis.fit.profile import ABOVE, BELOW, FLAT, IDENTIFIABLE, Profile, profiles, rise
from nicheloop.analysis.fit.search import multistart
from nicheloop.execution import Processes


def best(problem: ClosedProblem):
    return multistart(problem, 4).best


def marginal(problem: ClosedProblem, index: int) -> tuple[float, float]:
    """Centre and SD of a linear problem's profile: the prior of the parameter left out, others kept."""
    matrix, data = problem.residuals.matrix, problem.residuals.data
    information = problem.space.prior_information.copy()
    information[index] = 0.0
    whole = matrix.T @ matrix + np.diag(information)
    covariance = np.linalg.inv(whole)
    return float((covariance @ matrix.T @ data)[index]), math.sqrt(covariance[index, index])


def test_thresholds_are_those_of_chi_square():
    assert rise(0.95) == pytest.approx(1.920729)
    assert rise(0.99) == pytest.approx(3.317448)
    with pytest.raises(ValueError, match="level: got 95"):
        rise(95)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_intervals_of_linear_problems_are_those_of_the_normal_distribution(seed):
    rng = np.random.default_rng(seed)
    problem = linear(3.0 * rng.normal(size=(4, 3)), rng.normal(size=4))
    found = profiles(problem, best(problem))
    for index, name in enumerate(problem.names):
        centre, sd = marginal(problem, index)
        low, high = problem.lower[index], problem.upper[index]
        for level, z in ((0.95, 1.959964), (0.5, 0.674490)):
            ends = found[name].limits(level)
            for end, expected in zip(ends, (centre - z * sd, centre + z * sd), strict=True):
                if low < expected < high:
                    assert end == pytest.approx(expected, abs=2e-2 * sd)
                else:
                    assert math.isinf(end)
        if low < centre < high:
            assert found[name].lowest[0] == pytest.approx(centre, abs=2e-2 * sd)


def test_the_prior_of_the_profiled_parameter_does_not_count():
    wide, narrow = linear([[2.0]], [1.0], [1.0]), linear([[2.0]], [1.0], [0.5])
    one, other = (profiles(problem, best(problem))["a"].limits() for problem in (wide, narrow))
    assert one == pytest.approx((0.5 - 0.98, 0.5 + 0.98), abs=1e-3)
    assert other == pytest.approx(one, abs=1e-3)


def test_the_priors_of_the_others_count():
    """Only a + b is measured, exactly: a is as uncertain as the prior of b."""
    problem = linear([[100.0, 100.0]], [0.0], [3.0, 0.7])
    low, high = profiles(problem, best(problem))["a"].limits()
    assert (low, high) == pytest.approx((-0.7 * 1.96, 0.7 * 1.96), abs=1e-2)


@dataclass(frozen=True)
class Saturating:
    """What is measured no longer changes where the parameter is large (or small: sign -1)."""

    sign: float

    def __call__(self, x):
        told = 1.0 / (1.0 + np.exp(-4.0 * self.sign * x[0]))
        slope = 4.0 * self.sign * told * (1.0 - told)
        return np.array([10.0 * (told - 1.0)]), np.array([[10.0 * slope, 0.0]])


@pytest.mark.parametrize(("sign", "verdict"), [(1.0, BELOW), (-1.0, ABOVE)])
def test_what_saturates_is_bounded_on_one_side(sign, verdict):
    problem = ClosedProblem(Saturating(sign), Space([parameter("a"), parameter("b")]))
    found = profiles(problem, best(problem))
    # 50 (1 / (1 + e^(4 x)))^2 = 1.92
    end = sign * math.log(math.sqrt(50.0 / rise(0.95)) - 1.0) / 4.0
    low, high = found["a"].limits()
    assert found["a"].verdict == verdict
    assert (low if sign > 0 else high) == pytest.approx(end, abs=5e-3)
    assert math.isinf(high if sign > 0 else low)
    assert found["a"].interval()[0 if sign > 0 else 1] == pytest.approx(10.0**end, rel=2e-2)
    assert found["a"].interval()[1 if sign > 0 else 0] == (math.inf if sign > 0 else 0.0)


def test_what_nothing_depends_on_is_flat_to_the_bounds():
    problem = ClosedProblem(Saturating(1.0), Space([parameter("a"), parameter("b")]))
    found = profiles(problem, best(problem))["b"]
    assert found.verdict == FLAT
    assert found.ends == ("bound", "bound")
    assert found.x[[0, -1]] == pytest.approx([problem.lower[1], problem.upper[1]])
    assert np.ptp(found.values) < 1e-4
    assert found.interval() == (0.0, math.inf)


def test_linear_scales_have_infinite_ends():
    space = Space([FreeParameter("a", "1", "linear", -3.0, 3.0, 1.0), parameter("b")])
    problem = replace(linear([[0.0, 5.0]], [0.0]), space=space)
    found = profiles(problem, best(problem))
    assert found["a"].interval() == (-math.inf, math.inf)
    assert found["b"].verdict == IDENTIFIABLE


def test_a_curved_valley_is_followed():
    """Residuals of Rosenbrock's function: the profile of a is known, b = a^2 but for its prior."""

    problem = ClosedProblem(rosenbrock, Space([parameter("a"), parameter("b", 5.0)]))
    found = profiles(problem, best(problem))["a"]
    prior = problem.space.parameters[1]
    for a, value, slope in zip(found.x, found.values, found.slopes, strict=True):
        b = np.linspace(a * a - 1.0, a * a + 1.0, 20_001)
        exact = 0.5 * (1.5 * (a - 0.5)) ** 2 + 0.5 * (10.0 * (b - a * a)) ** 2 + 0.5 * (b / prior.sd) ** 2
        offset = -problem.space.log_prior(np.zeros(2)) + Space([problem.space.parameters[0]]).log_prior(
            np.zeros(1)
        )
        assert value == pytest.approx(exact.min() + offset, abs=1e-3)
        assert slope == pytest.approx(2.25 * (a - 0.5) + 2 * a * a * a / 25.0, abs=2e-2)


def rosenbrock(x):
    a, b = x
    return np.array([1.5 * (a - 0.5), 10.0 * (b - a * a)]), np.array([[1.5, 0.0], [-20.0 * a, 10.0]])


def test_steps_are_as_fine_as_the_profile_is_steep():
    problem = linear([[200.0, 0.0], [0.0, 0.9]], [0.0, 0.0])
    found = profiles(problem, best(problem))
    for name in "ab":
        assert 8 <= found[name].x.size <= 30
        assert np.diff(found[name].values).max() < 1.6


@dataclass(frozen=True)
class Edge:
    """Nothing can be simulated beyond a value of the first parameter."""

    at: float

    def __call__(self, x):
        return bool(x[0] > self.at)


def test_where_nothing_can_be_simulated_the_profile_ends_and_says_so():
    problem = linear([[1.0, 0.0], [0.0, 2.0]], [0.0, 0.0], forbidden=Edge(0.5))
    found = profiles(problem, problem.optimum([0.0, 0.0]))["a"]
    assert found.ends == ("threshold", "failed")
    assert found.failed_evaluations > 0
    assert found.x.max() == pytest.approx(0.5, abs=0.01)
    assert found.verdict == BELOW


def test_a_better_optimum_sends_the_search_on():
    problem = two_valleys()
    optima = multistart(problem, 24).optima
    wrong = next(one for one in optima if one.x[0] < 0)
    found = profiles(problem, wrong)
    assert found.rounds == 2
    assert found.optimum.value == pytest.approx(optima[0].value, abs=1e-4)
    assert found.excess == 0.0
    again = profiles(problem, optima[0])
    assert again.rounds == 1
    assert found["a"].limits() == pytest.approx(again["a"].limits(), abs=5e-3)


def test_an_interval_spans_both_valleys_where_both_are_possible():
    problem = two_valleys()
    low, high = profiles(problem, best(problem))["a"].limits()
    assert low < -1.0 < 1.0 < high


def test_engines_and_stores_give_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    problem = two_valleys()
    begun = best(problem)
    expected = profiles(problem, begun)
    others = [profiles(problem, begun, engine=Processes(2))]
    others += [profiles(problem, begun, store=tmp_path / "store") for _ in range(2)]
    for other in others:
        for name in expected:
            assert_same(expected[name], other[name])


def assert_same(one: Profile, other: Profile) -> None:
    for field in ("x", "values", "slopes", "points", "objectives"):
        assert getattr(one, field).tobytes() == getattr(other, field).tobytes()
    assert (one.ends, one.evaluations) == (other.ends, other.evaluations)


def test_a_profile_of_one_parameter_alone_needs_no_search():
    problem = linear([[2.0]], [0.0])
    found = profiles(problem, best(problem))["a"]
    assert found.limits() == pytest.approx((-0.98, 0.98), abs=1e-3)
    assert found.evaluations <= 2 * found.x.size


def test_chosen_profiles_come_in_the_order_asked_for_and_unknown_ones_are_refused():
    problem = linear(np.eye(3), np.zeros(3))
    found = profiles(problem, best(problem), ["c", "a", "c"])
    assert list(found) == ["c", "a"]
    with pytest.raises(ValueError, match="'d'"):
        profiles(problem, best(problem), ["d"])
    with pytest.raises(KeyError, match="'b'"):
        found["b"]
    assert list(profiles(problem, best(problem), [])) == []


def test_an_optimum_without_a_value_is_refused():
    problem = linear([[1.0]], [0.0])
    with pytest.raises(ValueError, match="not finite"):
        profiles(problem, replace(problem.optimum([0.0]), value=np.inf))


def test_factors_on_noise_are_profiled_where_asked_for():
    problem = replace(linear(np.eye(2), np.zeros(2)), widths=1)
    assert list(profiles(problem, best(problem))) == ["a"]
    assert list(profiles(problem, best(problem), ["b"])) == ["b"]


def test_evaluations_are_counted():
    problem = Counted(linear(np.eye(2), np.zeros(2)))
    begun = problem.optimum([0.0, 0.0])
    problem.count = 0
    found = profiles(problem, begun)
    assert sum(one.evaluations for one in found.profiles) == problem.count


class Counted:
    """Counts evaluations."""

    def __init__(self, problem: ClosedProblem) -> None:
        self._problem, self.count = problem, 0

    def __getattr__(self, name: str):
        return getattr(self._problem, name)

    def evaluate(self, *arguments, **named) -> Evaluation:
        self.count += 1
        return self._problem.evaluate(*arguments, **named)
