"""Duplicates: what counts as a copy, what doesn't, and which of the copies stays."""

import pytest

from o1j.records import Dropped, Record
from o1j.steps.filter import filter
from o1j.steps.filter.duplicates import ExactDuplicates, NearDuplicates
from o1j.steps.filter.normal import normal
from o1j.steps.filter.where import Where

LONG = (
    "Let $ABC$ be a triangle with $AB=13$, $BC=14$ and $CA=15$. The incircle touches the sides at $D$, $E$ and $F$. "
    "Find the area of triangle $DEF$, and give your answer as a fraction in lowest terms."
)


def reasons(rule: object, *rows: dict, then: tuple = ()) -> list[str | None]:
    records = [Record({"id": f"r{number}", **row}) for number, row in enumerate(rows)]
    return [result.reason if isinstance(result, Dropped) else None for result in filter(records, [rule, *then])]


@pytest.mark.parametrize(
    "copy",
    [
        r"Find  $\frac12 + x$ .",
        r"find \(\dfrac{1}{2}+x\)",
        r"Find $$\left. \tfrac{1}{2} \right. + \, x$$",
        "Find\n$\\frac{1}{2}+x$!",
    ],
)
def test_copies_differ_in_layout_only(copy: str) -> None:
    assert reasons(ExactDuplicates(), {"problem": r"Find $\frac{1}{2}+x$."}, {"problem": copy}) == [None, "duplicate"]


def test_a_decimal_point_is_not_punctuation() -> None:
    assert normal("1.5") != normal("15")
    assert reasons(ExactDuplicates(), {"problem": "Double 1.5."}, {"problem": "Double 15."}) == [None, None]


def test_a_copy_is_told_whose() -> None:
    [_, dropped] = filter([Record({"id": "a", "problem": "Why?"}), Record({"problem": "why"})], [ExactDuplicates()])
    assert dropped.record["duplicate_of"] == "a"


def test_only_what_was_kept_has_copies() -> None:
    rows = ({"problem": "Why?", "source": "bad"}, {"problem": "Why?", "source": "good"})
    assert reasons(ExactDuplicates(), *rows, then=(Where('source == "good"'),)) == ["where", None]


NEAR = [
    (LONG.replace("lowest terms", "its lowest terms"), "duplicate"),
    (LONG.replace("Find", "Determine"), "duplicate"),
    (LONG.replace("14", "12"), None),  # other numbers: another problem
    ("Let $x$ be a real number with $x^2=2$. Find $x^{13}$, $x^{14}$ and $x^{15}$.", None),
]


@pytest.mark.parametrize(("problem", "reason"), NEAR)
def test_near_copies(problem: str, reason: str | None) -> None:
    pytest.importorskip("rensa")
    assert reasons(NearDuplicates(), {"problem": LONG}, {"problem": problem}) == [None, reason]


def test_another_answer_is_another_problem() -> None:
    pytest.importorskip("rensa")
    rows = ({"problem": LONG, "answer": "2"}, {"problem": LONG.replace("lowest", "the lowest"), "answer": "3"})
    assert reasons(NearDuplicates(), *rows) == [None, None]


def test_near_copies_in_chinese() -> None:
    pytest.importorskip("rensa")
    problem = (
        "已知三角形 $ABC$ 的三边长分别为 $13$, $14$, $15$, 其内切圆与三边分别切于点 $D$, $E$, $F$, 求 $DEF$ 的面积的值."
    )
    assert reasons(NearDuplicates(), {"problem": problem}, {"problem": problem.replace("的值", "")}) == [
        None,
        "duplicate",
    ]
