"""The ordered map: order, reading ahead, draining, and an end that leaves nothing behind."""

import asyncio
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from o1j.models import connect
from o1j.models.loop import background


@pytest.fixture
def model(server, tmp_path):
    here = server(lambda request: request["messages"][0]["content"], latency=0.01)
    with connect("echo", base_urls=[here.url], cache=tmp_path / "cache", concurrency=4) as model:
        model.server = here
        yield model


def said(text):
    return [{"role": "user", "content": str(text)}]


def test_results_keep_the_order_of_the_items(model):
    async def work(n):
        await asyncio.sleep(0.05 if n % 5 == 0 else 0)
        return n * n

    assert list(model.map(range(50), work)) == [(n, n * n) for n in range(50)]


def test_unordered_results_come_as_they_finish(model):
    async def work(n):
        await asyncio.sleep(0.5 if n == 0 else 0)

    model.ordered = False
    numbers = [n for n, _ in model.map(range(20), work)]
    assert sorted(numbers) == list(range(20)) and numbers[-1] == 0


def test_a_slow_item_holds_up_nobodys_asking_and_reading_stays_in_bounds(model):
    read, begun, go = [], [], asyncio.Event()

    def items():
        for n in range(1000):
            read.append(n)
            yield n

    async def work(n):
        begun.append(n)
        if n == 0:
            await go.wait()

    mapped = model.map(items(), work)
    time.sleep(0.5)
    assert len(read) == len(begun) == 16 * 4
    background().call_soon_threadsafe(go.set)
    assert len(list(mapped)) == 1000


def test_results_that_wait_long_are_taken_from_the_store_and_asked_once(server, tmp_path):
    here = server(lambda request: request["messages"][0]["content"])
    begun, go = [], asyncio.Event()
    with connect("echo", base_urls=[here.url], cache=tmp_path / "cache", concurrency=64) as model:

        async def work(n):
            begun.append(n)
            if n == 0:
                await go.wait()
            return (await model.chat(said(n))).text

        mapped = model.map(range(900), work)
        threading.Timer(2.0, lambda: background().call_soon_threadsafe(go.set)).start()
        assert list(mapped) == [(n, str(n)) for n in range(900)]
    assert len(begun) > 900 and here.counters.requests == 900
    assert (model.stats.asked, model.stats.cached) == (900, 0)


def test_the_first_result_leaves_while_the_source_is_open(model):
    more = threading.Event()

    def items():
        yield "first"
        more.wait(10)
        yield "second"

    async def work(item):
        return (await model.chat(said(item))).text

    mapped = model.map(items(), work)
    assert next(mapped) == ("first", "first")
    more.set()
    assert next(mapped) == ("second", "second")


def test_a_bad_line_surfaces_after_all_that_came_before_it(model):
    def items():
        yield from range(10)
        raise ValueError("line 11")

    async def work(n):
        return (await model.chat(said(n))).text

    got = []
    with pytest.raises(ValueError, match="line 11"):
        for n, _ in model.map(items(), work):
            got.append(n)
    assert got == list(range(10))


def test_a_failing_work_surfaces_after_what_was_under_way(model):
    async def work(n):
        if n == 3:
            raise RuntimeError("a bug")
        await asyncio.sleep(0.05)
        return n

    got = []
    with pytest.raises(RuntimeError, match="a bug"):
        for n, _ in model.map(range(1000), work):
            got.append(n)
    assert got[:3] == [0, 1, 2] and 3 not in got and len(got) < 100


def test_after_a_failure_no_new_request_is_sent(model):
    async def work(n):
        if n == 0:
            raise RuntimeError("a bug")
        return await model.chat(said(n))

    with pytest.raises(RuntimeError):
        list(model.map(range(1000), work))
    assert model.server.counters.requests <= 12


def test_leaving_early_stores_what_was_sent_and_sends_nothing_more(model):
    async def work(n):
        return await model.chat(said(n))

    for _ in model.map(range(10_000), work):
        break
    model.close()
    sent = model.server.counters.requests
    time.sleep(0.1)
    assert model.server.counters.requests == sent < 40
    assert model.stats.asked == sent


def test_a_model_can_be_asked_again_after_an_early_end(model):
    async def work(n):
        return (await model.chat(said(n))).text

    for _ in model.map(range(1000), work):
        break
    time.sleep(0.3)
    assert model.server.counters.requests < 20
    assert [text for _, text in model.map(["a", "b"], work)] == ["a", "b"]


def test_two_models_can_be_asked_in_one_work(server, model, tmp_path):
    judge = server(lambda _: "yes")
    with connect("judge", base_urls=[judge.url], cache=tmp_path / "cache") as other:

        async def work(n):
            reply = await model.chat(said(n))
            return (await other.chat(said(f"Is {reply.text} right?"))).text

        assert [text for _, text in model.map(range(5), work)] == ["yes"] * 5


def test_no_items_give_no_results(model):
    async def work(n):
        return n

    assert list(model.map([], work)) == []


def test_an_error_that_holds_on_to_an_open_model_ends_the_process(server, tmp_path):
    script = f"""
        from o1j.models import connect
        def asked():
            with connect("echo", base_urls=["{server().url}"], cache="{tmp_path}") as model:
                async def work(n):
                    return await model.chat([{{"role": "user", "content": str(n)}}])
                yield from model.map(range(3), work)
        def failing():
            results = asked()
            next(results)
            try:
                raise RuntimeError("boom")
            except RuntimeError as error:
                held = error  # a cycle: only the interpreter's end lets go of these frames
                raise
        failing()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "boom" in done.stderr and "Exception ignored" not in done.stderr


def test_a_closed_pipe_with_an_open_source_ends_the_process(server):
    here = server()
    script = f"""
        from o1j.models import connect
        def lines():
            with open(0, "rb", closefd=False) as source:
                yield from source
        with connect("echo", base_urls=["{here.url}"], cache=False) as model:
            async def work(line):
                return await model.chat([{{"role": "user", "content": line.decode()}}])
            for line, reply in model.map(lines(), work):
                print(reply.text, flush=True)
                break
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(b"one\n")
    process.stdin.flush()
    assert process.wait(20) == 0  # though stdin is still open
    assert process.stdout.read().strip() == b"\\boxed{one\n}"
    assert process.stderr.read() == b""
