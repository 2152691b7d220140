"""A connected model: cached, retried, counted; and the map that asks it about many things at once."""

import asyncio
import atexit
import sys
import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

from o1j.errors import O1jError, Unavailable, UsageError
from o1j.models import completion
from o1j.models.backend import Backend
from o1j.models.batches.job import Limits
from o1j.models.batches.parking import ParkingPump
from o1j.models.chat import Messages, Reply, Sampling, begun_of
from o1j.models.continuing import find
from o1j.models.estimate import Estimate
from o1j.models.faults import Fault, Stopped
from o1j.models.load import Load
from o1j.models.loop import Pump, background, run, trace
from o1j.models.money import Budget, Price
from o1j.models.replay import Recorder
from o1j.models.requests import Requests
from o1j.models.stats import Stats
from o1j.models.store import Store, key_of

T = TypeVar("T")
R = TypeVar("R")

_SAMPLE = 200  # stored replies that an estimate looks at
_HOPELESS_AFTER = 16  # requests refused as malformed, with none answered
_PARKING_AT_ONCE = 256  # works that run at one time where replies come in batches
_open: weakref.WeakSet["Model"] = weakref.WeakSet()


class Model:
    """A model that can be asked.

    name: `KIND:NAME`; stats: what it cost so far; concurrency: requests in flight at most; ordered: whether `map`
    keeps the items' order; estimate: in a dry run, what would have been asked (else None).
    `chat` must be awaited on the models' own event loop, that is, inside a `work` given to `map`.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        *,
        concurrency: int | None,
        retries: int,
        patience: float,
        rpm: float | None,
        tpm: float | None,
        store: Store | None,
        cache_tag: str,
        recorder: Recorder | None,
        price: Price | None,
        budget: Budget | None,
        dry_run: bool,
        batch: Limits | None,
        tell: Callable[[str], None],
    ):
        self.name, self.stats = name, Stats(replayed=not (backend.paid or backend.stored))
        if price is not None:
            self.stats.usd = self.stats.saved_usd = 0.0
        self.ordered = True
        self.concurrency = concurrency or (batch.requests if batch and not dry_run else backend.most_concurrency)
        self._backend, self._store, self._recorder = backend, store, recorder
        self._tag = "\n".join(part for part in (cache_tag, backend.tag) if part)
        self._price, self._budget = price, budget
        self.estimate: Estimate | None = None
        if dry_run:
            sample = store.latest(name, _SAMPLE) if store else []
            self.estimate = Estimate(price, 0 if batch else self.concurrency, sample)
        shared: dict = {"model": name, "store": store, "retries": retries}
        shared |= {"budget": budget, "price": price, "stats": self.stats, "tell": tell}
        self._load = Load(backend.lanes, self.concurrency, concurrency or backend.first_concurrency, rpm, tpm)
        self._requests = Requests(backend, self._load, paced=bool(tpm), patience=patience, **shared)
        self._batches = None
        if batch and not dry_run:
            from o1j.models.batches.desk import Batches

            self._batches = Batches(backend, batch, pending=self.concurrency, **shared)
        self._learning = asyncio.Lock()
        self._closed = False
        self._malformed = 0
        self._pumps: weakref.WeakSet[Pump] = weakref.WeakSet()
        _open.add(self)

    @property
    def in_flight(self) -> int:
        """Requests that are being answered at this moment."""
        return self._batches.under_way if self._batches else self._load.in_flight

    def budget_beside(self, price: Price | None) -> Budget | None:
        """This model's budget, to be shared by one with that price; None where it has none."""
        return self._budget.beside(price) if self._budget else None

    def progress(self) -> str:
        """What a progress bar says of it: `asked 1,234`, and how far batches are."""
        batches = self.batch_progress()
        return f"asked {self.stats.asked:,}" + (f"; {batches}" if batches else "")

    def batch_progress(self) -> str:
        """`2 batches: 60,000 submitted, 1,234 completed, 5 failed`; empty where there are none."""
        return self._batches.progress() if self._batches else ""

    async def chat(self, messages: Messages, sampling: Sampling = Sampling(), sample: int = 0) -> Reply:  # noqa: B008
        """Ask for one reply: from the store if it is there, else from the model, which may take several tries.

        A failure of this one request is a `Reply` with `error`; `Unavailable` is raised where all would fail.
        """
        key, raw = self._looked_up(messages, sampling, sample)
        free, told = raw is not None, trace.get()
        if raw is None and self.estimate:
            if told:
                told.stored = False
            self.estimate.add(messages, sampling)
            return Reply("", error="dry run: nothing was sent")
        begun = begun_of(messages)
        if raw is None:
            if begun:
                await self.learn_to_continue()
            try:
                raw, free = await self._obtained(key, messages, sampling, sample)
            except Fault as fault:
                return self._came_to_nothing(fault, key, messages, sampling, sample)
        if told:
            told.replies += 1
            told.stored = told.stored and self._store is not None and self._store.broken is None
            if not told.first_time(key):
                return completion.parse(raw, begun=begun[0] if begun else "")
        if self._batches and self._batches.fresh(key):
            self.stats.asked += 1
            free = False
        reply = completion.parse(raw, cached=free, begun=begun[0] if begun else "")
        self._count(reply)
        if reply.fault:
            self.stats.faults[reply.fault] += 1
        if self._recorder:
            # pieces of a reply are recorded as they came: joining them again needs their white space
            told_as = completion.parse(raw, apart=False) if begun or reply.begun else reply
            self._recorder.write(key, messages, sampling, sample, told_as)
        return reply

    def holds(self, messages: Messages, sampling: Sampling, sample: int) -> bool:
        """Whether the store has the reply to this request."""
        return self._looked_up(messages, sampling, sample)[1] is not None

    async def learn_to_continue(self) -> None:
        """See to it that it is known how the server goes on with a begun reply; `Unavailable` where it can't."""
        if self._batches:
            raise UsageError("--batch can't go on with a reply that was cut short: use --on-truncation retry or drop")
        async with self._learning:
            if self._backend.spelling is None:
                self._backend.spelling = await find(self._probe, self.name)

    def map(self, items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> Iterator[tuple[T, R]]:
        """Yield `(item, await work(item))` for every item, many at a time; as they finish where `ordered` is False.

        Items are read in another thread, at most 16 x concurrency ahead of what was yielded; results are yielded in
        the caller's. An error, of reading or of a `work`, is raised after what was under way has been yielded, and so
        is `Unavailable` where a reply came that could not be stored. Where replies come in batches, a `work` is begun
        again from the start, maybe several times, once what it lacked is there: it must do nothing but ask and compute.
        """
        settings: dict = {"ordered": self.ordered, "stop": self._stop, "expected": Stopped}
        pump: Pump[T, R]
        if self._batches:
            settings |= {"ahead": self.concurrency, "open_": _PARKING_AT_ONCE}
            pump = ParkingPump(items, work, desk=self._batches, **settings)
        else:
            pump = Pump(items, work, ahead=16 * self.concurrency, open_=2 * self.concurrency, **settings)
        self._pumps.add(pump)

        def handed_out() -> Iterator[tuple[T, R]]:
            try:
                yield from pump
            except (O1jError, KeyboardInterrupt) as error:
                self._own_up(error)
                raise
            finally:
                pump.close()  # whoever stops listening early wants nothing more begun
            self._own_up(None)

        return handed_out()

    def close(self) -> None:
        """Await the replies that are on their way (they are paid for), store them, and let go of everything.

        Raises `Unavailable` where one of them could not be stored.
        """
        if self._closed:
            return
        self._closed = True
        for pump in list(self._pumps):
            pump.close()
        try:
            run(self._drain())
        except KeyboardInterrupt:
            run(self._requests.abandon())
            raise
        finally:
            run(self._backend.close())
            if self._store:
                self._store.close()
            if self._recorder:
                self._recorder.close()
            if self._budget:
                self._budget.close()
        self._own_up(sys.exc_info()[1])

    def _own_up(self, error: BaseException | None) -> None:
        """Raise what kept paid replies from being stored, where nobody was told yet; `error` is ending the run."""
        loss = self._store.loss() if self._store else None
        if loss and isinstance(error, O1jError) and error is not self._store.broken:
            raise type(error)(f"{error}; besides, {loss}") from error
        if loss:
            raise loss from error

    def _looked_up(self, messages: Messages, sampling: Sampling, sample: int) -> tuple[bytes, bytes | None]:
        """(the request's key, the stored reply if there is one)."""
        key = key_of(self.name, self._tag, messages, sampling, sample)
        return key, self._store.get(key) if self._store else None

    async def _obtained(self, key: bytes, messages: Messages, sampling: Sampling, sample: int) -> tuple[bytes, bool]:
        """(the raw reply, whether somebody else had asked for it already); a `Fault` where there is none."""
        if self._batches:
            self._batches.want(key, messages, sampling, sample)
        return await self._requests.obtain(key, messages, sampling, sample)

    async def _probe(self, messages: Messages) -> Reply | Fault:
        """One token, asked for to learn about the server: counted, paid and stored like any other request."""
        sampling = Sampling(max_tokens=1)
        key, raw = self._looked_up(messages, sampling, 0)
        free = raw is not None
        try:
            if raw is None:
                raw, free = await self._obtained(key, messages, sampling, 0)
        except Fault as fault:
            if not fault.impossible:
                raise Unavailable(f"{self.name} did not say whether it can continue a reply: {fault}") from fault
            return fault
        reply = completion.parse(raw, cached=free)
        self._count(reply)
        return reply

    def _came_to_nothing(self, fault: Fault, key: bytes, messages, sampling: Sampling, sample: int) -> Reply:
        told = trace.get()
        if told:
            told.stored = False
            if not told.first_time(key):
                return _without(fault)
        if fault.finish:
            reply = _without(fault)
            self.stats.faults[reply.fault] += 1
            if self._recorder:
                self._recorder.write(key, messages, sampling, sample, reply)
            return reply
        self.stats.came_to_nothing(str(fault))
        self._malformed += fault.malformed
        if self._malformed >= _HOPELESS_AFTER and not (self.stats.asked or self.stats.cached):
            raise Unavailable(f"every request was refused: {fault}")
        return _without(fault)

    def _count(self, reply: Reply) -> None:
        self.stats.count(reply, self._price)
        if reply.cached and self.estimate:
            self.estimate.cached += 1

    def _stop(self, interrupted: bool) -> None:
        """Send nothing more (from any thread); one who interrupts does not wait for what costs nothing but time."""
        background().call_soon_threadsafe(self._call_off, interrupted and not self._backend.paid)

    def _call_off(self, sent_too: bool = False) -> None:
        if self._batches:
            self._batches.call_off()
        self._requests.call_off(sent_too)

    async def _drain(self) -> None:
        self._call_off()
        if self._batches:
            await self._batches.close()
        if not (self._backend.paid and (self._store or self._recorder)):
            self._requests.call_off(sent_too=True)
        await self._requests.drain()


@atexit.register
def _close_all() -> None:
    """Close what an error has left open, in a generator that its traceback holds: later the loop's thread is dead."""
    for model in list(_open):
        try:
            model.close()
        except O1jError as error:
            print(f"o1j: {error}", file=sys.stderr)


def _without(fault: Fault) -> Reply:
    """What is told of a request that came to nothing."""
    if fault.finish:
        return Reply("", finish_reason=fault.finish)
    return Reply("", error=str(fault), impossible=fault.impossible)
