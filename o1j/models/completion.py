"""A chat completion's raw bytes, as they are stored, and the `Reply` that is read out of them."""

import json

from o1j.models.chat import Reply
from o1j.models.faults import Fault
from o1j.thinking import CLOSE, OPEN, split

_FINISH = {"eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop"}
_FINISH |= dict.fromkeys(("max_tokens", "model_length"), "length")
_FINISH |= dict.fromkeys(("safety", "sensitive", "recitation", "blocklist", "prohibited_content"), "content_filter")
_BROKEN = ("error", "abort", "network_error", "insufficient_system_resource")  # the server gave up in the middle


def check(raw: bytes) -> dict:
    """The completion in `raw`, or a `Fault` that may pass: a server that was cut off sends half a body, or a page."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Fault("the server's answer is not JSON", again=True) from None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        error = body.get("error") if isinstance(body, dict) else None
        detail = f": {json.dumps(error, ensure_ascii=False)[:300]}" if error else ""
        raise Fault(f"the server's answer holds no completion{detail}", again=True)
    finish = _finish(choices[0])
    if finish in _BROKEN:
        error = choices[0].get("error")
        detail = f": {json.dumps(error, ensure_ascii=False)[:300]}" if error else ""
        raise Fault(f"the server broke the reply off ({finish}{detail})", again=True)
    if not isinstance(choices[0].get("message"), dict) and finish != "content_filter":
        raise Fault("the server's answer holds no message", again=True)
    return body


def make(
    text: str,
    *,
    reasoning: str | None = None,
    finish_reason: str | None = None,
    prompt_tokens: int | None = None,
    tokens: int | None = None,
    refusal: str | None = None,
) -> bytes:
    """A completion's bytes for models that are no server, so that everything downstream sees one shape."""
    message: dict = {"role": "assistant", "content": text}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    if refusal is not None:
        message["refusal"] = refusal
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": tokens}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], "usage": usage}
    return json.dumps(body, ensure_ascii=False).encode()


def parse(raw: bytes, *, cached: bool = False, begun: str = "", apart: bool = True) -> Reply:
    """Read a reply out of a completion: `reasoning_content`, `reasoning` or a `<think>` block becomes `reasoning`.

    begun: the reply that this completion continues; the whole is read then, while the tokens are this piece's own;
    apart: whether a thinking block within the content is told apart from it.
    """
    body = json.loads(raw)
    choice = body["choices"][0]
    message = choice.get("message") or {}
    reasoning, text = as_sent(message)
    finish = _finish(choice)
    if message.get("tool_calls") and finish in (None, "stop"):
        finish = "tool_calls"
    whole = _joined(begun, reasoning, text) if begun or finish == "length" else ""
    if begun:
        reasoning, text = None, whole
    if not reasoning and apart:
        reasoning, text, _ = split(text)
    refusal = message.get("refusal")
    prompt_tokens, tokens = usage(body)
    return Reply(
        text=text,
        reasoning=reasoning,
        tokens=tokens,
        finish_reason=finish,
        prompt_tokens=prompt_tokens,
        cached=cached,
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        # no white space at the end: a template may take it away, and the model writes its own
        begun=(whole.rstrip() or None) if finish == "length" else None,
    )


def without_echo(raw: bytes, begun: str) -> bytes:
    """The completion of a server that repeats what was begun before it goes on, less that."""
    body = check(raw)
    message = body["choices"][0].setdefault("message", {})
    message["content"] = _text(message.get("content")).removeprefix(begun)
    return json.dumps(body, ensure_ascii=False).encode()


def as_sent(message: dict) -> tuple[str | None, str]:
    """(thinking in a field of its own, content) of a message, with all their white space."""
    content = message.get("content")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(reasoning, str):
        reasoning = _parts(message.get("reasoning_details"), "text", "summary") or _parts(content, "thinking") or None
    return reasoning, _text(content)


def _joined(begun: str, reasoning: str | None, text: str) -> str:
    """A begun reply with the next piece of it, as one text, thinking in tags.

    Servers that part thinking from content know only the piece: what comes after a finished thought is visible,
    whatever they call it; after a begun one it is thinking until the closing tag.
    """
    closing = f"\n{CLOSE}\n\n{text}" if text else ""
    if not begun:
        return text if reasoning is None else f"{OPEN}\n{reasoning}{closing}"
    thinking = begun.lstrip().startswith(OPEN) and CLOSE not in begun
    if thinking and reasoning is not None:
        return begun + reasoning + closing
    return begun + (reasoning or "") + text


def usage(body: dict) -> tuple[int | None, int | None]:
    """(prompt tokens, billed completion tokens): hidden thinking that only the total counts is counted too."""
    counted = body.get("usage")
    if not isinstance(counted, dict):
        return None, None
    prompt, written, total = (_count(counted.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    if prompt is not None and total is not None and total - prompt > (written or 0):
        written = total - prompt
    return prompt, written


def _count(value) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(content) -> str:
    """A message's content, which some servers send as a list of parts."""
    return content if isinstance(content, str) else _parts(content, "text")


def _parts(listed, *names: str) -> str:
    """What the parts of a list hold under these names: texts, or lists of texts again (Mistral's `thinking`)."""
    parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    held = (part[name] for part in parts for name in names if part.get(name))
    return "".join(value if isinstance(value, str) else _parts(value, "text") for value in held)


def _finish(choice: dict) -> str | None:
    """Why the reply ended, in OpenAI's words where they have one."""
    said = choice.get("finish_reason")
    return _FINISH.get(said.lower(), said) if isinstance(said, str) else None
