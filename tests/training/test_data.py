"""Which words of a record are learned, and which records are refused."""

import pytest

from o1j.errors import InputError
from o1j.records import Record
from o1j.training.chat import Encoder
from o1j.training.data import conversations, gather


def record(**fields) -> Record:
    return Record({"problem": "1+1?", **fields}, source="in.jsonl", line=7)


def turns(**fields) -> list:
    return [messages for messages, _ in conversations(record(**fields))]


def test_messages_come_first() -> None:
    given = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert turns(messages=given, response="c", solution="d") == [given]


def test_a_response_comes_before_a_solution() -> None:
    assert turns(response="c", solution="d")[0][-1]["content"] == "c"
    assert turns(solution="d")[0][-1]["content"] == "d"


def test_a_list_is_several_samples_with_their_own_thoughts_and_marks() -> None:
    pairs = list(conversations(record(response=["a", "b"], reasoning=["x", "y"], correct=[True, False])))
    assert [(messages[-1]["content"], messages[-1]["reasoning_content"], mark) for messages, mark in pairs] == [
        ("a", "x", True),
        ("b", "y", False),
    ]


def test_thinking_inside_a_response_is_taken_apart() -> None:
    assert turns(response="<think>\nx\n</think>\n\ny")[0][-1] == {
        "role": "assistant",
        "content": "y",
        "reasoning_content": "x",
    }


def test_wrong_records_are_refused_with_their_line(tokenizer) -> None:
    with pytest.raises(InputError, match=r"in\.jsonl:7: `correct` is false"):
        gather([record(response="3", correct=False)], Encoder(tokenizer), max_length=99)


def test_wrong_records_are_learned_when_asked_for(tokenizer) -> None:
    rows = [record(response="3", correct=False)]
    assert len(gather(rows, Encoder(tokenizer), max_length=99, include_wrong=True).samples) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"response": "so far", "finish_reason": "length"},
        {"response": ["done", "so far"], "finish_reason": ["stop", "length"], "correct": [True, None]},
        {"response": "<think>never ends"},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>never ends"}]},
    ],
)
def test_replies_that_were_cut_off_are_refused_unless_asked_for(tokenizer, fields) -> None:
    with pytest.raises(InputError, match=r"in\.jsonl:7: the reply was cut off"):
        gather([record(**fields)], Encoder(tokenizer), max_length=99)
    assert gather([record(**fields)], Encoder(tokenizer), max_length=99, include_wrong=True).samples


def test_a_record_without_a_reply_is_refused(tokenizer) -> None:
    with pytest.raises(InputError, match=r"in\.jsonl:7: nothing to learn"):
        gather([record(answer="2")], Encoder(tokenizer), max_length=99)


def test_long_samples_are_refused_dropped_or_cut(tokenizer) -> None:
    rows = [record(response="x" * 100), record(response="2")]
    with pytest.raises(InputError, match="more than --max-length 64"):
        gather(rows, Encoder(tokenizer), max_length=64)
    dropped = gather(rows, Encoder(tokenizer), max_length=64, over_length="drop")
    assert (len(dropped.samples), dict(dropped.dropped)) == (1, {"too long": 1})
    cut = gather(rows, Encoder(tokenizer), max_length=64, over_length="truncate")
    assert (len(cut.samples[0].ids), cut.truncated) == (64, 1)


def test_a_cut_that_leaves_nothing_to_learn_drops_the_sample(tokenizer) -> None:
    rows = [record(problem="y" * 200, response="2"), record(response="2")]
    data = gather(rows, Encoder(tokenizer), max_length=64, over_length="truncate")
    assert dict(data.dropped) == {"nothing left to learn": 1}
