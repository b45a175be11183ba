"""Ranges of rows against sets of numbers, shards, and the size of chunks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicheloop.execution.piece import Piece
from nicheloop.execution.sizing import GROWTH, Sizer
from nicheloop.execution.spans import Ranges, Span, Todo, joined, listed, missing, parse_shard, shard_span

spans = st.builds(lambda a, n: Span(a, a + n), st.integers(0, 40), st.integers(0, 12))


def rows_of(ranges: list[Span]) -> set[int]:
    return {row for span in ranges for row in range(*span)}


@given(st.lists(spans, max_size=8), spans)
def test_ranges_are_sets_of_rows(some: list[Span], whole: Span) -> None:
    assert rows_of(joined(some)) == rows_of(some)
    assert all(one.stop < two.start for one, two in pairwise(joined(some)))
    assert rows_of(missing(whole, some)) == rows_of([whole]) - rows_of(some)


@given(st.lists(spans, max_size=12))
def test_ranges_grow(some: list[Span]) -> None:
    ranges, rows = Ranges(), set[int]()
    for span in some:
        assert ranges.has_any(span) == bool(rows & rows_of([span]))
        if span.rows and not ranges.has_any(span):
            ranges.add(span)
            rows |= rows_of([span])
            assert ranges.spans == joined(ranges.spans)
            assert rows_of(ranges.spans) == rows


@given(st.lists(spans, max_size=8), st.integers(1, 9))
def test_rows_are_handed_out_once_and_in_order(some: list[Span], most: int) -> None:
    todo = Todo(some)
    taken = []
    while todo.rows:
        taken.append(todo.take(most))
    assert all(0 < span.rows <= most for span in taken)
    assert [row for span in taken for row in range(*span)] == sorted(rows_of(some))


@given(st.integers(0, 100), st.integers(1, 12))
def test_shards_are_all_rows_once(size: int, count: int) -> None:
    shards = [shard_span(size, (i, count)) for i in range(1, count + 1)]
    assert [row for shard in shards for row in range(*shard)] == list(range(size))
    assert max(s.rows for s in shards) - min(s.rows for s in shards) <= 1


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1-4", "x/4", "1/4/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_shard(text)
    assert parse_shard(" 3/4 ") == (3, 4)


def test_messages_name_few_ranges() -> None:
    assert listed([Span(0, 1), Span(4, 9)]) == "row 0, rows 4 to 8"
    assert listed([Span(2 * i, 2 * i + 1) for i in range(9)]).endswith("row 8 and 4 more ranges")


def finished(rows: int, seconds: float, cold: bool = False) -> Piece:
    return Piece(Span(0, rows), {"x": np.zeros(rows)}, seconds, cold)


def test_chunks_grow_to_the_seconds_asked_for() -> None:
    sizer, sizes = Sizer(2.0), []
    for number in range(8):
        sizes.append(sizer.rows(10**9, 4))
        sizer.learn(finished(sizes[-1], 0.01 * sizes[-1], cold=number == 0))
    assert sizes[0] == 1
    assert all(two <= GROWTH * one for one, two in pairwise(sizes))
    assert sizes[-1] == 200


def test_a_slow_start_does_not_make_the_next_chunk_large() -> None:
    sizer = Sizer(2.0)
    sizer.learn(finished(1, 60.0, cold=True))  # compiling, or one row? nobody knows
    assert sizer.rows(1000, 2) == 1
    sizer.learn(finished(1, 0.01))
    assert sizer.rows(1000, 2) == GROWTH


def test_the_rest_is_shared() -> None:
    sizer = Sizer(100.0)
    for rows in (64, 500):
        sizer.learn(finished(rows, 1.0 * rows))
    assert sizer.rows(40, 4) == 5
    assert sizer.rows(40, 1) == 40


def test_a_fixed_size_is_kept() -> None:
    sizer = Sizer(1.0, 7)
    sizer.learn(finished(7, 100.0))
    assert (sizer.rows(100, 4), sizer.rows(3, 4)) == (7, 3)
    with pytest.raises(ValueError, match="chunk=0: expected"):
        Sizer(1.0, 0)
    with pytest.raises(ValueError, match="seconds_per_chunk=0: expected"):
        Sizer(0)
