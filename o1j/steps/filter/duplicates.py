"""Duplicates: the same problem again, exactly after normalisation, or nearly."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from o1j.errors import need
from o1j.grading import equal
from o1j.steps.filter.answers import golds
from o1j.steps.filter.normal import normal
from o1j.steps.filter.rules import Noted

SIMILAR = 0.85  # estimated Jaccard similarity of the sets of shingles, from which on two problems are one
_SHINGLE = 6  # characters, normalised: a word or two of English, a clause of Chinese
_SEED = 1
_PERMUTATIONS, _BANDS = 128, 16  # finds 99 % of the pairs at 0.85; about 2.8 KB of memory a problem
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class _Remembering(ABC):
    """A rule over what was kept before. `key` needs one record alone, so that workers can do it; `find` and `keep` ask
    and change the memory."""

    _last: Any = None

    def __call__(self, record: Mapping[str, Any]) -> Noted | None:
        self._last = self.key(record)
        return self.find(self._last)

    def kept(self, record: Mapping[str, Any]) -> None:
        """Remember the record that was asked about last: it passed all rules."""
        self.keep(self._last, place_of(record))

    @staticmethod
    @abstractmethod
    def key(record: Mapping[str, Any]) -> Any:
        """What of the record the memory needs."""

    @abstractmethod
    def find(self, key: Any) -> Noted | None:
        """The finding where a record like this was kept before."""

    @abstractmethod
    def keep(self, key: Any, place: str | int) -> None:
        """Remember a record; `place` is what its copies are told."""


class ExactDuplicates(_Remembering):
    """Repeats a problem that was kept before: the same text but for white space, case, punctuation and LaTeX spelling.
    Remembers 8 bytes a problem; two different ones share them once in 10^7 runs over a million."""

    def __init__(self) -> None:
        self._places: dict[bytes, str | int] = {}

    @staticmethod
    def key(record: Mapping[str, Any]) -> bytes:
        """Eight bytes that the problem's copies share."""
        return _digest(normal(str(record.get("problem") or "")))

    def find(self, key: bytes) -> Noted | None:
        """The finding where a problem with this key was kept before."""
        place = self._places.get(key)
        return None if place is None else Noted({"duplicate_of": place}, "duplicate")

    def keep(self, key: bytes, place: str | int) -> None:
        """Remember a problem; `place` (id or line number) is what its copies are told."""
        self._places.setdefault(key, place)


class NearDuplicates(_Remembering):
    """Nearly repeats a problem that was kept before (MinHash): 85 % of its six-character shingles, the same numbers in
    it, and no other answer. A problem with other numbers is another problem. Holds every problem's sketch in memory:
    about 2.8 GB for a million."""

    def __init__(self) -> None:
        """Raises Unavailable where rensa is not installed."""
        self._rensa = need("rensa", "data", "near-duplicate removal")
        self._index = self._rensa.RMinHashLSH(threshold=SIMILAR, num_perm=_PERMUTATIONS, num_bands=_BANDS)
        self._known: list[tuple[Any, bytes, bytes, tuple[str, ...], str | int]] = []
        self._sketch: Any = None

    @staticmethod
    def key(record: Mapping[str, Any]) -> tuple[str, bytes, tuple[str, ...]]:
        """The normalised problem, a digest of the numbers in it, and the golds."""
        problem = normal(str(record.get("problem") or ""))
        return problem, _digest(" ".join(sorted(_NUMBER.findall(problem)))), tuple(golds(record))

    def find(self, key: tuple[str, bytes, tuple[str, ...]]) -> Noted | None:
        """The finding where a problem like this one was kept before."""
        problem, numbers, answers = key
        self._sketch = self._rensa.RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
        self._sketch.update([problem[at : at + _SHINGLE] for at in range(max(1, len(problem) - _SHINGLE + 1))])
        for number in self._index.query(self._sketch):
            sketch, text, its_numbers, its_answers, place = self._known[number]
            same = its_numbers == numbers and self._sketch.jaccard(sketch) >= SIMILAR and _agree(its_answers, answers)
            if same or text == _digest(problem):
                return Noted({"duplicate_of": place}, "duplicate")
        return None

    def keep(self, key: tuple[str, bytes, tuple[str, ...]], place: str | int) -> None:
        """Remember the problem that `find` was asked about last."""
        problem, numbers, answers = key
        self._index.insert(len(self._known), self._sketch)
        self._known.append((self._sketch, _digest(problem), numbers, answers, place))


def _agree(answers: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether two golds may be the same: one is missing, or the grader does not tell them apart."""
    return not answers or not others or equal(answers[0], others[0]) is not False


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def place_of(record: Mapping[str, Any]) -> str | int:
    """How a record is told to its copies: its `id`, else its line in the input (0 where it has none)."""
    given = record.get("id")
    if given is not None:
        return given if isinstance(given, (str, int)) else str(given)
    return getattr(record, "line", 0)
