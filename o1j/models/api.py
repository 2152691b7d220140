"""`openai:`, any server that speaks OpenAI's chat completions.

The `openai` client brings addresses, credentials and headers. The request itself goes over one aiohttp session: the
client's typed path costs about 3 ms of CPU a request, this 0.3 (tests/bench/engine.py measures both).
"""

import asyncio
import json
import os
import re
import resource
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from o1j.errors import Unavailable, UsageError, need
from o1j.models import completion
from o1j.models.chat import Messages, Sampling, begun_of
from o1j.models.continuing import Spelling
from o1j.models.faults import Fault, error_object, keep_secret, mask, of_status, told_status
from o1j.models.proxies import proxy_of
from o1j.models.quirks import Quirks
from o1j.models.stream import collect

OPENAI = "https://api.openai.com/v1"
_CONNECT_WITHIN = 30.0  # seconds
_MOST_QUIRKS = 6  # of one request
_json = json.JSONEncoder(ensure_ascii=False).encode


class Api:
    """Servers that share one model name. `lanes` are their addresses, in the order of `ask`'s `lane`.

    proxied: whether the proxies that the environment names are theirs, too.
    """

    paid = stored = True
    first_concurrency, most_concurrency = 16, 256

    def __init__(
        self,
        model: str,
        base_urls: Sequence[str],
        api_key: str | None,
        *,
        timeout: float,
        stream: bool,
        tell: Callable[[str], None],
        proxied: bool = True,
    ):
        self.model, self.timeout, self.stream, self._tell = model, timeout, stream, tell
        self.tag, self.spelling = "", None
        openai = need("openai", "all", "asking a server")
        self._aiohttp = need("aiohttp", "all", "asking a server")
        given = [_address(url) for url in base_urls or (os.environ.get("OPENAI_BASE_URL") or OPENAI,)]
        self.lanes = [url for url, _, _ in given]
        self._queries = [query for _, query, _ in given]
        self._proxies = [proxy_of(url) if proxied else None for url in self.lanes]
        pairs = zip(self.lanes, self._proxies, strict=True)
        self._named = [f"{url} through {proxy}" if proxy else url for url, proxy in pairs]
        api_key = api_key or os.environ.get("OPENAI_API_KEY")
        if not api_key and any(url.startswith("https://api.openai.com") for url in self.lanes):
            raise Unavailable(
                "OpenAI wants a key: set OPENAI_API_KEY, or name another server (--base-url, OPENAI_BASE_URL)"
            )
        keep_secret(api_key, os.environ.get("OPENAI_API_KEY"))
        http = openai.DefaultAsyncHttpxClient(trust_env=False)  # sends nothing: no proxy of the environment is for it
        client = openai.AsyncOpenAI(base_url=self.lanes[0], api_key=api_key or "none", max_retries=0, http_client=http)
        told = {**client.default_headers, **client.auth_headers}
        headers = {name: value for name, value in told.items() if isinstance(value, str)}
        self._headers = [{**headers, **({"Authorization": login} if login else {})} for *_, login in given]
        self._quirks = [Quirks() for _ in self.lanes]
        self._session = None

    async def ask(self, messages: Messages, sampling: Sampling, sample: int, lane: int) -> tuple[bytes, float | None]:
        """One request; gives the raw completion, and the seconds to rest where nothing is left to ask for.

        Raises `Fault` for this request's failure, `Unavailable` where every request would fail.
        """
        body = self.body(messages, sampling, sample)
        if self.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        begun, spelling = begun_of(messages), None
        if begun:
            spelling = self.spelling if begun[1] is True else Spelling(begun[1])
            body |= spelling.write(messages)
        for _ in range(_MOST_QUIRKS):
            fitted = self._quirks[lane].apply(body)
            status, headers, raw = await self._post(lane, fitted)
            if status == 200:
                return completion.without_echo(raw, begun[0]) if spelling and spelling.echoes else raw, rest(headers)
            if status not in (400, 422) or not self.learn(raw, fitted, lane):
                break
        raise of_status(status, headers, raw, url=self._named[lane], model=self.model)

    def body(self, messages: Messages, sampling: Sampling, sample: int) -> dict:
        """A request's JSON, as a server without quirks takes it."""
        body = {"model": self.model, "messages": messages, **sampling.as_dict()}
        if sampling.seed is not None:
            body["seed"] = sampling.seed + sample
        return body

    def fit(self, body: dict, lane: int = 0) -> dict:
        """The same in the form that this server is known to take."""
        return self._quirks[lane].apply(body)

    def learn(self, refusal: bytes, fitted: dict, lane: int = 0) -> bool:
        """Read why the server refused a fitted body; True if what it minds is left out from now on."""
        note = self._quirks[lane].learn(error_object(refusal), fitted)
        if note:
            self._tell(f"{self.model}: {note}")
        return note is not None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def form(self, fields: dict[str, str], file: Path, name: str) -> Any:
        """A multipart body with a file that is sent piece by piece."""
        form = self._aiohttp.FormData()
        for field, value in fields.items():
            form.add_field(field, value)
        form.add_field("file", file.open("rb"), filename=name, content_type="application/jsonl")
        return form

    @asynccontextmanager
    async def send(self, lane: int, method: str, path: str, data: Any = None) -> AsyncIterator[Any]:
        """The response to one HTTP request (`path` below the address); a connection's failure is a `Fault`."""
        aiohttp = self._aiohttp
        headers, proxy, query = self._headers[lane], self._proxies[lane], self._queries[lane]
        beyond: dict = {"again": True, "down": True, "through": str(proxy or "")}
        url = self.lanes[lane] + path + (f"{'&' if '?' in path else '?'}{query}" if query else "")
        if isinstance(data, aiohttp.FormData):  # which names its own type
            headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        try:
            async with self._open().request(
                method, url, data=data, headers=headers, proxy=proxy.url if proxy else None
            ) as response:
                yield response
        except (aiohttp.ServerTimeoutError, asyncio.TimeoutError) as error:
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                raise Fault(f"{self._named[lane]} can't be reached (timeout)", **beyond) from error
            raise Fault(f"{self._named[lane]} was silent for {self.timeout:g} s", again=True) from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error, aiohttp.ClientConnectorCertificateError):
                raise Unavailable(f"{self.lanes[lane]}: its certificate can't be trusted ({error})") from error
            raise Fault(f"{self._named[lane]} can't be reached ({error.strerror})", **beyond) from error
        except aiohttp.ClientHttpProxyError as error:
            raise Fault(f"{self._named[lane]} can't be reached ({error.status} {error.message})", **beyond) from error
        except aiohttp.InvalidURL as error:
            raise UsageError(f"--base-url {self.lanes[lane]} is no address") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Fault(f"the connection to {self._named[lane]} broke ({error!r})", again=True) from error

    async def _post(self, lane: int, body: dict):
        """(status, headers, body) of one POST."""
        payload = _json(body).encode()
        async with self.send(lane, "POST", "/chat/completions", payload) as response:
            if response.status == 200 and body.get("stream"):
                status, raw = await collect(response.content)
            else:
                status, raw = response.status, await response.read()
            return told_status(status, raw), response.headers, raw

    def _open(self):
        """The session, made inside the event loop. Any number of connections: the load decides."""
        if self._session is None:
            aiohttp = self._aiohttp
            _allow_many_files()
            secure = any(url.startswith("https") for url in self.lanes)
            connector = aiohttp.TCPConnector(
                limit=0, keepalive_timeout=60, ssl=_trusted() if secure else True, socket_factory=_kept_alive
            )
            silence = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_WITHIN, sock_read=self.timeout)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=silence, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _address(url: str) -> tuple[str, str, str | None]:
    """(the address without what may be secret in it, its query, the `Authorization` for the user and password it
    named)."""
    given = url.strip()
    url, _, query = given.partition("#")[0].partition("?")
    keep_secret(*(value for _, value in parse_qsl(query)), None if "=" in query else query)
    url = url.rstrip("/")
    login = re.match(r"(https?://)([^/\s]+)@", url)
    if login:
        keep_secret(login[2], login[2].partition(":")[2])
        url = login[1] + url[login.end() :]
    if not re.match(r"https?://[^/\s]", url):
        raise UsageError(f"--base-url {mask(given)!r} is no address: it looks like http://127.0.0.1:8000/v1")
    basic = f"Basic {b64encode(unquote(login[2]).encode()).decode()}" if login else None
    keep_secret(basic)
    return url.removesuffix("/chat/completions"), query, basic


def _trusted() -> ssl.SSLContext:
    """The system's certificates; certifi's where the system has none."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _allow_many_files() -> None:
    """Every connection is an open file, and shells allow 1024: take what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _kept_alive(address) -> socket.socket:
    """A socket whose peer is probed after a minute of silence: a teacher may think for half an hour, a dead one must
    not go unnoticed, and routers forget idle connections."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made


def rest(headers) -> float | None:
    """Seconds until there is something left to ask for, by OpenAI's rate-limit headers (`1s`, `6m0s`, `20ms`)."""
    waits = []
    for what in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{what}") == "0":
            parts = re.findall(r"([\d.]+)(ms|s|m|h|d)", headers.get(f"x-ratelimit-reset-{what}", ""))
            scale = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
            waits.append(sum(float(number) * scale[unit] for number, unit in parts))
    return max(waits) if waits else None
