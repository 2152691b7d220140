"""`rewrite`: a checked solution in place of the old one."""

import pytest

from o1j import prompts
from o1j.errors import InputError
from o1j.models import Sampling
from o1j.records import Dropped, Record
from o1j.steps.rewrite import rewrite

PROMPT = prompts.load("rewrite", slots=("problem",), optional=("solution",))
ROW = Record({"id": "a", "problem": "What is $6 \\cdot 7$?", "solution": "42", "answer": "42", "extra": 1})


def run(model, rows, **options) -> list:
    return list(rewrite(rows, model, PROMPT, Sampling(), run="r", **options))


def test_a_right_solution_replaces_the_old_one(teach) -> None:
    (record,) = run(teach(lambda text: "Six sevens are \\boxed{42}."), [ROW])
    assert record["solution"] == "Six sevens are \\boxed{42}."
    assert record["original_solution"] == "42"
    assert (record["id"], record["extra"], record["answer"]) == ("a", 1, "42")
    (entry,) = record["lineage"]
    assert (entry["step"], entry["model"], entry["prompt"], entry["parents"]) == (
        "rewrite", "openai:teacher", PROMPT.hash, ["a"],
    )  # fmt: skip
    assert entry["usage"]["completion_tokens"] > 0


def test_the_prompt_carries_problem_and_solution(teach) -> None:
    seen: list[str] = []
    run(teach(lambda text: seen.append(text) or "\\boxed{42}"), [ROW])
    assert "What is $6 \\cdot 7$?" in seen[0]
    assert "Reference solution:\n42" in seen[0]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("It is \\boxed{41}.", "wrong"),
        ("It is 42.", "not-boxed"),
        ({"content": "It is \\boxed{42", "finish_reason": "length"}, "truncated"),
        ({"content": "", "refusal": "I can't help with that."}, "refused"),
        ({"content": None}, "empty"),
        ({"content": "\\boxed{42}", "finish_reason": "content_filter"}, "content-filter"),
    ],
)
def test_what_is_not_kept_has_a_name(teach, reply, reason: str) -> None:
    (dropped,) = run(teach(lambda text: reply), [ROW])
    assert isinstance(dropped, Dropped)
    assert (dropped.reason, dropped.technical) == (reason, False)
    assert dropped.record["solution"] == "42"


def test_a_record_without_an_answer_can_not_be_verified(teach) -> None:
    row = Record({"problem": "Why?"})
    assert run(teach(lambda text: "\\boxed{1}"), [row])[0].reason == "ungraded"
    assert run(teach(lambda text: "\\boxed{1}"), [row], verify=False)[0]["solution"] == "\\boxed{1}"


def test_wrong_ones_are_asked_again_up_to_the_number_of_tries(teach) -> None:
    replies = iter(["\\boxed{1}", "\\boxed{42}", "\\boxed{42}"])
    model = teach(lambda text: next(replies))
    (record,) = run(model, [ROW], tries=3)
    assert record["solution"] == "\\boxed{42}"
    assert model.stats.asked == 2


def test_a_server_that_fails_is_a_technical_drop(teach) -> None:
    (dropped,) = run(teach(lambda text: "x", rate_5xx=1.0), [ROW])
    assert (dropped.reason, dropped.technical) == ("no-reply", True)
    assert dropped.record["error"]


def test_the_first_original_solution_stays(teach) -> None:
    row = ROW.but(original_solution="the very first")
    assert run(teach(lambda text: "\\boxed{42}"), [row])[0]["original_solution"] == "the very first"


def test_a_record_without_a_problem_is_bad_input_after_those_before_it(teach) -> None:
    results = rewrite(
        [ROW, Record({"text": "x"}, source="f", line=2)], teach(lambda t: "\\boxed{42}"), PROMPT, Sampling()
    )
    assert next(results)["solution"] == "\\boxed{42}"
    with pytest.raises(InputError, match=r"f:2: no `problem`"):
        next(results)
