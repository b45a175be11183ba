"""Derivatives of Jacobians along a direction against differences, with every operation a rate can hold."""

from __future__ import annotations

import numpy as np
import pytest

from nicheloop.equations import Network, Reaction, build_tape
from nicheloop.equations.interpret import evaluate
from nicheloop.equations.tangent import along
from nicheloop.equations.tape import Tape

NAMES = ("jacobian", "rhs_p")


def dense(tape: Tape, name: str, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    pattern = tape.patterns[name]
    matrix = np.zeros(pattern.shape)
    matrix[list(pattern.rows), list(pattern.cols)] = evaluate(tape, name, list(y), list(p))
    return matrix


def every_operation() -> Network:
    """Rates with each operation; the choices do not switch near the states that are tested."""
    formulas = (
        "k*__s0*__s1 - __s2/(k + __s1)",
        "__s0**n/(k**n + __s0**n)",
        "n**__s1 + __s0**__s1",
        "exp(-k*__s0)*log(1 + __s1)*sqrt(__s2)",
        "tanh(k*__s0)*sin(__s1) - cos(n*__s2)*Abs(__s0 - 5)",
        "Max(__s0*__s1, k)*Min(__s2**2, n*__s1)",
        "Piecewise((__s0**3*k, __s1 > 1), (__s2**2*n, True))",
        "mixed**2*half",
    )
    return Network(
        name="operations",
        species=("a", "b", "c"),
        parameters=("k", "n"),
        values=(0.7, 2.6),
        expressions=(("half", "mixed/(k + mixed)"),),
        observables=(("mixed", ((0, 1.0), (2, 2.0))),),
        reactions=tuple(Reaction(f, ((i % 3, 1), ((i + 1) % 3, -1))) for i, f in enumerate(formulas)),
        initials=(),
    )


@pytest.mark.parametrize("state", [(0.3, 0.5, 0.2), (2.0, 3.0, 1.0), (0.05, 1.4, 0.9)])
def test_derivatives_along_a_direction_equal_differences(state: tuple[float, ...]) -> None:
    network = every_operation()
    tape = build_tape(network, NAMES)
    bent = along(tape, NAMES)
    y, p = np.array(state), np.array(network.values)
    direction = np.array([0.4, -1.1, 0.8])
    for name in NAMES:
        h = 1e-4
        ends = [dense(tape, name, y + w * h * direction, p) for w in (-2, -1, 1, 2)]
        expected = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
        found = dense(bent, name, direction, np.concatenate([p, y]))
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_a_linear_network_has_no_second_derivatives() -> None:
    decay = Network("decay", ("a",), ("k",), (1.0,), (), (), (Reaction("k*__s0", ((0, -1),)),), ())
    bent = along(build_tape(decay, NAMES), NAMES)
    assert len(bent.patterns["jacobian"]) == 0
    assert dense(bent, "rhs_p", np.array([3.0]), np.array([1.0, 7.0])).tolist() == [[-3.0]]
