"""Sweeps of any length in bounded memory: parameter sets come in blocks, results leave in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.integrate.batch import BatchResult, BatchSolver

__all__ = ["blocks_of", "run_blocks"]

Reals = NDArray[np.float64]


def blocks_of(parameters: ArrayLike, size: int = 1024) -> Iterator[Reals]:
    """Cut rows of parameters into blocks, without copying; the array may be a memory map.

    Parameters
    ----------
    parameters : float[n, p]
        One row per run.
    size : int
        Rows per block; the last block holds what is left.

    Yields
    ------
    float[m, p]
        With m = `size` but for the last block.

    Raises
    ------
    ValueError
        `size` is below 1.
    """
    if size < 1:
        raise ValueError(f"a block needs at least one row, not {size}")
    rows = np.asanyarray(parameters)
    return (rows[start : start + size] for start in range(0, len(rows), size))


def run_blocks(
    solver: BatchSolver,
    blocks: Iterable[ArrayLike],
    times: ArrayLike,
    *,
    initials: ArrayLike | Callable[[Reals], ArrayLike] | None = None,
    outputs: str | Sequence[str] = "species",
) -> Iterator[BatchResult]:
    """Integrate blocks of parameter sets one after the other; only the current block is in memory.

    Each run gives, to the last bit, what it gives in a batch of all: blocks only bound the memory. A block
    of about a thousand runs keeps all threads busy; its results take 8 * runs * times * columns bytes.

    Parameters
    ----------
    solver : BatchSolver
        What integrates.
    blocks : iterable of float[m, p]
        Parameter sets, for example from `blocks_of`, or drawn as they are needed.
    times : float[t]
        Requested times, ascending; the first is where the runs start.
    initials : float[1, s] or callable, optional
        Initial amounts of all runs, or a function of a block of parameters that returns float[m, s];
        default: what each row of parameters says.
    outputs : "species", "observables" or names
        Columns of the results; a few named outputs need the least memory.

    Yields
    ------
    BatchResult
        One per block, in order. A run that fails has a status and NaN after the time reached.

    Raises
    ------
    ValueError
        As from `BatchSolver.run`, when the block in question is due.

    Examples
    --------
    Write one output of very many runs to a file that never has to fit into memory:

    >>> store = np.lib.format.open_memmap(
    ...     "viability.npy", mode="w+", dtype=float, shape=(len(sets), len(times))
    ... )  # doctest: +SKIP
    >>> done = 0
    >>> for result in run_blocks(solver, blocks_of(sets), times, outputs=["viability"]):  # doctest: +SKIP
    ...     store[done : done + len(result.y)] = result["viability"]
    ...     done += len(result.y)
    """
    for block in blocks:
        rows = np.asarray(block, dtype=float)
        start = initials(rows) if callable(initials) else initials
        yield solver.run(rows, times, start, outputs=outputs)
