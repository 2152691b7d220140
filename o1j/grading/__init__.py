"""Grade final answers: find the answer in a reply, decide whether it equals the gold one, say how that was found out.

>>> grade("1/2", "So the probability is \\\\boxed{0.5}.")
Grade(correct=True, verdict='numeric', extracted='0.5')
>>> grade("7", "<think>it is 7. wait")
Grade(correct=False, verdict='truncated', extracted=None)

What counts as equal is stated in `Conventions`, whose fields are keyword arguments of `grade`, `equal` and `classes`.
All functions may be called from any thread, keep no state but caches, and don't import sympy or any other large
library: normal forms in exact arithmetic settle nearly all pairs, and the rest go to worker processes that are killed
when they take too long.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from . import prose
from .answer import Answer, read, spelling
from .boxes import boxed_answer, cut_off
from .compare import Comparison
from .conventions import Conventions
from .extract import REFUSAL, extract, visible
from .parse import Tree, substitute
from .partition import Leaders, value_of
from .shapes import named_value, symbols

__all__ = ["Conventions", "Grade", "classes", "equal", "extract", "grade", "judge"]


MAX_BARE_ANSWER = 300
_LABEL = re.compile(r"\W*(?:text\w*\W*)?[A-J]\s*\W*[.):]")
_BARE_LOG = re.compile(r"\\?\blog(?![a-z_])(?!\s*_)")  # the natural logarithm, or else the decimal one
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_WHOLE_NUMBER_NAMES = frozenset("kmnl")


class Grade(NamedTuple):
    """`correct` is None where no judgement exists; `verdict` says how it was reached."""

    correct: bool | None
    verdict: str
    extracted: str | None


def grade(gold: str | list[str], response: str, *, finish_reason: str | None = None, **conventions) -> Grade:
    """Grade one reply against one gold answer, or several of which each is right.

    Verdicts: `exact` (same spelling), `numeric` (real constants), `symbolic` (everything with structure), `text`,
    `choice`; without an answer to compare: `truncated` (the reply or its thought was cut off), `refused`,
    `no_answer`, all three wrong; `timeout` (given up) and `ungraded` (no gold), both neither right nor wrong.
    """
    golds = [text for text in ([gold] if isinstance(gold, str) else list(gold or ())) if text and text.strip()]
    if finish_reason == "length":
        return Grade(False, "truncated", None)
    if finish_reason == "content_filter":
        return Grade(False, "refused", None)
    if finish_reason in ("tool_calls", "function_call"):
        return Grade(False, "no_answer", None)  # it waits for what a tool says
    answer = extract(response)
    if answer is None:
        return Grade(False, _missing(response), None)
    if not golds:
        return Grade(None, "ungraded", answer)
    best = Grade(False, "text", answer)
    for text in [*golds, ", ".join(golds)] if len(golds) > 1 else golds:
        correct, verdict = judge(text, answer, **conventions)
        if correct:
            return Grade(True, verdict, answer)
        if best.correct is not None:
            best = Grade(correct, verdict, answer)
    whole = _whole(response)
    for text in golds if whole and whole != answer else ():
        correct, verdict = judge(text, whole, **conventions)
        if correct:
            return Grade(True, verdict, whole)
    return best


def equal(a: str, b: str, **conventions) -> bool | None:
    """Whether two final answers are equal, in either order; None where that could not be found out in time.

    >>> equal("\\\\frac{\\\\sqrt 3}{3}", "1/\\\\sqrt{3}"), equal("2^{2013}", "2^{2012}")
    (True, False)
    """
    return judge(a, b, **conventions)[0]


def judge(a: str, b: str, **conventions) -> tuple[bool | None, str]:
    """`equal`, with the verdict that says how it was found out."""
    chosen = _conventions(**conventions)
    if a == b and not a.isspace() and a:
        return True, "exact"
    if _WHOLE_NUMBER.fullmatch(a) and _WHOLE_NUMBER.fullmatch(b) and not chosen.tolerance:
        return int(a) == int(b), "numeric"
    first, second = sorted((core(a), core(b)))
    return _judge(first, second, chosen)


def classes(answers: Iterable[str | None], **conventions) -> list[int | None]:
    """The class of equal answers that each answer belongs to, numbered from 0 by first appearance; None for None.

    >>> classes(["1/2", "3", None, "0.5"])
    [0, 1, None, 0]
    """
    seen: dict[str, int] = {}
    leaders = Leaders(_conventions(**conventions))
    result: list[int | None] = []
    for answer in answers:
        if answer is None:
            result.append(None)
            continue
        if answer not in seen:
            seen[answer] = _class_of(answer, leaders, conventions)
        result.append(seen[answer])
    return result


def _class_of(answer: str, leaders: Leaders, conventions: dict) -> int:
    """The class of a new answer: the first whose leader it equals, else one of its own."""
    text = core(answer)
    value = None if prose.in_words(text) else value_of(read(text))
    for number in leaders.candidates(value):
        same = equal(leaders.texts[number], answer, **conventions)
        if same:
            return number
        if same is None:
            break
    return leaders.add(answer, value)


@lru_cache(maxsize=1 << 14)
def core(text: str) -> str:
    """The answer in a gold text: golds are answers, but some come boxed or as a formula with a sentence round it."""
    if "\\boxed" in text or "\\fbox" in text:
        found = boxed_answer(text)
        return found[0] if found else text.partition("boxed{")[2] or text
    return (extract(text) or text) if "answer is" in text or "####" in text else text


def _whole(response: str) -> str:
    """A short reply without a box as a whole: it may be nothing but the answer, in more words than a number."""
    text = (visible(response) or "").strip()
    return text if len(text) <= MAX_BARE_ANSWER and "\n" not in text and "\\boxed" not in text else ""


def _missing(response: str) -> str:
    if not isinstance(response, str) or not response.strip():
        return "no_answer"
    text = visible(response)
    if text is None:
        return "truncated" if "</think>" not in response else "no_answer"
    if cut_off(text):
        return "truncated"
    return "refused" if REFUSAL.match(text) else "no_answer"


@lru_cache(maxsize=64)
def _conventions(**conventions) -> Conventions:
    return Conventions(**conventions)


@lru_cache(maxsize=1 << 17)
def _judge(a: str, b: str, conventions: Conventions) -> tuple[bool | None, str]:
    """Compare two answers as they stand, and if they differ and have words, what these words say."""
    result = _as_they_stand(a, b, conventions)
    if result[0] is None or result[1] == "exact":
        return result
    worded = prose.in_words(a) or prose.in_words(b)
    if (result[0] or worded) and prose.at_odds(a, b):
        return False, result[1]
    if result[0] or not worded:
        return result
    if prose.agree(a, b):
        return True, "text"
    return _as_read(a, b, conventions) or result


def _as_read(a: str, b: str, conventions: Conventions) -> tuple[bool | None, str] | None:
    """Compare what two answers in words may be read as, all within one time limit; None where nothing is equal."""
    end = time.monotonic() + conventions.timeout
    for left, right in product(prose.readings(a), prose.readings(b)):
        if prose.disagree(a, left, b, right):
            continue
        seconds = end - time.monotonic()
        if seconds <= 0:
            return None, "timeout"
        said = _as_they_stand(*sorted((left, right)), replace(conventions, timeout=seconds))
        if said[0] is not False:
            return said
    return None


def _as_they_stand(a: str, b: str, conventions: Conventions) -> tuple[bool | None, str]:
    if spelling(a) == spelling(b) and spelling(a):
        return True, "exact"
    left, right = read(a), read(b)
    if left.letters and right.letters:
        same = left.letters == right.letters
        if same and left.content and right.content and not (_LABEL.match(a) and _LABEL.match(b)):
            return _judge(*sorted((left.content, right.content)), conventions)[0], "choice"
        return same, "choice"
    for one, other in ((left, right), (right, left)):
        if one.content and not other.letters:
            return _judge(*sorted((one.content, a if other is left else b)), conventions)[0], "choice"
    result = _compare(left, right, conventions)
    if result[0] is False and (_BARE_LOG.search(a) or _BARE_LOG.search(b)) and not ("ln" in a or "ln" in b):
        return _judge(*sorted(_BARE_LOG.sub(r"\\log_{10}", text) for text in (a, b)), conventions)
    return result


def _compare(left: Answer, right: Answer, conventions: Conventions) -> tuple[bool | None, str]:
    kind = "text"
    if left.tree is not None and right.tree is not None:
        comparison = Comparison(conventions)
        kind = "numeric" if _number(left) and _number(right) else "symbolic"
        other = _same_parameter(left, right)
        try:
            if comparison.equal(left.tree, other):
                return True, kind
        except RecursionError:
            return None, "timeout"
        if comparison.timed_out:
            return None, "timeout"
    if left.words and left.words == right.words and _in_words(left) and _in_words(right):
        return True, "text"
    return False, kind


def _same_parameter(left: Answer, right: Answer) -> Tree:
    """The right-hand tree with its whole-number parameter named as on the left: `k pi, k in Z` and `n pi`."""
    names = _parameter(left), _parameter(right)
    return substitute(right.tree, {names[1]: ("var", names[0])}) if all(names) else right.tree


def _parameter(answer: Answer) -> str:
    """The name of the whole number in a general solution, said or (in a multiple of pi) understood."""
    if answer.parameter or "\\pi" not in answer.spelling:
        return answer.parameter
    named = named_value(answer.tree)
    free = symbols(named[1][0] if named else answer.tree)
    return min(free) if len(free) == 1 and free <= _WHOLE_NUMBER_NAMES else ""


def _in_words(answer: Answer) -> bool:
    """Whether an answer is to be read as words: no mathematics, or nothing but words of letters."""
    word = len(answer.words) > 1 and answer.words.isalpha()
    return answer.tree is None or (word and answer.tree[0] in {"var", "mul", "unit"})


def _number(answer: Answer) -> bool:
    tree = answer.tree
    return tree[0] not in {"list", "seq", "set", "cup", "mat", "rel", "where"} and not symbols(tree)
