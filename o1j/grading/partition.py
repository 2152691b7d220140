"""Which answers may be equal at all: constants whose values lie apart need not be compared.

Dividing n different answers into classes takes n²/2 comparisons; nearly all answers to one problem are numbers, and
their values, put in order, leave a few neighbours each. Everything else is compared with everything.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from heapq import merge

from .answer import Answer
from .approx import approx
from .conventions import Conventions
from .parse import Tree

CANCELLED = 1e-4  # a sum that is smaller than its terms by this factor has lost too many digits to be trusted
FLOAT_ERROR = 1e-9
_ARITHMETIC = {"num", "var", "neg", "add", "mul", "div", "pow"}  # and roots


class Leaders:
    """The first answer of each class, found again by what a new answer may be equal to."""

    def __init__(self, conventions: Conventions) -> None:
        rounding = 0.0 if conventions.rounding is None else 10.0 ** (1 - conventions.rounding)
        self.margin = 2 * max(float(conventions.tolerance), rounding, FLOAT_ERROR)
        self.texts: list[str] = []
        self.constants: list[tuple[float, int]] = []  # in order of value
        self.others: list[int] = []

    def add(self, text: str, value: float | None) -> int:
        """Open a class; returns its number."""
        number = len(self.texts)
        self.texts.append(text)
        if value is None:
            self.others.append(number)
        else:
            insort(self.constants, (value, number))
        return number

    def candidates(self, value: float | None) -> Iterator[int]:
        """The numbers of the classes that an answer may belong to, in order."""
        if value is None or self.margin >= 1:
            return iter(range(len(self.texts)))
        reach = abs(value) * self.margin / (1 - self.margin)
        first = bisect_left(self.constants, (value - reach, -1))
        last = bisect_right(self.constants, (value + reach, len(self.texts)))
        return merge(self.others, sorted(number for _, number in self.constants[first:last]))


def value_of(answer: Answer) -> float | None:
    """The value of an answer that is nothing but a real constant, to nine digits; None for any other."""
    if answer.tree is None or answer.letters or answer.content or not _is_arithmetic(answer.tree):
        return None
    value = approx(answer.tree, _sum)
    return value if value is not None and math.isfinite(value) else None


def _is_arithmetic(tree: Tree) -> bool:
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if part[0] not in _ARITHMETIC and part[:2] != ("fn", "root"):
            return False
        waiting += [inner for inner in part[1:] if isinstance(inner, tuple)]
    return True


def _sum(terms: list[float]) -> float:
    total = math.fsum(terms)
    if abs(total) <= CANCELLED * max(map(abs, terms)):
        raise ArithmeticError("cancelled")
    return total
