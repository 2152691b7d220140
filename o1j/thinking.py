"""Thoughts and visible replies: tell them apart, and put them together in the shape a data set wants."""

from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"
SHAPES = ("tags", "plain", "field")


class Thought(NamedTuple):
    """A reply taken apart. `reasoning` is None where the text holds no thinking block; `closed` is False
    where a block was opened and never finished, and then nothing of the text is visible."""

    reasoning: str | None
    visible: str
    closed: bool


def split(text: str) -> Thought:
    """Part a reply at its thinking block.

    `<think>a</think>b` gives reasoning "a", visible "b". A lone `</think>` means that the chat template had
    opened the block already (vllm#13125); a `<think>` that never closes was cut off while thinking. Only a
    `<think>` at the very beginning opens a block: later ones are the reply's own words.
    """
    head = text.lstrip()
    if head.startswith(OPEN):
        body = head[len(OPEN) :]
        thought, closing, visible = body.partition(CLOSE)
        if not closing:
            return Thought(body.strip(), "", False)
        return Thought(thought.strip(), visible.strip(), True)
    thought, closing, visible = text.partition(CLOSE)
    if closing:
        return Thought(thought.strip(), visible.strip(), True)
    return Thought(None, text, True)


def join(reasoning: str | None, response: str, shape: str) -> tuple[str, str | None]:
    """Put a thought and a visible reply into one of `SHAPES`: (text of the response, reasoning kept apart).

    tags: `<think>\\n…\\n</think>\\n\\nresponse`; plain: the thought, a blank line, the response; field: untouched.
    """
    if not reasoning or shape == "field":
        return response, reasoning or None
    if shape == "plain":
        return f"{reasoning}\n\n{response}", None
    return f"{OPEN}\n{reasoning}\n{CLOSE}\n\n{response}", None
