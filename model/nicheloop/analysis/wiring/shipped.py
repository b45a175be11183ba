"""The wiring of the whole model, kept beside what it was read off: finding it anew takes seconds.

After a change of the biology or of ``nodes.csv``: ``python -m nicheloop.analysis.wiring.shipped``. Until
then it is found each time, as a stale file is never used.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from nicheloop.analysis.wiring.find import find_mechanism
from nicheloop.analysis.wiring.graph import Node, Wiring
from nicheloop.equations.influence import Influence

NAME = "shipped.json"


def shipped_wiring() -> Wiring | None:
    """Return the wiring of the whole model, if what is kept fits the biology; else None."""
    content = json.loads(_file().read_text(encoding="utf-8")) if _file().is_file() else {}
    return _read(content["wiring"]) if content.get("sources") == _sources() else None


def write_wiring() -> None:
    """Find the wiring of the whole model and keep it."""
    wiring = asdict(find_mechanism())
    for one in wiring["influences"]:
        one["strength"] = float(f"{one['strength']:.3g}")
    content = json.dumps({"sources": _sources(), "wiring": wiring}, ensure_ascii=False, indent=0)
    _file().write_text(content + "\n", encoding="utf-8")


def _read(content: dict[str, list[dict[str, object]]]) -> Wiring:
    nodes = [Node(**{**node, "at": tuple(node["at"])}) for node in content["nodes"]]  # type: ignore[arg-type]
    influences = tuple(Influence(**one) for one in content["influences"])  # type: ignore[arg-type]
    return Wiring(str(content["title"]), tuple(nodes), influences, tuple(map(str, content["same"])))


def _sources() -> str:
    """SHA-256 of the rules, the values of the parameters and the table of nodes."""
    from nicheloop.assays.compiled import sources_digest

    tables = (("nicheloop.biology", "parameters.csv"), ("nicheloop.analysis.wiring", "nodes.csv"))
    parts = [sources_digest().encode()]
    parts += [resources.files(package).joinpath(name).read_bytes() for package, name in tables]
    return hashlib.sha256(b"\0".join(part.replace(b"\r\n", b"\n") for part in parts)).hexdigest()


def _file() -> Path:
    return Path(str(resources.files("nicheloop.analysis.wiring"))) / NAME


if __name__ == "__main__":
    write_wiring()
