"""What can go wrong while tasks run, each told in one line."""

from __future__ import annotations

from nicheloop.execution.spans import Span


class ExecutionError(RuntimeError):
    """The work could not go on; what was recorded in a store is safe."""


class TaskError(ExecutionError):
    """The task raised an exception; it is the cause where it could be brought here.

    Attributes
    ----------
    span : Span
        Rows of the chunk.
    trace : str
        Traceback from where it was raised.
    """

    def __init__(self, message: str, span: Span, trace: str = "") -> None:
        super().__init__(message)
        self.span = span
        self.trace = trace


class WorkerLost(ExecutionError):
    """The process that computed a chunk died, and so did those that took its place.

    Attributes
    ----------
    span : Span
        Rows of the chunk.
    """

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


class StoreError(ExecutionError):
    """A store could not be read or written; what was recorded in it is safe."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; the message says what was kept and how to go on."""
