"""A task, what a chunk of it yields, and the shapes its results must keep."""

from __future__ import annotations

import math
import pickle
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from nicheloop.execution.errors import TaskError
from nicheloop.execution.spans import Span

Arrays = dict[str, NDArray[Any]]
"""Results by name; the first axis of each is rows."""
KINDS = "biufcSU"
"""Types of results (NumPy's letters) that every format can hold: truth, numbers, text of fixed length."""
FAILED = "failed"
"""Name of a boolean result that marks failed rows; progress counts them."""


class Task(Protocol):
    """What computes rows by number.

    The rows of a chunk must not depend on the chunk they are in: random numbers come from the row's number.
    """

    def __call__(self, start: int, stop: int, /) -> Mapping[str, Any]:
        """Return arrays by name, the first axis of each of length ``stop - start``."""
        ...


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows of results.

    Attributes
    ----------
    span : Span
        Which rows.
    arrays : dict of str to ndarray
        First axis: rows.
    seconds : float
        What computing them took.
    cold : bool
        Whether it was the first chunk of its process, which has to load and to compile.
    """

    span: Span
    arrays: Arrays
    seconds: float = 0.0
    cold: bool = False

    @property
    def failed(self) -> int:
        """Number of rows that are marked as failed."""
        marks = self.arrays.get(FAILED)
        return int(np.count_nonzero(marks)) if marks is not None and marks.ndim == 1 else 0


@dataclass(frozen=True, eq=False)
class Failure:
    """An exception of a task, as it travels from where it was raised."""

    span: Span
    kind: str
    message: str
    trace: str
    error: BaseException | None = None

    def throw(self) -> NoReturn:
        """Raise it as a TaskError that names the rows."""
        told = f"{self.kind}: {self.message}" if self.message else self.kind
        raise TaskError(f"{self.span}: {told}", self.span, self.trace) from self.error

    def portable(self) -> Failure:
        """Return it with its exception only if that survives pickling, with the traceback as a note."""
        try:
            copy = pickle.loads(pickle.dumps(self.error))
            copy.add_note(f"in the worker process:\n{self.trace}")
        except Exception:
            copy = None
        return Failure(self.span, self.kind, self.message, self.trace, copy)


def run_chunk(task: Task, span: Span, *, cold: bool) -> Piece | Failure:
    """Compute rows; an exception is a value here, so that it is the same from every engine."""
    began = time.perf_counter()
    try:
        arrays = _checked(task(span.start, span.stop), span)
    except Exception as error:
        return failure_of(error, span)
    return Piece(span, arrays, time.perf_counter() - began, cold)


def failure_of(error: BaseException, span: Span) -> Failure:
    """Describe an exception."""
    trace = "".join(traceback.format_exception(error))
    return Failure(span, type(error).__name__, str(error), trace, error)


def _checked(results: Mapping[str, Any], span: Span) -> Arrays:
    """Return arrays of the right length and of types that can be stored."""
    if not isinstance(results, Mapping) or not results:
        raise ValueError(
            f"the task returned {type(results).__name__}: expected a dict of arrays, at least one"
        )
    arrays = {}
    for name, values in results.items():
        array = np.asarray(values)
        if array.ndim == 0 or array.shape[0] != span.rows:
            raise ValueError(f"result {name!r} has shape {array.shape}: expected {span.rows} rows first")
        if array.dtype.kind not in KINDS:
            raise ValueError(
                f"result {name!r} is of type {array.dtype}: expected truth, numbers or short text"
            )
        arrays[name] = np.ascontiguousarray(array)
    return arrays


@dataclass(frozen=True)
class Layout:
    """Types and shapes of the results of one row, the same for all rows."""

    fields: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, arrays: Arrays) -> Layout:
        """Read it off the first results."""
        return cls({name: (array.dtype, array.shape[1:]) for name, array in arrays.items()})

    def require(self, piece: Piece) -> None:
        """Refuse results of another kind than those before.

        Raises
        ------
        TaskError
            Names, a type or a shape differ.
        """
        found = Layout.of(piece.arrays).fields
        if found == self.fields:
            return
        problems = [
            f"result {name!r} is {_told(found.get(name))}, that of other rows {_told(self.fields.get(name))}"
            for name in sorted({*found, *self.fields})
            if found.get(name) != self.fields.get(name)
        ]
        raise TaskError(f"{piece.span}: {'; '.join(problems)}: give all rows one type and shape", piece.span)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return sum(dtype.itemsize * math.prod(shape) for dtype, shape in self.fields.values())

    def empty(self, rows: int) -> Arrays:
        """Return arrays to be filled."""
        return {name: np.empty((rows, *shape), dtype) for name, (dtype, shape) in self.fields.items()}


def _told(entry: tuple[np.dtype[Any], tuple[int, ...]] | None) -> str:
    if entry is None:
        return "missing"
    dtype, shape = entry
    return f"{dtype}{list(shape)}" if shape else str(dtype)
