"""How a long thought goes about its work, in seven numbers, and which thoughts are rich in reflection.

Every count is of sentences: one that holds a phrase of a list counts once for that list, however often it says it, and
a sentence that comes back with the same sentence after it is a loop and does not count again. "Wait, wait, wait" is one
reflection at most, and its echoes show in `repetition`.
"""

import heapq
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from o1j.records import Dropped, Record
from o1j.steps.filter.normal import normal
from o1j.steps.filter.rules import Noted
from o1j.thinking import split

MINIMUM = 3  # reflections, backtracks and checks, less what is repetition, that make a thought reflective by default
LOOPING = 0.3  # repetition above which a thought is a loop, whatever else it counts


def _split(phrases: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in phrases.split(";"))


# The thought stops and looks at itself.
REFLECTIONS = _split(
    """
    wait; hmm; hmmm; hm; hold on; hang on; on second thought; let me think; let me reconsider; let me rethink;
    just rethink; let me re-examine; let me reexamine; let me re-read; let me reread; read it again; let me see;
    i wonder; am i missing; i'm missing something; maybe i missed; i've missed; is that right; is this right;
    is that correct; is this correct; was that correct; does that make sense; think again; actually; oh;
    but then again; but then why; but then how; not sure; did i make; am i sure; i'm confusing; i'm confused;
    i confused; that's strange; stepping back; let me step back; maybe i should; let's reconsider; let's think again;
    等等; 等一下; 稍等; 等会; 嗯; 让我想; 让我再想; 再想想; 再想一下; 重新考虑; 重新思考; 重新审视; 回过头;
    仔细想想; 我是不是; 是不是漏; 会不会漏; 是不是搞; 忽略了; 对吗; 对不对; 其实; 不过等; 好像不; 不确定; 奇怪; 哦
    """
)
# The thought gives up what it held, and goes back or another way.
BACKTRACKS = _split(
    """
    that's wrong; that is wrong; this is wrong; that's not right; that is not right; this is not right;
    that's incorrect; this is incorrect; that isn't right; that's not correct; that is not correct; this is not correct;
    thought was wrong; thought is wrong; thought is incorrect; calculation is wrong; calculation was wrong;
    something is wrong; something's wrong; still wrong; i made a mistake; i made an error; made a mistake in;
    must have made a mistake; must have made an error; i did a mistake; my mistake; i was wrong; i messed up;
    i mixed up; got mixed up; i misread; i misunderstood; i misinterpreted; that doesn't work; that does not work;
    this doesn't work; doesn't work out; won't work; can't be right; cannot be right; that can't be.; that cannot be.;
    that's impossible;
    oops; i think i made; i'm stuck; stuck again; still stuck; seems stuck; that contradicts; this contradicts;
    start over; let me start again; starting again; starting fresh; let me go back; let's go back; going back; back up;
    scrap that; try again; let me redo; let's redo; let me recalculate; let's recalculate; let me recompute;
    let's recompute; another approach; different approach; another way; different way; another method; alternatively;
    不对; 不正确; 错了; 想错; 看错; 算错; 弄错; 搞错; 有误; 出错; 有问题; 行不通; 走不通; 不成立了; 矛盾了; 这不可能;
    换一种; 换个; 另一种方法; 另一种思路; 另外一种; 重新来; 重新开始; 重新计算; 重新算; 回到; 推翻; 不可能是
    """
)
# The thought tests what it has got.
CHECKS = _split(
    """
    let me check; let me verify; let me test; let me confirm; let me just verify; let me just check; let's check;
    let's verify; let's test; let's confirm; to verify; to check; to just confirm; double-checking; checking; verifying;
    sanity check; cross-check; cross-verify; recheck; re-check; double-check; double check; to make sure; to confirm;
    just to be sure; just to be thorough; same result; checks out; check out; i should check; i should verify;
    i don't see any errors; check:; verify:;
    检查; 验证; 验算; 检验; 核对; 核实; 确认一下; 需要确认; 再确认; 代入验; 代回检验; 试一下; 再算一遍; 再看一遍
    """
)
# Chinese has no spaces: a phrase is none in these places ("不对称" is asymmetry, "$a$, $b$ 等等" is "and so on").
_APART = {
    "不对": "(?<!对)不对(?!称|应|等|齐)",
    "对不对": "对不对(?!称|应)",
    "等等": r"(?:(?<![\w$)}])(?<![\w$)}] )|(?<=但)|(?<=但是)|(?<=可是))等等",
    "回到": "回到(?!原点)",
}
FIELDS = ("reflections", "backtracks", "checks", "answer_changes", "repetition", "language_mix", "thought_tokens")


def _phrases(words: Iterable[str]) -> re.Pattern[str]:
    latin = "|".join(re.escape(word) for word in words if word.isascii())
    han = "|".join(_APART.get(word, word) for word in words if not word.isascii())
    return re.compile(rf"(?<![a-z'])(?:{latin})(?![a-z'])|{han}")


PHRASES = {"reflections": REFLECTIONS, "backtracks": BACKTRACKS, "checks": CHECKS}
_KINDS = {kind: _phrases(phrases) for kind, phrases in PHRASES.items()}
_SENTENCE = re.compile(r"(?<=[.?!])\s+|(?<=[。？！；])|\n+")
_STATED = re.compile(
    r"(?:answer|答案)\s*(?:is|would be|should be|must be|might be|becomes|应该是|应为|就是|是|为|=|:|：)+\s*"
    r"(?:\*\*|\\\(|\$)?\s*(-?\\?[\w\\{}^/.+-]{1,40})"
)
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$|\\\[.*?\\\]|\\\(.*?\\\)|\\[A-Za-z]+|```.*?```", re.DOTALL)
_LATIN_WORD = re.compile(r"[A-Za-z]{3,}")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_WORDS_A_RUN, _HAN_A_RUN = 8, 16  # what has to come back to be a repetition: eight words, sixteen characters
_CHARACTERS_A_TOKEN = 3.2  # of mathematics in English, as tokenisers of this generation cut it


class Reflective:
    """Has no long thought rich in reflection: fewer than --min-reflections sentences that reflect, backtrack or check,
    or one that goes round in loops. Sets the fields of the profile in every record."""

    def __init__(self, minimum: int = MINIMUM):
        self.minimum = minimum

    def __call__(self, record: Mapping[str, Any]) -> Noted:
        found = profile(thought_of(record))
        rich = round(reflectiveness(found)) >= self.minimum and found["repetition"] <= LOOPING
        return Noted(found, None if rich else "not-reflective")


def profile(thought: str) -> dict[str, int | float]:
    """The seven numbers of one thought.

    `reflections`, `backtracks`, `checks`: sentences with a phrase of `REFLECTIONS`, `BACKTRACKS`, `CHECKS`.
    `answer_changes`: how often the stated answer ("the answer is", boxes) differs from the one stated before.
    `repetition`: share of runs of eight words (Chinese: sixteen characters) that came before, 0 to 1.
    `language_mix`: share of the rarer of Chinese and English in the prose, 0 to 0.5; formulas don't count.
    `thought_tokens`: estimated: 3.2 characters, or one Chinese character, a token.
    """
    text = thought.lower()
    counts = dict.fromkeys(_KINDS, 0)
    sentences = [sentence.strip() for sentence in _SENTENCE.split(text) if sentence.strip()]
    seen: set[tuple[str, str]] = set()
    for sentence, following in itertools.pairwise([*sentences, ""]):
        if (sentence, following) in seen or sentence == following:
            continue
        seen.add((sentence, following))
        for kind, phrases in _KINDS.items():
            counts[kind] += phrases.search(sentence) is not None
    han = len(_HAN.findall(thought))
    return {
        **counts,
        "answer_changes": _answer_changes(thought, text),
        "repetition": _repetition(text, han),
        "language_mix": _language_mix(thought, han),
        "thought_tokens": round(han + (len(thought) - han) / _CHARACTERS_A_TOKEN),
    }


def phrases() -> list[dict[str, str]]:
    """Every phrase that is counted: {counts_as, language, phrase}."""
    return [
        {"counts_as": kind, "language": "en" if phrase.isascii() else "zh", "phrase": phrase}
        for kind, all_of_it in PHRASES.items()
        for phrase in all_of_it
    ]


def reflectiveness(profile: Mapping[str, Any]) -> float:
    """One number to select by: reflections, backtracks and checks together, less what is repetition."""
    return (profile["reflections"] + profile["backtracks"] + profile["checks"]) * (1 - profile["repetition"])


def thought_of(record: Mapping[str, Any]) -> str:
    """The record's long thought: `reasoning`, else what `<think>` holds in `response` or the last assistant turn, else
    that text itself. Of several samples the first."""
    reasoning, response = (_first(record.get(name)) for name in ("reasoning", "response"))
    messages = record.get("messages")
    if not reasoning and not response and isinstance(messages, list):
        turns = [turn for turn in messages if isinstance(turn, dict) and turn.get("role") == "assistant"]
        if turns:
            reasoning, response = (_first(turns[-1].get(name)) for name in ("reasoning_content", "content"))
    return reasoning or split(response).reasoning or response


def most_reflective(results: Iterable[Record | Dropped], count: int) -> Iterator[Record | Dropped]:
    """Keep the `count` most reflective of the records that come; the others are dropped as `not-reflective`.

    Needs the profile in each record (`Reflective`), holds `count` records, and yields those kept when all have come,
    in input order. Of equals the earlier stays.
    """
    best: list[tuple[float, int, Record]] = []
    for number, result in enumerate(results):
        if isinstance(result, Dropped):
            yield result
            continue
        entry = (reflectiveness(result), -number, result)
        if len(best) < count:
            heapq.heappush(best, entry)
            continue
        yield Dropped(heapq.heappushpop(best, entry)[2] if best else result, "not-reflective")
    yield from (record for _, _, record in sorted(best, key=lambda entry: -entry[1]))


def _first(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


def _answer_changes(thought: str, text: str) -> int:
    stated = [(match.start(), normal(match[1])) for match in _STATED.finditer(text)]
    boxed = [(match.start(), normal(match[1])) for match in _BOXED.finditer(thought)]
    values = [value for _, value in sorted(stated + boxed) if any(map(str.isalnum, value)) and "boxed" not in value]
    return sum(before != after for before, after in itertools.pairwise(values))


def _repetition(text: str, han: int) -> float:
    if han * 4 > len(text):
        units: list[str] | str = re.sub(r"\s+", "", text)
        size = _HAN_A_RUN
    else:
        units, size = text.split(), _WORDS_A_RUN
    runs = [tuple(units[at : at + size]) for at in range(len(units) - size + 1)]
    return round(1 - len(set(runs)) / len(runs), 3) if runs else 0.0


def _language_mix(thought: str, han: int) -> float:
    if not han:
        return 0.0
    prose = _FORMULA.sub(" ", thought)
    chinese = len(_HAN.findall(prose)) / 1.6  # characters a word
    english = len(_LATIN_WORD.findall(prose))
    return round(min(chinese, english) / (chinese + english), 3) if chinese + english else 0.0
