"""One writer per store: a lock that the system takes away from a dead process."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nicheloop.execution.errors import StoreError

LOCK = "lock"


class Lock:
    """Holds the lock file of a folder until `release`, or until the process ends.

    Where the file system knows no locks, the name of the owner in the file counts: one on this machine that
    no longer runs is passed over, any other is respected.

    Raises
    ------
    StoreError
        Another process, or another writer of this one, holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._take()
            owner = {"host": socket.gethostname(), "pid": os.getpid(), "since": _now()}
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(owner).encode(), 0)
        except BaseException:
            os.close(self._file)
            raise

    def release(self) -> None:
        """Let others write."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._held(_owner(self._file)) from None
        except OSError:  # no locks on this file system
            owner = _owner(self._file)
            if owner and not (owner.get("host") == socket.gethostname() and _is_dead(owner.get("pid"))):
                raise self._held(owner) from None

    def _held(self, owner: dict[str, Any]) -> StoreError:
        who = (
            f"process {owner['pid']} on {owner['host']} since {owner['since']}"
            if owner
            else "another process"
        )
        return StoreError(
            f"{self._path.parent}: {who} is writing to this store; wait, or choose another folder "
            f"(if no such process is left: remove {self._path})"
        )


def _owner(file: int) -> dict[str, Any]:
    """Read who holds the lock; empty if that is not told."""
    try:
        found = json.loads(os.pread(file, 4096, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"host", "pid", "since"} <= found.keys() else {}


def _is_dead(pid: object) -> bool:
    """Whether no process of this machine has this number."""
    try:
        os.kill(int(str(pid)), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OverflowError, PermissionError):
        return False
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
