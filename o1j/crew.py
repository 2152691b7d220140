"""Processes that work on the blocks of an input in turn, and whose results come out in the input's order."""

import gc
import itertools
import multiprocessing
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from o1j.errors import O1jError

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Item], tuple[Result, bytes]]
"""What a worker does with an item: a small result, and bytes that travel beside it unpacked."""

_PIPE = 1 << 20  # bytes; room for two results, so that a worker goes on while the parent writes
_ENDS = (signal.SIGINT, signal.SIGTERM)


class Crew(Generic[Item, Result]):
    """`jobs` processes that do `work`, as a context manager. Entering starts them, before there are threads.

    Items go round the workers in turn, and results are taken in the same turn, so that order needs no bookkeeping.
    """

    def __init__(self, jobs: int, work: "Work[Item, Result]"):
        self._jobs, self._work = jobs, work
        self._processes: list[Any] = []
        self._tasks: list[Connection] = []
        self._results: list[Connection] = []
        self._unread: BaseException | None = None  # what ended the items early

    def __enter__(self) -> "Crew[Item, Result]":
        forks = sys.platform == "linux"
        context = multiprocessing.get_context("fork" if forks else "spawn")
        gc.freeze()  # modules and tables are here to stay: no collection looks at them, so workers share their pages
        # Python forgets signals that reach a process while it is being forked, and a worker that missed the one that
        # ends it would never be done. Held back, they wait until the worker has settled what they do.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        try:
            self._start(context, forks)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def _start(self, context: Any, forks: bool) -> None:
        for _ in range(self._jobs):
            (task, to_worker), (from_worker, result) = context.Pipe(duplex=False), context.Pipe(duplex=False)
            _enlarge(to_worker)
            _enlarge(from_worker)
            self._tasks.append(to_worker)
            self._results.append(from_worker)
            # A forked worker also holds the parent's ends, and as long as it does, nobody sees them closed.
            inherited = [*self._tasks, *self._results] if forks else []
            process = context.Process(target=_live, args=(self._work, task, result, inherited), daemon=True)
            process.start()
            self._processes.append(process)
            task.close()
            result.close()

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    def map(self, items: Iterable[Item]) -> Iterator[tuple[Result, bytes]]:
        """What `work` makes of each item, in order. Raises what the items raise, after the results of all before;
        O1jError where a worker died."""
        threading.Thread(target=self._hand_out, args=(items,), name="o1j-read", daemon=True).start()
        for results in itertools.cycle(self._results):
            try:
                packed = results.recv_bytes()
                if not packed:  # the end
                    break
                yield pickle.loads(packed), results.recv_bytes()
            except EOFError as error:
                raise O1jError("a worker of -j died; is there memory enough? Fewer workers need less") from error
        if self._unread:
            raise self._unread

    def _hand_out(self, items: Iterable[Item]) -> None:
        """Read on while results are waited for, so that a silent input holds up none that is done."""
        turns = itertools.cycle(self._tasks)
        try:
            for item in items:
                next(turns).send(item)
        except BaseException as error:
            self._unread = error
        try:
            next(turns).send(None)
        except OSError:
            return  # that worker has died, and the other thread says so


def _enlarge(pipe: Connection) -> None:
    """More room than the usual 64 KB, where the system has it."""
    try:
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
    except (ImportError, AttributeError, OSError):
        return


def _live(work: Work, tasks: Connection, results: Connection, inherited: list[Connection]) -> None:
    """A worker's life: items in, results out, until there are no more. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
    for connection in inherited:
        connection.close()
    try:
        while True:
            item = tasks.recv()
            if item is None:
                results.send_bytes(b"")
                continue
            result, beside = work(item)
            results.send_bytes(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
            results.send_bytes(beside)
    except (EOFError, BrokenPipeError):
        return  # the parent has gone
