"""Thoughts and visible replies, told apart and put together."""

import pytest

from o1j.thinking import SHAPES, join, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<think>a</think>b", ("a", "b", True)),
        ("<think>\na\n</think>\n\nb", ("a", "b", True)),
        ("a</think>b", ("a", "b", True)),
        ("<think>a, wait", ("a, wait", "", False)),
        ("just b", (None, "just b", True)),
        ("use <think> for this", (None, "use <think> for this", True)),
        ("", (None, "", True)),
    ],
)
def test_replies_are_parted_at_their_thinking_block(text: str, parts: tuple) -> None:
    assert split(text) == parts


@pytest.mark.parametrize("shape", SHAPES)
def test_a_reply_without_a_thought_keeps_its_text(shape: str) -> None:
    assert join(None, "b", shape) == ("b", None)


def test_what_is_joined_in_tags_is_parted_again() -> None:
    text, reasoning = join("a", "b", "tags")
    assert reasoning is None
    assert split(text) == ("a", "b", True)
