"""The same work on Dask: same bits, and what becomes of it when workers or the scheduler die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tasks import Disturbed, Draws, Kill, Logged, assert_same, assert_same_files, wait_until

from nicheloop.execution import Dask, ExecutionError, Job, Span, TaskError, WorkerLost, map_chunks, open_store

SIZE = 60
JOB = Job("draws", seed=7)
EXPECTED = Draws()(0, SIZE)


def test_missing_dask_is_told_with_the_command_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutionError, match=r"Dask is not installed .*: pip install 'nicheloop\[cluster\]'"):
        map_chunks(Draws(), SIZE, engine=Dask())


@pytest.mark.parametrize(("given", "told"), [({"workers": 0}, "workers=0"), ({"patience": 0}, "patience=0")])
def test_misuse_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Dask(**given)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Return a cluster of one worker."""
    distributed = pytest.importorskip(
        "distributed", reason="Dask is not installed: pip install 'nicheloop[cluster]'"
    )
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


def test_one_worker_and_three_give_the_bits_of_this_process(cluster: Any, tmp_path: Path) -> None:
    """Also when a worker dies, with exceptions, and into a store."""
    engine = Dask(cluster.scheduler_address)
    assert_same(map_chunks(Draws(), SIZE, engine=engine), EXPECTED)
    cluster.scale(3)
    engine = Dask(cluster.scheduler_address, workers=3)
    log = Logged(tmp_path / "log", pause=0.01)
    found = map_chunks(log, SIZE, engine=engine, chunk=4, store=tmp_path / "store", job=JOB)
    assert_same(found, EXPECTED)
    assert log.rows() == list(range(SIZE))
    assert len({pid for pid, _, _ in log.entries()}) == 3
    map_chunks(Draws(), SIZE, store=tmp_path / "undisturbed", job=JOB)
    assert_same_files(tmp_path / "store", tmp_path / "undisturbed")


def test_a_worker_that_dies_is_replaced(cluster: Any, tmp_path: Path) -> None:
    task = Disturbed(25, tmp_path / "mark", Kill())
    found = map_chunks(
        task, SIZE, engine=Dask(cluster.scheduler_address), chunk=7, store=tmp_path / "s", job=JOB
    )
    assert_same(found, EXPECTED)
    assert (tmp_path / "mark-0").exists()


def test_a_cluster_for_the_occasion() -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'nicheloop[cluster]'")
    assert_same(map_chunks(Draws(), SIZE, engine=Dask(workers=1)), EXPECTED)


def test_a_script_that_dask_would_run_again_is_told(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'nicheloop[cluster]'")
    script = "from nicheloop.execution import Dask, map_chunks; map_chunks(dict, 3, engine=Dask(workers=1))"
    (tmp_path / "script.py").write_text(script, encoding="ascii")
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True)
    assert "ExecutionError: Dask could not start 1 workers here" in done.stderr
    assert 'put the call under if __name__ == "__main__":' in done.stderr


def raise_error() -> None:
    raise KeyError("il1rap")


def test_an_exception_names_the_rows(cluster: Any, tmp_path: Path) -> None:
    task = Disturbed(25, tmp_path / "mark", raise_error)
    with pytest.raises(TaskError, match="rows 21 to 27: KeyError: 'il1rap'") as told:
        map_chunks(task, SIZE, engine=Dask(cluster.scheduler_address), chunk=7)
    assert isinstance(told.value.__cause__, KeyError)


def test_nothing_stays_behind_on_the_workers(cluster: Any) -> None:
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:

        def left(dask_worker: Any) -> list[str]:
            return [name for name in [*dask_worker.plugins, *dask_worker.data] if "nicheloop" in name]

        wait_until(lambda: not any(client.run(left).values()))


def test_a_chunk_that_kills_every_worker_is_given_up(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)  # Dask blames all chunks that a worker had
    task = Disturbed(25, tmp_path / "mark", Kill(), times=99)
    told = r"rows .* to .*: the Dask workers died.* of 60 rows are in .*: run the same"
    with pytest.raises(WorkerLost, match=told):
        map_chunks(task, SIZE, engine=Dask(cluster.scheduler_address), chunk=7, store=tmp_path / "s", job=JOB)


@contextmanager
def scheduler_and_worker(folder: Path) -> Iterator[tuple[str, int]]:
    """Start a scheduler and a worker as one does on a cluster; yield address and process of the scheduler."""
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])

    def start(what: str, *options: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{what}", *common, *options],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    scheduler = start("dask_scheduler", "--port", "0")
    worker = start("dask_worker", "--nthreads", "1", "--no-nanny")
    try:
        wait_until(lambda: file.exists() and file.stat().st_size > 0, 60)
        yield json.loads(file.read_text(encoding="utf-8"))["address"], scheduler.pid
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


def test_a_scheduler_that_dies_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'nicheloop[cluster]'")
    with scheduler_and_worker(tmp_path) as (address, pid):
        task = Disturbed(40, tmp_path / "mark", Kill(pid))
        told = r"the Dask scheduler at tcp.* is gone; .* of 60 rows are in .*store: run the same again"
        with pytest.raises(ExecutionError, match=told):
            map_chunks(task, SIZE, engine=Dask(address), chunk=4, store=tmp_path / "store", job=JOB)
    done = open_store(tmp_path / "store").done
    assert done[0].start == 0
    assert Span(0, 20) <= done[0]
    log = Logged(tmp_path / "log")
    assert_same(map_chunks(log, SIZE, store=tmp_path / "store", job=JOB), EXPECTED)
    assert log.rows() == [row for row in range(SIZE) if not any(s.start <= row < s.stop for s in done)]
    map_chunks(Draws(), SIZE, store=tmp_path / "undisturbed", job=JOB)
    assert_same_files(tmp_path / "store", tmp_path / "undisturbed")


def test_a_scheduler_that_is_not_there_is_told() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ExecutionError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1"):
        map_chunks(Draws(), SIZE, engine=Dask("tcp://127.0.0.1:1", patience=1))


def test_workers_that_do_not_come_are_told(cluster: Any) -> None:
    with pytest.raises(ExecutionError, match=r"has . of the 50 workers that were asked for after 0.5 s"):
        map_chunks(Draws(), SIZE, engine=Dask(cluster.scheduler_address, workers=50, patience=0.5))
