"""The explorer as a widget: a notebook shows it, and nothing in what is shown is fetched from elsewhere."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("panel", reason='the explorer is not installed: pip install ".[explore]"')
pytest.importorskip("nbclient", reason="nbclient is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))
from kernel import executed  # noqa: E402


def test_a_notebook_shows_it_and_moves_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = [str(Path(__file__).parents[2] / "model"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    cells = (
        "import nicheloop as nl\nshown = nl.explore('coculture_imatinib')\nshown",
        "before = shown.course.of('viability')[0].values[-1]\n"
        "shown.page.move('dose:imatinib', 5.0)\n"
        "shown.course.of('viability')[0].values[-1] < before",
    )
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook = executed(written, tmp_path)
    outputs = [output for cell in notebook.cells for output in cell.outputs if "data" in output]
    html = "".join(output["data"].get("text/html", "") for output in outputs)
    assert any("application/vnd.holoviews_exec.v0+json" in output["data"] for output in outputs)
    assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=[\"'](?:https?:)?//", html)
    assert outputs[-1]["data"]["text/plain"] in ("True", "np.True_")
