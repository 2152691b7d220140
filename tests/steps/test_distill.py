"""`distill`: rejection sampling, and which of the right samples are kept."""

import itertools

import pytest

from o1j import prompts
from o1j.errors import InputError
from o1j.grading import Grade
from o1j.models import Reply, Sampling
from o1j.records import Record
from o1j.steps.distill import distill, select

PROMPT = prompts.load("distill", slots=("problem",))
ROW = Record({"id": "a", "problem": "6*7?", "answer": "42", "tokens": 7, "reasoning": "old"})


def run(model, rows=(ROW,), **options) -> list:
    return list(distill(rows, model, PROMPT, Sampling(), **options))


def speaker(*replies):
    turn = itertools.cycle(replies)
    return lambda text: next(turn)


def test_a_kept_sample_says_who_said_what_and_whether_it_is_right(teach) -> None:
    (record,) = run(teach(speaker({"content": "So \\boxed{42}", "reasoning_content": "Six sevens."})), run="r")
    assert record["response"] == "<think>\nSix sevens.\n</think>\n\nSo \\boxed{42}"
    assert "reasoning" not in record
    assert (record["model"], record["sample"], record["finish_reason"]) == ("openai:teacher", 0, "stop")
    assert (record["correct"], record["verdict"]) == (True, "exact")
    assert record["tokens"] > 0
    assert [entry["step"] for entry in record["lineage"]] == ["distill"]


def test_the_shape_of_the_thought_is_chosen(teach) -> None:
    reply = {"content": "\\boxed{42}", "reasoning_content": "Six sevens."}
    (plain,) = run(teach(speaker(reply)), think="plain")
    assert plain["response"] == "Six sevens.\n\n\\boxed{42}"
    (field,) = run(teach(speaker(reply)), think="field")
    assert (field["response"], field["reasoning"]) == ("\\boxed{42}", "Six sevens.")


def test_wrong_samples_are_dropped_by_name_and_keep_their_text(teach) -> None:
    (dropped,) = run(teach(speaker("\\boxed{41}")))
    assert (dropped.reason, dropped.record["response"], dropped.record["correct"]) == ("wrong", "\\boxed{41}", False)


def test_an_answer_inside_an_unfinished_thought_is_none(teach) -> None:
    (dropped,) = run(teach(speaker("<think>\\boxed{42} but wait")))
    assert dropped.reason in ("truncated", "no-answer", "empty")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [("correct", [0, 2, 3]), ("first", [0]), ("shortest", [3]), ("longest", [2]), ("all", [0, 1, 2, 3])],
)
def test_keep_chooses_among_the_samples(keep: str, kept: list[int]) -> None:
    right, wrong, cut = Grade(True, "exact", "42"), Grade(False, "numeric", "41"), Grade(False, "truncated", None)
    replies = [Reply("a", tokens=20), Reply("b", tokens=1), Reply("c", tokens=30), Reply("d", tokens=10)]
    replies.append(Reply("e", tokens=99, finish_reason="length"))
    reasons = select(replies, [right, wrong, right, right, cut], keep)
    assert [sample for sample, why in enumerate(reasons) if why is None] == kept
    assert reasons[4] == "truncated"


def test_every_sample_is_asked_for_itself(teach) -> None:
    model = teach(speaker("\\boxed{42}"))
    run(model, samples=3)
    assert (model.stats.asked, model.stats.cached) == (3, 0)
    run(model, samples=3)
    assert (model.stats.asked, model.stats.cached) == (3, 3)


def test_a_problem_in_pieces_is_asked_as_one_text(teach) -> None:
    heard = []
    model = teach(lambda text: heard.append(text) or "\\boxed{42}")
    assert len(run(model, [Record({"problem": ["6", "*7?"], "answer": "42"})])) == 1
    assert heard[0].endswith("6\n\n*7?")


@pytest.mark.parametrize("problem", [None, "", " \n", [], [" "], {"text": "6*7?"}])
def test_a_record_that_asks_nothing_is_bad_input(teach, problem) -> None:
    with pytest.raises(InputError, match="no `problem`"):
        run(teach(speaker("\\boxed{42}")), [Record({"problem": problem, "answer": "42"})])


def test_a_problem_without_gold_is_ungraded_unless_all_are_kept(teach) -> None:
    row = Record({"problem": "p"})
    assert run(teach(speaker("x")), [row])[0].reason == "ungraded"
    assert run(teach(speaker("x")), [row], keep="all")[0]["correct"] is None


def test_stale_fields_of_an_earlier_reply_do_not_survive(teach) -> None:
    (record,) = run(teach(speaker("\\boxed{42}")))
    assert "reasoning" not in record
    assert record["tokens"] != 7


def test_only_what_an_edit_changed_is_asked_again(teach, tmp_path) -> None:
    (tmp_path / "terse.md").write_text("Answer.\n\n{{problem}}\n")
    terse = prompts.load(str(tmp_path / "terse.md"), slots=("problem",))
    rows = [Record({"problem": f"{number}*7?", "answer": "42"}) for number in range(3)]
    edited = [*rows[:2], Record({"problem": "6*7?", "answer": "42"})]
    model = teach(speaker("\\boxed{42}"))
    asked = []
    for given, prompt, options in (
        (rows, PROMPT, {}),
        (rows, PROMPT, {"keep": "all", "think": "field"}),  # what becomes of a reply
        (rows, terse, {}),
        (rows, terse, {"samples": 2}),
        (edited, PROMPT, {}),
        (edited, PROMPT, {}),
    ):
        list(distill(given, model, prompt, Sampling(), **options))
        asked.append(model.stats.asked)
    assert asked == [3, 3, 6, 9, 10, 10]
