"""Random and quasi-random numbers that are found by the number of the sample, not by the order of calls.

Any part of a design can so be computed by itself: in another process, in another chunk, or again.
"""

from __future__ import annotations

import inspect
import warnings
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

METHODS = ("random", "sobol", "latin")
_WORDS = 4
"""Numbers that a Philox generator makes from one count of its counter."""
_ROUNDS = 6


def seed_of(seed: int, label: str) -> np.random.SeedSequence:
    """Return the seed of one stream; streams with different labels are independent."""
    return np.random.SeedSequence([seed, zlib.crc32(label.encode())])


def uniforms(seed: int, label: str, first: int, stop: int, width: int) -> Floats:
    """Return rows ``first`` to ``stop - 1`` of an endless table of random numbers between 0 and 1.

    Parameters
    ----------
    seed, label : int, str
        Which table.
    first, stop : int
        Which rows.
    width : int
        Numbers per row.

    Returns
    -------
    ndarray, shape (stop - first, width)
    """
    counts = -(-width // _WORDS)
    bits = np.random.Philox(seed_of(seed, label))
    bits.advance(first * counts)
    return np.random.Generator(bits).random((stop - first, counts * _WORDS))[:, :width]


def levels(method: str, seed: int, names: Sequence[str], samples: int, wanted: Indices) -> Floats:
    """Return the levels, between 0 and 1, of some samples of a design.

    Parameters
    ----------
    method : str
        ``random`` (independent), ``sobol`` (scrambled Sobol sequence) or ``latin`` (Latin hypercube).
    seed : int
        Root of the design.
    names : sequence of str
        Axes that are sampled.
    samples : int
        Size of the whole design.
    wanted : ndarray of int
        Numbers of the samples, in any order and repeated as one likes.

    Returns
    -------
    ndarray, shape (wanted, names)
    """
    needed, place = np.unique(wanted, return_inverse=True)
    gaps = np.flatnonzero(np.diff(needed) > 1) + 1
    blocks = [(int(run[0]), int(run[-1]) + 1) for run in np.split(needed, gaps)]
    make = {"random": _random, "sobol": _sobol, "latin": _latin}[method]
    found = np.concatenate([make(seed, names, samples, first, stop) for first, stop in blocks])
    return found[place.reshape(-1)]


def _random(seed: int, names: Sequence[str], samples: int, first: int, stop: int) -> Floats:
    return np.column_stack([uniforms(seed, f"random {name}", first, stop, 1) for name in names])


def _sobol(seed: int, names: Sequence[str], samples: int, first: int, stop: int) -> Floats:
    from scipy.stats import qmc

    rng = np.random.default_rng(seed_of(seed, "sobol"))
    argument = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"  # renamed in SciPy 1.15
    sequence = qmc.Sobol(len(names), scramble=True, **{argument: rng})
    if first:
        sequence.fast_forward(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a part of the sequence is no power of two
        return np.asarray(sequence.random(stop - first))


def _latin(seed: int, names: Sequence[str], samples: int, first: int, stop: int) -> Floats:
    """Each axis has one sample in each of ``samples`` equal parts."""
    columns = []
    for name in names:
        keys = seed_of(seed, f"latin {name}").generate_state(_ROUNDS, np.uint64).astype(np.uint64)
        part = shuffled(np.arange(first, stop), samples, keys)
        columns.append((part + uniforms(seed, f"latin {name}", first, stop, 1)[:, 0]) / samples)
    return np.column_stack(columns)


def shuffled(numbers: Indices, size: int, keys: NDArray[np.uint64]) -> Indices:
    """Return where a random permutation of ``range(size)`` takes some numbers, without making all of it.

    A Feistel network permutes the next power of four; numbers that leave the range are permuted again until
    they are back (Black J, Rogaway P, Ciphers with arbitrary finite domains, eprint.iacr.org/2001/012).
    """
    half = max(1, -(-(size - 1).bit_length() // 2))
    moved = _feistel(numbers.astype(np.uint64), half, keys)
    outside = moved >= size
    while outside.any():
        moved[outside] = _feistel(moved[outside], half, keys)
        outside = moved >= size
    return moved.astype(np.int64)


def _feistel(numbers: NDArray[np.uint64], half: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    low = np.uint64((1 << half) - 1)
    left, right = numbers >> np.uint64(half), numbers & low
    for key in keys:
        left, right = right, left ^ (_mixed(right ^ key) & low)
    return (left << np.uint64(half)) | right


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of words (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
