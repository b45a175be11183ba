"""What the data tell: directions, rank, and each parameter beside its prior, against closed forms."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pypesto")
sys.path.insert(0, str(Path(__file__).parent))
from closed_problems import linear, parameter

from nicheloop.analysis.fit.identify import Direction, identify
from nicheloop.analysis.fit.parameters import FreeParameter, Space

NOWHERE = [0.0, 0.0]


def meanings(matrix, sds=None):
    problem = linear(matrix, np.zeros(len(matrix)), sds)
    found = identify(problem, problem.start)
    return found.rank, found.confounded


def test_a_measured_sum_of_logarithms_is_a_product():
    assert meanings([[10.0, 10.0]]) == (1, ("a and b: only their product",))


def test_a_measured_difference_of_logarithms_is_a_ratio():
    assert meanings([[10.0, -10.0]]) == (1, ("a and b: only their ratio",))


def test_widths_of_priors_do_not_change_what_is_told():
    """In units of the priors the direction is another; what stays the same is still the product."""
    assert meanings([[10.0, 10.0]], [1.0, 0.6]) == (1, ("b and a: only their product",))


def test_other_combinations_are_told_with_their_exponent():
    """a^1 b^2.5 is measured."""
    _, (told,) = meanings([[10.0, 25.0]])
    assert told in ("a and b: only a * b^2.5", "b and a: only b * a^0.4")


def test_what_nothing_depends_on_is_named():
    assert meanings([[10.0, 0.0]]) == (1, ("not told: b",))


def test_more_than_two_are_told_together():
    _, (told,) = meanings([[10.0, 10.0, 10.0], [10.0, -10.0, 0.0]])
    assert told.startswith("only together: ")
    assert set(told.removeprefix("only together: ").split(", ")) == {"a", "b", "c"}


def test_everything_is_told_where_everything_is_measured():
    problem = linear(10.0 * np.eye(3), np.zeros(3))
    found = identify(problem, problem.start)
    assert found.rank == 3
    assert found.confounded == ()
    assert {one.meaning for one in found.directions} == {"told: a", "told: b", "told: c"}


def test_rank_counts_directions_that_say_more_than_the_prior():
    problem = linear(np.diag([1.1, 0.9]), np.zeros(2))
    assert identify(problem, problem.start).rank == 1
    wide = linear(np.diag([1.1, 0.9]), np.zeros(2), [1.0, 1.2])
    assert identify(wide, wide.start).rank == 2


def test_a_parameter_on_a_linear_scale_is_in_no_product():
    space = Space([FreeParameter("a", "1", "linear", -3.0, 3.0, 1.0), parameter("b")])
    problem = replace(linear([[10.0, 10.0]], [0.0]), space=space)
    told = identify(problem, problem.start).confounded
    assert told[0].startswith("only together: ")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_data_and_posterior_widths_are_those_of_the_normal_distribution(seed):
    rng = np.random.default_rng(seed)
    matrix, sds = rng.normal(size=(5, 4)), rng.uniform(0.3, 3.0, 4)
    problem = linear(matrix, np.zeros(5), list(sds))
    found = identify(problem, problem.start)
    posterior = np.linalg.inv(matrix.T @ matrix + np.diag(sds**-2.0))
    for k, told in enumerate(found.parameters):
        assert told.posterior_sd == pytest.approx(math.sqrt(posterior[k, k]), rel=1e-6)
        assert told.data_sd**-2.0 + told.prior_sd**-2.0 == pytest.approx(told.posterior_sd**-2.0)
        assert told.gained == pytest.approx(1.0 - posterior[k, k] / sds[k] ** 2)
    scaled = np.linalg.svd(matrix * sds)[1] ** 2
    np.testing.assert_allclose([one.information for one in found.directions], scaled, rtol=1e-6, atol=1e-9)


def test_unknown_noise_takes_its_share():
    """The last column is a factor on noise: information on the others is that of the joint posterior."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(5, 3))
    whole = linear(matrix, np.zeros(5))
    posterior = np.linalg.inv(matrix.T @ matrix + np.eye(3))
    found = identify(replace(whole, widths=1), whole.start)
    assert [one.name for one in found.parameters] == ["a", "b"]
    for k, told in enumerate(found.parameters):
        assert told.posterior_sd == pytest.approx(math.sqrt(posterior[k, k]))


def test_a_parameter_that_nothing_depends_on_gains_nothing():
    problem = linear([[5.0, 0.0]], [0.0])
    a, b = identify(problem, problem.start).parameters
    assert b.gained == 0.0
    assert math.isinf(b.data_sd)
    assert a.gained == pytest.approx(25.0 / 26.0)


def test_a_point_that_cannot_be_simulated_is_refused():
    problem = linear([[1.0, 1.0]], [0.0], forbidden=lambda x: True)
    with pytest.raises(ValueError, match="cannot be simulated: forbidden"):
        identify(problem, NOWHERE)


def test_small_entries_take_no_part():
    weights = {"a": 0.97, "b": -0.2, "c": 0.1}
    ones = dict.fromkeys(weights, 1.0)
    direction = Direction(0.1, weights, dict.fromkeys(weights, True), ones)
    assert direction.parameters == ("a",)
    assert direction.meaning == "not told: a"
