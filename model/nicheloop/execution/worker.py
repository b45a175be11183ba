"""What a worker process does: load the task once, then compute chunks until nobody asks any more."""

from __future__ import annotations

import contextlib
import os
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from nicheloop.execution.payload import Loaded
from nicheloop.execution.spans import Span


def serve(descriptor: int) -> None:
    """Answer over a socket: first the pickled task arrives, then one span after the other."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _be_killed_first()
    link: Connection = Connection(descriptor)
    try:
        task = Loaded(link.recv_bytes())
        while True:
            link.send(task.run(Span(*link.recv())))
    except (EOFError, ConnectionError):
        return


def _end_with_parent() -> None:
    """End at once when the other end of standard input closes: the main process has ended or been killed."""
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    os._exit(1)


def _be_killed_first() -> None:
    """Where memory runs out, Linux should take a worker, which is replaced, not the main process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
