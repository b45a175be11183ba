"""House style: widths of a journal column, colours that colour-blind readers can tell apart, saving.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/). A host has the same colour in every
figure. The style is applied with a context, never to Matplotlib's global state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.figures.notebook import shown_in_notebooks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MM = 1 / 25.4
SINGLE = 89 * MM
DOUBLE = 183 * MM
"""Widths of one and of two journal columns, inches."""
DPI = 300
"""Resolution of a PNG."""

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#6E6E6E"
PUBLISHED = ("#EFE8D2", "#DCCFAE", "#D5DDE2")

HOST_COLOURS = {"K562S": BLUE, "K562R": VERMILION, "stroma": GREEN, "T315I": BLACK}
OTHER_COLOURS = (PURPLE, ORANGE, SKY, GREY, YELLOW)
LINESTYLES = ("-", "--", ":", "-.")

_RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.3,
    "legend.labelspacing": 0.3,
    "axes.linewidth": 0.6,
    "axes.grid": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "savefig.dpi": DPI,
    "svg.fonttype": "none",
    "svg.hashsalt": "nicheloop",
    "mathtext.fontset": "dejavusans",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the house style inside a ``with`` block; a notebook then shows the figure as a picture."""
    shown_in_notebooks()
    with rc_context(_RC):
        yield


def new_axes(width: float = SINGLE, height: float | None = None) -> Axes:
    """Return axes of a new figure, ``width`` inches wide, outside of pyplot's list of open figures."""
    with house_style():
        figure = Figure(figsize=(width, height or 0.72 * width), layout="constrained")
        return figure.subplots()


def panel_axes(
    given: Axes | Sequence[Axes] | None, count: int, columns: int, size: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """Return the figure and the axes of ``count`` panels: those given, or those of a new figure.

    Parameters
    ----------
    given : Axes or sequence of Axes, optional
        One per panel.
    count, columns : int
        Panels, and how many of them stand side by side in a new figure.
    size : tuple of float
        Width and height of a new figure, inches.

    Raises
    ------
    ValueError
        If there are more or fewer axes than panels.
    """
    if given is not None:
        axes = list(np.ravel(np.asarray(given, dtype=object)))
        if len(axes) != count:
            raise ValueError(f"ax: got {len(axes)} axes, expected {count}, one per panel")
        return figure_of(axes[0]), axes
    with house_style():
        figure = Figure(figsize=size, layout="constrained")
        axes = list(figure.subplots(-(-count // columns), columns, squeeze=False).ravel())
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, axes[:count]


def shared_legend(
    figure: Figure, axes: Sequence[Axes], own: bool, handles: Sequence[Any], columns: int = 1
) -> None:
    """Put a legend of several panels below a figure of our own, or into the first of the axes given."""
    if own:
        figure.legend(handles=list(handles), loc="outside lower center", ncols=columns)
    elif len(handles) > 1:
        axes[0].legend(handles=list(handles), loc="best")


def colours(groups: list[str]) -> list[str]:
    """Return one colour per group: that of the host, or one that no host has.

    Examples
    --------
    >>> colours(["K562S", "other"])
    ['#0072B2', '#CC79A7']
    """
    others = list(dict.fromkeys(group for group in groups if group not in HOST_COLOURS))
    return [
        HOST_COLOURS.get(group) or OTHER_COLOURS[others.index(group) % len(OTHER_COLOURS)] for group in groups
    ]


def dashes(shades: Sequence[str]) -> list[str]:
    """Return one line style per colour: another each time that a colour comes again.

    Examples
    --------
    >>> dashes(["#0072B2", "#CC79A7", "#0072B2"])
    ['-', '-', '--']
    """
    before = [list(shades[:i]).count(shade) for i, shade in enumerate(shades)]
    return [LINESTYLES[count % len(LINESTYLES)] for count in before]


def bracketed(name: str, unit: str) -> str:
    """Return the label of an axis: a name, a unit, or both; nothing is said of a number without unit.

    Examples
    --------
    >>> bracketed("imatinib", "uM"), bracketed("", "fraction"), bracketed("", "1")
    ('imatinib [µM]', '[fraction]', '')
    """
    told = f"[{unit_in_words(unit)}]" if unit not in ("", "1") else ""
    return " ".join(filter(None, [name, told]))


def headline(title: str, after: float | None = None, failed: int = 0, of: int = 0, what: str = "runs") -> str:
    """Return a title that says when something was read, and how much of it failed.

    Examples
    --------
    >>> headline("K562R", 72.0, 1, 3, "wells")
    'K562R, after 72 h (1 of 3 wells failed)'
    """
    at = "" if after is None else f"after {after:g} h"
    missing = f"{failed} of {of} {what} failed" if failed else ""
    when = ", ".join(filter(None, [title, at]))
    return f"{when} ({missing})" if when and missing else when or missing


def colour_of(host: str) -> str:
    """Return the colour of a kind of cell; the medium (no host) has one, too."""
    return HOST_COLOURS.get(host, GREY) if host else PURPLE


def plain_ticks(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers (0.01, 1, 100) as long as they are short."""
    low, high = sorted(axis.get_view_interval())
    if not (low > 9e-5 and high < 1.1e5):
        return
    decades = np.log10(high / low)
    steps = (1.0,) if decades > 1.7 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(base=10, subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    # Two steps per decade, not eight: every tick is measured each time the figure is laid out.
    axis.set_minor_locator(LogLocator(base=10, subs=(2.0, 5.0)) if decades > 1.7 else NullLocator())
    axis.set_minor_formatter(NullFormatter())


def hours(ax: Axes, end: float) -> None:
    """Put the ticks of a time axis from 0 to ``end`` hours at parts of days."""
    ax.set_xticks(day_parts(end))
    ax.set_xlim(0, end or 1)


def day_parts(end: float) -> list[float]:
    """Return ticks from 0 to ``end`` hours at parts of days."""
    step = next((step for step in (1, 2, 6, 12, 24, 48, 96) if end / step <= 7), 168)
    return [float(at) for at in np.arange(0, end + 0.5 * step, step) if at <= end]


def figure_of(drawn: Axes | Figure) -> Figure:
    """Return the figure that axes belong to."""
    figure = drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes belong to no figure, expected axes of a figure")
    return figure


def save(drawn: Axes | Figure, stem: str | Path) -> tuple[Path, Path]:
    """Write ``<stem>.png`` (300 dpi) and ``<stem>.svg`` (text stays text); equal figures give equal bytes.

    Parameters
    ----------
    drawn : Axes or Figure
        What the drawing functions return.
    stem : str or Path
        Path without the ending.

    Returns
    -------
    tuple of Path
        PNG and SVG.
    """
    png, svg = Path(f"{stem}.png"), Path(f"{stem}.svg")
    for path, content in zip((png, svg), rendered(drawn, "png", "svg"), strict=True):
        path.write_bytes(content)
    return png, svg


def rendered(drawn: Axes | Figure, *formats: str) -> tuple[bytes, ...]:
    """Return a figure as `save` writes it, in ``png`` or ``svg``, or both with one layout."""
    writers = {"png": _png, "svg": _svg}
    figure = figure_of(drawn)
    with house_style(), _laid_out_once(figure):
        return tuple(writers[name](figure) for name in formats)


def _png(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasAgg(figure)
    content = BytesIO()
    canvas.print_png(content, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    return content.getvalue()


def _svg(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasSVG(figure)
    text = StringIO()
    canvas.print_svg(text, metadata={"Date": None, "Creator": None})
    # Verdana has the widths of DejaVu Sans, for readers of the SVG who lack the latter.
    return text.getvalue().replace("'DejaVu Sans'", "'DejaVu Sans', Verdana").encode()


@contextmanager
def _laid_out_once(figure: Figure) -> Iterator[None]:
    """Lay a figure out at the resolution of the PNG, and keep that for both files.

    The layout measures every text, and `Figure.savefig` asks for it twice per file: that is most of the time
    that a figure takes.
    """
    canvas, dpi, engine = figure.canvas, figure.dpi, figure.get_layout_engine()
    figure.dpi = DPI
    try:
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")
        yield
    finally:
        figure.set_layout_engine(engine)
        figure.dpi = dpi
        figure.set_canvas(canvas)
