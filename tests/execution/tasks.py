"""Tasks whose results are known: whatever a row holds follows from its number."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
SEED = 7


def draws(start: int, stop: int, seed: int = SEED) -> NDArray[np.float64]:
    """Three random numbers per row, from a generator that counts: the same in any chunk."""
    generators = (np.random.Philox(key=seed, counter=[0, 0, 0, row]) for row in range(start, stop))
    rows = [np.random.Generator(generator).standard_normal(3) for generator in generators]
    return np.array(rows).reshape(stop - start, 3)


@dataclass(frozen=True)
class Draws:
    """Random numbers, solutions of equations, text and a mark of failure."""

    seed: int = SEED
    pause: float = 0.0

    def __call__(self, start: int, stop: int) -> Arrays:
        time.sleep(self.pause * (stop - start))
        x = draws(start, stop, self.seed)
        matrices = np.eye(3) + 0.1 * x[:, :, None] * x[:, None, :]
        rows = np.arange(start, stop)
        return {
            "x": x,
            "solution:K562R": np.array([np.linalg.solve(a, b) for a, b in zip(matrices, x, strict=True)]),
            "row": rows,
            "label": np.array([f"row {row}" for row in rows], dtype="U12"),
            "failed": rows % 10 == 3,
        }


@dataclass(frozen=True)
class Disturbed:
    """Does something when it comes to a row, so many times at most over all processes."""

    row: int
    mark: Path
    act: Callable[[], None]
    times: int = 1

    def __call__(self, start: int, stop: int) -> Arrays:
        if start <= self.row < stop:
            for number in range(self.times):
                mark = self.mark.with_name(f"{self.mark.name}-{number}")
                if not mark.exists():
                    mark.write_text(str(os.getpid()), encoding="ascii")
                    self.act()
                    break
        return Draws()(start, stop)


@dataclass(frozen=True)
class Kill:
    """Kills a process as the kernel does when memory runs out; the own one by default."""

    pid: int = 0

    def __call__(self) -> None:
        os.kill(self.pid or os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Logged:
    """Writes down which process computed which rows; one write each, so that processes do not mix."""

    log: Path
    pause: float = 0.0

    def __call__(self, start: int, stop: int) -> Arrays:
        with self.log.open("a", encoding="ascii") as file:
            file.write(f"{os.getpid()} {start} {stop}\n")
        return Draws(pause=self.pause)(start, stop)

    def entries(self) -> list[tuple[int, int, int]]:
        """Return process, start and stop of every call."""
        if not self.log.exists():
            return []
        lines = self.log.read_text(encoding="ascii").splitlines()
        return [(int(p), int(a), int(b)) for p, a, b in (line.split() for line in lines)]

    def rows(self) -> list[int]:
        """Return the rows of all calls in ascending order."""
        return sorted(row for _, start, stop in self.entries() for row in range(start, stop))


def assert_same(found: Arrays, expected: Arrays) -> None:
    """Demand the same names, types and bits."""
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        assert found[name].shape == values.shape
        assert found[name].tobytes() == values.tobytes(), name


def assert_same_files(found: Path, expected: Path) -> None:
    """Demand the same files of results, byte by byte."""
    names = sorted(path.name for path in expected.glob("*.npy"))
    assert sorted(path.name for path in found.glob("*.npy")) == names
    for name in names:
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name


def is_running(pid: int) -> bool:
    """Whether a process is alive (a zombie that nobody has waited for is not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Look again and again until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
