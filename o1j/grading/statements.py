"""Answers that are said and not boxed: "the answer is", `#### x`, 答案是, a choice, a closing statement.

`stated` tries the rules in that order; each takes the text of a reply and gives the answer as it stands there, or None.
"""

import re

from .closing import (
    CHOICE_MARKED,
    SENTENCE,
    TAIL,
    closing_bold,
    closing_choice,
    closing_value,
    made_bold,
    marked_choice,
    split_sentences,
)
from .formulas import ALIGNED, MATH, formulas_from, inside, joined, last_value, run_text, runs
from .hedges import hedged
from .sentences import NUMBER, value_in

LAST_STATEMENTS = 20
MAX_FRAGMENT = 200
MAX_WORDS_AFTER = 3  # behind a formula that is the answer: its unit

# What leads from the answer just named to the one that was asked for: "the answer is 25/162, so m + n is 187".
_ONWARD = re.compile(
    r"\W{0,3}\s*(?:(?:and\s+)?(?:so|thus|hence|therefore|making|giving|leading\s+to|leads\s+to|from\s+which|"
    r"which\s+(?:is|equals|gives|makes|simplifies|reduces|rounds))\b|and\s+(?=[^.]*(?:\+[^=]*=|remainder|sum\b|digits?\b))|"
    r",\s*or\s|\\to|\\rightarrow|→|⇒)"
)
_ENDS_ON_A_VALUE = re.compile(
    rf"(?:[=→⇒]|\b(?:is|are|to|or|equals|of|gives)\b)\s*(?:{NUMBER}|\$[^$]+\$|\\\([^()]+\\\))[\s.]*$|=[^=$]+\$[\s.]*$"
)
_CORRECTION = re.compile(
    r"\b(?:(?:[Nn]o,? )?[Ww]ait|[Nn]o[,.]|[Aa]ctually|[Cc]orrection|[Ss]orry|[Oo]ops|[Ss]cratch that|I mean)\b|"
    r"不对|等等|更正"
)
_FINAL = re.compile(
    r"(?:the\s+)?final\s+answer(?:\s+(?:is|are)|\s*[:：]|\s*=)+\s*(?:\*\*)?\s*[:：]?|最终答案(?:是|为|：|:)+",
    re.IGNORECASE,
)
_HASHES = re.compile(r"####[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(
    r"(?:\*\*|__)?(?:step|part|case|solution|analysis|conclusion|approach|method|\d+[.)]\s)\b", re.IGNORECASE
)
_ANSWER = re.compile(
    r"\b(?:answers?|ans)(?:\s+(?:to\s+(?:the|this)\s+(?:question|problem)|choice|option))?\s*(?:\*\*)?\s*"
    r"(?:(?:is|are|should\s+be|must\s+be|would\s+be|will\s+be|comes?\s+(?:out\s+)?to|=|:|：)+\s*)+"
    r"(?:(?:for\s+sure|clearly|probably|most|likely|definitely|certainly|exactly|just|only|actually|then|therefore|thus|"
    r"simply|indeed|obviously|hence|now|still|yet|equal\s+to|given\s+by|option|choice|approximately|about)\b[\s:,]*)*"
    r"(?:\*\*)?\s*[:：]?\s*|"
    r"\banswer\s+of\s+(?:exactly\s+)?(?=[$\\]|[-−]?\d)|"
    r"答案(?:应该|应)?(?:是|为|：|:|选|等于)*\s*(?:选项)?\s*(?:\*\*)?|结果(?:应该|应)?(?:是|为|：|:|等于)+\s*(?:\*\*)?|"
    r"(?:故选|应选|因此选|所以选|选择|正确选项|选项)(?:应该|应)?(?:是|为|：|:)*\s*(?:选项)?\s*(?:\*\*)?(?=\W{0,3}[A-Ja-d](?![A-Za-z]))|"
    r"\b(?:r[ée]ponse|respuesta|risposta|antwort|resposta|ответ|đáp\s+(?:án|số)|jawaban(?:nya)?|odpowied[źz]|cevap)\s*"
    r"(?:(?:est|es|è|ist|é|là|adalah|to|:|：|—)\s*)+|(?:答え|正解|정답|답)\s*(?:(?:は|은|는|:|：)\s*)+|"
    r"\b(?:correct|right)\s+(?:option|choice)\s*(?:is|:)\s*",
    re.IGNORECASE,
)
# What such a phrase begins with, in small letters: where none of it stands, the long pattern need not be tried.
_ANSWER_STARTS = re.compile(
    "ans|答案|故选|应选|因此选|所以选|选择|正确选项|选项|结果|r[ée]pon|respu|rispo|antwo|respo|correct|right|"
    "ответ|đáp|jawab|odpow|cevap|答え|正解|정답|답"
)
_EMPTY_ANSWER = re.compile(r"(?:correct|wrong|right|incorrect|not|clear|that|the|an?(?= *[a-z]))\b(?![A-J]\b)")
_CHOICE_LINE = re.compile(r"\s*(?:\*\*)?\(?([A-J])(?:\)|[.:。，,]|\*\*|(?=不|是|$))")
_SOMETHING = re.compile(r"\w|\\(?:infty|emptyset|varnothing|pi)|∞|∅")
_IS = re.compile(r"\s*(?:is|are)\b")
_SAYS = re.compile(
    r"\b(?:is|are|was|were|costs?|equals?|therefore|thus|hence|so|then|has|have|get|makes?)\b", re.IGNORECASE
)
# What follows an answer in its own sentence without being part of it: ", because …", ", obviously", ", not 7".
_COMMENT = re.compile(
    r"[,，;]?\s+(?:because|since|as|so|where|which|thus|hence|therefore|based\s+on|according\s+to)\b.*$|"
    r"[,，]\s*(?:not\b.*|\w+ly\b.*|right\?|I\s+(?:think|believe|guess)\b.*|我认为.*|因为.*|所以.*)$",
    re.DOTALL,
)
_VALUE_AFTER_WORDS = re.compile(
    rf"(?=.*[^\W\d_]{{3}}.*\d)[^\W\d_]+(?:\s+[^\W\d_]+)+\s+{NUMBER}(?:\s*[^\W\d_]+\S*)?\.?$"
)
_DRAWING = re.compile(r"\s*\[asy\].*?\[/asy\]", re.DOTALL)
_TRAILER = re.compile(r"<\|[a-z_]+\|>.*$|\s*I hope (?:it is|this is|it'?s) correct\.?.*$", re.DOTALL | re.IGNORECASE)


def stated(text: str) -> str | None:
    """The final answer of a reply without a box."""
    text = _without_trailer(text)
    for rule in (
        final_answer,
        _hashes,
        _answer_is,
        closing_choice,
        made_bold,
        _short,
        closing_bold,
        closing_value,
        marked_choice,
    ):
        answer = (rule(text) or "").strip()
        if answer and _SOMETHING.search(answer):
            return answer
    return None


def _without_trailer(text: str) -> str:
    """The text without drawings, "I hope it is correct" and the tokens of a chat template behind it."""
    if "[asy]" in text:
        text = _DRAWING.sub("", text)
    return _TRAILER.sub("", text) if "<|" in text or "I hope" in text else text


def has_value(text: str) -> bool:
    return any(character.isdigit() for character in text) or bool(re.search(r"[\\$]", text)) or len(text) <= 2


def final_answer(text: str) -> str | None:
    low = text.lower()
    if "final" not in low and "最终" not in low:
        return None
    for match in reversed(list(_FINAL.finditer(text))[-LAST_STATEMENTS:]):
        answer = _statement(text[match.end() : match.end() + TAIL])
        if answer:
            return answer
    return None


def _hashes(text: str) -> str | None:
    """What stands behind the last `####` that is no heading, unless a later sentence says "the answer is"."""
    if "####" not in text:
        return None
    matches = [match for match in _HASHES.finditer(text) if not _HEADING.match(match[1])]
    if not matches:
        return None
    return _answer_is(text[matches[-1].end() :]) or matches[-1][1]


def _answer_is(text: str) -> str | None:
    starts = [match.start() for match in _ANSWER_STARTS.finditer(text.lower())]
    tried = 0
    for start in reversed(starts):
        match = _ANSWER.match(text, start)
        if not match:
            continue
        tried += 1
        rest = text[match.end() : match.end() + TAIL]
        answer = None if _EMPTY_ANSWER.match(rest) else _statement(rest)
        if answer or tried == LAST_STATEMENTS:
            return _corrected(rest) or answer
    return None


def _corrected(rest: str) -> str | None:
    """The value behind a correction that closes a text: "The answer is 5. No wait, it's 6."."""
    if len(rest) > MAX_FRAGMENT:
        return None
    parts = split_sentences(rest)
    later = " ".join(parts[1:])
    return closing_value(later) if _CORRECTION.match(later) else None


def _statement(rest: str) -> str | None:
    """What a sentence that has just said "the answer is" names: formulas with what joins them, or its words."""
    rest = _without_trailer(rest)
    rest = re.sub(r"^(?:[\s:：*_\"“]|\\\")+", "", rest)
    if not rest:
        return None
    small = re.match(r"([a-d])(?=[.)。\s]*(?:$|\n))", rest)
    if small:
        return small[1].upper()
    letter = re.match(
        r"(?:\*\*|\\text\{|\\mathrm\{|\$|\\\()?\s*\(?([A-J])\)?(?=[\s.,;:!?)}*$。，、不是]|$)(?!\s*[=+^/-])", rest
    )
    if letter and (
        re.match(r"[^\w\s]|\s*$", rest[letter.end() :]) or re.match(r"\s*(?:\n|\(|,|[a-z]+\b)", rest[letter.end() :])
    ):
        labelled = re.match(r"\s*\(?([A-J])[).]\s+[^\n]{1,200}", rest)
        return labelled[0].strip().rstrip(".") if labelled else letter[1]
    sentence = (split_sentences(rest) or [""])[0]
    if MATH.match(sentence):
        run = runs(sentence)[0]
        return _onward(sentence[run[-1].end() :]) or run_text(sentence, run)
    bold = re.match(r"([^*\n]{1,300}?)\*\*", sentence)
    if bold:
        sentence = bold[1].strip()
    sentence = sentence.rstrip(" .。,，").strip("*_").rstrip(" .。,，")
    if hedged(sentence):
        return sentence[:MAX_FRAGMENT]
    comment = _COMMENT.search(sentence)
    if comment and comment.start():
        onward = _onward(sentence[comment.start() :])
        if onward:
            return onward
        sentence = sentence[: comment.start()]
    if not sentence:
        return None
    if len(sentence.split()) > 3 or (re.search(r"[\u4e00-\u9fff]", sentence) and len(sentence) > 8):
        return value_in(sentence) or (sentence if len(sentence) <= 120 else None)
    return sentence


def _onward(after: str) -> str | None:
    """The value that the rest of a sentence goes on to, if it ends on one."""
    return value_in(after) if _ONWARD.match(after) and _ENDS_ON_A_VALUE.search(after) else None


def _short(text: str) -> str | None:
    """A reply of one short line without prose is the answer itself."""
    line = " ".join(text.split()) if len(text) <= 200 and len(MATH.findall(text)) == 1 else text.strip()
    if "\n" in line and not re.fullmatch(r"\$\$?\s*[^$]+\$\$?|\\\[[^\]]+\\\]", line):
        return None
    if len(line) <= MAX_FRAGMENT and hedged(line) and not _SAYS.search(line):
        return line
    if len(line) <= MAX_FRAGMENT and not MATH.search(line):
        marked = CHOICE_MARKED.search(line) and not re.search(r"\d|^\(", line)
        if marked or _VALUE_AFTER_WORDS.match(line):
            return None
    if _CHOICE_LINE.match(line) and len(line) <= 60 and not re.match(r"[A-J]\s*[=:]", line):
        return _CHOICE_LINE.match(line)[1]
    if len(SENTENCE.split(line)) > 1 and not line.startswith(("$$", r"\[")):
        return None
    whole = MATH.fullmatch(line.rstrip("."))
    if whole and not re.search(r"\\[\])]|(?<!\\)\$", inside(whole)):
        chain = line.count("=") > 1 and not re.search(r"[,;<>]|^\W*\d+\s*=|\\(?:le|ge|lt|gt|or|and|text)", line)
        return last_value(inside(whole)) if chain or ALIGNED.search(line) else inside(whole)
    formulas = list(MATH.finditer(line))
    formula = formulas[0] if formulas else None
    if formula and (_IS.match(line, formula.end()) or not joined(line, formulas)):
        return None
    if formula:
        if len(line[formulas[-1].end() :].split()) > MAX_WORDS_AFTER:
            return None
        if len(line) <= 200 and re.fullmatch(r"[A-Za-z ,]*[\s:]*", line[: formula.start()]):
            return formulas_from(line, formula) if re.search("[A-Za-z]", line[: formula.start()]) else line
        return None
    if _SAYS.search(line):
        return None
    prose = re.findall(r"[A-Za-z]{2,}", re.sub(r"\\[A-Za-z]+", " ", line))
    if (
        len(line) <= 200
        and len(prose) <= 3
        and not (re.search(r"[一-鿿]", line) and re.search(r"[为是有得]\W*[\d\\]", line))
    ):
        return line
    return None
