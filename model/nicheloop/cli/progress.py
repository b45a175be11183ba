"""Progress of long runs on stderr: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nicheloop.analysis.evidence import Progress

LINES = 10
"""Lines in a log, from start to end."""


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Yield a function that is told ``(done, total, failed)`` and shows share, time left and failures."""
    with _bar(what) if sys.stderr.isatty() else _lines(what) as show:
        yield show


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[failed]} failed"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None, failed=0)
        yield lambda done, total, failed: bar.update(task, completed=done, total=total, failed=failed)


@contextmanager
def _lines(what: str) -> Iterator[Progress]:
    start = time.monotonic()
    shown = -1

    def show(done: int, total: int, failed: int) -> None:
        nonlocal shown
        step = LINES * done // max(total, 1)
        if step <= shown:
            return
        shown = step
        spent = time.monotonic() - start
        left = f", about {spent * (total - done) / done:.0f} s left" if 0 < done < total else ""
        print(
            f"{what}: {done}/{total} runs, {failed} failed, {spent:.0f} s{left}", file=sys.stderr, flush=True
        )

    yield show
