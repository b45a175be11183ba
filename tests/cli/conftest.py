"""The command in this process, in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nicheloop.cli.main import main


@dataclass(frozen=True)
class Called:
    """What a call printed and returned."""

    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Called:
        code = main(arguments)
        printed = capsys.readouterr()
        return Called(code, printed.out, printed.err)

    return run
