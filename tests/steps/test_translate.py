"""`translate`: checked, piece by piece, formulas out of reach."""

import pytest

from o1j import prompts
from o1j.models import Sampling
from o1j.records import Dropped, Record
from o1j.steps.translate import language_of, translate

PROMPT = prompts.load("translate", slots=("language", "text"))
ROW = Record(
    {"id": "a", "problem": "Tom has $3$ apples and 12 pears.", "response": "He has \\boxed{15}.", "answer": "15"}
)
CHINESE = {
    "Tom has ⟦0⟧ apples and 12 pears.": "汤姆有⟦0⟧个苹果和12个梨。",
    "He has ⟦0⟧.": "他有⟦0⟧。",
    "How many?": "一共有多少个？",
    "Think again.": "再想一想。",
}


def run(model, rows=(ROW,), **options) -> list:
    return list(translate(rows, model, PROMPT, Sampling(), to="zh", **options))


def source(text: str) -> str:
    return text.partition("Text:\n")[2]


def speaker(**changes: str):
    return lambda text: {**CHINESE, **changes}[source(text)]


def test_a_pair_is_the_source_and_its_translation(teach) -> None:
    before, after = run(teach(speaker()), run="r")
    assert (before["language"], after["language"]) == ("en", "zh")
    assert before["id"] == after["id"] == "a"
    assert before["problem"] == ROW["problem"]
    assert after["problem"] == "汤姆有$3$个苹果和12个梨。"
    assert after["response"] == "他有\\boxed{15}。"
    assert after["answer"] == "15"
    assert [entry["step"] for entry in after["lineage"]] == ["translate"]


def test_replace_gives_the_translation_alone(teach) -> None:
    (after,) = run(teach(speaker()), mode="replace")
    assert after["language"] == "zh"


def test_formulas_never_reach_the_model(teach) -> None:
    seen: list[str] = []
    run(teach(lambda text: seen.append(source(text)) or CHINESE[source(text)]))
    assert sorted(seen) == sorted(["Tom has ⟦0⟧ apples and 12 pears.", "He has ⟦0⟧."])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("他有。", "lost-formula"),
        ("他有⟦0⟧⟦0⟧。", "lost-formula"),
        ("他有⟦0⟧，所以\\boxed{15}。", "lost-formula"),
        ("He really has ⟦0⟧.", "not-translated"),
        (PROMPT.fill(language="Chinese", text="He has ⟦0⟧.") + "\n他有⟦0⟧。", "lost-formula"),  # the prompt leaks
        ({"content": "他有⟦0⟧", "finish_reason": "length"}, "truncated"),
    ],
)
def test_what_fails_its_check_is_dropped_by_name(teach, reply, reason: str) -> None:
    (dropped,) = run(teach(speaker(**{"He has ⟦0⟧.": reply})))
    assert isinstance(dropped, Dropped)
    assert dropped.reason == reason
    assert dropped.record["problem"] == ROW["problem"]


def test_a_sign_lost_outside_of_formulas_is_noticed(teach) -> None:
    row = Record({"problem": "Find x when x^2 = 9."})
    (dropped,) = run(teach(lambda _: "求x，当x2 = 9。"), [row])
    assert dropped.reason == "lost-formula"
    row = Record({"problem": "Find x when x^2 = 16."})
    assert len(run(teach(lambda _: "求x，已知x^2＝16。"), [row])) == 2


def test_a_mark_that_the_text_brings_along_stays(teach) -> None:
    _, after = run(
        teach(lambda text: "见 " + source(text)), [Record({"problem": "see ⟦ 3 ⟧ 见见见见"}).but(language="en")]
    )
    assert after["problem"] == "见 see ⟦ 3 ⟧ 见见见见"


CLASSES = {"题": "Problem", "已知⟦0⟧，求⟦1⟧，单位⟦2⟧。": "Given ⟦0⟧, find ⟦1⟧, unit ⟦2⟧.", "当": "when", "或": "or"}


def english(model, text: str) -> list:
    row = Record({"problem": text, "answer": "3"})
    return list(translate([row], model, PROMPT, Sampling(), to="en"))


def test_words_within_formulas_are_translated_into_latin_scripts(teach) -> None:
    text = "已知$x=1 \\text{ 当 } y>0$，求\\(a \\text{或} b\\)，单位\\boxed{3\\text{元}}。"
    _, after = english(teach(lambda prompt: CLASSES[source(prompt)]), text)
    assert after["problem"] == "Given $x=1 \\text{ when } y>0$, find \\(a \\text{or} b\\), unit \\boxed{3\\text{元}}."


def test_words_that_would_break_a_formula_are_refused(teach) -> None:
    (dropped,) = english(
        teach(lambda prompt: {"当": "wh}en"}.get(source(prompt), "Given ⟦0⟧.")), "已知$\\text{当} y$。"
    )
    assert dropped.reason == "lost-formula"


def test_a_lost_number_is_noticed(teach) -> None:
    (dropped,) = run(teach(speaker(**{"Tom has ⟦0⟧ apples and 12 pears.": "汤姆有⟦0⟧个苹果和一些梨。"})))
    assert dropped.reason == "lost-number"


def test_a_failing_text_is_asked_again(teach) -> None:
    turns = iter(["他有。", "他有⟦0⟧。"])
    model = teach(lambda text: next(turns) if source(text).startswith("He") else CHINESE[source(text)])
    assert len(run(model, tries=2)) == 2
    assert model.stats.asked == 3


def test_messages_are_translated_thoughts_included(teach) -> None:
    turns = [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "He has \\boxed{15}.", "reasoning_content": "Think again."},
    ]
    _, after = run(teach(speaker()), [Record({"messages": turns})])
    assert after["messages"] == [
        {"role": "user", "content": "一共有多少个？"},
        {"role": "assistant", "content": "他有\\boxed{15}。", "reasoning_content": "再想一想。"},
    ]
    assert turns[0]["content"] == "How many?"


def test_only_the_named_fields_are_touched(teach) -> None:
    _, after = run(teach(speaker()), fields=("problem",))
    assert after["response"] == ROW["response"]


def test_a_record_without_such_a_text_is_no_translation(teach) -> None:
    (dropped,) = run(teach(speaker()), fields=("problm",))
    assert dropped.reason == "no-text"


def test_what_is_in_that_language_already_is_set_aside(teach) -> None:
    model = teach(speaker())
    (dropped,) = run(model, [Record({"problem": "汤姆有3个苹果，一共有多少个？"})])
    assert (dropped.reason, model.stats.asked) == ("same-language", 0)


def test_long_texts_go_piece_by_piece(teach) -> None:
    model = teach(lambda text: "再想一想。" if source(text) else "")
    paragraph = "Think again and again. " * 50
    _, after = run(model, [Record({"problem": "Think again.", "solution": "\n\n".join([paragraph] * 5)})])
    assert model.stats.asked + model.stats.cached > 2
    assert after["solution"].count("再想一想。") >= 2


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({"problem": "求$\\sin x$的最大值"}, "zh"),
        ({"problem": "Find the maximum of $\\sin x$."}, "en"),
        ({"problem": "Quel est le maximum ?", "language": "fr"}, "fr"),
        ({"problem": "$1+1$"}, "en"),
    ],
)
def test_the_language_is_what_the_record_says_or_its_script_shows(fields: dict, language: str) -> None:
    assert language_of(Record(fields)) == language
