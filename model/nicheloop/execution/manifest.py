"""What a store is for: the job, and what made it. A store is continued by the same job only."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nicheloop.execution.errors import StoreError
from nicheloop.execution.spans import Span

MANIFEST = "manifest.json"
SCHEMA = 1


@dataclass(frozen=True)
class Job:
    """What decides the results of all rows.

    Parameters
    ----------
    name : str
        What is done, such as ``sweep``.
    settings : mapping
        Whatever decides the results, as JSON: model, design, read-outs, tolerances.
    seed : int, optional
        Root of all random draws.
    command : str, optional
        Command line or call; default: that of this process. It decides nothing and is not compared.

    Raises
    ------
    ValueError
        Settings that JSON cannot hold.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    command: str = ""

    def __post_init__(self) -> None:
        self.essence()

    def essence(self) -> dict[str, Any]:
        """Return what is compared, as plain JSON."""
        content = {"name": self.name, "settings": self.settings, "seed": self.seed}
        try:
            text = json.dumps(content, default=_plain, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"job {self.name!r}: settings must be plain JSON: {error}") from error
        found: dict[str, Any] = json.loads(text)
        return found

    def digest(self) -> str:
        """Return SHA-256 of what is compared."""
        return hashlib.sha256(json.dumps(self.essence(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Manifest:
    """The job of a store, its size, the rows it is for, and what made it."""

    job: Mapping[str, Any]
    digest: str
    size: int
    rows: Span
    shard: tuple[int, int] | None
    made: Mapping[str, Any]

    @classmethod
    def of(cls, job: Job, size: int, rows: Span, shard: tuple[int, int] | None) -> Manifest:
        """Describe a new store."""
        return cls(job.essence(), job.digest(), size, rows, shard, made_by(job.command))

    def write(self, folder: Path) -> None:
        """Write it at once or not at all."""
        content = {
            "schema": SCHEMA,
            "job": self.job,
            "digest": self.digest,
            "size": self.size,
            "rows": self.rows,
            "shard": self.shard,
            **self.made,
        }
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        draft = folder / f"{MANIFEST}.part"
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Read that of a folder; None if it has none.

        Raises
        ------
        StoreError
            It is damaged, or of another version of nicheloop.
        """
        path = folder / MANIFEST
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: cannot be read: {error}") from error
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            version = content.get("schema") if isinstance(content, dict) else None
            raise StoreError(
                f"{path}: schema {version!r}, expected {SCHEMA}: read it with the nicheloop it is from"
            )
        made = {name: content.get(name) for name in ("date", "command", "versions")}
        try:
            shard = None if content["shard"] is None else (content["shard"][0], content["shard"][1])
            return cls(
                content["job"], content["digest"], content["size"], Span(*content["rows"]), shard, made
            )
        except (KeyError, TypeError, IndexError) as error:
            raise StoreError(f"{path}: is not the manifest of a store ({error})") from error

    def differences(self, other: Manifest) -> list[str]:
        """Say what differs from another job, one entry each; empty for the same work."""
        pairs = [("size", self.size, other.size), ("rows", self.rows, other.rows)]
        pairs += _leaves("", self.job, other.job)
        return [
            f"{name}: {_short(mine)} there, {_short(its)} now" for name, mine, its in pairs if mine != its
        ]


def made_by(command: str) -> dict[str, Any]:
    """Return date, command and versions."""
    import numpy as np

    from nicheloop import __version__

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command or shlex.join(sys.argv),
        "versions": {
            "nicheloop": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "system": f"{platform.system()} {platform.machine()}",
        },
    }


_ABSENT = "nothing"


def _leaves(name: str, mine: Any, its: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the values of two nested mappings side by side, with their paths."""
    if isinstance(mine, Mapping) and isinstance(its, Mapping):
        for key in dict.fromkeys([*mine, *its]):
            inner = f"{name}.{key}" if name else str(key)
            yield from _leaves(inner, mine.get(key, _ABSENT), its.get(key, _ABSENT))
    else:
        yield name, mine, its


def _short(value: Any, most: int = 60) -> str:
    plain = value is _ABSENT or isinstance(value, Span)
    text = str(value) if plain else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _plain(value: Any) -> Any:
    """Turn NumPy's arrays and numbers into lists and plain numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r}")
