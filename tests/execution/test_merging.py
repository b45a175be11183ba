"""Shards in stores of their own, put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tasks import Draws, assert_same, assert_same_files

from nicheloop.execution import (
    Job,
    Piece,
    Processes,
    Span,
    StoreWriter,
    map_chunks,
    merge,
    open_store,
    stream_chunks,
)

SIZE = 50
JOB = Job("draws", {"draws": 3}, seed=7)


def shards(folder: Path, count: int, size: int = SIZE, which: Sequence[int] = ()) -> list[Path]:
    """Compute shards, or some of them, each into its own store."""
    paths = []
    for number in which or range(1, count + 1):
        paths.append(folder / f"shard-{number}-of-{count}")
        map_chunks(Draws(), size, store=paths[-1], job=JOB, shard=(number, count), chunk=7)
    return paths


@pytest.mark.parametrize("count", [1, 3, 60])
def test_merged_shards_are_the_whole(tmp_path: Path, count: int) -> None:
    map_chunks(Draws(), SIZE, store=tmp_path / "whole", job=JOB, engine=Processes(2))
    found = merge(shards(tmp_path, count)[::-1], tmp_path / "merged", command="nicheloop merge")
    assert (found.complete, found.failed, found.rows) == (True, 5, Span(0, SIZE))
    assert found.manifest.digest == JOB.digest()
    assert_same_files(tmp_path / "merged", tmp_path / "whole")
    assert_same(map_chunks(Draws(), SIZE, store=tmp_path / "merged", job=JOB), Draws()(0, SIZE))  # same job


def test_a_shard_gives_its_rows(tmp_path: Path) -> None:
    found = map_chunks(Draws(), SIZE, shard=(2, 3))
    assert_same(found, Draws()(16, 33))
    assert_same(map_chunks(Draws(), SIZE, shard=(2, 3), store=tmp_path / "s", job=JOB), found)
    pieces = list(stream_chunks(Draws(), SIZE, shard=(2, 3), store=tmp_path / "s", job=JOB))
    assert (pieces[0].span.start, pieces[-1].span.stop) == (16, 33)
    assert open_store(tmp_path / "s").read("row", 20, 22).tolist() == [20, 21]


def test_a_merge_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicheloop.execution.merging.BLOCK", 600)  # a few rows at a time
    paths, seen = shards(tmp_path, 2), []

    def stop(done: int, total: int, failed: int) -> None:
        seen.append(done)
        if len(seen) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(paths, tmp_path / "merged", progress=stop)
    assert 0 < sum(span.rows for span in open_store(tmp_path / "merged").done) < SIZE
    assert_same(merge(paths, tmp_path / "merged", progress=stop).arrays(), Draws()(0, SIZE))
    assert len(seen) == len(set(seen))


def test_a_gap_names_the_shard(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="rows 12 to 24, rows 37 to 49 are in none of the stores: shard 2/4, 4/4"
    ):
        merge(shards(tmp_path, 4, which=[1, 3]), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_rows_in_two_stores_are_refused(tmp_path: Path) -> None:
    one, two = shards(tmp_path, 2)
    (third,) = shards(tmp_path, 3, which=[2])
    with pytest.raises(
        ValueError, match=r"rows 16 to 24 are in .*1-of-2 and in .*2-of-3: leave one out"
    ) as told:
        merge([one, two, third], tmp_path / "merged")
    assert "rows 25 to 32 are in" in str(told.value)
    with pytest.raises(ValueError, match="rows 0 to 24 are in"):
        merge([one, one, two], tmp_path / "merged")


def test_an_unfinished_shard_is_named(tmp_path: Path) -> None:
    one, two = shards(tmp_path, 2)
    (one / "x.npy").write_bytes((one / "x.npy").read_bytes()[:-1])  # its last chunk is damaged
    with pytest.raises(ValueError, match=r"1-of-2 lacks rows 21 to 24: run shard 1/2 again"):
        merge([one, two], tmp_path / "merged")


def test_shards_of_different_jobs_are_refused(tmp_path: Path) -> None:
    (one,) = shards(tmp_path, 2, which=[1])
    other = tmp_path / "other"
    with StoreWriter(other, Job("draws", {"draws": 3}, seed=8), SIZE, (2, 2)) as writer:
        writer.record(Piece(Span(25, 50), Draws()(25, 50)))
    with pytest.raises(ValueError, match=r"other is of another job than .*1-of-2 .seed: 7 there, 8 now"):
        merge([one, other], tmp_path / "merged")


def test_nothing_to_merge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected the folders"):
        merge([], tmp_path / "merged")
