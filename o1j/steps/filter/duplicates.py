"""Duplicates: the same problem again, exactly after normalisation, or nearly."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from o1j.errors import need
from o1j.steps.filter.answers import golds
from o1j.steps.filter.normal import normal
from o1j.steps.filter.rules import Noted

SIMILAR = 0.85  # estimated Jaccard similarity of the sets of shingles, from which on two problems are one
_SHINGLE = 6  # characters, normalised: a word or two of English, a clause of Chinese
_SEED = 42  # the one that rensa's deduplicator expects
_PERMUTATIONS, _BANDS = 128, 16  # finds 99 % of the pairs at 0.85; about 2 KB of memory a problem
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class ExactDuplicates:
    """Repeats a problem that was kept before: the same text but for white space, case, punctuation and LaTeX spelling.
    Remembers 8 bytes a problem; two different ones share them once in 10^7 runs over a million."""

    def __init__(self) -> None:
        self._places: dict[bytes, str | int] = {}
        self._last: tuple[bytes, Any] = (b"", None)

    def __call__(self, record: Mapping[str, Any]) -> Noted | None:
        key = self.key(record)
        self._last = (key, record)
        return self.seen(key)

    @staticmethod
    def key(record: Mapping[str, Any]) -> bytes:
        """Eight bytes that the problem's copies share."""
        text = normal(str(record.get("problem") or ""))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()

    def seen(self, key: bytes) -> Noted | None:
        """The finding where a problem with this key was kept before."""
        place = self._places.get(key)
        return None if place is None else Noted({"duplicate_of": place}, "duplicate")

    def keep(self, key: bytes, place: str | int) -> None:
        """Remember a problem that passed all rules; `place` (line number or id) is what its copies are told."""
        self._places.setdefault(key, place)

    def kept(self, record: Mapping[str, Any]) -> None:
        """Remember the record that was asked about last."""
        self.keep(self._last[0], place_of(record, len(self._places) + 1))


class NearDuplicates:
    """Nearly repeats a problem that was kept before (MinHash): 85 % of its six-character shingles, the same numbers in
    it, and no other answer. A problem with other numbers is another problem. Holds every problem's sketch in memory:
    about 2 GB for a million."""

    def __init__(self) -> None:
        """Raises Unavailable where rensa is not installed."""
        self._rensa = need("rensa", "data", "near-duplicate removal")
        self._sketches = self._rensa.RMinHashDeduplicator(
            threshold=SIMILAR, num_perm=_PERMUTATIONS, use_lsh=True, num_bands=_BANDS
        )
        self._known: dict[str, tuple[int, int | None, str | int]] = {}
        self._last: tuple[Any, int, int | None] = (None, 0, None)

    def __call__(self, record: Mapping[str, Any]) -> Noted | None:
        problem = normal(str(record.get("problem") or ""))
        sketch = self._rensa.RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
        sketch.update([problem[at : at + _SHINGLE] for at in range(max(1, len(problem) - _SHINGLE + 1))])
        numbers = hash(tuple(sorted(_NUMBER.findall(problem))))
        answers = [normal(gold) for gold in golds(record)]
        answer = hash(tuple(answers)) if answers else None
        self._last = (sketch, numbers, answer)
        for name in self._sketches.get_duplicates(sketch):
            its_numbers, its_answer, place = self._known[name]
            if its_numbers == numbers and (answer is None or its_answer in (None, answer)):
                return Noted({"duplicate_of": place}, "duplicate")
        return None

    def kept(self, record: Mapping[str, Any]) -> None:
        """Remember the record that was asked about last."""
        sketch, numbers, answer = self._last
        name = str(len(self._known))
        self._known[name] = (numbers, answer, place_of(record, len(self._known) + 1))
        self._sketches.add(name, sketch)


def place_of(record: Mapping[str, Any], ordinal: int) -> str | int:
    """How a record is told to its copies: its `id`, else its line in the input, else its number among the kept."""
    given = record.get("id")
    if given is not None:
        return given if isinstance(given, (str, int)) else str(given)
    return getattr(record, "line", 0) or ordinal
