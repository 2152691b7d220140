"""The shapes in which samples come, each from a real file's layout."""

import pytest

from o1j.models.chat import Reply
from o1j.records import Record
from o1j.records.record import resolve
from o1j.steps.eval.groups import merged_lineage, together
from o1j.steps.eval.samples import Sample, of_reply, samples_of


def read(**fields) -> Record:
    return resolve(Record(fields))


def test_a_text_is_one_sample_with_what_stands_beside_it():
    record = read(response="\\boxed{4}", finish_reason="stop", tokens=12, reasoning="two and two")
    assert samples_of(record) == [Sample("\\boxed{4}", reasoning="two and two", tokens=12, finish_reason="stop")]


def test_a_list_is_several_samples_with_parallel_lists():
    record = read(code=["a", "b"], finish_reason=["stop", "length"], tokens=[3, "4"])
    assert [(s.response, s.finish_reason, s.tokens) for s in samples_of(record)] == [
        ("a", "stop", 3),
        ("b", "length", 4),
    ]


def test_one_token_count_for_several_samples_belongs_to_none():
    assert [s.tokens for s in samples_of(read(response=["a", "b"], tokens=70))] == [None, None]


def test_lists_of_another_length_belong_to_none():
    record = read(response=["a", "b"], tokens=[1, 2, 3], finish_reason=["stop"])
    assert [(s.tokens, s.finish_reason) for s in samples_of(record)] == [(None, None), (None, None)]


@pytest.mark.parametrize(
    "beside",
    [
        {"usage": {"prompt_tokens": 3, "completion_tokens": 9}},
        {"completion_tokens": 9},
        {"num_generated_tokens": [9]},
        {"tokens": "9"},
        {"tokens": 9.0},
    ],
)
def test_token_counts_under_the_names_that_harnesses_use(beside):
    assert samples_of(read(response="x", **beside))[0].tokens == 9


@pytest.mark.parametrize("beside", [{"tokens": True}, {"tokens": -1}, {"tokens": "many"}, {"usage": None}])
def test_what_is_no_token_count_is_unknown(beside):
    assert samples_of(read(response="x", **beside))[0].tokens is None


def test_anthropics_word_for_a_cut_reply_is_length():
    assert samples_of(read(response="x", stop_reason="max_tokens"))[0].finish_reason == "length"


def test_choices_in_openais_shape():
    record = read(response=[{"message": {"content": "7", "reasoning_content": "hm"}, "finish_reason": "stop"}])
    assert samples_of(record) == [Sample("7", reasoning="hm", finish_reason="stop")]


def test_no_response_means_ask():
    assert samples_of(read(problem="1+1?")) == []
    assert samples_of(read(problem="1+1?", response=[])) == []


def test_a_null_response_is_a_reply_that_said_nothing():
    assert samples_of(Record({"response": None, "reasoning": "all of it"})) == [Sample("", reasoning="all of it")]


def test_samples_of_an_earlier_eval_keep_their_verdicts():
    stored = {"response": "\\boxed{4}", "extracted": "4", "correct": True, "verdict": "exact", "tokens": 5}
    sample = samples_of(Record({"samples": [stored], "response": "other"}))[0]
    assert (sample.response, sample.extracted, sample.correct, sample.verdict) == ("\\boxed{4}", "4", True, "exact")


def test_a_verdict_of_somebody_else_does_not_stand():
    stored = {"response": "4", "extracted": "4", "correct": True, "verdict": "looks good"}
    assert samples_of(Record({"samples": [stored]}))[0].verdict is None


def test_a_sample_survives_writing_and_reading():
    sample = Sample("r", reasoning="t", tokens=3, finish_reason="stop", extracted="4", correct=False, verdict="numeric")
    assert samples_of(Record({"samples": [sample.as_dict()]})) == [sample]


def test_a_refusal_is_told_apart_from_its_text():
    sample = of_reply(Reply("", refusal="I can't help with that.", tokens=8))
    assert (sample.response, sample.refused, sample.tokens) == ("I can't help with that.", True, 8)


def of(id_, **fields) -> Record:
    return Record({"id": id_, **fields})


def test_consecutive_records_of_one_problem_come_together():
    records = [of("a", sample=0), of("a", sample=1), of("b"), of("a", sample=2)]
    assert [[r["id"] for r in group] for group in together(records)] == [["a", "a"], ["b"], ["a"]]


def test_gathering_brings_scattered_ones_together_in_order_of_appearance():
    records = [of("a"), of("b"), of("a")]
    assert [[r["id"] for r in group] for group in together(records, gather=True)] == [["a", "a"], ["b"]]


def test_language_and_model_keep_problems_apart():
    records = [of("a", language="en"), of("a", language="zh"), of("a", language="zh", model="m")]
    assert [len(group) for group in together(records)] == [1, 1, 1]


def test_records_without_id_group_by_their_problem():
    records = [Record({"problem": "1 + 1?"}), Record({"problem": "1  +  1?"}), Record({"problem": "2?"})]
    assert [len(group) for group in together(records)] == [2, 1]


def test_grouping_waits_for_one_record_only():
    seen = []

    def records():
        for place in range(5):
            seen.append(place)
            yield of(str(place))

    next(together(records()))
    assert seen == [0, 1]


def test_lineages_of_a_group_are_kept_once():
    first, second = {"step": "distill", "run": "1"}, {"step": "translate", "run": "2"}
    group = [of("a", lineage=[first]), of("a", lineage=[first, second]), of("a")]
    assert merged_lineage(group) == [first, second]
