"""Every figure looks as it did when it was looked at; and the comparison would see what is missing.

The baselines are of the Matplotlib that the continuous integration pins; others may place things differently.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

import nicheloop as nl

sys.path.insert(0, str(Path(__file__).parent))
from examples import BASELINES, DPI, EXAMPLES, dose_response, pixels, wiring
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from nicheloop.figures.style import figure_of

ROOT = Path(__file__).parents[2]
TRIED = 5
"""Artists of a figure that are left out, one by one."""
BLUR = 4
"""Edge of the squares of pixels that are compared: hinting moves ink by less."""
TOLERANCE = 3.2
"""Root mean square of the differences of the squares, of 255. Ink that moves by a tenth of a pixel gives 3.1
at most, a curve that is missing 7 or more."""
WORST = 7.0
"""Largest difference of a square, of 255: an arrow of a large diagram is lost in the mean. Ink that moves by
a tenth of a pixel gives 6.4 at most, a dotted line that is missing 7.6 or more."""
MOVED = 6.5


def pinned() -> str:
    """Matplotlib of the continuous integration, without its last number."""
    pins = ROOT / "requirements-ci.txt"
    text = pins.read_text(encoding="utf-8") if pins.is_file() else ""
    found = re.search(r"^matplotlib==(\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else "another version"


def blurred(image: np.ndarray) -> np.ndarray:
    height, width = (size // BLUR * BLUR for size in image.shape[:2])
    squares = image[:height, :width].reshape(height // BLUR, BLUR, width // BLUR, BLUR, 3)
    return squares.mean(axis=(1, 3))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """How far two pictures differ; infinite if they are not of one size."""
    if one.shape != other.shape:
        return np.inf
    first, second = blurred(one), blurred(other)
    busy = np.minimum(first, second).min(axis=-1) < 0.97  # empty paper says nothing
    return float(255 * np.sqrt(np.mean((first - second)[busy] ** 2)))


def worst(one: np.ndarray, other: np.ndarray) -> float:
    """How far the squares differ that differ most."""
    return np.inf if one.shape != other.shape else float(255 * np.abs(blurred(one) - blurred(other)).max())


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    return difference(one, other) <= TOLERANCE and worst(one, other) <= WORST


def baseline(name: str) -> np.ndarray:
    return np.asarray(Image.open(BASELINES / f"{name}.png").convert("RGB"), dtype=float) / 255


same_matplotlib = pytest.mark.skipif(
    not matplotlib.__version__.startswith(f"{pinned()}."),
    reason=f"the baselines are of Matplotlib {pinned()}, this is {matplotlib.__version__}",
)


@same_matplotlib
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_looks_as_it_did(name: str, tmp_path: Path) -> None:
    drawn, kept = pixels(EXAMPLES[name].draw()), baseline(name)
    same = alike(drawn, kept)
    if not same:
        Image.fromarray((255 * drawn).round().astype(np.uint8)).save(tmp_path / f"{name}.png")
    assert same, (
        f"differs by {difference(drawn, kept):.1f}, at worst by {worst(drawn, kept):.1f}, of 255 from "
        f"{BASELINES / name}.png, see {tmp_path / name}.png; "
        "if it is meant to, look at it and run: make baselines"
    )


def test_no_baseline_is_without_its_figure() -> None:
    assert {path.stem for path in BASELINES.glob("*.png")} == set(EXAMPLES)
    assert sum(path.stat().st_size for path in BASELINES.glob("*.png")) < 1.5e6


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_comparison_forgives_ink_that_moves_by_a_fraction_of_a_pixel(name: str) -> None:
    plain = baseline(name)
    for axis in (0, 1):
        moved = 0.9 * plain + 0.1 * np.roll(plain, 1, axis=axis)
        assert 0 < worst(plain, moved) < MOVED
        assert alike(plain, moved)


def artists(figure: Figure) -> list[Artist]:
    """All that was drawn into the panels."""
    return [
        artist
        for ax in figure.axes
        if ax.get_label() != "<colorbar>"
        for artist in (*ax.lines, *ax.collections, *ax.patches, *ax.texts)
    ]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_comparison_sees_one_artist_that_is_missing(name: str) -> None:
    plain = pixels(EXAMPLES[name].draw())
    count = len(artists(figure_of(EXAMPLES[name].draw())))
    chosen = np.unique(np.linspace(0, count - 1, min(count, TRIED)).round().astype(int))
    seen = []
    for number in chosen:
        figure = figure_of(EXAMPLES[name].draw())
        artists(figure)[number].set_visible(False)
        without = pixels(figure)
        seen.append(not alike(plain, without))
        # What others cover (the sides of an error of nothing, an axis below an axis) cannot be missed.
        assert seen[-1] or worst(plain, without) < MOVED, artists(figure)[number]
    assert any(seen)


def test_the_comparison_sees_each_arrow_of_a_diagram() -> None:
    whole = wiring(True)
    plain = pixels(nl.figures.network(whole))
    for number in range(len(whole.influences)):
        kept = (*whole.influences[:number], *whole.influences[number + 1 :])
        assert not alike(plain, pixels(nl.figures.network(replace(whole, influences=kept))))


def test_the_comparison_sees_what_is_not_written() -> None:
    plain = pixels(nl.figures.dose_response(dose_response()))
    ax = nl.figures.dose_response(dose_response())
    ax.set_xlabel("")
    assert not alike(plain, pixels(ax))


def test_another_size_is_another_figure() -> None:
    plain = pixels(nl.figures.dose_response(dose_response()))
    assert difference(plain, plain[:-8]) == np.inf
    assert DPI <= 100
