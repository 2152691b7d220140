"""The proxy of the environment: used, named where it is in the way, refused where it can't be used."""

import pytest

from o1j.errors import Unavailable
from o1j.models.proxies import proxy_of

NOWHERE = "http://127.0.0.1:9"
HERE = "http://teacher.invalid:8000/v1"
ROW = b'{"problem": "2+2", "answer": "4"}\n'


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for kind in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{kind}_proxy", raising=False)
        monkeypatch.delenv(f"{kind.upper()}_PROXY", raising=False)


@pytest.mark.parametrize("variable", ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"))
def test_requests_go_through_it(server, ask, monkeypatch, variable):
    here = server(lambda _: "4")
    monkeypatch.setenv(variable, here.url.replace("://", "://user:word@").removesuffix("/v1"))
    replies, _ = ask(HERE, ["2+2"])
    assert (replies[0].text, here.counters.requests) == ("4", 1)


def test_one_that_does_not_answer_is_named_without_its_password(o1j):
    ask = ("distill", "-m", "openai:m", "--base-url", HERE)
    done = o1j(*ask, input=ROW, env={"http_proxy": "http://user:word@127.0.0.1:9"})
    told = f"nothing answers at {HERE} through the proxy http://***@127.0.0.1:9 of http_proxy: start the server"
    assert done.returncode == 69 and told in done.stderr.decode()
    assert b"no_proxy" in done.stderr and b"word" not in done.stderr


@pytest.mark.parametrize("variable", ("ALL_PROXY", "http_proxy"))
def test_one_of_another_kind_is_one_line_with_a_remedy(o1j, variable):
    ask = ("distill", "-m", "openai:m", "--base-url", HERE)
    done = o1j(*ask, input=ROW, env={variable: "socks5://user:word@127.0.0.1:9"})
    line = done.stderr.decode()
    assert done.returncode == 69 and line.count("\n") == 1 and "word" not in line
    assert f"the proxy socks5://***@127.0.0.1:9 of {variable}" in line and "no_proxy=teacher.invalid" in line


def test_one_that_wants_a_login_ends_the_run(loopback, ask, monkeypatch):
    from aiohttp import web

    async def refuse(_):
        raise web.HTTPProxyAuthenticationRequired

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", refuse)
    with loopback.running(app) as url:
        monkeypatch.setenv("http_proxy", url.removesuffix("/v1"))
        with pytest.raises(Unavailable, match=r"of http_proxy answers 407.*USER:PASSWORD"):
            ask(HERE, ["2+2"])


def test_whose_is_which(monkeypatch):
    monkeypatch.setenv("http_proxy", "127.0.0.1:3128")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:3129")
    monkeypatch.setenv("no_proxy", "near.invalid,far.invalid:8000")
    assert proxy_of(HERE) == ("http://127.0.0.1:3128", "http_proxy")
    assert proxy_of("https://teacher.invalid/v1") == ("http://127.0.0.1:3129", "ALL_PROXY")
    assert proxy_of("http://near.invalid/v1") is None and proxy_of("http://far.invalid:8000/v1") is None
    assert proxy_of("http://far.invalid:9000/v1")
    monkeypatch.setenv("http_proxy", "http://")
    with pytest.raises(Unavailable, match="no address"):
        proxy_of(HERE)
