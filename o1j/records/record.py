"""One record: its fields as they stand on disk, and the canonical names that o1j reads them by."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

# Names in the wild, in the order in which they are tried; the canonical name itself beats them all.
WILD_NAMES: dict[str, tuple[str, ...]] = {
    "problem": ("question", "query", "prompt", "instruction"),
    "answer": ("expected_answer", "final_answer", "gold_answer", "ground_truth", "target", "gt"),
    "response": ("output", "completion", "model_output", "responses", "generated_responses", "code"),
}
_ALL_WILD = frozenset(wild for names in WILD_NAMES.values() for wild in names)
_ABSENT = object()


class Record(dict):
    """A JSON object with canonical names on top: `record["problem"]` works where the file says `question`.

    `raw` is the line that it was read from, written back byte for byte while nothing changed; `resolved` names
    the fields that reading added or turned into text (with what stands on disk), so that they are not written
    back. Steps never mutate a record: they make a changed copy with `but` and `without`.
    """

    __slots__ = ("line", "raw", "resolved", "source")

    def __init__(self, fields: Mapping[str, Any] = (), *, raw: bytes | None = None, source: str = "", line: int = 0):
        super().__init__(fields)
        self.raw = raw
        self.resolved: dict[str, Any] | None = None
        self.source = source
        self.line = line

    @property
    def where(self) -> str:
        """`file:line`, for messages."""
        return f"{self.source or 'record'}:{self.line}"

    def but(self, **changes: Any) -> "Record":
        """A copy with `changes`; known fields keep their place, new ones come at the end."""
        copy = self._changed(self, changes)
        copy.update(changes)
        return copy

    def without(self, *names: str) -> "Record":
        """A copy that lacks `names`."""
        return self._changed({name: value for name, value in self.items() if name not in names}, names)

    def on_disk(self) -> dict[str, Any]:
        """The fields to write: what reading resolved is taken back, what steps set stays."""
        if not self.resolved:
            return self
        fields = {name: self.resolved.get(name, value) for name, value in self.items()}
        return {name: value for name, value in fields.items() if value is not _ABSENT}

    def _changed(self, fields: dict[str, Any], touched: Iterable[str]) -> "Record":
        copy = Record(fields, source=self.source, line=self.line)
        if self.resolved:
            copy.resolved = {name: value for name, value in self.resolved.items() if name not in touched}
        return copy


class Lines(Record):
    """Records, `held` of them, as the lines that they are to be written as, in `raw`; it has no fields."""

    __slots__ = ("held",)

    def __init__(self, raw: bytes, held: int = 1):
        super().__init__(raw=raw)
        self.held = held

    def but(self, **_: Any) -> "Lines":
        """Itself: what was to be changed is changed already."""
        return self


class Dropped(NamedTuple):
    """A record that a step leaves out, and the name of the reason.

    `technical` marks what a server or worker failed to do (exit code 1), apart from a step's own rules.
    """

    record: Record
    reason: str
    technical: bool = False


Step = Callable[[Iterable[Record]], Iterator["Record | Dropped"]]


def resolve(record: Record, mapping: Iterable[tuple[str, str]] = ()) -> Record:
    """Give `record` its canonical names in place: `--map` beats the canonical field, which beats `WILD_NAMES`.

    `mapping` holds (canonical name, field) pairs, read from the original record so that fields can swap. A value
    that it displaces is kept as `original_NAME`.
    """
    resolved: dict[str, Any] = {}
    if mapping:
        found = [(name, record[field]) for name, field in mapping if record.get(field) is not None]
        displaced = {f"original_{name}": record[name] for name, _ in found if record.get(name) is not None}
        for name, value in found:
            if f"original_{name}" not in displaced:
                resolved[name] = record.get(name, _ABSENT)
            record[name] = value
        record.update(displaced)
    canonical = _ALL_WILD.isdisjoint(record)  # nearly always, and cheaper than to try every name
    for name, wild_names in WILD_NAMES.items():
        value = record.get(name)
        if value is None:
            for wild_name in () if canonical else wild_names:
                value = record.get(wild_name)
                if value is not None and (name != "problem" or isinstance(value, (str, int, float))):
                    resolved[name] = record.get(name, _ABSENT)
                    record[name] = value
                    break
            else:
                continue
        if type(value) is not str and name != "response":
            text = as_text(value)
            if text is not value:
                resolved.setdefault(name, value)
                record[name] = text
    record.resolved = resolved or None
    return record


def as_text(value: Any) -> Any:
    """Numbers become strings, 27.0 as "27"; in a list, each of its elements; everything else stays as it is."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list) and any(isinstance(item, (int, float)) for item in value):
        return [as_text(item) for item in value]
    return value


def normalise(text: str) -> str:
    """The form in which two spellings of one problem are the same: Unicode NFC, white space collapsed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def stable_id(record: Mapping[str, Any]) -> str:
    """The record's `id`; where it has none, the first 16 hex digits of SHA-256 over its normalised problem."""
    given = record.get("id")
    if given is not None:
        return str(as_text(given))
    problem = str(record.get("problem") or "")
    return hashlib.sha256(normalise(problem).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def lineage(
    record: Mapping[str, Any],
    *,
    step: str,
    run: str,
    model: str | None = None,
    prompt: str | None = None,
    parents: Iterable[str] = (),
    usage: Mapping[str, int] | None = None,
    on_truncation: str | None = None,
) -> list[dict[str, Any]]:
    """The record's lineage with one entry more; `prompt` is a hash, `parents` are ids, `usage` counts tokens,
    `on_truncation` is the policy for cut replies where it is not the verb's own."""
    entry = {
        "step": step,
        "run": run,
        "model": model,
        "prompt": prompt,
        "parents": list(parents),
        "usage": usage,
        "on_truncation": on_truncation,
    }
    past = record.get("lineage")
    return [
        *(past if isinstance(past, list) else ()),
        {name: value for name, value in entry.items() if value},
    ]
