"""Run a notebook with the interpreter that runs the tests, and say what is wrong with what it shows."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

SECONDS = 600
"""For one cell. On two free cores no notebook takes two minutes; those of CI are not free."""
STARTS, NOT_STARTED = 3, "Kernel died before replying"
"""A kernel is told ports that were free: now and then another test takes one before the kernel does."""
WARNING = re.compile(r"\b\w*Warning\b")


class ThisPython(AsyncKernelManager):
    """Starts a kernel of this interpreter, whatever kernels the machine has registered."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """Return how it is started."""
        launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=launch, display_name="this Python", language="python")


def executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return a copy with the outputs of a run in a folder; raises what a cell raises."""
    for starts_left in reversed(range(STARTS)):
        found = nbformat.from_dict(notebook)
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(found, kernel_manager_class=ThisPython, timeout=SECONDS, resources=resources)
        try:
            client.execute()
        except RuntimeError as error:
            if not starts_left or NOT_STARTED not in str(error):
                raise
        else:
            break
    return found


def complaints(notebook: NotebookNode) -> list[str]:
    """Return what no reader should see: errors, text on stderr, warnings, figures that are shown as words."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shown = output.get("text", "") or output.get("data", {}).get("text/plain", "")
            if output.output_type == "error":
                found.append(f"{cell.id}: {output.ename}: {output.evalue}")
            elif output.get("name") == "stderr":
                found.append(f"{cell.id}: on stderr: {shown}")
            elif WARNING.search(shown):
                found.append(f"{cell.id}: {shown}")
            elif shown.startswith(("<Figure", "<Axes", "<Axes:")) and "image/png" not in output.get(
                "data", {}
            ):
                found.append(f"{cell.id}: a figure that is not shown: {shown}")
    return found
