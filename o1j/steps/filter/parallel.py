"""The filter on several processor cores: workers judge blocks of lines, the parent puts the results in order.

Lines travel as bytes; a worker parses, judges and, where the record changed, writes it. What remembers earlier records
(duplicates) asks and answers in the parent, so that the result is that of one process, byte for byte.
"""

import multiprocessing
import queue
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from o1j.errors import O1jError
from o1j.records import Dropped, Record
from o1j.records.json import dumps, loads
from o1j.records.read import parse
from o1j.records.record import resolve
from o1j.steps.filter import judge
from o1j.steps.filter.duplicates import place_of
from o1j.steps.filter.rules import Rule

_AHEAD = 3  # blocks a worker that may be read before the oldest is done


class Judged(NamedTuple):
    """A worker's result for one line: `reason` None is kept. `key` (for what remembers) is set where the record passed
    all rules before the remembering one; `reason` is then that of a rule after it. `line` is the input's own unless
    the rules `changed` the record."""

    line: bytes
    changed: bool
    reason: str | None
    key: Any = None
    place: str | int = 0
    held: int = 1


class Lines(Record):
    """Kept records, `held` of them, as the lines that they are to be written as, in `raw`; it has no fields."""

    __slots__ = ("held",)

    def __init__(self, raw: bytes, held: int):
        super().__init__(raw=raw)
        self.held = held


class Plan(NamedTuple):
    """What a worker does: `before` and `after` stand around the remembering rule, if there is one."""

    name: str
    mapping: tuple[tuple[str, str], ...]
    kept_fields: bool
    dropped_fields: bool
    before: tuple[Rule, ...]
    remembering: Any
    after: tuple[Rule, ...]


class Workers:
    """`jobs` processes that filter lines, as a context manager. Entering starts them, before there are threads."""

    def __init__(
        self,
        jobs: int,
        rules: Iterable[Rule],
        name: str,
        mapping: Iterable[tuple[str, str]] = (),
        kept_fields: bool = False,
        dropped_fields: bool = True,
    ):
        """`rules` as for `filter`, `name` of the input for messages, `mapping` as for `records.read`. Kept records have
        their line alone, unless `kept_fields` are asked for (by a step that reads on); without `dropped_fields` (when
        nobody writes them) dropped records are empty."""
        self._kept_fields = kept_fields
        rules = tuple(rules)
        at = next((number for number, rule in enumerate(rules) if hasattr(rule, "kept")), len(rules))
        remembering = rules[at] if at < len(rules) else None
        self._jobs = jobs
        self._remembering = remembering
        self._mapping = tuple(mapping)
        plan = Plan(
            name=name,
            mapping=self._mapping,
            kept_fields=kept_fields,
            dropped_fields=dropped_fields,
            before=rules[:at],
            remembering=type(remembering).key if remembering else None,
            after=rules[at + 1 :],
        )
        method = "fork" if sys.platform == "linux" else "spawn"
        self._pool = ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context(method), initializer=_start, initargs=(plan,)
        )

    def __enter__(self) -> "Workers":
        for started in [self._pool.submit(int) for _ in range(self._jobs)]:
            started.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def filter(self, blocks: Iterable[tuple[int, bytes]]) -> Iterator[Record | Dropped]:
        """`filter` over blocks of lines, in input order. Raises what reading and the rules raise, after the results of
        all lines before; O1jError where a worker died."""
        waiting: queue.Queue[Future | BaseException | None] = queue.Queue(self._jobs * _AHEAD)
        threading.Thread(target=self._read, args=(blocks, waiting), name="o1j-read", daemon=True).start()
        while (task := waiting.get()) is not None:
            if isinstance(task, BaseException):
                raise task
            try:
                judged, failure = task.result()
            except BrokenProcessPool as error:
                raise O1jError("a worker of -j died; is there memory enough? Fewer workers need less") from error
            for result in judged:
                yield self._settle(result)
            if failure:
                raise failure

    def _read(self, blocks: Iterable[tuple[int, bytes]], waiting: queue.Queue) -> None:
        """Read on while results are waited for, so that a silent input holds up none that is done."""
        try:
            for first, block in blocks:
                waiting.put(self._pool.submit(_judge, first, block))
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    def _settle(self, judged: Judged) -> Record | Dropped:
        if judged.key is not None:
            found = self._remembering.find(judged.key)
            if found:
                return Dropped(self._record(judged).but(**found.fields) if judged.line else Record(), found.reason)
            if judged.reason is None:
                self._remembering.keep(judged.key, judged.place)
        if judged.reason is not None:
            return Dropped(self._record(judged) if judged.line else Record(), judged.reason)
        return self._record(judged) if self._kept_fields else Lines(judged.line, judged.held)

    def _record(self, judged: Judged) -> Record:
        record = Record(loads(judged.line), raw=judged.line)
        return record if judged.changed else resolve(record, self._mapping)


_plan: Plan


def _start(plan: Plan) -> None:
    """A worker begins: Ctrl-C is the parent's business."""
    global _plan
    _plan = plan
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _judge(first: int, block: bytes) -> tuple[list[Judged], O1jError | None]:
    """The results for one block of lines, and what ended it early, if anything did."""
    judged: list[Judged] = []
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    failure = None
    try:
        for record in parse((line + b"\n" for line in lines), _plan.name, first):
            judged.append(_judge_one(resolve(record, _plan.mapping)))
    except O1jError as error:
        failure = error
    return (judged if _plan.remembering or _plan.kept_fields else _merged(judged)), failure


def _merged(judged: list[Judged]) -> list[Judged]:
    """The same with all kept lines in one: they go to another stream than the dropped, and travel faster together."""
    kept = [result.line for result in judged if result.reason is None]
    dropped = [result for result in judged if result.reason is not None]
    whole = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in kept)
    return [Judged(whole, False, None, held=len(kept)), *dropped] if kept else dropped


def _judge_one(record: Record) -> Judged:
    result = judge(record, _plan.before)
    if isinstance(result, Dropped):
        return _judged(result.record, result.reason)
    if not _plan.remembering:
        return _judged(result, None)
    key, place = _plan.remembering(result), place_of(result)
    result = judge(result, _plan.after)
    if isinstance(result, Dropped):
        return _judged(result.record, result.reason, key, place)
    return _judged(result, None, key, place)


def _judged(record: Record, reason: str | None, key: Any = None, place: str | int = 0) -> Judged:
    if reason is not None and not _plan.dropped_fields:
        return Judged(b"", False, reason, key, place)
    if record.raw is not None:
        return Judged(record.raw, False, reason, key, place)
    return Judged(dumps(record.on_disk()) + b"\n", True, reason, key, place)
