"""Exact derivatives of values on a tape: sparse, shared, and without blow-up through named expressions.

Every named value (observable, expression) and every choice (select, min, max) is a *cut*. Between cuts the
chain rule runs backwards, giving the partial derivatives of a value by the cuts and inputs right below it.
Across cuts sparse gradients by the inputs are combined forwards, once per cut, whoever uses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from nicheloop.equations.tape import Pattern, TapeBuilder

_CHOICES = frozenset(["select", "min", "max"])


class Gradients:
    """Gradients of tape values by a set of inputs.

    Parameters
    ----------
    builder : TapeBuilder
        Tape that holds the values and receives the derivatives.
    inputs : mapping of int to int
        Column of each input, by the value id of the input.
    named : iterable of int
        Value ids at which the chain rule is cut.
    """

    def __init__(self, builder: TapeBuilder, inputs: Mapping[int, int], named: Iterable[int]) -> None:
        self._tape = builder
        self._inputs = inputs
        self._cuts = frozenset(named) - frozenset(inputs)
        self._active: list[bool] = []
        self._partials: dict[int, dict[int, int]] = {}
        self._gradients: dict[int, dict[int, int]] = {}

    def of(self, terms: Sequence[tuple[float, int]]) -> dict[int, int]:
        """Gradient of the sum of coefficient times value: value ids by column (structural zeros absent)."""
        local = defaultdict[int, list[int]](list)
        for coefficient, value in terms:
            factor = self._tape.const(coefficient)
            for leaf, partial in self._by_leaves(value).items():
                local[leaf].append(self._tape.mul(factor, partial))
        return self._expanded({leaf: self._tape.total(parts) for leaf, parts in local.items()})

    def _is_leaf(self, value: int) -> bool:
        return value in self._inputs or value in self._cuts or self._tape.ops[value].code in _CHOICES

    def _by_leaves(self, value: int) -> dict[int, int]:
        """Partial derivatives of a value by what stands right below it; of a leaf by itself."""
        if self._is_leaf(value):
            return {value: self._tape.const(1.0)} if self._is_active(value) else {}
        return self._below(value)

    def _expanded(self, local: Mapping[int, int]) -> dict[int, int]:
        columns = defaultdict[int, list[int]](list)
        for leaf in sorted(local):
            for column, value in self._gradient(leaf).items():
                columns[column].append(self._tape.mul(local[leaf], value))
        sums = {column: self._tape.total(columns[column]) for column in sorted(columns)}
        return {column: value for column, value in sums.items() if self._tape.value(value) != 0.0}

    def _gradient(self, leaf: int) -> dict[int, int]:
        if leaf in self._inputs:
            return {self._inputs[leaf]: self._tape.const(1.0)}
        if leaf not in self._gradients:
            if self._tape.ops[leaf].code in _CHOICES:
                self._gradients[leaf] = self._choice(leaf)
            else:
                self._gradients[leaf] = self._expanded(self._below(leaf))
        return self._gradients[leaf]

    def _choice(self, leaf: int) -> dict[int, int]:
        """A choice is between whole gradients: a branch not taken may be infinite, and 0 * inf is NaN."""
        op, tape = self._tape.ops[leaf], self._tape
        if op.code == "select":
            condition, a, b = op.args
        else:
            a, b = op.args
            condition = tape.compare("le" if op.code == "min" else "ge", a, b)
        of_a, of_b = self._expanded(self._by_leaves(a)), self._expanded(self._by_leaves(b))
        zero = tape.const(0.0)
        return {
            column: tape.select(condition, of_a.get(column, zero), of_b.get(column, zero))
            for column in sorted({*of_a, *of_b})
        }

    def _is_active(self, value: int) -> bool:
        """Whether the value depends on any input."""
        for i in range(len(self._active), value + 1):
            args = self._tape.ops[i].args
            self._active.append(i in self._inputs or any(self._active[a] for a in args))
        return self._active[value]

    def _below(self, root: int) -> dict[int, int]:
        """Partial derivatives of a value by the nearest leaves below it (itself excluded)."""
        if root not in self._partials:
            self._partials[root] = self._swept(root)
        return self._partials[root]

    def _swept(self, root: int) -> dict[int, int]:
        adjoints = defaultdict[int, list[int]](list)
        for arg, slope in self._slopes(root):
            adjoints[arg].append(slope)
        found = dict[int, int]()
        while adjoints:
            value = max(adjoints)  # larger ids first: all uses of a value come before the value itself
            weight = self._tape.total(adjoints.pop(value))
            if self._is_leaf(value):
                found[value] = weight
                continue
            for arg, slope in self._slopes(value):
                adjoints[arg].append(self._tape.mul(weight, slope))
        return found

    def _slopes(self, value: int) -> list[tuple[int, int]]:
        """Derivative of one operation by each of its active arguments."""
        return [(a, s) for a, s in self._all_slopes(value) if self._is_active(a)]

    def _all_slopes(self, value: int) -> list[tuple[int, int]]:
        t, (code, args, _) = self._tape, self._tape.ops[value]
        one = t.const(1.0)
        if code in ("const", "y", "p"):
            return []
        a = args[0]
        if code == "add":
            return [(a, one), (args[1], one)]
        if code == "sub":
            return [(a, one), (args[1], t.const(-1.0))]
        if code == "mul":
            return [(a, args[1]), (args[1], a)]
        if code == "div":
            inverse = t.div(one, args[1])
            return [(a, inverse), (args[1], t.neg(t.mul(value, inverse)))]
        if code == "pow":
            return self._power_slopes(value)
        return [(a, self._function_slope(code, a, value))]

    def _power_slopes(self, value: int) -> list[tuple[int, int]]:
        t, (base, exponent) = self._tape, self._tape.ops[value].args
        slopes = []
        if self._is_active(base):
            lower = t.pow(base, t.sub(exponent, t.const(1.0)))
            slopes.append((base, t.mul(exponent, lower)))
        if self._is_active(exponent):
            zero = t.const(0.0)  # 0 to a positive power is 0 whatever the power: no logarithm of 0
            grown = t.mul(value, t.call("log", base))
            slopes.append((exponent, t.select(t.compare("gt", base, zero), grown, zero)))
        return slopes

    def _function_slope(self, code: str, a: int, value: int) -> int:
        t = self._tape
        one = t.const(1.0)
        if code == "neg":
            return t.const(-1.0)
        if code == "exp":
            return value
        if code == "log":
            return t.div(one, a)
        if code == "sqrt":
            return t.div(t.const(0.5), value)
        if code == "abs":
            return t.select(t.compare("lt", a, t.const(0.0)), t.const(-1.0), one)
        if code == "tanh":
            return t.sub(one, t.mul(value, value))
        if code == "sin":
            return t.call("cos", a)
        if code == "cos":
            return t.neg(t.call("sin", a))
        raise AssertionError(f"operation {code} has no derivative rule")


def sparse_rows(rows: Sequence[Mapping[int, int]], columns: int) -> tuple[Pattern, list[int]]:
    """Rows of (column: value id) as a pattern and its values."""
    places = [(r, c, row[c]) for r, row in enumerate(rows) for c in sorted(row)]
    pattern = Pattern((len(rows), columns), tuple(p[0] for p in places), tuple(p[1] for p in places))
    return pattern, [p[2] for p in places]
