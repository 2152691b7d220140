"""`--batch`: requests go into files that a provider's Batch API answers within hours, for less.

A work that wants a reply leaves its request here and is parked (parking.py). A file is submitted when it is full, or
when every work waits and nothing more can be read, or nothing came for ten minutes. A collected reply goes into the
store under its usual key, then the works that wait for it are begun again and find it there. What came to nothing is
simply wanted again. Commands that fill files with the same requests at one time seal them one after another: whoever
comes later leaves out what is submitted, and waits for it.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from o1j.errors import Unavailable, UsageError
from o1j.models.api import Api
from o1j.models.batches.endpoint import ENDPOINT, BatchApi, Gone
from o1j.models.batches.harvest import Harvest, queue_is_full, queue_limit
from o1j.models.batches.job import Job, Limits, sealing
from o1j.models.batches.parking import Parked, Visit
from o1j.models.chat import Messages, Sampling
from o1j.models.faults import Fault, Stopped
from o1j.models.loop import trace
from o1j.models.money import Budget, Cost, Price
from o1j.models.store import Store

_HELD_PAUSE = 1.0  # seconds after which what others have set aside of a shared budget is looked at again
_LONGEST_TURN = 600.0  # seconds between two tries to get into a provider's full queue
_LONGEST_QUEUE = 3 * 86_400.0  # seconds that a full queue is borne
_BYTES_A_TOKEN = 4


class Batches:
    """What a model wants asked in batches. Runs in the event loop's thread; `room` is set while more may be read.

    pending: requests under way at most, and so what is read ahead; stats: its `retried` counts what is sent again.
    """

    def __init__(
        self,
        server: Api,
        limits: Limits,
        *,
        model: str,
        store: Store,
        retries: int,
        pending: int,
        budget: Budget | None,
        price: Price | None,
        stats: Any,
        tell: Callable[[str], None],
    ):
        self._server, self._limits, self._model = server, limits, model
        self._api = BatchApi(server, limits, tell)
        self._store, self._root = store, store.path.parent / "batches"
        self._budget, self._price, self._stats, self._tell = budget, price, stats, tell
        self._retries, self._pending = retries, pending
        self._most_bytes = limits.size * max(1, pending // limits.requests)
        self._most_requests = min(limits.requests, pending)  # of the next file
        self._waiting: dict[bytes, list[Visit]] = {}  # what is under way, and who waits for it
        self._held: set[bytes] = set()  # of these: those that the budget has no room for yet
        self._failed: dict[bytes, Fault] = {}
        self._fresh: set[bytes] = set()
        self._tries: dict[bytes, int] = {}
        self._earlier: dict[bytes, Job] | None = None  # what earlier runs have submitted
        self._filling: Job | None = None
        self._live: dict[Job, asyncio.Task] = {}
        self._left: list[Job] = []  # what a failure has kept from being collected
        self._collecting = 0  # jobs
        self._ended = asyncio.Event()  # of any job; another one each time
        self._broken: BaseException | None = None
        self._stopping = False
        self.silence = limits.silence
        self.room = threading.Event()
        self.room.set()

    @property
    def under_way(self) -> int:
        """Requests that are being answered, or wait to be submitted, at this moment."""
        return len(self._waiting)

    def progress(self) -> str:
        """`2 batches: 60,000 submitted, 1,234 completed, 5 failed`; empty where there are none."""
        jobs = [job for job in list(self._live) if job.submitted]
        if not jobs:
            return ""
        done, failed = (sum(_count(job.counts.get(name)) for job in jobs) for name in ("completed", "failed"))
        sent = sum(job.count for job in jobs)
        return f"{_batches(len(jobs))}: {sent:,} submitted, {done:,} completed, {failed:,} failed"

    def fresh(self, key: bytes) -> bool:
        """Whether a stored reply was collected by this run and is told for the first time."""
        if key not in self._fresh:
            return False
        self._fresh.remove(key)
        return True

    def want(self, key: bytes, messages: Messages, sampling: Sampling, sample: int) -> NoReturn:
        """See to it that this is asked. Raises `Parked`; or what makes waiting useless."""
        visit = trace.get()
        if not isinstance(visit, Visit):
            raise UsageError("a model that is asked in batches answers inside `map` alone")
        if self._broken or self._store.broken:
            raise self._broken or self._store.broken
        if self._stopping:
            raise Stopped
        if key in self._failed:
            raise self._failed[key].with_traceback(None)
        if key not in self._waiting:
            self._begin(key, messages, sampling, sample)
        visit.missing += 1
        self._waiting[key].append(visit)
        raise Parked

    def flush(self) -> bool:
        """Nothing more will be wanted before something is answered: submit what there is. False while answers are just
        being collected, which may make somebody want more for the same file."""
        if self._collecting:
            return False
        if self._filling:
            try:
                self._submit()
            except Exception as error:  # whatever it is belongs to the caller's thread
                self._break(error)
        elif self._held and not self._live:
            asyncio.get_running_loop().call_later(_HELD_PAUSE, self._let_in)
        return True

    def call_off(self) -> None:
        """Submit nothing more."""
        self._stopping = True
        self.room.set()

    async def close(self) -> None:
        """Let go; what was submitted stays at the provider, and on disk."""
        self.call_off()
        if self._filling:
            self._settle(self._filling, Cost(0.0, 0, 0))
            self._filling.drop()
            self._filling = None
        tasks = dict(self._live)
        asking = [task for job, task in tasks.items() if job.state.get("stage") == "creating"]
        if asking:  # the answer says the batch's id, without which it must be looked for
            await asyncio.wait(asking, timeout=self._limits.settle)
        for task in tasks.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks.values(), timeout=5.0)
        left = [job for job in (*self._left, *tasks) if job.submitted and job.folder.exists()]
        if left:
            count = sum(job.count for job in left)
            self._tell(
                f"{count:,} requests in {_batches(len(left))} go on at {self._api.url}; "
                "the same command collects the answers"
            )

    def _begin(self, key: bytes, messages: Messages, sampling: Sampling, sample: int) -> None:
        """Find the batch that an earlier run has put this into, or put it into the next file."""
        try:
            if self._earlier is None:
                self._earlier = self._of_others()
            job = self._earlier.get(key)
            if not job or key not in self._adopt(job):
                fits = self._fill(key, messages, sampling, sample)
                self._waiting.setdefault(key, [])
                if not fits:
                    self._held.add(key)
        except OSError as error:
            raise self._unkept(error) from error
        self._see_to_room()

    def _of_others(self) -> dict[bytes, Job]:
        """What other commands have submitted, or are about to: key → job."""
        own = {job.token for job in (*self._live, *self._left)}
        found = [job for job in Job.found(self._root, self._model) if job.token not in own]
        return {key: job for job in found if job.submitted or self._forget(job) for key in job.read_keys()}

    def _forget(self, job: Job) -> bool:
        """Clear away a file that a dead process never submitted: its requests are put into new ones as they come. True
        where it was submitted after all, or will be."""
        if not job.lock():
            return True
        if job.load():  # since it was found, just before that process died
            job.release()
            return True
        job.drop()
        if self._budget and job.state.get("reserved"):
            job.reservation = self._budget.take_over(job.state["reserved"])
            self._settle(job, Cost(0.0, 0, 0))
        return False

    def _adopt(self, job: Job) -> list[bytes]:
        """Go on with a batch that another run has submitted; its requests' keys, none where it has ended meanwhile."""
        keys = job.read_keys()
        for key in keys:
            self._earlier.pop(key, None)
        if keys and job.state["url"] != self._api.url:
            raise UsageError(
                f"{job.count:,} requests were submitted in a batch to {job.state['url']}: go on there (--base-url), or "
                f"remove {job.folder} to give them up"
            )
        for key in keys:
            self._waiting.setdefault(key, [])
        if keys:
            self._start(job, keys)
        return keys

    def _fill(self, key: bytes, messages: Messages, sampling: Sampling, sample: int) -> bool:
        """Write the request into the file that is being filled; False where the budget has no room for it now."""
        body = self._server.fit(self._server.body(messages, sampling, sample))
        told = {"custom_id": key.hex(), "method": "POST", "url": ENDPOINT, "body": body}
        line = json.dumps(told, ensure_ascii=False).encode() + b"\n"
        if len(line) > self._limits.size:
            raise Fault(f"the request takes {len(line):,} bytes, more than a batch's file may have", free=True)
        if self._filling and self._filling.size + len(line) > self._limits.size:
            self._submit()
        reservation = self._filling and self._filling.reservation
        if self._budget:
            reservation = self._budget.enlarge(reservation, self._budget.worst(messages, sampling))
            if reservation is None:
                return False
        self._filling = self._filling or Job.begin(self._root)
        self._filling.reservation = reservation
        self._filling.add(key, line)
        if self._filling.count >= self._most_requests:
            self._submit()
        return True

    def _submit(self) -> None:
        """Send off what was filled, less what another command has answered or submitted meanwhile."""
        job, self._filling = self._filling, None
        reserved = self._budget.told(job.reservation) if self._budget else None
        with sealing(self._root):
            keys = job.read_keys()
            self._earlier = self._of_others()
            elsewhere = self._earlier.keys() & keys
            stored = self._store.held(keys)
            job.leave_out(elsewhere | stored)
            if job.count:
                job.seal(model=self._model, url=self._api.url, reserved=reserved)
        if job.count:
            self._start(job)
        else:
            job.drop()
            self._settle(job, Cost(0.0, 0, 0))
        adopted = {key for job in {self._earlier[key] for key in elsewhere} for key in self._adopt(job)}
        # later: the last of these is just being wanted
        asyncio.get_running_loop().call_soon(self._wake, stored | (elsewhere - adopted))

    def _start(self, job: Job, adopted: list[bytes] | None = None) -> None:
        self._live[job] = asyncio.get_running_loop().create_task(self._carry(job, adopted))

    async def _carry(self, job: Job, adopted: list[bytes] | None) -> None:
        """Bring one job to its end, whatever that is."""
        try:
            if adopted is None or await self._own(job, adopted):
                batch = await self._answered(job)
                self._collecting += 1
                try:
                    await self._finish(job, batch)
                finally:
                    self._collecting -= 1
        except Gone as error:
            self._break(error)
        except Exception as error:  # whatever it is belongs to the caller's thread
            self._left.append(job)
            self._break(error)
        finally:
            del self._live[job]
            job.release()
            self._ended.set()
            self._ended = asyncio.Event()
            if not self._stopping:
                self._let_in()

    async def _own(self, job: Job, keys: list[bytes]) -> bool:
        """Make an earlier run's job this one's, once no other process works on it; False where that one ended it."""
        while not job.lock() and job.folder.exists():
            self._tell("another command waits for a batch with the same requests: so does this one")
            await asyncio.sleep(self._limits.first_poll)
        if not job.load():
            if not job.state:  # the other was just clearing it away when the lock was looked at, which made it anew
                job.drop()
            self._wake(keys)
            return False
        if self._budget and job.state.get("reserved"):
            job.reservation = self._budget.take_over(job.state["reserved"])
        self._tell(f"going on with a batch of {job.count:,} requests that an earlier run has submitted")
        return True

    async def _answered(self, job: Job) -> dict:
        """The job's batch once it has ended, created if need be; waits for its turn where the queue is full."""
        if job.state["stage"] == "uploading":
            job.save(file=await self._api.upload(job))
        refused, since = 0, time.time()
        while True:
            if not job.state.get("batch"):
                unsure = job.state["stage"] == "creating"
                if not unsure:
                    job.save(stage="creating")
                job.save(stage="created", batch=await self._api.create(job, unsure=unsure))
                self._tell(f"{job.state['batch']}: {job.count:,} requests submitted to {self._api.url}")
            batch = await self._api.until_ended(job)
            if not queue_is_full(batch) or self._too_big(job, batch):
                return batch
            refused += 1
            if time.time() - since > _LONGEST_QUEUE:
                raise Unavailable(f"{self._api.url} takes no batch: its queue for {self._server.model} stays full")
            job.save(stage="queued", batch=None, attempt=job.state["attempt"] + 1)
            self._tell(f"the provider's queue for {self._server.model} is full: waiting for room")
            await self._turn(job, refused)

    async def _turn(self, job: Job, refused: int) -> None:
        """Wait until there may be room in the provider's queue."""
        alone = not self._others(job)
        pause = min(_LONGEST_TURN, self._limits.first_poll * 2 ** min(refused, 20)) if alone else _LONGEST_TURN
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ended.wait(), pause)

    def _others(self, job: Job) -> bool:
        return any(other is not job and other.submitted for other in self._live)

    def _too_big(self, job: Job, batch: dict) -> bool:
        """Whether a batch that a full queue refused would hardly fit into an empty one."""
        limit = queue_limit(batch)
        large = limit is None or job.size / _BYTES_A_TOKEN > limit / 2
        return large and job.count > 1 and not self._others(job)

    async def _finish(self, job: Job, batch: dict) -> None:
        """Store every answer, then see to what has none: it failed for good, or is wanted again by those who wait."""
        harvest = Harvest(job, batch, self._server, self._store, self._model)
        async for keys in harvest.stored(partial(self._api.lines, job)):
            self._fresh.update(keys)
            self._wake(keys)
        again = await harvest.unanswered(self._api.url)
        if queue_is_full(batch):
            self._most_requests = max(1, job.count // 2)
            self._tell(f"the provider's queue takes no batch of {job.count:,}: {self._most_requests:,} from now on")
        retried = [key for key, fault in again if self._may_again(key, fault)]
        self._stats.retried += 0 if queue_is_full(batch) else len(retried)
        job.drop()
        self._settle(job, harvest.cost(self._price))  # not before: what a next run takes over must not be settled yet
        self._say_end(job, harvest, len(again), len(retried))
        if harvest.fatal:
            raise harvest.fatal
        if retried and not queue_is_full(batch):
            tries = max(self._tries.get(key, 0) for key in retried)
            await asyncio.sleep(min(self._limits.last_poll, self._limits.first_poll * 2 ** min(tries, 20)))
        self._wake([key for key, _ in again])

    def _may_again(self, key: bytes, fault: Fault | None) -> bool:
        """Whether an unanswered request is sent again; one without a fault of its own always is."""
        if fault is None:
            return True
        count = self._tries[key] = self._tries.get(key, 0) + 1
        if fault.again and count <= self._retries:
            return True
        self._failed[key] = Fault(f"{fault} (asked {count} times)") if fault.again else fault
        return False

    def _say_end(self, job: Job, harvest: Harvest, without: int, retried: int) -> None:
        rest = f", {without:,} not ({retried:,} of these are sent again)" if without else ""
        self._tell(f"{job.state['batch']} {harvest.status}: {job.count - without:,} answered{rest}")

    def _wake(self, keys: Iterable[bytes]) -> None:
        """Have the works done again that wait for these."""
        for key in keys:
            self._held.discard(key)
            for visit in self._waiting.pop(key, ()):
                visit.arrived()
        self._see_to_room()

    def _let_in(self) -> None:
        """What the budget had no room for may be wanted again."""
        self._wake(list(self._held))

    def _see_to_room(self) -> None:
        size = sum(job.size for job in self._live) + (self._filling.size if self._filling else 0)
        full = len(self._waiting) >= self._pending or size >= self._most_bytes
        if full and not self._stopping:
            self.room.clear()
        else:
            self.room.set()

    def _settle(self, job: Job, cost: Cost) -> None:
        if self._budget and job.reservation is not None:
            self._budget.settle(job.reservation, cost)
            job.reservation = None

    def _break(self, error: BaseException) -> None:
        """Nothing more can be asked: everyone who waits is told so."""
        if isinstance(error, Fault):
            error = Unavailable(str(error))
        elif isinstance(error, OSError):
            error = self._unkept(error)
        self._broken = self._broken or error
        self._wake(list(self._waiting))

    def _unkept(self, error: OSError) -> Unavailable:
        return Unavailable(f"the batches in {self._root} can't be kept there ({error}): name another with --cache DIR")


def _batches(count: int) -> str:
    return "1 batch" if count == 1 else f"{count} batches"


def _count(value) -> int:
    return value if isinstance(value, int) else 0
