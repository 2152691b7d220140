"""Faults that pass are asked again, within bounds; keys never get out."""

import asyncio
import time

import pytest
from aiohttp import web

from o1j.errors import Unavailable
from o1j.models.api import rest
from o1j.models.faults import keep_secret, of_status, redact, wait_asked


def test_every_question_is_answered_through_many_faults(server, ask):
    here = server(rate_429=0.1, rate_5xx=0.05, rate_reset=0.03, rate_garbage=0.03, rate_cut=0.03)
    replies, model = ask(here.url, range(150), concurrency=32)
    assert [reply.text for reply in replies] == [f"\\boxed{{{n}}}" for n in range(150)]
    assert model.stats.asked == 150 and model.stats.retried > 10
    assert here.counters.asked_again <= here.counters.status[0]  # only what was cut off in mid-answer


def test_retries_are_bounded_and_the_failure_is_a_value(server, ask):
    here = server(rate_5xx=1.0)
    replies, model = ask(here.url, ["?"], retries=2)
    assert (replies[0].fault, here.counters.requests) == ("no-reply", 3)
    assert "bad day" in replies[0].error and model.stats.failed == 1


def test_the_last_fault_of_each_kind_is_told_at_the_end(server, o1j):
    def answer(request):
        said = request["messages"][-1]["content"]
        raise web.HTTPBadGateway(text="<html>upstream") if "odd" in said else web.HTTPUnprocessableEntity(text="no")

    rows = b"".join(b'{"problem": "%s", "answer": "1"}\n' % kind for kind in (b"even", b"odd", b"odd"))
    asked = ("distill", "-m", "openai:m", "--base-url", server(answer).url, "--retries", "1", "-o", "out.jsonl")
    done = o1j(*asked, input=rows)
    told = done.stderr.decode().splitlines()
    assert done.returncode == 1 and "3 dropped (no-reply 3)" in told[0]
    assert "no reply to 2 requests: http://" in told[1] and "answers 502 (<html>upstream) (asked 2 times)" in told[1]
    assert "no reply to 1 request: http://" in told[2] and told[2].endswith("answers 422 (no)")
    assert len(told) == 3


def test_errors_are_not_stored(server, ask):
    here = server(rate_5xx=1.0)
    ask(here.url, ["?"], retries=0)
    ask(here.url, ["?"], retries=0)
    assert here.counters.requests == 2


def test_retry_after_is_honoured(server, ask, loopback):
    times = []

    def answer(_):
        times.append(time.monotonic())
        if len(times) == 1:
            raise loopback._too_many(1.0)
        return "4"

    here = server(answer)
    replies, _ = ask(here.url, ["2+2"])
    assert replies[0].text == "4" and times[1] - times[0] >= 1.0


def test_concurrency_adapts_to_what_the_server_bears(server, ask):
    here = server(max_in_flight=8, latency=0.02)
    replies, _ = ask(here.url, range(300), concurrency=64)
    assert all(reply.fault is None for reply in replies)
    assert here.counters.status[429] < 150


def test_concurrency_grows_from_its_start(server, ask):
    here = server(latency=0.05)
    ask(here.url, range(400))
    assert here.counters.most_in_flight > 40


def test_requests_a_minute_are_kept(server, ask):
    here = server()
    begun = time.monotonic()
    ask(here.url, range(10), rpm=600)
    assert time.monotonic() - begun >= 0.85


def test_tokens_a_minute_are_kept(server, ask):
    here = server(lambda _: "word " * 100)
    begun = time.monotonic()
    ask(here.url, range(5), tpm=6000, concurrency=1)
    assert time.monotonic() - begun >= 3.5  # five times about 101 tokens, at 100 a second, the first at once


def test_identical_requests_in_flight_are_asked_once(server, ask):
    here = server(latency=0.2)
    replies, model = ask(here.url, ["same"] * 20)
    assert len({reply.text for reply in replies}) == 1
    assert (here.counters.requests, model.stats.asked, model.stats.cached) == (1, 1, 19)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "3"}, 3), ({"retry-after-ms": "250"}, 0.25), ({}, None), ({"Retry-After": "soon"}, None)],
)
def test_waiting_times_are_read(headers, seconds):
    assert wait_asked(headers) == seconds


def test_exhausted_credit_is_not_a_rate_limit():
    body = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    assert isinstance(of_status(429, {}, body, url="http://x/v1", model="m"), Unavailable)


def test_keys_are_redacted_wherever_they_stand():
    keep_secret("a-strange-key-form")
    text = redact("a-strange-key-form, Bearer abc.def, sk-proj-1234567890, http://user:pass@host/v1")
    assert not any(part in text for part in ("strange", "abc.def", "1234567890", "pass"))


def test_the_loop_survives_a_cancelled_request(server, tmp_path):
    from o1j.models import connect

    here = server(latency=0.3)
    with connect("echo", base_urls=[here.url], cache=tmp_path) as model:

        async def hasty(n):
            chat = model.chat([{"role": "user", "content": str(n)}])
            try:
                return await asyncio.wait_for(chat, 0.05)
            except asyncio.TimeoutError:
                return None

        assert [reply for _, reply in model.map(range(3), hasty)] == [None] * 3
    assert model.stats.asked == 3  # what was sent is paid for, and was awaited and stored


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1s"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2s"}, 62),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "250ms"}, 0.25),
    ],
)
def test_an_empty_rate_limit_is_waited_for(headers, seconds):
    assert rest(headers) == seconds
