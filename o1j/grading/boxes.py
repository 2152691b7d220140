"""Boxes: the last one holds the answer, together with those of the same sentence that belong to it."""

import re
from collections.abc import Iterator

MAX_ANSWER = 4000
MAX_BOXES = 64

_BOX = re.compile(r"\\(?:boxed|framebox|fbox)(?![a-zA-Z])\s*(?:\[[^\]\[]{0,20}\])*\s*")
_BARE = re.compile(r"-?\d+(?:\.\d+)?|[A-Za-z]\b")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
# Words that may stand between two boxes of one answer; anything else parts them.
_GAP = re.compile(r"\\(?:text|mbox|q?quad|[()\[\],;: ])|[\s$&,;.\\()\[\]{}]")
_BREAK = re.compile(
    r"\n\s*\n|\.\s|[!?:。！？]|\b(?:wait|no|not|but|so|thus|hence|therefore|actually|hold|hmm|instead|then|check|correct|"
    r"wrong|since|because|giv\w*|simplif\w*|approx\w*|equals?|is|which|i\.e|or equivalently|times|plus|minus)\b|"
    r"\\(?:approx|implies|Rightarrow|to|cdot|times|sim|equiv|iff)|等于|所以|因此|即|不|但",
    re.IGNORECASE,
)
# What shows that the brace of an open box was forgotten: the formula ends, or the text goes on in a new paragraph.
_FORMULA_END = re.compile(r"(?<!\\)\$|\\\)|\\\]|(?<=\S)[^\S\n]*\n[^\S\n]*\n\s*(?=\S)")
_NAMED = re.compile(r"^[A-Za-z]\w{0,3}(?:_\{?\w+\}?)?\s*=$")


def boxes_from_end(text: str) -> Iterator[tuple[int, int, str]]:
    """The complete boxes with something in them, the last one first: (start, end, content)."""
    others = [name for name in ("\\fbox", "\\framebox") if name in text]
    limit = len(text)
    for _ in range(MAX_BOXES):
        start = text.rfind("\\boxed", 0, limit)
        if others:
            start = max(start, *(text.rfind(name, 0, limit) for name in others))
        if start < 0:
            return
        limit = start
        match = _BOX.match(text, start)
        if not match:
            continue
        at = match.end()
        if text.startswith("{", at):
            closing = closing_brace(text, at, at + MAX_ANSWER)
            if closing < 0:
                continue
            content, end = text[at + 1 : closing].strip(), closing + 1
        else:
            bare = _BARE.match(text, at)
            if not bare:
                continue
            content, end = bare[0], bare.end()
        if content:
            yield start, end, content


def closing_brace(text: str, at: int, limit: int) -> int:
    """The index of the brace that closes the one at `at`; -1 if there is none before `limit`."""
    first = text.find("}", at, limit)
    if first < 0 or (text.find("{", at + 1, first) < 0 and text[first - 1] != "\\"):
        return first  # nothing is nested, as in most boxes
    depth = 0
    for match in _BRACES.finditer(text, at, limit):
        token = match[0]
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if not depth:
                return match.start()
    return -1


def boxed_answer(text: str) -> tuple[str, int] | None:
    """The answer in the last box, with those before it that belong to the same answer; and where it ends."""
    boxes = boxes_from_end(text)
    last = next(boxes, None)
    if last is None:
        return None
    start, end, content = last
    parts = [content]
    for before_start, before_end, before in boxes:
        if before_end > start:
            continue  # it encloses the last one
        if not _belongs(text[before_end:start]):
            break
        if before not in parts:
            parts.insert(0, before)
        start = before_start
    if text[end : end + 12].lstrip("$ )\\").startswith(("%", "percent", "pct")):
        parts[-1] += "\\%"
    return ", ".join(parts), end


def unclosed_box(text: str) -> tuple[str, int] | None:
    """The answer in a last box whose brace is missing, `$\\boxed{\\frac{1}{2}$`, if its formula has ended."""
    start = _open_box(text)
    match = _FORMULA_END.search(text, start) if start else None
    if not match:
        return None
    content = text[start : match.start()].strip()
    depth = sum((brace[0] == "{") - (brace[0] == "}") for brace in _BRACES.finditer(content))
    return (content + "}" * depth, match.end()) if content and 0 <= depth <= 4 and len(content) <= MAX_ANSWER else None


def cut_off(text: str) -> bool:
    """Whether the text ends inside its last box."""
    start = _open_box(text)
    return bool(start) and not _FORMULA_END.search(text, start)


def _open_box(text: str) -> int:
    """Where the content of the last box begins, if that box is never closed; else 0."""
    start = text.rfind("\\boxed")
    match = _BOX.match(text, start) if start >= 0 else None
    at = match.end() if match else 0
    return at + 1 if at and text.startswith("{", at) and closing_brace(text, at, len(text)) < 0 else 0


def _belongs(gap: str) -> bool:
    """Whether two boxes with this text between them are one answer: "\\boxed{1} and \\boxed{2}"."""
    if len(gap) > 60 or _BREAK.search(gap):
        return False
    words = [word for word in _GAP.sub(" ", gap).split() if word]
    plain = [word for word in words if word.lower() not in {"and", "or", "和", "或", "与"}]
    if len(words) - len(plain) > 1:
        return False
    if plain and _NAMED.match(" ".join(plain)):
        return True
    return len(plain) <= (4 if len(words) > len(plain) else 0)
