"""Ask a worker process, under a time limit that holds: a late worker is killed and replaced.

Workers are started by exec (no fork of the caller's threads), take requests over pipes and die with their parent.
Any thread may ask, also one that runs an event loop; each question has a worker to itself.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

from .parse import Tree

WALL_SECONDS = 2.0
START_SECONDS = 20.0
MAX_WORKERS = max(2, (os.cpu_count() or 2))
MAX_REQUEST = 200_000


class TimedOut(Exception):
    """The worker did not answer in time (or died) and was killed."""


class Worker:
    """One child process and its pipes."""

    def __init__(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "o1j.grading.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1"},
            start_new_session=True,
        )
        self.fresh = True

    def ask(self, request: bytes, seconds: float) -> bool | None:
        deadline = time.monotonic() + seconds + (START_SECONDS if self.fresh else 0)
        try:
            if self.fresh:
                self._exchange(b'{"op":"same","a":["var","pi"],"b":["var","pi"]}\n', deadline)
                self.fresh = False
                deadline = time.monotonic() + seconds
            return json.loads(self._exchange(request, deadline))
        except (OSError, ValueError) as error:
            raise TimedOut(str(error)) from error

    def _exchange(self, request: bytes, deadline: float) -> bytes:
        self._write(request, deadline)
        answer, reader = b"", self.process.stdout.fileno()
        while not answer.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([reader], [], [], left)[0]:
                raise TimedOut("no answer in time")
            piece = os.read(reader, 4096)
            if not piece:
                raise TimedOut("worker died")
            answer += piece
        return answer

    def _write(self, request: bytes, deadline: float) -> None:
        writer = self.process.stdin.fileno()
        os.set_blocking(writer, False)
        while request:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [writer], [], left)[1]:
                raise TimedOut("worker does not read")
            request = request[os.write(writer, request) :]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                continue


class Pool:
    """Up to `MAX_WORKERS` workers, started when needed, handed out one question at a time."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.idle: list[Worker] = []
        self.lock = threading.Lock()
        self.permits = threading.BoundedSemaphore(MAX_WORKERS)

    def ask(self, request: bytes, seconds: float) -> bool | None:
        with self.permits:
            with self.lock:
                worker = self.idle.pop() if self.idle else None
            worker = worker or Worker()
            try:
                answer = worker.ask(request, seconds)
            except BaseException:
                worker.close()
                raise
            with self.lock:
                self.idle.append(worker)
            return answer

    def close(self) -> None:
        with self.lock:
            workers, self.idle = self.idle, []
        for worker in workers:
            worker.close()


_pool: Pool | None = None
_pool_lock = threading.Lock()


def ask(operation: str, a: Tree, b: Tree, seconds: float = WALL_SECONDS) -> bool | None:
    """Let a worker decide; None if it can't. Raises `TimedOut` when its time is up (the worker is gone then)."""
    request = json.dumps({"op": operation, "a": _plain(a), "b": _plain(b)}).encode() + b"\n"
    if len(request) > MAX_REQUEST:
        raise TimedOut("expression too long")
    return _current_pool().ask(request, seconds)


def close() -> None:
    """End all idle workers; the next question starts new ones."""
    if _pool is not None and _pool.owner == os.getpid():
        _pool.close()


def _current_pool() -> Pool:
    """This process's pool: one that was inherited through a fork belongs to the parent."""
    global _pool
    with _pool_lock:
        if _pool is None or _pool.owner != os.getpid():
            if _pool is None:
                atexit.register(close)
            _pool = Pool()
        return _pool


def _plain(part):
    """A tree in JSON's types; numbers in hexadecimal, whose conversion has no length limit."""
    if isinstance(part, tuple):
        return [_plain(item) for item in part]
    if isinstance(part, Fraction):
        return f"{part.numerator:x}/{part.denominator:x}"
    return part
