"""The step: what is graded, what comes out, what is dropped, what is counted."""

import pytest

from o1j import prompts
from o1j.errors import InputError, UsageError
from o1j.models import Sampling, connect
from o1j.records import Dropped, Record
from o1j.steps.eval import Asker, Summary, evaluate, graders


def run(records, *, grader="math", asker=None, **options):
    judge = graders.load(grader)
    summary = Summary(judge.classes)
    results = list(evaluate([Record(one) for one in records], summary, grader=judge, asker=asker, run="r1", **options))
    return results, summary.results()


def test_one_response_gives_one_sample_and_its_verdict_on_top():
    (record,), (figures,) = run([{"problem": "1+1?", "answer": "2", "response": "It is \\boxed{2}.", "kept": [1]}])
    assert list(record) == ["problem", "answer", "response", "kept", "samples", "accuracy", "correct", "verdict"]
    assert record["samples"] == [
        {
            "response": "It is \\boxed{2}.",
            "extracted": "2",
            "correct": True,
            "verdict": "exact",
            "tokens": None,
            "finish_reason": None,
        }
    ]
    assert (record["accuracy"], record["correct"], record["verdict"]) == (1.0, True, "exact")
    assert (figures["n"], figures["correct"], figures["accuracy"]) == (1, 1, 1.0)


def test_several_responses_have_no_verdict_on_top():
    (record,), (figures,) = run(
        [{"answer": "2", "response": ["\\boxed{2}", "\\boxed{3}", "\\boxed{2.0}", "Let me think about it more."]}]
    )
    assert "verdict" not in record and record["accuracy"] == 0.5
    # 2 and 2.0 are one class of votes.
    assert figures["maj@k"]["4"] == 1.0


def test_consecutive_records_of_one_problem_become_one():
    one = {"id": "p", "problem": "1+1?", "answer": "2", "model": "m", "note": "first"}
    (record,), _ = run(
        [
            {**one, "response": "\\boxed{2}", "sample": 0, "tokens": 5},
            {**one, "response": "\\boxed{3}", "sample": 1, "tokens": 7, "note": "second"},
        ]
    )
    assert [(s["correct"], s["tokens"]) for s in record["samples"]] == [(True, 5), (False, 7)]
    assert (record["note"], record["accuracy"]) == ("first", 0.5)
    assert not {"response", "sample", "tokens"} & set(record)


@pytest.mark.parametrize(
    ("fields", "verdict", "correct"),
    [
        ({"response": "Let me think about it more."}, "no_answer", False),
        ({"response": None}, "no_answer", False),
        ({"response": "\\boxed{2}", "finish_reason": "length"}, "truncated", False),
        ({"response": "<think>it is \\boxed{2}"}, "truncated", False),
        ({"response": "", "finish_reason": "content_filter"}, "refused", False),
        ({"response": "\\boxed{2}", "answer": None}, "ungraded", None),
    ],
)
def test_what_is_no_judged_answer_is_told_apart(fields, verdict, correct):
    (record,), _ = run([{"problem": "1+1?", "answer": "2", **fields}])
    assert (record["verdict"], record["correct"]) == (verdict, correct)


def test_the_thought_is_not_the_answer():
    (record,), _ = run([{"answer": "2", "response": "<think>\\boxed{3}? no</think>\\boxed{2}"}])
    assert record["correct"] is True


def test_eval_of_its_own_output_changes_nothing():
    records = [
        {"id": "a", "answer": "2", "response": ["\\boxed{2}", "\\boxed{3}"], "model": "m"},
        {"id": "b", "answer": "2", "response": "Let me think about it more.", "model": "m"},
    ]
    first, figures = run(records)
    second, again = run(first)
    assert (second, again) == (first, figures)


def test_stored_verdicts_stand_unless_they_are_to_be_judged_again():
    stored = {"response": "\\boxed{2}", "extracted": "2", "correct": False, "verdict": "numeric"}
    record = {"answer": "2", "samples": [stored]}
    assert run([record])[0][0]["accuracy"] == 0.0
    assert run([record], regrade=True)[0][0]["accuracy"] == 1.0


def test_a_letter_and_the_value_of_its_option_are_one_choice():
    problem = "How many? (A) 10 (B) 12 (C) 14 (D) 16"
    records = [
        {"problem": problem, "answer": "B", "response": ["\\boxed{12}", "\\boxed{B}", "\\boxed{C}", "\\boxed{10}"]}
    ]
    (record,), (figures,) = run(records, grader="choice")
    assert [(s["extracted"], s["correct"], s["verdict"]) for s in record["samples"]] == [
        ("B", True, "choice"),
        ("B", True, "choice"),
        ("C", False, "choice"),
        ("A", False, "choice"),
    ]
    assert figures["maj@k"]["4"] == 1.0


def test_a_gold_that_is_the_value_takes_the_letter():
    problem = "How many? (A) 10 (B) 12 (C) 14 (D) 16"
    (record,), _ = run([{"problem": problem, "answer": "14", "response": "So the answer is (C)."}], grader="choice")
    assert record["correct"] is True


def test_an_unknown_grader_is_refused():
    with pytest.raises(UsageError, match="math, choice"):
        graders.load("vibes")


def test_without_a_model_a_record_without_response_is_refused_after_those_before_it():
    judge = graders.load("math")
    results = evaluate(
        [Record({"answer": "2", "response": "\\boxed{2}"}), Record({"problem": "1+1?"}, source="in.jsonl", line=2)],
        Summary(judge.classes),
        grader=judge,
    )
    assert next(results)["correct"] is True
    with pytest.raises(UsageError, match=r"in\.jsonl:2.*--model"):
        next(results)


def recorded(tmp_path, *replies):
    """A `replay:` model that answers the eval prompt about "1+1?" with `replies`, sample by sample."""
    import json

    content = prompts.load("eval", ["problem"]).fill(problem="1+1?")
    path = tmp_path / "replies.jsonl"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "request": {
                        "messages": [{"role": "user", "content": content}],
                        "sampling": {"temperature": 0.5},
                        "sample": place,
                    },
                    "reply": reply,
                }
            )
            + "\n"
            for place, reply in enumerate(replies)
        )
    )
    return Asker(
        lambda: connect(f"replay:{path}", cache=False, quiet=True),
        prompts.load("eval", ["problem"]),
        Sampling(temperature=0.5),
        samples=len(replies),
        told={"grader": "math", "bench": None},
    )


def test_a_model_is_asked_where_there_is_no_response(tmp_path):
    asker = recorded(
        tmp_path,
        {"text": "\\boxed{2}", "tokens": 9, "finish_reason": "stop"},
        {"text": "", "reasoning": "hmm", "tokens": 50, "finish_reason": "length"},
    )
    (given, asked), figures = run(
        [{"problem": "0?", "answer": "0", "response": "\\boxed{0}"}, {"id": "p", "problem": "1+1?", "answer": "2"}],
        asker=asker,
    )
    assert given["correct"] is True and "lineage" not in given
    assert [(s["correct"], s["verdict"], s["tokens"]) for s in asked["samples"]] == [
        (True, "exact", 9),
        (False, "truncated", 50),
    ]
    assert asked["model"].startswith("replay:")
    (entry,) = asked["lineage"]
    assert (entry["step"], entry["run"], entry["parents"]) == ("eval", "r1", ["p"])
    assert entry["sampling"] == {"temperature": 0.5, "samples": 2}
    assert entry["prompt"] == prompts.load("eval", ["problem"]).hash
    assert [(one["model"], one["n"]) for one in figures] == [(None, 1), (asked["model"], 1)]
    assert figures[1]["sampling"] == {"temperature": 0.5, "samples": 2}
    assert figures[0]["sampling"] is None


def test_resampling_asks_anew(tmp_path):
    asker = recorded(tmp_path, {"text": "\\boxed{2}", "tokens": 9, "finish_reason": "stop"})
    asker.resample = True
    (record,), _ = run(
        [{"problem": "1+1?", "answer": "2", "response": "\\boxed{3}", "tokens": 70, "model": "old"}], asker=asker
    )
    assert (record["accuracy"], record["samples"][0]["tokens"]) == (1.0, 9)
    assert record["model"] != "old" and "response" not in record


def test_neither_problem_nor_response_is_bad_input(tmp_path):
    asker = recorded(tmp_path, {"text": "x"})
    with pytest.raises(InputError, match="in:3"):
        list(
            evaluate(
                [Record({"answer": "2"}, source="in", line=3)],
                Summary(list),
                grader=graders.load("math"),
                asker=asker,
            )
        )


def test_a_problem_whose_every_reply_failed_is_dropped_as_technical():
    failed = {"response": "", "error": "connection refused"}
    (dropped,), (figures,) = run([{"id": "p", "answer": "2", "samples": [failed]}])
    assert isinstance(dropped, Dropped) and (dropped.reason, dropped.technical) == ("no-reply", True)
    assert figures["n"] == 0


def test_a_problem_that_lost_a_sample_is_kept_and_the_loss_counted():
    failed = {"response": "", "error": "connection refused"}
    good = {"response": "\\boxed{2}"}
    (record, dropped), (figures,) = run([{"id": "p", "answer": "2", "samples": [good, failed]}])
    assert (record["accuracy"], record["samples"][1]["verdict"]) == (1.0, "ungraded")
    assert isinstance(dropped, Dropped) and dropped.technical
    assert (figures["n"], figures["graded"], figures["ungraded"]) == (1, 1, 1)
