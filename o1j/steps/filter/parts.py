"""Does the problem ask several questions at once?"""

import re
from itertools import islice

from o1j.steps.filter.clues import BLANKS, clues

# Ways to number parts: (1), 1., (a), a), (ii), "Part 2:", ①. Each has marks of a second part, without one of which a
# text can't be numbered that way, and a pattern whose group 1 is a part's number.
_SERIES = (
    (("(2", "（2", "( 2"), re.compile(r"(?<![\w\\}^_])[(（]\s*([1-9])\s*[)）]")),
    (("2)", "2.", "2、", "2．"), re.compile(r"(?:^|(?<=[\s.;。；?？:：]))([1-9])[)．.、](?=\s|[\u4e00-\u9fff$])")),
    (("(b", "（b", "( b"), re.compile(r"(?<![\w\\}^_])[(（]\s*([a-h])\s*[)）]")),
    (("b)", "b."), re.compile(r"(?:^|(?<=[\s.;?:]))([a-h])[).](?=\s|\$)")),
    (("B)",), re.compile(r"(?:^|(?<=[\s.;?:(]))([A-H])\)(?=\s|\$)")),
    (("p2", "p.2", "p. 2"), re.compile(r"(?:^|(?<=[\s\]]))p\.?\s?([1-9])[.)\]]")),
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
_MOST = 40  # marks that are looked at; a text with more is a table
_ASKS = re.compile(
    r"[?？]|\b(?:find|determine|compute|calculate|evaluate|how many|how much|solve|prove|show that|express|explain)\b"
    r"|求|证明|试证|确定|多少|几[个种条次]|计算|是否|写出|判断|说明|讨论|试?比较|给出|估计|解不?等?方程",
    re.IGNORECASE,
)
# Verbs that ask where a part begins with them, and tell where they stand elsewhere ("in the list", "we give him").
_ORDERS = re.compile(
    r"\s*(?:then |now |also )?(?:list|give|state|describe|sketch|draw|construct|simplify|write|name|decide|justify"
    r"|verify|estimate|factor|expand|complete|demonstrate|deduce|obtain|hence)\b",
    re.IGNORECASE,
)
# Where this comes right before the first part, it asks for all of them: "Prove that (a) … (b) …".
_ASKS_FOR_ALL = re.compile(
    r"(?:(?:\b(?:prove|show)(?: that)?|证明|求证|求)\s*[:：]?"
    r"|(?:\b(?:find|compute|calculate|evaluate|solve|simplify|determine|factor)(?: the following(?: \w+)?)?"
    r"|解[^。,，]{0,8}|计算|化简|判断)\s*[:：])\s*$",
    re.IGNORECASE,
)
# A place to write a value into: "\\qquad ." or "____"; between options "\\qquad" is a distance.
_BLANK = re.compile(r"\\qquad\s*\}?\$?\s*(?=[.。,，;；、?？]|$|[\u4e00-\u9fff])|(?:\\?_){3,}")


def has_several_blanks(problem: str) -> bool:
    """Whether `problem` leaves two or more values to fill in."""
    if not clues(problem) & BLANKS:
        return False
    return sum(1 for _ in islice(_BLANK.finditer(problem), 2)) == 2


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
    """How many consecutive parts of one numbering, from a first one on, ask something.

    A numbering may begin anew, when the conditions have their numbers before the questions have theirs.
    """
    marks = list(islice(series.finditer(problem), _MOST))
    ranks = [_ORDER.get(mark[1].lower() if mark[1].isascii() else mark[1]) for mark in marks]
    most = 0
    for begin, rank in enumerate(ranks):
        if rank == 1:
            parts: list[re.Match[str]] = []
            for mark, later in zip(marks[begin:], ranks[begin:], strict=True):
                if later == len(parts) + 1:
                    parts.append(mark)
            most = max(most, _asking_of(problem, parts))
    return most


def _asking_of(problem: str, marks: list[re.Match[str]]) -> int:
    """How many of the parts behind `marks` ask something; one alone is no part."""
    if len(marks) < 2:
        return 0
    begin = marks[0].start()
    if _ASKS_FOR_ALL.search(problem, max(0, begin - 40), begin):
        return len(marks)
    ends = [*(mark.start() for mark in marks[1:]), len(problem)]
    return sum(
        bool(_ORDERS.match(problem, mark.end()) or _ASKS.search(problem, mark.end(), end))
        for mark, end in zip(marks, ends, strict=True)
    )
