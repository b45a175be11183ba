"""What is shown of a long run: on a terminal, in a notebook, in a log."""

from __future__ import annotations

import io
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from nicheloop.execution import progress as module
from nicheloop.execution.progress import progress


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_lines_tell_rate_and_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("sweep") as show:
        for done in range(0, 1001, 5):
            show(done, 1000, done // 100)
            clock.now += 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "sweep: 0/1000 runs, 0 failed, 0 s"
    assert lines[1] == "sweep: 100/1000 runs, 1 failed, 20 s, 5 runs/s, about 3 min 00 s left"
    assert lines[-1] == "sweep: 1000/1000 runs, 10 failed, 3 min 20 s, 5 runs/s"


def test_what_an_earlier_run_did_does_not_count_for_the_rate(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("sweep") as show:
        show(500, 1000, 0)
        clock.now += 10
        show(600, 1000, 0)
    assert capsys.readouterr().err.splitlines()[-1].endswith("10 s, 10 runs/s, about 40 s left")


def test_a_slow_run_is_not_silent_for_hours(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("sweep") as show:
        for done in range(30):
            show(done, 100_000, 0)
            clock.now += 100
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1].endswith("0.01 runs/s, about 2777 h 01 min left")


def test_a_terminal_gets_a_bar_with_rate_and_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("sweep") as show:
        for done in range(4):
            show(done, 3, done // 3)
            time.sleep(0.02)
    shown = stream.getvalue()
    assert "\x1b[" in shown
    for part in ("sweep", "3/3", "1 failed", "runs/s", "0:00:00"):
        assert part in shown


def test_a_notebook_gets_one_line_that_changes(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            shown.append(data["text/plain"])

    def display(data: dict[str, str], **options: Any) -> Handle:
        assert options == {"raw": True, "display_id": True}
        return Handle()

    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1))
    )
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    with progress("sweep") as show:
        for done in range(101):
            show(done, 100, 0)
            clock.now += 0.1
    assert capsys.readouterr().err == ""
    assert len(shown) == 26  # not more often than the eye follows
    assert shown[-1] == "sweep: 100/100 runs, 0 failed, 10 s, 10 runs/s"


def test_a_plain_interpreter_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not module.in_notebook()
