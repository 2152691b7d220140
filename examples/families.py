"""Seven families of word problems, told in English and Chinese, with the way to solve each: all that the demo knows.

`problems.py` draws the demo's problems from them; `teacher.py` recognises a problem by them and thinks about it.
A text is a template with slots: numbers ({a}, {b}, …) and things out of a small dictionary ({name}, {things}, …).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import NamedTuple


class Pair(NamedTuple):
    """One text in the two languages."""

    en: str
    zh: str


class Step(NamedTuple):
    """One line of a solution: what it finds, and how. Operands are names of numbers, results (s1, s2) or literal."""

    says: Pair
    left: str
    sign: str
    right: str


class Slip(NamedTuple):
    """A tempting first idea that is wrong, and why."""

    left: str
    sign: str
    right: str
    why: Pair


@dataclass(frozen=True)
class Family:
    """A kind of problem: its wordings, how to draw its numbers, how to solve it, how to go astray."""

    name: str
    texts: tuple[Pair, ...]
    draw: Callable[[Random], dict[str, int]]
    steps: tuple[Step, ...]
    slip: Slip
    held_out: bool = False


class Line(NamedTuple):
    """A step with its numbers: `says` is the filled text, `left sign right = result` the calculation."""

    says: Pair
    left: int
    sign: str
    right: int
    result: int

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right} = {self.result}"


@dataclass(frozen=True)
class Problem:
    """A family with its slots filled."""

    family: Family
    text: Pair
    slots: dict[str, str]
    numbers: dict[str, int]

    @property
    def lines(self) -> list[Line]:
        known, lines = dict(self.numbers), []
        for count, step in enumerate(self.family.steps, 1):
            line = _line(step, step.says, known)
            known[f"s{count}"] = line.result
            lines.append(line)
        return lines

    @property
    def slip(self) -> Line:
        slip = self.family.slip
        return _line(slip, slip.why, dict(self.numbers))

    @property
    def answer(self) -> int:
        return self.lines[-1].result


NAMES = {
    "Mia": "米娅",
    "Tom": "汤姆",
    "Anna": "安娜",
    "Ben": "本",
    "Lily": "莉莉",
    "Jack": "杰克",
    "Emma": "艾玛",
    "Noah": "诺亚",
    "Ruth": "露丝",
    "Omar": "奥马尔",
    "Nina": "尼娜",
    "Leo": "利奥",
    "Clara": "克拉拉",
    "Hugo": "雨果",
    "Ivy": "艾薇",
    "Sam": "萨姆",
}
THINGS = {
    "pencils": ("支", "铅笔"),
    "marbles": ("颗", "弹珠"),
    "apples": ("个", "苹果"),
    "stickers": ("张", "贴纸"),
    "cookies": ("块", "饼干"),
    "books": ("本", "书"),
    "shells": ("个", "贝壳"),
    "beads": ("颗", "珠子"),
    "stamps": ("枚", "邮票"),
    "cards": ("张", "卡片"),
}
SIGNS = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "×": lambda x, y: x * y,
    "÷": lambda x, y: x // y,
}


# Numbers are small on purpose: a model of 135M parameters learns in minutes which calculations a problem wants, but
# not the tables beyond those that it sees.
def _packs(dice: Random) -> dict[str, int]:
    return {"a": dice.randint(2, 5), "b": dice.randint(2, 6), "c": dice.randint(2, 9)}


def _share(dice: Random) -> dict[str, int]:
    a, each, c = dice.randint(2, 5), dice.randint(2, 6), dice.randint(2, 9)
    while a * each - c < 2:
        each, c = dice.randint(2, 6), dice.randint(2, 9)
    return {"a": a, "b": a * each - c, "c": c}


def _puzzle(dice: Random) -> dict[str, int]:
    a, x, b = dice.randint(2, 5), dice.randint(2, 6), dice.randint(2, 5)
    return {"a": a, "b": b, "c": a * x + b}


def _tickets(dice: Random) -> dict[str, int]:
    return {"a": dice.randint(2, 5), "b": dice.randint(2, 5), "c": dice.randint(2, 4), "d": dice.randint(2, 5)}


def _multiple(dice: Random) -> dict[str, int]:
    return {"a": dice.randint(2, 6), "b": dice.randint(2, 4)}


def _perimeter(dice: Random) -> dict[str, int]:
    return {"a": dice.randint(2, 9), "b": dice.randint(2, 6)}


def _savings(dice: Random) -> dict[str, int]:
    return {"a": dice.randint(2, 5), "b": dice.randint(2, 6), "c": dice.randint(2, 9)}


FAMILIES = (
    Family(
        "packs",
        (
            Pair(
                "{name} buys {a} packs of {things} with {b} {things} in each pack. {name} already had {c} {things}. "
                "How many {things} does {name} have now?",
                "{name}买了{a}包{things}，每包有{b}{unit}{things}。{name}原来有{c}{unit}{things}。"
                "{name}现在有多少{unit}{things}？",
            ),
            Pair(
                "There are {c} {things} on a table. {name} brings {a} boxes, and each box holds {b} {things}. "
                "How many {things} are there in all?",
                "桌上有{c}{unit}{things}。{name}拿来{a}个盒子，每个盒子里有{b}{unit}{things}。"
                "一共有多少{unit}{things}？",
            ),
        ),
        _packs,
        (
            Step(Pair("In {a} groups of {b}", "{a}组，每组{b}"), "a", "×", "b"),
            Step(Pair("With the other {c}", "加上另外的{c}"), "s1", "+", "c"),
        ),
        Slip("a", "+", "b", Pair("each of the {a} holds {b}, so I must multiply", "{a}份里每份都有{b}，应该用乘法")),
    ),
    Family(
        "share",
        (
            Pair(
                "{name} has {b} {things} and {other} has {c} {things}. They put all of them equally into {a} bags. "
                "How many {things} are in each bag?",
                "{name}有{b}{unit}{things}，{other}有{c}{unit}{things}。他们把这些全部平均装进{a}个袋子。"
                "每个袋子里有多少{unit}{things}？",
            ),
            Pair(
                "One box holds {b} {things}, another {c} {things}. All are shared equally among {a} children. "
                "How many {things} does each child get?",
                "一个盒子里有{b}{unit}{things}，另一个盒子里有{c}{unit}{things}，全部平均分给{a}个孩子。"
                "每个孩子得到多少{unit}{things}？",
            ),
        ),
        _share,
        (
            Step(Pair("All of them", "全部"), "b", "+", "c"),
            Step(Pair("Shared into {a}", "平均分成{a}份"), "s1", "÷", "a"),
        ),
        Slip(
            "b",
            "-",
            "a",
            Pair("{a} is the number of shares, nothing to take away", "{a}是份数，不应该减去"),
        ),
    ),
    Family(
        "puzzle",
        (
            Pair(
                "{name} thinks of a number, multiplies it by {a}, and adds {b}. The result is {c}. What is the number?",
                "{name}想了一个数，把它乘以{a}，再加上{b}，结果是{c}。这个数是多少？",
            ),
            Pair(
                "If ${a}x + {b} = {c}$, what is the value of $x$?",
                "如果${a}x + {b} = {c}$，那么$x$的值是多少？",
            ),
        ),
        _puzzle,
        (
            Step(Pair("Before adding {b}", "加上{b}以前"), "c", "-", "b"),
            Step(Pair("Before multiplying by {a}", "乘以{a}以前"), "s1", "÷", "a"),
        ),
        Slip("c", "-", "a", Pair("{a} was multiplied, not added", "{a}是乘上去的，不是加上去的")),
    ),
    Family(
        "tickets",
        (
            Pair(
                "{name} buys {a} {things} at {b} dollars each and {c} posters at {d} dollars each. "
                "How many dollars does {name} spend in all?",
                "{name}买了{a}{unit}{things}，每{unit}{b}元，又买了{c}张海报，每张{d}元。{name}一共花了多少元？",
            ),
            Pair(
                "{name} takes {a} children and {c} adults to a museum. Tickets cost {b} dollars a child and {d} "
                "dollars an adult. How many dollars does {name} pay?",
                "{name}带{a}个孩子和{c}个大人参观博物馆。儿童票每张{b}元，成人票每张{d}元。{name}一共付多少元？",
            ),
        ),
        _tickets,
        (
            Step(Pair("The {a} at {b}", "{a}份，每份{b}元"), "a", "×", "b"),
            Step(Pair("The {c} at {d}", "{c}份，每份{d}元"), "c", "×", "d"),
            Step(Pair("Both together", "两样合起来"), "s1", "+", "s2"),
        ),
        Slip(
            "b",
            "+",
            "d",
            Pair("that counts one of each, and there are {a} and {c}", "这样每样只算了一份，而有{a}份和{c}份"),
        ),
    ),
    Family(
        "multiple",
        (
            Pair(
                "{name} has {a} {things}. {other} has {b} times as many. How many {things} do they have together?",
                "{name}有{a}{unit}{things}。{other}的是{name}的{b}倍。他们一共有多少{unit}{things}？",
            ),
            Pair(
                "One shelf holds {a} {things}. Another shelf holds {b} times as many. "
                "How many {things} are on the two shelves?",
                "一个架子上有{a}{unit}{things}，另一个架子上的是它的{b}倍。两个架子上一共有多少{unit}{things}？",
            ),
        ),
        _multiple,
        (
            Step(Pair("{b} times {a}", "{a}的{b}倍"), "b", "×", "a"),
            Step(Pair("Both together", "两样合起来"), "s1", "+", "a"),
        ),
        Slip("a", "+", "b", Pair("{b} times as many is not {b} more", "{b}倍不是多{b}个")),
    ),
    Family(
        "perimeter",
        (
            Pair(
                "{name} ties a ribbon around a box of {things}. The box is {a} cm wide and {b} cm longer than wide. "
                "How many cm of ribbon does {name} need?",
                "{name}用丝带围着一盒{things}绕一圈。盒子宽{a}厘米，长比宽多{b}厘米。{name}需要多少厘米丝带？",
            ),
            Pair(
                "{name} draws a rectangle {a} cm wide. {other} makes it {b} cm longer than wide. "
                "What is its perimeter in cm?",
                "{name}画了一个长方形，宽{a}厘米。{other}让它的长比宽多{b}厘米。它的周长是多少厘米？",
            ),
        ),
        _perimeter,
        (
            Step(Pair("The length", "长"), "a", "+", "b"),
            Step(Pair("Length and width", "长与宽之和"), "s1", "+", "a"),
            Step(Pair("Twice that", "它的两倍"), "2", "×", "s2"),
        ),
        Slip("a", "+", "b", Pair("that is one side, not the way around", "这只是一条边，不是一周")),
    ),
    Family(
        "savings",
        (
            Pair(
                "{name} saves {b} dollars a week for {a} weeks and then finds {c} dollars. "
                "How many dollars does {name} have?",
                "{name}每周存{b}元，存了{a}周，后来又捡到{c}元。{name}有多少元？",
            ),
            Pair(
                "A tailor sews {b} shirts a day for {a} days, and {c} more on the last evening. "
                "How many shirts does the tailor sew in all?",
                "裁缝每天缝{b}件衬衫，缝了{a}天，最后一晚又多缝了{c}件。裁缝一共缝了多少件衬衫？",
            ),
        ),
        _savings,
        (
            Step(Pair("In {a} times {b}", "{a}次，每次{b}"), "a", "×", "b"),
            Step(Pair("With the {c} more", "再加上{c}"), "s1", "+", "c"),
        ),
        Slip("a", "+", "b", Pair("each of the {a} brings {b}, so I must multiply", "{a}次里每次都有{b}，应该用乘法")),
        held_out=True,
    ),
)

TAUGHT = tuple(family for family in FAMILIES if not family.held_out)
UNSEEN = tuple(family for family in FAMILIES if family.held_out)


def draw(family: Family, dice: Random, wording: int | None = None) -> Problem:
    """A problem of the family with drawn numbers, names and things; `wording` picks the text, else it is drawn."""
    name, other = dice.sample(sorted(NAMES), 2)
    slots = {"name": name, "other": other, "things": dice.choice(sorted(THINGS))}
    text = family.texts[dice.randrange(len(family.texts)) if wording is None else wording]
    while True:
        numbers = family.draw(dice)
        problem = _problem(family, text, slots | {key: str(number) for key, number in numbers.items()}, numbers)
        if problem.slip.result != problem.answer:  # what is called a slip must be one
            return problem


def find(text: str) -> Problem | None:
    """The first problem of any family that stands in an English text, or None."""
    found = min(_finds(" ".join(text.split())), key=lambda hit: hit[0], default=None)
    return found and found[1]


def _finds(text: str) -> Iterator[tuple[int, Problem]]:
    for family in FAMILIES:
        for pair in family.texts:
            if match := pattern(pair.en).search(text):
                slots = match.groupdict()
                numbers = {key: int(value) for key, value in slots.items() if value.isdigit()}
                yield match.start(), _problem(family, pair, slots, numbers)


def fill(template: str, slots: dict[str, str]) -> str:
    """The template with its slots filled; LaTeX's own braces stay."""
    return re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], template)


@cache
def pattern(template: str, **kinds: str) -> re.Pattern:
    """A regular expression that reads a filled English template back; kinds: another expression for a slot's values."""
    known = {"name": "|".join(NAMES), "other": "|".join(NAMES), "things": "|".join(THINGS)} | kinds
    pieces, seen = [], set()
    for piece in re.split(r"(\{\w+\})", template):
        if not re.fullmatch(r"\{\w+\}", piece):
            pieces.append(re.escape(piece))
        elif (slot := piece[1:-1]) in seen:
            pieces.append(f"(?P={slot})")
        else:
            seen.add(slot)
            pieces.append(f"(?P<{slot}>{known.get(slot) or kinds.get('number', '[0-9]+')})")
    return re.compile(r"(?<!\w)" + "".join(pieces))


def _problem(family: Family, text: Pair, slots: dict[str, str], numbers: dict[str, int]) -> Problem:
    return Problem(family, Pair(fill(text.en, slots), fill(text.zh, chinese(slots))), slots, numbers)


def chinese(slots: dict[str, str]) -> dict[str, str]:
    """The slots of an English text as a Chinese one wants them: names and things in Chinese, and the measure word."""
    unit, thing = THINGS.get(slots.get("things", ""), ("", ""))
    here = {key: NAMES[slots[key]] for key in ("name", "other") if key in slots}
    return {**slots, **here, "things": thing, "unit": unit}


def _line(how: Step | Slip, says: Pair, known: dict[str, int]) -> Line:
    left, right = (known[side] if side in known else int(side) for side in (how.left, how.right))
    words = {key: str(number) for key, number in known.items()}
    filled = Pair(fill(says.en, words), fill(says.zh, words))
    return Line(filled, left, how.sign, right, SIGNS[how.sign](left, right))
