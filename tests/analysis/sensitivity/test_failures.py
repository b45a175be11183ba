"""Rows without a value: what is left out with them, what replaces them, and that it is told."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nicheloop.analysis.sensitivity import Space, analyse
from nicheloop.analysis.sensitivity.designs import Saltelli
from nicheloop.analysis.sensitivity.failures import counted, imputed
from nicheloop.analysis.sensitivity.sobol import sobol_indices

sys.path.insert(0, str(Path(__file__).parent))
import known

EDGE = 0.95
SPACE = Space.uniform(dict.fromkeys("abc", (0.0, 1.0)))


def fragile(x: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """A sum that has no value where the first parameter is large."""
    y = x[:, 0] + 0.5 * x[:, 1]
    bad = x[:, 0] > EDGE
    return np.where(bad, np.nan, y), [
        f"a = {a:.3f} is too large" if b else "" for a, b in zip(x[:, 0], bad, strict=True)
    ]


def test_whole_blocks_are_left_out_and_counted() -> None:
    found = analyse(fragile, SPACE, samples=256)
    design = Saltelli.of(SPACE, 256, 1)
    rows = design.levels(0, 256 * design.block_rows)
    bad = rows[:, 0] > EDGE
    lost = bad.reshape(256, -1).any(axis=1)
    assert found.failed == bad.sum()
    assert found.failed_fraction == bad.mean()
    assert found.dropped.tolist() == [lost.sum()]
    assert found.reasons == {"a = … is too large": bad.sum()}
    told = f"{bad.sum()} of 1,536 rows ({bad.mean():.1%}) failed; {lost.sum()} of 256 blocks were left out"
    assert told in found.failures()
    y = fragile(rows)[0].reshape(256, -1, 1)[~lost]
    kept = Saltelli(design.a[~lost], design.b[~lost], design.belongs, False)
    expected = sobol_indices(kept, y, 0, 1)
    assert found["S1"].value == pytest.approx(expected["S1"].value, rel=1e-12)


def test_another_output_keeps_its_blocks() -> None:
    def both(x: np.ndarray) -> np.ndarray:
        return np.column_stack([x[:, 0] + x[:, 1], fragile(x)[0]])

    found = analyse(both, SPACE, samples=256, outputs=["sound", "fragile"])
    alone = analyse(lambda x: x[:, 0] + x[:, 1], SPACE, samples=256)
    assert found.dropped[0] == 0 < found.dropped[1]
    for part in ("value", "low", "high"):
        assert (getattr(found["ST"], part)[:, 0] == getattr(alone["ST"], part)[:, 0]).all()


def test_the_nearest_row_fills_in() -> None:
    found = analyse(fragile, SPACE, samples=256, failed="impute")
    assert found.failed > 0
    assert found.dropped.tolist() == [0]
    assert "were given the value of the nearest row" in found.failures()
    design = Saltelli.of(SPACE, 64, 1)
    levels = design.levels(0, 64 * design.block_rows)
    y = fragile(levels)[0][:, None]
    filled = imputed(y, design)
    known_rows = np.isfinite(y[:, 0])
    assert (filled[known_rows] == y[known_rows]).all()
    for row in np.flatnonzero(~known_rows):
        distance = ((levels[known_rows] - levels[row]) ** 2).sum(axis=1)
        assert filled[row, 0] == y[known_rows][np.argmin(distance), 0]


def test_raising_names_number_and_reason() -> None:
    with pytest.raises(
        RuntimeError, match=r"of 384 rows failed, most often: a = … is too large; failed='drop'"
    ):
        analyse(fragile, SPACE, samples=64, failed="raise")
    assert (
        analyse(lambda x: x[:, 0], SPACE, samples=64, failed="raise").failures() == "none of 384 rows failed"
    )


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="all 384 rows failed, most often: the value is not finite"):
        analyse(lambda x: np.full(len(x), np.inf), SPACE, samples=64)


def test_effects_on_both_sides_are_left_out() -> None:
    found = analyse(fragile, SPACE, "morris", samples=32)
    assert found.blocks == 32 * 4
    assert 0 < found.dropped[0] < 32 * 2
    assert "effects were left out" in found.failures()
    assert found["mu"].value[:3, 0] == pytest.approx([1.0, 0.5, 0.0])  # what is left tells the same


def test_curves_and_points() -> None:
    rare = Space.uniform(dict.fromkeys("ab", (0.0, 1.0)))

    def once(x: np.ndarray) -> np.ndarray:
        return np.where((x[:, 0] > 0.97) & (x[:, 1] > 0.97), np.nan, x[:, 0])

    fourier = analyse(once, rare, "efast", samples=4 * 129)
    assert 0 < fourier.dropped[0] < fourier.blocks == 12
    assert fourier["S1"].value[0, 0] > 0.9
    points = analyse(fragile, SPACE, "pawn", samples=512, bootstrap=20)
    assert points.dropped[0] == points.failed > 0
    assert points.verdicts[0].leaders == ("a", "b")


def test_an_output_that_does_not_vary_is_no_failure() -> None:
    def two(x: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(x)), known.sobol_g(x)])

    for method in ("sobol", "morris", "efast", "pawn", "delta"):
        samples = {"efast": 4 * 129, "morris": 32}.get(method, 512)
        found = analyse(two, known.SOBOL_G, method, samples=samples, bootstrap=20)
        assert [verdict.verdict == "constant" for verdict in found.verdicts] == [True, False], method
        assert found.failed == 0


def test_reasons_are_told_apart_by_their_words() -> None:
    reasons = ["K562R shrinks at 0.02 /h", "K562R shrinks at 1e-3 /h", "K562S shrinks at 3 /h"]
    assert counted(reasons) == {"K562R shrinks at … /h": 2, "K562S shrinks at … /h": 1}
