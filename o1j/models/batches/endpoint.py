"""The files and batches endpoints of an OpenAI-compatible server, asked with the patience that hours need."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from o1j.errors import Unavailable
from o1j.models.api import Api
from o1j.models.batches.job import Job, Limits
from o1j.models.faults import Fault, error_object, of_status, redact
from o1j.models.load import FIRST_PATIENCE, PATIENCE, backoff
from o1j.models.stream import lines_of

ENDPOINT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
_A_DAY = 86_400.0  # seconds that a server may be away while a batch is watched
_CLOCKS = 3600.0  # seconds that the provider's clock may differ from this one's
_REREADS = 1  # of a result with a line that is no JSON: it may have been cut on its way
_MARK = "o1j"  # the metadata that names a job


class BatchApi:
    """Calls of one address. Faults that pass are waited out; `Unavailable` is raised where waiting can't help."""

    def __init__(self, api: Api, limits: Limits, tell: Callable[[str], None]):
        self._api, self._limits, self._tell = api, limits, tell
        self.url = api.lanes[0]
        self._answered = False

    async def upload(self, job: Job) -> str:
        """Upload a job's file; its id."""

        def form() -> dict:
            return {"data": self._api.form({"purpose": "batch"}, job.requests, f"o1j-{job.token}.jsonl")}

        file = await self._patiently("POST", "/files", form)
        return _id(file, self.url)

    async def create(self, job: Job, *, unsure: bool) -> str:
        """Have a batch made of a job's file; its id. Where one may have been made before, look for it first.

        unsure: an earlier process may have asked for it, and died before it was told the id.
        """
        name = f"{job.token}-{job.state['attempt']}"
        body = {
            "input_file_id": job.state["file"],
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": {_MARK: name},
        }
        attempt, begun, tried = 0, None, job.state["since"]
        while True:
            batch = await self._made(job, name, tried) if unsure else None
            if batch:
                return _id(batch, self.url)
            tried = time.time()
            try:
                return _id(await self._once("POST", "/batches", {"data": json.dumps(body).encode()}), self.url)
            except Unavailable:
                job.save(stage="refused")
                raise
            except Fault as fault:
                begun = await self._wait_out(fault, attempt, begun, PATIENCE)
                unsure = not fault.overload  # a server that turned it away has made nothing
                attempt += 1

    async def batch(self, job: Job) -> dict:
        """A job's batch as it stands now."""
        name = job.state["batch"]
        try:
            return await self._patiently("GET", f"/batches/{name}", dict, patience=_A_DAY)
        except _Missing as missing:
            raise _gone(missing, "is it another key's or project's batch?", job) from missing

    async def until_ended(self, job: Job) -> dict:
        """Look at a job's batch, ever more rarely, until it has ended."""
        pause = self._limits.first_poll
        while True:
            batch = await self.batch(job)
            counts = batch.get("request_counts")
            job.counts = counts if isinstance(counts, dict) else {}
            if status_of(batch) in ENDED:
                return batch
            await asyncio.sleep(pause)
            pause = min(self._limits.last_poll, pause * 1.5)

    async def lines(self, job: Job, file: str) -> AsyncIterator[dict]:
        """The JSON lines of a job's result; from its start again where the connection broke, so that lines may come
        twice. A line that is no JSON, however often it is read, is left out."""
        attempt, begun, garbled = 0, None, 0
        while True:
            try:
                async with self._sent("GET", f"/files/{file}/content", {}) as response:
                    async for line in lines_of(response.content):
                        told = _line(line)
                        if told is None and garbled < _REREADS:
                            garbled += 1
                            raise Fault("a batch's result holds a line that is not JSON", again=True)
                        yield told or {}
                return
            except _Missing as missing:
                raise _gone(missing, "its result is not kept any more.", job) from missing
            except Fault as fault:
                begun = await self._wait_out(fault, attempt, begun, _A_DAY)
                attempt += 1

    async def _made(self, job: Job, name: str, tried: float) -> dict | None:
        """The batch that was made of this job under this name, if one was; a list may lag behind."""
        batch, late = await self._in_list(job, name), tried + self._limits.settle - time.time()
        if batch is None and late > 0:
            await asyncio.sleep(min(late, self._limits.settle))
            batch = await self._in_list(job, name)
        return batch

    async def _in_list(self, job: Job, name: str) -> dict | None:
        after, since = "", job.state["since"]
        while True:
            page = await self._patiently("GET", f"/batches?limit=100{after}", dict)
            listed = [batch for batch in page.get("data") or () if isinstance(batch, dict)]
            for batch in listed:
                marked = batch.get("metadata") or {}
                of_file = not marked and job.state["attempt"] == 1  # where a server keeps no metadata
                if marked.get(_MARK) == name or (of_file and batch.get("input_file_id") == job.state["file"]):
                    return batch
            before, after = after, f"&after={listed[-1].get('id')}" if listed else ""
            oldest = listed[-1].get("created_at") if listed else None
            out_of_date = isinstance(oldest, int) and oldest < since - _CLOCKS
            if (
                not page.get("has_more") or after in ("", before) or out_of_date
            ):  # some give one page, whatever is asked
                return None

    async def _patiently(self, method: str, path: str, what: Callable[[], dict], patience: float = PATIENCE) -> dict:
        """The object that a call answers with; `what` makes its body, anew for each try."""
        attempt, begun = 0, None
        while True:
            try:
                return await self._once(method, path, what())
            except Fault as fault:
                begun = await self._wait_out(fault, attempt, begun, patience)
                attempt += 1

    async def _wait_out(self, fault: Fault, attempt: int, begun: float | None, patience: float) -> float:
        """Sleep before the next try; the time at which the trouble began."""
        now = asyncio.get_running_loop().time()
        begun = begun or now
        if not fault.again:
            raise Unavailable(str(fault)) from fault
        if fault.overload:
            patience = _A_DAY
        if now - begun > (patience if self._answered else FIRST_PATIENCE):
            raise Unavailable(f"{fault}, for {_time(now - begun)}: the same command goes on once it answers") from fault
        if attempt == 3:
            self._tell(f"{fault}; waiting for it")
        await asyncio.sleep(fault.after if fault.after is not None else backoff(attempt))
        return begun

    async def _once(self, method: str, path: str, body: dict) -> dict:
        async with self._sent(method, path, body) as response:
            raw = await response.read()
        try:
            told = json.loads(raw)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise Fault(f"{self.url}{path} answers with something that is no JSON object", again=True)
        return told

    @asynccontextmanager
    async def _sent(self, method: str, path: str, body: dict) -> AsyncIterator[Any]:
        """The response to one call, if it is a good one."""
        async with self._api.send(0, method, path, **body) as response:
            self._answered = True
            if response.status not in (200, 201):
                raise self._meaning(response.status, response.headers, await response.read(), path)
            yield response

    def _meaning(self, status: int, headers, raw: bytes, path: str) -> Exception:
        bare = path.partition("?")[0]
        if status in (404, 405, 501) and bare in ("/files", "/batches"):
            return Unavailable(f"{self.url} has no Batch API ({bare} answers {status}): run without --batch")
        if status == 404:
            return _Missing(f"{self.url}{bare} is not known there (404)")
        if status in (400, 413, 422):
            said = error_object(raw).get("message") or raw[:300].decode("utf-8", "replace")
            return Unavailable(
                f"{self.url}{bare} refuses the batch: {redact(said)} (O1J_BATCH_LIMITS sets what a file may hold)"
            )
        return of_status(status, headers, raw, url=self.url, model=self._api.model)


class Gone(Unavailable):
    """A batch or its result can't be had (any more)."""


class _Missing(Unavailable):
    """The server does not know (any more) what has this id."""


def status_of(batch: dict) -> str:
    """Its `status` in OpenAI's words."""
    return str(batch.get("status")).lower().replace("canceled", "cancelled")


def _id(told: dict, url: str) -> str:
    if not isinstance(told.get("id"), str):
        raise Unavailable(f"{url} has no Batch API that o1j understands: an answer without an id")
    return told["id"]


def _gone(missing: _Missing, why: str, job: Job) -> Gone:
    return Gone(f"{missing}: {why} To give it up and submit its {job.count:,} requests again, remove {job.folder}")


def _line(line: bytes) -> dict | None:
    """The object on a line, empty where there is another thing; None where it is not JSON."""
    try:
        told = json.loads(line or b"{}")
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else {}


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds > 3600 else f"{seconds:.0f} s"
