"""The server: loopback only, other origins refused, ended by an interrupt."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("panel", reason='the explorer is not installed: pip install ".[explore]"')

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect


def test_it_listens_on_loopback_serves_refuses_other_origins_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nicheloop.cli.main", "explore", "--no-browser"]
    paths = [str(Path(__file__).parents[2] / "model"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as process:
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", told)
            assert found, told
            address, port = found[0], int(found[1])
            with urllib.request.urlopen(address) as answer:
                text = answer.read().decode()
            assert "nicheloop explorer" in text
            assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1)[^"]*"', text)
            for origin, allowed in ((address.rstrip("/"), True), ("http://elsewhere.example", False)):
                assert asyncio.run(_connects(port, origin)) == allowed
            with socket.socket() as other, pytest.raises(OSError, match=r"refused|unreachable"):
                other.connect(("127.0.0.2", port))  # another address of this machine
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.terminate()
    assert process.returncode == 0, err
    assert "has ended" in out
    assert "KeyboardInterrupt" not in err
    assert list(tmp_path.iterdir()) == []


async def _connects(port: int, origin: str) -> bool:
    request = HTTPRequest(f"ws://127.0.0.1:{port}/ws", headers={"Origin": origin})
    try:
        connected = await websocket_connect(request, subprotocols=["bokeh", "none"])
    except HTTPClientError as refused:
        if refused.code != 403:
            raise
        return False
    connected.close()
    return True
