"""`nicheloop explore`: misuse is told in one line, before anything listens."""

from __future__ import annotations

import builtins
import socket
import subprocess
import sys
import threading
import webbrowser
from typing import Any

import pytest

from nicheloop.cli import explore

from .conftest import Call

MISUSES = {
    "unknown scenario": (("imatinib_k562",), "did you mean 'imatinib_k562s'"),
    "missing file": (("mine.toml",), "mine.toml: no such file"),
    "unknown parameter": (("--parameters", "il1_kno=2"), "did you mean 'il1_kon'"),
    "parameter that is no number": (("--parameters", "il1_kon=nan"), "il1_kon=nan: expected a finite number"),
    "infinite parameter": (("--parameters", "il1_kon=inf"), "il1_kon=inf: expected a finite number"),
    "unknown read-out": (("--readouts", "viabilty"), "did you mean 'viability'"),
    "port that is none": (("--port", "99999"), "--port"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), MISUSES.values(), ids=list(MISUSES))
def test_misuse_is_one_line(arguments: tuple[str, ...], expected: str, call: Call) -> None:
    called = call("explore", *arguments, "--no-browser")
    assert (called.code, called.out) == (2, "")
    (line,) = called.err.splitlines()
    assert line.startswith("nicheloop: ")
    assert expected in line


def test_a_port_that_is_taken_is_told(call: Call) -> None:
    pytest.importorskip("panel", reason='the explorer is not installed: pip install ".[explore]"')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        called = call("explore", "--port", str(taken.getsockname()[1]), "--no-browser")
    assert called.code == 2
    assert "is taken" in called.err
    assert len(called.err.splitlines()) == 1


def test_without_its_extra_the_command_names_it(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "panel":
            raise ModuleNotFoundError("No module named 'panel'")
        return known(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    called = call("explore", "--no-browser")
    assert called.code == 2
    assert called.err.splitlines() == [
        'nicheloop: the explorer needs Panel, which is not installed: pip install ".[explore]"'
    ]


def test_help_has_an_example_and_needs_no_panel() -> None:
    code = "import sys; sys.modules['panel'] = None; from nicheloop.cli.main import main"
    code += "; main(['explore', '--help'])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Example: nicheloop explore" in told


def test_a_browser_that_stays_does_not_keep_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed, asked = threading.Event(), threading.Event()

    def stays(url: str) -> bool:
        asked.set()
        return closed.wait(60)

    monkeypatch.setattr(webbrowser, "open", stays)
    began = threading.active_count()
    explore._opened("http://127.0.0.1:1/", browser=True)  # comes back though the browser does not
    assert asked.wait(10)
    assert threading.active_count() == began + 1
    assert "is at http://127.0.0.1:1/" in capsys.readouterr().out
    closed.set()
