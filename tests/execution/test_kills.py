"""The main process killed or interrupted in the middle: nothing is lost, nothing is computed twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tasks import Draws, Logged, assert_same, assert_same_files, is_running, wait_until

from nicheloop.execution import Job, Processes, Serial, StoreWriter, map_chunks, open_store

SIZE = 120
JOB = Job("draws", {"rows": SIZE}, seed=7)
SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tasks import Logged
from nicheloop.execution import Job, Processes, Serial, map_chunks
task = Logged(Path({log!r}), pause=0.005)
job = Job("draws", {{"rows": {size}}}, seed=7)
map_chunks(task, {size}, engine={engine!r}, store={store!r}, job=job, chunk=4)
"""
BOTH = pytest.mark.parametrize("engine", [Serial(), Processes(2)], ids=["serial", "processes"])


def start(engine: Serial | Processes, store: Path, log: Path) -> subprocess.Popen[str]:
    """Start the job in a process group of its own, as a shell does."""
    names = {"tests": str(Path(__file__).parent), "log": str(log), "store": str(store)}
    code = SCRIPT.format(**names, engine=engine, size=SIZE)
    return subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def lines(store: Path) -> int:
    journal = store / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def recorded(store: Path) -> list[int]:
    return [row for span in open_store(store).done for row in range(*span)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("undisturbed") / "store"
    map_chunks(Draws(), SIZE, store=path, job=JOB)
    return path


@BOTH
def test_killed_and_continued(engine: Serial | Processes, tmp_path: Path, whole: Path) -> None:
    store, rng = tmp_path / "store", np.random.default_rng(3)
    for kill in range(3):
        before = recorded(store) if kill else []
        log = Logged(tmp_path / f"log{kill}")
        with start(engine, store, log.log) as process:
            due = lines(store) + int(rng.integers(2, 6))
            wait_until(lambda due=due: lines(store) >= due)
            process.kill()
        workers = {pid for pid, _, _ in log.entries()}
        wait_until(lambda workers=workers: not any(is_running(pid) for pid in workers), 5)
        assert set(before) <= set(recorded(store))  # nothing is lost
        assert not set(log.rows()) & set(before)  # nothing is computed twice
    assert 0 < len(recorded(store)) < SIZE
    last, left = Logged(tmp_path / "last"), sorted(set(range(SIZE)) - set(recorded(store)))
    assert_same(map_chunks(last, SIZE, engine=engine, store=store, job=JOB), Draws()(0, SIZE))
    assert last.rows() == left
    assert_same_files(store, whole)


@BOTH
def test_interrupted_and_continued(engine: Serial | Processes, tmp_path: Path, whole: Path) -> None:
    store, log = tmp_path / "store", Logged(tmp_path / "log")
    with start(engine, store, log.log) as process:
        wait_until(lambda: lines(store) >= 5)
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C reaches all processes of the terminal's group
        assert process.stderr is not None
        told = process.stderr.read()
    count = len(recorded(store))
    assert told.count("Traceback") == 1  # none from the workers
    kept = f"interrupted: {count} of {SIZE} rows are in {store}: run the same again to go on"
    assert told.splitlines()[-1].endswith(f"Interrupted: {kept}")
    assert not any(is_running(pid) for pid in {pid for pid, _, _ in log.entries()})
    with StoreWriter(store, JOB, SIZE) as writer:  # closed, and free for the next
        assert writer.count == count
    assert_same(map_chunks(Draws(), SIZE, engine=engine, store=store, job=JOB), Draws()(0, SIZE))
    assert_same_files(store, whole)


def test_the_command_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nicheloop.cli import listings
    from nicheloop.cli.main import main
    from nicheloop.execution import Interrupted, StoreError

    def fail(error: BaseException) -> int:
        def raise_it(out: Path | None) -> None:
            raise error

        monkeypatch.setattr(listings, "list_scenarios", raise_it)
        return main(["scenarios"])

    assert fail(Interrupted("interrupted: 3 of 9 rows are in out: run the same again to go on")) == 130
    assert capsys.readouterr().err.startswith("nicheloop: interrupted: 3 of 9 rows")
    assert fail(KeyboardInterrupt()) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert fail(StoreError("out: is full")) == 1
    assert capsys.readouterr().err == "nicheloop: out: is full\n"
