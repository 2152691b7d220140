"""A key is used, and appears nowhere: not in errors, stores, recordings, stderr or estimates."""

import subprocess
import sys
import textwrap

import pytest
from aiohttp import web

from o1j.errors import Unavailable

KEY = "sk-test-4f9a1c7e5b2d8036-do-not-show"

SCRIPT = """
    import sys
    from o1j.errors import O1jError
    from o1j.models import Sampling, connect
    url, folder, count = sys.argv[1:]
    for settings in ({"dry_run": True}, {"retries": 1}, {"retries": 1, "stream": True, "cache_tag": "again"}):
        try:
            with connect("echo", base_urls=[url], cache=folder, record=folder + "/tape.jsonl", **settings) as model:
                async def work(n):
                    return await model.chat([{"role": "user", "content": str(n)}], Sampling(temperature=0.5), 0)
                for n, reply in model.map(range(int(count)), work):
                    print(n, reply)
                print(model.name, model.stats, model.stats.line(), model.estimate, file=sys.stderr)
        except O1jError as error:
            print("error:", error, file=sys.stderr)
"""


def everything_written(url, tmp_path, monkeypatch, count=20):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder = tmp_path / "cache"
    command = [sys.executable, "-X", "dev", "-c", textwrap.dedent(SCRIPT), url, str(folder), str(count)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    return b"\n".join([done.stdout, done.stderr, *files])


def test_a_key_that_works_is_written_nowhere(server, tmp_path, monkeypatch):
    here = server(api_key=KEY, o_series=True, rate_5xx=0.1)
    written = everything_written(here.url, tmp_path, monkeypatch)
    assert b"boxed{19}" in written and KEY.encode() not in written


def test_a_key_that_the_server_repeats_in_its_errors_is_written_nowhere(server, tmp_path, monkeypatch):
    here = server(api_key="another")
    written = everything_written(here.url, tmp_path, monkeypatch)
    assert b"Incorrect API key provided: ***" in written and KEY.encode() not in written


def test_a_key_inside_an_address_is_written_nowhere(server, tmp_path, monkeypatch):
    here = server(rate_5xx=1.0)
    written = everything_written(here.url.replace("://", f"://user:{KEY}@"), tmp_path, monkeypatch, count=2)
    assert b"bad day" in written and KEY.encode() not in written


def test_an_address_keeps_its_query_when_it_asks_and_tells_it_nobody(loopback, o1j, tmp_path):
    """Gateways want a version or a key there: it follows the path, and is in no output."""
    queries = []

    async def answer(request):
        queries.append(request.query_string)
        if request.query.get("api-key") != KEY:
            raise web.HTTPBadRequest(text=f"no such key at {request.url}")
        return web.json_response({"choices": [{"message": {"content": "\\boxed{4}"}, "finish_reason": "stop"}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    row = b'{"problem": "2+2", "answer": "4"}\n'
    with loopback.running(app) as url:
        address = f"{url.replace('://', f'://user:{KEY}@')}?api-key="
        good, bad = (
            o1j(*("distill", "-m", "openai:m", "--base-url", address + key, "-o", "out.jsonl"), *more, input=row)
            for key, more in ((KEY, []), (f"{KEY}-old", ["--no-cache"]))
        )
    assert (good.returncode, bad.returncode) == (0, 1), good.stderr + bad.stderr
    assert queries == [f"api-key={KEY}", f"api-key={KEY}-old"]
    assert b"answers 400 (no such key at " in bad.stderr and b"/chat/completions?api-key=***" in bad.stderr
    log = (tmp_path / "out.jsonl.runs.jsonl").read_text()
    assert log.count("/v1?api-key=***") >= 2
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in text for text in (good.stderr, good.stdout, bad.stderr, *files))


def test_an_address_that_is_none_is_not_repeated_with_its_secrets(o1j):
    done = o1j("distill", "-m", "openai:m", "--base-url", f"user:{KEY}@host/v1?api-key={KEY}")
    assert done.returncode == 2 and b"'***@host/v1?api-key=***' is no address" in done.stderr, done.stderr


def test_a_key_can_come_from_a_file(server, ask, tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")
    replies, _ = ask(server(api_key=KEY).url, ["4"], api_key_file=tmp_path / "key")
    assert replies[0].text == "\\boxed{4}"
    with pytest.raises(Unavailable, match="API key"):
        ask("http://127.0.0.1:9/v1", ["4"], api_key_file=tmp_path / "none")
