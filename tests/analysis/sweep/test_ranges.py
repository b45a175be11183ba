"""Ranges: which values they list, how they are read, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nicheloop as nl
from nicheloop.analysis.sweep.ranges import Range, read_values


def test_values_are_evenly_spaced_and_keep_their_unit() -> None:
    assert list(nl.log_range("0.01 uM", "10 uM", 4)) == ["0.01 uM", "0.1 uM", "1 uM", "10 uM"]
    assert list(nl.linear_range(0, 72, 4)) == [0, 24, 48, 72]
    assert [0, *nl.log_range("10 nM", "1 uM", 3)] == [0, "10 nM", "100 nM", "1000 nM"]
    assert len(nl.log_range(1, 10, 7)) == 7


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), st.integers(2, 50))
def test_ratios_of_a_log_range_are_equal(low: float, factor: float, count: int) -> None:
    values = np.array(list(nl.log_range(low, low * factor, count)), dtype=float)
    np.testing.assert_allclose(values[[0, -1]], [low, low * factor], rtol=1e-12)
    np.testing.assert_allclose(values[1:] / values[:-1], factor ** (1 / (count - 1)), rtol=1e-9)


def test_text_reads_as_values_and_ranges() -> None:
    assert read_values("0, 0.1 uM,3") == [0, "0.1 uM", 3]
    assert read_values("0,1:100:3:log") == [0, 1, 10, 100]
    assert read_values("0:10:3") == read_values("0:10:3:linear") == [0, 5, 10]
    assert read_values("1e4:1e6:log") == [Range(1e4, 1e6, "", "log", None)]
    assert read_values("1 h:1 d") == [Range(1, 24, "h", "linear", None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected '0.01:10:20:log'"),
        ("1,,2", "got '1,,2'"),
        ("1:10:log:5", "got '1:10:log:5'"),
        ("1:2:3:4", "got '1:2:3:4'"),
        ("1:", "got '1:'"),
        ("10:1:5", "lower end first"),
        ("1:1:5", "lower end first"),
        ("0:10:5:log", "above 0"),
        ("1:10:1:log", "got 1 values"),
        ("1 uM:10:5", "one end has a unit"),
        ("1 uM:10 h:5", "does not convert"),
        ("a:b:5", "cannot read 'a'"),
        ("nan:1:5", "not finite"),
    ],
)
def test_text_that_is_no_range_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_values(text)


def test_a_range_without_a_number_lists_nothing() -> None:
    with pytest.raises(
        ValueError, match=r"no number of values to list, expected one, such as log_range\(1.0, 2.0, 5\)"
    ):
        list(nl.log_range(1, 2))
    with pytest.raises(ValueError, match="whole number, 2 or more"):
        nl.linear_range(1, 2, True)
