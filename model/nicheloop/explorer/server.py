"""The page on a local address; it listens on loopback only and loads nothing from outside."""

from __future__ import annotations

import errno
import socket
import warnings
from collections.abc import Callable

import panel as pn

from nicheloop.explorer.page import Page
from nicheloop.explorer.view import View

ADDRESS = "127.0.0.1"


class Server:
    """An explorer that browsers on this machine can open; each one that does gets a page of its own.

    Parameters
    ----------
    view : View
        What every page shows first.
    port : int
        0: any free one.

    Raises
    ------
    ValueError
        If the port is taken.
    """

    def __init__(self, view: View, port: int = 0) -> None:
        port = port or _free_port()
        try:
            self._server = pn.serve(
                {"/": _new_page(view)},
                port=port,
                address=ADDRESS,
                websocket_origin=[f"{ADDRESS}:{port}", f"localhost:{port}"],
                title="nicheloop explorer",
                show=False,
                start=False,
                verbose=False,
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ValueError(f"port {port} is taken, expected a free one, or 0 for any") from None

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self._server.port}/"

    def run(self, ready: Callable[[], object] = lambda: None) -> None:
        """Serve until the process is interrupted; ``ready`` is called when the page can be opened."""
        self._server.start()
        self._server.io_loop.add_callback(ready)
        with warnings.catch_warnings():
            # A slider that was added later introduces itself again with its first message: no harm in that.
            warnings.filterwarnings("ignore", message="reference already known")
            try:
                self._server.io_loop.start()
            except KeyboardInterrupt:
                pass
            finally:
                self._server.stop()


def _free_port() -> int:
    """Return a port that is free now: the allowed origins have to name it before the server listens."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def _new_page(view: View) -> Callable[[], pn.viewable.Viewable]:
    return lambda: Page(view).panel
