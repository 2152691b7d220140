"""Decontamination: does a record hold a benchmark's problem, in any of its texts?

Two looks. The first is fast: both sides are brought to one spelling without white space (`normal`), so that re-spaced
LaTeX is no disguise, and the share of a bench problem's 16-byte windows (16 Latin letters, about three words; 5 Chinese
characters) that occur in the text says whether it may be there. Windows that several bench problems share ("where $m$
and $n$ are relatively prime…") are templates and count for nothing. The second look takes the place where most of
these windows lie, and aligns words, digits and signs in order (`difflib`): a copy with every tenth word replaced keeps
nine tenths of them, a problem of the same kind much less. Where a third of the digits stand against other digits, it is
another problem from the same mould. The score is the larger of the shares.

Bench problems of less than 28 bytes have to be a whole sentence of the text, or nearly all of it; whether that begins
with "Compute", "Find the value of" or "What is" makes no difference.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from o1j.errors import UsageError, need
from o1j.records import stable_id
from o1j.steps.filter.choices import stem, undrawn
from o1j.steps.filter.normal import normal, tokens
from o1j.steps.filter.rules import Noted

CERTAIN = 0.8  # share of a bench problem's windows from which on a text holds it, unless it has other numbers
_HALF, _HALF_ALIGNED = 0.5, 0.6  # shares of windows and of aligned tokens that together say so, too
_GATE = 0.12  # share of windows below which there is no second look
_ALIGNED = 0.6  # share of aligned tokens that says so at the gate, for a problem of at least
_LONG = 40  # tokens; a shorter one needs a hundredth more for every token that it lacks
_RUN = 3  # tokens; shorter matches are chance
_ROOM = 1.6  # times a bench problem's length: the place in a longer text where the second look is taken
_OTHER_NUMBERS = 0.5  # digits that stand against other digits, for each one that is the same: another problem
_WINDOW = 16  # bytes, a multiple of 8
_SHORT = 28  # bytes, normalised; below, whole sentences are compared
_STEM = 48  # bytes, normalised; below, the question of a multiple choice ("下列结论正确的是") names none
_AROUND = 60  # characters that may stand around such a short problem in a text of its own
_TEMPLATE = 3  # bench problems; a window that as many share names none of them
_BITS = 21  # of a window's hash index the bitmap (2 MB) that says "not in any bench" for nearly every window

_TEXTS = (
    *("problem", "solution", "response", "reasoning"),
    *("original_problem", "original_solution", "original_response", "translation"),
)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
# How a short question may begin, in the spelling of `normal`.
_ASKING = re.compile(
    r"^(?:please)?(?:computethevalueof|findthevalueof|evaluate|calculate|compute|determine|simplify|whatisthevalueof"
    r"|whatis|whats|find|计算|求出?|化简)"
)
_LEAST = 4  # characters of such a question after that
_QUOTED = re.compile(r"^>[ >]*", re.MULTILINE)  # in a mail or in Markdown
_SENTENCE = re.compile(r"(?<=[.?!:])\s+|\n+|(?<=[。？！：])")


class Contamination:
    """Holds a problem of a benchmark (--decontaminate FILE…) in its problem, solution, response or messages: verbatim,
    re-spaced, with some words replaced. `contaminated_by` tells which, where and how much."""

    def __init__(self, bench: Iterable[tuple[str, Mapping[str, Any]]]):
        """`bench` yields (file, record); raises UsageError where it holds no problem, Unavailable without numpy."""
        self._numpy = need("numpy", "data", "decontamination")
        self._names: list[dict[str, str]] = []
        self._tokens: list[list[str]] = []
        self._short: dict[str, int] = {}  # plain form → item
        self._asked: dict[str, int] = {}  # the same without "compute" and the like
        texts: list[tuple[int, bytes]] = []
        self._stems: set[int] = set()
        for file, record in bench:
            problem = str(record.get("problem") or "")
            question = stem(problem)  # found by itself, too: other options or their order make no other problem
            for text in (problem, question) if len(question) < len(problem) else (problem,):
                item = len(self._names)
                plain = _plain(text)
                encoded = plain.encode("utf-8", "surrogatepass")
                if not encoded or (text is not problem and len(encoded) < _STEM):
                    continue
                self._names.append({"bench": file, "id": stable_id(record)})
                self._tokens.append(tokens(_unpictured(text)))
                if text is not problem:
                    self._stems.add(item)
                if len(encoded) < _SHORT:
                    self._short.setdefault(plain, item)
                    self._asked.setdefault(_core(plain) or plain, item)
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
        told = set()
        for hit in self._found(text, field):
            if (hit["bench"], hit["id"]) not in told:  # by its question alone, too
                told.add((hit["bench"], hit["id"]))
                yield hit

    def _found(self, text: str, field: str) -> Iterator[dict[str, Any]]:
        plain = _plain(text)
        if self._short:
            yield from self._short_hits(text, plain, field)
        encoded = plain.encode("utf-8", "surrogatepass")
        for item, places in self._hits(encoded).items():
            share = len(places) / int(self._sizes[item])
            if share < _GATE:
                continue
            begin, end = _densest(sorted(places.values()), int(self._lengths[item] * _ROOM))
            place = _Place(text, encoded, begin, end + _WINDOW)
            aligned, sibling = self._aligned(item, place) if share < 1 else (1.0, False)
            if not sibling and (share >= CERTAIN or _holds(share, aligned, len(self._tokens[item]))):
                score = share if share >= CERTAIN else max(share, aligned)
                yield {**self._names[item], "field": field, "score": round(score, 3), "span": list(place.span())}

    def _aligned(self, item: int, place: "_Place") -> tuple[float, bool]:
        """The share of the item's tokens that occur in their order around `place`, in runs; whether their numbers are
        others."""
        wanted, length, text = self._tokens[item], self._lengths[item], place.text
        if len(place.encoded) > 2 * length:
            begin, end = place.span()
            room = max(0, int(length * _ROOM) - (end - begin)) // 2
            text = text[max(0, begin - room) : end + room]
        found = tokens(_unpictured(text))
        if (Counter(wanted) & Counter(found)).total() < _HALF_ALIGNED * len(wanted):
            return 0.0, False  # they can't be aligned; quickly told
        matcher = SequenceMatcher(None, wanted, found, autojunk=False)
        same = other = 0
        for change, begin, end, first, last in matcher.get_opcodes():
            digits = _digits(wanted[begin:end])
            if change == "equal":
                same += digits
            elif change == "replace":
                other += min(digits, _digits(found[first:last]))
        aligned = sum(run.size for run in matcher.get_matching_blocks() if run.size >= _RUN) / max(1, len(wanted))
        return aligned, other > 0 and other >= _OTHER_NUMBERS * same

    def _index(self, texts: list[tuple[int, bytes]]) -> None:
        """Windows of all bench problems: sorted hashes, their items, a bitmap of their upper bits."""
        numpy = self._numpy
        hashes = [numpy.unique(self._hashes(text)) for _, text in texts]
        every = numpy.concatenate(hashes) if hashes else numpy.empty(0, numpy.uint64)
        items = numpy.concatenate(
            [numpy.full(len(part), item) for (item, _), part in zip(texts, hashes, strict=True)]
            or [numpy.empty(0, numpy.int64)]
        )
        problems = ~numpy.isin(items, list(self._stems))
        values, counts = numpy.unique(every[problems], return_counts=True)
        template = numpy.isin(every, values[counts >= _TEMPLATE])
        sizes = numpy.bincount(items[~template], minlength=len(self._names))
        # A problem made of templates alone keeps them: without, nothing of it could be found.
        bare = sizes * 3 < numpy.bincount(items, minlength=len(self._names))
        used = ~template | bare[items]
        order = numpy.argsort(every[used], kind="stable")
        self._keys, self._items = every[used][order], items[used][order]
        self._sizes = numpy.bincount(self._items, minlength=len(self._names))
        self._lengths = {item: len(text) for item, text in texts}
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

    def _hits(self, text: bytes) -> dict[int, dict[int, int]]:
        """item → its distinct windows that occur in `text`, each with the place of its last occurrence, in bytes."""
        numpy = self._numpy
        hashes = self._hashes(text)
        places = numpy.flatnonzero(self._bitmap[hashes >> numpy.uint64(64 - _BITS)])
        if not len(places):
            return {}
        candidates = hashes[places]
        left = numpy.searchsorted(self._keys, candidates, "left")
        right = numpy.searchsorted(self._keys, candidates, "right")
        found: dict[int, dict[int, int]] = {}
        known = left < right
        for place, begin, end in zip(*(part[known].tolist() for part in (places, left, right)), strict=True):
            for entry in range(begin, end):
                found.setdefault(int(self._items[entry]), {})[entry] = place
        return found

    def _short_hits(self, text: str, plain: str, field: str) -> Iterator[dict[str, Any]]:
        if not any(core in plain for core in self._asked):
            return
        if len(plain) < _SHORT + _AROUND:
            held = next((item for short, item in self._short.items() if short in plain), None)
            if held is not None:
                yield {**self._names[held], "field": field, "score": 1.0, "span": [0, len(text)]}
                return
        edges = [0, *(match.end() for match in _SENTENCE.finditer(text)), len(text)]
        told: set[int | None] = {None}
        for first, begin in enumerate(edges[:-1]):
            for end in edges[first + 1 : first + 3]:  # one sentence, or two: "$x+1=3$. Find $x$."
                item = self._short_item(_plain(text[begin:end])) if end - begin < 4 * _SHORT else None
                if item not in told:
                    told.add(item)
                    yield {**self._names[item], "field": field, "score": 1.0, "span": [begin, end]}

    def _short_item(self, sentence: str) -> int | None:
        item = self._short.get(sentence)
        return self._asked.get(_core(sentence) or "") if item is None else item


class _Place(NamedTuple):
    """The bytes from `begin` to `end` of `encoded`, the plain form of `text`."""

    text: str
    encoded: bytes
    begin: int
    end: int

    def span(self) -> tuple[int, int]:
        """Where in `text` that is, in characters; looked for by halving, which takes a while."""
        first = len(self.encoded[: self.begin].decode("utf-8", "ignore"))
        last = len(self.encoded[: self.end].decode("utf-8", "ignore"))
        return _original_position(self.text, first + 1) - 1, _original_position(self.text, last)


def _core(question: str) -> str | None:
    """What a short question, in its plain form, asks for; None where it does not begin with a word that asks."""
    core = _ASKING.sub("", question)
    return core if core != question and len(core) >= _LEAST and not core.isalpha() else None


def _digits(found: list[str]) -> int:
    return sum(token.isdigit() for token in found)


def _unpictured(text: str) -> str:
    """`text` without its pictures: two problems with one drawing are not one."""
    text = undrawn(text)
    return _IMAGE.sub("", text) if "![" in text else text


def _plain(text: str) -> str:
    text = _unpictured(text)
    return normal(_QUOTED.sub("", text) if "\n>" in text else text)


def _holds(share: float, aligned: float, length: int) -> bool:
    """Whether the shares of windows and of aligned tokens together say that a problem of `length` tokens is there."""
    if share >= _HALF and aligned >= _HALF_ALIGNED:
        return True
    return aligned >= _ALIGNED + max(0, _LONG - length) / 100


def _densest(places: list[int], width: int) -> tuple[int, int]:
    """The first and last of the most places that lie within `width` of one another."""
    best = (0, 0)
    begin = 0
    for end, place in enumerate(places):
        while place - places[begin] > width:
            begin += 1
        if end - begin > best[1] - best[0]:
            best = (begin, end)
    return places[best[0]], places[best[1]]


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
