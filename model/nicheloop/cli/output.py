"""Results appear whole or not at all: they are written beside their place and moved there at the end."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from nicheloop.report.manifest import MANIFEST

ARGUMENTS: ContextVar[tuple[str, ...]] = ContextVar("arguments", default=())
"""What was typed after ``nicheloop``."""


def check_folder(out: Path) -> None:
    """Refuse, before anything is computed, a place where no results can be written.

    Raises
    ------
    ValueError
        If it is a file, or lies below one, or must not be written.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out}: is a file, expected a folder")
    parent = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not parent.is_dir():
        raise ValueError(f"--out {out}: {parent} is a file, expected a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(f"--out {out}: {parent} must not be written, expected a folder of yours")


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Yield a folder whose files replace those of ``out`` when the block ends well.

    Files in ``out`` that an earlier run made (its manifest names them) and this one did not are removed;
    files that are not nicheloop's stay. If the block fails, ``out`` is as it was.
    """
    check_folder(out)
    target = out.absolute()
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield stage
        stage.chmod(0o777 & ~_umask())
        _move(stage, target)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        for folder in made:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _move(stage: Path, target: Path) -> None:
    if not target.exists():
        stage.rename(target)
        return
    fresh = sorted(path.name for path in stage.iterdir())
    for name in _earlier(target) - set(fresh):
        (target / name).unlink(missing_ok=True)
    for name in sorted(
        fresh, key=lambda name: name == MANIFEST
    ):  # the manifest last: it vouches for the rest
        os.replace(stage / name, target / name)
    stage.rmdir()


def _earlier(target: Path) -> set[str]:
    """Return the files of an earlier run in a folder; nothing that is not a plain name in there."""
    try:
        files = json.loads((target / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {
        name for name in files if isinstance(name, str) and Path(name).name == name and name not in ("", "..")
    }


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def command_line() -> str:
    """Return the command that is being run, for the manifest."""
    import shlex

    return shlex.join(["nicheloop", *ARGUMENTS.get()])


def told(out: Path, files: list[str], first: str) -> None:
    """Say what was written, the most useful file first."""
    print(f"wrote {out / first}" + (f" and {len(files) - 1} more files" if len(files) > 1 else ""))
