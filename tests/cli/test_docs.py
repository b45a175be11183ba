"""What README and guide tell a newcomer to type works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import nicheloop as nl
from nicheloop.analysis.sweep.summaries import KNOWN
from nicheloop.biology.medium import SOLUTES

from .conftest import Call

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
SWEEPS = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [body for name, body in fenced if name == language]


def test_the_python_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in blocks(README, "python") + blocks(GUIDE, "python"):
        exec(example, names)
    assert {path.name for path in tmp_path.iterdir()} == {"k562r.png", "viability.png", "viability.svg"}


@pytest.mark.parametrize("example", blocks(GUIDE, "toml"))
def test_the_scenarios_of_the_guide_run(example: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(example, encoding="utf-8")
    assert nl.simulate_wells(nl.load_scenario(tmp_path / "mine.toml")).ok.all()


def test_the_commands_of_the_guide_run(call: Call) -> None:
    lines = [line for block in blocks(GUIDE, "") for line in block.splitlines() if line]
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line.partition("#")[0].partition(">")[0])
        assert words[0] == "nicheloop"
        called = call(*words[1:])
        assert called.code == 0, (line, called.err)


def test_every_treatment_and_read_out_is_in_the_guide() -> None:
    for name in (*(solute.name for solute in SOLUTES), *nl.readout_names()):
        assert f"`{name}`" in GUIDE, name


def test_the_page_on_sweeps_runs(call: Call, tmp_path: Path) -> None:
    for line in (line for block in blocks(SWEEPS, "") for line in block.splitlines()):
        called = call(*shlex.split(line.partition("#")[0])[1:])
        assert called.code == 0, (line, called.err)
    assert (tmp_path / "parts" / "sweep.csv").exists()
    names: dict[str, object] = {}
    for example in blocks(SWEEPS, "python"):
        exec(example, names)
    assert (tmp_path / "surface.png").exists()


def test_every_summary_is_on_the_page_on_sweeps() -> None:
    for name in KNOWN:
        assert re.search(rf"`{name}[`(]", SWEEPS), name
