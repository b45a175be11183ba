"""SIGKILL in the middle of profiles and of `nl.fit`: the next call ends as if undisturbed, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("fides")

from nicheloop.execution import open_store

HERE = Path(__file__).parent
PROFILES = """
import sys
from closed_problems import linear
from nicheloop.analysis.fit.profile import profiles

matrix = [[3.0, 1.0, 0.0], [0.0, 2.0, 1.0], [1.0, 0.0, 4.0]]
problem = linear(matrix, [1.0, 0.5, -1.0], pause=float(sys.argv[2]))
found = profiles(problem, problem.optimum(problem.start), store=sys.argv[1])
for name, one in found.items():
    print(name, one.x.tobytes().hex(), one.values.tobytes().hex(), one.verdict)
print(found.optimum.x.tobytes().hex())
"""
FIT = """
import sys
import nicheloop as nl

def slowly(done, total, failed):
    import time
    time.sleep(float(sys.argv[2]))

free = ["death_max", "il1b_secretion_K562R"]
found = nl.fit(nl.load_data("imatinib_baf3"), free, 2, 4, workers=1, store=sys.argv[1], progress=slowly)
print(found.fitted().to_toml())
for one in found.search.optima:
    print(one.x.tobytes().hex(), one.value.hex(), one.evaluations)
for name, one in found.profiles.items():
    print(name, one.x.tobytes().hex(), one.values.tobytes().hex(), one.verdict)
"""


def start(script: str, store: Path, pause: float = 0.0) -> subprocess.Popen[bytes]:
    paths = [str(HERE), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-c", script, str(store), str(pause)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def finished(folder: Path) -> int:
    """Finished tasks of all stores within a folder."""
    stores = [open_store(path.parent) for path in folder.rglob("manifest.json")]
    return sum(one.rows.rows - sum(span.rows for span in one.missing) for one in stores)


def killed_after(script: str, store: Path, tasks: int, pause: float) -> None:
    """Start, wait until so many tasks are finished, and kill it."""
    process = start(script, store, pause)
    deadline = time.monotonic() + 300
    try:
        while finished(store) < tasks:
            assert process.poll() is None, "ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def printed(script: str, store: Path) -> bytes:
    process = start(script, store)
    told, _ = process.communicate()
    assert process.returncode == 0
    return told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[bytes, int]]:
    """What a script prints, and how many tasks it stores, if it is let alone."""

    @cache
    def run(script: str) -> tuple[bytes, int]:
        store = tmp_path_factory.mktemp("undisturbed") / "store"
        return printed(script, store), finished(store)

    return run


@pytest.mark.parametrize(
    ("script", "tasks", "pause"),
    [(PROFILES, 1, 0.02), (FIT, 1, 0.5), (FIT, 3, 0.5)],
    ids=["profiles", "fit, in the search", "fit, in the profiles"],
)
def test_what_was_killed_goes_on_and_ends_the_same_bit_for_bit(
    script: str,
    tasks: int,
    pause: float,
    undisturbed: Callable[[str], tuple[bytes, int]],
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    killed_after(script, store, tasks, pause)
    whole, all_tasks = undisturbed(script)
    assert tasks <= finished(store) < all_tasks
    assert printed(script, store) == whole
