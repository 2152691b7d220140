"""Where a record's gold is: in `answer`, behind `####`, in the solution's last box, or nowhere."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from o1j.grading import extract
from o1j.records import Record
from o1j.records.json import dumps

# What people write where an answer should be. Compared in lower case, without spaces, dollars and final marks.
_NO_ANSWER = {
    *("", "-", "--", "?", "none", "null", "nan", "n/a", "na", "unknown", "omitted", "proof", "proven", "proved", "qed"),
    *("noanswer", "noanswerprovided", "notfound", "seesolution", "seethesolution", "notgiven", "notapplicable"),
    *(
        "[notprovided]",
        "answernotfound",
        "theproofisgiveninthesolution",
        "notapplicable",
        "proofrequired",
        "tobeproved",
    ),
    *("略", "无", "暂无", "无答案", "暂无答案", "省略", "见解析", "见答案", "见详解", "详见解析", "解析略", "答案略"),
    *("证明", "证明题", "证明略", "证明题略", "证明见解析", "证明过程略", "见解析略", "略见解析", "如图", "图略"),
}
_NOISE = str.maketrans("", "", " \t\n$.。,，;；、:：()（）")
_LONGEST_PLACEHOLDER = 60
_TEXT = re.compile(r"^\\(?:text|mathrm|textbf)\{(.*)\}$")
_STATED = re.compile(r"(?:answers?|答案)\s*(?:is|are|为|是|[:：=])", re.IGNORECASE)
_ENDING = 200  # characters; a solution that names its answer without a box does so in its last words
_BEFORE = 400  # characters before the last box, where its siblings stand if it has any


def golds(record: Mapping[str, Any]) -> list[str]:
    """The record's gold answers as texts, placeholders left out; a list is several golds."""
    answer = record.get("answer")
    if answer is None:
        return []
    if type(answer) is str:
        return [] if is_placeholder(answer) else [answer]
    return [str(gold) for gold in (answer if isinstance(answer, list) else [answer]) if not is_placeholder(str(gold))]


@lru_cache(maxsize=1 << 14)  # golds repeat
def is_placeholder(gold: str) -> bool:
    """Whether `gold` only says that there is no short answer: "证明题，略", "see solution", "N/A", "".

    >>> [is_placeholder(gold) for gold in ("证明题，略", "N/A", " ", "0", "A")]
    [True, True, True, False, False]
    """
    if len(gold) > _LONGEST_PLACEHOLDER or gold.isdigit():
        return False
    word = gold.translate(_NOISE).lower()
    worded = _TEXT.match(word)
    return (worded[1] if worded else word) in _NO_ANSWER


def with_answer(record: Record) -> Record:
    """The record with `answer` set where only a solution carries it; else the record itself.

    GSM8K's `answer` is a rationale that ends in `#### 18`: it becomes the solution if there is none.
    """
    answer = record.get("answer")
    if answer is None or answer == "" or answer == []:
        found = answer_in(solution_of(record))
        return _with_found(record, found) if found else record
    if isinstance(answer, str) and "####" in answer:
        found = after_hashes(answer)
        if found:
            kept = {} if record.get("solution") else {"solution": answer}
            return record.but(answer=found, **kept)
    return record


def _with_found(record: Record, found: str) -> Record:
    """The record with a new last field. Its line gets that field at its end instead of being written anew: half the
    cost of the whole filter, and all that is in the line stays as it was spelt."""
    changed = record.but(answer=found)
    line = record.raw
    if line and "answer" not in record:
        body = line[:-2] if line.endswith(b"}\n") else line.rstrip().removesuffix(b"}")
        name = b', "answer": ' if line.startswith(b'": ', line.find(b'":')) else b',"answer":'
        changed.raw = b"".join((body.rstrip(), name, dumps(found), b"}\n"))
    return changed


def solution_of(record: Mapping[str, Any]) -> str:
    """The reference solution as one text; of several (a list), the first that carries an answer, else the first."""
    solution = record.get("solution")
    if isinstance(solution, list):
        texts = [text for text in solution if isinstance(text, str)]
        return next((text for text in texts if answer_in(text)), texts[0] if texts else "")
    return solution if isinstance(solution, str) else ""


def answer_in(solution: str) -> str | None:
    """The final answer that a reference solution marks as such: in its last box, behind `####`, or as "the answer is".

    Stricter than the grader, which also takes what a closing sentence states: a wrong gold spoils all that follows.
    Boxes that stand side by side, as in `\\boxed{2}` and `\\boxed{3}`, are one answer of several values.
    """
    box = solution.rfind("\\boxed")
    if box < 0:
        box = solution.rfind("\\fbox")
    if box >= 0:
        if solution.rfind("box", 0, box) < 0 and "nswer" not in solution[box:] and "{" in solution[box : box + 8]:
            return _braced(solution, box)
        return extract(solution[max(0, box - _BEFORE) :])
    if "####" in solution:
        return after_hashes(solution)
    ending = solution[-_ENDING:]
    if "nswer" in ending or "答案" in ending:
        stated = _STATED.search(ending)
        return extract(ending[stated.start() :]) if stated else None
    return None


def _braced(text: str, at: int) -> str | None:
    """What stands between the first brace after `at` and the one that closes it."""
    start, end = text.find("{", at) + 1, text.find("}", at)
    while end > 0 < start and text.count("{", start, end) > text.count("}", start, end):
        end = text.find("}", end + 1)
    return text[start:end].strip() or None if end > 0 < start else None


def after_hashes(text: str) -> str | None:
    """What follows the last `####`, to the end of its line."""
    return text.rpartition("####")[2].strip().partition("\n")[0].strip() or None
