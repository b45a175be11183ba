"""The model as a picture: its mechanism in compartments, and the map of who acts on whom.

Both are drawn from influences that were read off the equations (`nicheloop.analysis.wiring`). An arrow
activates, a bar inhibits, a grey dotted line does either, depending on the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch, Rectangle
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from nicheloop.analysis.wiring.find import influence_wiring, mechanism_wiring
from nicheloop.analysis.wiring.graph import MEDIUM, Wiring
from nicheloop.analysis.wiring.layered import layered
from nicheloop.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MM,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    house_style,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nicheloop.analysis.wiring.graph import Node
    from nicheloop.equations.influence import Influence

Floats = NDArray[np.float64]

MECHANISMS = {
    "imatinib": ("imatinib, BCR-ABL", SKY),
    "survival": ("survival", GREEN),
    "il1": ("IL-1", ORANGE),
    "nfkb": ("IRAK, NF-κB", YELLOW),
    "cox2": ("COX-2, PGE₂", PURPLE),
    "cxcl11": ("CXCL11", BLUE),
    "migration": ("migration", VERMILION),
    "populations": ("cells", GREY),
}
"""Words and colour of a mechanism, named as its module in ``biology/``."""
SIGNS = {1: (BLACK, "-", "activates"), -1: (VERMILION, "-", "inhibits"), 0: (GREY, ":", "either")}
TYPE = 6.0
"""Size of type in a node, points."""
WIDTH, TOP = 183.0, 117.0
"""Ground of the mechanism, mm."""
GAP, ENTRY = 4.0, 16.0
"""Room beside the outermost nodes, and of an entry of the legend, mm."""
BOX = 4.6
"""Height of a node, mm."""
ROW = 7.2
"""Distance of the rows of an influence map, mm."""
GROUND = {MEDIUM: "#F4F8FA", "stroma": "#EEF5F0"}
LEUKAEMIC_GROUND = "#FBF3EC"


def network(of: Any = None, ax: Axes | None = None) -> Axes:
    """Draw the mechanism: cells and medium, what is in them, and what acts on what.

    Parameters
    ----------
    of : Scenario, str or Wiring, optional
        A scenario (or its name), for what can be in its vessel; default: the whole model, K562R on stroma
        with every treatment.
    ax : Axes, optional
        Where to; by default a new figure as wide as two journal columns, which is what it is made for.
    """
    wiring = of if isinstance(of, Wiring) else mechanism_wiring(of)
    at = {node.name: node.at for node in wiring.nodes if node.at is not None}
    reach = [(at[node.name][0], _width(node.label) / 2) for node in wiring.nodes if node.name in at]
    left = min((x - half for x, half in reach), default=0.0) - GAP
    right = max((x + half for x, half in reach), default=WIDTH) + GAP
    ax = _blank(ax, right - left, TOP, left)
    with house_style():
        _compartments(ax, wiring, at)
        boxes = {node.name: _box(ax, node, at[node.name]) for node in wiring.nodes if node.name in at}
        for one in wiring.influences:
            if one.source in boxes and one.target in boxes:
                _arrow(ax, one, at, boxes, _returned(one, wiring))
        _legend(ax, wiring)
    return ax


def _blank(ax: Axes | None, width: float, height: float, left: float = 0.0) -> Axes:
    """Axes without axes, one unit to a millimetre if they are as wide as two columns."""
    if ax is None:
        ax = new_axes(width * MM, height * MM)
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.set_layout_engine("none")
        ax.set_position((0.0, 0.0, 1.0, 1.0))
    ax.set_axis_off()
    ax.set_xlim(left, left + width)
    ax.set_ylim(0, height)
    ax.set_aspect("equal")
    return ax


def _scale(ax: Axes) -> float:
    """Size of the axes, compared with two journal columns."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    width = ax.get_position().width * figure.get_figwidth()
    return float(width / MM / (ax.get_xlim()[1] - ax.get_xlim()[0]))


def _compartments(ax: Axes, wiring: Wiring, at: dict[str, tuple[float, float]]) -> None:
    left, right = ax.get_xlim()
    ground: Any = {"facecolor": GROUND[MEDIUM], "edgecolor": "none", "zorder": 0}
    ax.add_patch(Rectangle((left, 7), right - left, TOP - 7, **ground))
    size = (TYPE + 1.5) * _scale(ax)
    ax.text(left + 2, TOP - 4.5, "medium", fontsize=size, color=GREY, style="italic")
    for place in wiring.places:
        if place == MEDIUM:
            continue
        own = [node for node in wiring.nodes if node.place == place]
        x = [at[node.name][0] + side * _width(node.label) / 2 for node in own for side in (-1, 1)]
        y = [at[node.name][1] for node in own]
        low, high = (min(x) - 3, min(y) - 4.5), (max(x) + 3, max(y) + 9)
        cell = FancyBboxPatch(
            low,
            high[0] - low[0],
            high[1] - low[1],
            boxstyle="round,pad=0,rounding_size=4",
            facecolor=GROUND.get(place, LEUKAEMIC_GROUND),
            edgecolor=GREY,
            linewidth=0.8,
            zorder=0.5,
        )
        ax.add_patch(cell)
        same = f" ({', '.join(wiring.same)}: the same wiring)" if wiring.same and place != "stroma" else ""
        right = low[0] > WIDTH / 2
        look: dict[str, Any] = {"ha": "right" if right else "left", "weight": "bold", "fontsize": size}
        ax.text(high[0] - 3 if right else low[0] + 3, high[1] - 4.5, place + same, **look)


def _width(label: str) -> float:
    """Width of a node, mm."""
    font = FontProperties(family="DejaVu Sans", size=TYPE)
    width, _, _ = text_to_path.get_text_width_height_descent(label, font, ismath=False)
    return float(width) / 72 / MM + 3.0


def _box(ax: Axes, node: Node, at: tuple[float, float]) -> FancyBboxPatch:
    colour = MECHANISMS.get(node.mechanism, ("", GREY))[1]
    width = _width(node.label)
    look: dict[str, Any] = {"facecolor": _tint(colour), "edgecolor": colour, "linewidth": 0.8}
    if node.changed:
        look |= {"edgecolor": BLACK, "linewidth": 1.4}
    style = "round,pad=0,rounding_size=1.6" if node.place != MEDIUM else "round,pad=0,rounding_size=0.3"
    corner = (at[0] - width / 2, at[1] - BOX / 2)
    box = FancyBboxPatch(corner, width, BOX, boxstyle=style, zorder=3, **look)
    ax.add_patch(box)
    size = TYPE * _scale(ax)
    ax.text(*at, node.label, ha="center", va="center_baseline", fontsize=size, zorder=4)
    return box


def _tint(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    shade = np.array(to_rgb(colour))
    red, green, blue = (1.0 - 0.28 * (1.0 - shade)).tolist()
    return red, green, blue


def _returned(one: Influence, wiring: Wiring) -> bool:
    return any((other.target, other.source) == (one.source, one.target) for other in wiring.influences)


def _arrow(
    ax: Axes,
    one: Influence,
    at: dict[str, tuple[float, float]],
    boxes: dict[str, FancyBboxPatch],
    bent: bool,
) -> None:
    colour, line, _ = SIGNS[one.sign]
    bend = 0.3 if bent else 0.06
    start, end = np.array(at[one.source]), np.array(at[one.target])
    aside = 0.5 * (start + end) + bend * np.array([end[1] - start[1], start[0] - end[0]])
    arrow = FancyArrowPatch(
        _edge(boxes[one.source], start, aside, 0.2),
        _edge(boxes[one.target], end, aside, 0.5),
        shrinkA=0.0,
        shrinkB=0.0,
        arrowstyle=_head(one.sign, _scale(ax)),
        connectionstyle=f"arc3,rad={bend}",
        color=colour,
        linewidth=0.8,
        linestyle=line,
        zorder=2,
    )
    ax.add_artist(arrow)  # add_patch would measure its curve for limits that are set


def _edge(box: FancyBboxPatch, centre: Floats, aim: Floats, gap: float) -> tuple[float, float]:
    """Where the way from the centre of a box leaves it, and a little further (mm).

    Matplotlib would look for that place at every drawing, which takes longer than all the rest.
    """
    way = aim - centre
    half = np.array([box.get_width() / 2 + gap, box.get_height() / 2 + gap])
    share = float(np.min(half / np.maximum(np.abs(way), 1e-9)))
    x, y = centre + min(share, 1.0) * way
    return float(x), float(y)


def _head(sign: int, scale: float) -> str:
    if sign > 0:
        return f"-|>,head_length={3.2 * scale:g},head_width={1.4 * scale:g}"
    return f"-[,widthB={2.0 * scale:g},lengthB=0" if sign < 0 else "-"


def _legend(ax: Axes, wiring: Wiring) -> None:
    seen = {node.mechanism for node in wiring.nodes}
    handles: list[Any] = [
        Patch(facecolor=_tint(colour), edgecolor=colour, linewidth=0.8, label=words)
        for name, (words, colour) in MECHANISMS.items()
        if name in seen
    ]
    for sign in sorted({1, -1, *(one.sign for one in wiring.influences)}, key=(1, -1, 0).index):
        colour, line, words = SIGNS[sign]
        mark = {1: ">", -1: "|", 0: ""}[sign]
        handle = Line2D([], [], color=colour, linewidth=0.8, label=words, marker=mark, markersize=4)
        handle.set(linestyle=line)
        handles.append(handle)
    if any(node.changed for node in wiring.nodes):
        handles.append(Patch(facecolor="white", edgecolor=BLACK, linewidth=1.4, label="differs in K562R"))
    ax.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=min(len(handles), max(1, int((ax.get_xlim()[1] - ax.get_xlim()[0]) / ENTRY))),
        fontsize=TYPE * _scale(ax),
        handlelength=1.2,
        columnspacing=0.9,
        handletextpad=0.4,
    )


def influence_map(of: Any = None, ax: Axes | None = None) -> Axes:
    """Draw who acts on whom, causes above effects, one column for each place.

    Parameters
    ----------
    of : Scenario, str, pysb.Model, System or Wiring, optional
        Of a scenario (or its name) what can be in its vessel; of any other model, all of it. Default: the
        whole shipped model.
    ax : Axes, optional
        Where to; by default a new figure as wide as two journal columns.
    """
    wiring = of if isinstance(of, Wiring) else influence_wiring(of)
    ends = {end for one in wiring.influences for end in (one.source, one.target)}
    nodes = [node for node in wiring.nodes if node.name in ends] or list(wiring.nodes)
    at, spans, height = _places(nodes, wiring)
    ax = _blank(ax, WIDTH, height)
    with house_style():
        size = (TYPE + 1.5) * _scale(ax)
        for place, (left, right) in spans.items():
            colour = GROUND.get(place, LEUKAEMIC_GROUND if place else "white")
            ax.add_patch(Rectangle((left, 0), right - left, height, facecolor=colour, linewidth=0, zorder=0))
            ax.text(left + 2, height - 5, place or wiring.title, fontsize=size, weight="bold")
        boxes = {node.name: _box(ax, node, at[node.name]) for node in nodes}
        for one in wiring.influences:
            _arrow(ax, one, at, boxes, _returned(one, wiring))
        _legend(ax, wiring)
    return ax


def _places(
    nodes: list[Node], wiring: Wiring
) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]], float]:
    """Where nodes are drawn, the span of each place, and the height of the whole, mm."""
    places = sorted({node.place for node in nodes}, key=lambda place: (place == "stroma", place == MEDIUM))
    wide = {place: max(_width(node.label) for node in nodes if node.place == place) + 2 for place in places}
    held = {place: sum(node.place == place for node in nodes) for place in places}
    shares = np.array([wide[place] * max(held[place] ** 0.5, 1.0) for place in places])
    edges = np.concatenate([[0.0], np.cumsum(WIDTH * shares / shares.sum())])
    spans = {place: (edges[i], edges[i + 1]) for i, place in enumerate(places)}
    columns = {node.name: places.index(node.place) for node in nodes}
    most = {i: max(int((edges[i + 1] - edges[i]) / wide[place]), 1) for i, place in enumerate(places)}
    pairs = [(one.source, one.target) for one in wiring.influences]
    rows = layered([node.name for node in nodes], pairs, columns, most)
    height = ROW * max(row for _, row, _ in rows.values()) + 20
    at = {}
    for name, (column, row, share) in rows.items():
        left, right = edges[column], edges[column + 1]
        at[name] = (float(left + (right - left) * share), height - 10 - ROW * row)
    return at, spans, height
