"""The filter on several processor cores: workers judge blocks of lines, the parent puts the results in order.

Of a plain file a worker gets a place and reads the lines itself; other input travels to it as bytes. What remembers
earlier records (duplicates) asks and answers in the parent, so that the result is that of one process, byte for byte.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from o1j.crew import Crew
from o1j.errors import InputError, O1jError
from o1j.records import Block, Dropped, Lines, Record
from o1j.records.json import dumps, loads
from o1j.records.read import parse
from o1j.records.record import resolve
from o1j.steps.filter import judge
from o1j.steps.filter.duplicates import place_of
from o1j.steps.filter.rules import Rule


class Judged(NamedTuple):
    """A worker's result for one line: `reason` None is kept. `key` (for what remembers) is set where the record passed
    all rules before the remembering one; `reason` is then that of a rule after it. `line` is the input's own unless
    the rules `changed` the record; without a key a dropped one is `line` as --rejects has it."""

    line: bytes
    changed: bool
    reason: str | None
    key: Any = None
    place: str | int | None = None  # the record's id, if it has one; else its copies are told its `number`
    number: int = 0


class Result(NamedTuple):
    """A worker's results for one block of `lines` lines, numbered from `first` on; `failure` ended it early. `held`
    kept lines follow as one message of bytes: they go to another stream than the dropped, and travel faster together.
    """

    first: int
    lines: int
    held: int
    judged: list[Judged]
    failure: O1jError | None


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
        rules = tuple(rules)
        at = next((number for number, rule in enumerate(rules) if hasattr(rule, "kept")), len(rules))
        self._remembering = rules[at] if at < len(rules) else None
        self._plan = Plan(
            name=name,
            mapping=tuple(mapping),
            kept_fields=kept_fields,
            dropped_fields=dropped_fields,
            before=rules[:at],
            remembering=type(self._remembering).key if self._remembering else None,
            after=rules[at + 1 :],
        )
        self._crew: Crew[Block, Result] = Crew(jobs, partial(_judge, plan=self._plan))

    def __enter__(self) -> "Workers":
        self._crew.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.__exit__()

    def filter(self, blocks: Iterable[Block]) -> Iterator[Record | Dropped]:
        """`filter` over blocks of lines, in input order. Raises what reading and the rules raise, after the results of
        all lines before; O1jError where a worker died."""
        first = 1
        for result, kept in self._crew.map(blocks):
            if result.held:
                yield Lines(kept, result.held)
            for judged in result.judged:
                yield self._settle(judged, first - result.first)
            if result.failure:
                raise _renumbered(result.failure, self._plan.name, first - result.first)
            first += result.lines

    def _settle(self, judged: Judged, before: int) -> Record | Dropped:
        """The record of one line, `before` lines behind its number; what remembers has the last word."""
        if judged.key is not None:
            found = self._remembering.find(judged.key)
            if found:
                return Dropped(self._record(judged).but(**found.fields) if judged.line else Record(), found.reason)
            if judged.reason is None:
                place = judged.number + before if judged.place is None else judged.place
                self._remembering.keep(judged.key, place)
        if judged.reason is not None:
            remembered = judged.key is not None and judged.line
            return Dropped(self._record(judged) if remembered else Lines(judged.line), judged.reason)
        return self._record(judged) if self._plan.kept_fields else Lines(judged.line)

    def _record(self, judged: Judged) -> Record:
        record = Record(loads(judged.line), raw=judged.line)
        return record if judged.changed else resolve(record, self._plan.mapping)


def _renumbered(error: O1jError, name: str, by: int) -> O1jError:
    """The error of a line that counted from its block's beginning, with the line's number in the input."""
    number, colon, rest = str(error).removeprefix(f"{name}:").partition(":")
    if not (by and isinstance(error, InputError) and str(error).startswith(f"{name}:") and number.isdigit() and colon):
        return error
    return InputError(f"{name}:{int(number) + by}:{rest}")


def _judge(block: Block, plan: Plan) -> tuple[Result, bytes]:
    """The results for one block of lines; its kept lines apart, where nobody has to look at them one by one."""
    together = not (plan.remembering or plan.kept_fields)
    judged: list[Judged] = []
    kept: list[bytes] = []
    failure = None
    count = 0
    try:
        lines = block.lines()
        count = len(lines)
        for record in parse(lines, plan.name, block.first):
            result = judge(resolve(record, plan.mapping), plan.before)
            if isinstance(result, Dropped):
                judged.append(_dropped(result, plan))
            elif together:
                kept.append(_line(result))
            else:
                judged.append(_passed(result, plan))
    except O1jError as error:
        failure = error
    held = len(kept)
    if kept and not kept[-1].endswith(b"\n"):
        kept.append(b"\n")
    return Result(block.first, count, held, judged, failure), b"".join(kept)


def _dropped(result: Dropped, plan: Plan) -> Judged:
    if not plan.dropped_fields:
        return Judged(b"", False, result.reason)
    return Judged(_line(result.record.but(reason=result.reason)), True, result.reason)


def _passed(record: Record, plan: Plan) -> Judged:
    """A record that all rules before the remembering one let pass."""
    if not plan.remembering:
        return _judged(record, None, plan)
    key, place = plan.remembering(record), place_of(record) if record.get("id") is not None else None
    number = record.line
    result = judge(record, plan.after)
    if isinstance(result, Dropped):
        return _judged(result.record, result.reason, plan, key, place, number)
    return _judged(result, None, plan, key, place, number)


def _judged(
    record: Record,
    reason: str | None,
    plan: Plan,
    key: Any = None,
    place: str | int | None = None,
    number: int = 0,
) -> Judged:
    if reason is not None and not plan.dropped_fields:
        return Judged(b"", False, reason, key, place, number)
    return Judged(_line(record), record.raw is None, reason, key, place, number)


def _line(record: Record) -> bytes:
    """The line that a record is written as: its own, where it is as it was read."""
    return dumps(record.on_disk()) + b"\n" if record.raw is None else record.raw
