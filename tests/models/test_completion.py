"""Raw completions of many servers, read into replies."""

import json

import pytest

from o1j.models import completion
from o1j.models.faults import Fault


def raw(message, finish="stop", **more):
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode()


@pytest.mark.parametrize(
    ("message", "reasoning", "text"),
    [
        ({"content": "4", "reasoning_content": "2+2"}, "2+2", "4"),
        ({"content": "4", "reasoning": "2+2"}, "2+2", "4"),
        ({"content": "<think>2+2</think>4"}, "2+2", "4"),
        ({"content": "2+2\n</think>\n\n4"}, "2+2", "4"),
        ({"content": "<think>2+2, no wait"}, "2+2, no wait", ""),
        ({"content": "4"}, None, "4"),
        ({"content": None, "reasoning_content": "2+2"}, "2+2", ""),
        ({"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]}, None, "42"),
    ],
)
def test_thinking_is_told_apart_in_every_shape(message, reasoning, text):
    reply = completion.parse(raw(message))
    assert (reply.reasoning, reply.text) == (reasoning, text)


def test_hidden_thinking_that_only_the_total_counts_is_billed():
    reply = completion.parse(
        raw({"content": "4"}, usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 99})
    )
    assert (reply.prompt_tokens, reply.tokens) == (5, 94)


def test_missing_usage_is_unknown_not_zero():
    assert completion.parse(raw({"content": "4"})).tokens is None


def test_a_refusal_is_no_text():
    reply = completion.parse(raw({"content": None, "refusal": "No."}))
    assert (reply.text, reply.refusal, reply.fault) == ("", "No.", "refused")


def test_foreign_finish_reasons_are_translated():
    assert completion.parse(raw({"content": "4"}, finish="max_tokens")).fault == "truncated"
    assert completion.parse(raw({"content": "4"}, finish="eos")).finish_reason == "stop"


def test_a_tool_call_is_no_answer():
    message = {"content": None, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}
    assert completion.parse(raw(message)).fault == "tool-call"


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"<html>", b'{"choices": [', b'{"choices": []}', b'{"choices": [{}]}', b'{"error": {"code": 5}}'],
)
def test_what_is_no_completion_is_asked_again(body):
    with pytest.raises(Fault) as caught:
        completion.check(body)
    assert caught.value.again


def test_made_completions_read_back():
    made = completion.make("4", reasoning="2+2", finish_reason="length", prompt_tokens=3, tokens=9)
    reply = completion.parse(made)
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("4", "2+2", "length")
    assert (reply.prompt_tokens, reply.tokens) == (3, 9)
