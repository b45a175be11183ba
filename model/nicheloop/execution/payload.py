"""A task as bytes, pickled once and loaded once per worker process."""

from __future__ import annotations

import pickle
from typing import Any

from nicheloop.execution.piece import Failure, Piece, Task, failure_of, run_chunk
from nicheloop.execution.spans import Span


def pickled(task: Task) -> bytes:
    """Return the task as bytes; also what was defined in a script or a notebook.

    Raises
    ------
    ValueError
        It cannot be pickled.
    """
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL))
    except Exception as error:
        raise ValueError(
            f"the task {type(task).__name__} cannot be sent to another process: "
            f"{type(error).__name__}: {error}; expected an object that can be pickled"
        ) from error


class Loaded:
    """The task in a worker process, loaded when the first chunk is due.

    An exception while it is loaded is the result of the chunk, like one of the task itself.
    """

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._task: Any = None

    def run(self, span: Span) -> Piece | Failure:
        """Compute rows."""
        cold = self._task is None
        if self._task is None:
            try:
                self._task = pickle.loads(self._payload)
            except Exception as error:
                return failure_of(error, span).portable()
            self._payload = b""
        done = run_chunk(self._task, span, cold=cold)
        return done.portable() if isinstance(done, Failure) else done
