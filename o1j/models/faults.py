"""What can go wrong with one request, in a form that the retry understands, and never with a key in it."""

import email.utils
import json
import re
import time

from o1j.errors import Unavailable

_secrets: set[str] = set()
_KEY_SHAPES = re.compile(
    r"(?i)\b(?:sk|pk|rk|hf|gsk|xai|key|nvapi)[-_][A-Za-z0-9_\-*]{8,}|(?<=bearer )\S+|(?<=//)[^/\s\"']+(?=@)"
)
_QUERY = re.compile(r"(?<=[?&])([\w.~%\[\]-]+)=[^\s&#\"'<>]+")


def keep_secret(*texts: str | None) -> None:
    """Never let these texts through `redact`."""
    _secrets.update(text for text in texts if text and len(text) >= 4)


def redact(text: str) -> str:
    """The text without keys: those known to be secret, and whatever looks like one."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _QUERY.sub(r"\1=***", _KEY_SHAPES.sub("***", text))


def mask(address: str) -> str:
    """An address, or what was given for one, without user, password and the values of its query."""
    return _QUERY.sub(r"\1=***", re.sub(r"^(\w+://)?[^/?\s]*@", r"\1***@", address))


_TOO_LONG = re.compile(r"(?i)context|too (?:long|large|many)|maximum.*length|exceed")


class Stopped(Exception):
    """The run is ending, so this request was not sent any more."""


class Fault(Exception):
    """One request came to nothing.

    again: asking once more may help; overload: the server wants fewer requests; queued: nothing
    is wrong with it, there were too many before this one; after: seconds it asked us to wait;
    down: nothing listens there; through: the proxy in between; free: the server said so before it wrote a reply,
    so that none is billed; finish: the reply's `finish_reason` where the fault is a result, not a failure;
    malformed: the server does not take requests of this form, whatever they say.
    """

    def __init__(
        self,
        message: str,
        *,
        again: bool = False,
        overload: bool = False,
        queued: bool = False,
        after: float | None = None,
        down: bool = False,
        through: str = "",
        free: bool = False,
        finish: str | None = None,
        malformed: bool = False,
    ):
        super().__init__(redact(message))
        self.again, self.overload, self.queued, self.after, self.down = again, overload, queued, after, down
        self.through = through
        self.free, self.finish, self.malformed = free or down, finish, malformed

    @property
    def impossible(self) -> bool:
        """The server refuses this very request, before it wrote anything: asking again can't help."""
        return self.free and not self.again and self.finish is None


def of_status(status: int, headers, body: bytes, *, url: str, model: str) -> Fault | Unavailable:
    """What an HTTP answer other than a completion means: a `Fault`, or `Unavailable` where every request would fail."""
    error = error_object(body)
    more = error["metadata"] if isinstance(error.get("metadata"), dict) else {}
    said = _brief(f"{error.get('message') or body.decode('utf-8', 'replace')} {more.get('raw') or ''}")
    code = str(error.get("code") or "") + " " + str(error.get("type") or "")
    hint = f"{redact(url)} answers {status}" + (f" ({redact(said)})" if said else "")
    if status == 401:
        return Unavailable(f"{hint}: set OPENAI_API_KEY to a key that is valid there")
    if status == 407:
        return Unavailable(f"{hint}: say who you are to the proxy (http://USER:PASSWORD@HOST:PORT in its variable)")
    if status == 403 and ("flagged_input" in more or "moderation" in said):
        return Fault(hint, free=True, finish="content_filter")
    if status == 403:
        return Unavailable(f"{hint}: this key may not use {model}; choose another key or model")
    if status == 402 or "insufficient_quota" in code or "billing" in code:
        return Unavailable(f"{hint}: the account has no credit left; the same command goes on once it has")
    if status in (404, 405):
        remedy = f"is {model} the model's name there, and does the base URL end in /v1? (`--model`, `--base-url`)"
        return Unavailable(f"{hint}: {remedy}")
    if status in (400, 413, 422):
        if "content_filter" in code or "content management policy" in said or "content_policy" in code:
            return Fault(hint, free=True, finish="content_filter")
        return Fault(hint, free=True, malformed=not _TOO_LONG.search(said))
    if status in (429, 503, 529):
        queued = status == 429 or "loading model" in said.lower()
        return Fault(hint, free=True, again=True, overload=True, queued=queued, after=wait_asked(headers))
    if status in (408, 409, 425) or status >= 500:
        return Fault(hint, free=True, again=True, after=wait_asked(headers))
    return Fault(hint, free=True)


def told_status(status: int, body: bytes) -> int:
    """The status that an answer deserves: gateways send 200 and then an error, with the code that it has in it."""
    if status != 200 or b'"choices"' in body or b'"error"' not in body:
        return status
    code = error_object(body).get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else status


def error_object(body: bytes) -> dict:
    """The `error` of an OpenAI-shaped body; servers differ in how deep they put it."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error", parsed)
    if isinstance(error, dict):
        return error
    return {"message": error} if isinstance(error, str) else {}


def wait_asked(headers) -> float | None:
    """Seconds that the server asks us to wait: `retry-after-ms`, or `Retry-After` as a number or a date."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        given = headers.get("Retry-After")
        if given is None:
            return None
        try:
            return max(0.0, float(given))
        except ValueError:
            return max(0.0, email.utils.parsedate_to_datetime(given).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _brief(text: str) -> str:
    """At most 300 characters on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "..."
