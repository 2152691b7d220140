"""Whatever the text: no exception, an answer in bounded time, in either order the same, and itself equal to itself."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from o1j.grading import classes, equal, extract, grade, judge

DATA = Path(os.environ.get("O1J_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))

PIECES = [
    "0", "1", "2", "12", "3.5", ".5", "1,000", "007", "x", "y", "n", "a", "e", "i", "C", "\\pi", "\\infty",
    "+", "-", "*",
    "/", "^", "_", "=", "<", "\\le", "\\ne", "\\in", ",", ";", ":", "(", ")", "[", "]", "{", "}", "\\{",
    "\\}", "|", "!",
    "'", "%", "\\%", "\\$", "$", "\\frac", "\\sqrt", "\\sin", "\\ln", "\\log", "\\binom", "\\text{cm}",
    "\\text{ and }",
    "\\pm", "\\cup", "\\cdot", "\\times", "^\\circ", "\\mathbb{R}", "\\sum_{k=1}^{n}", "\\begin{pmatrix}",
    "\\\\", "&",
    "\\end{pmatrix}", "\\overline{3}", "...", "and", "or", " ", "\n", "km", "apples", "元", "是", "½", "²", "√",
    "．", "\\left",
    "\\boxed{", "**", "\\mid", "\\lfloor", "\\rfloor", "9^{9^9}", "10^{400}", "2004!", "π", "\x0c", "\u2028",
    "\\mathrm{e}",
]  # fmt: skip
ATOMS = st.sampled_from(
    ["1", "2", "3", "7", "0.5", "\\frac{1}{3}", "\\sqrt{2}", "\\sqrt{5}", "\\pi", "x", "y", "2^{10}", "4!"]
)
FORMULAS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "\\cdot ", "/"]), inner).map("".join),
        inner.map(lambda text: f"({text})^2"),
        inner.map(lambda text: "\\sqrt{" + text + "}"),
        st.tuples(inner, inner).map(lambda pair: f"\\frac{{{pair[0]}}}{{{pair[1]}}}"),
        inner.map(lambda text: f"\\sin({text})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}, {pair[1]})"),
    ),
    max_leaves=8,
)
JUNK = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=250)
LONGEST = 2 * 2.0 + 3.0  # two questions to a worker, and room for a loaded machine


def timed(call, *arguments, **options):
    start = time.monotonic()
    result = call(*arguments, **options)
    assert time.monotonic() - start < LONGEST, f"{str(arguments)[:200]} took {time.monotonic() - start:.1f} s"
    return result


@RELAXED
@given(JUNK, JUNK)
@example("\\frac{1}{0}", "\\frac{2}{0}")
@example("(" * 5000, "x")
@example("9^{9^{9^9}}", "9^{9^{9^8}}")
@example("\\sqrt" * 400, "1")
@example("1" * 20000, "1" * 20000 + "2")
@example("((((x+1)^9+1)^9+1)^9+1)^9", "x")
@example("x^{x^{x^x}}", "x^{x^{x^2}}")
def test_judging_never_raises_and_has_no_order(a, b):
    assert timed(judge, a, b) == timed(judge, b, a)


@RELAXED
@given(FORMULAS, FORMULAS)
def test_formulas_never_raise_and_have_no_order(a, b):
    assert timed(judge, a, b) == timed(judge, b, a)


@RELAXED
@given(FORMULAS)
def test_a_formula_equals_itself_spaced_and_bracketed(formula):
    assert equal(formula, "$ " + formula.replace("+", " + ") + " $") is True
    if not formula.startswith("("):
        assert equal(formula, f"\\left({formula}\\right)") in {True, None}


@RELAXED
@given(FORMULAS)
def test_one_more_is_not_the_same(formula):
    if "," not in formula:
        assert equal(formula, f"{formula}+1") is not True


@RELAXED
@given(st.integers(-(10**40), 10**40), st.integers(1, 10**20), st.integers(2, 50))
def test_fractions_are_exact(top, bottom, factor):
    assert equal(f"\\frac{{{top}}}{{{bottom}}}", f"{top * factor}/{bottom * factor}") is True
    assert equal(f"\\frac{{{top}}}{{{bottom}}}", f"\\frac{{{top * factor + 1}}}{{{bottom * factor}}}") is False


@RELAXED
@given(JUNK, JUNK)
@example("1", "<think>" * 1000)
@example("1", "\\boxed{" * 3000)
@example("1", "$" * 4001)
@example("1", "**a" * 3000)
@example("1", "the answer is " * 3000)
@example("1", "a " * 50000)
@example("1", "1 " * 50000)
@example("1", "\\[" * 20000)
def test_grading_junk_gives_a_grade(gold, response):
    result = timed(grade, gold, response)
    assert result.correct in {True, False, None}
    assert (result.extracted is None) == (result.verdict in {"no_answer", "truncated", "refused"})


@RELAXED
@given(JUNK)
def test_what_is_boxed_is_what_is_found(text):
    if text.strip() and text.count("{") == text.count("}") == 0 and "\\" not in text and "think>" not in text:
        assert extract(f"So it is $\\boxed{{{text}}}$.") == text.strip()


@RELAXED
@given(st.lists(st.one_of(st.none(), FORMULAS), max_size=6))
def test_classes_follow_equality(answers):
    numbers = classes(answers)
    for answer, number in zip(answers, numbers, strict=True):
        assert (answer is None) == (number is None)
        if answer is not None:
            assert numbers[answers.index(answer)] == number


GOLDS = [
    ("aime2024_limo.jsonl", "answer"), ("amc23_limo.jsonl", "answer"), ("math500_test.jsonl", "answer"),
    ("math2024_cn_math.jsonl", "answer"), ("olymmath_en_zh.jsonl", "answer"), ("gaokao_2024_zh_limo.jsonl", "answer"),
    ("olympiadbench_raw_english.jsonl", "final_answer"), ("olympiadbench_raw_chinese.jsonl", "final_answer"),
    ("deepscaler_train_aime.jsonl", "answer"), ("longcot_limo_r1distill32b.jsonl", "gold_answer"),
    ("chinese_simpleqa.jsonl", "answer"), ("simpleqa_test.jsonl", "answer"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "field"), GOLDS)
def test_every_gold_equals_itself_boxed(name, field):
    path = DATA / name
    if not path.exists():
        pytest.skip("needs ../shared/data")
    for line in path.read_bytes().split(b"\n"):
        if not line.strip():
            continue
        golds = json.loads(line)[field]
        for gold in golds if isinstance(golds, list) else [golds]:
            text = str(gold)
            result = timed(grade, text, f"Therefore the answer is $\\boxed{{{text}}}$.")
            if text.count("{") == text.count("}"):
                assert result.correct is True, text
