"""One Rodas5P step on all lanes at once, each with its own step size and its own verdict."""

from __future__ import annotations

import math

from nicheloop.equations.lanes import Function, Module
from nicheloop.integrate import rodas
from nicheloop.integrate.kernel_layout import Code, Field, Space, TangentSpace, job_integer, job_real

__all__ = ["combination", "write_attempt", "write_dense", "write_first_step", "write_interpolate"]

_SAFETY = 0.9
_SHRINK, _GROW = 1.0 / 5.0, 6.0  # bounds of the change of h from one step to the next
_AFTER_FAILURE = 0.25  # change of h when the step gave no finite error or a pivot vanished
_SMALLEST_PIVOT = 1e-9  # relative to 1 / (GAMMA h): below, elimination without row exchange loses digits
_WORK = (("ptr", "job"), ("ptr", "ws"))


def _difference_norm(f: Function, space: Space, values: str, other: str | None, rtol: str, size: str) -> str:
    """Root mean square over species of (values - other) / (atol + rtol * |size|)."""
    total = _sum_squares(f, space, values, other, rtol, size)
    return f.intrinsic("sqrt", f.mul(total, f.module.real(1.0 / space.n)))


def _sum_squares(f: Function, space: Space, values: str, other: str | None, rtol: str, size: str) -> str:
    atol = space.array(f, "atol")
    with f.gather(space.n, 0, f.module.real(0.0)) as total:
        i = total.index
        value = f.load(values, i)
        if other is not None:
            value = f.sub(value, f.load(other, i))
        scale = f.fma(rtol, f.intrinsic("fabs", f.load(size, i)), f.load(atol, i))
        ratio = f.div(value, scale)
        total.value = f.fma(ratio, ratio, total.value)
    return total.value


def write_first_step(module: Module, space: Space) -> None:
    """Function ``first_step``: step size for the lanes marked fresh; needs y and f = f(y) in the workspace.

    As in Hairer, Nørsett and Wanner (Solving ODEs I, II.4): the first guess moves y by a hundredth of
    itself, the second uses the change of f over that guess. Lanes without a finite derivative are marked
    as failed.
    """
    f = module.function("first_step", _WORK)
    real = module.real
    y, derivative, arg, right = space.arrays(f, ["y", "f", "arg", "right"])
    rtol = f.spread(job_real(f, Field.RTOL))
    length = space.reals(f, "length")
    d0 = _difference_norm(f, space, y, None, rtol, y)
    d1 = _difference_norm(f, space, derivative, None, rtol, y)
    small = f.emit(
        f"or {module.bools} {f.compare('olt', d0, real(1e-5))}, {f.compare('olt', d1, real(1e-5))}"
    )
    h0 = f.select(small, f.mul(real(1e-6), length), f.mul(real(0.01), f.div(d0, d1)))
    h0 = f.smaller(h0, length)
    with f.count(space.n) as i:
        f.store(f.fma(h0, f.load(derivative, i), f.load(y, i)), arg, i)
    p, q = space.arrays(f, ["p", "q"])
    f.do(f"call void @rhs(ptr {arg}, ptr {p}, ptr {q}, ptr {right})")
    d2 = f.div(_difference_norm(f, space, right, derivative, rtol, y), h0)
    largest = f.larger(f.larger(d1, d2), real(1e-15))
    h1 = f.power(f.div(real(0.01), largest), real(1.0 / 5.0))
    h = f.smaller(f.smaller(f.mul(real(100.0), h0), h1), length)
    finite = f.compare("olt", d1, real(math.inf))
    h = f.select(f.compare("ogt", h, real(0.0)), h, h0)
    h = f.select(finite, h, length)
    fresh = space.flag(f, "fresh")
    space.set_reals(f, "h", f.select(fresh, h, space.reals(f, "h")))
    bad = f.both(fresh, f.negate(finite))
    trouble = f.select(bad, module.whole(Code.NOT_FINITE), module.whole(Code.OK), module.ints)
    space.set_wholes(f, "trouble", trouble)
    space.set_wholes(f, "fresh", module.whole(0))
    f.do("ret void")


def write_attempt(module: Module, space: Space) -> None:
    """Function ``attempt``: one step of every lane.

    Leaves the stages in ``u``, the new state in ``new``, ``used`` (h of this step), ``advanced`` (time
    after it), ``accepted`` and ``trouble`` for the driver, and the next step size in ``h``. It does not
    move y or s.
    """
    f = module.function("attempt", _WORK)
    y, p, q, derivative, jacobian = space.arrays(f, ["y", "p", "q", "f", "jacobian"])
    f.do(f"call void @rhs_jacobian(ptr {y}, ptr {p}, ptr {q}, ptr {derivative}, ptr {jacobian})")
    space.set_wholes(f, "trouble", module.whole(0))
    with f.when(f.any(space.flag(f, "fresh"))):
        f.do("call void @first_step(ptr %job, ptr %ws)")
    h, ending = _cut_step(f, space)
    space.set_reals(f, "used", h)
    shift = f.div(module.real(1.0 / rodas.GAMMA), h)
    factors = space.array(f, "factors")
    pivot = f.emit(f"call {module.reals} @factor(ptr {jacobian}, {module.reals} {shift}, ptr {factors})")
    _stages(f, space, h)
    error = _error(f, space)
    sound = f.compare("oge", pivot, f.mul(shift, module.real(_SMALLEST_PIVOT)))
    if isinstance(space, TangentSpace):
        error, sound = _with_slopes(f, space, error, sound)
    _verdict(f, space, error, sound, ending)
    f.do("ret void")


def _cut_step(f: Function, space: Space) -> tuple[str, str]:
    """Step size, ending exactly on the period's end when that is near; mask of lanes where it does."""
    real = f.module.real
    left = f.sub(space.reals(f, "length"), space.reals(f, "s"))
    h = space.reals(f, "h")
    ending = f.compare("oge", f.mul(h, real(1.05)), left)
    halved = f.select(f.compare("ogt", f.mul(h, real(2.0)), left), f.mul(left, real(0.5)), h)
    return f.select(ending, left, halved), ending


def _stages(f: Function, space: Space, h: str) -> None:
    """All eight stages; afterwards ``arg`` holds the argument of the last one."""
    y, arg, right, coupled, factors, p, q, derivative = space.arrays(
        f, ["y", "arg", "right", "coupled", "factors", "p", "q", "f"]
    )
    stages = [space.array(f, "u", k) for k in range(rodas.STAGES)]
    per_h = f.div(f.module.real(1.0), h)
    with f.count(space.n) as i:
        f.store(f.module.real(0.0), coupled, i)
    f.do(f"call void @solve(ptr {factors}, ptr {derivative}, ptr {coupled}, ptr {stages[0]})")
    for k in range(1, rodas.STAGES):
        with f.count(
            space.n
        ) as i:  # one pass over the stages for both sums: they are what memory has to carry
            values = [f.load(stage, i) for stage in stages[:k]]
            f.store(f.mul(per_h, combination(f, rodas.C[k], values, "")), coupled, i)
            if k >= rodas.STAGES - 2:  # the last two add the stage before to the argument before
                f.store(f.add(f.load(arg, i), values[-1]), arg, i)
            else:
                f.store(combination(f, rodas.A[k], values, f.load(y, i)), arg, i)
        f.do(f"call void @rhs(ptr {arg}, ptr {p}, ptr {q}, ptr {right})")
        f.do(f"call void @solve(ptr {factors}, ptr {right}, ptr {coupled}, ptr {stages[k]})")


def combination(f: Function, weights: tuple[float, ...], values: list[str], start: str) -> str:
    """`start` (empty: nothing) plus the weighted sum of the values."""
    result = start
    for weight, value in zip(weights, values, strict=True):
        factor = f.module.real(weight)
        result = f.fma(factor, value, result) if result else f.mul(factor, value)
    return result


def _error(f: Function, space: Space) -> str:
    """Norm of the embedded error; also stores the new state."""
    rtol = f.spread(job_real(f, Field.RTOL))
    y, arg, new, atol = space.arrays(f, ["y", "arg", "new", "atol"])
    last = space.array(f, "u", rodas.STAGES - 1)
    with f.gather(space.n, 0, f.module.real(0.0)) as total:
        i = total.index
        error = f.load(last, i)
        result = f.add(f.load(arg, i), error)
        f.store(result, new, i)
        before, after = (f.intrinsic("fabs", v) for v in (f.load(y, i), result))
        scale = f.fma(rtol, f.larger(after, before), f.load(atol, i))
        ratio = f.div(error, scale)
        total.value = f.fma(ratio, ratio, total.value)
    return f.intrinsic("sqrt", f.mul(total.value, f.module.real(1.0 / space.n)))


def _with_slopes(f: Function, space: TangentSpace, error: str, sound: str) -> tuple[str, str]:
    """Where sensitivities control the step: the larger of both errors, which must be finite."""
    controls = f.emit(f"icmp ne i64 {job_integer(f, Field.CONTROLS)}, 0")
    with f.when(controls):
        f.do("call void @tangents(ptr %job, ptr %ws)")
    slope_error = space.reals(f, "slope_error")  # 0 unless they control it
    finite = f.compare("olt", slope_error, f.module.real(math.inf))
    return f.larger(error, slope_error), f.both(sound, finite)


def _verdict(f: Function, space: Space, error: str, sound: str, ending: str) -> None:
    """Accept or reject, choose the next step size, notice a step that became too small."""
    m, real = f.module, f.module.real
    s, h, length = (space.reals(f, name) for name in ("s", "used", "length"))
    usable = f.both(sound, f.compare("olt", error, real(math.inf)))
    accepted = f.both(f.both(usable, f.compare("ole", error, real(1.0))), space.flag(f, "active"))
    growth = _growth(f, space, f.larger(real(1e-10), error), h, accepted)
    following = f.mul(h, f.select(usable, growth, real(_AFTER_FAILURE)))
    space.set_reals(f, "h", following)
    space.set_reals(f, "advanced", f.select(ending, length, f.add(s, h)))
    space.set_flag(f, "accepted", accepted)
    refused = f.negate(accepted)
    space.set_flag(f, "rejected", refused)
    shortest = f.larger(f.mul(s, real(2.0**-50)), f.mul(length, real(1e-24)))
    stuck = f.both(refused, f.negate(f.compare("ogt", following, shortest)))
    reason = f.select(usable, m.whole(Code.STEP_UNDERFLOW), m.whole(Code.NOT_FINITE), m.ints)
    known = space.wholes(f, "trouble")
    quiet = f.emit(f"icmp eq {m.ints} {known}, {m.whole(0)}")
    space.set_wholes(f, "trouble", f.select(f.both(quiet, stuck), reason, known, m.ints))


def _growth(f: Function, space: Space, error: str, h: str, accepted: str) -> str:
    """Factor for the next step size: the smaller of the plain and of Gustafsson's predictive rule.

    The predictive rule uses the last accepted step as well; after a rejection h does not grow.
    """
    m, real = f.module, f.module.real
    plain = f.div(real(_SAFETY), f.power(error, real(1.0 / 5.0)))
    before, previous = space.reals(f, "h_accepted"), space.reals(f, "error_accepted")
    change = f.power(f.div(f.mul(error, error), previous), real(1.0 / 5.0))
    predicted = f.div(f.mul(f.div(h, before), real(_SAFETY)), change)
    predictive = f.both(accepted, space.flag(f, "accepts"))
    growth = f.select(predictive, f.smaller(plain, predicted), plain)
    growth = f.smaller(f.larger(growth, real(_SHRINK)), real(_GROW))
    held = f.both(accepted, space.flag(f, "rejected"))
    growth = f.select(held, f.smaller(growth, real(1.0)), growth)
    space.set_reals(f, "h_accepted", f.select(accepted, h, before))
    kept = f.select(accepted, f.larger(real(1e-2), error), previous)
    space.set_reals(f, "error_accepted", kept)
    count = f.emit(f"add {m.ints} {space.wholes(f, 'accepts')}, {m.whole(1)}")
    space.set_wholes(f, "accepts", f.select(accepted, count, space.wholes(f, "accepts"), m.ints))
    return growth


def write_dense(module: Module, space: Space) -> None:
    """Function ``dense``: the three vectors of the continuous extension of the last step."""
    f = module.function("dense", _WORK)
    stages = [space.array(f, "u", k) for k in range(rodas.STAGES)]
    targets = [space.array(f, "dense", m) for m in range(len(rodas.H))]
    with f.count(space.n) as i:
        values = [f.load(stage, i) for stage in stages]
        for row, target in zip(rodas.H, targets, strict=True):
            total = f.mul(f.module.real(row[0]), values[0])
            for weight, value in zip(row[1:], values[1:], strict=True):
                total = f.fma(f.module.real(weight), value, total)
            f.store(total, target, i)
    f.do("ret void")


def write_interpolate(module: Module, space: Space) -> None:
    """Function ``interpolate``: state of each lane at its next requested time, into ``arg``."""
    f = module.function("interpolate", _WORK)
    y, new, arg = space.arrays(f, ["y", "new", "arg"])
    dense = [space.array(f, "dense", m) for m in range(len(rodas.H))]
    theta = f.div(f.sub(space.reals(f, "next"), space.reals(f, "s")), space.reals(f, "used"))
    rest = f.sub(module.real(1.0), theta)
    with f.count(space.n) as i:
        d1, d2, d3 = (f.load(d, i) for d in dense)
        bend = f.fma(theta, f.fma(theta, d3, d2), d1)
        end = f.fma(rest, bend, f.load(new, i))
        f.store(f.fma(theta, end, f.mul(rest, f.load(y, i))), arg, i)
    f.do("ret void")
