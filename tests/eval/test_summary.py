"""The figures of a run: denominators, groups, models, nulls."""

import json
import random
import time

import pytest

from o1j.records import Record
from o1j.steps.eval.samples import Sample
from o1j.steps.eval.summary import Summary


def same_text(answers):
    return range(len(answers))


def graded(verdict, answer=None, tokens=None) -> Sample:
    correct = {"right": True, "ungraded": None, "timeout": None}.get(verdict, False)
    return Sample(
        "",
        tokens=tokens,
        extracted=answer,
        correct=correct,
        verdict={"right": "exact", "wrong": "exact"}.get(verdict, verdict),
    )


def summarised(*problems, **options) -> dict:
    summary = Summary(same_text, **options)
    for place, (fields, samples) in enumerate(problems):
        summary.add(Record({"id": str(place), **fields}), samples)
    (result,) = summary.results()
    return result


def test_nothing_gives_n_zero_and_nulls():
    result = summarised()
    assert (result["n"], result["graded"], result["correct"]) == (0, 0, 0)
    assert result["accuracy"] is result["ci95"] is result["mean_tokens"] is result["model"] is None
    assert (result["pass@k"], result["maj@k"], result["curve"], result["by"]) == ({}, {}, [], {})
    assert "NaN" not in json.dumps(result)


def test_no_answer_truncated_and_refused_are_wrong_and_counted_apart():
    result = summarised(
        ({}, [graded("right", "1"), graded("no_answer"), graded("truncated"), graded("refused")]),
    )
    assert result["accuracy"] == 0.25
    counts = {name: result[name] for name in ("graded", "correct", "no_answer", "truncated", "refused", "ungraded")}
    assert counts == {"graded": 4, "correct": 1, "no_answer": 1, "truncated": 1, "refused": 1, "ungraded": 0}


def test_ungraded_samples_are_outside_every_denominator():
    result = summarised(({}, [graded("right", "1"), graded("timeout", "2")]), ({}, [graded("ungraded", "3")]))
    assert (result["n"], result["graded"], result["ungraded"], result["accuracy"]) == (2, 1, 2, 1.0)
    assert list(result["pass@k"]) == ["1"]


def test_accuracy_is_the_mean_over_problems_not_over_samples():
    result = summarised(({}, [graded("right", "1")] * 3), ({}, [graded("wrong", "2")]))
    assert result["accuracy"] == 0.5


def test_votes_and_hits_over_several_samples():
    result = summarised(({}, [graded("right", "1"), graded("right", "1"), graded("wrong", "2"), graded("no_answer")]))
    assert result["pass@k"] == {"1": 0.5, "2": pytest.approx(5 / 6), "4": 1.0}
    assert result["maj@k"]["1"] == 0.5
    assert result["maj@k"]["4"] == 1.0


def test_k_ends_with_the_problem_that_has_fewest_samples():
    result = summarised(({}, [graded("right", "1")] * 4), ({}, [graded("right", "1")] * 2))
    assert list(result["maj@k"]) == ["1", "2"]


def test_the_curve_adds_up_tokens():
    result = summarised(({}, [graded("right", "1", 10), graded("wrong", "2", 30)]))
    assert result["mean_tokens"] == 20
    assert [(point["k"], point["mean_tokens"]) for point in result["curve"]] == [(1, 20), (2, 40)]


def test_uncounted_tokens_are_said():
    result = summarised(({}, [graded("right", "1", 10), graded("wrong", "2")]))
    assert (result["mean_tokens"], result["uncounted"]) == (10, 1)


def test_the_tokens_of_those_without_an_answer_count():
    result = summarised(({}, [graded("right", "1", 10), graded("truncated", None, 90)]))
    assert result["mean_tokens"] == 50


def test_figures_by_source_and_by_a_field_of_ones_own():
    result = summarised(
        ({"source": "a", "level": 10, "family": "x"}, [graded("right", "1")]),
        ({"source": "b", "level": 9, "family": "x"}, [graded("wrong", "1")]),
        ({"source": "b"}, [graded("right", "1")]),
        by=["family"],
    )
    assert {name: one["accuracy"] for name, one in result["by"]["source"].items()} == {"a": 1.0, "b": 0.5}
    assert list(result["by"]["level"]) == ["9", "10", "(none)"]
    assert result["by"]["family"]["x"]["n"] == 2


def test_a_field_that_names_single_problems_is_not_tabled():
    problems = [({"source": str(place)}, [graded("right", "1")]) for place in range(150)]
    assert summarised(*problems)["by"]["source"] == {}


def test_one_summary_a_model():
    summary = Summary(same_text)
    summary.add(Record({"id": "1", "model": "a"}), [graded("right", "1")])
    summary.add(Record({"id": "1", "model": "b"}), [graded("wrong", "1")])
    assert [(one["model"], one["n"], one["accuracy"]) for one in summary.results()] == [("a", 1, 1.0), ("b", 1, 0.0)]


def test_budgets_are_read_off_the_curve():
    result = summarised(({}, [graded("right", "1", 100)] * 4), at_tokens=[50, 250])
    assert [(point["budget"], point["k"]) for point in result["at_tokens"]] == [(50, 0), (250, 2)]


def test_budgets_without_token_counts_stay_empty():
    assert summarised(({}, [graded("right", "1")]), at_tokens=[50])["at_tokens"] == []


def test_500_problems_of_64_graded_samples_are_summarised_in_seconds():
    draw = random.Random(2)
    summary = Summary(same_text)
    for place in range(500):
        answers = [str(int(draw.expovariate(0.4))) for _ in range(64)]
        samples = [
            graded("right" if answer == "0" else "wrong", answer, draw.randrange(200, 4000)) for answer in answers
        ]
        summary.add(Record({"id": str(place), "subject": f"s{place % 7}", "level": place % 5}), samples)
    started = time.process_time()
    (result,) = summary.results()
    assert time.process_time() - started < 25
    assert result["graded"] == 32_000
    assert result["maj@k"]["64"] > result["maj@k"]["1"]
