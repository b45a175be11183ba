"""What a user does is answered in turn, with the document locked, and all of the answer is sent in one.

Panel may run the callback of a widget outside of the lock of its document (when an event arrives while a
change waits for its turn), and then plots must not be touched. It also sends its own changes by another way
than those of plots, so that the browser could hear of the curve of a plot before it has the plot.
"""

from __future__ import annotations

from collections.abc import Callable

import panel as pn

PAUSE = 1
"""How long an answer waits, ms: until the browser has been told that its message arrived. While that is being
written, Panel puts all that it has to send off by 10 ms."""


def in_turn(action: Callable[[], object]) -> None:
    """Do something when the document is free: on a server soon, in a notebook or a script at once."""

    def turn() -> None:
        with pn.io.unlocked():
            action()

    doc = pn.state.curdoc
    if doc is None or doc.session_context is None:
        pn.state.execute(turn)
    else:
        doc.add_timeout_callback(lambda: pn.state.execute(turn), PAUSE)
