"""Files of requests through a provider's Batch API: whatever dies, nothing is submitted twice."""

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from o1j import prompts, records
from o1j.errors import BudgetReached, InputError, Unavailable, UsageError
from o1j.models import Sampling, connect
from o1j.models.batches.job import Job, Limits
from o1j.models.money import Budget, Cost, Price, known_price
from o1j.models.store import key_of
from o1j.steps.rewrite import rewrite

QUICK = {"first_poll": 0.01, "last_poll": 0.05, "settle": 0.1}

FORKS = multiprocessing.get_context("forkserver")  # imports once what every child needs
FORKS.set_forkserver_preload(["aiohttp", "openai", "o1j.models.batches.desk", "o1j.models.model"])


def child_of(folder, environment, url, questions, limits, name=""):
    """Ask questions in a process of its own; its output goes to folder/out and folder/err (and a name). One with a name
    waits for folder/go after the last question."""
    os.environ.update(environment)

    def items():
        yield from questions
        if name:
            (folder / f"ready{name}").touch()
            wait_until((folder / "go").exists)

    with (
        (folder / f"out{name}").open("w") as sys.stdout,
        (folder / f"err{name}").open("w") as sys.stderr,
        connect("echo", base_urls=[url], cache=folder / "cache", batch=Limits(**limits)) as model,
    ):

        async def work(n):
            return await model.chat([{"role": "user", "content": str(n)}])

        for n, reply in model.map(items(), work):
            print(json.dumps([n, reply.text]))


@pytest.fixture
def batched(ask):
    """`batched(url, questions, limits={}, **settings)` → (replies in order, model)."""

    def run(url, questions, limits=None, **settings):
        return ask(url, questions, batch=Limits(**{**QUICK, **(limits or {})}), **settings)

    return run


@pytest.fixture
def child(tmp_path):
    def start(url, count, name="", **limits):
        questions = range(count) if isinstance(count, int) else count
        told = (tmp_path, {**os.environ}, url, questions, {**QUICK, **limits}, name)
        process = FORKS.Process(target=child_of, args=told)
        process.start()
        return process

    return start


def wait_until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def killed(process, when):
    wait_until(when)
    process.kill()
    process.join()


def until(gate):
    """A server's answer that is held back."""

    async def answer(request):
        await asyncio.to_thread(gate.wait, 30)
        return "ok"

    return answer


def jobs(folder):
    return [path.parent for path in (folder / "cache/batches").glob("*/job.json")]


def test_answers_come_in_order_and_a_second_run_asks_nothing(server, ask, batched, tmp_path, capsys):
    here = server(batch_delay=0.2)
    replies, model = batched(here.url, range(50))
    assert [reply.text for reply in replies] == [f"\\boxed{{{n}}}" for n in range(50)]
    assert (model.stats.asked, model.stats.cached, model.stats.tokens, model.stats.retried) == (50, 0, 50, 0)
    assert (here.counters.uploads, here.counters.batches, here.counters.requests) == (1, 1, 50)
    assert "batch_0001: 50 requests submitted" in capsys.readouterr().err
    for again in (ask, batched):
        replies, model = again(here.url, range(50))
        assert (model.stats.asked, model.stats.cached, len(replies)) == (0, 50, 50)
    assert here.counters.requests == 50 and not list((tmp_path / "cache/batches").iterdir())


def test_the_loopback_server_speaks_to_openais_own_client(server, tmp_path):
    from openai import OpenAI

    here = server(batch_delay=0.1)
    row = {"custom_id": "one", "method": "POST", "url": "/v1/chat/completions"}
    row["body"] = {"model": "echo", "messages": [{"role": "user", "content": "7"}]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    client = OpenAI(base_url=here.url, api_key="none")
    file = client.files.create(file=(tmp_path / "rows.jsonl").open("rb"), purpose="batch")
    told = {"endpoint": row["url"], "completion_window": "24h", "metadata": {"mark": "x"}}
    made = client.batches.create(input_file_id=file.id, **told)
    assert made.status in ("validating", "in_progress") and made.metadata == {"mark": "x"}
    wait_until(lambda: client.batches.retrieve(made.id).status == "completed")
    (listed,) = client.batches.list(limit=5)
    assert (listed.request_counts.total, listed.request_counts.completed) == (1, 1)
    answer = json.loads(client.files.content(listed.output_file_id).text)
    assert answer["response"]["body"]["choices"][0]["message"]["content"] == "\\boxed{7}"


def test_what_the_store_has_is_not_submitted_and_equals_are_submitted_once(server, ask, batched):
    here = server()
    ask(here.url, range(10))
    replies, model = batched(here.url, [*range(12), 11, 10])
    assert [reply.text for reply in replies][-3:] == ["\\boxed{11}", "\\boxed{11}", "\\boxed{10}"]
    assert (model.stats.asked, model.stats.cached, here.counters.requests) == (2, 12, 12)


@pytest.mark.parametrize(("limits", "files"), [({"requests": 8}, 3), ({"size": 2000}, 3), ({}, 1)])
def test_files_are_split_at_the_providers_limits(server, batched, limits, files):
    here = server(batch_requests=limits.get("requests", 50_000), batch_bytes=limits.get("size", 200_000_000))
    replies, _ = batched(here.url, range(24), limits)
    assert [reply.fault for reply in replies] == [None] * 24
    assert (here.counters.batches, here.counters.requests) == (files, 24)


def test_more_than_a_file_may_be_under_way(server, batched):
    async def answer(request):
        while here.counters.batches < 3:
            await asyncio.sleep(0.01)
        return "ok"

    here = server(answer)
    batched(here.url, range(24), {"requests": 8}, concurrency=24)
    assert here.counters.batches == 3


def test_progress_says_how_far_the_provider_is(server, tmp_path):
    here, seen = server(batch_delay=0.6), set()
    with connect("echo", base_urls=[here.url], cache=tmp_path, batch=Limits(**QUICK)) as model:

        async def work(n):
            return await model.chat([{"role": "user", "content": str(n)}])

        done = threading.Event()

        def watch():
            while not done.wait(0.02):
                seen.add(model.batch_progress())

        watching = threading.Thread(target=watch)
        watching.start()
        list(model.map(range(7), work))
        done.set()
        watching.join()
    assert "1 batch: 7 submitted, 0 completed, 0 failed" in seen and "" in seen


def test_a_request_larger_than_a_file_fails_alone(server, batched):
    replies, _ = batched(server().url, ["x" * 3000, "y"], {"size": 2000})
    assert "more than a batch's file may have" in replies[0].error and replies[1].text == "\\boxed{y}"


@pytest.mark.parametrize("faults", [{"rate_5xx": 0.2}, {"rate_429": 0.2, "rate_garbage": 0.1}, {"batch_expire": 0.3}])
def test_only_what_is_missing_is_submitted_again(server, batched, faults):
    here = server(**faults)
    replies, model = batched(here.url, range(60))
    assert [reply.text for reply in replies] == [f"\\boxed{{{n}}}" for n in range(60)]
    assert here.counters.batches > 1 and here.counters.asked_again == 0 and here.counters.answered == 60
    assert model.stats.retried > 0 and model.stats.asked == 60


def test_a_batch_cancelled_by_somebody_is_made_up_for(server, batched):
    def answer(request):
        if request["messages"][-1]["content"] == "5" and here.counters.batches == 1:
            urllib.request.urlopen(f"{here.url}/batches/batch_0001/cancel", data=b"")
        return "ok"

    here = server(lambda request: asyncio.to_thread(answer, request))
    replies, _ = batched(here.url, range(20))
    assert [reply.text for reply in replies] == ["ok"] * 20
    assert here.counters.batches == 2 and here.counters.requests == 20


def test_retries_are_bounded_and_the_reason_is_told(server, batched):
    here = server(rate_5xx=1.0)
    replies, model = batched(here.url, ["?"], retries=1)
    assert (replies[0].fault, here.counters.batches, model.stats.failed) == ("no-reply", 2, 1)
    assert "bad day" in replies[0].error and "asked 2 times" in replies[0].error


def test_a_request_that_is_refused_for_good_fails_alone_and_is_not_sent_again(server, batched):
    here = server(context=3)
    replies, model = batched(here.url, ["short", "far too many words for it"])
    assert [reply.fault for reply in replies] == [None, "no-reply"]
    assert "maximum context" in replies[1].error
    assert (here.counters.requests, here.counters.batches, model.stats.failed) == (2, 1, 1)


def test_a_line_that_fails_the_whole_file_is_left_out_of_the_next(server, batched):
    here = server()
    replies, _ = batched(here.url, ["one", "forbidden", "two"])
    assert [reply.fault for reply in replies] == [None, "no-reply", None]
    assert "bad messages" in replies[1].error
    assert (here.counters.batches, here.counters.requests) == (1, 2)


def test_what_a_model_does_not_take_is_left_out_of_what_is_sent_again(server, tmp_path, capsys):
    seen = []
    here = server(lambda request: seen.append(request) or "4", o_series=True)
    with connect("o1-mini", base_urls=[here.url], cache=tmp_path, batch=Limits(**QUICK)) as model:

        async def work(question):
            turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
            return await model.chat(turns, Sampling(temperature=0.7, max_tokens=50), 0)

        replies = [reply for _, reply in model.map(["2+2", "3+1"], work)]
    assert [reply.fault for reply in replies] == [None, None]
    assert seen[0]["max_completion_tokens"] == 50 and "temperature" not in seen[0] and len(seen) == 2
    assert here.counters.batches == 4 and "takes no temperature" in capsys.readouterr().err


def test_a_full_queue_is_met_with_smaller_files(server, batched, capsys):
    here = server(batch_queue=40)
    replies, _ = batched(here.url, range(32))  # four words each, as the server counts: 128
    assert [reply.fault for reply in replies] == [None] * 32
    assert here.counters.requests == 32 and 4 <= here.counters.batches <= 8
    assert "from now on" in capsys.readouterr().err


def test_a_queue_that_others_fill_is_waited_for_with_the_same_file(server, batched):
    here = server(batch_queue=4000, batch_delay=0.5)
    row = {"custom_id": "x", "method": "POST", "url": "/v1/chat/completions"}
    row["body"] = {"model": "echo", "messages": [{"role": "user", "content": "word " * 3990}]}
    parts = (f'form-data; name="file"; filename="f"\r\n\r\n{json.dumps(row)}', 'form-data; name="purpose"\r\n\r\nbatch')
    form = "".join(f"--b\r\nContent-Disposition: {part}\r\n" for part in parts) + "--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    asked = urllib.request.Request(f"{here.url}/files", form.encode(), headers)
    file = json.load(urllib.request.urlopen(asked))["id"]
    told = {"input_file_id": file, "endpoint": row["url"], "completion_window": "24h"}
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{here.url}/batches", json.dumps(told).encode(), headers))
    replies, _ = batched(here.url, range(5))
    assert [reply.fault for reply in replies] == [None] * 5
    assert (here.counters.uploads, here.counters.batches) == (2, 2)


def test_a_download_that_breaks_off_is_read_again_and_keeps_what_it_had(server, batched):
    here = server(lambda request: request["messages"][-1]["content"] + " " + "x" * 4000, batch_cuts=1)
    replies, model = batched(here.url, range(400))
    assert [reply.text.split()[0] for reply in replies] == [str(n) for n in range(400)]
    assert (here.counters.requests, here.counters.batches, model.stats.asked) == (400, 1, 400)


def test_lines_that_are_no_answers_are_passed_over(server, batched):
    here = server(batch_garbage=True)
    replies, model = batched(here.url, range(20))
    assert [reply.text for reply in replies] == [f"\\boxed{{{n}}}" for n in range(20)]
    assert (here.counters.asked_again, here.counters.answered, model.stats.tokens) == (0, 20, 20)


def test_a_server_with_bad_days_is_borne(server, batched):
    here = server(batch_flaky=0.4, retry_after=0.01, batch_delay=0.1)
    replies, _ = batched(here.url, range(30), {"requests": 10, "first_poll": 0.1, "last_poll": 0.2})
    assert [reply.fault for reply in replies] == [None] * 30
    assert here.counters.requests == 30 and here.counters.asked_again == 0


def test_works_that_ask_in_rounds_are_counted_once(server, tmp_path):
    here = server(lambda request: "wrong" if request["seed"] < 2 else "right")
    begun = []
    with connect("echo", base_urls=[here.url], cache=tmp_path, batch=Limits(**QUICK), concurrency=5) as model:

        async def work(n):
            begun.append(n)
            replies = await asyncio.gather(*(rounds(f"{n}{part}") for part in "ab"))
            return [reply.text for pair in replies for reply in pair]

        async def rounds(question):
            replies = []
            for sample in range(3):
                chat = model.chat([{"role": "user", "content": question}], Sampling(seed=0), sample)
                replies.append(await chat)
                if replies[-1].text == "right":
                    break
            return replies

        results = [texts for _, texts in model.map(range(12), work)]
    assert results == [["wrong", "wrong", "right"] * 2] * 12
    assert (model.stats.asked, model.stats.cached, model.stats.tokens) == (72, 0, 72)
    assert here.counters.requests == 72 and len(begun) == 48


def test_a_round_goes_out_whole_although_answers_are_read_one_after_another(server, tmp_path):
    here = server()
    with connect("echo", base_urls=[here.url], cache=tmp_path, batch=Limits(**QUICK), quiet=True) as model:

        async def work(n):
            first = await model.chat([{"role": "user", "content": str(n)}])
            return (await model.chat([{"role": "user", "content": first.text}])).text

        results = [text for _, text in model.map(range(1500), work)]
    assert results == [f"\\boxed{{\\boxed{{{n}}}}}" for n in range(1500)]
    assert (here.counters.batches, here.counters.requests) == (2, 3000)


def test_bad_input_comes_up_after_what_was_read_before_it(server, tmp_path):
    here = server()

    def items():
        yield from range(5)
        raise InputError("line 6: no record")

    with connect("echo", base_urls=[here.url], cache=tmp_path, batch=Limits(**QUICK)) as model:

        async def work(n):
            return (await model.chat([{"role": "user", "content": str(n)}])).text

        done = []
        with pytest.raises(InputError, match="line 6"):
            done += (text for _, text in model.map(items(), work))
    assert here.counters.answered == 5 and model.stats.asked == 5


@pytest.mark.parametrize(
    ("faults", "words"),
    [({"no_batches": True}, "has no Batch API"), ({"api_key": "right-key"}, "OPENAI_API_KEY")],
)
def test_what_waiting_cannot_help_ends_the_run(server, batched, faults, words):
    with pytest.raises(Unavailable, match=words):
        batched(server(**faults).url, range(5), api_key="sk-wrong-123456")


def test_a_model_that_is_not_there_ends_the_run(server, batched):
    with pytest.raises(Unavailable, match="does not exist"):
        batched(server(models=("other",)).url, range(5))


@pytest.mark.parametrize("stage", ["upload", "created", "create", "poll", "content"])
def test_kill_9_at_any_point_submits_nothing_twice(server, child, batched, tmp_path, stage):
    here = server(batch_silent=stage)
    killed(child(here.url, 20), lambda: here.counters.silenced)
    assert here.counters.batches == (stage not in ("upload", "created"))
    replies, _ = batched(here.url, range(20))
    assert [reply.text for reply in replies] == [f"\\boxed{{{n}}}" for n in range(20)]
    assert (here.counters.batches, here.counters.requests, here.counters.asked_again) == (1, 20, 0)
    assert not jobs(tmp_path)


def test_kill_9_again_and_again(server, child, batched):
    here = server(batch_delay=0.05)
    for begun in (2, 5):
        killed(child(here.url, 200, requests=25), lambda begun=begun: here.counters.batches >= begun)
    replies, model = batched(here.url, range(200), {"requests": 25})
    assert len(replies) == 200 and model.stats.failed == 0
    assert here.counters.requests == here.counters.answered == 200 and here.counters.batches == 8


def test_ctrl_c_leaves_the_batches_where_they_are_and_says_so(server, child, batched, tmp_path, capsys):
    gate = threading.Event()
    here = server(until(gate))
    process = child(here.url, 30)
    wait_until(lambda: here.counters.batches and jobs(tmp_path) and "batch_0001" in jobs_text(tmp_path))
    os.kill(process.pid, signal.SIGINT)
    process.join(30)
    err = (tmp_path / "err").read_text()
    assert process.exitcode == 1 and not (tmp_path / "out").read_text()
    gate.set()
    assert "30 requests in 1 batch go on at" in err and "the same command collects" in err
    replies, _ = batched(here.url, range(30))
    assert len(replies) == 30 and here.counters.requests == 30 and here.counters.batches == 1
    assert "going on with a batch of 30 requests" in capsys.readouterr().err


def jobs_text(folder):
    return "".join((job / "job.json").read_text() for job in jobs(folder))


def test_two_commands_with_the_same_requests_submit_them_once(server, child, batched, tmp_path, capsys):
    gate = threading.Event()
    here = server(until(gate))
    other = child(here.url, 30)
    wait_until(lambda: here.counters.batches and jobs(tmp_path))

    def items():
        yield 0
        wait_until(lambda: "so does this one" in capsys.readouterr().err)
        gate.set()
        yield from range(1, 30)

    replies, _ = batched(here.url, items())
    other.join()
    assert [reply.text for reply in replies] == [json.loads(line)[1] for line in (tmp_path / "out").open()]
    assert here.counters.requests == 30 and here.counters.batches == 1


@pytest.fixture
def two(child, tmp_path):
    """`two(url, questions, questions)`: two commands that have filled their files and seal them at one moment."""

    def start(url, *questions):
        pair = {name: child(url, asked, name) for name, asked in zip("AB", questions, strict=True)}
        wait_until(lambda: all((tmp_path / f"ready{name}").exists() for name in pair))
        time.sleep(0.1)  # until the last question is in its file
        (tmp_path / "go").touch()
        return pair

    return start


def said(folder, name):
    return [json.loads(line) for line in (folder / f"out{name}").open()]


@pytest.mark.parametrize("last", (30, 40))
def test_two_commands_that_start_at_one_moment_share_what_both_want(server, two, tmp_path, last):
    here = server(batch_delay=0.1)
    pair = two(here.url, range(30), range(10 if last == 40 else 0, last))
    for process in pair.values():
        process.join()
    assert said(tmp_path, "A") == [[n, f"\\boxed{{{n}}}"] for n in range(30)]
    assert said(tmp_path, "B") == [[n, f"\\boxed{{{n}}}"] for n in range(10 if last == 40 else 0, last)]
    assert here.counters.requests == last and here.counters.asked_again == 0
    assert not list((tmp_path / "cache/batches").iterdir())


@pytest.mark.parametrize("stage", ("created", "upload"))
def test_kill_9_of_one_of_two_leaves_the_batch_to_the_other(server, two, tmp_path, stage):
    gate = threading.Event()
    here = server(until(gate), batch_silent=stage if stage == "upload" else "")
    pair = two(here.url, range(30), range(30))
    waits = {name: lambda name=name: "so does this one" in (tmp_path / f"err{name}").read_text() for name in pair}
    wait_until(lambda: waits["A"]() or waits["B"]())
    other, holder = ("A", "B") if waits["A"]() else ("B", "A")
    wait_until(lambda: here.counters.batches or here.counters.silenced)
    pair[holder].kill()
    gate.set()
    pair[other].join()
    assert said(tmp_path, other) == [[n, "ok"] for n in range(30)]
    assert here.counters.requests == 30 and here.counters.batches == 1


def left_behind(folder, content="2", *, url, stage="created", **state):
    """The job of a command that died, with one request."""
    job = Job.begin(folder / "cache/batches")
    job.add(key_of("openai:echo", "", [{"role": "user", "content": content}], Sampling(), 0), b"{}")
    job.seal(model="openai:echo", url=url)
    job.save(stage=stage, **state)
    job.release()
    return job


def test_a_batch_at_another_address_is_not_submitted_here_as_well(server, ask, batched, tmp_path, capsys):
    here = server()
    left_behind(tmp_path, url="http://elsewhere/v1", batch="batch_1")
    with pytest.raises(UsageError, match="http://elsewhere/v1: go on there"):
        batched(here.url, range(5))
    assert here.counters.batches == 0
    ask(here.url, ["another"])
    assert "1 requests to echo lie in batches" in capsys.readouterr().err  # for whoever leaves --batch out


def test_a_batch_that_the_server_does_not_know_can_be_given_up(server, batched, tmp_path):
    here = server()
    job = left_behind(tmp_path, url=here.url, batch="batch_9")
    with pytest.raises(Unavailable, match=f"another key's .* remove {job.folder}"):
        batched(here.url, [2])


def test_who_can_not_look_after_his_batch_is_told_that_it_goes_on(server, batched, tmp_path, capsys):
    here = server(api_key="right")
    left_behind(tmp_path, url=here.url, batch="batch_1")
    with pytest.raises(Unavailable, match="OPENAI_API_KEY"):
        batched(here.url, [2], api_key="sk-wrong-123456")
    assert "1 requests in 1 batch go on at" in capsys.readouterr().err


def test_a_batch_is_found_by_its_file_where_lists_are_bare(server, batched, tmp_path):
    here = server(batch_bare=True)
    batched(here.url, [1], cache=tmp_path / "other")
    left_behind(tmp_path, "1", url=here.url, stage="creating", file="file-0001")
    assert batched(here.url, [1])[0][0].text == "\\boxed{1}" and here.counters.batches == 1
    left_behind(tmp_path, "2", url=here.url, stage="creating", file="file-0009")
    with pytest.raises(Unavailable, match="No such input file"):
        batched(here.url, [2])


def test_a_batch_that_another_command_has_ended_meanwhile_is_no_obstacle(server, batched, tmp_path):
    here = server(batch_delay=0.1)
    job = left_behind(tmp_path, url=here.url, batch="batch_9")

    def items():
        yield 1
        wait_until(lambda: len(jobs(tmp_path)) == 2)
        job.drop()
        yield 2

    replies, _ = batched(here.url, items(), {"requests": 1}, concurrency=2)
    assert [reply.text for reply in replies] == ["\\boxed{1}", "\\boxed{2}"]


def test_a_spool_that_fails_while_nothing_is_read_ends_the_run(server, batched, tmp_path):
    spool = tmp_path / "cache/batches"

    def items():
        yield from range(5)
        wait_until(lambda: list(spool.glob("*/keys")))
        shutil.rmtree(spool)

    with pytest.raises(Unavailable, match="can't be kept there"):
        batched(server().url, items())


def test_a_result_that_could_not_be_dealt_with_is_counted_once(server, batched, tmp_path, monkeypatch):
    monkeypatch.setenv("O1J_LEDGER", str(tmp_path / "ledger"))

    def answer(request):  # the refused one of the two is looked up there
        (spool,) = (tmp_path / "cache/batches").glob("*/requests.jsonl")
        spool.rename(tmp_path / "away")
        return "ok"

    here, questions, sampling = server(answer, context=3), ["short", "far too many words"], Sampling(max_tokens=50)
    with pytest.raises(Unavailable, match="can't be kept there"):
        batched(here.url, questions, sampling=sampling)
    (job,) = jobs(tmp_path)
    (tmp_path / "away").rename(job / "requests.jsonl")
    batched(here.url, questions, sampling=sampling)
    ledger = Budget(ledger=tmp_path / "ledger")
    assert (ledger.spent.tokens, ledger.spent.requests, here.counters.requests) == (2, 2, 2)


def test_two_of_one_pipe_do_not_wait_for_each_others_budget_for_ever(server, tmp_path, monkeypatch):
    monkeypatch.setenv("O1J_LEDGER", str(tmp_path / "ledger"))
    limits, here = Limits(**QUICK, silence=0.2, requests=4), server()
    settings = {"base_urls": [here.url], "cache": tmp_path, "batch": limits, "max_tokens_total": 410}
    sampling = Sampling(max_tokens=50)  # six calls may be under way at worst
    with connect("one", **settings) as first, connect("two", **settings) as second:

        def asking(model):
            async def work(item):
                return (await model.chat([{"role": "user", "content": str(item)}], sampling)).text

            return work

        between = (text for _, text in first.map(range(12), asking(first)))
        results = [text for _, text in second.map(between, asking(second))]
    assert results == [f"\\boxed{{\\boxed{{{n}}}}}" for n in range(12)]


def test_requests_are_capped_and_the_same_command_goes_on(server, batched):
    here = server()
    with pytest.raises(BudgetReached, match="same command"):
        batched(here.url, range(30), max_requests=12)
    assert here.counters.requests == 12
    replies, _ = batched(here.url, range(30), max_requests=18)
    assert len(replies) == 30 and here.counters.requests == 30


def test_usd_are_reserved_before_they_are_submitted(server, batched, tmp_path):
    here = server(lambda _: "one two three four five")
    price, questions = Price(10.0, 1000.0), range(100)  # a reply costs 0.005; at worst 0.010 and 17 bytes of prompt
    with pytest.raises(BudgetReached):
        settings = {"price": "10,1000", "max_usd": 0.1, "sampling": Sampling(max_tokens=10)}
        batched(here.url, questions, **settings)
    spent = here.counters.answered * price.of(1, 5)
    assert 0.085 < spent <= 0.1 and here.counters.batches > 1


def test_a_killed_run_is_counted_once_in_a_shared_ledger(server, child, batched, tmp_path, monkeypatch):
    here = server(batch_silent="poll")
    monkeypatch.setenv("O1J_LEDGER", str(tmp_path / "ledger"))
    killed(child(here.url, 20), lambda: here.counters.silenced)
    other = Budget(requests=25, ledger=tmp_path / "ledger")
    with pytest.raises(BudgetReached):
        other.enlarge(None, Cost(0.0, 0, 10))
    assert other.spent.requests == 20  # it buried the dead
    assert len(batched(here.url, range(20))[0]) == 20
    assert other.spent.requests == 20 and other.spent.tokens == 40


def test_reservations_grow_within_their_caps():
    budget = Budget(requests=5)
    number = budget.enlarge(None, Cost(0.0, 0, 2))
    assert budget.enlarge(number, Cost(0.0, 0, 2)) == number
    assert budget.enlarge(number, Cost(0.0, 0, 2)) is None
    budget.settle(number, Cost(0.0, 0, 4))
    assert budget.spent.requests == 4
    with pytest.raises(BudgetReached):
        budget.enlarge(None, Cost(0.0, 0, 2))


def test_a_batch_costs_what_the_list_says_of_batches():
    assert known_price("gpt-4o-mini", ["https://api.openai.com/v1"], batch=True) == Price(0.075, 0.30)
    assert known_price("gpt-4o-mini", ["http://127.0.0.1:8000/v1"], batch=True) is None


def test_a_dry_run_sends_and_keeps_nothing(server, batched, tmp_path):
    here = server()
    _, model = batched(here.url, range(10), dry_run=True, sampling=Sampling(max_tokens=5), price="1,1")
    assert (here.counters.uploads, model.estimate.requests, model.estimate.tokens) == (0, 10, 50)
    assert "up to 24 h a batch" in model.estimate.line() and not (tmp_path / "cache/batches").exists()


@pytest.mark.parametrize("text", ["0,5", "many", "10,-1", "5,0"])
def test_limits_that_are_none_are_wrong_usage(monkeypatch, text):
    monkeypatch.setenv("O1J_BATCH_LIMITS", text)
    with pytest.raises(UsageError, match="O1J_BATCH_LIMITS"):
        Limits.surrounding()


def test_limits_come_from_the_surroundings(monkeypatch):
    monkeypatch.setenv("O1J_BATCH_LIMITS", "100,0.5")
    assert (Limits.surrounding().requests, Limits.surrounding().size) == (100, 500_000)


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        ("local:smollm2", {}, "not for local:"),
        ("vllm:some", {}, "not for vllm:"),
        ("replay:none.jsonl", {}, "not for replay:"),
        ("m", {"base_urls": ["http://a/v1", "http://b/v1"]}, "--base-url once"),
        ("m", {"cache": False}, "--no-cache"),
        ("m", {"stream": True}, "--stream"),
        ("m", {"rpm": 5}, "--rpm"),
    ],
)
def test_what_does_not_go_with_batches_is_wrong_usage(model, more, words):
    with pytest.raises(UsageError, match=words), connect(model, batch=True, **more):
        pass


KEY = "sk-test-4f9a1c7e5b2d8036-do-not-show"
ROWS = b"".join(json.dumps({"problem": f"What is {n} + 1?", "answer": str(n + 1)}).encode() + b"\n" for n in range(12))


def test_distill_gives_the_same_bytes_in_batches_and_no_key(server, o1j, tmp_path):
    def teach(request):
        n = int(request["messages"][-1]["content"].split("What is ")[1].split()[0])
        return {"content": f"So \\boxed{{{n + (n % 3 > 0)}}}.", "reasoning_content": "Let me see."}

    here = server(teach, api_key=KEY)
    arguments = ["distill", "-m", "teacher", "--base-url", here.url, "-n", "2", "--rejects"]
    env = {"OPENAI_API_KEY": KEY}
    batch = o1j(*arguments, "rejects.1", "--batch", "--cache", "one", "--record", "tape", input=ROWS, env=env)
    plain = o1j(*arguments, "rejects.2", "--cache", "two", input=ROWS, env=env)
    assert (batch.returncode, plain.returncode) == (0, 0), batch.stderr.decode()
    assert batch.stdout == plain.stdout and batch.stdout.count(b"\n") == 16
    assert (tmp_path / "rejects.1").read_bytes() == (tmp_path / "rejects.2").read_bytes()
    assert len((tmp_path / "tape").read_text().splitlines()) == 24
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert KEY.encode() not in b"".join([batch.stdout, batch.stderr, *written])


def test_rewrite_makes_a_batch_for_each_round(server, tmp_path):
    def again(request):
        n = int(request["messages"][-1]["content"].split("What is ")[1].split()[0])
        return f"\\boxed{{{n + (request['seed'] > 0)}}}"

    here = server(again)
    (tmp_path / "rows.jsonl").write_bytes(ROWS)
    rows = records.read(str(tmp_path / "rows.jsonl"))
    prompt = prompts.load("rewrite", slots=("problem", "solution"))
    with connect("m", base_urls=[here.url], cache=tmp_path, batch=Limits(**QUICK)) as model:
        rewritten = list(rewrite(rows, model, prompt, Sampling(seed=0), tries=2))
    assert [record["solution"] for record in rewritten] == [f"\\boxed{{{n + 1}}}" for n in range(12)]
    assert (here.counters.batches, here.counters.requests) == (2, 24)


def test_ctrl_c_is_130_and_says_how_to_go_on(server, environment, tmp_path):
    here = server(batch_delay=600)
    (tmp_path / "rows").write_bytes(ROWS)
    command = [sys.executable, "-m", "o1j", "distill", "-m", "m", "--base-url", here.url, "--batch", "rows"]
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_until(lambda: here.counters.batches and "batch_0001" in jobs_text(tmp_path))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and b"Traceback" not in err
    assert b"12 requests in 1 batch go on at" in err and b"the same command again goes on" in err


def test_no_batch_api_is_69(server, o1j):
    here = server(no_batches=True)
    done = o1j("distill", "-m", "m", "--base-url", here.url, "--batch", input=ROWS)
    assert done.returncode == 69 and b"run without --batch" in done.stderr


def test_eval_and_its_judge_are_asked_in_batches(server, o1j, tmp_path):
    def judge(request):
        return "YES" if "\\boxed{1}" in request["messages"][-1]["content"] else "NO"

    student, court = server(lambda _: {"content": "\\boxed{1}"}), server(judge)
    done = o1j(
        *(
            "eval",
            "-m",
            "student",
            "--base-url",
            student.url,
            "--batch",
            "--grader",
            "judge:equal",
            "--judge-repeat",
            "2",
        ),
        *("--judge-model", "judge", "--judge-base-url", court.url, "--summary", "s.json"),
        input=ROWS,
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads((tmp_path / "s.json").read_text())
    assert (told["n"], told["correct"], told["judge"]["asked"]) == (12, 12, 24)
    assert (student.counters.batches, court.counters.batches) == (1, 1)
    assert (student.counters.requests, court.counters.requests) == (12, 24)
