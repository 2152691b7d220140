"""The long-thought profile: what is counted, what isn't, and what is selected by it."""

import json

import pytest
from filter.labelled import DATA

from o1j.records import Dropped, Record, read
from o1j.steps.filter import filter
from o1j.steps.filter.reflection import FIELDS, Reflective, most_reflective, profile, thought_of

THOUGHT = (
    "We add first. The answer is 4. Wait, that's wrong. Let me check the sum again. It is 2+3, so the answer is 5. "
    "Alternatively, count on fingers. To verify: 5-3=2. So \\boxed{5}."
)
CHINESE = "我们先计算和. 答案是4. 等等, 不对, 我算错了. 重新计算得到答案是5. 让我验证一下: 代入成立."


def test_counts_each_kind_of_sentence() -> None:
    found = profile(THOUGHT)
    assert (found["reflections"], found["backtracks"], found["checks"], found["answer_changes"]) == (1, 2, 2, 1)


def test_counts_in_chinese() -> None:
    found = profile(CHINESE)
    assert (found["reflections"], found["backtracks"], found["checks"], found["answer_changes"]) == (1, 2, 1, 1)


def test_a_loop_counts_once_and_shows_as_repetition() -> None:
    found = profile("Wait, wait, wait. " * 100)
    assert found["reflections"] == 1
    assert found["repetition"] > 0.9
    assert profile("等等, 再想想. " * 100)["repetition"] > 0.9


def test_every_counted_phrase_is_told_and_counted(o1j) -> None:
    told = [json.loads(line) for line in o1j("filter", "--list-phrases").stdout.splitlines()]
    assert {(row["counts_as"], row["language"]) for row in told} == {
        (kind, language) for kind in ("reflections", "backtracks", "checks") for language in ("en", "zh")
    }
    for row in told:
        sentence = f"so {row['phrase']} the sum" if row["language"] == "en" else f"那么，{row['phrase']}，这个"
        assert profile(sentence)[row["counts_as"]] == 1, row


@pytest.mark.parametrize("text", ["The waiter has 3 plates.", "He awaits the ohm meter.", "Check-in is at 3."])
def test_words_inside_words_do_not_count(text: str) -> None:
    found = profile(text)
    assert (found["reflections"], found["backtracks"], found["checks"]) == (0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "图形不对称, 点 $A$, $B$, $C$ 等等都在上面, 边与角不对应, 质点回到原点.",
        "So 38 is the last number that can't be expressed. The bug can go back to $a$ with probability 1/3.",
        "Substituting back into the first equation gives $c=a-4$. The exponent would be stuck at 6.",
        "Since $r<1$ contradicts the premise, 3 doesn't work. But then 20 more boys came.",
    ],
)
def test_solving_is_not_reflecting(text: str) -> None:
    found = profile(text)
    assert (found["reflections"], found["backtracks"], found["checks"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("thought", "counts"),
    [
        (
            "嗯, 先设首项为 $a$. 由条件得 $a+8d=3$. 等等, 题目说的是前九项的和. 所以 $9a+36d=27$. "
            "让我验证一下: $S_9=27$, 没错. 所以答案是 98.",
            (2, 0, 1),
        ),
        (
            "取 $x=2$, 得 $y=4$。不对，这里不能取 2。重新计算，令 $x=0$，得 $y=1$。这样对吗？检查一下端点。"
            "换个思路，用导数试试。回到原方程，极小值点是 $x=0$。",
            (1, 4, 1),
        ),
        (
            "得到 $p=\\frac{1}{3}$。不过，好像不太对。让我再想想。这里我算错了，应该用条件概率。另一种方法是直接数。"
            "再用第一种方法核对，两种方法一致。但是等等，其实还可以用对称性。",
            (3, 2, 1),
        ),
        (
            "Hmmm, hang on. Hence, I must have made a mistake. Let me recalculate t1. Just to be thorough, is 3 prime? "
            "Yes, everything checks out. Perhaps my initial thought was wrong. That can't be.",
            (1, 4, 2),
        ),
    ],
)
def test_counts_what_a_reader_counts(thought: str, counts: tuple[int, int, int]) -> None:
    found = profile(thought)
    assert (found["reflections"], found["backtracks"], found["checks"]) == counts


def test_language_mix_is_about_prose() -> None:
    assert profile("设 $x = \\frac{alpha}{beta}$, 求 \\sin x 的值.")["language_mix"] == 0
    assert profile("We set the value, 然后我们继续计算这个问题的结果, and then stop here.")["language_mix"] > 0.3


def test_nothing_has_a_profile_of_noughts() -> None:
    assert profile("") == dict.fromkeys(FIELDS, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": "R", "response": "no"},
        {"response": "<think>R</think>no"},
        {"response": "R"},
        {"response": ["R", "no"]},
        {"messages": [{"role": "user", "content": "no"}, {"role": "assistant", "content": "<think>R</think>no"}]},
        {"messages": [{"role": "assistant", "content": "no", "reasoning_content": "R"}]},
    ],
)
def test_finds_the_thought(fields: dict) -> None:
    assert thought_of(fields) == "R"


def test_the_profile_goes_into_kept_and_dropped_records() -> None:
    kept, dropped = filter([Record({"response": THOUGHT}), Record({"response": "It is 5."})], [Reflective(3)])
    assert kept["reflections"] == 1
    assert dropped.reason == "not-reflective"
    assert dropped.record["checks"] == 0


def test_a_few_words_that_come_back_do_not_cost_a_whole_sentence() -> None:
    said = "We add the first of the numbers to the second of the numbers and go on to the next of them. "
    thought = f"{said}Wait, is 4 right? {said}Let me check: yes. Hmm, but 5 is odd, so it can't be even, I think."
    [kept] = filter([Record({"response": thought + " " + " ".join(map(str, range(60)))})], [Reflective(3)])
    assert 0 < kept["repetition"] < 0.16


def test_a_loop_is_not_reflective() -> None:
    loop = THOUGHT + " But hmm, let me check the first line once more before I go on with it." * 50
    [dropped] = filter([Record({"response": loop})], [Reflective(3)])
    assert dropped.reason == "not-reflective"


def test_the_most_reflective_are_kept_in_input_order() -> None:
    rows = [Record({"id": name, "response": "Wait, no. " + "Hmm, so it is " * count}) for name, count in [("a", 1)]]
    rows += [
        Record({"id": f"t{n}", "response": " ".join(f"Wait, is it {m}?" for m in range(n))}) for n in (4, 9, 2, 9, 5)
    ]
    results = list(most_reflective(filter(rows, [Reflective(0)]), 3))
    assert [record["id"] for record in results if not isinstance(record, Dropped)] == ["t9", "t9", "t5"]
    assert sorted(result.record["id"] for result in results if isinstance(result, Dropped)) == ["a", "t2", "t4"]
    assert {result.reason for result in results if isinstance(result, Dropped)} == {"not-reflective"}


@pytest.mark.skipif(not DATA.is_dir(), reason="the public data is not beside the checkout")
@pytest.mark.parametrize(
    ("file", "low", "high"), [("longcot_limo_r1distill32b", 0.95, 1.0), ("longcot_limo_official_solutions", 0.0, 0.05)]
)
def test_long_thoughts_and_textbook_solutions_are_told_apart(file: str, low: float, high: float) -> None:
    rows = list(read(str(DATA / f"{file}.jsonl"), [("response", "solution")]))
    kept = [result for result in filter(rows, [Reflective()]) if not isinstance(result, Dropped)]
    assert low <= len(kept) / len(rows) <= high
