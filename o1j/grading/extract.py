"""Find the final answer in a reply.

In order: the last `\\boxed{…}` (boxes of one sentence that belong together make a list), a "final answer is" said
after it or without it, `#### x`, a closing statement in bold, "the answer is", 答案是, a choice letter, and last what
the closing sentence states ("… = 42.", "there are 12 ways"). A thought that was not closed holds no answer.
"""

import re
from collections.abc import Iterator

from ..thinking import CLOSE, split
from .clean import mend

MAX_ANSWER = 4000
TAIL = 4000
LAST_STATEMENTS = 20
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
_NAMED = re.compile(r"^[A-Za-z]\w{0,3}(?:_\{?\w+\}?)?\s*=$")

_FINAL = re.compile(
    r"(?:the\s+)?final\s+answer(?:\s+(?:is|are)|\s*[:：]|\s*=)+\s*(?:\*\*)?\s*[:：]?|最终答案(?:是|为|：|:)+",
    re.IGNORECASE,
)
_HASHES = re.compile(r"^\s*####\s*(\S.*?)\s*$", re.MULTILINE)
_ANSWER = re.compile(
    r"\b(?:answers?|ans)(?:\s+(?:to\s+(?:the|this)\s+(?:question|problem)|choice|option))?\s*(?:\*\*)?\s*"
    r"(?:(?:is|are|should\s+be|must\s+be|would\s+be|will\s+be|comes?\s+(?:out\s+)?to|=|:|：)+\s*)+"
    r"(?:(?:for\s+sure|clearly|therefore|thus|simply|indeed|option|choice|approximately)\s+)*(?:\*\*)?\s*[:：]?\s*|"
    r"(?:答案|故选|应选|因此选|所以选|选择|结果)(?:应该|应)?(?:是|为|：|:|选)*\s*(?:选项)?\s*(?:\*\*)?|"
    r"\b(?:r[ée]ponse|respuesta|risposta|antwort|resposta)\s*(?:(?:est|es|è|ist|é|:)\s*)+|"
    r"\b(?:correct|right)\s+(?:option|choice)\s*(?:is|:)\s*",
    re.IGNORECASE,
)
# A reply without any of these is not worth the search.
_ANSWER_WORDS = ("ans", "答案", "选", "结果", "réponse", "reponse", "respuesta", "risposta", "antwort", "resposta",
                 "option", "choice")  # fmt: skip
_EMPTY_ANSWER = re.compile(r"(?:correct|wrong|right|incorrect|not|clear|that|the|a|an|yes[^.]{20})\b", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\n]{1,300})\*\*|__([^_\n]{1,300})__")
_CHOICE_SAID = re.compile(
    r"(?<!n't )(?<!not )(?:it'?s|is|choose|choice|option|select|pick|选|be)\s*:?\s*"
    r"(?:\*\*)?\(?([A-J])\)?(?:\*\*)?(?=[\s.,;:!)。，]|$)"
)
_CHOICE_LINE = re.compile(r"\s*(?:\*\*)?\(?([A-J])(?:\)|[.:。，,]|\*\*|(?=不|是|$))")
_MATH = re.compile(
    r"\$\$(.{1,1000}?)\$\$|\\\[(.{1,1000}?)\\\]|\\\((.{1,1000}?)\\\)|"
    r"(?<![\\\d])\$((?:[^$\n\\]|\\.){1,1000}?)\$(?!\d)|(?<!\\)\$((?:[^$\n\\]|\\.){1,1000}?)\$",
    re.DOTALL,
)
_SOMETHING = re.compile(r"\w|\\(?:infty|emptyset|varnothing|pi)|∞|∅")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(\[$\\*])|(?<=[。！？；])|\n+")
_NUMBER = (
    r"[-−]?(?:[$€£]\s?)?"
    r"(?:\\frac\{[^{}]*\}\{[^{}]*\}|(?:\d{1,3}(?:[,\u202f ]\d{3})+|\d+)(?:\.\d+)?(?:\s?/\s?\d+)?|\.\d+)"
    r"(?:\^\{?-?\d+\}?)?(?:\s?\\?%)?"
)
_NUMBERS = re.compile(r"(?<![A-Za-z\d._^])" + _NUMBER + r"(?![A-Za-z_]*_)")
_STATED = re.compile(
    r"(?:=|≈|\bis\b|\bare\b|\bwas\b|\bequals\b|\bequal\s+to\b|\bbe\b|\bcosts?\b|\bmakes?\b|\bhas\b|\bhave\b|\bget\b|为|是|有|得|共|需要)\s*"
    r"(?:about|approximately|exactly|only|a\s+total\s+of|still|always)?\s*(?:\*\*)?\s*[\[({]*\s*"
    rf"({_NUMBER}(?:(?:\s*,\s+{_NUMBER})*\s*,?\s*(?:and|or|和|或)\s+{_NUMBER})?)",
    re.IGNORECASE,
)
_JOINT = re.compile(r"\s*(?:,?\s*(?:and|or)\b|[,;、，和或])\s*")
_UNIT_AFTER = re.compile(r"\s?(?:\\?%|percent\b|degrees\b|°)")
_CONCLUSION = re.compile(r"(?:Therefore|Thus|Hence|So|Consequently|Finally|因此|所以|故)[,，]?\s*", re.IGNORECASE)
_IS = re.compile(r"\s*(?:is|are)\b")
_REMARK = re.compile(r"\([^()\\]*[A-Za-z]{3,}[^()\\]*\)")
_STEP = re.compile(r"\\(?:therefore|because|Rightarrow|implies|Longrightarrow|Leftrightarrow|iff)(?![A-Za-z])|∴|⇒|即|故")
_ALIGNED = re.compile(r"\\begin\{(?:aligned|align\*?|gathered|split)\}")
_LAYOUT = re.compile(r"\\begin\{(?:aligned|align\*?|gathered|split)\}|\\end\{(?:aligned|align\*?|gathered|split)\}|\\\\|&")
_NAME = re.compile(r"[A-Za-z](?:_\{?\w+\}?)?(?:\([^()]*\))?|\\(?:alpha|beta|gamma|theta|lambda|mu|phi|omega)|\([A-Za-z, ]+\)")
_NO_STATEMENT = re.compile(r"!\[|https?://|www\.|~\s?\w|\(.*\)\.?$")
REFUSAL = re.compile(
    r"\s*(?:I(?:'|’)?m sorry|I am sorry|Sorry|I(?:'| a)m (?:unable|not able)|I can(?:no|'|’)t|As an AI|"
    r"抱歉|对不起|很抱歉|我无法)[^\n]{0,300}\s*$",
    re.IGNORECASE,
)
_IGNORANCE = re.compile(
    r"\b(?:don['’]?t|do not|can(?:no|['’])t|could ?n['’]?t|could not|no) "
    r"(?:know|idea|answer|determine|be determined|say)\b|\bnot sure\b|不知道|无法确定|不清楚",
    re.IGNORECASE,
)
_TRAILER = re.compile(r"<\|[a-z_]+\|>.*$|\s*I hope (?:it is|this is|it'?s) correct\.?.*$", re.DOTALL | re.IGNORECASE)


def extract(response: str) -> str | None:
    """The final answer that a reply states, as written there; None where there is none.

    >>> extract("It is \\\\boxed{3}. Wait, I forgot one case. So \\\\boxed{4}."), extract("<think> so 7. wait")
    ('4', None)
    """
    text = visible(response)
    if text is None:
        return None
    boxed = boxed_answer(text)
    if boxed:
        answer, end = boxed
        said = _final_answer(text[end:])
        if said and _has_value(said):
            return said
        return answer
    text = _TRAILER.sub("", text)
    if REFUSAL.match(text) or (len(text) < 200 and _IGNORANCE.search(text)):
        return None
    for rule in (_final_answer, _hashes, _answer_is, _closing_choice, _short, _closing_bold, _closing_value):
        answer = (rule(text) or "").strip()
        if answer and len(answer) <= MAX_ANSWER and _SOMETHING.search(answer):
            return answer
    return None


def visible(response: str) -> str | None:
    """The reply after its thought; None where the thought never ends, or nothing follows it."""
    if not isinstance(response, str):
        return None
    if "<think>" in response or CLOSE in response:
        thought = split(response)
        if not thought.closed:
            return None
        response = thought.visible
        if CLOSE in response:
            response = response.rpartition(CLOSE)[2]
    return mend(response) if response.strip() else None


def boxes_from_end(text: str) -> Iterator[tuple[int, int, str]]:
    """The complete boxes with something in them, the last one first: (start, end, content)."""
    others = [name for name in ("\\fbox", "\\framebox") if name in text]
    limit = len(text)
    for _ in range(MAX_BOXES):
        start = max(text.rfind(name, 0, limit) for name in ["\\boxed", *others])
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


def _has_value(text: str) -> bool:
    return any(character.isdigit() for character in text) or bool(re.search(r"[\\$]", text)) or len(text) <= 2


def _final_answer(text: str) -> str | None:
    low = text.lower()
    if "final" not in low and "最终" not in low:
        return None
    for match in reversed(list(_FINAL.finditer(text))[-LAST_STATEMENTS:]):
        answer = _statement(text[match.end() : match.end() + TAIL])
        if answer:
            return answer
    return None


def _hashes(text: str) -> str | None:
    matches = _HASHES.findall(text)
    return matches[-1] if matches else None


def _answer_is(text: str) -> str | None:
    low = text.lower()
    if not any(word in low for word in _ANSWER_WORDS):
        return None
    for match in reversed(list(_ANSWER.finditer(text))[-LAST_STATEMENTS:]):
        rest = text[match.end() : match.end() + TAIL]
        if _EMPTY_ANSWER.match(rest):
            continue
        answer = _statement(rest)
        if answer:
            return answer
    return None


def _statement(rest: str) -> str | None:
    """What a sentence that has just said "the answer is" names: formulas with what joins them, or its words."""
    rest = _TRAILER.sub("", rest)
    rest = re.sub(r"^(?:[\s:：*_\"“]|\\\")+", "", rest)
    if not rest:
        return None
    letter = re.match(
        r"(?:\*\*|\\text\{|\\mathrm\{|\$|\\\()?\s*\(?([A-J])\)?(?=[\s.,;:!?)}*$。，、不是]|$)(?!\s*[=+^/-])", rest
    )
    if letter and (
        re.match(r"[^\w\s]|\s*$", rest[letter.end() :]) or re.match(r"\s*(?:\n|\(|,|[a-z]+\b)", rest[letter.end() :])
    ):
        labelled = re.match(r"\s*\(?([A-J])[).]\s+[^\n]{1,200}", rest)
        return labelled[0].strip().rstrip(".") if labelled else letter[1]
    formula = _MATH.match(rest)
    if formula:
        return _formulas(rest, formula)
    sentence = _SENTENCE.split(rest, maxsplit=1)[0].strip()
    bold = re.match(r"([^*\n]{1,300}?)\*\*", sentence)
    if bold:
        sentence = bold[1].strip()
    sentence = sentence.strip("*_").rstrip(" .。,，")
    if not sentence:
        return None
    if len(sentence.split()) > 3 or (re.search(r"[\u4e00-\u9fff]", sentence) and len(sentence) > 8):
        return _value_in(sentence) or (sentence if len(sentence) <= 120 else None)
    return sentence


def _inside(formula: re.Match) -> str:
    return next(group for group in formula.groups() if group is not None).strip().rstrip(".,")


def _formulas(text: str, first: re.Match) -> str:
    """One formula, or several joined by commas and "and", with a unit behind the last."""
    parts, end = [last_value(_inside(first))], first.end()
    while True:
        gap = _JOINT.match(text, end)
        following = _MATH.match(text, gap.end()) if gap else None
        if not following:
            break
        parts.append(last_value(_inside(following)))
        end = following.end()
    unit = _UNIT_AFTER.match(text, end)
    return ", ".join(parts) + (unit[0] if unit else "")


def _run_before(text: str, formulas: list[re.Match]) -> str:
    """The last formula, with those before it that only commas and "and" part from it."""
    first = len(formulas) - 1
    while first and _JOINT.fullmatch(text, formulas[first - 1].end(), formulas[first].start()):
        before = _top_level_equals(_inside(formulas[first - 1]))
        if len(before) > 1 and not _NAME.fullmatch(before[0].strip()):
            break
        first -= 1
    return _formulas(text, formulas[first])


def last_value(formula: str) -> str:
    """What a chain of equations ends on: `n(n+1)/2 = 5 \\cdot 3 = 15` says 15.

    One equation stays whole if it gives a name its value (`x = 5`) or describes a curve (`x^2 + y^2 = 4`).
    """
    if _ALIGNED.search(formula):
        formula = _LAYOUT.sub(" ", formula)
    steps = [step for step in _STEP.split(formula) if step.strip(" .")]
    text = steps[-1].strip(" .,;") if steps else formula
    parts = _top_level_equals(text)
    if len(parts) < 2 or not parts[-1].strip():
        return text
    name, value = parts[0].strip(), parts[-1].strip()
    if len(parts) == 2 and (_NAME.fullmatch(name) or value == "0" or ("x" in name and "y" in name)):
        return text
    return value


def _top_level_equals(text: str) -> list[str]:
    """The text between the equals signs that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(0, depth - 1)
        elif character == "=" and depth == 0 and text[index - 1 : index] not in {"<", ">", "!"}:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def _bold_values(text: str) -> list[str]:
    """What is set in bold, headings such as `**Answer:**` and `**结论**：` left out."""
    values = []
    for match in _BOLD.finditer(text):
        value = (match[1] or match[2]).strip()
        if not value.endswith((":", "：")) and text[match.end() : match.end() + 1] not in {":", "："}:
            values.append(value)
    return values


def _value_in(sentence: str) -> str | None:
    """The value a sentence ends on: after its last equals sign or "is", else its last number."""
    bold = _bold_values(sentence)
    if bold:
        return bold[-1].rstrip(".")
    formulas = list(_MATH.finditer(sentence))
    if formulas:
        first = formulas[0]
        if _CONCLUSION.fullmatch(sentence[: first.start()]) and _IS.match(sentence, first.end()):
            return _formulas(sentence, first)
        tail = sentence[formulas[-1].end() :]
        if not _NUMBERS.search(tail):
            return _run_before(sentence, formulas)
        sentence = tail
    sentence = _REMARK.sub("", sentence)
    chain = re.search(r"=\s*([^=\n,;。，；]{1,80})$", sentence.rstrip(" .)"))
    if chain:
        return chain[1]
    stated = _STATED.findall(sentence)
    if stated:
        return stated[-1]
    numbers = _NUMBERS.findall(sentence)
    return numbers[-1] if numbers else None


def _short(text: str) -> str | None:
    """A reply of one short line without prose is the answer itself."""
    line = " ".join(text.split()) if len(text) <= 200 and len(_MATH.findall(text)) == 1 else text.strip()
    if "\n" in line and not re.fullmatch(r"\$\$?\s*[^$]+\$\$?|\\\[[^\]]+\\\]", line):
        return None
    if _CHOICE_LINE.match(line) and len(line) <= 60 and not re.match(r"[A-J]\s*[=:]", line):
        return _CHOICE_LINE.match(line)[1]
    if len(_SENTENCE.split(line)) > 1 and not line.startswith(("$$", r"\[")):
        return None
    whole = _MATH.fullmatch(line.rstrip("."))
    if whole:
        return last_value(_inside(whole)) if _ALIGNED.search(line) else _inside(whole)
    formula = _MATH.search(line)
    if formula:
        if len(line) <= 200 and re.fullmatch(r"[A-Za-z ,]*[\s:]*", line[: formula.start()]):
            return _formulas(line, formula) if re.search("[A-Za-z]", line[: formula.start()]) else line
        return None
    prose = re.findall(r"[A-Za-z]{2,}", re.sub(r"\\[A-Za-z]+", " ", line))
    if (
        len(line) <= 200
        and len(prose) <= 3
        and not (re.search(r"[一-鿿]", line) and re.search(r"[为是有得]\W*[\d\\]", line))
    ):
        return line
    return None


def _closing(text: str) -> tuple[str, str]:
    """The last paragraph with words in it, and its last sentence."""
    lines = [line.strip() for line in text[-TAIL:].strip().split("\n") if line.strip(" -*_#$\\[]")]
    while len(lines) > 1 and (lines[-1].rstrip("* ").endswith((":", "：")) or _NO_STATEMENT.match(lines[-1])):
        lines.pop()
    last = lines[-1] if lines else ""
    sentences = [sentence for sentence in _SENTENCE.split(last) if sentence and re.search(r"\w", sentence)]
    return last, (sentences[-1] if sentences else "")


def _closing_bold(text: str) -> str | None:
    last, _ = _closing(text)
    bold = _bold_values(last)
    if bold and len(bold[-1].split()) > 3:
        return _value_in(bold[-1]) or bold[-1]
    return bold[-1].rstrip(".") if bold else None


def _closing_choice(text: str) -> str | None:
    last = _closing(text)[0]
    matches = _CHOICE_SAID.findall(last)
    return matches[-1] if matches else None


def _closing_value(text: str) -> str | None:
    end = text[-TAIL:].rstrip().rstrip(".").rstrip()
    if end.endswith(("$$", r"\]")):
        formulas = [formula for formula in _MATH.finditer(end) if formula.end() == len(end)]
        if formulas:
            return last_value(_inside(formulas[0]))
    last, sentence = _closing(text)
    return _value_in(sentence) or _value_in(last)
