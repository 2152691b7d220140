"""Decontamination: copies of bench problems in every disguise, and problems that only look like them."""

import re
from collections.abc import Callable

import pytest
from filter.labelled import DATA

from o1j.errors import UsageError
from o1j.records import Dropped, Record, read
from o1j.steps.filter import filter
from o1j.steps.filter.contamination import Contamination

pytest.importorskip("numpy")

ITEM = r"Let $f(x)=\frac{x+1}{x-1}$ for $x\neq 1$. Compute $f\left(f(2024)\right)$ and the sum of its digits."
CHINESE = "已知等差数列的前 $n$ 项和为 $S_n$, 且 $S_9=27$, $a_{10}=8$, 求 $a_{100}$ 的值."
SHORT = r"Compute $\sin 60^\circ$."
BENCH = [
    ("bench.jsonl", Record({"id": "one", "problem": ITEM})),
    ("bench.jsonl", Record({"id": "zh", "problem": CHINESE})),
    ("bench.jsonl", Record({"id": "short", "problem": SHORT})),
]


@pytest.fixture(scope="module")
def rule() -> Contamination:
    return Contamination(BENCH)


def hits(rule: Contamination, **fields: object) -> list[tuple[str, str]]:
    found = rule(Record(fields))
    return [(hit["id"], hit["field"]) for hit in found.fields["contaminated_by"]] if found else []


@pytest.mark.parametrize(
    "copy",
    [
        ITEM,
        r"let \( f(x) = \dfrac{ x + 1 }{ x - 1 } \) for \( x \neq 1 \).  Compute \( f ( f ( 2024 ) ) \) "
        "and the sum of its digits",
        "Hello! " + ITEM + " Thank you.",
        ITEM.replace("Compute", "Calculate"),
        ITEM.replace(" ", " \u200b"),
        "> " + ITEM.replace(" for ", "\n> for "),
        ITEM.replace(".", "．").replace("$f", "＄f").replace("2024", "２０２４"),
        "<|im_start|>user\nSolve this step by step.\n" + ITEM + "<|im_end|>\n<|im_start|>assistant\n",
        ITEM.replace("$", ""),
    ],
)
def test_a_copy_is_found_however_it_is_spaced(copy: str, rule: Contamination) -> None:
    assert hits(rule, problem=copy) == [("one", "problem")]


def test_a_chinese_copy_is_found(rule: Contamination) -> None:
    assert hits(rule, problem=CHINESE.replace(" ", "").replace(",", "，")) == [("zh", "problem")]


@pytest.mark.parametrize(
    "copy",
    [
        SHORT,
        r"Please compute $\sin 60 ^ \circ$",
        "First. " + SHORT + " " + "Then rest. " * 20,
        r"What is the value of $\sin 60^\circ$?",
        r"Now for the next one. Evaluate $\sin60^{\circ}$. " + "Then rest. " * 20,
    ],
)
def test_a_short_problem_is_found(copy: str, rule: Contamination) -> None:
    assert hits(rule, problem=copy) == [("short", "problem")]


def test_a_short_problem_inside_a_sentence_of_a_long_text_is_none(rule: Contamination) -> None:
    assert hits(rule, solution=r"To go on we compute $\sin 60^\circ$ and the other values of the table. " * 3) == []


@pytest.mark.parametrize("field", ["problem", "solution", "response", "reasoning", "original_problem", "translation"])
def test_every_text_is_searched(field: str, rule: Contamination) -> None:
    assert hits(rule, **{field: "We were asked: " + ITEM + " So let us begin."}) == [("one", field)]


def test_samples_and_messages_are_searched(rule: Contamination) -> None:
    assert hits(rule, response=["no", ITEM]) == [("one", "response")]
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ok", "reasoning_content": ITEM}]
    assert hits(rule, messages=turns) == [("one", "messages[1]")]


STORY = (
    "Every morning Aya goes for a $9$-kilometer-long walk and stops at a coffee shop afterwards. When she walks at a "
    "constant speed of $s$ kilometers per hour, the walk takes her 4 hours, including $t$ minutes spent in the shop."
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (STORY.replace("morning", "evening").replace("coffee", "tea").replace("Aya goes", "Ben sets out"), True),
        (
            "让我想一想, 题目是这样的: "
            + STORY.replace("walks", "runs")
            + " 我们先设 $s$ 为速度, 然后列方程求解. " * 20,
            True,
        ),
        (
            "Every morning Aya goes to the shop. When it rains she walks at a constant speed, else she takes a bus.",
            False,
        ),
        (STORY[: len(STORY) // 3] + " How many steps does she take if each one is a meter long?", False),
    ],
)
def test_a_copy_with_other_words_is_found_and_another_story_is_not(text: str, found: bool) -> None:
    rule = Contamination([*BENCH, ("bench.jsonl", Record({"id": "story", "problem": STORY}))])
    assert hits(rule, reasoning=text) == ([("story", "reasoning")] if found else [])


def test_a_short_problem_of_two_sentences_is_found() -> None:
    rule = Contamination([("b", Record({"id": "two", "problem": "$x+1=3$. Solve for $x$."}))])
    thought = (
        "First I read the problem again. $x + 1 = 3$. Solve for $x$. So we subtract one on both sides." + " Go on." * 9
    )
    [hit] = rule({"reasoning": thought}).fields["contaminated_by"]
    assert thought[slice(*hit["span"])].strip() == "$x + 1 = 3$. Solve for $x$."


def test_another_problem_passes(rule: Contamination) -> None:
    assert hits(rule, problem=r"Let $f(x)=x^2$ for $x>1$. Compute the sum of the digits of $f(2024)$.") == []


def test_what_all_problems_say_names_none_of_them() -> None:
    template = " The answer is $m/n$ where $m$ and $n$ are relatively prime positive integers. Find $m+n$."
    questions = (
        "How far does the turtle walk until it meets the hare again at noon?",
        "How long does the barrel take to fill when both pipes are open?",
        "How many of the 2024 guests shake hands with at least three others?",
    )
    bench = [("b", Record({"problem": question + template})) for question in questions]
    rule = Contamination(bench)
    assert hits(rule, problem="A wholly different question is asked here about circles." + template) == []


def test_evidence_goes_into_the_rejected_record(rule: Contamination) -> None:
    [dropped] = filter([Record({"problem": "Hint: " + ITEM})], [rule])
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "contaminated"
    [hit] = dropped.record["contaminated_by"]
    assert hit == {"bench": "bench.jsonl", "id": "one", "field": "problem", "score": 1.0, "span": hit["span"]}
    begin, end = hit["span"]
    assert dropped.record["problem"][begin:end].strip(" $.") in ITEM
    assert end - begin > 0.9 * len(ITEM)


def test_the_same_words_about_other_numbers_are_another_problem() -> None:
    """Problems drawn from one mould by different people, as in word problems, have different answers."""
    told = (
        "{} ties a ribbon around a box of {}. The box is {} cm wide and {} cm longer than wide. How long is the ribbon?"
    )
    contamination = Contamination(
        [("bench.jsonl", Record({"id": "one", "problem": told.format("Mia", "shells", 6, 4)}))]
    )
    assert contamination({"problem": told.format("Omar", "shells", 6, 4)})
    assert not contamination({"problem": told.format("Omar", "beads", 7, 5)})


@pytest.mark.parametrize("numbers", ["a sum of 7", "a sum of $x$"])
def test_a_problem_from_the_same_mould_is_told_by_digits_that_differ(numbers: str) -> None:
    """Not by digits that are missing: a copy may spell them out."""
    told = "How many of the rows of the large table that stands in the hall of this school have {}, all in all?"
    contamination = Contamination([("b", Record({"id": "one", "problem": told.format("a sum of 9")}))])
    assert bool(contamination({"problem": told.format(numbers)})) == ("7" not in numbers)


def test_other_options_or_their_order_make_no_other_problem() -> None:
    asked = "甲、乙、丙、丁四人排成一列, 则丙不在排头, 且甲或乙在排尾的概率是（） {}"
    contamination = Contamination(
        [("b", Record({"id": "one", "problem": asked.format("A. 1/4 B. 1/3 C. 1/2 D. 2/3")}))]
    )
    for options in ("A. 2/3 B. 1/2 C. 1/4 D. 1/3", "A. 5/7 B. 8/9 C. 6/7", ""):
        found = contamination({"problem": asked.format(options)})
        assert [hit["id"] for hit in found.fields["contaminated_by"]] == ["one"]


def test_an_empty_bench_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no problem"):
        Contamination([("empty.jsonl", Record({"answer": "3"}))])


BENCHES = ("math500_test", "aime2024_limo", "math2024_cn_math", "amc23_limo", "gaokao_2024_zh_limo", "olymmath_en_zh")


@pytest.fixture(scope="module")
def bench() -> list[tuple[str, Record]]:
    if not DATA.is_dir():
        pytest.skip("the public data is not beside the checkout")
    return [(name, record) for name in BENCHES for record in read(str(DATA / f"{name}.jsonl"))]


@pytest.fixture(scope="module")
def every_bench(bench: list[tuple[str, Record]]) -> Contamination:
    return Contamination(bench)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text,
        lambda text: re.sub(r"([=+\-<>,{}^_])", r" \1 ", text.replace("\\frac", "\\dfrac")),
        lambda text: f"{'让我想一想, 题目是这样的. ' * 3}\n{text}\n{'We first note what is given. ' * 5}",
    ],
    ids=["verbatim", "spaced", "in a thought"],
)
def test_no_copy_of_a_bench_passes(
    edit: Callable[[str], str], bench: list[tuple[str, Record]], every_bench: Contamination
) -> None:
    passed = [record["problem"] for _, record in bench if not any(every_bench.search(edit(record["problem"])))]
    assert len(bench) > 1000
    assert not passed


def test_olympiad_problems_are_not_in_math500(bench: list[tuple[str, Record]]) -> None:
    math500 = Contamination((name, record) for name, record in bench if name == "math500_test")
    rows = [*read(str(DATA / "olympiadbench_raw_english.jsonl")), *read(str(DATA / "olympiadbench_raw_chinese.jsonl"))]
    flagged = [record["problem"] for record in rows if math500(record)]
    assert len(rows) >= 2000
    assert len(flagged) <= 0.005 * len(rows), flagged
