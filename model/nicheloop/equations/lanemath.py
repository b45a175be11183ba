"""exp, log and pow over lanes, written in IR.

Calling the C library once per lane would make a Hill function cost more than the rest of a step. These
versions are branch-free, so every lane takes the same path and gets the same bits wherever it stands.
Relative errors, against correctly rounded values: exp and log below 2.5e-16 (log near 1 relative to the
result too), pow below ``3e-16 * (1 + |b * log(a)|)``. Limits (0, infinities, NaN, overflow, subnormal
arguments) are those of the C library, with one exception shared with the scalar code: a negative base
under a non-integer exponent gives 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from nicheloop.equations.lanes import Function, Module

__all__ = ["WRITERS", "require"]

_LN2_HIGH = 6.93147180369123816490e-01  # the leading 33 bits of log(2): times any exponent it is exact
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest whole number in the low bits
_LOG_TERMS = 10
_EXP_TERMS = 13


def require(module: Module, code: str) -> str:
    """Name of the module's function for `code`, written into the module on first use."""
    name = f"lane_{code}"
    if not module.has(name):
        for other in ("exp", "log") if code == "pow" else ():
            require(module, other)
        arguments = [(module.reals, a) for a in ("a", "b")[: 2 if code == "pow" else 1]]
        WRITERS[code](module.function(name, arguments, module.reals))
    return name


def _horner(f: Function, x: str, coefficients: list[float]) -> str:
    """Polynomial with the given coefficients, highest power first."""
    result = f.module.real(coefficients[0])
    for coefficient in coefficients[1:]:
        result = f.fma(result, x, f.module.real(coefficient))
    return result


def _bits(f: Function, x: str) -> str:
    return f.emit(f"bitcast {f.module.reals} {x} to {f.module.ints}")


def _reals(f: Function, x: str) -> str:
    return f.emit(f"bitcast {f.module.ints} {x} to {f.module.reals}")


def _whole(f: Function, operation: str, a: str, b: str) -> str:
    return f.emit(f"{operation} {f.module.ints} {a}, {b}")


def _write_exp(f: Function) -> None:
    """2**k * exp(r), |r| <= log(2) / 2; a scale in two halves reaches subnormal results and infinity."""
    real, whole = f.module.real, f.module.whole
    x = f.smaller(f.larger("%a", real(-746.0)), real(710.0))
    shifted = f.fma(x, real(1.0 / math.log(2.0)), real(_ROUND))
    k = f.sub(shifted, real(_ROUND))
    minus_k = f.neg(k)
    r = f.fma(minus_k, real(_LN2_LOW), f.fma(minus_k, real(_LN2_HIGH), x))
    tail = _horner(f, r, [1.0 / math.factorial(n) for n in range(_EXP_TERMS, 1, -1)])
    value = f.add(f.fma(f.mul(r, r), tail, r), real(1.0))
    count = _whole(f, "sub", _bits(f, shifted), _bits(f, real(_ROUND)))
    half = _whole(f, "ashr", count, whole(1))
    for power in (half, _whole(f, "sub", count, half)):
        scale = _whole(f, "shl", _whole(f, "add", power, whole(1023)), whole(52))
        value = f.mul(value, _reals(f, scale))
    f.do(f"ret {f.module.reals} {value}")


def _write_log(f: Function) -> None:
    """k * log(2) + log(1 + u) with 1 + u between sqrt(1/2) and sqrt(2); the series runs in u / (2 + u)."""
    real, whole = f.module.real, f.module.whole
    subnormal = f.compare("olt", "%a", real(2.0**-1022))
    x = f.select(subnormal, f.mul("%a", real(2.0**54)), "%a")
    bits = _bits(f, x)
    offset = _whole(f, "sub", bits, _bits(f, real(math.sqrt(0.5))))
    exponent = _whole(f, "ashr", offset, whole(52))
    k = f.emit(f"sitofp {f.module.ints} {exponent} to {f.module.reals}")
    k = f.select(subnormal, f.sub(k, real(54.0)), k)
    u = f.sub(_reals(f, _whole(f, "sub", bits, _whole(f, "shl", exponent, whole(52)))), real(1.0))
    s = f.div(u, f.add(u, real(2.0)))
    z = f.mul(s, s)
    series = f.mul(z, _horner(f, z, [2.0 / (2 * n + 1) for n in range(_LOG_TERMS, 0, -1)]))
    square = f.mul(f.mul(real(0.5), u), u)
    small = f.fma(s, f.add(square, series), f.mul(k, real(_LN2_LOW)))
    value = f.sub(f.mul(k, real(_LN2_HIGH)), f.sub(f.sub(square, small), u))
    value = f.select(f.compare("oeq", "%a", real(0.0)), real(-math.inf), value)
    value = f.select(f.compare("oeq", "%a", real(math.inf)), "%a", value)
    value = f.select(f.compare("oge", "%a", real(0.0)), value, real(math.nan))
    f.do(f"ret {f.module.reals} {value}")


def _write_pow(f: Function) -> None:
    """exp(b * log|a|) with the sign of a whole odd exponent."""
    real = f.module.real
    size = f.intrinsic("fabs", "%a")
    value = f.call("lane_exp", f.mul("%b", f.call("lane_log", size)))
    half = f.mul("%b", real(0.5))
    is_whole = f.compare("ueq", "%b", f.intrinsic("floor", "%b"))  # a NaN exponent passes, and gives NaN
    is_even = f.compare("oeq", half, f.intrinsic("floor", half))
    signed = f.select(is_whole, f.select(is_even, value, f.neg(value)), real(0.0))
    value = f.select(f.compare("olt", "%a", real(0.0)), signed, value)
    value = f.select(f.compare("oeq", "%b", real(1.0)), "%a", value)
    unit = f.emit(
        f"or {f.module.bools} {f.compare('oeq', '%b', real(0.0))}, {f.compare('oeq', '%a', real(1.0))}"
    )
    value = f.select(unit, real(1.0), value)
    f.do(f"ret {f.module.reals} {value}")


WRITERS: Mapping[str, Callable[[Function], None]] = MappingProxyType(
    {"exp": _write_exp, "log": _write_log, "pow": _write_pow}
)
