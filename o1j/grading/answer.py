"""What one final answer says: its spelling, its tree if it is mathematics, its letter if it is a choice, its words."""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from .clean import tidy
from .hedges import hedged
from .numerals import in_digits
from .parse import REALS, SHORT_WORDS, NotMaths, Parser, Tree
from .units import measure

MAX_CHARACTERS = 5_000

_STYLE = re.compile(
    r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mathbf|mathsf|mathit|boldsymbol|bold|mbox|hbox|rm|bf|"
    r"operatorname\*?|underline|emph|texttt)\s*\{([^{}]*)\}"
)
_LEAD = re.compile(
    r"^(?:so|thus|hence|therefore|and)?,?\s*(?:the|my)?\s*(?:correct\s+|final\s+|right\s+)*"
    r"(?:answer|result|solution|option|choice|ans)\s*(?:is|are|:|=)+\s*:?\s*|^(?:最终)?(?:答案|答)(?:应该?)?(?:是|为|:)+\s*|"
    r"^(?:approximately|about|roughly|around|大?约)\s*(?=[-$\\\d])|"
    r"^(?:option|choice)\s+(?=\(?[A-J]\b)|^(?:No\.|№|\\#)\s*(?=\d)|^选项?\s*(?=\(?[A-J]\b)",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r",?\s*(?:\\text\{\s*)?\b(?:for\s+(?:all|any|every|each|some|integers?)|where|for\s+which|with\s+\w+\s+an?)\b(?:(?!;|\bor\b).)*$|,?\s*其中.*$"
)
_KEEPS_BRACES = re.compile(r",|\\mid|\\choose")
_LETTER = re.compile(r"\(?\s*([A-J])\s*\)?")
_LABELLED = re.compile(
    r"(?:\(\s*([A-J])\s*\)|([A-J])\s*(?:[.)]|:(?!\s*[A-Z]\b))|([A-J])(?=\s+[A-Z][a-z]))\s*(\S.*)", re.DOTALL
)
_LETTERS = re.compile(r"\(?[A-H]\)?(?:\s*(?:,|and|&)?\s*\(?[A-H]\)?)+")
_NOISE = re.compile(r"[\s\"'`*$\\~{}!?]|[.,;:](?!\d)|(?<=[a-z])-(?=[a-z])", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_PARAMETER = re.compile(
    r"[,;(\s]{0,4}(?:\\text\s*\{[^{}]*\}\s*)?\(?\s*\b([a-zA-Z])\s*(?:\\in|∈)\s*(?:\\math(?:bb|bf|rm|cal)\s*\{?\s*[ZNRQ]\s*\}?|[ZNRQ]\b)"
    r"(?:\s*[\^_]\s*\{?[-+*0-9]+\}?)*\s*\)?[.\s]*$"
)
_PART = re.compile(r"(?:^|(?<=[\s,;.:]))\(?(?:([a-f])|(i{1,3}v?|v)|([1-6]))\)(?=\s*\S)")
_STATEMENTS = re.compile(r"\(\s*[1-9]\s*\)(?:\s*(?:,|and|和)?\s*\(\s*[1-9]\s*\))+")
_NOTHING = {"none", "nosolution", "nosolutions", "norealsolution", "norealsolutions", "emptyset", "theemptyset",
            "nosuchnumber", "nosuchnumbers", "无解", "空集"}  # fmt: skip
_EVERYTHING = {"allrealnumbers", "allreals", "allrealnumber", "allrealvalues", "therealnumbers", "realnumbers",
               "全体实数", "一切实数", "任意实数", "所有实数", "实数集"}  # fmt: skip
_SAME_WORDS = {
    "dne": "doesnotexist", "DNE": "doesnotexist",
    "true": "yes", "是": "yes", "对": "yes", "正确": "yes", "是的": "yes", "成立": "yes",
    "false": "no", "否": "no", "错": "no", "错误": "no", "不是": "no", "不正确": "no", "不成立": "no",
}  # fmt: skip
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::00)?\s*([ap])\.?\s*m\.?", re.IGNORECASE)
# `1A3_{16}`; digits only are left to the parser.
_DIGITS = re.compile(r"(?=\d*[A-Z])([0-9A-Z]{1,200})_\{?\(?(\d{2})\)?\}?", re.IGNORECASE)
_REWRITES = [
    (re.compile(r"^<([^<>]+,[^<>]+)>$"), r"(\1)"),
    (re.compile(r"(?<![\d.])(\d+\.\d*)\((\d+)\)$"), r"\1\\overline{\2}"),
    (re.compile(r"^(\d+(?:\.\d+)?)(?:\s|\\text\s*\{\s*)+to(?:\s|\})+(\d+(?:\.\d+)?)$"), r"\1:\2"),
    (re.compile(r"^(?:\{\})?[_^]\s*\{?(\w+)\}?\s*C\s*_\s*\{?(\w+)\}?"), r"\\binom{\1}{\2}"),
    (re.compile(r"\\frac\s*\{\s*\\(?:text|mathrm)\s*\{(\w+)\}\s*\}\s*\{\s*\\(?:text|mathrm)\s*\{(\w+)\}\s*\}"),
     r"\\text{ \1/\2}"),
]  # fmt: skip
# A number and several words for what it counts.
_COUNTED = re.compile(
    r"(-?[\d,.]*\d(?:/\d+)?)\s+"
    r"((?!(?:or|and|plus|minus|times|over|to|more|less|if|is|are|of|squared|cubed|divided|mod|log|ln|sin|cos|tan|sqrt|pi)\b)"
    r"[A-Za-z]{2,}(?:(?:\s|,\s|-)[A-Za-z]+){1,6})"
)
_SECONDS = re.compile(r"(\d{1,2}:\d{2}):00")
_RATE = re.compile(r"(-?\d[\d.,]*(?:/\d+)?)\s*([A-Za-z]+(?:\^\{?\d\}?)?\s*/\s*[A-Za-z]+(?:\^\{?\d\}?)?)(?:\s*\.)?")
_OUTWARD = re.compile(r"(?:^|(?<=\\cup)|(?<=\\in)|(?<==))\s*([\[\]])([^\[\]]+[,;][^\[\]]+)([\[\]])")
_COMPOUND = re.compile(r"(?<!\d)(\d{1,12}(?:\.\d{1,12})?)\s*([A-Za-z\u4e00-\u9fff]+)\.?\s*(?:,|and)?\s*")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read every way that may be needed to compare it."""

    spelling: str  # without spaces and layout; equal spellings are equal answers
    tree: Tree | None  # None where it is not mathematics
    letters: str  # the choice letters, "" where it is no choice
    content: str  # what stands behind a choice letter
    words: str  # without punctuation; casefolded, short ones excepted (ab is not AB)
    parameter: str  # the name of the whole number in "k pi, k in Z", "" where there is none


@lru_cache(maxsize=1 << 16)
def spelling(text: str) -> str:
    """The spelling of an answer, which is all that most pairs need: see `Answer.spelling`."""
    return spell(unwrap(tidy(text))) if len(text) <= MAX_CHARACTERS else "".join(text.split())


@lru_cache(maxsize=1 << 16)
def read(text: str) -> Answer:
    """Read a final answer as a person or a model writes it, LaTeX or not."""
    if len(text) > MAX_CHARACTERS:
        return Answer("".join(text.split()), None, "", "", "", "")
    text = unwrap(tidy(text))
    plain = text
    while True:
        stripped = _STYLE.sub(r"\1", plain)
        if stripped == plain:
            break
        plain = stripped
    plain = plain.strip()
    letters, content = _choice(plain)
    tree, parameter = (None, "") if hedged(plain) else _tree(text, plain)
    return Answer(spell(text), tree, letters, content, _words(plain), parameter)


def unwrap(text: str) -> str:
    """Take off what surrounds an answer: a box, bold, braces, quotes, a lead-in, closing punctuation."""
    while True:
        before = text
        text = text.strip().strip('`"').strip()
        text = re.sub(r"(?:\\\\|\\ ?|[,;:]|(?<!\.)\.)+$", "", text).strip()
        text = re.sub(r"^(?:\*\*|__)(.*?)(?:\*\*|__)$", r"\1", text, flags=re.DOTALL)
        text = _LEAD.sub("", text)
        match = re.match(
            r"\\(?:boxed|fbox|framebox|text|textbf|mathrm|mbox|mathbf(?!\{[RZNQ]\})|textnormal|bf|ensuremath)\s*\{",
            text,
        )
        if match and _closing(text, match.end() - 1) == len(text) - 1:
            text = text[match.end() : -1]
        elif text.startswith("{") and _closing(text, 0) == len(text) - 1 and not _KEEPS_BRACES.search(text):
            text = text[1:-1]
        elif text.startswith((": ", "= ", ":", "=")) and len(text) > 1:
            text = text[1:]
        if text == before:
            return text


def spell(text: str) -> str:
    """A spelling to compare answers by: no spaces but between words and between numbers, one kind of fraction, no
    braces round single characters."""
    text = re.sub(r"\\[dtc]frac(?![a-zA-Z])", r"\\frac", text)
    text = re.sub(r"(?<=[a-zA-Z]) (?=[a-zA-Z])|(?<=\d) (?=\d)", "\x00", text)
    text = re.sub(r"\s+", "", text).replace("\x00", " ")
    return re.sub(r"(?<=[\^_])\{(\w)\}", r"\1", text)


def _closing(text: str, at: int) -> int:
    """The index of the brace that closes the one at `at`, or -1."""
    depth = 0
    index = at
    while index < len(text):
        character = text[index]
        if character == "\\":
            index += 2
            continue
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return index
        index += 1
    return -1


def _tree(text: str, plain: str) -> tuple[Tree | None, str]:
    """The tree of an answer, also where a condition in words has to be left out; and its parameter's name."""
    if not text:
        return None, ""
    time = _TIME.fullmatch(plain)
    if time:
        return ("unit", _parsed(f"{int(time[1])}:{time[2] or '00'}"), time[3].lower() + "m"), ""
    if text.count(":") == 2:
        text = _SECONDS.sub(r"\1", text)
    if "[" in text or "]" in text:
        text = _OUTWARD.sub(_inward, text)
    digits = _DIGITS.fullmatch(plain)
    if digits and 2 <= int(digits[2]) <= 36 and all(int(digit, 36) < int(digits[2]) for digit in digits[1]):
        return ("base", digits[1].upper(), int(digits[2])), ""
    for pattern, spelled in _REWRITES:
        text = pattern.sub(spelled, text)
    rate = _RATE.fullmatch(plain)
    if rate and measure(rate[2]):
        number = _parsed(rate[1])
        return number and ("unit", number, rate[2]), ""
    counted = _COUNTED.fullmatch(text)
    if counted:
        number = _parsed(counted[1])
        return number and ("unit", number, counted[2]), ""
    compound = _compound(plain)
    if compound:
        return compound, ""
    if _STATEMENTS.fullmatch(plain):
        return ("list", *(("num", Fraction(digit), 0) for digit in re.findall(r"\d", plain))), ""
    number = in_digits(plain)
    if number:
        return _parsed(number), ""
    word = _words(plain).casefold()
    if word in _NOTHING:
        return ("set",), ""
    if word in _EVERYTHING:
        return REALS, ""
    parameter = _PARAMETER.search(text)
    if parameter and parameter.start() > 0:
        tree = _parsed(text[: parameter.start()])
        if tree is not None:
            return tree, parameter[1]
    if _PART.match(text) and len(_PART.findall(text)) > 1:
        parted = _parsed(_PART.sub(" ; ", text).strip(" ;"))
        if parted is not None:
            return parted, ""
    return _parsed(text) or _parsed(_TAIL.sub("", text).rstrip(" ,;.")), ""


def _inward(match: re.Match) -> str:
    """`]0,1[` in the brackets that point inwards: `(0,1)`."""
    return ("(" if match[1] == "]" else "[") + match[2] + (")" if match[3] == "[" else "]")


def _compound(plain: str) -> Tree | None:
    """`3 hours 20 minutes`, `5 ft 6 in`: a sum of measures of one dimension, in the unit of the first."""
    parts = _COMPOUND.findall(plain)
    if len(parts) < 2 or _COMPOUND.sub("", plain).strip():
        return None
    measures = [measure(unit) for _, unit in parts]
    if any(size is None or size[0] != measures[0][0] for size in measures):
        return None
    first = measures[0][1]
    total = sum(
        (Fraction(number) * size[1] / first for (number, _), size in zip(parts, measures, strict=True)), Fraction(0)
    )
    return ("unit", ("num", total, 0), parts[0][1])


def _parsed(text: str) -> Tree | None:
    try:
        return Parser(text).answer()
    except (NotMaths, ValueError, RecursionError):
        return None


def _choice(plain: str) -> tuple[str, str]:
    """The letters and the text of a choice: "C", "(C) 12", "C. 12", "A, C"."""
    match = _LETTER.fullmatch(plain)
    if match:
        return match[1], ""
    match = _LABELLED.fullmatch(plain)
    if match:
        return match[1] or match[2] or match[3], match[4]
    if _LETTERS.fullmatch(plain):
        letters = re.findall("[A-H]", plain.replace("and", ""))
        if letters == sorted(set(letters)):
            return "".join(letters), ""
    return "", ""


def _words(plain: str) -> str:
    text = _ARTICLE.sub("", plain.replace(r"\ldots", ""))
    text = _NOISE.sub("", text)
    text = text.casefold() if len(text) > 3 or text.lower() in SHORT_WORDS else text
    return _SAME_WORDS.get(text, text)
