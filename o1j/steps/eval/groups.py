"""Records of one problem, put together: consecutive ones as they come, scattered ones on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from o1j.errors import O1jError
from o1j.records import Record, stable_id

Key = tuple[str, str | None, str | None]


def key_of(record: Record) -> Key:
    """(`id`, `language`, `model`): records that share it are one problem's samples."""
    return stable_id(record), _text(record.get("language")), _text(record.get("model"))


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def together(records: Iterable[Record], *, gather: bool = False) -> Iterator[list[Record]]:
    """The records of each problem; `gather` reads all input first and keeps the order of first appearance.

    Where reading fails, what was read before is yielded first.
    """
    found: dict[Key, list[Record]] = {}
    failure = None
    try:
        for record in records:
            key = key_of(record)
            if not gather and found and key not in found:
                yield from found.values()
                found = {}
            found.setdefault(key, []).append(record)
    except O1jError as error:
        failure = error
    yield from found.values()
    if failure:
        raise failure


def merged_lineage(group: Iterable[Record]) -> list:
    """The lineage entries of a group, each once, in order."""
    entries: list = []
    for entry in chain.from_iterable(_entries(record) for record in group):
        if entry not in entries:
            entries.append(entry)
    return entries


def _entries(record: Record) -> list:
    entries = record.get("lineage")
    return entries if isinstance(entries, list) else []
