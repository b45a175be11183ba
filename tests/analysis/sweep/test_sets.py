"""Parameter sets of a sweep: given, of the ensemble, of the prior."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from nicheloop.analysis.ensemble import load_ensemble
from nicheloop.analysis.sweep import parameter_sets
from nicheloop.biology.priors import free_parameters, prior_level


def test_numbers_are_one_set_without_a_dimension() -> None:
    for given, expected in ((None, {}), ({"il1_kon": 2}, {"il1_kon": 2.0})):
        sets = parameter_sets(given)
        assert (sets.count, sets.labelled, sets.drawn) == (1, False, False)
        assert sets.block(0, 1) == [expected]


def test_arrays_and_lists_are_the_same_sets() -> None:
    arrays = parameter_sets({"il1_kon": np.array([1.0, 2.0, 3.0]), "death_max": 0.1})
    listed = parameter_sets([{"il1_kon": value, "death_max": 0.1} for value in (1, 2, 3)])
    assert arrays.labelled
    assert arrays.count == listed.count == 3
    assert arrays.block(1, 3) == listed.block(1, 3)


def test_the_ensemble_is_chosen_by_the_seed_without_repetition() -> None:
    every = parameter_sets("ensemble")
    assert every.block(0, every.count) == load_ensemble().sets()
    some, others = parameter_sets("ensemble:50", seed=1), parameter_sets("ensemble:50", seed=2)
    assert (some.count, some.drawn) == (50, True)
    assert len({tuple(one.values()) for one in some.block(0, 50)}) == 50
    assert some.block(0, 50) != others.block(0, 50)
    assert some.about != others.about
    assert some.about == parameter_sets("ensemble:50", seed=1).about


def test_draws_from_the_prior_follow_it_and_are_found_by_number() -> None:
    sets = parameter_sets("prior:400", seed=5, resistance="efflux")
    every = sets.block(0, 400)
    assert every[123:140] == sets.block(123, 140)
    assert tuple(every[0]) == free_parameters("efflux")
    for name in ("il1_kon", "death_max"):
        reached = prior_level(name, np.array([one[name] for one in every]))
        assert (
            abs(np.sort(reached) - (np.arange(400) + 0.5) / 400).max() < 0.1
        )  # Kolmogorov-Smirnov, p about 1e-3


MISUSES: dict[str, tuple[Any, str]] = {
    "unknown name": ("ensembl:3", "expected 'ensemble', 'ensemble:100' or 'prior:100'"),
    "prior without a number": ("prior", "'prior:100'"),
    "none": ("ensemble:0", "expected 'ensemble'"),
    "too many": ("ensemble:100000", "the shipped ensemble has no more"),
    "unknown parameter": ({"il1_kno": 1.0}, "did you mean 'il1_kon'"),
    "unknown parameter in a list": ([{"il1_kno": 1.0}], "did you mean 'il1_kon'"),
    "no number": ({"il1_kon": "fast"}, "expected a finite number"),
    "not finite": ([{}, {"il1_kon": np.nan}], "set 1: il1_kon: got nan"),
    "not finite in an array": ({"il1_kon": [1.0, np.inf]}, "set 1: il1_kon: got inf"),
    "lengths": ({"il1_kon": [1, 2], "death_max": [1, 2, 3]}, "il1_kon 2, death_max 3"),
    "table": ({"il1_kon": np.ones((2, 2))}, "shape (2, 2)"),
    "empty list": ([], "at least one"),
    "empty arrays": ({"il1_kon": []}, "at least one"),
    "no mapping": ([3], "set 0: got 3"),
    "text in an array": ({"il1_kon": ["a", "b"]}, "expected arrays of numbers"),
}


@pytest.mark.parametrize(("given", "expected"), MISUSES.values(), ids=list(MISUSES))
def test_what_is_no_set_is_refused(given: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        parameter_sets(given)
