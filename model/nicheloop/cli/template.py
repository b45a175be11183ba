"""`nicheloop template`: tables to fill in."""

from __future__ import annotations

from pathlib import Path

from nicheloop.cli.output import command_line, staged, told

FORMATS = ("csv", "xlsx")


def list_templates() -> None:
    """Print name and title of every template."""
    from nicheloop.assays.tables.templates import template_names, template_title

    for name in template_names():
        print(f"{name:<10}  {template_title(name)}")


def run(name: str, form: str, out: Path | None) -> None:
    """Print a template as CSV, or write it as ``<name>.csv`` or ``<name>.xlsx``.

    Raises
    ------
    ValueError
        If the template or the format is unknown, or a workbook has no place to go to.
    """
    from nicheloop.assays.names import unknown
    from nicheloop.assays.tables.templates import template_text, write_template
    from nicheloop.report.manifest import provenance, write_manifest

    if form not in FORMATS:
        raise ValueError("--format: " + unknown("format", form, FORMATS))
    text = template_text(name)
    if out is None:
        if form != "csv":
            raise ValueError(f"--format {form}: is not printed, expected --out DIR as well")
        print(text, end="")
        return
    with staged(out) as folder:
        files = [write_template(name, folder / f"{name}.{form}").name]
        files.append(write_manifest(folder, provenance(command_line()), files))
    told(out, files, files[0])
