"""Second derivatives along a direction: how Jacobians change as the state moves.

A Rosenbrock method on sensitivities needs, in every stage, the derivatives of ``d rhs / d y`` and of
``d rhs / d p`` along the stage. They are linear in the stage; the coefficients depend only on the state at
the start of the step, so they are computed once per step and each stage costs a few products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nicheloop.equations.tape import LOGICAL_OPERATIONS, Op, Pattern, Tape, TapeBuilder

__all__ = ["along"]

_ONE_ARGUMENT = frozenset(["exp", "log", "sqrt", "abs", "tanh", "sin", "cos"])
_COMPARISONS = frozenset(["lt", "le", "gt", "ge", "eq"])


def along(tape: Tape, names: Sequence[str]) -> Tape:
    """Derivatives of sparse outputs along a direction in the space of species.

    Parameters
    ----------
    tape : Tape
        Program over n species and p parameters.
    names : sequence of str
        Outputs with a pattern.

    Returns
    -------
    Tape
        With the same outputs, differentiated. Its inputs ``y`` are the n entries of the direction; its inputs
        ``p`` are the p parameters followed by the n species. Entries that are always zero are left out of the
        patterns.
    """
    pushed = _Pushed(tape)
    outputs: dict[str, list[int]] = {}
    patterns: dict[str, Pattern] = {}
    for name in names:
        pattern = tape.patterns[name]
        slopes = [pushed.slope(i) for i in tape.outputs[name]]
        kept = [(k, slope) for k, slope in enumerate(slopes) if slope is not None]
        rows = tuple(pattern.rows[k] for k, _ in kept)
        cols = tuple(pattern.cols[k] for k, _ in kept)
        patterns[name] = Pattern(pattern.shape, rows, cols)
        outputs[name] = [slope for _, slope in kept]
    return pushed.builder.freeze(outputs, patterns)


class _Pushed:
    """A tape replayed into a new builder, each value together with its derivative along the direction."""

    def __init__(self, tape: Tape) -> None:
        n, p = tape.n_species, tape.n_parameters
        self.builder = TapeBuilder(n, p + n)
        self._values: list[int] = []
        self._slopes: list[int | None] = []
        for op in tape.ops:
            index = int(op.literal) if op.code in ("y", "p") else 0
            if op.code == "y":
                self._values.append(self.builder.p(p + index))
                self._slopes.append(self.builder.y(index))
                continue
            args = [self._values[a] for a in op.args]
            value = self.builder.p(index) if op.code == "p" else _replayed(self.builder, op, args)
            self._values.append(value)
            self._slopes.append(self._propagated(op, value, args))

    def slope(self, i: int) -> int | None:
        """Derivative of value i of the old tape, None where it is zero for good."""
        slope = self._slopes[i]
        return None if slope is None or self.builder.value(slope) == 0.0 else slope

    def _propagated(self, op: Op, value: int, args: Sequence[int]) -> int | None:
        slopes = [self.slope(a) for a in op.args]
        if op.code in LOGICAL_OPERATIONS or all(slope is None for slope in slopes):
            return None
        t, code = self.builder, op.code
        if code in ("add", "sub"):
            a, b = (t.const(0.0) if slope is None else slope for slope in slopes)
            return t.add(a, b) if code == "add" else t.sub(a, b)
        if code in ("select", "min", "max"):
            return self._chosen(code, args, slopes)
        terms = [
            t.mul(self._factor(code, value, args, k), slope)
            for k, slope in enumerate(slopes)
            if slope is not None
        ]
        return t.total(terms)

    def _chosen(self, code: str, args: Sequence[int], slopes: Sequence[int | None]) -> int:
        t = self.builder
        a, b = (t.const(0.0) if slope is None else slope for slope in slopes[-2:])
        condition = args[0] if code == "select" else t.compare("le" if code == "min" else "ge", *args)
        return t.select(condition, a, b)

    def _factor(self, code: str, value: int, args: Sequence[int], k: int) -> int:
        """Derivative of an operation by its k-th argument."""
        t = self.builder
        one, a = t.const(1.0), args[0]
        rules: Mapping[str, Callable[[], int]] = {
            "neg": lambda: t.const(-1.0),
            "mul": lambda: args[1 - k],
            "div": lambda: t.div(one if k == 0 else t.neg(value), args[1]),
            "pow": lambda: self._power_factor(value, args, k),
            "exp": lambda: value,
            "log": lambda: t.div(one, a),
            "sqrt": lambda: t.div(t.const(0.5), value),
            "abs": lambda: t.select(t.compare("lt", a, t.const(0.0)), t.const(-1.0), one),
            "tanh": lambda: t.sub(one, t.mul(value, value)),
            "sin": lambda: t.call("cos", a),
            "cos": lambda: t.neg(t.call("sin", a)),
        }
        return rules[code]()

    def _power_factor(self, value: int, args: Sequence[int], k: int) -> int:
        t, (base, exponent) = self.builder, args
        if k == 0:
            return t.mul(exponent, t.pow(base, t.sub(exponent, t.const(1.0))))
        zero = t.const(0.0)
        return t.select(t.compare("gt", base, zero), t.mul(value, t.call("log", base)), zero)


def _replayed(builder: TapeBuilder, op: Op, args: Sequence[int]) -> int:
    """The same operation in another builder."""
    code = op.code
    if code == "const":
        return builder.const(op.literal)
    if code in _ONE_ARGUMENT:
        return builder.call(code, args[0])
    if code in _COMPARISONS:
        return builder.compare(code, *args)
    if code in ("and", "or", "not"):
        return builder.logic(code, *args)
    methods: Mapping[str, Callable[..., int]] = {
        "add": builder.add,
        "sub": builder.sub,
        "mul": builder.mul,
        "div": builder.div,
        "neg": builder.neg,
        "pow": builder.pow,
        "min": builder.minimum,
        "max": builder.maximum,
        "select": builder.select,
    }
    return methods[code](*args)
