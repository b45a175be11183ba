"""Designs: which runs there are, in which order, and which share a parameter set."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from nicheloop.analysis.sweep.axis import axes_of
from nicheloop.analysis.sweep.design import Design, design_of
from nicheloop.assays.library import load_scenario

BASE = load_scenario("coculture_imatinib").with_(treatments={"imatinib": 0})


def design(
    vary: dict[str, object], *inner: str, method: str = "grid", samples: int | None = None, sets: int = 2
) -> Design:
    return design_of(axes_of(BASE, vary), inner, sets, True, method, samples, 7)


VARY = {"imatinib": [0, 1, 3], "stroma": [1e4, 1e5], "il1_kon": [1, 2], "il1ra": [0, 500]}


def test_a_grid_holds_every_combination_once() -> None:
    for inner in ((), ("imatinib",), ("imatinib", "il1ra")):
        whole = design(VARY, *inner)
        assert whole.runs == 2 * 3 * 2 * 2 * 2
        places = whole.places(0, whole.rows)
        found = set(zip(places.sets.tolist(), *(places.values[name].tolist() for name in VARY), strict=True))
        assert found == set(product(range(2), *VARY.values()))


def test_rows_are_the_same_in_any_chunk() -> None:
    whole = design(
        {**VARY, "death_max": "prior", "K562R": "1e4:1e6:log"}, "imatinib", method="sobol", samples=5
    )
    every = whole.places(0, whole.rows)
    for start, stop in ((0, 1), (3, 40), (whole.rows - 2, whole.rows)):
        some = whole.places(start, stop)
        chosen = slice(start * whole.width, stop * whole.width)
        np.testing.assert_array_equal(some.subjects, every.subjects[chosen])
        for name, values in some.values.items():
            np.testing.assert_array_equal(values, every.values[name][chosen])


def test_neighbours_share_a_parameter_set_as_long_as_they_can() -> None:
    cases = [
        (design(VARY), 2 * 2),  # sets, values of il1_kon
        (design({**VARY, "death_max": "prior"}, method="latin", samples=5), 2 * 2 * 5),
        (design({"imatinib": [0, 1], "K562R": "1e4:1e6"}, method="random", samples=5), 2),
    ]
    for whole, different in cases:
        subjects = whole.places(0, whole.rows).subjects
        assert np.unique(subjects).size == different
        assert np.count_nonzero(np.diff(subjects)) == different - 1


def test_the_inner_axes_are_complete_in_every_row() -> None:
    whole = design(VARY, "il1ra", "imatinib")
    assert (whole.width, whole.inner_shape) == (6, (3, 2))  # in the order of the axes
    places = whole.places(5, 6)
    assert places.values["imatinib"].reshape(3, 2)[:, 0].tolist() == [0, 1, 3]
    assert places.values["il1ra"].reshape(3, 2)[0].tolist() == [0, 500]
    assert len(np.unique(places.subjects)) == 1


def test_samples_lie_within_their_ranges_on_their_scale() -> None:
    whole = design(
        {"imatinib": "10 nM:10 uM:log", "K562R": "1e4:1e6", "il1_kon": "prior"}, method="sobol", samples=256
    )
    values = whole.places(0, 256).values
    assert values["imatinib"].min() >= 0.01
    assert values["imatinib"].max() <= 10
    np.testing.assert_allclose(np.median(np.log10(values["imatinib"])), -0.5, atol=0.05)
    np.testing.assert_allclose(np.median(values["K562R"]), 505_000, rtol=0.02)


@pytest.mark.parametrize(
    ("vary", "method", "samples", "expected"),
    [
        ({}, "grid", None, "nothing varies"),
        ({"imatinib": "1:10"}, "grid", None, "imatinib: is to be sampled"),
        ({"imatinib": [1, 2]}, "grid", 10, "samples: got 10 for a grid"),
        ({"imatinib": [1, 2]}, "sobol", 10, "no axis is to be sampled"),
        ({"imatinib": "1:10"}, "sobol", None, "samples: got None"),
        ({"imatinib": "1:10"}, "sobol", 0, "samples: got 0"),
        ({"imatinib": "1:10"}, "sobel", 4, "did you mean 'sobol'"),
    ],
)
def test_a_design_that_does_not_fit_is_refused(
    vary: dict[str, object], method: str, samples: int | None, expected: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        design_of(axes_of(BASE, vary), (), 1, False, method, samples, 0)


def test_a_seed_is_a_number_from_0() -> None:
    with pytest.raises(ValueError, match="seed: got -1"):
        design_of(axes_of(BASE, {"imatinib": [1]}), (), 1, False, "grid", None, -1)
