"""Arrays that carry derivatives, so that a formula written for arrays is differentiated as it stands.

A read-out is a few lines of NumPy. Given `Dual` arrays it returns a `Dual`: values, and their exact
derivatives by c parameters, from the chain rule applied to every operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Factor = Callable[..., Any]


def _one(result: Floats, *arguments: Floats) -> float:
    return 1.0


def _minus_one(result: Floats, *arguments: Floats) -> float:
    return -1.0


FACTORS: Mapping[np.ufunc, tuple[Factor, ...]] = {
    np.add: (_one, _one),
    np.subtract: (_one, _minus_one),
    np.multiply: (lambda r, a, b: b, lambda r, a, b: a),
    np.true_divide: (lambda r, a, b: 1 / b, lambda r, a, b: -r / b),
    np.power: (lambda r, a, b: b * a ** (b - 1), lambda r, a, b: r * np.log(a)),
    np.negative: (_minus_one,),
    np.positive: (_one,),
    np.absolute: (lambda r, a: np.sign(a),),
    np.square: (lambda r, a: 2 * a,),
    np.sqrt: (lambda r, a: 0.5 / r,),
    np.reciprocal: (lambda r, a: -r * r,),
    np.exp: (lambda r, a: r,),
    np.exp2: (lambda r, a: r * np.log(2),),
    np.expm1: (lambda r, a: r + 1,),
    np.log: (lambda r, a: 1 / a,),
    np.log2: (lambda r, a: 1 / (a * np.log(2)),),
    np.log10: (lambda r, a: 1 / (a * np.log(10)),),
    np.log1p: (lambda r, a: 1 / (1 + a),),
    np.tanh: (lambda r, a: 1 - r * r,),
    np.maximum: (lambda r, a, b: a >= b, lambda r, a, b: a < b),
    np.minimum: (lambda r, a, b: a <= b, lambda r, a, b: a > b),
}
"""Derivative of a function by each of its arguments, from the result and the arguments."""

_COMPARISONS = (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)
_PLAIN = frozenset([*_COMPARISONS, np.isnan, np.isfinite, np.isinf, np.sign])
"""Functions whose result has no derivative to speak of."""


class Dual(NDArrayOperatorsMixin):
    """Values of any shape S, with their derivatives by c parameters, of shape (*S, c).

    Arithmetic, comparisons and the NumPy functions in `FACTORS` work on it and broadcast as usual.

    Examples
    --------
    >>> x = Dual(np.array([2.0, 3.0]), np.array([[1.0], [1.0]]))
    >>> np.log2(x * x).slopes[0, 0] == 1 / np.log(2)
    True
    """

    def __init__(self, values: Floats, slopes: Floats) -> None:
        self.values = values
        self.slopes = slopes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return self.values.shape

    def __repr__(self) -> str:
        return f"Dual({self.values!r}, {self.slopes!r})"

    def __getitem__(self, key: Any) -> Dual:
        chosen = key if isinstance(key, tuple) else (key,)
        if Ellipsis not in chosen:
            chosen = (*chosen, Ellipsis)
        return Dual(self.values[chosen], self.slopes[(*chosen, slice(None))])

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options or (ufunc not in FACTORS and ufunc not in _PLAIN):
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise TypeError(
                f"derivatives of {name} are not known here, expected one of: "
                + ", ".join(sorted(known.__name__ for known in FACTORS))
            )
        arguments = [one.values if isinstance(one, Dual) else np.asarray(one) for one in inputs]
        with np.errstate(all="ignore"):
            result = ufunc(*arguments)
            if ufunc in _PLAIN:
                return result
            slopes = sum(
                np.asarray(factor(result, *arguments))[..., None] * one.slopes
                for factor, one in zip(FACTORS[ufunc], inputs, strict=True)
                if isinstance(one, Dual)
            )
        width = np.shape(slopes)[-1]
        return Dual(result, np.broadcast_to(slopes, (*result.shape, width)))
