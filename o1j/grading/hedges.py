"""Answers that name a number and don't commit to it: "at least 5", "not 7", "3 more than 12", "18, maybe 19".

Such an answer is compared as words: it equals a gold that says the same, never the bare number in it.
"""

import re

MAX_CHARACTERS = 300

_BOUND = re.compile(
    r"[\s(]*(?:(?:at\s+(?:the\s+)?(?:very\s+)?(?:least|most)|"
    r"(?:no\s+|not\s+)?(?:more|less|fewer|greater|larger|smaller|higher|lower|bigger|other)\s+than|up\s+to|over|under|"
    r"above|below|between|beyond|not(?!.*\b(?:but|it['’]?s|it is)\b)|neither|never|nearly|almost|exceeds?|half\s+of|"
    r"twice|double|triple|one\s+of|any\s+of|anything)\b|n['’]t\b|至少|至多|最多|最少|"
    r"不(?:超过|少于|多于|大于|小于|足|到|是|等于)|大于|小于|多于|少于|超过|介于)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\d[\s}$)]*(?:[A-Za-z]+\s+)?(?:more|less|fewer|greater|larger|smaller|higher|lower)\s+than\b|"
    r"\d[\s}$)]*(?:or|and)\s+(?:more|less|fewer|above|below|over|under|up|higher|lower|greater|beyond|so)\b|"
    r"\d\s*(?:以上|以下|或更多|或更少)",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\d.*[\s,，;(]+(?:or\s+|but\s+)?(?:maybe|perhaps|possibly|(?:might|may|could)\s+(?:also\s+|even\s+)?be|alternatively|if\s+not|"
    r"或许|也许|可能)\s*(?:it['’]?s\s+|是)?[$\\(-]*\d",
    re.IGNORECASE,
)
_STYLE = re.compile(r"\\(?:text|textbf|mathrm|mbox|textrm)\s*\{|[{}$*]")


def hedged(answer: str) -> bool:
    """Whether an answer only bounds, compares, denies or doubts the number it names.

    >>> hedged("at least 5"), hedged("18 dollars, maybe 19"), hedged("x \\\\ge 5"), hedged("5 apples")
    (True, True, False, False)
    """
    if len(answer) > MAX_CHARACTERS or not any(character.isdigit() for character in answer):
        return False
    if answer.isascii() and len(answer.split()) < 2:
        return False
    plain = _STYLE.sub("", answer) if "\\" in answer or "*" in answer or "$" in answer else answer
    return bool(_BOUND.match(plain) or _RELATIVE.search(plain) or _UNSURE.search(plain))
