"""Fresh processes: what an import brings along, and a machine without Perl and compiler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "numpy", "scipy", "sympy", "pysb", "pandas", "xarray", "matplotlib", "llvmlite", "pint", "pydantic",
    "jinja2", "rich",
)  # fmt: skip


def modules_after(code: str) -> set[str]:
    """Names of the top-level modules a fresh process has after some code."""
    script = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import nicheloop", ()),
        ("import nicheloop.biology, nicheloop.figures, nicheloop.report", ()),
        ("import nicheloop.cli.main; nicheloop.cli.main.application()", ("rich",)),
        ("import nicheloop; nicheloop.parameter_values()", ()),
    ],
)
def test_imports_are_light(code: str, allowed: tuple[str, ...]) -> None:
    assert sorted(modules_after(code) & set(HEAVY) - set(allowed)) == []


def test_simulating_does_not_import_pysb_or_sympy() -> None:
    found = modules_after("import nicheloop as nl; assert nl.simulate('k562s_growth', times=[0, 24]).ok")
    assert not found & {"pysb", "sympy", "matplotlib"}


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """Return a PATH with everything this machine has but Perl, compilers and BioNetGen."""
    tools = tmp_path / "bin"
    tools.mkdir()
    barred = ("perl", "cc", "gcc", "g++", "c++", "clang", "tcc", "x86_64-linux-gnu", "BNG2")
    for folder in filter(None, os.environ.get("PATH", "").split(os.pathsep)):
        for entry in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if not entry.name.startswith(barred) and not (tools / entry.name).exists():
                (tools / entry.name).symlink_to(entry)
    return str(tools)


def test_reproduce_needs_neither_perl_nor_a_compiler(bare_path: str, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("BNGPATH", "CC", "CXX")},
        "PATH": bare_path,
        "NICHELOOP_CACHE": str(tmp_path / "cache"),  # nothing compiled or generated earlier
    }
    for tool in ("perl", "gcc", "cc"):
        assert not (Path(bare_path) / tool).exists()
    out = tmp_path / "report"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nicheloop.cli.main",
            "reproduce",
            "--draws",
            "2",
            "--max-failed",
            "1",
            "--out",
            out,
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout
    names = {path.name for path in out.iterdir()}
    assert {"claims.csv", "checks.csv", "facts.csv", "report.html", "manifest.json"} <= names
    assert not list((tmp_path / "cache").rglob("*.json.gz"))  # no network was generated
