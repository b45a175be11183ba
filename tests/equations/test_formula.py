from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicheloop.equations.formula import UnsupportedFormula, compile_formula
from nicheloop.equations.interpret import evaluate
from nicheloop.equations.tape import TapeBuilder


def value(text: str, x: float, y: float) -> float:
    builder = TapeBuilder(2, 0)
    result = compile_formula(text, {"x": builder.y(0), "y": builder.y(1)}, builder, "test")
    return evaluate(builder.freeze({"v": [result]}, {}), "v", [x, y], [])[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*x - -y/3", 2 * 1.5 + 0.7 / 3),
        ("x**3 + x**-2 + x**0.5 + x**1.7", 1.5**3 + 1.5**-2 + 1.5**0.5 + 1.5**1.7),
        (
            "exp(x) + log(y) + log10(x) + log2(x)",
            math.exp(1.5) + math.log(0.7) + math.log10(1.5) + 0.5849625007,
        ),
        ("sin(x) + cos(x) + tan(x) + sinh(x) + cosh(x) + tanh(x)", 0),
        ("Abs(-x) + sign(-y) + Min(x, y, 3) + Max(x, y)", 1.5 - 1 + 0.7 + 1.5),
        ("Piecewise((x, x < y), (y, Eq(x, y)), (5, True))", 5),
        ("Piecewise((x, (x > y) & (y > 0) & ~(x > 2)), (5, True))", 1.5),
        ("Piecewise((x, (x < y) | Ne(x, y)), (5, True))", 1.5),
        ("Piecewise((x, 0 < y <= 1), (5, True))", 1.5),
    ],
)
def test_formulas_mean_what_they_say(text: str, expected: float) -> None:
    if text.startswith("sin"):
        expected = sum(f(1.5) for f in (math.sin, math.cos, math.tan, math.sinh, math.cosh, math.tanh))
    assert value(text, 1.5, 0.7) == pytest.approx(expected, rel=1e-10)


def test_numbers_keep_all_their_digits() -> None:
    assert value("0.1234567890123456789*x", 1.0, 0.0) == 0.1234567890123456789


def test_a_piecewise_without_a_true_condition_has_no_value() -> None:
    assert math.isnan(value("Piecewise((x, x > 10), (y, x > 20))", 1.0, 2.0))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("gamma(x)", "gamma"),
        ("x + z", "'z'"),
        ("__import__('os')", "__import__"),
        ("x.real", "x.real"),
        ("x if y else 3", "x if y else 3"),
        ("x // y", "operator"),
        ("[x]", "[x]"),
        ("1e999*x", "not finite"),
        ("x +", "not a formula"),
        ("Piecewise(x, y)", "pair"),
        ("exp(x, y)", "one argument"),
        ("True", "True"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(text: str, named: str) -> None:
    builder = TapeBuilder(2, 0)
    names = {"x": builder.y(0), "y": builder.y(1)}
    with pytest.raises(UnsupportedFormula, match="rate of reaction 3") as refusal:
        compile_formula(text, names, builder, "rate of reaction 3")
    assert named in str(refusal.value)


numbers = st.floats(-50, 50).filter(lambda v: abs(v) > 1e-3)


@given(x=numbers, y=numbers, n=st.integers(-8, 8))
def test_rewriting_of_signs_and_powers_keeps_the_value(x: float, y: float, n: int) -> None:
    text = f"-(x - y)*(-y) - (-x)/y + (-x)**{n} - (y - -x) + 0*x - 1*y"
    expected = -(x - y) * (-y) - (-x) / y + (-x) ** n - (y + x) - y
    size = 1 + abs(x * y) + y * y + abs(x / y) + abs(x) ** n
    assert abs(value(text, x, y) - expected) <= 1e-13 * size
