"""Values at the end as a table: what the curves say in numbers, also for who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.explorer.courses import Course
from nicheloop.explorer.pins import Pin
from nicheloop.explorer.words import number_in_print, readout_in_words


def end_values(readouts: Sequence[str], course: Course, pins: Sequence[Pin]) -> str:
    """Return the last values of what is drawn and of pinned curves, one row per read-out and line.

    A run that failed has none.
    """
    runs = [("shown", course), *((f"{sample(pin)}<br>pinned {pin.number + 1}", pin.course) for pin in pins)]
    keys = dict.fromkeys(
        (curve.readout, curve.host, curve.unit)
        for name in readouts
        for _, one in runs
        for curve in one.of(name)
    )
    times = "".join(
        f'<th class="number" scope="col">{name}<br>at {one.time[-1]:g} h</th>' for name, one in runs
    )
    head = f'<tr><th scope="col">read-out</th><th scope="col">of</th>{times}<th scope="col">unit</th></tr>'
    rows = "".join(
        f'<tr><th scope="row">{readout_in_words(readout)}</th><td>{host or "medium"}</td>'
        + "".join(f'<td class="number">{_last(one, readout, host)}</td>' for _, one in runs)
        + f"<td>{unit_in_words(unit)}</td></tr>"
        for readout, host, unit in keys
    )
    caption = "<caption>Values at the end</caption>"
    return f'<table class="ends">{caption}<thead>{head}</thead><tbody>{rows}</tbody></table>'


def sample(pin: Pin) -> str:
    """Return a piece of the line that a pin is drawn with."""
    dashes = " ".join(str(length) for length in pin.dashes)
    return (
        '<svg width="42" height="8" aria-hidden="true"><line x1="0" x2="42" y1="4" y2="4" stroke="#333" '
        f'stroke-width="2" stroke-dasharray="{dashes}"/></svg>'
    )


def _last(course: Course, readout: str, host: str) -> str:
    found = [curve.values[-1] for curve in course.of(readout) if curve.host == host]
    return number_in_print(float(found[0])) if course.ok and found and np.isfinite(found[0]) else "–"
