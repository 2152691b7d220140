"""Nothing is paid for twice, whatever dies."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import stored

from o1j.errors import Unavailable
from o1j.models import Sampling, connect
from o1j.models.completion import make
from o1j.models.loop import run
from o1j.models.store import SCHEMA, Store, key_of

CHILD = """
    import sys, json
    from o1j.models import connect
    url, cache, count, timeout = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    with connect("echo", base_urls=[url], cache=cache, concurrency=8, timeout=timeout) as model:
        async def work(n):
            return await model.chat([{"role": "user", "content": str(n)}])
        for n, reply in model.map(range(count), work):
            print(json.dumps([n, reply.text, reply.error]), flush=True)
    print(json.dumps(model.stats.as_dict()), file=sys.stderr)
"""


@pytest.fixture
def child(tmp_path):
    def start(url, count, timeout=1800):
        command = [sys.executable, "-c", textwrap.dedent(CHILD), url, str(tmp_path / "cache"), str(count), str(timeout)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def test_a_second_run_asks_nothing(server, ask):
    here = server()
    first, _ = ask(here.url, range(20))
    second, model = ask(here.url, range(20))
    assert [reply.text for reply in second] == [reply.text for reply in first]
    assert all(reply.cached for reply in second)
    assert (here.counters.requests, model.stats.cached, model.stats.saved_tokens) == (20, 20, 20)


def test_the_address_does_not_matter_the_sampling_and_the_tag_do(server, ask):
    one, two = server(), server()
    ask(one.url, ["?"])
    ask(two.url, ["?"])
    assert two.counters.requests == 0
    ask(two.url, ["?"], sampling=Sampling(temperature=0.5))
    ask(two.url, ["?"], cache_tag="other weights")
    assert two.counters.requests == 2


def test_samples_are_stored_apart(tmp_path):
    keys = {key_of("openai:m", "", [{"role": "user", "content": "?"}], Sampling(), n) for n in range(8)}
    assert len(keys) == 8


def test_without_a_cache_everything_is_asked_again(server, ask, tmp_path):
    here = server()
    ask(here.url, ["?"], cache=False)
    ask(here.url, ["?"], cache=False)
    assert here.counters.requests == 2 and not (tmp_path / "cache").exists()


def test_truncated_and_refused_replies_are_paid_and_therefore_stored(server, ask):
    here = server(lambda request: {"content": "", "refusal": "No."} if "bomb" in str(request) else "a b c d")
    ask(here.url, ["bomb", "long"], sampling=Sampling(max_tokens=2))
    replies, _ = ask(here.url, ["bomb", "long"], sampling=Sampling(max_tokens=2))
    assert [reply.fault for reply in replies] == ["refused", "truncated"]
    assert here.counters.requests == 2


def test_kill_9_loses_nothing_that_was_stored(server, child, tmp_path):
    here = server(latency=0.02)
    for lines in (30, 60):
        process = child(here.url, 150)
        for _ in range(lines):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    time.sleep(0.2)
    paid, kept = here.counters.answered, stored(tmp_path / "cache")
    out, err = child(here.url, 150).communicate(timeout=60)
    answers = [json.loads(line) for line in out.splitlines()]
    assert answers == [[n, f"\\boxed{{{n}}}", None] for n in range(150)]
    assert here.counters.answered - paid == 150 - kept
    assert json.loads(err.splitlines()[-1])["cached"] == kept >= 60


def test_two_processes_share_one_store_at_once(server, child, tmp_path):
    here = server(latency=0.05)
    processes = [child(here.url, 100) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert outputs[0] == outputs[1] and outputs[0].count("\n") == 100
    assert stored(tmp_path / "cache") == here.counters.requests == 100


@pytest.mark.parametrize("killed", (False, True))
def test_what_another_command_is_asking_is_waited_for_unless_that_dies(server, child, tmp_path, killed):
    gate = threading.Event()

    async def answer(request):
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return "ok"

    here = server(answer)
    first = child(here.url, 8)
    while here.counters.in_flight < 8:
        time.sleep(0.01)
    second = child(here.url, 12)
    assert "another command is asking" in second.stderr.readline()
    while here.counters.in_flight < 12:  # what the first does not ask
        time.sleep(0.01)
    if killed:
        first.kill()
        while here.counters.requests < 16:  # four of those, beside its own four
            time.sleep(0.01)
    gate.set()
    out, err = second.communicate(timeout=30)
    first.communicate(timeout=30)
    assert [json.loads(line)[:2] for line in out.splitlines()] == [[n, "ok"] for n in range(12)]
    stats = json.loads(err.splitlines()[-1])
    assert (stats["asked"], stats["cached"]) == ((12, 0) if killed else (4, 8))
    assert here.counters.requests == (20 if killed else 12) and stored(tmp_path / "cache") == 12


@pytest.fixture
def gated(server):
    """A server that keeps the first 8 requests waiting until its `gate` is set."""
    gate, seen = threading.Event(), []

    async def answer(request):
        number = len(seen)
        seen.append(request)
        while number < 8 and not gate.is_set():
            await asyncio.sleep(0.01)
        return "ok"

    here = server(answer)
    here.gate = gate
    yield here
    gate.set()


def test_a_suspended_command_is_waited_for_as_long_as_a_silent_server(gated, child, tmp_path):
    first = child(gated.url, 8)
    while gated.counters.in_flight < 8:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    out, err = child(gated.url, 12, timeout=1).communicate(timeout=30)
    assert [json.loads(line)[:2] for line in out.splitlines()] == [[n, "ok"] for n in range(12)]
    assert "no replies in 1 s (--timeout)" in err and json.loads(err.splitlines()[-1])["asked"] == 12
    gated.gate.set()
    first.send_signal(signal.SIGCONT)
    assert first.communicate(timeout=30)[0].count("ok") == 8 and stored(tmp_path / "cache") == 12


def test_ctrl_c_ends_the_waiting_for_another_command_at_once(gated, child):
    first = child(gated.url, 8)
    while gated.counters.in_flight < 8:
        time.sleep(0.01)
    second = child(gated.url, 8)
    assert "another command is asking" in second.stderr.readline()
    second.send_signal(signal.SIGINT)
    assert second.communicate(timeout=5)[0] == "" and second.returncode != 0
    gated.gate.set()
    assert first.communicate(timeout=30)[0].count("ok") == 8 and gated.counters.requests == 8


def test_what_waits_for_its_own_server_keeps_nobody_from_asking_another(server, tmp_path):
    busy, free = server(rate_429=1.0, retry_after=60), server()
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(connect("echo", base_urls=[here.url], cache=tmp_path)) for here in (busy, free)
        )

        async def work(model):
            if model is other:
                while not busy.counters.requests:
                    await asyncio.sleep(0.01)
            return (await model.chat([{"role": "user", "content": "?"}])).text

        one.ordered = False
        begun = time.monotonic()
        asked = one.map([one, other], work)
        assert next(asked)[0] is other and time.monotonic() - begun < 10


def test_what_another_command_asks_takes_nothing_of_a_limit_per_minute(gated, tmp_path):
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(connect("echo", base_urls=[gated.url], cache=tmp_path, concurrency=8, rpm=rpm))
            for rpm in (None, 6)
        )
        stack.callback(gated.gate.set)

        async def work(item):
            model, n = item
            while model is other and gated.counters.in_flight < 8:
                await asyncio.sleep(0.01)
            return (await model.chat([{"role": "user", "content": str(n)}])).text

        both = [(one, n) for n in range(8)] + [(other, n) for n in range(1, 9)]
        one.ordered = False
        begun = time.monotonic()
        results = one.map(both, work)
        assert next(results) == ((other, 8), "ok") and time.monotonic() - begun < 8  # of the 70 that seven turns take
        gated.gate.set()
        assert {text for _, text in results} == {"ok"} and gated.counters.requests == 9


def test_stores_leave_no_open_files_behind_and_may_be_shared_by_a_group(tmp_path):
    def opened():
        return len(list(Path("/dev/fd").iterdir()))

    before = opened()
    for n in range(5):
        one, two = Store(tmp_path / str(n)), Store(tmp_path / str(n))
        assert one.claims.take(b"k" * 32) and not two.claims.take(b"k" * 32)
        one.close()
        assert not two.claims.take(b"k" * 32)  # what one store had claimed is claimed until it lets go
        two.claims.release(b"k" * 32)
        assert two.claims.take(b"k" * 32)
        two.close()
    assert opened() == before
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "0").iterdir()}
    plain = tmp_path / "plain"
    plain.touch()
    assert modes["claims"] == plain.stat().st_mode & 0o777


def test_two_models_of_one_process_ask_once(server, tmp_path):
    here = server(latency=0.2)
    with ExitStack() as stack:
        one, other = (stack.enter_context(connect("echo", base_urls=[here.url], cache=tmp_path)) for _ in range(2))

        async def work(model):
            return await model.chat([{"role": "user", "content": "?"}])

        replies = [reply for model in (one, other) for _, reply in one.map([model, other], work)]
    assert len({reply.text for reply in replies}) == 1
    assert here.counters.requests == 1 and (one.stats.asked, other.stats.asked + other.stats.cached) == (1, 3)


def test_ctrl_c_keeps_what_was_asked(server, child, tmp_path):
    here = server(latency=0.5)
    process = child(here.url, 64)
    while here.counters.in_flight < 8:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    assert here.counters.requests == here.counters.answered == stored(tmp_path / "cache") == 8
    assert len(out.splitlines()) == 8  # and it was handed on, too


def test_a_full_disk_ends_the_run_and_what_was_paid_is_handed_on(server, tmp_path):
    here = server(lambda request: os.urandom(5000).hex())
    script = f"""
        import resource
        from o1j.models import connect
        from o1j.errors import Unavailable
        with connect("echo", base_urls=["{here.url}"], cache="{tmp_path}/cache", concurrency=4) as model:
            async def work(n):
                return await model.chat([{{"role": "user", "content": str(n)}}])
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
            got = 0
            try:
                for n, reply in model.map(range(1000), work):
                    got += 1
            except Unavailable as error:
                print(got, error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )
    got, _, message = done.stdout.partition(" ")
    assert "--cache DIR" in message, done.stderr
    assert int(got) == here.counters.answered < 1000


FULL = """
    import os, resource, sys
    from o1j.errors import InputError, O1jError
    from o1j.models import connect
    url, cache, what = sys.argv[1:]
    def items():
        yield from range(40)
        if what == "broken input":
            raise InputError("line 41 is broken")
    got = 0
    try:
        with connect("echo", base_urls=[url], cache=cache, concurrency=40) as model:
            async def work(n):
                return await model.chat([{"role": "user", "content": str(n)}])
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
            for n, reply in model.map(items(), work):
                got += len(reply.text) == 10_000
                if what == "early end":
                    break
    except O1jError as error:
        print(got, type(error).__name__, error)
"""


@pytest.mark.parametrize("what", ("all in flight", "early end", "broken input"))
def test_replies_that_no_disk_took_are_owned_up_to_however_the_run_ends(server, tmp_path, what):
    gate = threading.Event()

    async def answer(request):
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return os.urandom(5000).hex()

    here = server(answer)
    command = [sys.executable, "-c", textwrap.dedent(FULL), here.url, str(tmp_path / "cache"), what]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while here.counters.in_flight < 40 and run.poll() is None:
        time.sleep(0.01)
    gate.set()
    out, err = run.communicate(timeout=60)
    got, kind, message = out.split(" ", 2)
    lost = 40 - stored(tmp_path / "cache")
    assert 0 < lost < 40 and here.counters.requests == 40, err
    assert f"{lost} replies that are paid for were not stored" in message and "--cache DIR" in message
    assert kind == ("InputError" if what == "broken input" else "Unavailable")
    assert message.startswith("line 41 is broken; besides, ") == (what == "broken input")
    assert int(got) == (1 if what == "early end" else 40)  # what came back is handed on


def test_of_many_replies_those_are_stored_that_the_disk_has_room_for(tmp_path):
    store = Store(tmp_path)
    store._writing.execute("PRAGMA max_page_count = 40")  # of 4 kB: to SQLite, the disk is full then

    async def fill():
        await asyncio.gather(*(store.put(bytes([n]) * 32, "m", make(os.urandom(5000).hex())) for n in range(40)))

    run(fill())
    loss = store.loss()
    store.close()
    kept = stored(tmp_path)
    assert 10 < kept < 30 and "free some space" in str(loss)
    assert f"{40 - kept} replies that are paid for were not stored" in str(loss) and store.loss() is None


def test_a_run_that_can_store_nothing_asks_nothing_and_reads_what_is_there(server, ask, tmp_path, monkeypatch):
    here = server()
    ask(here.url, ["old"])
    monkeypatch.setattr("o1j.models.store._LEAST_ROOM", 1 << 62)  # no disk has so much free
    assert ask(here.url, ["old"])[0][0].cached
    with pytest.raises(Unavailable, match=r"disk is full.*free some space"):
        ask(here.url, ["old", "new"])
    assert here.counters.requests == 1


def test_a_folder_that_cannot_be_used_is_named(tmp_path, ask, server):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable, match="--cache DIR"):
        ask(server().url, ["?"], cache=tmp_path / "file")


def test_claims_that_cannot_be_made_are_told_before_anything_is_asked(tmp_path, ask, server):
    (tmp_path / "cache/claims").mkdir(parents=True)
    here = server()
    with pytest.raises(Unavailable, match="--cache DIR"):
        ask(here.url, ["?"])
    assert here.counters.requests == 0


def test_a_file_that_is_no_store_is_named(tmp_path, ask, server):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/replies.sqlite3").write_bytes(b"this is not a database, not at all" * 100)
    with pytest.raises(Unavailable, match=r"replies\.sqlite3"):
        ask(server().url, ["?"])


def test_long_replies_are_squeezed_and_come_back_whole(tmp_path):
    store, long = Store(tmp_path), make("so it goes, " * 10_000)
    assert run(store.put(b"k" * 32, "m", long)) == long
    assert store.get(b"k" * 32) == long
    store.close()
    assert (tmp_path / "replies.sqlite3").stat().st_size < 50_000


def test_the_first_reply_stands(tmp_path):
    one, two = Store(tmp_path), Store(tmp_path)
    assert run(one.put(b"k" * 32, "m", make("first"))) == make("first")
    assert run(two.put(b"k" * 32, "m", make("second"))) == make("first")
    one.close()
    two.close()


def test_stored_rows_replay_fast(tmp_path, ask):
    store = Store(tmp_path / "cache")
    count = 20_000

    async def fill():
        import asyncio

        keys = [key_of("openai:echo", "", [{"role": "user", "content": str(n)}], Sampling(), 0) for n in range(count)]
        await asyncio.gather(*[store.put(key, "m", make(f"reply {n}" * 100)) for n, key in enumerate(keys)])

    run(fill())
    store.close()
    begun = time.process_time()
    replies, _ = ask("http://127.0.0.1:9/v1", range(count))
    assert replies[-1].text.startswith(f"reply {count - 1}")
    assert time.process_time() - begun < count / 1500  # tests/bench/engine.py --replay measures: 6,000 a second


def old_store(folder, columns="key BLOB PRIMARY KEY, model TEXT, made REAL, raw BLOB"):
    """A store as it was before it had a version, with the reply to "?" in it; `columns` says how old."""
    folder.mkdir()
    with sqlite3.connect(folder / "replies.sqlite3") as store:
        store.execute(f"CREATE TABLE replies ({columns})")
        key = key_of("openai:echo", "", [{"role": "user", "content": "?"}], Sampling(), 0)
        store.execute("INSERT INTO replies (key, raw) VALUES (?, ?)", (key, make("kept", tokens=7)))
    return folder


def test_an_old_store_is_brought_up_to_date_and_loses_nothing(server, ask, tmp_path):
    here = server()
    folder = old_store(tmp_path / "old")
    replies, model = ask(here.url, ["?", "new"], cache=folder)
    assert [reply.text for reply in replies] == ["kept", "\\boxed{new}"]
    assert (here.counters.requests, model.stats.cached, model.stats.saved_tokens) == (1, 1, 7)
    with sqlite3.connect(folder / "replies.sqlite3") as store:
        assert store.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        assert store.execute("SELECT count(*) FROM replies WHERE took > 0").fetchone() == (1,)


def test_several_processes_bring_an_old_store_up_to_date_at_once(tmp_path):
    folder = old_store(tmp_path / "old", "key BLOB PRIMARY KEY, raw BLOB")
    script = """
        import sys
        from pathlib import Path
        from o1j.models.completion import make
        from o1j.models.loop import run
        from o1j.models.store import Store
        store = Store(Path(sys.argv[1]))
        run(store.put(sys.argv[2].encode(), "m", make("new"), 1.0))
        store.close()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(folder)]
    processes = [subprocess.Popen([*command, str(n)]) for n in range(6)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 6
    assert stored(folder) == 7


def test_a_store_of_a_newer_version_is_left_alone(server, ask, tmp_path):
    folder = old_store(tmp_path / "new")
    with sqlite3.connect(folder / "replies.sqlite3") as store:
        store.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(Unavailable, match="newer o1j"):
        ask(server().url, ["?"], cache=folder)


def test_a_database_of_something_else_is_named(server, ask, tmp_path):
    folder = old_store(tmp_path / "other", "key BLOB, raw BLOB")
    with sqlite3.connect(folder / "replies.sqlite3") as store:
        store.execute("DROP TABLE replies")
        store.execute("CREATE TABLE replies (name TEXT)")
    with pytest.raises(Unavailable, match="not one of replies"):
        ask(server().url, ["?"], cache=folder)
