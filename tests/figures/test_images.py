"""Every figure looks as it did when it was looked at; and the comparison would see what is missing.

The baselines are of the Matplotlib that the continuous integration pins; others may place things differently.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

import nicheloop as nl

sys.path.insert(0, str(Path(__file__).parent))
from examples import BASELINES, DPI, EXAMPLES, dose_response, pixels

ROOT = Path(__file__).parents[2]
BLUR = 4
"""Edge of the squares of pixels that are compared: hinting moves ink by less."""
TOLERANCE = 2.0
"""Root mean square of the differences of the squares, of 255. The palette of the baselines gives 0.6 at most,
ink that moves by a tenth of a pixel 1, a curve that is missing 7 or more."""


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


def baseline(name: str) -> np.ndarray:
    return np.asarray(Image.open(BASELINES / f"{name}.png").convert("RGB"), dtype=float) / 255


same_matplotlib = pytest.mark.skipif(
    not matplotlib.__version__.startswith(f"{pinned()}."),
    reason=f"the baselines are of Matplotlib {pinned()}, this is {matplotlib.__version__}",
)


@same_matplotlib
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_looks_as_it_did(name: str, tmp_path: Path) -> None:
    drawn = pixels(EXAMPLES[name].draw())
    found = difference(drawn, baseline(name))
    if not found <= TOLERANCE:
        Image.fromarray((255 * drawn).round().astype(np.uint8)).save(tmp_path / f"{name}.png")
    assert found <= TOLERANCE, (
        f"differs by {found:.1f} of 255 from {BASELINES / name}.png, see {tmp_path / name}.png; "
        "if it is meant to, look at it and run: make baselines"
    )


def test_no_baseline_is_without_its_figure() -> None:
    assert {path.stem for path in BASELINES.glob("*.png")} == set(EXAMPLES)
    assert sum(path.stat().st_size for path in BASELINES.glob("*.png")) < 1.5e6


def test_the_comparison_forgives_ink_that_moves_by_a_fraction_of_a_pixel() -> None:
    plain = pixels(nl.figures.dose_response(dose_response()))
    for axis in (0, 1):
        moved = 0.9 * plain + 0.1 * np.roll(plain, 1, axis=axis)
        assert 0 < difference(plain, moved) <= TOLERANCE


@pytest.mark.parametrize("gone", ["lines", "collections", "texts"])
def test_the_comparison_sees_what_is_missing_or_moved(gone: str) -> None:
    plain = pixels(nl.figures.dose_response(dose_response()))
    ax = nl.figures.dose_response(dose_response())
    if gone == "texts":
        ax.set_title("")
        ax.set_xlabel("")
    else:
        longest = max(getattr(ax, gone), key=lambda artist: len(artist.get_xdata()) if gone == "lines" else 0)
        longest.remove()
    assert difference(plain, pixels(ax)) > TOLERANCE


def test_another_size_is_another_figure() -> None:
    plain = pixels(nl.figures.dose_response(dose_response()))
    assert difference(plain, plain[:-8]) == np.inf
    assert DPI <= 100
