"""What varies: groups, priors that are not uniform, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from nicheloop.analysis.sensitivity import Space, analyse
from nicheloop.biology.priors import CUT, free_parameters, prior_quantile
from nicheloop.biology.table import rows

UNIT = (0.0, 1.0)


def test_all_free_parameters_vary_by_default() -> None:
    space = Space.prior()
    assert space.names == free_parameters("mixed")
    assert space.factors == space.names
    assert not space.grouped


def test_mechanisms_are_groups() -> None:
    space = Space.prior(groups="mechanism")
    assert space.factors == tuple(dict.fromkeys(rows()[name].mechanism for name in space.names))
    assert sum(map(len, space.members.values())) == len(space.names)
    assert all(rows()[name].mechanism == factor for factor, names in space.members.items() for name in names)


def test_only_what_is_named_varies() -> None:
    groups = {"receptors": ["il1r1_copies_K562R", "il1rap_copies_K562S"]}
    with pytest.raises(ValueError, match=r"'il1r1_copies_K562R' has the value of K562S if .* mixed"):
        Space.prior(groups=groups)
    groups = {"receptors": ["il1r1_copies_K562S", "il1rap_copies_K562S"]}
    assert Space.prior(groups=groups).members == {"receptors": tuple(groups["receptors"])}
    more = Space.prior(["death_max"], groups)
    assert more.members == {"death_max": ("death_max",), "receptors": tuple(groups["receptors"])}
    picked = Space.prior(["death_max", "cell_volume", "il1_kon"], "mechanism")
    assert picked.members == {"populations": ("death_max", "cell_volume"), "il1": ("il1_kon",)}


def test_a_prior_that_is_not_uniform() -> None:
    """A sum of lognormal parameters: each has its own variance as share, and nothing interacts."""
    names = ("il1b_kd_binary", "anti_il1rap_kd", "cxcl11_cxcr3_kd", "il1rap_gain")
    assert [rows()[name].prior for name in names] == ["lognormal"] * 3 + ["loguniform"]
    scale = np.array([1.0, 0.05, 1.0, 0.01])
    space = Space.prior(names)
    variance = np.array([moments(name)[1] for name in names]) * scale**2
    found = analyse(lambda x: x @ scale, space, "sobol", samples=4096)
    for index in ("S1", "ST"):
        estimate = found[index]
        expected = variance / variance.sum()
        assert (estimate.low[:4, 0] <= expected).all()
        assert (expected <= estimate.high[:4, 0]).all()
        assert estimate.value[:4, 0] == pytest.approx(expected, abs=0.02)


def moments(name: str) -> tuple[float, float]:
    """Mean and variance of a prior, in closed form."""
    row = rows()[name]
    assert row.low is not None
    assert row.high is not None
    if row.prior == "loguniform":
        width = math.log(row.high / row.low)
        mean = (row.high - row.low) / width
        return mean, (row.high**2 - row.low**2) / (2 * width) - mean**2
    sigma = math.log(row.high / row.low) / (2 * 1.6448536269514722)
    median = math.sqrt(row.low * row.high)

    def power(n: int) -> float:
        """Moment of a lognormal distribution that is cut at three sigma."""
        s = n * sigma
        inside = math.erf((CUT - s) / math.sqrt(2)) + math.erf((CUT + s) / math.sqrt(2))
        return median**n * math.exp(s**2 / 2) * inside / (2 * math.erf(CUT / math.sqrt(2)))

    return power(1), power(2) - power(1) ** 2


def test_values_are_quantiles() -> None:
    space = Space.prior(["il1_kon", "il1_to_erk"])
    levels = np.random.default_rng(1).random((20, 2))
    values = space.values(levels)
    assert (values[:, 0] == prior_quantile("il1_kon", levels[:, 0])).all()
    assert (values[:, 1] == prior_quantile("il1_to_erk", levels[:, 1])).all()


def test_groups_add_up() -> None:
    """A group has the variance of its members and what they do together."""
    bounds = dict.fromkeys("abcd", UNIT)
    space = Space.uniform(bounds, {"pair": ["a", "b"]})
    assert space.factors == ("pair", "c", "d")

    def function(x: np.ndarray) -> np.ndarray:
        return (x[:, 0] - 0.5) * (x[:, 1] - 0.5) + 0.5 * x[:, 2]

    parts = np.array([1 / 144, 0.25 / 12, 0.0])
    found = analyse(function, space, samples=1024)
    for index in ("S1", "ST"):
        expected = parts / parts.sum()
        assert (found[index].low[:3, 0] <= expected).all()
        assert (expected <= found[index].high[:3, 0]).all()
    alone = analyse(function, Space.uniform(bounds), samples=1024)
    assert alone["S1"].high[:2, 0].max() < 0.1  # neither of the two does anything by itself
    screened = analyse(function, space, "morris")
    assert screened["mu_star"].value[0, 0] > 0.1
    assert np.isnan(screened["mu"].value[0, 0])
    assert np.isfinite(screened["mu"].value[1, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Space.prior(["il1_kan"]), "'il1_kan' is not in the parameter table; did you mean 'il1_kon'"),
        (lambda: Space.prior(["cell_floor"]), "'cell_floor' is fixed in the table"),
        (lambda: Space.prior(["il1_kon", "il1_kon"]), "'il1_kon' is there twice"),
        (lambda: Space.prior([]), "parameters: got none"),
        (lambda: Space.prior(groups="mechanisms"), "groups: got 'mechanisms', expected 'mechanism'"),
        (lambda: Space.prior(groups={"x": "il1_kon"}), "groups: x: got 'il1_kon', expected a list"),
        (lambda: Space.prior(groups={"x": ["il1_kon"], "y": ["il1_kon"]}), "is in 'x' and in 'y'"),
        (lambda: Space.prior(groups={"dummy": ["il1_kon"]}), "'dummy' is the name of the parameter without"),
        (lambda: Space.prior(["death_max"], {"death_max": ["il1_kon"]}), "also the name of a parameter"),
        (lambda: Space.uniform({"a": (1, 0)}), "a: got 1 to 0, expected the lower first"),
        (lambda: Space.uniform({"a": UNIT}, {"g": ["b"]}), "g: unknown parameter 'b'"),
    ],
)
def test_misuse(make: Callable[[], Space], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
