"""Worker processes on this machine; one that dies is replaced and its chunk computed again.

Workers are fresh interpreters, not forks: threads of the caller are no danger, linear algebra starts in one
thread, and the caller's script is not run again in them (it needs no ``if __name__ == "__main__"``).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from nicheloop.execution.errors import ExecutionError, WorkerLost
from nicheloop.execution.payload import pickled
from nicheloop.execution.piece import Failure, Piece, Task
from nicheloop.execution.spans import Span

_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from nicheloop.execution.worker import serve; serve(int(sys.argv[2]))"
)
_LINEAR_ALGEBRA = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_PATIENCE = 5.0
"""Seconds a worker gets to end before it is killed."""


@dataclass(frozen=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    link: Connection[Any, Any]

    def end(self) -> None:
        """End it, whatever it does."""
        self.link.close()
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Crew:
    """Worker processes with a task.

    Parameters
    ----------
    task : Task
    count : int
        Processes.
    threads : int
        Threads of a worker's own engines.
    retries : int
        How often a chunk is computed again after its worker died.
    """

    def __init__(self, task: Task, count: int, threads: int, retries: int) -> None:
        self._payload = pickled(task)
        self._threads = threads
        self._retries = retries
        self._deaths: Counter[Span] = Counter()
        self._queue: deque[Span] = deque()
        self._busy: dict[_Worker, Span] = {}
        self._idle: list[_Worker] = []
        self.workers = count
        try:
            for _ in range(count):
                self._idle.append(_start(threads))
            for worker in self._idle:
                _send_task(worker, self._payload)
        except BaseException:
            self.close()
            raise

    @property
    def capacity(self) -> int:
        """Chunks that may be under way."""
        return self.workers

    def submit(self, span: Span) -> None:
        """Hand out a chunk."""
        self._queue.append(span)
        self._assign()

    def wait(self) -> Piece:
        """Return a finished chunk.

        Raises
        ------
        TaskError
            The task raised an exception.
        WorkerLost
            The workers that were given a chunk died, one after the other.
        """
        while True:
            ready = wait([worker.link for worker in self._busy])
            worker = next(worker for worker in self._busy if worker.link in ready)
            try:
                answer: Piece | Failure = worker.link.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            del self._busy[worker]
            self._idle.append(worker)
            self._assign()
            if isinstance(answer, Failure):
                answer.throw()
            return answer

    def close(self) -> None:
        """End all workers."""
        for worker in [*self._idle, *self._busy]:
            worker.end()
        self._idle.clear()
        self._busy.clear()

    def _assign(self) -> None:
        while self._queue and self._idle:
            worker, span = self._idle.pop(), self._queue.popleft()
            self._busy[worker] = span
            try:
                worker.link.send(tuple(span))
            except OSError:
                self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        """Replace a dead worker; its chunk is next, unless it has killed too many."""
        span = self._busy.pop(worker)
        worker.end()
        cause = _cause(worker.process.returncode)
        self._deaths[span] += 1
        if self._deaths[span] > self._retries:
            raise WorkerLost(
                f"{span}: the worker process {cause}, {self._deaths[span]} times in a row; "
                "if memory is short, use fewer processes or smaller chunks",
                span,
            )
        logging.getLogger(__name__).warning("a worker process %s; %s are computed again", cause, span)
        self._queue.appendleft(span)
        fresh = _start(self._threads)
        self._idle.append(fresh)
        _send_task(fresh, self._payload)
        self._assign()


def _start(threads: int) -> _Worker:
    """Start a fresh interpreter, in a process group of its own: Ctrl-C is for the main process only."""
    ours, theirs = socket.socketpair()
    with theirs:
        limits = dict.fromkeys(_LINEAR_ALGEBRA, "1")
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, **limits, "NICHELOOP_THREADS": str(threads)},
                process_group=0,
            )
        except OSError as error:
            ours.close()
            raise ExecutionError(f"no worker process could be started: {error}") from error
    return _Worker(process, Connection(ours.detach()))


def _send_task(worker: _Worker, payload: bytes) -> None:
    """Ship the task; a worker that is dead already is found when it is to answer."""
    try:
        worker.link.send_bytes(payload)
    except OSError as error:
        logging.getLogger(__name__).warning("a worker process did not take the task: %s", error)


def _cause(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
