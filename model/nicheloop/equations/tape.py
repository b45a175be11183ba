"""Straight-line programs: the numeric meaning of a reaction network, ready to differentiate and to compile.

A :class:`Tape` is a list of operations in single assignment form. The id of a value is the position of
its operation, arguments always have smaller ids, and equal operations exist once. Named outputs are vectors
of ids. Everything that turns equations into machine code (scalar or over lanes) reads this and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

REAL_OPERATIONS = frozenset(
    {"const", "y", "p", "add", "sub", "mul", "div", "neg", "pow", "exp", "log", "sqrt"}
    | {"min", "max", "abs", "tanh", "sin", "cos", "select"}
)
LOGICAL_OPERATIONS = frozenset(["lt", "le", "gt", "ge", "eq", "and", "or", "not"])
COMMUTATIVE = frozenset(["add", "mul", "min", "max", "eq", "and", "or"])


class Op(NamedTuple):
    """One operation.

    Attributes
    ----------
    code : str
        One of :data:`REAL_OPERATIONS` (a double) or :data:`LOGICAL_OPERATIONS` (a truth value).
    args : tuple of int
        Ids of the operands; ``select`` has (condition, value if true, value if false). ``pow`` is the
        real power; a negative base under a non-integer exponent gives 0 instead of NaN, because round-off
        may leave a concentration at -1e-20.
    literal : float
        The value of a ``const``; the index of a ``y`` (species) or ``p`` (parameter); 0 otherwise.
    """

    code: str
    args: tuple[int, ...] = ()
    literal: float = 0.0


@dataclass(frozen=True)
class Pattern:
    """Where the values of a sparse matrix stand: value k at (rows[k], cols[k]), sorted by row, column."""

    shape: tuple[int, int]
    rows: tuple[int, ...]
    cols: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Tape:
    """A frozen straight-line program over species ``y`` and parameters ``p``.

    Attributes
    ----------
    n_species, n_parameters : int
        Lengths of the inputs.
    ops : tuple of Op
        Operations; the position is the id of the value.
    outputs : mapping of str to tuple of int
        Named vectors of value ids. Always there: ``rhs`` (n_species), ``rates`` (one per reaction),
        ``outputs`` (observables, then expressions), ``initials`` (n_species), ``jacobian`` (values of the
        sparse matrix d rhs / d y). On request: ``rhs_p``, ``outputs_y``, ``outputs_p``, ``initials_p``.
    patterns : mapping of str to Pattern
        For every output that is a sparse matrix, where its values stand.
    """

    n_species: int
    n_parameters: int
    ops: tuple[Op, ...]
    outputs: Mapping[str, tuple[int, ...]]
    patterns: Mapping[str, Pattern] = field(default_factory=dict)

    def needed(self, names: Iterable[str]) -> list[int]:
        """Ids, ascending, of all operations on which the named outputs depend."""
        live = set[int]()
        stack = [i for name in names for i in self.outputs[name]]
        while stack:
            i = stack.pop()
            if i not in live:
                live.add(i)
                stack.extend(self.ops[i].args)
        return sorted(live)

    def part(
        self, name: str, rows: Collection[int] | None = None, cols: Collection[int] | None = None
    ) -> Tape:
        """Only the values of a sparse output that stand in some rows or columns (None: in all of them)."""
        pattern = self.patterns[name]
        kept = [
            k
            for k, (row, col) in enumerate(zip(pattern.rows, pattern.cols, strict=True))
            if (rows is None or row in rows) and (cols is None or col in cols)
        ]
        entries = tuple(pattern.rows[k] for k in kept), tuple(pattern.cols[k] for k in kept)
        values = tuple(self.outputs[name][k] for k in kept)
        return replace(self, outputs={name: values}, patterns={name: Pattern(pattern.shape, *entries)})


class TapeBuilder:
    """Grows a tape; shares equal values, folds constants, keeps signs in one normal form."""

    def __init__(self, n_species: int, n_parameters: int) -> None:
        self.n_species = n_species
        self.n_parameters = n_parameters
        self.ops: list[Op] = []
        self._known: dict[tuple[str, tuple[int, ...], str], int] = {}

    def _emit(self, code: str, args: tuple[int, ...] = (), literal: float = 0.0) -> int:
        if code in COMMUTATIVE and args[0] > args[1]:
            args = (args[1], args[0])
        key = (code, args, repr(literal))  # repr: -0.0 and 0.0 differ, nan equals itself
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.ops)
            self.ops.append(Op(code, args, literal))
        return known

    def y(self, index: int) -> int:
        """Amount of a species."""
        if not 0 <= index < self.n_species:
            raise ValueError(f"species index {index} is outside 0..{self.n_species - 1}")
        return self._emit("y", (), index)

    def p(self, index: int) -> int:
        """Value of a parameter."""
        if not 0 <= index < self.n_parameters:
            raise ValueError(f"parameter index {index} is outside 0..{self.n_parameters - 1}")
        return self._emit("p", (), index)

    def const(self, value: float) -> int:
        """A number."""
        return self._emit("const", (), float(value))

    def value(self, i: int) -> float | None:
        """The number that a value is known to be, else None."""
        op = self.ops[i]
        return op.literal if op.code == "const" else None

    def _negated(self, i: int) -> int | None:
        op = self.ops[i]
        return op.args[0] if op.code == "neg" else None

    def neg(self, a: int) -> int:
        """-a."""
        value, op = self.value(a), self.ops[a]
        if value is not None:
            return self.const(-value)
        if op.code == "neg":
            return op.args[0]
        if op.code == "sub":
            return self.sub(op.args[1], op.args[0])
        return self._emit("neg", (a,))

    def add(self, a: int, b: int) -> int:
        """a + b."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(va + vb)
        if va == 0.0:
            return b
        if vb == 0.0:
            return a
        na, nb = self._negated(a), self._negated(b)
        if nb is not None:
            return self.sub(a, nb)
        if na is not None:
            return self.sub(b, na)
        return self._emit("add", (a, b))

    def sub(self, a: int, b: int) -> int:
        """a - b."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(va - vb)
        if vb == 0.0:
            return a
        if va == 0.0:
            return self.neg(b)
        if a == b:
            return self.const(0.0)
        nb = self._negated(b)
        if nb is not None:
            return self.add(a, nb)
        na = self._negated(a)
        if na is not None:
            return self.neg(self.add(na, b))
        return self._emit("sub", (a, b))

    def mul(self, a: int, b: int) -> int:
        """a * b. A factor that is the number 0 gives 0."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(va * vb)
        for factor, other in ((va, b), (vb, a)):
            if factor == 0.0:
                return self.const(0.0)
            if factor == 1.0:
                return other
            if factor == -1.0:
                return self.neg(other)
        na, nb = self._negated(a), self._negated(b)
        if na is not None:
            return self.neg(self.mul(na, b))
        if nb is not None:
            return self.neg(self.mul(a, nb))
        return self._emit("mul", (a, b))

    def div(self, a: int, b: int) -> int:
        """a / b, by the rules of IEEE numbers when b is 0."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(divide(va, vb))
        if vb == 1.0:
            return a
        if vb == -1.0:
            return self.neg(a)
        na, nb = self._negated(a), self._negated(b)
        if na is not None:
            return self.neg(self.div(na, b))
        if nb is not None:
            return self.neg(self.div(a, nb))
        return self._emit("div", (a, b))

    def pow(self, a: int, b: int) -> int:
        """a to the power b; small whole exponents become products."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(real_power(va, vb))
        if vb is not None:
            if vb == 0.5:
                return self.call("sqrt", a)
            if math.isfinite(vb) and vb == int(vb) and abs(vb) <= 32:
                return self._whole_power(a, int(vb))
        return self._emit("pow", (a, b))

    def _whole_power(self, a: int, exponent: int) -> int:
        if exponent < 0:
            return self.div(self.const(1.0), self._whole_power(a, -exponent))
        if exponent == 0:
            return self.const(1.0)
        half = self._whole_power(a, exponent // 2)
        square = self.mul(half, half)
        return self.mul(square, a) if exponent % 2 else square

    def call(self, code: str, a: int) -> int:
        """A function of one value: exp, log, sqrt, abs, tanh, sin or cos."""
        value = self.value(a)
        if value is not None:
            return self.const(FUNCTIONS[code](value))
        return self._emit(code, (a,))

    def minimum(self, a: int, b: int) -> int:
        """The smaller of two values."""
        return self._extreme("min", a, b)

    def maximum(self, a: int, b: int) -> int:
        """The larger of two values."""
        return self._extreme("max", a, b)

    def _extreme(self, code: str, a: int, b: int) -> int:
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(min(va, vb) if code == "min" else max(va, vb))
        return a if a == b else self._emit(code, (a, b))

    def compare(self, code: str, a: int, b: int) -> int:
        """A truth value: lt, le, gt, ge or eq."""
        return self._emit(code, (a, b))

    def logic(self, code: str, *args: int) -> int:
        """A truth value from truth values: and, or, not."""
        return self._emit(code, args)

    def select(self, condition: int, a: int, b: int) -> int:
        """A if the condition holds, else b; the branch not taken may be anything, even NaN."""
        return a if a == b else self._emit("select", (condition, a, b))

    def total(self, terms: Sequence[int]) -> int:
        """Sum from left to right; 0 if there are no terms."""
        result = self.const(0.0)
        for term in terms:
            result = self.add(result, term)
        return result

    def freeze(self, outputs: Mapping[str, Sequence[int]], patterns: Mapping[str, Pattern]) -> Tape:
        """The finished program without operations that no output needs."""
        draft = Tape(
            self.n_species,
            self.n_parameters,
            tuple(self.ops),
            {name: tuple(ids) for name, ids in outputs.items()},
            dict(patterns),
        )
        live = draft.needed(outputs)
        new = {old: position for position, old in enumerate(live)}
        ops = tuple(_renumbered(draft.ops[i], new) for i in live)
        moved = {name: tuple(new[i] for i in ids) for name, ids in draft.outputs.items()}
        return Tape(self.n_species, self.n_parameters, ops, moved, draft.patterns)


def _renumbered(op: Op, new: Mapping[int, int]) -> Op:
    return op._replace(args=tuple(new[a] for a in op.args))


def divide(a: float, b: float) -> float:
    """The quotient by the rules of IEEE numbers."""
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def real_power(a: float, b: float) -> float:
    """The power as the compiled code computes it: 0 for a negative base with a non-integer exponent."""
    if a < 0.0 and math.isfinite(b) and b != math.floor(b):
        return 0.0
    if a == 0.0 and b < 0.0:
        return math.inf
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf if a > 0.0 or b % 2.0 == 0.0 else -math.inf


def _logarithm(x: float) -> float:
    if x == 0.0:
        return -math.inf
    return math.log(x) if x > 0.0 else math.nan


def _root(x: float) -> float:
    return math.sqrt(x) if x >= 0.0 else math.nan


def _exponential(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "exp": _exponential,
    "log": _logarithm,
    "sqrt": _root,
    "abs": math.fabs,
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
}
