"""Benchmarks as package data: one TOML file each says where the problems are, at which revision, and how to read
them. Adding a bench is adding a file; `tests/eval/test_benches.py` checks it.
"""

from __future__ import annotations

import csv
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from o1j.errors import InputError, Unavailable, UsageError
from o1j.records import Dropped, Record, normalise, read, stable_id
from o1j.records.record import as_text

_RAW = "https://raw.githubusercontent.com/{repo}/{revision}/{path}"
_SECONDS = 60  # of silence while a bench is fetched


@dataclass(frozen=True)
class Bench:
    """One benchmark.

    problems: how many it has; repo, revision, path: the file, on GitHub; fields: o1j's name → the file's name;
    gold_after: the answer is what follows the last of these marks; reference: published points {`model`,
    `accuracy`, `mean_tokens`, `source`}; missing: what is not known about it, in words.
    """

    name: str
    title: str
    why: str
    problems: int
    language: str
    grader: str
    prompt: str
    repo: str
    revision: str
    path: str
    fields: Mapping[str, str]
    licence: str | None = None
    gold_after: str | None = None
    reference: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    missing: Sequence[str] = ()

    @property
    def url(self) -> str:
        return _RAW.format(repo=self.repo, revision=self.revision, path=self.path)

    def row(self) -> dict[str, Any]:
        """What `--list-benches` shows of it."""
        names = ("name", "title", "problems", "language", "grader", "licence", "url", "why")
        return {**{name: getattr(self, name) for name in names}, "missing": list(self.missing)}


def names() -> list[str]:
    """All benches, in alphabetical order."""
    return sorted(entry.name[:-5] for entry in files(__name__).iterdir() if entry.name.endswith(".toml"))


def load(name: str) -> Bench:
    """The bench `name`; raises UsageError naming those that there are."""
    if name not in names():
        raise UsageError(f"--bench {name}: there is no such bench; there are {', '.join(names())}")
    return parse(name, (files(__name__) / f"{name}.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Bench:
    """A bench out of the text of its TOML file; unknown or missing keys raise TypeError or KeyError."""
    try:
        import tomllib
    except ModuleNotFoundError:
        import tomli as tomllib  # Python 3.10
    facts = tomllib.loads(text)
    data, gold = facts.pop("data"), facts.pop("gold", {})
    return Bench(name=name, **data, gold_after=gold.get("after"), **facts)


def problems(bench: Bench, data: str | None = None, cache: Path | None = None) -> Iterator[Record]:
    """The bench's problems as records, from `data` (a local copy) or fetched once and kept under `cache`.

    Raises Unavailable where it can't be fetched and InputError where what was fetched is not the whole bench.
    """
    if data is not None:
        yield from (_as_record(bench, row) for row in _rows(data))
        return
    source = fetched(bench.url, _place(bench, cache))
    count = 0
    for row in _rows(str(source)):
        count += 1
        yield _as_record(bench, row)
    if count != bench.problems:
        raise InputError(
            f"{source}: {count} problems where {bench.name} has {bench.problems}; remove the file to fetch it again"
        )


def _rows(path: str) -> Iterator[Record]:
    if not path.endswith(".csv"):
        yield from read(path)
        return
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                yield Record({name: value for name, value in row.items() if isinstance(name, str)}, source=path)
    except OSError as error:
        raise Unavailable(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable CSV file ({error})") from error


def _place(bench: Bench, cache: Path | None) -> Path:
    folder = cache or Path(os.environ.get("O1J_CACHE") or Path.home() / ".cache" / "o1j")
    return folder / "benches" / f"{bench.name}@{bench.revision}{Path(bench.path).suffix}"


def fetched(url: str, target: Path) -> Path:
    """`target`, holding what `url` holds; fetched if it is not there, and put in place whole."""
    if target.exists():
        return target
    try:
        # The URLs are those of o1j's own benches, never a record's.
        with urllib.request.urlopen(url, timeout=_SECONDS) as response:
            body = response.read()
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        partial.write_bytes(body)
        os.replace(partial, target)
    except (OSError, urllib.error.URLError) as error:
        reason = error if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", error)
        raise Unavailable(f"{url}: {reason}; give a local copy of the bench with --data FILE") from error
    return target


def _as_record(bench: Bench, row: Record) -> Record:
    values = {name: as_text(row.get(wild)) for name, wild in bench.fields.items()}
    values["id"] = stable_id(row if "id" not in values else {"id": values["id"]})
    answer = values.get("answer")
    if bench.gold_after and isinstance(answer, str):
        values["answer"] = answer.rpartition(bench.gold_after)[2].strip()
    known = {name: value for name, value in values.items() if value is not None}
    ordered = {"id": known.pop("id"), **known, "source": bench.name, "language": bench.language}
    return Record(ordered, source=row.source, line=row.line)


class Matcher:
    """Finds a record's problem in a bench, by id, then by problem text."""

    def __init__(self, bench: Bench, items: Iterable[Record]):
        self.bench = bench
        self.items = list(items)
        self.by_id = {stable_id(item): item for item in self.items}
        self.by_problem = {_loose(str(item.get("problem") or "")): item for item in self.items}
        self.met: set[str] = set()

    def find(self, record: Record) -> Record | None:
        """The bench's own record, or None.

        Where the ids agree and the texts do not, and the text is that of another problem of the bench, the ids are
        another numbering (0, 1, 2 …), and the text decides.
        """
        by_problem = self.by_problem.get(_loose(str(record.get("problem") or "")))
        item = by_problem or self.by_id.get(stable_id(record))
        if item is not None:
            self.met.add(stable_id(item))
        return item

    def matched(self, records: Iterable[Record]) -> Iterator[Record | Dropped]:
        """The records with the bench's id, gold answer and fields; Dropped as `not-in-bench` where none fits."""
        for record in records:
            item = self.find(record)
            if item is None:
                yield Dropped(record, "not-in-bench")
            else:
                yield record.but(**item)

    @property
    def unanswered(self) -> int:
        """How many of the bench's problems no record was about."""
        return len(self.items) - len(self.met)


def _loose(problem: str) -> str:
    """A problem's text as far as copies of it agree: without white space, dollar signs and case."""
    return re.sub(r"[\s$]+", "", normalise(problem)).casefold()
