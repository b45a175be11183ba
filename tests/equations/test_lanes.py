"""Code over lanes against the interpreter of tapes and against exact arithmetic."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from nicheloop.equations import lanemath
from nicheloop.equations.interpret import evaluate
from nicheloop.equations.lanes import LaneProgram, Module
from nicheloop.equations.machine import MachineCode, compile_module
from nicheloop.equations.tape import Tape, TapeBuilder, real_power

LANES = 4


def compiled(module: Module) -> MachineCode:
    return compile_module(module.text(), level=1)


@pytest.fixture(scope="module")
def functions() -> dict[str, Callable[..., np.ndarray]]:
    """exp, log and pow on arrays whose length is a multiple of the lanes."""
    module = Module(LANES)
    for code in lanemath.WRITERS:
        f = module.function(
            f"many_{code}", [("ptr", "a"), ("ptr", "b"), ("i64", "m"), ("ptr", "out")], exported=True
        )
        with f.count("%m") as i:
            arguments = [f.load("%a", i), f.load("%b", i)][: 2 if code == "pow" else 1]
            f.store(f.call(lanemath.require(module, code), *arguments), "%out", i)
        f.do("ret void")
    code_ = compiled(module)

    def wrap(code: str) -> Callable[..., np.ndarray]:
        def call(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
            a = np.ascontiguousarray(a, dtype=float)
            b = a if b is None else np.ascontiguousarray(b, dtype=float)
            padded = [np.concatenate([v, np.ones(-len(v) % LANES)]) for v in (a, b)]
            out = np.empty_like(padded[0])
            native = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
            address = code_.address(f"many_{code}")
            native(address)(*(v.ctypes.data for v in padded), len(out) // LANES, out.ctypes.data)
            return out[: len(a)]

        return call

    return {code: wrap(code) for code in lanemath.WRITERS}


def relative_error(value: float, exact: mpmath.mpf) -> float:
    return float(abs((mpmath.mpf(value) - exact) / exact))


def test_exp_and_log_are_accurate_to_the_last_bits(functions: dict[str, Callable[..., np.ndarray]]) -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-700, 700, 400), rng.normal(0, 1e-3, 100), rng.normal(0, 1, 100)])
    z = np.concatenate([10.0 ** rng.uniform(-307, 307, 400), 1 + rng.normal(0, 1e-4, 100), [5e-324, 1e-310]])
    with mpmath.workdps(40):
        errors = [
            relative_error(v, mpmath.exp(mpmath.mpf(a))) for a, v in zip(x, functions["exp"](x), strict=True)
        ]
        assert max(errors) < 2.5e-16
        errors = [
            relative_error(v, mpmath.log(mpmath.mpf(a))) for a, v in zip(z, functions["log"](z), strict=True)
        ]
        assert max(errors) < 2.5e-16


def test_power_is_accurate(functions: dict[str, Callable[..., np.ndarray]]) -> None:
    rng = np.random.default_rng(2)
    a, b = 10.0 ** rng.uniform(-30, 30, 500), rng.uniform(-8, 8, 500)
    values = functions["pow"](a, b)
    with mpmath.workdps(40):
        for base, exponent, value in zip(a, b, values, strict=True):
            exact = mpmath.power(mpmath.mpf(base), mpmath.mpf(exponent))
            assert relative_error(value, exact) < 3e-16 * (1 + abs(exponent * math.log(base)))


def test_limits_are_those_of_the_c_library(functions: dict[str, Callable[..., np.ndarray]]) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 710.0, -746.0, -740.0, 1e308, -1e308])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(functions["exp"](x), np.exp(x), rtol=1e-15, atol=5e-324)
        z = np.array([0.0, -0.0, np.inf, np.nan, -1.0, -np.inf, 1.0, 2.0**-1074])
        np.testing.assert_allclose(functions["log"](z), np.log(z), rtol=1e-15)
    bases = [0.0, 1.0, 2.0, -2.0, -1e-20, np.inf, 0.5, np.nan, 1e200]
    exponents = [0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 2.5, np.inf, np.nan, 4.0]
    grid = [(a, b) for a in bases for b in exponents]
    values = functions["pow"](np.array([a for a, _ in grid]), np.array([b for _, b in grid]))
    for (a, b), value in zip(grid, values, strict=True):
        expected = real_power(a, b)
        assert value == pytest.approx(expected, rel=1e-13, nan_ok=True), (a, b)


def every_operation() -> Tape:
    """A tape in which every operation occurs, also on values that depend on parameters alone."""
    t = TapeBuilder(3, 3)
    y = [t.y(i) for i in range(3)]
    p = [t.p(i) for i in range(3)]
    hill = t.div(t.pow(y[0], p[0]), t.add(t.pow(p[1], p[0]), t.pow(y[0], p[0])))
    chosen = t.select(t.logic("and", t.compare("lt", p[0], p[1]), t.compare("ge", y[0], y[1])), hill, y[2])
    other = t.select(
        t.logic("or", t.logic("not", t.compare("gt", y[1], p[2])), t.compare("le", y[0], y[2])), y[1], p[1]
    )
    same = t.select(t.compare("eq", y[0], y[0]), t.call("tanh", y[1]), t.const(3.0))
    rest = [t.call(code, y[2]) for code in ("exp", "log", "sqrt", "abs", "sin", "cos")]
    extremes = [t.minimum(y[0], y[1]), t.maximum(y[0], p[2]), t.neg(t.mul(p[0], p[1])), p[1], t.const(2.5)]
    return t.freeze({"all": [hill, chosen, other, same, *rest, *extremes, t.sub(y[0], y[1])]}, {})


def test_every_operation_equals_the_interpreter_in_every_lane() -> None:
    tape = every_operation()
    program = LaneProgram(tape, ["all"])
    assert program.n_prepared > 0
    module = Module(LANES)
    program.write_prepare(module, "prepare")
    program.write(module, "values", ["all"])
    names = ["y", "p", "q", "out"]
    f = module.function("evaluate", [("ptr", name) for name in names], exported=True)
    f.do("call void @prepare(ptr %p, ptr %q)")
    f.do("call void @values(ptr %y, ptr %p, ptr %q, ptr %out)")
    f.do("ret void")
    code = compiled(module)
    rng = np.random.default_rng(5)
    y, p = rng.uniform(0.1, 3, (3, LANES)), rng.uniform(0.5, 2, (3, LANES))
    q, out = np.empty((program.n_prepared, LANES)), np.empty((len(tape.outputs["all"]), LANES))
    native = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(code.address("evaluate"))
    native(*(a.ctypes.data for a in (y, p, q, out)))
    for lane in range(LANES):
        expected = evaluate(tape, "all", list(y[:, lane]), list(p[:, lane]))
        np.testing.assert_allclose(out[:, lane], expected, rtol=1e-14)


def test_a_module_needs_lanes_and_unique_names() -> None:
    with pytest.raises(ValueError, match="at least one lane"):
        Module(0)
    module = Module(2)
    module.function("f", [])
    with pytest.raises(ValueError, match="exists"):
        module.function("f", [])
