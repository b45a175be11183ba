"""Free parameters: the prior on the search scale is that of the table, Jacobian included."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from nicheloop.analysis.fit.parameters import EDGE, Space, free_parameter, noise_parameter, space_of
from nicheloop.biology.priors import free_parameters, log_prior, prior_level
from nicheloop.biology.table import rows

FAMILIES = {
    "lognormal": "death_max",
    "normal": "il1_proliferation_effect",
    "uniform": "contact_protection",
    "loguniform": next((name for name, row in rows().items() if row.prior == "loguniform"), None),
}
KNOWN = [name for name in FAMILIES.values() if name is not None]


@pytest.mark.parametrize("name", KNOWN)
def test_the_density_on_the_search_scale_is_that_of_the_table_times_the_jacobian(name: str) -> None:
    space = Space([free_parameter(name)])
    for x in np.linspace(space.array("lower")[0], space.array("upper")[0], 7):
        point = np.array([x])
        (number,), (slope,) = space.numbers(point), space.slopes(point)
        assert space.log_prior(point) == pytest.approx(
            float(log_prior(name, number)) + np.log(slope), rel=1e-10
        )
        assert space.point(np.array([number]))[0] == pytest.approx(x, abs=1e-12)


@pytest.mark.parametrize("name", KNOWN)
def test_bounds_leave_a_thousandth_of_a_tenth_outside_and_levels_are_those_of_the_prior(name: str) -> None:
    parameter = free_parameter(name)
    space = Space([parameter])
    for level in (EDGE, 0.2, 0.5, 0.9, 1 - EDGE):
        number = space.numbers(space.sampled(np.array([level])))[0]
        assert prior_level(name, number) == pytest.approx(level, abs=1e-9)
    assert prior_level(name, space.numbers(np.array([parameter.lower]))[0]) == pytest.approx(EDGE)
    assert space.numbers(np.array([parameter.centre]))[0] == pytest.approx(
        space.numbers(space.sampled(np.array([0.5])))[0]
    )


def test_every_parameter_that_varies_can_be_free_and_its_density_integrates_to_one() -> None:
    for name in free_parameters("mixed"):
        space = Space([free_parameter(name)])
        low, high = space.array("low")[0], space.array("high")[0]
        assert low < space.array("lower")[0] < space.array("upper")[0] < high
        mass = quad(lambda x, s=space: np.exp(s.log_prior(np.array([x]))), low, high)[0]
        assert mass == pytest.approx(1.0, rel=1e-8)
        assert space.log_prior(np.array([high + 0.01 * (high - low)])) == -np.inf


def test_derivatives_and_residuals_are_those_of_the_density() -> None:
    space = Space([free_parameter(name) for name in KNOWN] + [noise_parameter("noise:viability")])
    x = space.sampled(np.full(len(space), 0.3))
    for i in range(len(space)):
        step = np.zeros(len(space))
        step[i] = 1e-4 * space.array("prior_sd")[i]
        difference = (space.log_prior(x + step) - space.log_prior(x - step)) / (2 * step[i])
        assert space.d_log_prior(x)[i] == pytest.approx(difference, rel=1e-6, abs=1e-8)
        bend = (space.d_log_prior(x + step) - space.d_log_prior(x - step))[i] / (2 * step[i])
        assert space.prior_information[i] == pytest.approx(-bend, rel=1e-6, abs=1e-8)
    squares, there = space.residuals(x), space.sampled(np.full(len(space), 0.6))
    fall = 0.5 * (np.sum(space.residuals(there).residuals ** 2) - np.sum(squares.residuals**2))
    assert space.log_prior(x) - space.log_prior(there) == pytest.approx(fall)
    np.testing.assert_allclose(squares.jacobian.T @ squares.residuals, -space.d_log_prior(x))


def test_misuse_names_everything_that_is_wrong() -> None:
    with pytest.raises(ValueError, match="unknown parameter 'death_maxx', did you mean 'death_max'") as told:
        space_of(["death_maxx", "uniform_death", "bim_copies", "bim_copies", "bh3_kd"], {"bh3_kd": 1.0})
    lines = str(told.value).splitlines()
    assert len(lines) == 4
    assert "'uniform_death': its prior is 'fixed' at 0 1/h" in lines[1]
    assert "'bim_copies' is named 2 times" in lines[2]
    assert "'bh3_kd' is in 'base' and free" in lines[3]
