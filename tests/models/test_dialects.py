"""What servers say that call themselves OpenAI-compatible: vLLM, SGLang, OpenRouter, DeepSeek, Mistral, Ollama,
LM Studio, llama.cpp, Gemini. The shapes are those of their documentation and issue trackers, 2026."""

import json

import pytest
from aiohttp import web

from o1j.errors import Unavailable
from o1j.models import completion

DONE = "data: [DONE]\n\n"


def events(*deltas, finish="stop", end=DONE):
    """A stream of these deltas; text is sent as it is."""
    chunks = [one if isinstance(one, str) else chunk({"index": 0, "delta": one}) for one in deltas]
    last = chunk({"index": 0, "delta": {}, "finish_reason": finish}, usage={"prompt_tokens": 7, "completion_tokens": 9})
    return "".join([*chunks, last, end])


def chunk(*choices, **more):
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': choices, **more})}\n\n"


def whole(message, finish="stop", **more):
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish, **more}]})


def saying(*bodies, status=web.HTTPOk):
    """A server's answers: these bodies, one a request, the last one ever after."""
    left = list(bodies)

    def answer(_):
        body = left.pop(0) if len(left) > 1 else left[0]
        if body.startswith(("data:", ":", "event:")):
            raise web.HTTPOk(text=body, content_type="text/event-stream")
        raise status(text=body, content_type="application/json")

    return answer


@pytest.mark.parametrize(
    ("stream", "reasoning"),
    [
        (events({"reasoning": "2+"}, {"reasoning": "2"}, {"content": "4"}), "2+2"),
        (events({"reasoning_content": "2+2", "content": None}, {"reasoning_content": None, "content": "4"}), "2+2"),
        (events({"reasoning": "2+2", "reasoning_content": "2+2"}, {"content": "4"}), "2+2"),
        (
            events(
                {
                    "content": "",
                    "reasoning": None,
                    "reasoning_details": [{"type": "reasoning.summary", "summary": "2+"}],
                },
                {"reasoning_details": [{"type": "reasoning.text", "text": "2", "signature": None}]},
                {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}], "content": "4"},
            ),
            "2+2",
        ),
        (
            events(
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "2+2"}]}]},
                {"content": "4"},
            ),
            "2+2",
        ),
        (": OPENROUTER PROCESSING\n\n" + events(": keep-alive\n\n", {"content": "4"}), None),
        (events({"content": "4"}).replace("\n", "\r\n"), None),
        (events({"content": "4"}, end="").replace("data: ", "data:"), None),
        (chunk(prompt_filter_results=[{"prompt_index": 0}]) + events({"role": "assistant"}, {"content": "4"}), None),
    ],
)
def test_streams_of_every_server_are_read(server, ask, stream, reasoning):
    here = server(saying(stream))
    (reply,), _ = ask(here.url, ["2+2"], stream=True)
    assert (reply.text, reply.reasoning, reply.finish_reason, reply.tokens) == ("4", reasoning, "stop", 9)


@pytest.mark.parametrize(
    ("message", "reasoning"),
    [
        ({"content": "4", "reasoning": None, "reasoning_details": [{"type": "reasoning.text", "text": "2+2"}]}, "2+2"),
        ({"content": [{"type": "thinking", "thinking": "2+2"}, {"type": "text", "text": "4"}]}, "2+2"),
        ({"content": "<think>2+2</think>4", "reasoning": "", "audio": None}, "2+2"),
        ({"content": "4", "reasoning": "", "reasoning_content": None, "annotations": []}, None),
    ],
)
def test_thinking_in_parts_is_read(server, ask, message, reasoning):
    here = server(saying("\n\n \n" + whole(message)))  # DeepSeek sends empty lines while one waits
    (reply,), _ = ask(here.url, ["2+2"])
    assert (reply.text, reply.reasoning) == ("4", reasoning)


@pytest.mark.parametrize("finish", ["error", "abort", "network_error", "insufficient_system_resource"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_that_the_server_broke_off_is_no_answer(server, ask, finish, stream):
    broken = events({"content": "so x"}, finish=finish) if stream else whole({"content": "so x"}, finish)
    here = server(saying(broken, events({"content": "4"}) if stream else whole({"content": "4"})))
    (reply,), model = ask(here.url, ["2+2"], stream=stream)
    assert (reply.text, reply.fault, model.stats.retried) == ("4", None, 1)


@pytest.mark.parametrize(
    ("finish", "fault"),
    [
        ("SAFETY", "content-filter"),
        ("MAX_TOKENS", "truncated"),
        ("model_length", "truncated"),
        ("sensitive", "content-filter"),
        ("STOP", None),
    ],
)
def test_why_a_reply_ended_is_told_in_our_words(finish, fault):
    assert completion.parse(whole({"content": "4"}, finish).encode()).fault == fault


def test_a_filtered_reply_may_have_no_message(server, ask):
    here = server(saying(json.dumps({"choices": [{"index": 0, "finish_reason": "content_filter"}]})))
    (reply,), model = ask(here.url, ["?"])
    assert (reply.fault, model.stats.failed, here.counters.requests) == ("content-filter", 0, 1)


def error(code, message, **more):
    return json.dumps({"error": {"code": code, "message": message, **more}})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("code", [429, 502])
def test_an_error_in_a_200_is_what_its_code_says(server, ask, code, stream):
    told = error(code, "Provider returned error", metadata={"raw": "come again"})
    good = events({"content": "4"}) if stream else whole({"content": "4"})
    here = server(saying(f"data: {told}\n\n" if stream else told, good))
    (reply,), model = ask(here.url, ["2+2"], stream=stream)
    assert (reply.text, model.stats.retried) == ("4", 1)


def test_an_error_that_no_patience_helps_is_not_asked_again(server, ask):
    here = server(saying(error(400, "request (14429 tokens) exceeds the available context size (8192 tokens)")))
    (reply,), _ = ask(here.url, ["?"])
    assert reply.impossible and "14429" in reply.error and here.counters.requests == 1
    broke = server(saying(error(402, "Insufficient credits")))
    with pytest.raises(Unavailable, match="no credit left"):
        ask(broke.url, ["!"])


def test_a_stream_that_breaks_off_in_the_middle_is_asked_again(server, ask):
    broken = chunk({"index": 0, "delta": {"content": "so"}})
    broken += f"event: error\ndata: {error(502, 'gone')}\n\n"
    here = server(saying(broken, events({"content": "4"})))
    (reply,), model = ask(here.url, ["2+2"], stream=True)
    assert (reply.text, model.stats.retried) == ("4", 1)


def test_a_flagged_prompt_ends_no_run(server, ask):
    flagged = error(403, "Your chosen model requires moderation", metadata={"flagged_input": "?", "reasons": ["x"]})
    here = server(saying(flagged, status=web.HTTPForbidden))
    replies, _ = ask(here.url, ["?", "!"])
    assert [reply.fault for reply in replies] == ["content-filter"] * 2


def test_the_providers_own_words_are_told(server, ask):
    told = error(502, "Provider returned error", metadata={"raw": "the cluster is on fire", "provider_name": "x"})
    here = server(saying(told, status=web.HTTPBadGateway))
    (reply,), _ = ask(here.url, ["?"], retries=0)
    assert "the cluster is on fire" in reply.error
