"""Asking servers over real HTTP."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from o1j.errors import Unavailable, UsageError
from o1j.models import Sampling, connect

LOOPBACK = Path(__file__).resolve().parents[2] / "examples/loopback.py"


def test_only_set_sampling_is_sent(server, ask):
    seen = []
    here = server(lambda request: seen.append(request) or "4")
    ask(here.url, ["2+2"])
    assert set(seen[0]) == {"model", "messages"}


def test_a_seed_is_sent_with_the_sample_added(server, tmp_path):
    seen = []
    here = server(lambda request: seen.append(request["seed"]) or "4")
    with connect("echo", base_urls=[here.url], cache=tmp_path) as model:

        async def work(sample):
            return await model.chat([{"role": "user", "content": "2+2"}], Sampling(seed=100), sample)

        assert len(list(model.map(range(3), work))) == 3
    assert sorted(seen) == [100, 101, 102]


def test_a_streamed_reply_is_the_whole_one(server, ask):
    here = server(lambda _: {"content": "so 4", "reasoning_content": "2+2 is four"})
    streamed, _ = ask(here.url, ["2+2"], stream=True, cache=False)
    whole, _ = ask(here.url, ["2+2"], cache=False)
    assert streamed == whole
    assert (whole[0].reasoning, whole[0].text, whole[0].tokens) == ("2+2 is four", "so 4", 5)


def test_a_long_streamed_line_is_read(server, ask):
    here = server(lambda _: "x" * 300_000)
    replies, _ = ask(here.url, ["?"], stream=True)
    assert len(replies[0].text) == 300_000


def test_a_model_that_takes_no_temperature_and_no_system_role_is_asked_without(server, tmp_path, capsys):
    seen = []
    here = server(lambda request: seen.append(request) or "4", o_series=True)
    with connect("o1-mini", base_urls=[here.url], cache=tmp_path) as model:

        async def work(question):
            turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
            return await model.chat(turns, Sampling(temperature=0.7, max_tokens=50), 0)

        replies = [reply for _, reply in model.map(["2+2", "3+1"], work)]
    assert [reply.fault for reply in replies] == [None, None]
    assert seen[0]["messages"] == [{"role": "user", "content": "Be brief.\n\n2+2"}]
    assert seen[0]["max_completion_tokens"] == 50 and "temperature" not in seen[0]
    assert "takes no temperature" in capsys.readouterr().err


def test_a_cut_reply_is_truncated(server, ask):
    here = server(lambda _: "one two three four")
    replies, _ = ask(here.url, ["?"], sampling=Sampling(max_tokens=2))
    assert (replies[0].fault, replies[0].tokens) == ("truncated", 2)


def test_a_wrong_key_ends_the_run_and_is_not_shown(server, ask):
    here = server(api_key="right-key-123")
    with pytest.raises(Unavailable) as caught:
        ask(here.url, ["?"], api_key="sk-wrong-key-456")
    assert "OPENAI_API_KEY" in str(caught.value) and "wrong" not in str(caught.value)
    assert here.counters.requests == 1


def test_the_right_key_comes_from_the_environment(server, ask, monkeypatch):
    here = server(api_key="right-key-123")
    monkeypatch.setenv("OPENAI_API_KEY", "right-key-123")
    monkeypatch.setenv("OPENAI_BASE_URL", here.url)
    replies, _ = ask(None, ["4"])
    assert replies[0].text == "\\boxed{4}"


def test_an_unknown_model_ends_the_run_with_the_remedy(server, ask):
    here = server(models=("gpt-x",))
    with pytest.raises(Unavailable, match=r"does not exist.*--model"):
        ask(here.url, ["?"], model="openai:gpt-y")


def test_openai_itself_wants_a_key(ask):
    with pytest.raises(Unavailable, match="OPENAI_API_KEY"):
        ask(None, ["?"])


def test_no_server_at_all_says_so_within_seconds(ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="nothing answers at"):
        ask(f"http://127.0.0.1:{port}/v1", ["?"])
    assert time.monotonic() - begun < 20


def test_what_is_no_address_is_wrong_usage(ask):
    with pytest.raises(UsageError):
        ask("localhost:8000", ["?"])


def test_a_prompt_that_does_not_fit_fails_alone_and_is_not_asked_again(server, ask):
    here = server(context=3)
    replies, model = ask(here.url, ["short", "far too many words for it"])
    assert [reply.fault for reply in replies] == [None, "no-reply"]
    assert "maximum context" in replies[1].error
    assert (here.counters.requests, model.stats.failed) == (2, 1)


def test_requests_that_a_server_never_takes_end_the_run(server, ask, loopback):
    def refuse(_):
        raise loopback._error(400, "temperature must be between 0 and 2", param="temperature")

    here = server(refuse)
    with pytest.raises(Unavailable, match="every request was refused"):
        ask(here.url, range(100), sampling=Sampling(temperature=5), concurrency=4)
    assert here.counters.requests < 40


def test_a_filtered_prompt_is_a_result_and_no_failure(server, ask, loopback):
    def refuse(_):
        raise loopback._error(400, "The response was filtered", code="content_filter")

    here = server(refuse)
    replies, model = ask(here.url, ["?"])
    assert (replies[0].fault, model.stats.failed, here.counters.requests) == ("content-filter", 0, 1)


def test_two_addresses_share_the_load_and_a_dead_one_is_left_out(server, tmp_path):
    one, two = server(latency=0.02), server(latency=0.02)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with connect("echo", base_urls=[one.url, dead, two.url], cache=tmp_path, concurrency=12) as model:

        async def work(n):
            return await model.chat([{"role": "user", "content": str(n)}])

        replies = [reply for _, reply in model.map(range(100), work)]
    assert all(reply.fault is None for reply in replies)
    assert one.counters.answered > 25 and two.counters.answered > 25


def test_a_silent_server_is_asked_again_after_the_timeout(server, ask):
    calls = []

    async def answer(_):
        import asyncio

        calls.append(1)
        await asyncio.sleep(5 if len(calls) == 1 else 0)
        return "4"

    here = server(answer)
    replies, model = ask(here.url, ["2+2"], timeout=0.3)
    assert (replies[0].text, model.stats.retried) == ("4", 1)


def test_a_server_that_dies_and_comes_back_costs_no_record(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(LOOPBACK), "--port", str(port), "--latency", "0.05", "--die-after", "60"]
    servers = [subprocess.Popen(command)]
    over = threading.Event()

    def nurse():
        while not over.wait(0.1):
            if servers[-1].poll() is not None:
                servers.append(subprocess.Popen(command))

    threading.Thread(target=nurse, daemon=True).start()
    try:
        with connect("echo", base_urls=[f"http://127.0.0.1:{port}/v1"], cache=tmp_path, concurrency=8) as model:

            async def work(n):
                return await model.chat([{"role": "user", "content": str(n)}])

            replies = [reply for _, reply in model.map(range(100), work)]
    finally:
        over.set()
        for server in servers:
            server.kill()
    assert [reply.text for reply in replies] == [f"\\boxed{{{n}}}" for n in range(100)]
    assert len(servers) >= 2
