"""The same results from every engine, and what becomes of exceptions and dead workers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tasks import Disturbed, Draws, Kill, Logged, assert_same, is_running, wait_until

from nicheloop.execution import (
    Engine,
    Interrupted,
    Job,
    Processes,
    Serial,
    TaskError,
    WorkerLost,
    map_chunks,
    map_tasks,
    open_store,
    stream_chunks,
)
from nicheloop.execution.chunks import WINDOW

SIZE = 60
EXPECTED = Draws()(0, SIZE)
BOTH = pytest.mark.parametrize("engine", [Serial(), Processes(2)], ids=["serial", "processes"])


@BOTH
@pytest.mark.parametrize("chunk", [None, 1, 7, 1000])
def test_results_depend_neither_on_the_engine_nor_on_the_chunks(engine: Engine, chunk: int | None) -> None:
    assert_same(map_chunks(Draws(), SIZE, engine=engine, chunk=chunk), EXPECTED)


@BOTH
def test_pieces_come_in_order(engine: Engine, tmp_path: Path) -> None:
    job = Job("draws", seed=7)
    for store in (None, tmp_path / "store", tmp_path / "store"):  # computed, recorded, read
        named = job if store else None
        pieces = list(stream_chunks(Draws(), SIZE, engine=engine, chunk=7, store=store, job=named))
        assert [row for piece in pieces for row in range(*piece.span)] == list(range(SIZE))
        joint = {name: np.concatenate([piece.arrays[name] for piece in pieces]) for name in EXPECTED}
        assert_same(joint, EXPECTED)


def test_what_comes_too_early_does_not_pile_up(tmp_path: Path) -> None:
    log = Logged(tmp_path / "log")
    pieces = stream_chunks(SlowRow(log), 200, engine=Processes(2), chunk=1)
    assert [piece.span.start for piece in pieces] == list(range(200))
    order = [start for _, start, _ in log.entries()]
    assert order.index(1) <= 2 * WINDOW + 1  # meanwhile the other worker went on, but not for ever


@dataclass(frozen=True)
class SlowRow:
    """Row 1 waits for as many others as may go before it, and then for more of them."""

    log: Logged

    def __call__(self, start: int, stop: int) -> dict[str, Any]:
        if start == 1:
            wait_until(lambda: len(self.log.entries()) >= 2 * WINDOW)
            time.sleep(0.2)
        return self.log(start, stop)


def test_an_abandoned_stream_ends_its_workers(tmp_path: Path) -> None:
    task = Logged(tmp_path / "log", pause=0.01)
    pieces = stream_chunks(task, 10_000, engine=Processes(2), chunk=1)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert not any(is_running(pid) for pid in {pid for pid, _, _ in task.entries()} - {os.getpid()})


@BOTH
def test_an_exception_names_the_rows_and_is_kept(engine: Engine, tmp_path: Path) -> None:
    task = Disturbed(25, tmp_path / "mark", fail)
    with pytest.raises(
        TaskError, match=r"rows 21 to 27: KeyError: 'il1rap'; .* 60 rows are in .*store: run"
    ) as told:
        map_chunks(task, SIZE, engine=engine, chunk=7, store=tmp_path / "store", job=Job("j"))
    assert isinstance(told.value.__cause__, KeyError)
    assert "def fail" not in str(told.value)
    assert "in fail" in told.value.trace
    done = open_store(tmp_path / "store")
    assert not done.complete
    assert_same(map_chunks(task, SIZE, engine=engine, store=tmp_path / "store", job=Job("j")), EXPECTED)


def fail() -> None:
    raise KeyError("il1rap")


class StrangeError(Exception):
    """Cannot be pickled: it needs two arguments and says so nowhere."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def fail_strangely() -> None:
    raise StrangeError("no", "steady state")


def test_an_exception_that_does_not_pickle_is_told(tmp_path: Path) -> None:
    task = Disturbed(5, tmp_path / "mark", fail_strangely)
    with pytest.raises(TaskError, match="row 5: StrangeError: no steady state") as told:
        map_chunks(task, SIZE, engine=Processes(1), chunk=1)
    assert told.value.__cause__ is None
    assert "fail_strangely" in told.value.trace


def test_a_worker_that_dies_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    task = Disturbed(25, tmp_path / "mark", Kill(), times=2)
    assert_same(map_chunks(task, SIZE, engine=Processes(2), chunk=7), EXPECTED)
    assert len(list(tmp_path.glob("mark-*"))) == 2
    assert caplog.text.count("was killed by SIGKILL (out of memory?); rows 21 to 27 are computed again") == 2


def test_a_chunk_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    task = Disturbed(25, tmp_path / "mark", Kill(), times=99)
    with pytest.raises(
        WorkerLost, match=r"rows 21 to 27: .*SIGKILL.*3 times in a row.*in .*store: run the same"
    ):
        map_chunks(task, SIZE, engine=Processes(2), chunk=7, store=tmp_path / "store", job=Job("j"))
    assert len(list(tmp_path.glob("mark-*"))) == 3
    found = open_store(tmp_path / "store")
    for span in found.done:
        assert_same({name: found.read(name, *span) for name in found.names}, Draws()(*span))


def test_workers_keep_to_their_threads() -> None:
    found = map_chunks(environment, 1, engine=Processes(1, threads=3))
    assert [found[name][0] for name in ("blas", "ours")] == ["1", "3"]


def environment(start: int, stop: int) -> dict[str, Any]:
    names = {"blas": "OPENBLAS_NUM_THREADS", "ours": "NICHELOOP_THREADS"}
    return {name: np.array([os.environ[variable]], "U8") for name, variable in names.items()}


def test_our_engines_keep_to_the_threads_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from nicheloop.integrate.batch import _granted_processors

    monkeypatch.setenv("NICHELOOP_THREADS", "3")
    assert _granted_processors() == 3
    monkeypatch.setenv("NICHELOOP_THREADS", "all")
    with pytest.raises(ValueError, match="NICHELOOP_THREADS='all': expected a number"):
        _granted_processors()


def test_importing_is_light() -> None:
    heavy = {"numpy", "rich", "dask", "distributed", "cloudpickle", "multiprocessing", "pandas"}
    code = "import sys, nicheloop.execution, nicheloop.execution.progress; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in done.stdout.split()} & heavy


def test_a_script_is_not_run_again_in_workers(tmp_path: Path) -> None:
    script = """
        import numpy as np
        from nicheloop.execution import Processes, map_chunks
        print("started")
        factor = 3
        class Times:
            def __call__(self, start, stop):
                return {"y": factor * np.arange(start, stop)}
        print(map_chunks(Times(), 9, engine=Processes(2))["y"].sum())
        print(map_chunks(lambda a, b: {"y": np.arange(a, b)}, 9, engine=Processes(2))["y"].sum())
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["started", "108", "36"]


def test_a_task_that_cannot_travel_is_refused(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w", encoding="ascii") as file,
        pytest.raises(ValueError, match="expected an object"),
    ):
        map_chunks(lambda a, b: {"x": file.tell()}, 3, engine=Processes(1))


@BOTH
def test_a_task_that_cannot_be_loaded_is_told(engine: Engine) -> None:
    if isinstance(engine, Serial):
        return
    with pytest.raises(TaskError, match="ModuleNotFoundError: No module named 'nowhere'"):
        map_chunks(Unloadable(), 3, engine=engine)


class Unloadable:
    """Loading it needs a module that is not there."""

    def __reduce__(self) -> tuple[Any, ...]:
        return __import__, ("nowhere",)


@BOTH
@pytest.mark.parametrize(
    ("results", "told"),
    [
        ({}, "the task returned dict: expected a dict of arrays"),
        ([1, 2], "the task returned list"),
        ({"x": 1.0}, r"result 'x' has shape \(\): expected 2 rows first"),
        ({"x": np.zeros(3)}, r"result 'x' has shape \(3,\): expected 2 rows first"),
        ({"x": np.array([None, 1])}, "result 'x' is of type object"),
    ],
)
def test_results_that_cannot_be_kept_are_refused(engine: Engine, results: Any, told: str) -> None:
    with pytest.raises(TaskError, match=f"rows 0 to 1: .*{told}"):
        map_chunks(Always(results), 2, engine=engine, chunk=2)


@dataclass(frozen=True)
class Always:
    """Returns the same whatever is asked."""

    results: Any

    def __call__(self, start: int, stop: int) -> Any:
        return self.results


def test_rows_of_different_types_are_refused() -> None:
    with pytest.raises(
        TaskError, match=r"row 1: result 'x' is float64\[2\], that of other rows float64\[1\]"
    ):
        map_chunks(lambda a, b: {"x": np.zeros((1, b))}, 5, chunk=1)


def square(item: float) -> Mapping[str, Any]:
    return {"square": item**2, "powers": [1, item], "sign": "-" if item < 0 else "+"}


@BOTH
def test_items_are_tasks(engine: Engine) -> None:
    found = map_tasks(square, [1.5, -2.0, 3.0], engine=engine)
    np.testing.assert_array_equal(found["square"], [2.25, 4, 9])
    np.testing.assert_array_equal(found["powers"], [[1, 1.5], [1, -2], [1, 3]])
    assert found["sign"].tolist() == ["+", "-", "+"]
    assert map_tasks(square, [], engine=engine) == {}


def test_items_with_different_results_are_refused() -> None:
    with pytest.raises(TaskError, match=r"item 1 gave \['b'\], item 0 gave \['a'\]"):
        map_tasks(lambda name: {name: 1}, ["a", "b"], chunk=2)


@BOTH
def test_progress_is_told_with_failures(engine: Engine) -> None:
    seen: list[tuple[int, int, int]] = []
    map_chunks(Draws(), SIZE, engine=engine, chunk=20, progress=lambda *now: seen.append(now))
    assert seen == [(0, 60, 0), (20, 60, 2), (40, 60, 4), (60, 60, 6)]


def test_no_rows_no_work() -> None:
    assert map_chunks(fail, 0, engine=Processes(2)) == {}  # type: ignore[arg-type]
    assert list(stream_chunks(fail, 0)) == []  # type: ignore[arg-type]


def test_an_interrupt_says_what_is_lost() -> None:
    def task(start: int, stop: int) -> dict[str, Any]:
        if start == 3:
            raise KeyboardInterrupt
        return {"x": np.arange(start, stop)}

    with pytest.raises(
        Interrupted, match="interrupted: 3 of 9 rows were computed and are lost: give a store"
    ):
        map_chunks(task, 9, chunk=1)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Processes(0), r"Processes\(n=0\): expected 1 or more"),
        (lambda: Processes(2, threads=0), r"Processes\(threads=0\)"),
        (lambda: map_chunks(Draws(), -1), "size=-1: expected the number of rows"),
        (lambda: map_chunks(Draws(), 9, shard=(3, 2)), "shard 3/2: expected a number from 1 to 2"),
        (lambda: map_chunks(Draws(), 9, store="somewhere"), "store= needs job="),
        (lambda: stream_chunks(Draws(), 9, chunk=0), "chunk=0: expected"),
    ],
)
def test_misuse_is_refused_at_once(call: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()


def test_processes_are_those_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicheloop.execution.engines.granted_cores", lambda: 6)
    assert [
        Processes().count,
        Processes(threads=4).count,
        Processes(threads=8).count,
        Processes(3).count,
    ] == [6, 1, 1, 3]
