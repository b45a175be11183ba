"""Tables to fill in, one for each kind of assay; `read_assay` reads them once they are filled."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path

from nicheloop.assays.names import unknown


@lru_cache(maxsize=1)
def template_names() -> tuple[str, ...]:
    """Names of the templates, sorted."""
    folder = resources.files("nicheloop.assays") / "templates"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".csv") for name in names if name.endswith(".csv")))


def template_text(name: str) -> str:
    """Return a template as CSV: how to fill it in (comments), the header, and rows without values.

    Raises
    ------
    ValueError
        If there is no such template; the nearest name is suggested.
    """
    if name not in template_names():
        raise ValueError(unknown("template", name, template_names()))
    file = resources.files("nicheloop.assays") / "templates" / f"{name}.csv"
    return file.read_text(encoding="utf-8")


def template_title(name: str) -> str:
    """Return the first sentence of a template."""
    return template_text(name).partition("\n")[0].removeprefix("# ").partition(". ")[0]


def write_template(name: str, path: str | Path) -> Path:
    """Write a table to fill in.

    Parameters
    ----------
    name : str
        ``viability``, ``elisa``, ``migration``, ``qpcr`` or ``blot``.
    path : str or Path
        CSV file or Excel workbook, as its ending says.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    ValueError
        If the template or the kind of file is unknown.
    """
    target, text = Path(path), template_text(name)
    if target.suffix not in (".csv", ".xlsx"):
        raise ValueError(f"{target}: {unknown('kind of file', target.suffix, ['.csv', '.xlsx'])}")
    if target.suffix == ".csv":
        target.write_text(text, encoding="utf-8")
        return target
    from nicheloop.assays.tables.excel import SHEET, write_sheets

    lines = text.splitlines()
    notes = [[line.removeprefix("# ")] for line in lines if line.startswith("#")]
    rows = [[_cell(text) for text in line.split(",")] for line in lines if not line.startswith("#")]
    write_sheets(target, {SHEET: rows, "how to fill it in": notes})
    return target


def _cell(text: str) -> str | float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        return text
