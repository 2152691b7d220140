"""Records of one problem, put together: consecutive ones as they come, scattered ones on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from o1j.records import Record, stable_id

Key = tuple[str, str | None, str | None]


def key_of(record: Record) -> Key:
    """(`id`, `language`, `model`): records that share it are one problem's samples."""
    return stable_id(record), record.get("language"), record.get("model")


def together(records: Iterable[Record], *, gather: bool = False) -> Iterator[list[Record]]:
    """The records of each problem; `gather` reads all input first and keeps the order of first appearance."""
    if not gather:
        return (list(group) for _, group in groupby(records, key_of))
    found: dict[Key, list[Record]] = {}
    for record in records:
        found.setdefault(key_of(record), []).append(record)
    return iter(found.values())


def merged_lineage(group: Iterable[Record]) -> list:
    """The lineage entries of a group, each once, in order."""
    entries: list = []
    for entry in chain.from_iterable(record.get("lineage") or () for record in group):
        if entry not in entries:
            entries.append(entry)
    return entries
