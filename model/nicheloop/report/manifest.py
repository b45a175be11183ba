"""What made a result: versions, model, seed, command, date."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SCHEMA = 1
_PACKAGES = ("numpy", "scipy", "sympy", "pysb", "llvmlite", "pandas", "matplotlib")


def provenance(
    command: str,
    *,
    seed: int | None = None,
    parameters: Mapping[str, float] | None = None,
    more: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return what another person needs to make the same result again.

    Parameters
    ----------
    command : str
        The command line, or the call.
    seed : int, optional
        Root of all random draws.
    parameters : mapping, optional
        Parameters that differ from the table.
    more : mapping, optional
        Whatever else belongs there (JSON).

    Returns
    -------
    dict
        Schema version, date (UTC), command, seed, parameters changed, versions of nicheloop, Python and the
        numerical packages, and SHA-256 of model source, parameter table and shipped networks.
    """
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": seed,
        "parameters_changed": dict(parameters or {}),
        "versions": versions(),
        "model": model_digests(),
        **(more or {}),
    }


def versions() -> dict[str, str]:
    """Return the versions of nicheloop, Python, the system and the numerical packages."""
    import nicheloop

    found = {"nicheloop": nicheloop.__version__, "python": platform.python_version()}
    found["system"] = f"{platform.system()} {platform.machine()}"
    return found | {name: metadata.version(name) for name in _PACKAGES}


def model_digests() -> dict[str, str]:
    """Return SHA-256 of what the model is made of: rules, parameter table, shipped networks."""
    from nicheloop.assays.compiled import sources_digest

    folder = resources.files("nicheloop.biology")
    found = {
        "rules": sources_digest(),
        "parameters": hashlib.sha256((folder / "parameters.csv").read_bytes()).hexdigest(),
    }
    networks = folder / "networks"
    shipped = sorted(networks.iterdir(), key=lambda entry: entry.name) if networks.is_dir() else []
    for entry in shipped:
        if entry.name.endswith(".json.gz"):
            found[f"network {entry.name.removesuffix('.json.gz')}"] = hashlib.sha256(
                entry.read_bytes()
            ).hexdigest()
    return found


def write_manifest(folder: Path, content: Mapping[str, Any], files: Sequence[str]) -> str:
    """Write ``manifest.json`` with the names of the files that belong to it; return its name."""
    whole = {**content, "files": sorted([*files, MANIFEST])}
    text = json.dumps(whole, indent=2, ensure_ascii=False, default=str)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return MANIFEST
