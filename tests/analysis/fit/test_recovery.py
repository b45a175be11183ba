"""A small recovery study; the whole one is simulations/fit_recovery.py."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pypesto")
from nicheloop.analysis.fit.recovery import Recovery, recover, virtual_table

FREE = ("death_max", "il1b_secretion_K562R", "migration_directed")


@pytest.fixture(scope="module")
def small():
    return recover(truths=2, starts=2, seed=3, free=FREE)


def test_truths_are_inside_and_what_is_not_measured_is_flat(small):
    table = small.table
    assert len(table) == 2 * len(FREE)
    assert small.silent_flat == 1.0
    assert small.identifiable >= 2
    assert small.coverage == 1.0
    assert table["inside"].all()
    assert "100.0%" in small.verdict


def test_truths_are_those_of_the_virtual_assays(small):
    for number in range(2):
        _, truth = virtual_table(number, 3, FREE)
        told = small.table[small.table["number"] == number].set_index("name")["truth"]
        assert told.to_dict() == truth


def test_truths_differ_and_are_the_same_again():
    one, truth = virtual_table(0, 3, FREE)
    again, same = virtual_table(0, 3, FREE)
    _, other = virtual_table(1, 3, FREE)
    assert truth == same
    assert one.same_as(again)
    assert not set(truth.values()) & set(other.values())


def test_counts_are_those_of_the_table():
    verdicts = ["identifiable", "identifiable", "flat", "bounded below"]
    frame = pd.DataFrame(
        {
            "number": [0, 1, 0, 1],
            "name": ["a", "a", "s", "s"],
            "verdict": verdicts,
            "inside": [True, False, True, False],
            "silent": [False, False, True, True],
        }
    )
    found = Recovery(frame)
    assert (found.identifiable, found.coverage, found.silent_flat) == (2, 0.5, 0.5)
    assert "1 of 2" in found.verdict
    counts = found.by_parameter().set_index("name")
    assert counts.loc["a", ["identifiable", "inside", "outside_any"]].tolist() == [2, 1, 1]
    assert counts.loc["s", ["flat", "bounded below", "outside_any"]].tolist() == [1, 1, 1]


def test_nothing_identifiable_is_no_coverage():
    frame = pd.DataFrame(
        {"number": [0], "name": ["s"], "verdict": ["flat"], "inside": [True], "silent": [True]}
    )
    assert math.isnan(Recovery(frame).coverage)
    assert "none" in Recovery(frame).verdict
    assert np.isfinite(Recovery(frame).silent_flat)
