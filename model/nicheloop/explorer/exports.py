"""What a view leaves behind: figure, CSV, scenario file, and the Python lines that give the same numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicheloop.assays.library import to_toml
from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.explorer.courses import Course
from nicheloop.explorer.origin import Origin
from nicheloop.explorer.pins import Pin
from nicheloop.explorer.view import View
from nicheloop.explorer.words import readout_in_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SHOWN = "shown"
"""Name of the run that is not pinned, in the first column of the CSV."""
WIDTH = 88


def to_frame(view: View, course: Course, pins: Sequence[Pin] = ()) -> pd.DataFrame:
    """Return the curves that are drawn as a tidy table.

    Returns
    -------
    DataFrame
        ``run`` (``shown``, or number and what sets a pinned one apart), ``time [h]``, ``readout``, ``line``
        (empty for the medium), ``value`` (NaN after the time that a failed run reached), ``unit``, ``status``
        (``ok`` or ``failed``).
    """
    import pandas as pd

    frames = [
        pd.DataFrame(
            {
                "run": name,
                "time [h]": one.time,
                "readout": curve.readout,
                "line": curve.host,
                "value": curve.values,
                "unit": curve.unit,
                "status": "ok" if one.ok else "failed",
            }
        )
        for name, one in ((SHOWN, course), *((pin.name, pin.course) for pin in pins))
        for curve in one.curves
        if curve.readout in view.readouts
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def to_csv(view: View, course: Course, pins: Sequence[Pin] = ()) -> str:
    """Return `to_frame` as CSV."""
    return to_frame(view, course, pins).to_csv(index=False, lineterminator="\n")


def to_scenario(view: View) -> str:
    """Return the scenario as TOML, with the parameters that were moved in it; it can be run again."""
    return to_toml(view.complete)


def can_be_drawn(view: View, course: Course, pins: Sequence[Pin] = ()) -> bool:
    """Whether there is a curve for `draw`: a read-out is chosen, and a run that went to its end has it."""
    runs = [course, *(pin.course for pin in pins)]
    return any(one.of(readout) for one in runs if one.ok for readout in view.readouts)


def draw(view: View, course: Course, pins: Sequence[Pin] = ()) -> Figure:
    """Draw the curves in the style of the printed figures.

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    from nicheloop.figures.overlay import SOLID, Line, plot_overlay

    shown = [(course, course.label, SOLID)] if course.ok else []
    lines = [
        Line(
            name,
            readout_in_words(readout),
            curve.host,
            unit_in_words(curve.unit),
            one.time,
            curve.values,
            dashes,
        )
        for one, name, dashes in (*shown, *((pin.course, pin.name, pin.dashes) for pin in pins))
        for readout in view.readouts
        for curve in one.of(readout)
    ]
    events = [event.at for event in course.scenario.events]
    return plot_overlay(lines, view.base.title or view.base.name, events)


def figure_file(figure: Figure, ending: str) -> bytes:
    """Return a figure as PNG or SVG, as `nicheloop.figures.save` writes it."""
    from nicheloop.figures.style import rendered

    return rendered(figure, ending)[0]


# -- the lines ----------------------------------------------------------------------------------------------


def to_python(view: View, pins: Sequence[Pin] = ()) -> str:
    """Return Python lines that give the numbers of a view and of the pinned ones.

    ``run`` is the view, ``pinned_1`` and so on are the pinned ones, ``table`` holds what the view shows.
    """
    # A title may hold line breaks, and what follows one would be code.
    blocks = [f"# {' '.join(pin.name.split())}\n{_run(pin.view, f'pinned_{pin.number + 1}')}" for pin in pins]
    blocks.insert(0, _run(view, "run"))
    keys = [f"{curve}:{host}" if host else curve for curve in view.readouts for host in view.hosts_of(curve)]
    blocks.append(f"table = run.to_dataframe({_literal(keys, 0)})\nprint(table)")
    text = "\n\n".join(blocks)
    needed = "import tomllib\n\n" if "tomllib." in text else ""
    return f"{needed}import nicheloop as nl\n\n{text}\n"


def _run(view: View, name: str) -> str:
    """Return the lines that run one view."""
    scenario = _source(view.origin)
    plain = tomllib.loads(to_toml(view.scenario)) if view.changes else {}
    arguments = [f"    {field}={_literal(_told(field, view, plain), 4)}," for field in view.changes]
    changed = (
        "\n".join([f"scenario = {scenario}.with_(", *arguments, ")"])
        if arguments
        else f"scenario = {scenario}"
    )
    given = f", parameters={_literal(dict(view.overrides), 0)}" if view.overrides else ""
    return f"{changed}\n{name} = nl.simulate(scenario{given})"


def _source(origin: Origin) -> str:
    """Return how to get the well that a view started from."""
    well = f".wells()[{origin.well}]" if origin.scenario.vary else ""
    if origin.source:
        return f"nl.load_scenario({_literal(origin.source, 0)}){well}"
    text = to_toml(origin.scenario).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'nl.Scenario(**tomllib.loads("""\n{text}""")){well}'


def _told(field: str, view: View, plain: dict[str, Any]) -> Any:
    """Return a changed field as a person would write it: with units, and only what differs."""
    change = view.changes[field]
    written = plain.get(field)
    if written is None:
        return list(change) if isinstance(change, tuple) else change
    if isinstance(change, dict) and isinstance(written, dict):
        return {name: written.get(name, value) for name, value in change.items()}
    return written


def _literal(value: Any, indent: int) -> str:
    """Return a value as Python source, on several lines if it is long."""
    text = repr(value)
    if '"' not in text and "\\" not in text:
        text = text.replace("'", '"')  # as most people write it
    if len(text) + indent + 12 <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return text
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        items = [f"{pad}{_literal(key, 0)}: {_literal(item, indent + 4)}," for key, item in value.items()]
        return "\n".join(["{", *items, " " * indent + "}"])
    items = [f"{pad}{_literal(item, indent + 4)}," for item in value]
    return "\n".join(["[", *items, " " * indent + "]"])
