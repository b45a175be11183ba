"""Arrays with derivatives against differences of the same formula on numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicheloop.assays.readouts import gr_value
from nicheloop.assays.runs.dual import FACTORS, Dual

STEP = 1e-3
WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of differences of order 8
values = st.floats(0.3, 0.9)
FORMULAS: dict[str, Callable] = {
    **{name: getattr(np, name) for name in (ufunc.__name__ for ufunc in FACTORS) if name not in ("divide",)},
    "ratio": lambda a, b: a / b,
    "share": lambda a, b: 100.0 * (b / (a + b)),
    "mixed": lambda a, b: 2.0 - a * np.exp(-b) + 1 / b - (a - 3.0) ** 2 + 2.0**a,
    "gr": lambda a, b: gr_value(a, 0.2, b),
}


def arguments(formula: Callable) -> int:
    return getattr(formula, "nin", 2)


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=15, deadline=None)
@given(a=values, b=values)
def test_derivatives_equal_differences(name: str, a: float, b: float) -> None:
    formula = FORMULAS[name]
    point = [np.array([a]), np.array([b if abs(a - b) > 5 * STEP else a + 0.1])][: arguments(formula)]
    unit = np.eye(len(point))
    found = formula(*(Dual(x, unit[i][None]) for i, x in enumerate(point)))
    assert np.array_equal(found.values, formula(*point))
    for i in range(len(point)):

        def moved(m: int, i: int = i) -> np.ndarray:
            return formula(*(x + m * STEP * unit[i][k] for k, x in enumerate(point)))

        expected = sum(w * (moved(m) - moved(-m)) for m, w in enumerate(WEIGHTS, 1)) / STEP
        np.testing.assert_allclose(found.slopes[:, i], expected, rtol=1e-7, atol=1e-9)


def test_shapes_broadcast_and_numbers_have_no_derivatives() -> None:
    x = Dual(np.ones((2, 3)), np.arange(12.0).reshape(2, 3, 2))
    y = Dual(np.full((2, 1), 2.0), np.ones((2, 1, 2)))
    product = x * y
    assert product.shape == (2, 3)
    np.testing.assert_array_equal(product.slopes, 2 * x.slopes + 1)
    np.testing.assert_array_equal((np.array([1.0, 2.0, 3.0]) * x).slopes[:, 2], 3 * x.slopes[:, 2])
    np.testing.assert_array_equal((y + np.zeros((2, 3))).slopes, np.ones((2, 3, 2)))
    assert x[..., :1].slopes.shape == (2, 1, 2)
    assert np.array_equal(x < 2, np.ones((2, 3), dtype=bool))


def test_nothing_over_nothing_is_nan_without_a_warning() -> None:
    nothing = Dual(np.zeros(1), np.zeros((1, 1)))
    quotient = nothing / nothing
    assert np.isnan(quotient.values).all()
    assert np.isnan(quotient.slopes).all()


@pytest.mark.parametrize(
    ("formula", "named"), [(np.floor, "floor"), (np.add.accumulate, "add.accumulate"), (np.sin, "sin")]
)
def test_a_function_whose_derivative_is_not_known_is_refused(formula: Callable, named: str) -> None:
    with pytest.raises(TypeError, match=f"derivatives of {named} are not known here, expected one of: abs"):
        formula(Dual(np.ones(2), np.ones((2, 1))))
