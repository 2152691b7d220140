"""A streamed completion (server-sent events) put together again."""

import json
from collections.abc import AsyncIterator
from typing import Any

from o1j.models import completion
from o1j.models.faults import Fault, told_status

_PIECES = ("content", "reasoning_content", "reasoning", "refusal", "reasoning_details", "tool_calls")


async def collect(content: Any) -> tuple[int, bytes]:
    """(status, the completion's bytes, or those of the error that came in its place); a stream that ends without a
    finish is a fault. content: the response's body. Comments and events of other kinds are passed over."""
    pieces: dict[str, list] = {}
    finish, usage, ended = None, None, False
    async for line in lines_of(content):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            ended = True
            continue
        try:
            chunk = json.loads(data)
        except ValueError:
            raise Fault("the stream holds a line that is not JSON", again=True) from None
        if not isinstance(chunk, dict) or chunk.get("error"):
            status = told_status(200, data)
            if status != 200 and not any(pieces.values()):
                return status, data
            raise Fault(f"the stream broke off: {str(chunk)[:300]}", again=True)
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            for name in _PIECES:
                if delta.get(name):
                    pieces.setdefault(name, []).append(delta[name])
            finish = choice.get("finish_reason") or finish
    if not ended and finish is None:
        raise Fault("the stream ended before the reply did", again=True)
    message = {"role": "assistant", **{name: _joined(some) for name, some in pieces.items()}}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}
    raw = json.dumps(body, ensure_ascii=False).encode()
    completion.check(raw)
    return 200, raw


def _joined(pieces: list) -> str | list:
    """Texts as one text; where some are lists of parts, one list of parts."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    lists = ([{"type": "text", "text": piece}] if isinstance(piece, str) else piece for piece in pieces)
    return [part for listed in lists if isinstance(listed, list) for part in listed]


async def lines_of(content: Any) -> AsyncIterator[bytes]:
    """Lines of any length, which aiohttp's own reader would refuse beyond 64 KiB."""
    rest = b""
    async for piece in content.iter_any():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest
