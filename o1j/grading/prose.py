"""Answers said in words: what a sentence claims (yes, no, none, infinitely many) and the mathematics that it says.

Only pairs that are not equal as they stand come here. `agree` compares claims; `readings` gives the answers that a
sentence may be read as, each of which is then compared like any other answer.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from .calendar import readings as calendar_readings
from .clean import tidy

MAX_CHARACTERS = 600
MAX_READINGS = 16

_WRAPPED = re.compile(r"\\(?:text|textbf|textrm|textit|textnormal|mbox|emph)\s*\{([^{}]*)\}")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}|[\u4e00-\u9fff×√]")
_NUMBERS = re.compile(r"\d+")
_SIGNED = re.compile(r"[-+]?\s*\d+")
_COMPARED = re.compile(r"[<>]|\\[lg][et]")

_BARE = re.compile(
    r"(?:yes|no|true|false|proven|proved|disproved|possible|impossible|not possible|none|"
    r"(?:it |they |this )?(?:exists?|(?:does|do) not exist|is (?:not )?(?:true|possible)|is impossible|is false)|"
    r"(?:there (?:is|are|exists?) )?no (?:such )?(?:\w+ ){0,2}\w+|no (?:such )?(?:\w+ ){1,2}exists?|"
    r"是|否|能|不能|可以|不可以|存在|不存在|对|错|正确|错误)"
)
_YES = re.compile(
    r"(?:yes|true|proven|proved|correct|possible)\b|(?:it|this) is (?:indeed |always )?(?:true|possible|correct)\b|"
    r"(?:是的?|能|可以|存在|对|正确)(?:[,.]|$)"
)
_NO = re.compile(
    r"(?:no|false|impossible|disproved|disproven|incorrect)\b|none$|not (?:possible|true|always|necessarily)\b|"
    r"(?:it|this) is (?:not (?:\w+ )?(?:true|possible)|impossible|false)\b|"
    r"(?:否|不是|不能|不可以|不存在|错误?|不正确)(?:[,.]|$)"
)
_NONE = re.compile(
    r"\bno such\b|\bthere (?:is|are|exists?|can be) no\b|\b(?:do|does|did|can)(?: not|n't) exist\b|\bcannot exist\b|"
    r"\bno (?:\w+ ){1,3}exists?\b|\bnone exists?\b|\bthere (?:do|does) not exist\b"
)
_SUCH_THAT = re.compile(r"\b(?:such that|for which)\b")
_SOME = re.compile(r"\bsuch (?:\w+ ){1,3}(?:do |does |always )?exists?\b|\bthere (?:do(?:es)? )?exists?\b")
_ENDLESS = re.compile(r"(?<!not )\binfinitely many\b|无穷多|无数")
_TICKS = {"√": "正确", "✓": "正确", "×": "错误", "✗": "错误"}

_WINNER = re.compile(
    r"(?:the )?(.+?) (?:always |can always |can |will |should )?(?:wins?|has (?:a|the) winning strategy)(?: the game)?"
)
_ARTICLE = re.compile(r"^(?:(?:it|this|they) (?:is|are) )?(?:an? |the )?(?=\w)")
_NOUN = re.compile(
    r" (?:triangle|numbers?|integers?|function|sequence|series|curve|polygon|matrix|set|point|line|surface|angle)$"
)
_NEGATED = re.compile(r"not (.+)")
_PREFIXES = ("ir", "im", "in", "un", "non", "non-", "dis")

_EVERY = r"(?:all |any |every |exactly the |precisely the )?"
_SIGNS = r"(?:positive |negative |non-?negative |non-?zero |natural |whole |real |rational |integer |ordered )*"
_KINDS = rf"(?:{_SIGNS[3:-2]}|prime |odd |even )*"
_THINGS = (
    r"(?:integers?|numbers?|reals?|rationals?|naturals?|primes?|values?|solutions?|functions?|answers?|pairs?|triples?|"
    r"triplets?|quadruples?|tuples?|polynomials?|sequences?|sets?|points?|angles?|roots?)"
)
_SAYS = re.compile(
    rf"^[^=<>]{{0,160}}?\b{_THINGS}\b[^=<>]{{0,120}}?\b(?:is|are)\b:?\s*(?:given by\s*)?(\S.*)$", re.IGNORECASE
)
_THAT_IS = re.compile(r".*\b(?:that is|namely|i\.e\.)[,:]?\s*(\S.*)$", re.IGNORECASE | re.DOTALL)
_ALL_WITH = re.compile(
    rf"^(?:all|any|every|exactly the|precisely the)\s+{_KINDS}{_THINGS}\b\s*(?:of\s+)?"
    r"(?:[a-z]\s+(?=with|such|sat|wh|for|that))?"
    r"(?:(?:with|such that|satisfying|that satisfy|where|for which|of the form)\s+)?(\S.*)$",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:for|where|with|given)\b[^=<>]*?,\s*(\S.*)$", re.IGNORECASE)
_QUANTIFIER = re.compile(
    r",?\s*\(?\b(?:for|where)\s+(?:all|any|every|each|some)\b(?:\s+[a-z]+){0,5}?\s+[a-zA-Z]\b"
    r"(?:\s*\\(?:in|ge|geq|le|leq|ne)\b\s*[^\s,;]+|[<>]\s*\S+)?\)?(?=\s*(?:[,.;)]|and\b|or\b|$))"
)
_SOME_PARAMETER = re.compile(
    r"^(.*?),?\s*\b(?:for some|where|with)\s+(?:\w+\s+){0,4}?([a-z])(?:\s*(?:\\(?:in|ge|geq)\b|[<>]|is\b)[^=]*)?$"
)
_ZERO_FUNCTION = re.compile(r"\b(?:the )?(?:constant )?(?:identically )?zero function\b", re.IGNORECASE)
_IDENTITY = re.compile(r"\b(?:the )?identity function\b", re.IGNORECASE)
_CONSTANT = re.compile(
    r"(?:all |the |any |only )*constant (?:functions?|polynomials?)|"
    r"(?:[a-zA-Z](?:\([a-z]\))? )?(?:is|must be) (?:a )?(?:positive |real |non-?zero )*constant"
    r"(?: function| polynomial)?(?: on .*)?"
)
_PARITY = re.compile(
    rf"{_EVERY}{_SIGNS}(even|odd)(?: positive| natural)?(?: (?:integers?|numbers?|values?|[a-z]))+(?: of [a-z])?|"
    rf"{_EVERY}(?:integers? |numbers? )?[a-z] (?:(?:is|are|must be) )?(even|odd)"
)
_MULTIPLES = re.compile(
    rf"{_EVERY}{_KINDS}multiples? of (\d+)|"
    rf"{_EVERY}{_KINDS}(?:(?:integers?|numbers?) )?(?:[a-z] )?(?:is )?(?:that are )?"
    r"(?:divisible by|a multiple of) (\d+)"
)
_POWERS = re.compile(
    rf"(?:[a-z] is )?(?:an? |the )?{_EVERY}{_KINDS}"
    r"(?:(?:integers?|numbers?) (?:[a-z] )?(?:equal to |that are |which are )(?:an? )?)?powers? of (\d+)"
)
_SQUARES = re.compile(rf"(?:[a-z] is )?(?:an? |the )?{_EVERY}{_KINDS}(?:perfect )?squares?")
_INDIVISIBLE = re.compile(
    rf"{_EVERY}{_KINDS}(?:(?:integers?|numbers?) )?(?:[a-z] )?(?:is |that are |which are |are )?"
    r"not (?:divisible by|an? multiple of|multiples of) (\d+)"
)
_WHOLE = re.compile(r"(?:all |any |every )(positive|natural|non-?negative)? ?(?:integers?|numbers?)(?: [a-z])?")
_PRIMES = re.compile(rf"{_EVERY}(?:[a-z] )?(?:is )?(?:an? )?prime(?:s| numbers?)?(?: [a-z])?")
_INFINITE = re.compile(
    r"infinite|infinity|infinitely many(?: solutions)?|an infinite number|无穷多?个?|无限多?个?|无数个?"
)
_PARAMETERS = "kmntar"
_MAY_BE_CONDITION = re.compile(r"for|where|with|[Aa]ll|[Aa]ny|[Ee]very|squares|\\in\b|∈|其中|为")
_CONDITION = re.compile(r"\b(?:for|where|with)\b|其中|为|[,(]\s*(?=[a-zA-Z]\s*(?:\\in\b|∈))")
_DESCRIBED = re.compile(r"(?:all|any|every|perfect squares)\b", re.IGNORECASE)
_ARGUMENT = re.compile(r"\b[A-Za-z]\(([a-z])\)\s*=")
_KIND = re.compile(
    r"\b(?<!relatively )primes?\b|\bodd\b|\beven\b|\bcomposites?\b|\bsquare-?free\b|"
    r"(?:not )?divisible by \d+|(?<!non-)(?<!non )\bnegative\b|[RQZ]\}?\s*\^\{?-(?![\w{])|<\s*0|质数|素数|奇数|偶数|负"
)
_KIND_NAMES = {
    "primes": "prime", "composites": "composite", "squarefree": "square-free",
    "质数": "prime", "素数": "prime", "奇数": "odd", "偶数": "even", "负": "negative",
}  # fmt: skip
_DENIED = re.compile(
    r"\bno\b(?! other)|\bnot\b(?! equal)|n't\b|\bcannot\b|\\n(?:mid|otin)(?![a-z])|\\not\s*\\in|不(?!为)"
)
_DOMAINS = {
    "Z": re.compile(r"\\(?:mathbb|mathbf)\s*\{?Z|\bintegers?\b|ℤ|整数"),
    "N": re.compile(r"\\(?:mathbb|mathbf)\s*\{?N|\bnaturals?\b|ℕ|自然数"),
    "Q": re.compile(r"\\(?:mathbb|mathbf)\s*\{?Q|\brationals?\b|ℚ|有理数"),
    "R": re.compile(r"\\(?:mathbb|mathbf)\s*\{?R|\breals?\b|ℝ|实数"),
    "C": re.compile(r"\\(?:mathbb|mathbf)\s*\{?C|\bcomplex\b|ℂ|复数"),
}
_LOWER = re.compile(
    r"[a-zA-Z]\s*(\\ge(?:q|qslant)?(?![a-z])|≥|>=?|\\gt(?![a-z]))\s*(-?\d+)(?![\d.,^/])|"
    r"(?<![\d.,^/])(-?\d+)\s*(\\le(?:q|qslant)?(?![a-z])|≤|<=?|\\lt(?![a-z]))\s*[a-zA-Z]"
)
_STRICTLY = {">", "<", r"\gt", r"\lt"}
_FROM_ONE = re.compile(r"(?<!-)\bpositive\b|正整数|正实数|Z\}?\s*[_^]\s*\{?\s*(?:\+|>\s*0|\\geq?\s*1)")
_FROM_ZERO = re.compile(r"\bnon-? ?negative\b|非负|Z\}?\s*_\s*\{?\s*\\geq?\s*0")
_SMALL_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SMALL = re.compile(rf"(?<=\b(?:of|by) )(?:{'|'.join(_SMALL_NUMBERS[2:])})\b")

_VALUE = r"(-?\d[\d,.]*\d(?:/\d+)?|-?\d(?:/\d+)?|-?\d*\\d?frac\{[^{}]*\}\{[^{}]*\}|-?\d*\\sqrt\{[^{}]*\})"
_LOWEST = r"(?:minimum|smallest|least|min\b|最小值?)"
_HIGHEST = r"(?:maximum|largest|greatest|max\b|最大值?)"
_EXTREMES = [
    re.compile(
        rf"{word}(?:\s+(?:value|number))?\s*(?:is|:|=|为|是)?\s*{_VALUE}|{_VALUE}\s*(?:\(|is the )\s*{word}",
        re.IGNORECASE,
    )
    for word in (_HIGHEST, _LOWEST)
]

_NO_ROOT = re.compile(r"(?:原|该|此)?(?:方程组?|不等式组?)?(?:无|没有)(?:实数|实)?(?:解|根)")
_NTH = re.compile(r"第\s*(\d+|[一二三四五六七八九十百]+)\s*[个项名次天位行列组题种只排层页]?")
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟萬", "一二三四五六七八九十百千万")
_EACH = re.compile(r"每(小时|分钟|秒|天|时)\s*(\d+(?:\.\d+)?)\s*(\S+)")
_DISCOUNT = re.compile(r"(\d(?:\.\d)?)折|([一二三四五六七八九])([一二三四五六七八九]?)折")
_COUNTED_AFTER = re.compile(r"([\u4e00-\u9fff]{1,3}?)(\d+)([只个人本张条台辆棵匹头])")
_ORDINALS = {
    word: str(number)
    for number, word in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), start=1
    )
}


class Condition(NamedTuple):
    """What is said of the parameters of an answer."""

    said: bool  # there is a condition, or a description in place of a formula
    bounds: frozenset[int]  # from below; `> n` as `>= n + 1`
    kinds: frozenset[str]  # prime, odd, ... as the condition names them
    domains: frozenset[str]  # Z, Q, R, ...
    mentioned: frozenset[str]  # kinds named anywhere in the answer
    numbers: frozenset[str]  # those beside the bounds; empty where the rest goes on to further answers
    denied: bool  # not, \\notin


_NO_CONDITION = Condition(False, frozenset(), frozenset(), frozenset(), frozenset(), frozenset(), False)


class Claim(NamedTuple):
    """What a sentence claims: yes or no (1, -1, 0 where neither), how, and the numbers in it."""

    polarity: int
    bare: bool  # nothing but the claim
    explicit: bool  # it opens with yes, no or their like
    none: bool  # it says that there is no such thing
    endless: bool  # it says that there are infinitely many
    numbers: tuple[str, ...]  # with their signs, and what compares them


def in_words(text: str) -> bool:
    """Whether an answer has words that may be part of a sentence."""
    return len(text) <= MAX_CHARACTERS and bool(_WORD.search(text))


def agree(a: str, b: str) -> bool:
    """Whether two answers in words claim the same.

    >>> agree("No", "No such function exists."), agree("Yes", "It is impossible"), agree("Alice", "Alice wins")
    (True, False, True)
    """
    first, second = claim(a), claim(b)
    if first.polarity and second.polarity:
        if first.polarity != second.polarity:
            return False
        if first.bare or second.bare:
            return True
        compatible = not first.numbers or not second.numbers or first.numbers == second.numbers
        if compatible and ((first.explicit and second.explicit) or (first.none and second.none)):
            return True
    if first.endless and second.endless:
        return not first.numbers or not second.numbers or first.numbers == second.numbers
    return _same_word(plain(a).casefold(), plain(b).casefold())


def at_odds(a: str, b: str) -> bool:
    """Whether the conditions behind two answers say different things of their parameters.

    >>> at_odds("2^k for k > 0", "2^n where n is a positive integer"), at_odds("2^k for k > 0", "2^k for k >= 0")
    (False, True)
    """
    first, second = condition(a), condition(b)
    if first.bounds and second.bounds and first.bounds != second.bounds:
        return True
    if first.domains and second.domains and first.domains != second.domains:
        return True
    if first.numbers - second.numbers and second.numbers - first.numbers:
        return True
    if first.said and second.said and first.denied != second.denied:
        return True
    return bool((second.said and first.kinds - second.mentioned) or (first.said and second.kinds - first.mentioned))


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """What is said of the parameters of an answer, behind it or, in "all primes", instead of it.

    >>> condition("n = 2^p where p > 2 is prime")[1:4]
    (frozenset({3}), frozenset({'prime'}), frozenset())
    """
    if not _MAY_BE_CONDITION.search(text):
        return _NO_CONDITION
    words = plain(text)
    opening = _CONDITION.search(words)
    rest = words[opening.start() :] if opening else ""
    argument = _ARGUMENT.search(words)
    if argument:
        rest = re.sub(rf"\b(?:all|any|every|each)\b[^,;]*?\b{argument[1]}\b(?:\s*\\in\s*\\mathbb\s*\S+)?", "", rest)
    bounds = {int(above or below) + ((more or less) in _STRICTLY) for more, above, below, less in _LOWER.findall(rest)}
    if not bounds:
        bounds = {start for start, said in ((1, _FROM_ONE), (0, _FROM_ZERO)) if said.search(rest)}
    domains = _domains(rest)
    if bounds and domains <= {"Z", "N"}:  # k > 0 is as good as k in N, and may be meant by it
        domains = set()
    mentioned = _kinds(words)
    described = bool(_DESCRIBED.match(words))
    more = "=" in rest or re.search(r"\bor\b|;", rest)
    return Condition(
        bool(opening or described),
        frozenset(bounds),
        _kinds(rest) if opening else mentioned & {"negative"} if described else frozenset(),
        frozenset(domains),
        mentioned,
        frozenset() if more else frozenset(_signed(_LOWER.sub("", rest))),
        bool(_DENIED.search(rest)),
    )


def disagree(a: str, reading_a: str, b: str, reading_b: str) -> bool:
    """Whether what two sentences say beside the answers read out of them differs: numbers, kinds, a denial.

    >>> disagree("All odd integers and all powers of 2", "all powers of 2", "All even integers and 2^k", "2^k")
    True
    """
    first, second = _beside(a, reading_a), _beside(b, reading_b)
    if not first or not second:
        return False
    if bool(_DENIED.search(first)) != bool(_DENIED.search(second)):
        return True
    facts = [(set(_signed(text)), _kinds(text), _domains(text) - {"N", "Z"}) for text in (first, second)]
    return any(left and right and left != right for left, right in zip(*facts, strict=True))


def _beside(text: str, reading: str) -> str:
    """The sentence without the answer read out of it; empty where that is the whole, or not a part of it."""
    before, found, after = plain(text).rpartition(reading or "\n")
    return f"{before} {after}".strip() if found else ""


def _signed(words: str) -> list[str]:
    return [number.replace(" ", "").lstrip("+") for number in _SIGNED.findall(words)]


def _domains(words: str) -> set[str]:
    return {name for name, said in _DOMAINS.items() if said.search(words)}


def _kinds(words: str) -> frozenset[str]:
    found = (_KIND_NAMES.get(kind, kind) for kind in _KIND.findall(words.casefold()))
    return frozenset("negative" if "<" in kind or "^" in kind else kind for kind in found)


@lru_cache(maxsize=4096)
def claim(text: str) -> Claim:
    """What a sentence claims.

    >>> claim("There does not exist such a set.")[:4]
    (-1, False, False, True)
    """
    words = plain(text).casefold()
    yes, no, none = _YES.match(words), _NO.match(words), _NONE.search(_SUCH_THAT.split(words, maxsplit=1)[0])
    polarity = 1 if yes else -1 if no or none else 1 if _SOME.search(words) else 0
    return Claim(
        polarity,
        bool(polarity and _BARE.fullmatch(words)),
        bool(yes or no),
        bool(none),
        bool(_ENDLESS.search(words)),
        tuple(sorted([*_signed(words), *_COMPARED.findall(words)])),
    )


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The text without wrappers of words, layout and closing punctuation."""
    text = tidy(_TICKS.get(text.strip(), text))
    while True:
        bare = _WRAPPED.sub(r"\1", text)
        if bare == text:
            return " ".join(text.split()).strip(" .,;:!?。，")
        text = bare


@lru_cache(maxsize=4096)
def readings(text: str) -> tuple[str, ...]:
    """The answers that a text in words may be read as, the text without its wrappers first.

    >>> readings("The only solution is (x, y) = (1, 2).")[1]
    '(x, y) = (1, 2)'
    """
    whole = plain(text)
    found = [whole, *_families(whole.casefold()), *_chinese(whole), *calendar_readings(whole)]
    functions = _IDENTITY.sub("f(x)=x", _ZERO_FUNCTION.sub("f(x)=0", whole))
    unquantified = _QUANTIFIER.sub("", functions).strip(" ,;")
    sentence = re.split(r"(?<=[a-z)])\. +(?=[A-Z])", functions)[-1]
    for candidate in dict.fromkeys((functions, unquantified, sentence)):
        found.append(candidate)
        for pattern in (_SAYS, _THAT_IS, _ALL_WITH, _OPENING):
            said = pattern.match(candidate)
            if said:
                found.append(said[1])
    found += [renamed for reading in tuple(found) for renamed in _renamed(reading)]
    extremes = [pattern.findall(whole) for pattern in _EXTREMES]
    if all(len(values) == 1 for values in extremes):
        # A triple, since a pair could be an interval.
        found.append("(0, {}, {})".format(*("".join(values[0]) for values in extremes)))
    return tuple(dict.fromkeys(found))[:MAX_READINGS]


def _same_word(a: str, b: str) -> bool:
    """Short answers that differ in an article, in "wins", in one noun ("isosceles triangle"), or by not and un-."""
    first, second = _name(a), _name(b)
    if not first or not second:
        return False
    if first == second or _NOUN.sub("", first) == second or first == _NOUN.sub("", second):
        return True
    for one, other in ((first, second), (second, first)):
        negated = _NEGATED.fullmatch(one)
        if negated:
            denied, affirmed = _NOUN.sub("", _ARTICLE.sub("", negated[1])), _NOUN.sub("", other)
            if affirmed in {prefix + denied for prefix in _PREFIXES}:
                return True
    return False


def _name(words: str) -> str:
    """A short answer in words without article, and a winner without "wins"; empty for anything else."""
    if len(words) > 60 or not words.replace(" ", "").replace("-", "").isalpha():
        return ""
    winner = _WINNER.fullmatch(words)
    return _ARTICLE.sub("", winner[1] if winner else words)


def _families(words: str) -> list[str]:
    """Kinds of numbers as formulas: odd numbers as 2k+1, powers of 3 as 3^k, constant functions as f(x)=c."""
    words = _SMALL.sub(lambda word: str(_SMALL_NUMBERS.index(word[0])), words)
    parity = _PARITY.fullmatch(words)
    if parity:
        odd = (parity[1] or parity[2]) == "odd"
        return [f"2{letter}{sign}" for sign in (("+1", "-1") if odd else ("",)) for letter in _PARAMETERS]
    multiples = _MULTIPLES.fullmatch(words)
    if multiples:
        return [f"{multiples[1] or multiples[2]}{letter}" for letter in _PARAMETERS]
    powers = _POWERS.fullmatch(words)
    if powers:
        return [f"{powers[1]}^{letter}" for letter in _PARAMETERS]
    indivisible = _INDIVISIBLE.fullmatch(words)
    if indivisible:
        return [f"indivisible by {indivisible[1]}"]
    whole = _WHOLE.fullmatch(words)
    if whole:
        return [f"every {(whole[1] or 'whole').replace('natural', 'positive')} number"]
    if _SQUARES.fullmatch(words):
        return [f"{letter}^2" for letter in _PARAMETERS]
    if _PRIMES.fullmatch(words):
        return ["prime numbers"]
    if _CONSTANT.fullmatch(words):
        return ["c", "f(x)=c", "P(x)=c"]
    if _INFINITE.fullmatch(words):
        return [r"\infty"]
    return [_ORDINALS[words]] if words in _ORDINALS else []


def _renamed(text: str) -> list[str]:
    """A formula with "for some k" behind it, under other names of its parameter."""
    match = _SOME_PARAMETER.match(text)
    if not match:
        return []
    formula, name = match.groups()
    own = re.compile(rf"(?<![A-Za-z\\]){name}(?![A-Za-z])")
    letters = [letter for letter in _PARAMETERS if not re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])", formula)]
    return [own.sub(letter, formula) for letter in letters] if own.search(formula) else []


def _chinese(text: str) -> list[str]:
    """Chinese turns of phrase in the form that the grammar reads."""
    if text.isascii():
        return []
    if _NO_ROOT.fullmatch(text):
        return ["无解"]
    found = []
    nth = _NTH.fullmatch(text)
    if nth:
        found.append(nth[1])
    formal = text.translate(_FORMAL)
    if formal != text:
        found.append(formal)
    each = _EACH.fullmatch(text)
    if each:
        found.append(f"{each[2]}{each[3]}/{each[1]}")
    discount = _DISCOUNT.fullmatch(text)
    if discount:
        tenths = discount[1] or ".".join(str("一二三四五六七八九".index(c) + 1) for c in "".join(discount.group(2, 3)))
        found.append(f"{float(tenths) * 10:g}%")
    if _COUNTED_AFTER.search(text):
        found.append(_COUNTED_AFTER.sub(r"\2\3\1", text))
    return found
