"""Does the problem ask several questions at once?"""

import re

# Ways to number parts: (1), 1., (a), a), (ii), "Part 2:", ①. Each has marks of a second part, without one of which a
# text can't be numbered that way, and a pattern whose group 1 is a part's number.
_SERIES = (
    (("(2", "（2", "( 2"), re.compile(r"(?<![\w\\}^_])[(（]\s*([1-9])\s*[)）]")),
    (("2)", "2.", "2、", "2．"), re.compile(r"(?:^|(?<=[\s.;。；?？:：]))([1-9])[)．.、](?=\s|[\u4e00-\u9fff$])")),
    (("(b", "（b", "( b"), re.compile(r"(?<![\w\\}^_])[(（]\s*([a-h])\s*[)）]")),
    (("b)", "b."), re.compile(r"(?:^|(?<=[\s.;?:]))([a-h])[).](?=\s|\$)")),
    (
        ("(ii", "(II", "(Ⅱ", "（Ⅱ", "（II", "（ii", "( ii", "( II"),
        re.compile(r"(?<![\w\\}^_])[(（]\s*((?:iv|v?i{1,3}|v)|(?:IV|V?I{1,3}|V)|[ⅠⅡⅢⅣⅤ])\s*[)）]"),
    ),
    (
        ("art ", "uestion ", "第"),
        re.compile(r"(?:^|\s)(?:part|question|第)\s*\(?([1-9a-hA-H一二三])\)?(?:问|[.:：)]|\s)", re.IGNORECASE),
    ),
    (("②",), re.compile(r"([①②③④⑤⑥])")),
)
_ORDER = {
    **{str(number): number for number in range(1, 10)},
    **{letter: rank for rank, letter in enumerate("abcdefgh", 1)},
    **{numeral: rank for rank, numeral in enumerate(("i", "ii", "iii", "iv", "v"), 1)},
    **{numeral: rank for rank, numeral in enumerate("ⅠⅡⅢⅣⅤ", 1)},
    **{numeral: rank for rank, numeral in enumerate("①②③④⑤⑥", 1)},
    **{numeral: rank for rank, numeral in enumerate("一二三", 1)},
}
_ASKS = re.compile(
    r"[?？]|\b(?:find|determine|compute|calculate|evaluate|how many|how much|solve|prove|show that|express|explain)\b"
    r"|求|证明|试证|确定|多少|几[个种条次]|计算|是否|写出|判断|说明|讨论|解不?等?方程",
    re.IGNORECASE,
)


def has_several_parts(problem: str) -> bool:
    """Whether `problem` has two or more numbered parts that each ask something.

    Numbered conditions, rules, statements and options ask nothing and don't count.
    """
    for marks, series in _SERIES:
        for mark in marks:
            if mark in problem:
                if _asking(problem, series) >= 2:
                    return True
                break
    return False


def _asking(problem: str, series: re.Pattern[str]) -> int:
    """How many consecutive parts of one numbering, from its first on, ask something."""
    starts: list[int] = []
    for match in series.finditer(problem):
        if _ORDER.get(match[1].lower() if match[1].isascii() else match[1]) == len(starts) + 1:
            starts.append(match.end())
    if len(starts) < 2:
        return 0
    ends = [*starts[1:], len(problem)]
    return sum(bool(_ASKS.search(problem, start, end)) for start, end in zip(starts, ends, strict=True))
