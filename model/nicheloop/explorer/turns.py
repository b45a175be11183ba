"""What a user does is answered in turn, with the document locked.

Panel may run the callback of a widget outside of the lock of its document (when an event arrives while a
change waits for its turn), and then plots must not be touched.
"""

from __future__ import annotations

from collections.abc import Callable

import panel as pn


def in_turn(action: Callable[[], object]) -> None:
    """Do something when the document is free: on a server soon, in a notebook or a script at once."""
    pn.state.execute(lambda: _done(action), schedule=True)


def _done(action: Callable[[], object]) -> None:
    action()
