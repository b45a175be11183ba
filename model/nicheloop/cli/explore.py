"""`nicheloop explore`: the explorer as a local page."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence

from nicheloop.cli.main import DONE


def run(
    scenario: str | None, parameters: Sequence[str], readouts: str | None, port: int, browser: bool
) -> int:
    """Serve the page on loopback until Ctrl-C.

    Raises
    ------
    ValueError
        On misuse, before anything listens.
    """
    if "numpy" not in sys.modules:  # several threads only wait for each other in matrices of this size
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from nicheloop.assays.library import load_scenario
    from nicheloop.cli.simulate import readout_keys
    from nicheloop.cli.values import numbers, under
    from nicheloop.explorer import START, require
    from nicheloop.explorer.view import View

    source = scenario or START
    loaded = load_scenario(source)
    chosen = under(loaded, parameters)
    keys = readout_keys(chosen.wells()[0], readouts)
    names = None if keys is None else list(dict.fromkeys(key.partition(":")[0] for key in keys))
    view = View.of(source if chosen == loaded else chosen, numbers(parameters), names)
    try:
        require()
    except ImportError as error:
        raise ValueError(str(error)) from None
    from nicheloop.explorer.server import Server

    server = Server(view, port)
    server.run(lambda: _opened(server.url, browser))
    print("nicheloop: the explorer has ended", flush=True)
    return DONE


def _opened(url: str, browser: bool) -> None:
    print(f"nicheloop: the explorer is at {url} (Ctrl-C ends it)", flush=True)
    if browser:  # beside the server: a browser in the terminal keeps its caller, and waits for the page
        threading.Thread(target=_open, args=(url,), daemon=True).start()


def _open(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        print("nicheloop: no browser was found: open the address in one", flush=True)
