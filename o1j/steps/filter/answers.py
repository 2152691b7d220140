"""Where a record's gold is: in `answer`, behind `####`, in the solution's last box, or nowhere."""

import re
from collections.abc import Mapping
from typing import Any

from o1j.records import Record

# What people write where an answer should be. Compared in lower case, without spaces, dollars and final marks.
_NO_ANSWER = {
    *("", "-", "--", "?", "none", "null", "nan", "n/a", "na", "unknown", "omitted", "proof", "proven", "proved", "qed"),
    *("noanswer", "noanswerprovided", "notfound", "seesolution", "seethesolution", "notgiven", "notprovided"),
    *("[notprovided]", "answernotfound", "theproofisgiveninthesolution", "proofrequired", "tobeproved"),
    *("略", "无", "暂无", "无答案", "暂无答案", "省略", "见解析", "见答案", "见详解", "详见解析", "解析略", "答案略"),
    *("证明", "证明题", "证明略", "证明题略", "证明见解析", "证明过程略", "见解析略", "略见解析", "如图", "图略"),
}
_NOISE = str.maketrans("", "", " \t\n$.。,，;；、:：()（）")
_LONGEST_PLACEHOLDER = 60
_TEXT = re.compile(r"^\\(?:text|mathrm|textbf)\{(.*)\}$")
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*(?=\{)|\\boxed\s+(?=\S)")
_JOINED = re.compile(r"(?:\\(?:q?quad|text\{\s*(?:and|or)\s*\}|[,;()])|and|or|和|或|与|、|[\s$,;.:&])*")
_STATED = re.compile(
    r"(?:final answer|the answer|answer|答案)\s*(?:is|are|为|是|[:：])\s*:?\s*\**\s*([^\n]{1,120}?)\s*\**[.。]?\s*$",
    re.IGNORECASE,
)


def golds(record: Mapping[str, Any]) -> list[str]:
    """The record's gold answers as texts, placeholders left out; a list is several golds."""
    answer = record.get("answer")
    if answer is None:
        return []
    return [str(gold) for gold in (answer if isinstance(answer, list) else [answer]) if not is_placeholder(str(gold))]


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
        return record.but(answer=found) if found else record
    if isinstance(answer, str) and "####" in answer:
        found = after_hashes(answer)
        if found:
            kept = {} if record.get("solution") else {"solution": answer}
            return record.but(answer=found, **kept)
    return record


def solution_of(record: Mapping[str, Any]) -> str:
    """The reference solution as one text; of several (a list), the first that carries an answer, else the first."""
    solution = record.get("solution")
    if isinstance(solution, list):
        texts = [text for text in solution if isinstance(text, str)]
        return next((text for text in texts if answer_in(text)), texts[0] if texts else "")
    return solution if isinstance(solution, str) else ""


def answer_in(solution: str) -> str | None:
    """The final answer that a reference solution states: in its last box, behind `####`, or in its last line.

    Boxes that stand side by side, as in `\\boxed{2}` and `\\boxed{3}`, are one answer of several values.
    """
    if "\\boxed" in solution or "box{" in solution:
        found = _last_boxes(solution)
        if found:
            return found
    if "####" in solution:
        return after_hashes(solution)
    ending = solution[-200:]
    if "nswer" in ending or "答案" in ending:
        stated = _STATED.search(ending)
        return stated[1].strip() or None if stated else None
    return None


def after_hashes(text: str) -> str | None:
    """What follows the last `####`, to the end of its line, without thousands separators' commas kept apart."""
    found = text.rpartition("####")[2].strip().partition("\n")[0].strip()
    return found or None


def _last_boxes(text: str) -> str | None:
    boxes = []
    for opening in _BOX.finditer(text):
        start, end = _content(text, opening.end())
        if text[start:end].strip():
            boxes.append((opening.start(), end + 1, text[start:end].strip()))
    if not boxes:
        return None
    last = [boxes[-1]]
    for box in reversed(boxes[:-1]):
        if not _JOINED.fullmatch(text[box[1] : last[0][0]]):
            break
        last.insert(0, box)
    return ", ".join(dict.fromkeys(content for _, _, content in last))


def _content(text: str, at: int) -> tuple[int, int]:
    """Where the content of a box begins and ends; braces balanced, an unclosed box is empty."""
    if text[at] != "{":
        end = at + 1
        while text[at] not in "\\" and end < len(text) and text[end].isalnum():
            end += 1
        return at, end
    depth = 0
    for position in range(at, len(text)):
        character = text[position]
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                return at + 1, position
    return at, at
