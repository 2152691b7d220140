"""The value that one sentence states, in a formula or in plain digits.

A sentence may hold several: "there are $26$ such numbers less than $500$" states 26, "since $n=7$, the area is 12"
states 12. Each value is ranked by what leads up to it: a verb that states ("is", "there are", "we get"), an equation,
nothing of the kind, or a preposition ("less than", "divided by"); and one in a subordinate clause ranks below.
"""

import re
from typing import NamedTuple

from .formulas import MATH, inside, run_text, runs

NUMBER = (
    r"[-−]?(?:[$€£]\s?)?"
    r"(?:\\frac\{[^{}]*\}\{[^{}]*\}|\d*√\(?\d+\)?|"
    r"\d{1,2}:\d{2}(?:\s?(?:\\text\s?\{\s?)?[ap]\.?\s?m\b\.?\}?)?(?![\d:])|"
    r"(?:\d{1,3}(?:[,\u202f ]\d{3})+|\d+,\d{1,2}(?![\d,])|\d+)(?:\.\d+)?(?:\s?/\s?\d+)?|\.\d+)"
    r"(?:\^\{?-?\d+\}?)?(?:π|(?:\s?\\?%))?"
)
_NUMBERS = re.compile(
    rf"(?<![A-Za-z\d._^]){NUMBER}(?:(?:\s?,\s{NUMBER}){{0,20}}\s?,?\s?(?:and|or|和|或)\s{NUMBER})?(?![A-Za-z_]*_)(?!-[A-Za-z])"
)
_BOLD = re.compile(r"\*\*([^*\n]{1,300})\*\*|__([^_\n]{1,300})__")
_ASIDE = re.compile(r"\s*\([A-Za-z][^()]*\)(?=\s*\.?\s*$)")
_REMARK = re.compile(r"\([^()\\]*[A-Za-z]{3,}[^()\\]*\)")
_NAMED_RUN = re.compile(
    rf"((?:[A-Za-z]\w?\s*=\s*{NUMBER}\s*(?:,\s*(?:(?:and|or)\s*)?|(?:and|or)\s*)){{1,20}}[A-Za-z]\w?\s*=\s*{NUMBER})\s*\.?\s*$"
)
_FILLERS = (
    r"(?:(?:a|an|the|only|just|exactly|about|approximately|roughly|still|always|another|some|now|then|also|thus|simply|"
    r"indeed|therefore|equal|to|number|value|point|up|down)\s+|\*\*|[\[({*:]\s*)*$"
)
# What states the value behind it.
_SAID = re.compile(
    r"(?:\b(?:is|are|was|were|be|been|equals?|equal\s+to|gets?|got|has|have|had|gives?|giving|gave|yields?|yielding|makes?|"
    r"making|leaves?|leaving|needs?|needed|costs?|becomes?|obtain|find|conclude|rounds|namely|contains?|there|then|takes?|total|then|"
    r"all|altogether|leads\s+to|(?:left|ends?|ending)\s+with|making\s+for|(?:sums?|adds?\s+up|comes?|amounts?|totals?|congruent|close|"
    r"closest|simplif\w+|evaluates?|works?\s+out)\s+to|"
    r"(?:perimeter|area|length|radius|volume|probability|sum|product|value|answer|remainder|difference|possibilit(?:y|ies)|"
    r"maximum|minimum|count|result|chance|average)(?:\s+of)?|(?:an?|final|total)\s+(?:\w+\s+)?\w+\s+of)"
    r"|,\s*or|=|≈|[:：]|[为是有得共值]|需要)[\s,$]*" + _FILLERS,
    re.IGNORECASE,
)
_VERB = re.compile(r"(?:\b(?:is|are|was|were|equals?)|=)\s*" + _FILLERS, re.IGNORECASE)
_VERBS = re.compile(r"\b(?:is|are|was|were|equals?|ha(?:s|ve|ving)|being)\b|[=<>]|\\(?:le|ge|lt|gt)", re.IGNORECASE)
# What makes the value behind it a detail of something else.
_DETAIL = re.compile(
    r"\b(?:than|by|with|from|of|in|on|at|for|to|between|through|after|before|containing|including|as|using|least|most|per|"
    r"within|into|over|under|above|below|every|each|reach|or|and|modulo|mod|base|case|step|part|solution|figure|"
    r"equation|lemma|theorem|the|these|those|both|his|her|their)\s+"
    r"(?:(?:the|a|an|all|any|each|exactly|only|its|their|these|those|this|that|remaining|first|last|every)\s+)*[($*\[{]*$",
    re.IGNORECASE,
)
# What makes it, equation or not, the condition of something else.
_CONDITION = re.compile(
    r"\b(?:(?<!left )(?<!ends )with|when|where|if|since|because|given|(?<!making )for|from|let|using|setting|as)\s+$|"
    r"[当在若由令设]\s*$",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\s*时")
# "In total, 202 of the numbers end in 1": how many of them, whatever else the sentence counts.
_PARTITIVE = re.compile(r"\s+of\s+(?:the|these|those|them)\b")
_OPENING = re.compile(r"\W*(?:(?:in\s+(?:total|all)|altogether|thus|therefore|hence|so)\W*)*", re.IGNORECASE)
_AT = re.compile(r"\bat\s+$")
_COMPARED = re.compile(
    r"\b(?:more|less|fewer|greater|larger|smaller|higher|lower|bigger|other|rather|earlier|later)\s+than\s+[($*\[{]*$|"
    r"\b(?:not|never|cannot\s+be|can't\s+be|n't\s+be|exceeds?|neither|nor)\s+[($*\[{]*$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"(?:^|[\s,;(])(?:if|when|where|whenever|while|given|which|who|that\s+ha(?:s|ve)|for\s+(?:which|example|instance)|"
    r"assuming|provided|unless|attained|achieved|reached|occurring|(since|because))\s(?!.*(?:[,;).]|\bthen\s))"
    r"|(?:^|[,;]\s*)as\s(?!.*[,;])|[当若](?!.*时)|(?:由|因为)(?!.*[,，;；])",
    re.IGNORECASE,
)
# The value that is said to be the one: "of these, 37 is the largest", "only 2916 works".
_CHOSEN = re.compile(
    r"[\s*]*(?:satisf(?:y|ies)|works?)\b|[\s*]*(?:[a-z]+\s+)?(?:is|was|are)\s+the\s+(?:only|desired|correct|final|\w+est\b|least|most|answer|solution|m[ai][xn]|\w+\s+we(?:'re|\s+are)\s)",
    re.IGNORECASE,
)
# Where the conclusion of a sentence begins.
_CONCLUDING = re.compile(
    r"(?:[,;.:]|\s[-–—]|\s)\s*(?:and\s+|or\s+)?\(?(?:so|thus|therefore|hence|consequently|meaning|(?:from\s+)?which\s+(?:means|gives|implies|"
    r"makes|leads\s+to|yields|equals|simplifies\s+to|rounds?|rounded|ha(?:s|ve)|is)|from\s+which|giving|yielding|making|leaving|"
    r"(?:so|and)\s+(?:the|our|my)\s+(?:final\s+)?answer\s+is|it\s+follows|we\s+(?:get|have|find|see|obtain|conclude))"
    r"(?:\s+that)?(?![A-Za-z])|[∴⇒]|[，,；;。]\s*(?:所以|因此|故|从而|于是|即)",
    re.IGNORECASE,
)
_EQUATED = re.compile(r"=\s*([^=\n,;。，；]{1,80})$")
_COUNTED = re.compile(
    rf"\s*({NUMBER})(?:[A-Za-z]{{1,3}}(?=\s+[a-z]{{2}})|\s+a(?=\s)|(?=\s+\d+-)|(?=\s+[\"“])|(?=\.\s)|(?=/[A-Za-z])|"
    rf"\s+(?!(?:sqrt|pi|sin|cos|tan|log|ln|and|or|mod)\b)[A-Za-z]{{2}}).*$"
)
_REVERSED = re.compile(rf"=\s*({NUMBER})\s*=\s*\*?[A-Za-z]\*?$|(?:^|[\s,])({NUMBER})\s*=\s*\*?[A-Za-z]\*?$")
# What a sentence adds to its statement: why it holds, and where a bound is reached.
_ADDED = re.compile(
    r"\s(?:because|since)\s|,?\s+(?:(?:which|and)\s+(?:is\s+)?)?(?:attained|achieved|reached|occurs|occurring|obtained|"
    r"with\s+equality|equality)\s",
    re.IGNORECASE,
)
# "there are 3 of them: …", with what is counted behind the colon.
_LISTED = re.compile(r".*\bthere\s+(?:are|is)\b[^:]*?(?:[:：]|\snamely\b)", re.IGNORECASE)
_SUBSCRIPT = re.compile(r"(?<=[A-Za-z}])_\{?\w+\}?")
_VALUE = re.compile(r"[\d=<>+]|\\(?:pi|infty|emptyset|varnothing|sqrt|text|pm|in(?![a-z]))")


MAX_SENTENCE = 2000
MAX_VALUES = 40
MAX_CLAUSES = 8
REACH = 160  # characters before a value that are looked at for what leads up to it
DETAIL, SUBORDINATE, FREE, SAID, COUNTED = 1, 2, 3, 4, 5


class Value(NamedTuple):
    """A value in a sentence: where it begins, how it reads, how surely the sentence states it (see the ranks above)."""

    start: int
    text: str
    rank: int


def bold_values(text: str) -> list[str]:
    """What is set in bold, headings such as `**Answer:**` and `**结论**：` left out."""
    values = []
    for match in _BOLD.finditer(text):
        value = (match[1] or match[2]).strip()
        if not value.endswith((":", "：")) and text[match.end() : match.end() + 1] not in {":", "："}:
            values.append(value)
    return values


def value_in(sentence: str) -> str | None:
    """The value that a sentence states; None where it states none.

    >>> value_in("Thus there are $26$ such numbers less than $500$."), value_in("We are done.")
    ('26', None)
    """
    return stated_value(sentence)[0]


def stated_value(sentence: str) -> tuple[str | None, int]:
    """The value that a sentence states, and how surely."""
    sentence = sentence[-MAX_SENTENCE:].strip().rstrip(".。").rstrip()
    bold = bold_values(sentence)
    if bold:
        inner = bold[-1].rstrip(".")
        return ((value_in(inner) or inner) if len(inner.split()) > 3 else inner), SAID
    if sentence.endswith(")"):
        sentence = _ASIDE.sub("", sentence)
    added = _ADDED.search(sentence)
    if added and _best(sentence[: added.start()])[1] >= FREE:
        sentence = sentence[: added.start()]
    run = _NAMED_RUN.search(sentence) if sentence.count("=") > 1 else None
    if run:
        return run[1], SAID
    found: tuple[str | None, int] = (None, 0)
    for start in (*reversed([match.end() for match in _CONCLUDING.finditer(sentence)][-MAX_CLAUSES:]), 0):
        best = _best(sentence[start:])
        if best[1] >= FREE:
            return best
        found = max(found, best, key=lambda value: value[1])
    return found


def _best(clause: str) -> tuple[str | None, int]:
    """The value of highest rank in a clause: of equals the first that nothing leads up to, else the last."""
    plain = MATH.sub(lambda formula: " " * len(formula[0]), clause)
    equated = _EQUATED.search(plain.rstrip(" .)"))
    if equated and equated[1].strip():
        return _right_side(plain, equated), SAID
    listed = _LISTED.match(plain)
    if listed and listed.end() < len(clause):
        counted = _best(clause[: listed.end() - 1])
        if counted[1] >= SAID:
            return counted
    values = [*_formula_values(clause), *_plain_values(clause, plain)]
    best = max((value.rank for value in values), default=0)
    if not best:
        return None, 0
    chosen = [value for value in sorted(values) if value.rank == best]
    return chosen[0 if best == FREE else -1].text, best


def _right_side(plain: str, equated: re.Match) -> str:
    reverse = _REVERSED.search(plain)
    if reverse:
        return reverse[1] or reverse[2]
    counted = _COUNTED.match(equated[1])
    return counted[1] if counted else equated[1].strip()


def _rank(clause: str, start: int, end: int, equation: bool) -> int:
    before = clause[max(0, start - REACH) : start]
    if _COMPARED.search(before):
        return 0
    if _CHOSEN.match(clause, end):
        return SAID
    if _PARTITIVE.match(clause, end) and _OPENING.fullmatch(before):
        return COUNTED
    if _CONDITION.search(before) or _WHEN.match(clause, end) or (equation and _AT.search(before)):
        return SUBORDINATE
    said = equation or _SAID.search(before)
    rank = SAID if said else DETAIL if _DETAIL.search(before) else FREE
    return min(rank, SUBORDINATE) if _in_a_clause(before) else rank


def _in_a_clause(before: str) -> bool:
    """Whether a value stands in a subordinate clause, and not behind the verb that goes on after one."""
    opening = _CLAUSE.search(before)
    if not opening:
        return False
    verb = _VERB.search(before) if not opening[1] else None
    return not (verb and _VERBS.search(before, opening.end(), verb.start()))


def _formula_values(clause: str) -> list[Value]:
    values = []
    for run in runs(clause)[-MAX_VALUES:]:
        start, content = run[0].start(), inside(run[-1])
        rank = _rank(clause, start, run[-1].end(), "=" in content or content.startswith(r"\text"))
        if rank == SUBORDINATE and content.count("=") > 1 and "," in content:
            rank = SAID  # "with $T=0, x=3$"
        if not _VALUE.search(_SUBSCRIPT.sub("", content)) and not (
            rank == SAID and _VERB.search(clause[max(0, start - REACH) : start])
        ):
            continue  # a name
        values.append(Value(start, run_text(clause, run), rank))
    return values


def _plain_values(clause: str, plain: str) -> list[Value]:
    return [
        Value(match.start(), match[0], _rank(clause, match.start(), match.end(), False))
        for match in list(_NUMBERS.finditer(plain))[-MAX_VALUES:]
    ]
