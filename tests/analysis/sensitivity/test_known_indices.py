"""Ishigami, Sobol's G and a linear differential equation: what is known lies in the intervals."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nicheloop.analysis.sensitivity import Estimate, Space, analyse
from nicheloop.equations import Network, Reaction
from nicheloop.equations.system import System
from nicheloop.integrate import BatchSolver

sys.path.insert(0, str(Path(__file__).parent))
import known


def assert_inside(found: Estimate, expected: np.ndarray, widest: float) -> None:
    """Demand what is expected within intervals that say something."""
    count = len(expected)
    value, low, high = (part[:count] for part in (found.value, found.low, found.high))
    told = np.isfinite(expected)
    assert ((low <= expected) & (expected <= high))[told].all(), (low, expected, high)
    assert (low <= value)[told].all()
    assert (value <= high)[told].all()
    assert (high - low)[told].max() < widest


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sobol_on_ishigami(seed: int) -> None:
    found = analyse(known.ishigami, known.ISHIGAMI, "sobol", samples=2048, second_order=True, seed=seed)
    assert_inside(found["S1"], known.ISHIGAMI_S1[:, None], 0.1)
    assert_inside(found["ST"], known.ISHIGAMI_ST[:, None], 0.15)
    assert found.second is not None
    assert_inside(found.second, known.ISHIGAMI_S2[..., None], 0.25)
    assert found["ST"].value[:3, 0] == pytest.approx(known.ISHIGAMI_ST, abs=0.02)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sobol_on_sobol_g(seed: int) -> None:
    found = analyse(known.sobol_g, known.SOBOL_G, "sobol", samples=2048, second_order=True, seed=seed)
    assert_inside(found["S1"], known.SOBOL_G_S1[:, None], 0.15)
    assert_inside(found["ST"], known.SOBOL_G_ST[:, None], 0.15)
    assert found.second is not None
    assert_inside(found.second, known.SOBOL_G_S2[..., None], 0.25)


def solved(x: np.ndarray) -> np.ndarray:
    """The linear equation, integrated by the batch engine."""
    network = Network(
        name="decay",
        species=("x",),
        parameters=("x0", "k"),
        values=(1.0, 0.5),
        expressions=(),
        observables=(),
        reactions=(Reaction("k*__s0", ((0, -1),)),),
        initials=((0, "x0"),),
    )
    solver = BatchSolver(System(network), rtol=1e-7, atol=1e-10, threads=1)
    return solver.run(x, [0.0, *known.TIMES]).y[:, 1:, 0]


@pytest.mark.parametrize("function", [known.decay, solved], ids=["closed form", "integrated"])
def test_sobol_on_a_linear_equation_over_time(function: object) -> None:
    first, total, both = known.decay_indices()
    found = analyse(function, known.DECAY, "sobol", samples=1024, second_order=True)  # type: ignore[arg-type]
    assert_inside(found["S1"], first, 0.2)
    assert_inside(found["ST"], total, 0.2)
    assert found.second is not None
    pairs = np.full((2, 2, 3), np.nan)
    pairs[0, 1] = pairs[1, 0] = both
    assert_inside(found.second, pairs, 0.2)
    assert first[0, 0] > 0.8  # what one starts with decides early, the rate late
    assert first[1, 2] > 0.6


FUNCTIONS = pytest.mark.parametrize(
    ("function", "space"),
    [(known.ishigami, known.ISHIGAMI), (known.sobol_g, known.SOBOL_G)],
    ids=["ishigami", "sobol_g"],
)


@FUNCTIONS
def test_morris(function: object, space: Space) -> None:
    sizes, means = known.mean_effects(function, space)
    found = analyse(function, space, "morris", samples=512)  # type: ignore[arg-type]
    slack = 1e-9 * sizes.max()  # effects of the same size everywhere have an interval of no width
    for name, expected in (("mu_star", sizes), ("mu", means)):
        low, high = (part[:-1, 0] for part in (found[name].low, found[name].high))
        assert (low - slack <= expected).all(), name
        assert (expected <= high + slack).all(), name
        assert (high - low).max() < 0.3 * sizes.max()


@FUNCTIONS
@pytest.mark.parametrize(("method", "samples"), [("morris", 64), ("sobol", 128)])
def test_intervals_hold_what_they_promise(function: object, space: Space, method: str, samples: int) -> None:
    """Over many designs, 95 % of them contain what is known; of so many, at least nine in ten."""
    exact = {
        ("morris", 3): known.mean_effects(function, space)[0],
        ("morris", 6): known.mean_effects(function, space)[0],
        ("sobol", 3): known.ISHIGAMI_ST,
        ("sobol", 6): known.SOBOL_G_ST,
    }[method, len(space.names)]
    inside = []
    for seed in range(40):
        found = analyse(function, space, method, samples=samples, seed=seed, bootstrap=300)  # type: ignore[arg-type]
        main = found[found.main]
        slack = 1e-9 * exact.max()
        inside += ((main.low[:-1, 0] - slack <= exact) & (exact <= main.high[:-1, 0] + slack)).tolist()
    assert np.mean(inside) > 0.9


def test_morris_on_a_linear_equation() -> None:
    late = known.TIMES.size - 1
    sizes, _ = known.mean_effects(lambda x: known.decay(x)[:, late], known.DECAY)
    found = analyse(known.decay, known.DECAY, "morris", samples=128)
    assert (found["mu_star"].low[:2, late] <= sizes).all()
    assert (sizes <= found["mu_star"].high[:2, late]).all()
    assert found["mu"].value[1, late] < 0 < found["mu"].value[0, late]  # faster decay leaves less


def test_efast() -> None:
    found = analyse(known.sobol_g, known.SOBOL_G, "efast", samples=4 * 513)
    assert found["S1"].value[:6, 0] == pytest.approx(known.SOBOL_G_S1, abs=0.03)
    assert found["ST"].value[:6, 0] == pytest.approx(known.SOBOL_G_ST, abs=0.05)
    assert found.verdicts[0].leaders[:3] == ("g0", "g1", "g2")


@pytest.mark.parametrize("method", ["pawn", "delta"])
def test_distributions(method: str) -> None:
    """Of two uniform parameters with weights 2 and 1, delta of the sum is known; all have the same order."""
    space = Space.uniform({"big": (0, 2), "small": (0, 1), "none": (0, 1)})
    found = analyse(lambda x: x[:, 0] + x[:, 1], space, method, samples=2048)
    main = found[found.main]
    assert found.verdicts[0].leaders == ("big", "small")
    floor = main.high[3, 0]
    assert main.low[2, 0] <= floor
    if method == "delta":
        # Half the area between the trapezoid on 0..3 and the uniform density that is left, averaged.
        assert main.low[0, 0] < 0.5 < main.high[0, 0] + 0.03
