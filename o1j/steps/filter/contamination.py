"""Decontamination: does a record hold a benchmark's problem, in any of its texts?

Both sides are brought to one spelling without white space (`normal`), so that re-spaced LaTeX is no disguise. Then the
share of a bench problem's 16-byte windows (16 Latin letters, about three words; 5 Chinese characters) that occur in the
text is its score. Windows that several bench problems share ("where $m$ and $n$ are relatively prime…") are templates
and count for nothing. Bench problems of less than 28 bytes have to be a whole
sentence of the text, or nearly all of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from o1j.errors import UsageError, need
from o1j.records import stable_id
from o1j.steps.filter.normal import normal
from o1j.steps.filter.rules import Noted

ENOUGH = 0.5  # share of a bench problem's windows from which on a text holds it
_WINDOW = 16  # bytes, a multiple of 8
_SHORT = 28  # bytes, normalised; below, whole sentences are compared
_AROUND = 60  # characters that may stand around such a short problem in a text of its own
_TEMPLATE = 3  # bench problems; a window that as many share names none of them
_BITS = 21  # of a window's hash index the bitmap (2 MB) that says "not in any bench" for nearly every window

_TEXTS = (
    *("problem", "solution", "response", "reasoning"),
    *("original_problem", "original_solution", "original_response", "translation"),
)
_DRAWING = re.compile(r"\[asy\].*?(?:\[/asy\]|$)|!\[[^\]]*\]\([^)]*\)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.?!。？！])\s+|\n+|(?<=[。？！])")


class Contamination:
    """Holds a problem of a benchmark (--decontaminate FILE…) in its problem, solution, response or messages: half of
    the problem's 16-byte windows, LaTeX brought to one spelling. `contaminated_by` tells which, where and how much."""

    def __init__(self, bench: Iterable[tuple[str, Mapping[str, Any]]]):
        """`bench` yields (file, record); raises UsageError where it holds no problem, Unavailable without numpy."""
        self._numpy = need("numpy", "data", "decontamination")
        self._names: list[dict[str, str]] = []
        self._short: dict[str, int] = {}
        texts: list[tuple[int, bytes]] = []
        for file, record in bench:
            text = _plain(str(record.get("problem") or ""))
            if not text:
                continue
            item = len(self._names)
            self._names.append({"bench": file, "id": stable_id(record)})
            encoded = text.encode("utf-8", "surrogatepass")
            if len(encoded) < _SHORT:
                self._short.setdefault(text, item)
            else:
                texts.append((item, encoded))
        if not self._names:
            raise UsageError("--decontaminate: there is no problem in these files")
        self._index(texts)

    def __call__(self, record: Mapping[str, Any]) -> Noted | None:
        hits = [hit for field, text in _texts(record) for hit in self.search(text, field)]
        return Noted({"contaminated_by": hits}, "contaminated") if hits else None

    def search(self, text: str, field: str = "text") -> Iterator[dict[str, Any]]:
        """What of the bench `text` holds: {bench, id, field, score 0 to 1, span: [begin, end] in characters}."""
        plain = _plain(text)
        if self._short:
            yield from self._short_hits(text, plain, field)
        encoded = plain.encode("utf-8", "surrogatepass")
        found = self._hits(encoded)
        for item, (windows, first, last) in found.items():
            score = windows / int(self._sizes[item])
            if score >= ENOUGH:
                begin = len(encoded[:first].decode("utf-8", "ignore"))
                end = len(encoded[: last + _WINDOW].decode("utf-8", "ignore"))
                span = [_original_position(text, begin + 1) - 1, _original_position(text, end)]
                yield {**self._names[item], "field": field, "score": round(score, 3), "span": span}

    def _index(self, texts: list[tuple[int, bytes]]) -> None:
        """Windows of all bench problems: sorted hashes, their items, a bitmap of their upper bits."""
        numpy = self._numpy
        hashes = [numpy.unique(self._hashes(text)) for _, text in texts]
        every = numpy.concatenate(hashes) if hashes else numpy.empty(0, numpy.uint64)
        items = numpy.concatenate(
            [numpy.full(len(part), item) for (item, _), part in zip(texts, hashes, strict=True)]
            or [numpy.empty(0, numpy.int64)]
        )
        values, counts = numpy.unique(every, return_counts=True)
        template = numpy.isin(every, values[counts >= _TEMPLATE])
        sizes = numpy.bincount(items[~template], minlength=len(self._names))
        # A problem made of templates alone keeps them: without, nothing of it could be found.
        bare = sizes * 3 < numpy.bincount(items, minlength=len(self._names))
        used = ~template | bare[items]
        order = numpy.argsort(every[used], kind="stable")
        self._keys, self._items = every[used][order], items[used][order]
        self._sizes = numpy.bincount(self._items, minlength=len(self._names))
        self._bitmap = numpy.zeros(1 << _BITS, dtype=bool)
        self._bitmap[self._keys >> numpy.uint64(64 - _BITS)] = True

    def _hashes(self, text: bytes) -> Any:
        """One 64-bit hash for every window of `text`, vectorised over its bytes."""
        numpy = self._numpy
        if len(text) < _WINDOW:
            return numpy.empty(0, numpy.uint64)
        words = numpy.ndarray((len(text) - 7,), "<u8", text, 0, (1,))
        count = len(text) - _WINDOW + 1
        mixed = numpy.zeros(count, numpy.uint64)
        for offset in range(0, _WINDOW, 8):
            mixed ^= mixed >> numpy.uint64(29)
            mixed += words[offset : offset + count]
            mixed *= numpy.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> numpy.uint64(32)
        mixed *= numpy.uint64(0x94D049BB133111EB)
        return mixed

    def _hits(self, text: bytes) -> dict[int, tuple[int, int, int]]:
        """item → (distinct windows of it that occur in `text`, first and last place of one), in bytes."""
        numpy = self._numpy
        hashes = self._hashes(text)
        places = numpy.flatnonzero(self._bitmap[hashes >> numpy.uint64(64 - _BITS)])
        if not len(places):
            return {}
        candidates = hashes[places]
        left = numpy.searchsorted(self._keys, candidates, "left")
        right = numpy.searchsorted(self._keys, candidates, "right")
        found: dict[int, tuple[set[int], int, int]] = {}
        known = left < right
        for place, begin, end in zip(*(part[known].tolist() for part in (places, left, right)), strict=True):
            for entry in range(begin, end):
                item = int(self._items[entry])
                windows, first, _ = found.setdefault(item, (set(), place, place))
                windows.add(entry)
                found[item] = (windows, first, place)
        return {item: (len(windows), first, last) for item, (windows, first, last) in found.items()}

    def _short_hits(self, text: str, plain: str, field: str) -> Iterator[dict[str, Any]]:
        held = [item for short, item in self._short.items() if short in plain]
        if held and len(plain) < _SHORT + _AROUND:
            yield {**self._names[held[0]], "field": field, "score": 1.0, "span": [0, len(text)]}
        if not held or len(plain) < _SHORT + _AROUND:
            return
        place = 0
        for sentence in _SENTENCE.split(text):
            item = self._short.get(_plain(sentence)) if len(sentence) < 4 * _SHORT else None
            if item is not None:
                begin = text.find(sentence, place)
                span = [begin, begin + len(sentence)]
                yield {**self._names[item], "field": field, "score": 1.0, "span": span}
            place += len(sentence)


def _plain(text: str) -> str:
    return normal(_DRAWING.sub("", text) if "[asy]" in text or "![" in text else text)


def _texts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text of the record that training could see, each once: (field, text)."""
    seen: set[str] = set()
    fields = [(name, record.get(name)) for name in _TEXTS]
    messages = record.get("messages")
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            fields += [
                (f"messages[{number}]", message.get("content")),
                (f"messages[{number}]", message.get("reasoning_content")),
            ]
    for name, value in fields:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text and text not in seen:
                seen.add(text)
                yield name, text


def _original_position(text: str, position: int) -> int:
    """Where in `text` the character at `position` of its plain form stands: what comes before has the same length."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        if len(_plain(text[:middle])) < position:
            low = middle + 1
        else:
            high = middle
    return low
