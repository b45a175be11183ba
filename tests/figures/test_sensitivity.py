"""Figures of a sensitivity analysis show what was found."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nicheloop.analysis.sensitivity import Output, Sensitivity, Space, analyse
from nicheloop.figures.sensitivity import draw
from nicheloop.figures.style import DOUBLE, SINGLE, save

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis" / "sensitivity"))
import known

TIMED = [Output("x", "decay", unit="nM", time=float(time)) for time in known.TIMES]
GROUPED = Space.uniform(dict.fromkeys("abcd", (0.0, 1.0)), {"pair": ["a", "b"]})


@pytest.fixture(scope="module")
def sobol() -> Sensitivity:
    return analyse(known.sobol_g, known.SOBOL_G, samples=256, second_order=True, bootstrap=100)


@pytest.fixture(scope="module")
def timed() -> Sensitivity:
    return analyse(known.decay, known.DECAY, samples=256, outputs=TIMED, bootstrap=100)


@pytest.fixture(scope="module")
def morris() -> Sensitivity:
    return analyse(known.sobol_g, known.SOBOL_G, "morris", samples=32, bootstrap=100)


def test_tornado(sobol: Sensitivity) -> None:
    figure = draw(sobol, "tornado", top=4)
    (ax,) = figure.axes
    assert figure.get_figwidth() == SINGLE
    assert [label.get_text() for label in ax.get_yticklabels()] == ["g0", "g1", "g2", "g3"]
    total, first = ax.containers
    assert [bar.get_width() for bar in total] == pytest.approx(sobol["ST"].value[:4, 0])
    assert [bar.get_width() for bar in first] == pytest.approx(sobol["S1"].value[:4, 0])
    heights = [bar.get_y() + bar.get_height() / 2 for bar in total]
    assert heights == sorted(heights, reverse=True)
    ends = np.concatenate([np.array(lines.get_segments())[:, :, 0] for lines in ax.collections])
    expected = [np.column_stack([sobol[name].low[:4, 0], sobol[name].high[:4, 0]]) for name in ("ST", "S1")]
    assert ends == pytest.approx(np.concatenate(expected))
    assert ax.get_xlabel() == "share of the variance"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["total", "first order"]


def test_the_dummy_is_drawn_where_it_is_not_zero(sobol: Sensitivity) -> None:
    fourier = analyse(known.sobol_g, known.SOBOL_G, "efast", samples=4 * 129)
    (ax,) = draw(fourier, "tornado").axes
    (dashed,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed.get_xdata()[0] == pytest.approx(fourier["ST"].high[-1, 0])  # type: ignore[index]
    assert not [line for line in draw(sobol, "tornado").axes[0].lines if line.get_linestyle() == "--"]


def test_heatmap(timed: Sensitivity) -> None:
    figure = draw(timed)
    ax, bar = figure.axes
    (mesh,) = ax.collections
    shown = np.ma.filled(mesh.get_array(), np.nan).reshape(2, -1)
    names = [label.get_text() for label in ax.get_yticklabels()]
    value = timed["ST"].value[[timed.factors.index(name) for name in names]]
    assert shown == pytest.approx(value)
    assert ax.get_xlabel() == "time [h]"
    assert ax.get_title(loc="left") == "x\ndecay"
    assert bar.get_ylabel() == "total"
    assert mesh.get_clim() == (0, 1)


def test_what_does_not_stand_out_is_white() -> None:
    found = analyse(
        lambda x: np.column_stack([x[:, 0], x[:, 1]]),
        Space.uniform({"a": (0, 1), "b": (0, 1)}),
        samples=64,
        outputs=TIMED[:2],
        bootstrap=50,
    )
    (mesh,) = draw(found, "heatmap").axes[0].collections
    assert np.ma.getmaskarray(np.ma.masked_invalid(mesh.get_array())).reshape(2, 2).tolist() in (
        [[False, True], [True, False]],
        [[True, False], [False, True]],
    )


def test_plane(morris: Sensitivity) -> None:
    figure = draw(morris, top=2)
    (ax,) = figure.axes
    named = {text.get_text() for text in ax.texts}
    assert named == {"g0", "g1"}
    points = ax.lines[-1]
    assert points.get_xdata() == pytest.approx(morris["mu_star"].value[:6, 0])
    assert points.get_ydata() == pytest.approx(morris["sigma"].value[:6, 0])
    assert ax.get_xlabel() == "mean size of effects, μ*"


def test_interactions(sobol: Sensitivity) -> None:
    ax, bar = draw(sobol, "interactions", top=3).axes
    shown = ax.images[0].get_array()
    assert shown.shape == (3, 3)  # type: ignore[union-attr]
    assert shown[0, 0] == pytest.approx(sobol["S1"].value[0, 0])  # type: ignore[index]
    assert sobol.second is not None
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts[0, 0] == f"{100 * sobol['S1'].value[0, 0]:.0f}"
    for row, column in ((0, 1), (1, 0), (1, 2)):
        clear = sobol.second.low[row, column, 0] > 0
        assert ((column, row) in texts) == clear
        assert shown[row, column] == pytest.approx(sobol.second.value[row, column, 0] if clear else 0)  # type: ignore[index]
    assert "diagonal: first order" in bar.get_ylabel()


def test_local_signs() -> None:
    from nicheloop import sensitivity

    names = ["imatinib_affinity_loss_K562R", "dephosphorylation", "cxcl11_release"]
    found = sensitivity("imatinib_k562r", "local", ["viability"], parameters=names)
    (ax,) = draw(found).axes
    (bars,) = ax.containers
    assert [label.get_text() for label in ax.get_yticklabels()] == names[:2]  # the third cannot be seen
    assert bars[0].get_width() > 0 > bars[1].get_width()
    assert bars[0].get_facecolor() != bars[1].get_facecolor()
    assert ax.get_xlabel() == "d ln(output) / d ln(parameter)"


def test_panels_and_titles() -> None:
    def several(x: np.ndarray) -> np.ndarray:
        return np.column_stack([x[:, 0], x[:, 1] * x[:, 2], x[:, 3], np.ones(len(x))])

    found = analyse(several, GROUPED, samples=64, outputs=list("wxyz"), bootstrap=50)
    figure = draw(found, "tornado", titles=["one", "two", "three"], title="All")
    assert figure.get_figwidth() == DOUBLE
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        "one",
        "two",
        "three",
    ]  # none for what does not vary
    assert figure.get_suptitle() == "All"


def test_equal_figures_give_equal_bytes(sobol: Sensitivity, tmp_path: Path) -> None:
    for name in ("first", "second"):
        save(sobol.plot("interactions"), tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_defaults(sobol: Sensitivity, timed: Sensitivity, morris: Sensitivity) -> None:
    assert len(sobol.plot().axes[0].containers) == 2  # a tornado
    assert timed.plot().axes[0].get_xlabel() == "time [h]"
    assert morris.plot().axes[0].get_ylabel() == "standard deviation of effects, σ"
    assert analyse(known.sobol_g, GROUPED_G, "morris", samples=8).plot().axes[0].get_xlabel() == "μ*"


GROUPED_G = Space.uniform({f"g{i}": (0, 1) for i in range(6)}, {"first": ["g0", "g1"]})


def test_misuse(sobol: Sensitivity, timed: Sensitivity, morris: Sensitivity) -> None:
    with pytest.raises(ValueError, match="unknown figure 'tornados', did you mean 'tornado'"):
        sobol.plot("tornados")
    with pytest.raises(ValueError, match="no read-out at several times, expected an analysis with times="):
        sobol.plot("heatmap")
    with pytest.raises(ValueError, match="has no second order, expected second_order=True"):
        timed.plot("interactions")
    with pytest.raises(ValueError, match="got a result of method 'sobol', expected 'morris'"):
        sobol.plot("plane")
    with pytest.raises(ValueError, match="groups have no standard deviation"):
        analyse(known.sobol_g, GROUPED_G, "morris", samples=8).plot("plane")
    with pytest.raises(ValueError, match="there is nothing to draw"):
        analyse(lambda x: np.ones(len(x)), GROUPED, samples=8).plot()
