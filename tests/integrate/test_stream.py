"""Streams of parameter sets: the same results as in one batch, in memory that does not grow."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from batch_cases import hill_switch

from nicheloop.equations.system import System, compile_network
from nicheloop.integrate import BatchSolver, blocks_of, run_blocks

TIMES = np.linspace(0, 30, 31)


@pytest.fixture(scope="module")
def hill() -> System:
    return compile_network(hill_switch())


def draws(hill: System, count: int, block: int) -> Iterator[np.ndarray]:
    """Blocks of parameter sets, drawn when they are asked for."""
    rng = np.random.default_rng(3)
    for _ in range(count // block):
        yield hill.parameter_vector() * np.exp(rng.normal(0, 0.2, (block, len(hill.parameters))))


def peak_memory(hill: System, count: int) -> int:
    """Most bytes held at a time while `count` runs pass by."""
    solver = BatchSolver(hill, threads=1)
    tracemalloc.start()
    try:
        finished = sum(len(r.y) for r in run_blocks(solver, draws(hill, count, 250), TIMES))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert finished == count
    return peak


def test_memory_does_not_grow_with_the_number_of_sets(hill: System) -> None:
    peak_memory(hill, 250)  # whatever is allocated once
    few, many = peak_memory(hill, 1_000), peak_memory(hill, 10_000)
    one_block = 250 * len(TIMES) * hill.n * 8
    assert few > one_block  # the results are seen by the tracer
    assert many < few + one_block // 2


@pytest.mark.parametrize("size", [1, 7, 64])
def test_blocks_change_nothing(hill: System, size: int) -> None:
    sets = np.concatenate(list(draws(hill, 60, 20)))
    solver = BatchSolver(hill)
    together = solver.run(sets, TIMES, outputs=("free", "y"))
    parts = list(run_blocks(solver, blocks_of(sets, size), TIMES, outputs=("free", "y")))
    assert [len(part.y) for part in parts] == [min(size, 60 - k) for k in range(0, 60, size)]
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), together.y)
    np.testing.assert_array_equal(np.concatenate([part.steps for part in parts]), together.steps)


def test_initials_may_follow_from_each_block(hill: System) -> None:
    sets = np.concatenate(list(draws(hill, 20, 20)))

    def start(rows: np.ndarray) -> np.ndarray:
        return np.stack([rows[:, 0], rows[:, 1], np.zeros(len(rows))], axis=1)

    solver = BatchSolver(hill)
    parts = list(run_blocks(solver, blocks_of(sets, 8), TIMES, initials=start))
    np.testing.assert_array_equal(
        np.concatenate([part.y for part in parts]), solver.run(sets, TIMES, start(sets)).y
    )
    same = list(run_blocks(solver, [sets], TIMES, initials=[[1.0, 2.0, 3.0]]))
    np.testing.assert_array_equal(same[0].y[:, 0], np.tile([1.0, 2.0, 3.0], (20, 1)))


def test_a_failing_run_is_reported_in_its_block(hill: System) -> None:
    sets = np.tile(hill.parameter_vector(), (6, 1))
    sets[4, 0] = np.nan
    status = [part.status.tolist() for part in run_blocks(BatchSolver(hill), blocks_of(sets, 3), TIMES)]
    assert status == [["ok"] * 3, ["ok", "failed", "ok"]]


def test_sets_may_lie_in_a_file(hill: System, tmp_path: Path) -> None:
    sets = np.concatenate(list(draws(hill, 20, 20)))
    np.save(tmp_path / "sets.npy", sets)
    mapped = np.load(tmp_path / "sets.npy", mmap_mode="r")
    solver = BatchSolver(hill)
    parts = list(run_blocks(solver, blocks_of(mapped, 8), TIMES))
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), solver.run(sets, TIMES).y)


def test_misuse_is_explained(hill: System) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        blocks_of(np.ones((2, 5)), 0)
    with pytest.raises(ValueError, match="parameters"):
        next(run_blocks(BatchSolver(hill), [np.ones((2, 4))], TIMES))
