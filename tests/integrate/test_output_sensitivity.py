"""Derivatives of outputs against differences of the outputs themselves."""

from __future__ import annotations

import numpy as np
import pytest

from nicheloop.equations import Network, Reaction, System, compile_network
from nicheloop.integrate import OutputSensitivities

VALUES = {"made": 2.0, "half": 0.7, "unused": 1.0}
NAMES = ("fold", "all", "filled")


@pytest.fixture(scope="module")
def system() -> System:
    return compile_network(
        Network(
            "outputs",
            ("a", "b"),
            tuple(VALUES),
            tuple(VALUES.values()),
            (("filled", "all / (all + half)"), ("fold", "made * filled**2 / all")),
            (("all", ((0, 1.0), (1, 2.0))),),
            (Reaction("made*__s0", ((1, 1),)),),
            (),
        )
    )


def test_derivatives_equal_differences_along_every_column(system: System) -> None:
    rng = np.random.default_rng(5)
    p, y = system.parameter_vector(), np.array([0.3, 0.9])
    by_p, by_y = rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    found = OutputSensitivities(system, NAMES).at(p, y, by_p, by_y)
    rows, step = [system.output_index(name) for name in NAMES], 1e-3
    for column in range(4):

        def moved(m: int, column: int = column) -> np.ndarray:
            return system.outputs(y + m * step * by_y[:, column], p + m * step * by_p[:, column])[rows]

        expected = sum(
            w * (moved(m) - moved(-m)) for m, w in enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), 1)
        )
        np.testing.assert_allclose(found[:, column], expected / step, rtol=1e-9, atol=1e-12)


def test_an_unknown_output_is_refused_with_the_nearest(system: System) -> None:
    with pytest.raises(KeyError, match=r"no output is called 'filed'.*did you mean 'filled'"):
        OutputSensitivities(system, ["filed"])
