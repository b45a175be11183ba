"""A plain interpreter of tapes: slow, obvious, and what compiled code is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nicheloop.equations.tape import FUNCTIONS, Op, Tape, divide, real_power


def apply(code: str, args: Sequence[float]) -> float:
    """Result of one operation on numbers; truth values are 1.0 and 0.0.

    Raises
    ------
    ValueError
        If the operation is an input or unknown.
    """
    if code in FUNCTIONS:
        return FUNCTIONS[code](args[0])
    if code in ("neg", "not"):
        return -args[0] if code == "neg" else float(not args[0])
    if code == "select":
        return args[1] if args[0] else args[2]
    a, b = args
    if code in ("lt", "le", "gt", "ge", "eq"):
        return float({"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b, "eq": a == b}[code])
    if code in ("and", "or"):
        return float(bool(a) and bool(b)) if code == "and" else float(bool(a) or bool(b))
    if code in ("min", "max"):
        return (a if a <= b else b) if code == "min" else (a if a >= b else b)
    if code in ("add", "sub", "mul"):
        return {"add": a + b, "sub": a - b, "mul": a * b}[code]
    if code == "div":
        return divide(a, b)
    if code == "pow":
        return real_power(a, b)
    raise ValueError(f"operation '{code}' cannot be applied to numbers")


def evaluate(tape: Tape, name: str, y: Sequence[float], p: Sequence[float]) -> list[float]:
    """Values of a named output.

    Parameters
    ----------
    tape : Tape
        The program.
    name : str
        One of its outputs.
    y, p : sequence of float
        Species and parameters.

    Returns
    -------
    list of float
        In the order of ``tape.outputs[name]``.
    """
    known: dict[int, float] = {}
    for i in tape.needed([name]):
        op = tape.ops[i]
        if op.code == "const":
            known[i] = op.literal
        elif op.code in ("y", "p"):
            known[i] = float((y if op.code == "y" else p)[int(op.literal)])
        else:
            known[i] = apply(op.code, [known[a] for a in op.args])
    return [known[i] for i in tape.outputs[name]]


def propagate(tape: Tape, present: set[int]) -> list[float | None]:
    """What every value is known to be while all species but the present ones are zero; None if open.

    Parameters are open. A product with a known zero and a zero over something open are zero.
    """
    known: list[float | None] = []
    for op in tape.ops:
        known.append(_outcome(op, known, present))
    return known


def _outcome(op: Op, known: Sequence[float | None], present: set[int]) -> float | None:
    if op.code == "const":
        return op.literal
    if op.code == "p" or (op.code == "y" and int(op.literal) in present):
        return None
    if op.code == "y":
        return 0.0
    args = [known[a] for a in op.args]
    if op.code == "select":
        return _chosen(args)
    if op.code == "mul" and 0.0 in args:
        return 0.0
    if op.code == "div" and args[0] == 0.0 and args[1] is None:
        return 0.0
    if op.code == "and" and 0.0 in args:
        return 0.0
    if op.code == "or" and any(a is not None and a != 0.0 for a in args):
        return 1.0
    numbers = [a for a in args if a is not None]
    return apply(op.code, numbers) if len(numbers) == len(args) else None


def _chosen(args: Sequence[float | None]) -> float | None:
    condition, a, b = args
    if condition is not None:
        return a if condition else b
    same = a is not None and b is not None and (a == b or (math.isnan(a) and math.isnan(b)))
    return a if same else None
