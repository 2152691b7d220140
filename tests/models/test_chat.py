"""Outcomes are values: what may be taken for an answer and what may not."""

import pytest

from o1j.models import Reply, Sampling


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply("42", finish_reason="stop"), None),
        (Reply("42"), None),
        (Reply(" \n", finish_reason="stop"), "empty"),
        (Reply("4", finish_reason="length"), "truncated"),
        (Reply("", finish_reason="length"), "truncated"),
        (Reply("", finish_reason="content_filter"), "content-filter"),
        (Reply("", finish_reason="tool_calls"), "tool-call"),
        (Reply("", refusal="I can't help with that."), "refused"),
        (Reply("", error="the server has a bad day"), "no-reply"),
    ],
)
def test_a_reply_names_why_it_is_no_answer(reply, fault):
    assert reply.fault == fault


def test_sampling_tells_only_what_was_set():
    assert Sampling(temperature=0.0, seed=7).as_dict() == {"temperature": 0.0, "seed": 7}
