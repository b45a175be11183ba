"""Stores: what is recorded stays, what is torn is found, and what another job left is not touched."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tasks import Draws, Logged, assert_same, assert_same_files

from nicheloop.execution import (
    Job,
    Piece,
    Span,
    Store,
    StoreError,
    StoreWriter,
    TaskError,
    map_chunks,
    open_store,
)
from nicheloop.execution import files as store_files

JOB = Job("draws", {"draws": 3, "doses": [0.1, 1]}, seed=7, command="nicheloop draws")
SIZE = 30
EXPECTED = Draws()(0, SIZE)


def record(writer: StoreWriter, start: int, stop: int) -> None:
    writer.record(Piece(Span(start, stop), Draws()(start, stop)))


def fill(path: Path, *spans: tuple[int, int]) -> Path:
    """Make a store, or go on with it, and record rows."""
    with StoreWriter(path, JOB, SIZE) as writer:
        for start, stop in spans:
            record(writer, start, stop)
    return path


def finish(path: Path) -> None:
    """Record whatever is missing."""
    with StoreWriter(path, JOB, SIZE) as writer:
        for span in writer.left:
            record(writer, *span)


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: tests that open hundreds of stores do not cut the power."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that was written without any disturbance."""
    return fill(tmp_path_factory.mktemp("undisturbed") / "store", (0, SIZE))


def test_what_is_recorded_is_read(tmp_path: Path) -> None:
    path = fill(tmp_path / "deep" / "store", (20, 30), (0, 5), (5, 20))
    store = open_store(path)
    assert (store.complete, store.size, store.rows, store.done) == (True, SIZE, Span(0, 30), (Span(0, 30),))
    assert store.failed == 3
    assert_same(store.arrays(), EXPECTED)
    for name, values in EXPECTED.items():
        assert store.read(name, 4, 21).tobytes() == values[4:21].tobytes()
    blocks = list(store.blocks(7))
    assert [span.rows for span, _ in blocks] == [7, 7, 7, 7, 2]
    assert np.concatenate([arrays["x"] for _, arrays in blocks]).tobytes() == EXPECTED["x"].tobytes()


def test_files_are_plain_numpy_whatever_the_order_of_the_chunks(tmp_path: Path, whole: Path) -> None:
    path = fill(tmp_path / "store", (29, 30), (3, 9), (0, 3), (9, 29))
    assert_same_files(path, whole)
    np.testing.assert_array_equal(np.load(path / "x.npy"), EXPECTED["x"])
    assert (path / "solution%3AK562R.npy").exists()  # a colon is not for every disk


def test_the_manifest_says_what_made_the_store(tmp_path: Path) -> None:
    path = fill(tmp_path / "store", (0, 3))
    told = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    assert told["schema"] == 1
    assert told["job"] == {"name": "draws", "settings": {"draws": 3, "doses": [0.1, 1]}, "seed": 7}
    assert told["digest"] == JOB.digest()
    assert told["command"] == "nicheloop draws"
    assert told["versions"].keys() == {"nicheloop", "python", "numpy", "system"}
    fill(path)
    sessions = [entry["session"] for entry in journal(path) if "session" in entry]
    assert [session["command"] for session in sessions] == ["nicheloop draws"]


def journal(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "journal.jsonl").read_text(encoding="utf-8").splitlines()]


def test_an_unfinished_store_does_not_pass_for_a_whole_one(tmp_path: Path) -> None:
    path = fill(tmp_path / "store", (0, 5), (20, 25))
    store = open_store(path)
    assert store.missing == [Span(5, 20), Span(25, 30)]
    with pytest.raises(StoreError, match=r"20 of 30 rows are missing \(rows 5 to 19, rows 25 to 29\)"):
        store["x"]
    with pytest.raises(StoreError, match="rows 5 to 19 are not recorded"):
        store.read("x", 3, 22)
    with pytest.raises(ValueError, match="no result 'X': did you mean 'x'"):
        store.read("X", 0, 3)
    with pytest.raises(ValueError, match=r"mmap length|reshape"):
        np.load(path / "x.npy", mmap_mode="r")  # nor for NumPy: the file is too short


def test_a_finished_job_is_neither_computed_nor_written_again(tmp_path: Path) -> None:
    task = Logged(tmp_path / "log")
    for _ in range(2):
        found = map_chunks(task, SIZE, store=tmp_path / "store", job=JOB, chunk=7)
        assert_same(found, EXPECTED)
        state = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").iterdir()}
    map_chunks(task, SIZE, store=tmp_path / "store", job=JOB)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").iterdir()} == state
    assert task.rows() == list(range(SIZE))


def test_only_what_is_missing_is_computed(tmp_path: Path, whole: Path) -> None:
    task = Logged(tmp_path / "log")
    path = fill(tmp_path / "store", (4, 9), (15, 16))
    seen = []
    map_chunks(task, SIZE, store=path, job=JOB, chunk=7, progress=lambda *now: seen.append(now))
    assert task.rows() == [*range(4), *range(9, 15), *range(16, SIZE)]
    assert seen[0] == (6, SIZE, 0)
    assert seen[-1] == (SIZE, SIZE, 3)
    assert_same_files(path, whole)


# another job


@pytest.mark.parametrize(
    ("job", "size", "shard", "told"),
    [
        (Job("draws", {"draws": 4, "doses": [0.1, 1]}, 7), SIZE, None, r"\(settings.draws: 3 there, 4 now\)"),
        (
            Job("draws", {"draws": 3, "doses": np.array([0.1, 2])}, 7),
            SIZE,
            None,
            r"doses: \[0.1, 1\] there, \[0.1, 2.0",
        ),
        (Job("draws", {"doses": [0.1, 1]}, 7), SIZE, None, "settings.draws: 3 there, nothing now"),
        (Job("draws", JOB.settings, 8), SIZE, None, "seed: 7 there, 8 now"),
        (Job("morris", JOB.settings, 7), SIZE, None, 'name: "draws" there, "morris" now'),
        (JOB, 31, None, "size: 30 there, 31 now"),
        (JOB, SIZE, (1, 2), r"\(rows: rows 0 to 29 there, rows 0 to 14 now"),
    ],
)
def test_another_job_is_refused(
    tmp_path: Path, job: Job, size: int, shard: tuple[int, int] | None, told: str
) -> None:
    for spans in ([(0, 3)], [(3, 30)]):  # unfinished, finished
        path = fill(tmp_path / "store", *spans)
        before = {file.name: file.read_bytes() for file in path.iterdir()}
        with pytest.raises(ValueError, match=f"this store is of another job .*{told}"):
            map_chunks(Draws(), size, store=path, job=job, shard=shard)
        assert {file.name: file.read_bytes() for file in path.iterdir()} == before


def test_the_same_job_is_known_by_its_values() -> None:
    same = Job("draws", {"doses": (np.float64(0.1), 1), "draws": np.int64(3)}, seed=7, command="other")
    assert same.digest() == JOB.digest()
    with pytest.raises(ValueError, match=r"job 'draws': settings must be plain JSON: .*Path"):
        Job("draws", {"file": Path("a")})
    with pytest.raises(ValueError, match="plain JSON"):
        Job("draws", {"dose": float("nan")})


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"is not empty and not a store \(it holds 'thesis.tex'\)"):
        StoreWriter(tmp_path, JOB, SIZE)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(StoreError, match="is not a store"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "cannot be read"), ('{"schema": 99}', "schema 99, expected 1"), ("[]", "schema None")],
)
def test_a_manifest_that_cannot_be_used_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = fill(tmp_path / "store", (0, 3))
    (path / "manifest.json").write_text(content, encoding="utf-8")
    for use in (open_store, lambda path: StoreWriter(path, JOB, SIZE)):
        with pytest.raises(StoreError, match=rf"manifest\.json: .*{told}"):
            use(path)


def test_rows_are_recorded_once_and_of_one_kind(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", JOB, SIZE) as writer:
        record(writer, 0, 5)
        with pytest.raises(ValueError, match="rows 3 to 9 are recorded already"):
            record(writer, 3, 10)
        with pytest.raises(ValueError, match=r"rows 28 to 31 are not rows of this store \(rows 0 to 29\)"):
            record(writer, 28, 32)
        with pytest.raises(TaskError, match="result 'label' is missing"):
            writer.record(Piece(Span(5, 6), {k: v for k, v in Draws()(5, 6).items() if k != "label"}))
        with pytest.raises(TaskError, match="result 'x' is float32"):
            writer.record(Piece(Span(5, 6), {**Draws()(5, 6), "x": np.zeros((1, 3), np.float32)}))
        assert writer.left == [Span(5, 30)]
    with pytest.raises(ValueError, match="closed"):
        record(writer, 5, 6)


def test_names_that_some_disks_mix_up_are_refused(tmp_path: Path) -> None:
    with (
        StoreWriter(tmp_path / "store", JOB, SIZE) as writer,
        pytest.raises(ValueError, match="differ in case only"),
    ):
        writer.record(Piece(Span(0, 1), {"A": np.zeros(1), "a": np.zeros(1)}))


# killed at any instant


def run_forked(work: Any) -> int:
    """Run something in a fork; return its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def write_until_killed(path: Path, budget: int) -> None:
    """Write a store with chunks of eight rows; die for good after so many bytes, in the middle of a write."""
    left = budget

    def pwrite(file: int, data: memoryview, place: int, write: Any = os.pwrite) -> int:
        nonlocal left
        written = int(write(file, bytes(data[: min(left, 50)]), place)) if left else 0
        left -= written
        return written if left else os._exit(9)

    store_files.os.pwrite = pwrite  # type: ignore[attr-defined]
    with StoreWriter(path, JOB, SIZE) as writer:
        for span in list(writer.left):
            for start in range(span.start, span.stop, 8):
                writer.record(small_piece(start, min(start + 8, span.stop)))


def small_piece(start: int, stop: int) -> Piece:
    rows = np.arange(start, stop)
    return Piece(Span(start, stop), {"x": 1.0 / (1 + rows), "row": rows})


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_after_any_number_of_bytes(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    assert run_forked(lambda: write_until_killed(reference, 10**9)) == 0
    total = sum((reference / name).stat().st_size for name in ("journal.jsonl", "x.npy", "row.npy"))
    for budget in [*range(1, total, 13), *range(total - 120, total, 3)]:
        path = tmp_path / f"{budget}"
        assert run_forked(lambda path=path, budget=budget: write_until_killed(path, budget)) == 9
        recorded = [Span(*entry["rows"]) for entry in sound_entries(path) if "rows" in entry]
        with StoreWriter(path, JOB, SIZE) as writer:
            assert sum(span.rows for span in writer.done) == sum(span.rows for span in recorded)
            for span in writer.left:
                writer.record(small_piece(*span))
        assert_same_files(path, reference)
        assert open_store(path).complete
        shutil.rmtree(path)


def sound_entries(path: Path) -> list[dict[str, Any]]:
    """Whole lines of the journal."""
    content = (path / "journal.jsonl").read_bytes() if (path / "journal.jsonl").exists() else b""
    return [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


@pytest.fixture
def torn(tmp_path: Path) -> tuple[Path, dict[str, tuple[int, int]]]:
    """Return a store of three chunks, and where the last one lies in each of its files."""
    path = tmp_path / "store"
    with StoreWriter(path, JOB, SIZE) as writer:
        for start in range(0, SIZE, 10):
            writer.record(small_piece(start, start + 10))
    last = len((path / "journal.jsonl").read_bytes().splitlines(keepends=True)[-1])
    places = {}
    for name, length in (("journal.jsonl", last), ("x.npy", 80), ("row.npy", 80)):
        size = (path / name).stat().st_size
        places[name] = (size - length, size)
    return path, places


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.parametrize("how", ["truncated", "garbled", "zeros"])
def test_any_damage_to_the_last_chunk_is_found_and_mended(
    torn: tuple[Path, dict[str, tuple[int, int]]], how: str
) -> None:
    path, places = torn
    sound = {file.name: file.read_bytes() for file in path.iterdir()}
    rng = np.random.default_rng(1)
    for name, (start, stop) in places.items():
        for place in range(start, stop):
            damaged = bytearray(sound[name])
            if how == "garbled":
                damaged[place] ^= int(rng.integers(1, 256))
            else:
                damaged[place:] = b"\0" * (stop - place) if how == "zeros" else b""
            if damaged == sound[name]:
                continue  # what was cut were zeros
            for file, content in sound.items():
                (path / file).write_bytes(content)
            (path / name).write_bytes(damaged)
            assert open_store(path).missing == [Span(20, 30)]
            with StoreWriter(path, JOB, SIZE) as writer:
                assert writer.left == [Span(20, 30)]
                writer.record(small_piece(20, 25))
                writer.record(small_piece(25, 30))
            assert open_store(path).complete
            assert all((path / file).read_bytes() == sound[file] for file in ("x.npy", "row.npy"))


def test_damage_elsewhere_costs_only_the_rows_in_question(tmp_path: Path, whole: Path) -> None:
    path = fill(tmp_path / "store", *((start, start + 5) for start in range(0, 30, 5)))
    lines = (path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"rows", b"rowz")
    (path / "journal.jsonl").write_bytes(b"".join(lines))
    data = bytearray((path / "x.npy").read_bytes())
    data[-1] ^= 1
    (path / "x.npy").write_bytes(data)
    assert open_store(path).missing == [Span(5, 10), Span(25, 30)]
    assert open_store(path, check=False).missing == [Span(5, 10)]
    finish(path)
    assert_same_files(path, whole)


@pytest.mark.parametrize("name", ["x.npy", "journal.jsonl"])
@pytest.mark.parametrize("how", ["gone", "empty", "beginning"])
def test_a_lost_file_is_written_anew(tmp_path: Path, whole: Path, name: str, how: str) -> None:
    path = fill(tmp_path / "store", (0, 5), (5, 30))
    content = (path / name).read_bytes()
    (path / name).unlink()
    if how != "gone":
        (path / name).write_bytes(b"" if how == "empty" else b"#" + content[1:])
    assert not open_store(path).complete
    finish(path)
    assert open_store(path).complete
    assert_same_files(path, whole)


def test_a_finished_job_whose_files_were_damaged_is_mended(tmp_path: Path, whole: Path) -> None:
    task = Logged(tmp_path / "log")
    path = fill(tmp_path / "store", (0, 10), (10, 30))
    (path / "row.npy").write_bytes((path / "row.npy").read_bytes()[:-3])
    assert_same(map_chunks(task, SIZE, store=path, job=JOB), EXPECTED)
    assert task.rows() == list(range(10, 30))
    assert_same_files(path, whole)


# disks


@pytest.mark.usefixtures("quick_disk")
def test_a_full_disk_at_any_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    for room in range(0, 1600, 57):
        path, left = fill(tmp_path / f"{room}", (0, 4)), room

        def pwrite(file: int, data: Any, place: int) -> int:
            nonlocal left
            if left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = real(file, bytes(data[:left]), place)
            left -= written
            return written

        with StoreWriter(path, JOB, SIZE) as writer:
            monkeypatch.setattr(os, "pwrite", pwrite)
            with pytest.raises(
                StoreError, match="No space left on device; 4 of 30 rows are safe; free some space"
            ):
                record(writer, 4, 24)
            monkeypatch.setattr(os, "pwrite", real)
        assert open_store(path).done == (Span(0, 4),)
        finish(path)
        assert_same(open_store(path).arrays(), EXPECTED)


FULL = """
import resource, sys
sys.path.insert(0, {tests!r})
from tasks import Draws
from nicheloop.execution import Job, Processes, map_chunks
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
map_chunks(Draws(), 200, engine=Processes(2), store=sys.argv[1], job=Job("draws"), chunk=10)
"""


def test_a_file_that_may_not_grow_ends_the_job_with_what_is_recorded(tmp_path: Path) -> None:
    code = FULL.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "store"], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert "cannot be written: File too large;" in last
    assert "rows are safe; mend that, then run the same again" in last
    partial = open_store(tmp_path / "store")
    assert 0 < sum(span.rows for span in partial.done) < 200
    assert_same(map_chunks(Draws(), 200, store=tmp_path / "store", job=Job("draws")), Draws()(0, 200))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 32 kB, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a disk is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full(small_disk: Path) -> None:
    with pytest.raises(
        StoreError, match=r"No space left on device; [0-9]+ of 500 rows are safe; free some space"
    ):
        map_chunks(Draws(), 500, store=small_disk / "store", job=JOB, chunk=10)
    partial = open_store(small_disk / "store")
    assert partial.done[0].rows >= 10
    for name in partial.names:
        assert partial.read(name, *partial.done[0]).tobytes() == Draws()(*partial.done[0])[name].tobytes()


@pytest.fixture
def ordinary_user(tmp_path: Path) -> Iterator[None]:
    """Be somebody whom permissions concern."""
    if os.geteuid() != 0:
        yield
        return
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_mode & 0o055 != 0o055:
            folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_folder_that_cannot_be_written(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fill(tmp_path / "half", (0, 10))
    fill(tmp_path / "whole", (0, 30))
    for path in [*tmp_path.rglob("*"), tmp_path]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    request.getfixturevalue("ordinary_user")
    with pytest.raises(
        StoreError, match=r"new: cannot be opened .*: Permission denied; choose a folder that you may"
    ):
        map_chunks(Draws(), SIZE, store=tmp_path / "new", job=JOB)
    with pytest.raises(StoreError, match=r"half: cannot be opened .*: Permission denied"):
        map_chunks(Draws(), SIZE, store=tmp_path / "half", job=JOB)
    assert open_store(tmp_path / "half").missing == [Span(10, 30)]
    assert_same(map_chunks(Draws(), SIZE, store=tmp_path / "whole", job=JOB), EXPECTED)  # nothing to write


# one writer


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", JOB, SIZE) as writer:
        record(writer, 0, 5)
        told = rf"process {os.getpid()} on .* since .* is writing to this store"
        with pytest.raises(StoreError, match=told):
            StoreWriter(tmp_path / "store", JOB, SIZE)
        code = "import sys; from nicheloop.execution import *; StoreWriter(sys.argv[1], Job('other'), 3)"
        other = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "store"], capture_output=True, text=True
        )
        assert f"process {os.getpid()} on {socket.gethostname()} since" in other.stderr
        record(writer, 5, 30)
        assert open_store(tmp_path / "store").complete  # reading is always allowed
    finish(tmp_path / "store")


def hold_lock_and_die(path: Path) -> None:
    writer = StoreWriter(path, JOB, SIZE)
    record(writer, 0, 5)
    os._exit(9)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_the_lock_of_a_dead_process_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:
        monkeypatch.setattr(fcntl, "flock", no_locks)
    path = tmp_path / "store"
    assert run_forked(lambda: hold_lock_and_die(path)) == 9
    assert "pid" in (path / "lock").read_text(encoding="ascii")
    finish(path)
    assert_same(open_store(path).arrays(), EXPECTED)


def no_locks(file: int, operation: int) -> None:
    """Be a file system without locks."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_without_locks_a_living_owner_or_one_elsewhere_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", no_locks)
    path = tmp_path / "store"
    with StoreWriter(path, JOB, SIZE), pytest.raises(StoreError, match=f"process {os.getpid()} on"):
        StoreWriter(path, JOB, SIZE)
    owner = {"host": "node17", "pid": 1, "since": "yesterday"}
    (path / "lock").write_text(json.dumps(owner), encoding="ascii")
    with pytest.raises(StoreError, match=r"process 1 on node17 since yesterday .*: remove .*lock"):
        StoreWriter(path, JOB, SIZE)
    (path / "lock").unlink()
    finish(path)


# memory


def peak_of(work: Any) -> int:
    """Most bytes held at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    def write(chunks: int) -> None:
        rows = 20_000
        with StoreWriter(tmp_path / f"{chunks}", JOB, chunks * rows) as writer:
            for start in range(0, chunks * rows, rows):
                values = np.arange(start, start + rows, dtype=float)
                writer.record(Piece(Span(start, start + rows), {"x": values, "y": values[:, None] * [1, 2]}))

    few, many = peak_of(lambda: write(3)), peak_of(lambda: write(50))
    assert many < few + 100_000

    def read() -> None:
        store: Store = open_store(tmp_path / "50")
        assert store["y"].shape == (1_000_000, 2)
        assert store["y"][777_777].tolist() == [777_777, 2 * 777_777]
        assert float(store["x"][-1]) == 999_999

    assert peak_of(read) < 3_000_000  # of 24 MB; blocks of a megabyte for the checksums
