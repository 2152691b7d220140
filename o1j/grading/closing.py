"""What a text says in the end: its last sentences that state something, remarks and signatures left out."""

import re
from functools import lru_cache

from .formulas import DISPLAY, MATH, inside, last_value
from .sentences import bold_values, value_in

TAIL = 4000
LAST_PARAGRAPHS = 3
LAST_SENTENCES = 6

SENTENCE = re.compile(
    r"(?<=[.!?])[\"')\]]?\s+(?=[A-Z\"'(\[$\\*¤▪])|(?<=[。！？；])|\n+|(?<=¤)(?=[A-Z][a-z])|(?<=▪)\s*(?=[A-Z][a-z])"
)
_CHOICE_SAID = re.compile(
    r"(?<!n't )(?<!not )(?:it'?s|is|choose|choice|option|select|pick|选|而是|be)\s*:?\s*"
    r"(?:\*\*)?\(?([A-J])\)?(?:\*\*)?(?=[\s.,;:!)。，选项]|$)"
)
_CHOICE_LETTER = re.compile(r"(?<![A-Za-z])[A-J](?![A-Za-z])")
_CHOICE_ALONE = re.compile(r"(?:\*\*)?[\[(（【]?([A-J])[\])）】]?[.。]?(?:\*\*)?")
CHOICE_MARKED = re.compile(r"\(([A-J])\)(?!\w)")
_MADE_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm)\s*\{\s*-?\s*\d")
_VECTOR = re.compile(r"\\(?:mathbf|boldsymbol|bm)\s*\{\s*[A-Za-z]\s*\}")
# Lines that close a text and state nothing: politeness, pictures, addresses, signatures.
_NO_STATEMENT = re.compile(
    r"(?:with\s+equality|equality\s+(?:holds|occurs)|Figure\b|as\s+(?:required|desired)|"
    r"Let me know|I hope|Hope this|If you have|Feel free|Please let|Would you like|Good luck)\b|"
    r"!\[|https?://|www\.|~\s?\w|[-—–]\s*[A-Za-z][\w.]*(?:[\s,]+[\w.&~-]+){0,5}$|\S+@\S+\.\w+|\(.*\)\.?$|"
    r"(?:Solution|Edit\w*|Written|Credit\w*)\s+by\b|(?:Notes?|Remarks?|Sidenote|Solution \d+)\b[^.]{0,30}$"
)
# A sentence about the answer: a check, an example, an afterthought.
_REMARK = re.compile(
    r"\(.*\)\.?$|(?:\*\*|[-—*]\s*)?(?:(?:Note|Notice|Observe|Recall|Remember|Remark|Sidenote|Alternatively|Check|Checking|"
    r"Verif\w+|Indeed|Challenge|Incidentally|Caution|Beware|Possible improvement|For\s+(?:example|instance)|Equality|"
    r"More\s+generally|In\s+general|We\s+(?:can\s+)?(?:check|verify|could\s+have)|To\s+(?:check|verify)|"
    r"One\s+(?:can|may|could)|(?:This|It)\s+(?:is|can\s+be)\s+(?:a\s+)?(?:valid|indeed|achieved|attained|easy))\b|"
    r"注|验证|检验|经检验)",
)
_LABELLED = re.compile(r"\W{0,3}(?:Remark|Note|Sidenote|Challenge|Comment|NOTE|注)s?\s?\d?\W{0,3}[:：]")
_CONCLUDES = re.compile(
    r"(?:^|[,;$)] )(?:and )?(?:therefore|thus|hence|so|consequently)\b(?! that)|\bwe (?:find|see|get|conclude)|"
    r"conclude\b|所以|因此|故",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？][\"')]*$")
_HEADING = re.compile(r"[:：]\**$")
_DISPLAY_ENDS = re.compile(r"(?:\$\$|\\\]|\\end\{(?:align|equation|gather|multline|eqnarray)\*?\})$")
_WORDS = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)?")
_ALL_MATHS = re.compile(r"(?=.*\d)(?:\\[A-Za-z]+|(?<![A-Za-z])[A-Za-z](?![A-Za-z])|[^A-Za-z\u4e00-\u9fff])+")


def closing_value(text: str) -> str | None:
    """The value that the last statement of a text gives."""
    end = _from_a_paragraph(text).rstrip().rstrip(".").rstrip()
    if _DISPLAY_ENDS.search(end):
        formulas = [formula for formula in MATH.finditer(end) if formula.end() == len(end)]
        if formulas:
            return last_value(inside(formulas[0]))
    last = sentences(text)
    alone = _alone(text, last[0]) if last else None
    if alone:
        return alone
    return next((value for value in map(value_in, last) if value), None)


def _alone(text: str, line: str) -> str | None:
    """A closing line that is nothing but the answer: mathematics, or a word or two that the text has used before."""
    line = line.strip("*_ ").rstrip(".")
    if "\n" + line not in text.replace("*", ""):
        return None
    if _ALL_MATHS.fullmatch(line) and not MATH.search(line) and "=" not in line:
        return line
    return line if _WORDS.fullmatch(line) and text.casefold().count(line.casefold()) > 1 else None


@lru_cache(maxsize=16)
def sentences(text: str) -> tuple[str, ...]:
    """The last sentences of a text that state something, the last one first; where all are remarks, the last one."""
    kept: list[str] = []
    passed = ""
    for line in reversed(_lines(text)):
        parts = split_sentences(line)
        if not parts or _HEADING.search(line) or _NO_STATEMENT.match(line):
            continue
        passed = passed or next((part for part in reversed(parts) if not _QUESTION.search(part)), "")
        if _remark(parts[0]) and (_LABELLED.match(parts[0]) or not any(map(_CONCLUDES.search, parts))):
            continue
        kept += [part for part in reversed(parts) if not (_remark(part) or _QUESTION.search(part))]
        if len(kept) >= LAST_SENTENCES:
            break
    return tuple(kept) or ((passed,) if passed else ())


def _remark(sentence: str) -> bool:
    """Whether a sentence is an aside: one labelled so, or one that opens like one and concludes nothing."""
    return bool(_LABELLED.match(sentence) or (_REMARK.match(sentence) and not _CONCLUDES.search(sentence)))


def closing_paragraph(text: str) -> str:
    """The last line with words in it."""
    return next(
        (line for line in reversed(_lines(text)) if not (_HEADING.search(line) or _NO_STATEMENT.match(line))), ""
    )


@lru_cache(maxsize=16)
def _lines(text: str) -> tuple[str, ...]:
    """The lines of a text's tail, each display in the line of what leads up to it."""
    tail = DISPLAY.sub(lambda display: " " + " ".join(display[0].split()) + " ", _from_a_paragraph(text))
    return tuple(line.strip() for line in tail.split("\n") if line.strip(" -*_#$\\[]"))


def split_sentences(line: str) -> list[str]:
    """The sentences of a line; a full stop inside a formula ends one only at the formula's end."""
    hidden = MATH.sub(lambda formula: "¤" * (len(formula[0]) - 1) + _last(formula), line)
    parts, start = [], 0
    for match in SENTENCE.finditer(hidden):
        parts.append(line[start : match.start()])
        start = match.end()
    return [part.strip() for part in (*parts, line[start:]) if re.search(r"\w", part)]


def _last(formula: re.Match) -> str:
    if re.search(r"[.!?]\s*(?:\$+|\\\)|\\\]|\\end\{[a-z*]+\})$", formula[0]):
        return "."
    return "▪" if _DISPLAY_ENDS.search(formula[0]) else "¤"


def _from_a_paragraph(text: str) -> str:
    """The tail of a text, begun at a paragraph so that no formula is cut in two."""
    return text if len(text) <= TAIL else text[-TAIL:].partition("\n\n")[2] or text[-TAIL:]


def made_bold(text: str) -> str | None:
    """The last formula of the last paragraphs that is set in bold: `x=\\mathbf{362}`."""
    if not _MADE_BOLD.search(text) or _VECTOR.search(text):
        return None
    tail = "\n\n".join(_from_a_paragraph(text).split("\n\n")[-LAST_PARAGRAPHS:])
    formulas = [formula for formula in MATH.finditer(tail) if _MADE_BOLD.search(formula[0])]
    return last_value(inside(formulas[-1])) if formulas else None


def closing_bold(text: str) -> str | None:
    """What the last line sets in bold."""
    bold = bold_values(closing_paragraph(text))
    if bold and len(bold[-1].split()) > 3:
        return value_in(bold[-1]) or bold[-1]
    return bold[-1].rstrip(".") if bold else None


def closing_choice(text: str) -> str | None:
    """The choice letter that the last line names."""
    last = closing_paragraph(text)
    alone = _CHOICE_ALONE.fullmatch(last)
    if alone:
        return alone[1]
    matches = _CHOICE_SAID.findall(last) if _CHOICE_LETTER.search(last) else None
    return matches[-1] if matches else None


def marked_choice(text: str) -> str | None:
    """The last `(B)` of a closing sentence that states nothing else."""
    last = sentences(text)
    matches = CHOICE_MARKED.findall(last[0]) if last else None
    return matches[-1] if matches else None
