"""What the page on assay tables shows is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import nicheloop as nl
from nicheloop.assays.tables.columns import NUMBERS, TEXTS

from .conftest import Call
from .test_docs import ROOT, blocks

PAGE = (ROOT / "docs" / "assay-tables.md").read_text(encoding="utf-8")
GOOD, RAW, BAD = blocks(PAGE, "csv")


def test_the_examples_run(call: Call, tmp_path: Path) -> None:
    (tmp_path / "plate.csv").write_text(GOOD, encoding="utf-8")
    for example in blocks(PAGE, "python"):
        exec(example, {})
    assert nl.read_assay("copy.csv").same_as(nl.read_assay("plate.csv"))
    for line in blocks(PAGE, "")[0].splitlines():
        words = shlex.split(line.partition("#")[0].partition(">")[0])
        assert words[0] == "nicheloop"
        called = call(*words[1:])
        assert called.code == 0, (line, called.err)


def test_raw_signals_become_fractions(tmp_path: Path) -> None:
    (tmp_path / "plate.csv").write_text(RAW, encoding="utf-8")
    values = nl.read_assay(tmp_path / "plate.csv").measurements.value
    assert values.tolist() == pytest.approx([1.02, 0.98, 0.75])


def test_what_is_refused_is_told_as_shown(tmp_path: Path) -> None:
    (tmp_path / "plate.csv").write_text(BAD, encoding="utf-8")
    with pytest.raises(nl.AssayError) as told:
        nl.read_assay(tmp_path / "plate.csv")
    (shown,) = blocks(PAGE, "text")
    for line, expected in zip(str(told.value).splitlines(), shown.splitlines(), strict=True):
        assert line.startswith(expected)


def test_every_column_is_described() -> None:
    described = set(re.findall(r"`(\w+)(?: \[\w+\])?`", PAGE.partition("## Columns")[2].partition("##")[0]))
    assert {*TEXTS, *NUMBERS} <= described


def test_links_lead_somewhere() -> None:
    for name, anchor in re.findall(r"\]\((?:([\w./-]+\.md))?(?:#([\w-]+))?\)", PAGE):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8") if name else PAGE
        titles = re.findall(r"^#+ (.*)$", text.lower(), re.MULTILINE)
        assert not anchor or anchor in [title.replace(" ", "-") for title in titles], (name, anchor)
    for source in ("README.md", "docs/guide.md"):
        assert "assay-tables.md" in (ROOT / source).read_text(encoding="utf-8")
