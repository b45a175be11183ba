"""What a user does is answered in turn, with the document locked, and all of the answer is sent in one.

Panel may run the callback of a widget outside of the lock of its document (when an event arrives while a
change waits for its turn), and then plots must not be touched. It also sends its own changes by another way
than those of plots, so that the browser could hear of the curve of a plot before it has the plot.
"""

from __future__ import annotations

from collections.abc import Callable

import panel as pn


def in_turn(action: Callable[[], object]) -> None:
    """Do something when the document is free: on a server soon, in a notebook or a script at once."""

    def turn() -> None:
        with pn.io.unlocked():
            action()

    pn.state.execute(turn, schedule=True)
