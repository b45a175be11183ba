"""Chunks, workers, stores, seeds, verdicts and labels."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nicheloop.analysis.sensitivity import Sensitivity, Space, analyse
from nicheloop.analysis.sensitivity.designs import Curves, Points, Saltelli, Trajectories
from nicheloop.analysis.sensitivity.run import Analysis
from nicheloop.execution import Serial, TaskError

sys.path.insert(0, str(Path(__file__).parent))
import known

SPACE = known.SOBOL_G
ABOUT = {"function": "sobol_g"}


def assert_same(found: Sensitivity, expected: Sensitivity) -> None:
    """Demand the same bits."""
    assert found.indices.keys() == expected.indices.keys()
    for name, estimate in expected.indices.items():
        for part in ("value", "low", "high"):
            assert getattr(found[name], part).tobytes() == getattr(estimate, part).tobytes(), (name, part)


@pytest.mark.parametrize(
    "design",
    [
        Saltelli.of(SPACE, 16, 1, True),
        Trajectories.of(SPACE, 16, 1),
        Curves.of(SPACE, 4 * 65, 1),
        Points.of(SPACE, 256, 1),
    ],
    ids=["saltelli", "morris", "efast", "points"],
)
def test_chunks_of_a_design_are_those_of_the_whole(design: Saltelli | Trajectories | Curves | Points) -> None:
    rows = design.blocks * design.block_rows
    whole = design.levels(0, rows)
    assert whole.shape == (rows, 6)
    assert ((whole >= 0) & (whole <= 1)).all()
    cuts = [0, 1, 17, rows // 2 + 3, rows]
    parts = [design.levels(a, b) for a, b in pairwise(cuts)]
    assert (np.concatenate(parts) == whole).all()


@pytest.mark.parametrize("method", ["sobol", "morris", "efast", "pawn"])
def test_workers_change_no_bit(method: str) -> None:
    samples = {"efast": 4 * 65, "morris": 16}.get(method, 256)
    here = analyse(known.sobol_g, SPACE, method, samples=samples, bootstrap=50)
    assert_same(analyse(known.sobol_g, SPACE, method, samples=samples, bootstrap=50, workers=2), here)


def test_seeds() -> None:
    one, same, other = (analyse(known.sobol_g, SPACE, samples=64, seed=seed) for seed in (0, 0, 1))
    assert_same(same, one)
    assert (other["S1"].value[:6] != one["S1"].value[:6]).all()


class Stopping:
    """Stops once, in the middle."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self.mark.exists() and (x[:, 0] > 0.99).any():
            self.mark.unlink()
            raise KeyError("stopped")
        return known.sobol_g(x)


def test_a_store_goes_on_where_it_stopped(tmp_path: Path) -> None:
    (tmp_path / "mark").touch()
    function = Stopping(tmp_path / "mark")
    store = tmp_path / "store"
    expected = analyse(known.sobol_g, SPACE, samples=64)
    with pytest.raises(TaskError, match="stopped"):
        analyse(function, SPACE, samples=64, store=store, settings=ABOUT)
    assert store.is_dir()
    assert_same(analyse(function, SPACE, samples=64, store=store, settings=ABOUT, workers=2), expected)

    def never(x: np.ndarray) -> np.ndarray:
        raise AssertionError("is computed already")

    assert_same(analyse(never, SPACE, samples=64, store=store, settings=ABOUT), expected)
    with pytest.raises(ValueError, match="design"):
        analyse(never, SPACE, samples=64, seed=2, store=store, settings=ABOUT)


def test_shards_are_the_whole(tmp_path: Path) -> None:
    from nicheloop.execution import merge, open_store

    analysis = Analysis.of(known.sobol_g, SPACE, samples=64, settings=ABOUT)
    for number in (1, 2, 3):
        analysis.evaluate(Serial(), store=tmp_path / f"{number}", shard=(number, 3))
    merge([tmp_path / f"{number}" for number in (1, 2, 3)], tmp_path / "whole")
    found = analysis.analysed(open_store(tmp_path / "whole").arrays())
    assert_same(found, analyse(known.sobol_g, SPACE, samples=64))


def test_verdicts_follow_the_sample() -> None:
    few = analyse(known.sobol_g, SPACE, samples=16)
    many = analyse(known.sobol_g, SPACE, samples=8192)
    assert few.verdict == "unsettled"
    assert few.verdicts[0].width > 0.3
    assert analyse(known.sobol_g, SPACE, samples=1024).verdict == "ranked"
    assert many.verdict == "converged"
    assert many.verdicts[0].leaders == ("g0", "g1", "g2")  # the others: less than 1 % each
    assert str(many.verdicts[0]).startswith("converged: widest interval 0.0")
    assert sorted(many.history) == [2048, 4096, 8192]
    half = analyse(known.sobol_g, SPACE, samples=4096)
    assert many.history[4096] == pytest.approx(half["ST"].value)  # the halves are nested
    blind = analyse(known.sobol_g, SPACE, samples=8192, bootstrap=0)
    assert np.isnan(blind["ST"].low).all()
    assert blind.verdict == "unsettled"


def test_the_dummy_is_the_floor() -> None:
    """Zero for a function that repeats itself; the share of the noise for one that does not."""
    found = analyse(known.ishigami, known.ISHIGAMI, samples=256)
    for name in ("S1", "ST"):
        assert found[name].low[-1, 0] <= 0 <= found[name].high[-1, 0]
    screened = analyse(known.ishigami, known.ISHIGAMI, "morris")
    assert screened["mu_star"].value[-1, 0] == 0
    rng = np.random.default_rng(1)

    def noisy(x: np.ndarray) -> np.ndarray:
        return x[:, 0] + rng.normal(0, 0.2, len(x))

    space = Space.uniform({"a": (0.0, 1.0), "b": (0.0, 1.0)})
    found = analyse(noisy, space, samples=1024)
    share = 0.04 / (0.04 + 1 / 12)
    assert found["ST"].low[-1, 0] <= share <= found["ST"].high[-1, 0]
    assert found.matters[:, 0].tolist() == [True, False]
    assert analyse(noisy, space, "morris").matters[:, 0].tolist() == [True, False]
    fourier = analyse(known.sobol_g, SPACE, "efast")
    assert 0 < fourier["ST"].value[-1, 0] < 0.1
    assert fourier.matters[:, 0].tolist() == [True, True, True, False, False, False]


def test_labels() -> None:
    found = analyse(
        known.decay, known.DECAY, samples=64, second_order=True, outputs=["early", "later", "late"]
    )
    table = found.to_dataframe()
    assert set(table["index"]) == {"S1", "ST", "S2"}
    one = table[(table["index"] == "ST") & (table["factor"] == "k") & (table["readout"] == "late")].iloc[0]
    assert one["value"] == found["ST"].value[1, 2]
    assert (one["low"], one["high"]) == (found["ST"].low[1, 2], found["ST"].high[1, 2])
    pair = table[(table["index"] == "S2") & (table["readout"] == "later")].iloc[0]
    assert (pair["factor"], pair["with"]) == ("x0", "k")
    assert found.second is not None
    assert pair["value"] == found.second.value[0, 1, 1]
    assert len(table) == 3 * (3 + 3 + 1)
    data = found.to_xarray()
    assert data["ST"].sel(factor="k", output="late") == one["value"]
    assert data["S2"].sel(one="x0", other="k", output="later") == pair["value"]
    assert data["ST_at"].sel(sample_size=64, factor="k", output="late") == one["value"]
    assert data.attrs["failed_fraction"] == 0
    with pytest.raises(ValueError, match="unknown index 'SX'"):
        found["SX"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analyse(known.sobol_g, SPACE, "sobl"), "unknown method 'sobl', did you mean 'sobol'"),
        (lambda: analyse(known.sobol_g, SPACE, samples=1000), "takes a power of two, such as 1024"),
        (lambda: analyse(known.sobol_g, SPACE, "efast", samples=100), "multiple of 4 .*, at least 260"),
        (
            lambda: analyse(known.sobol_g, SPACE, "morris", samples=1),
            "samples: got 1, .* number, 2",
        ),
        (lambda: analyse(known.sobol_g, SPACE, samples=12.5), "samples: got 12.5"),  # type: ignore[arg-type]
        (lambda: analyse(known.sobol_g, SPACE, seed=-1), "seed: got -1"),
        (lambda: analyse(known.sobol_g, SPACE, bootstrap=-1), "bootstrap: got -1"),
        (
            lambda: analyse(known.sobol_g, SPACE, "pawn", second_order=True),
            "method 'pawn' has none",
        ),
        (lambda: analyse(known.sobol_g, SPACE, failed="ignore"), "failed: unknown policy 'ignore'"),
        (lambda: analyse(known.sobol_g, SPACE, workers=0), "workers: got 0"),
        (lambda: analyse(known.sobol_g, SPACE, workers=2, engine=Serial()), "expected one of them"),
        (lambda: analyse(known.sobol_g, SPACE, samples=4, store="x"), "needs settings="),
        (lambda: analyse(known.sobol_g, SPACE, samples=4, outputs=["a", "b"]), "got 2 names for 1 columns"),
        (
            lambda: analyse(
                known.sobol_g, Space.uniform(dict.fromkeys("ab", (0, 1)), {"g": ["a", "b"]}), "efast"
            ),
            "groups: method 'efast' takes single parameters only, expected method morris or sobol",
        ),
    ],
)
def test_misuse(call: Callable[[], Sensitivity], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(TaskError, match=r"returned shape \(3,\) for 1 rows"):
        analyse(lambda x: np.zeros(3), SPACE, samples=4)
