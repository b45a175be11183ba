"""Progress of long runs: a bar on a terminal, a changing line in a notebook, lines now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Progress = Callable[[int, int, int], None]
"""Told ``(done, total, failed)`` runs while something long goes on."""

LINES = 10
"""Lines in a log, from start to end ..."""
SILENCE = 300.0
"""... and one when nothing was said for so many seconds."""
REFRESH = 0.3
"""Seconds between changes of the line in a notebook."""


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Yield a function that is told ``(done, total, failed)`` and shows rate, time left and failures.

    On stderr; what was done before the first call (a store that is continued) does not count for the rate.
    """
    if sys.stderr.isatty():
        shown = _bar(what)
    elif in_notebook():
        shown = _cell(what)
    else:
        shown = _lines(what)
    with shown as show:
        yield show


def in_notebook() -> bool:
    """Whether this is a notebook's kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


class Pace:
    """Rate and time left, since the first report."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self._before = -1

    def line(self, what: str, done: int, total: int, failed: int) -> str:
        """Return a report as a line."""
        if self._before < 0:
            self._before = done if time.monotonic() - self.start < 1 else 0
        spent = time.monotonic() - self.start
        new = done - self._before
        rate = f", {_number(new / spent)} runs/s" if new > 0 and spent > 0 else ""
        left = f", about {_duration(spent * (total - done) / new)} left" if new > 0 and done < total else ""
        return f"{what}: {done}/{total} runs, {failed} failed, {_duration(spent)}{rate}{left}"


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    from rich import progress as rich
    from rich.console import Console

    class Rate(rich.ProgressColumn):
        def render(self, task: rich.Task) -> Any:
            from rich.text import Text

            return Text(f"{_number(task.speed)} runs/s" if task.speed else "")

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[failed]} failed"),
        Rate(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None, failed=0)
        yield lambda done, total, failed: bar.update(task, completed=done, total=total, failed=failed)


@contextmanager
def _cell(what: str) -> Iterator[Progress]:
    from IPython.display import display

    pace = Pace()
    shown = 0.0
    handle = display({"text/plain": f"{what}: starting"}, raw=True, display_id=True)

    def show(done: int, total: int, failed: int) -> None:
        nonlocal shown
        if done < total and time.monotonic() - shown < REFRESH:
            return
        shown = time.monotonic()
        handle.update({"text/plain": pace.line(what, done, total, failed)}, raw=True)

    yield show


@contextmanager
def _lines(what: str) -> Iterator[Progress]:
    pace = Pace()
    step_shown, last = -1, pace.start

    def show(done: int, total: int, failed: int) -> None:
        nonlocal step_shown, last
        step, now = LINES * done // max(total, 1), time.monotonic()
        line = pace.line(what, done, total, failed)
        if step <= step_shown and now - last < SILENCE:
            return
        step_shown, last = max(step, step_shown), now
        print(line, file=sys.stderr, flush=True)

    yield show


def _number(value: float) -> str:
    """Return three digits of a rate.

    Examples
    --------
    >>> _number(1234.5), _number(0.01234)
    ('1234', '0.0123')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    """Return seconds, minutes or hours.

    Examples
    --------
    >>> _duration(59), _duration(61), _duration(7300)
    ('59 s', '1 min 01 s', '2 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
