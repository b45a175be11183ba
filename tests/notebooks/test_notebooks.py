"""The notebooks: each runs and says nothing that a reader should not see; in git they are clean."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import nicheloop as nl

sys.path.insert(0, str(Path(__file__).parent))
from kernel import complaints, executed

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb")))
LINES = 30
"""What fits on a screen."""
CLEAR = "make notebooks-clear takes out what a run leaves in a notebook"


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def prose(name: str) -> str:
    return "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")


def code(name: str) -> str:
    return "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")


def test_there_are_seven() -> None:
    assert [name[:2] for name in NAMES] == [f"{number:02d}" for number in range(1, 8)]


# -- what they do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_without_a_warning(name: str, tmp_path: Path) -> None:
    found = executed(read(name), tmp_path)
    assert complaints(found) == []
    pictures = [output for cell in found.cells for output in cell.get("outputs", []) if "data" in output]
    assert any("image/png" in output.data or "text/html" in output.data for output in pictures)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import warnings\nwarnings.warn('beware')", "on stderr"),
        ("print('RuntimeWarning: divide by zero')", "RuntimeWarning"),
        ("import sys\nprint('late', file=sys.stderr)", "on stderr"),
        ("from matplotlib.figure import Figure\nFigure()", "a figure that is not shown"),
    ],
)
def test_what_no_reader_should_see_is_found(source: str, told: str, tmp_path: Path) -> None:
    (complaint,) = complaints(executed(new_notebook(cells=[new_code_cell(source)]), tmp_path))
    assert told in complaint


def test_a_cell_that_fails_is_told(tmp_path: Path) -> None:
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match="1 / 0"):
        executed(new_notebook(cells=[new_code_cell("1 / 0")]), tmp_path)


def test_they_run_with_the_interpreter_of_the_tests(tmp_path: Path) -> None:
    source = "import sys, nicheloop\nprint(sys.executable, nicheloop.__file__, sep='\\n')"
    (cell,) = executed(new_notebook(cells=[new_code_cell(source)]), tmp_path).cells
    assert cell.outputs[0].text.split() == [sys.executable, nl.__file__]


# -- how they are kept --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_run_is_in_git(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert set(notebook.metadata.language_info) == {"name"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.metadata, cell.outputs, cell.execution_count) == ({}, [], None), CLEAR


@pytest.mark.parametrize("name", NAMES)
def test_saving_changes_no_line(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert text == nbformat.writes(read(name)) + "\n", CLEAR


@pytest.mark.parametrize("name", NAMES)
def test_ids_of_cells_are_fixed_and_unique(name: str) -> None:
    ids = [cell.id for cell in read(name).cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(rf"{name[:2]}-[a-z0-9-]+", one) for one in ids)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_fits_on_a_screen(name: str) -> None:
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= LINES, cell.id


# -- what they say ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_first_cell_says_what_it_needs(name: str) -> None:
    first = read(name).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {int(name[:2])}. ")
    for word in ("**Needs**", 'pip install ".[notebooks]"', "**Takes**"):
        assert word in first.source


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if not target.startswith("https://"):
            assert (FOLDER / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_exists(name: str) -> None:
    from typer.main import get_command

    from nicheloop.cli.main import application

    commands = set(get_command(application()).commands)  # type: ignore[attr-defined]
    for command in re.findall(r"`nicheloop ([a-z]+)", prose(name)):
        assert command in commands
    for attribute in re.findall(r"\bnl\.([A-Za-z_]\w*)", prose(name) + code(name)):
        assert hasattr(nl, attribute), attribute
    for scenario in re.findall(r'load_scenario\("(\w+)"\)', code(name)):
        assert scenario in nl.scenario_names()


def test_ten_lines_are_enough_for_a_figure() -> None:
    first = next(cell for cell in read("01_quickstart").cells if cell.cell_type == "code")
    assert "plot" in first.source
    assert len([line for line in first.source.splitlines() if line]) <= 10
