"""Requests under way: each asked once, however many works and commands want it; paced, retried, paid for within the
budget, and stored before anyone reads it."""

import asyncio
from collections.abc import Callable

from o1j.errors import Unavailable
from o1j.models import completion
from o1j.models.backend import Backend
from o1j.models.chat import Messages, Sampling
from o1j.models.faults import Fault, Stopped
from o1j.models.load import Lane, Load, backoff
from o1j.models.money import Budget, Cost, Price
from o1j.models.stats import Stats
from o1j.models.store import Store

_QUEUE_PATIENCE = 5  # a 429 is worth so many times the retries of a fault
_FIRST_LOOK, _LONGEST_PAUSE = 0.05, 2.0  # seconds between looks whether another command has done with a request


class _Request:
    """One request under way, shared by all who want the same. claimed: no other command may ask it; alone: no
    matter who else asks it; sent: it may be paid for already; found: another command has got the reply; faults,
    queued: how often it failed, and was one too many."""

    __slots__ = ("alone", "claimed", "faults", "found", "queued", "sent", "task", "waiters")

    def __init__(self) -> None:
        self.task: asyncio.Task | None = None
        self.claimed = self.alone = self.sent = self.found = False
        self.waiters = self.faults = self.queued = 0


class Requests:
    """What a model is being asked at this moment. Runs in the event loop's thread. paced: there is a limit of tokens a
    minute; patience: seconds that another command's reply is waited for; stats: what is `asked` and `retried` is
    counted there."""

    def __init__(
        self,
        backend: Backend,
        load: Load,
        *,
        model: str,
        store: Store | None,
        retries: int,
        budget: Budget | None,
        price: Price | None,
        paced: bool,
        patience: float,
        stats: Stats,
        tell: Callable[[str], None],
    ):
        self._backend, self._load, self._model, self._store = backend, load, model, store
        self._retries, self._budget, self._price, self._paced = retries, budget, price, paced
        self._patience, self._stats, self._tell = patience, stats, tell
        self._running: dict[bytes, _Request] = {}
        self._stopping = False

    async def obtain(self, key: bytes, messages: Messages, sampling: Sampling, sample: int) -> tuple[bytes, bool]:
        """(the raw reply, whether somebody else had asked for it already); a `Fault` where there is none."""
        request = self._running.get(key)
        joined = request is not None
        if request is None:
            request = self._begin(key, messages, sampling, sample)
        return await self._wait(request), joined or request.found

    def call_off(self, sent_too: bool = False) -> None:
        """Send nothing more; with `sent_too`, drop also what is being answered."""
        self._stopping = True
        for request in self._running.values():
            if sent_too or not request.sent:
                request.task.cancel()

    async def drain(self) -> None:
        """Await the replies that are on their way."""
        under_way = [request.task for request in self._running.values()]
        if not under_way:
            return
        _, late = await asyncio.wait(under_way, timeout=2)
        if late:
            self._tell(f"waiting for {len(late)} replies that are on their way and paid for (Ctrl-C drops them)")
            await asyncio.wait(late)

    async def abandon(self) -> None:
        """Drop everything."""
        tasks = [request.task for request in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2)

    def _begin(self, key: bytes, messages: Messages, sampling: Sampling, sample: int) -> _Request:
        if self._stopping:
            raise Stopped
        request = self._running[key] = _Request()
        request.task = asyncio.get_running_loop().create_task(self._asked(request, key, messages, sampling, sample))

        def ended(task: asyncio.Task) -> None:
            del self._running[key]
            self._let_go(request, key)
            if not task.cancelled():
                task.exception()  # someone who went away will not look at it

        request.task.add_done_callback(ended)
        return request

    async def _wait(self, request: _Request) -> bytes:
        """The request's raw reply. Whoever stops waiting for what was not sent yet, and is the last, calls it off."""
        request.waiters += 1
        try:
            return await asyncio.shield(request.task)
        except asyncio.CancelledError:
            if request.task.cancelled():
                raise Stopped from None
            raise
        finally:
            request.waiters -= 1
            if not request.waiters and not request.sent:
                request.task.cancel()

    async def _asked(self, request: _Request, key: bytes, messages, sampling: Sampling, sample: int) -> bytes:
        """Ask until there is a completion, and store it before anyone reads it; or take another command's."""
        expected = self._expected_tokens(messages, sampling)
        while True:
            lane = await self._load.enter(expected)
            if self._store and self._store.broken:
                self._load.give_back(lane, expected)
                raise self._store.broken
            if self._store and not self._claim(request, key):
                self._load.give_back(lane, expected)
                raw = await self._of_another(request, key)
                if raw is not None:
                    return raw
                continue
            worst, reserved = await self._reserve(lane, expected, messages, sampling)
            request.sent = True
            begun = asyncio.get_running_loop().time()
            try:
                raw = await self._once(lane, messages, sampling, sample, expected, worst, reserved)
            except Fault as fault:
                request.sent = False
                self._let_go(request, key)  # another command's server may be up while this one waits for its own
                await self._before_again(request, fault)
                continue
            self._stats.asked += 1
            took = asyncio.get_running_loop().time() - begun
            return await self._store.put(key, self._model, raw, took) if self._store else raw

    def _claim(self, request: _Request, key: bytes) -> bool:
        """Keep all other commands from asking this; False where one does, or has got the reply since it was looked
        up."""
        if request.claimed or request.alone:
            return True
        request.claimed = self._store.claims.take(key)
        return request.claimed and self._store.get(key) is None

    def _let_go(self, request: _Request, key: bytes) -> None:
        if request.claimed:
            request.claimed = False
            self._store.claims.release(key)

    async def _of_another(self, request: _Request, key: bytes) -> bytes | None:
        """The reply that another command has asked for, once that has done; None where it let go without one, or
        was silent for too long: it may have been suspended."""
        clock = asyncio.get_running_loop().time
        pause, until = _FIRST_LOOK, clock() + self._patience
        while not (request.claimed or request.alone):
            self._tell("another command is asking for the same replies: waiting for them, up to --timeout")
            await asyncio.sleep(min(pause, max(0.0, until - clock())))
            pause = min(1.5 * pause, _LONGEST_PAUSE)
            request.claimed = self._store.claims.take(key)
            request.alone = not request.claimed and clock() >= until
        if request.alone:
            self._tell(f"another command has got no replies in {self._patience:g} s (--timeout): asking for them here")
        raw = self._store.get(key)
        request.found = raw is not None
        return raw

    async def _before_again(self, request: _Request, fault: Fault) -> None:
        """Wait as long as the fault deserves before the request is asked again; raises it where that is in vain."""
        if not fault.again:
            raise fault
        dead = self._load.dead(fault) if fault.down else None
        if dead:
            raise dead from fault
        if fault.queued:
            request.queued += 1
        elif not fault.down:
            request.faults += 1
        if request.faults > self._retries or request.queued > _QUEUE_PATIENCE * self._retries:
            raise Fault(f"{fault} (asked {request.faults + request.queued} times)") from fault
        if self._stopping or not request.waiters:
            raise Stopped from fault
        self._stats.retried += 1
        if fault.after is None and not fault.down:
            await asyncio.sleep(backoff(min(request.faults, 4) + min(request.queued, 4) - 1))

    async def _reserve(self, lane: Lane, expected: int, messages: Messages, sampling: Sampling) -> tuple[Cost, int]:
        """Set aside what the call may cost at worst, or give the lane back and say that the budget is used up."""
        if self._budget is None:
            return Cost(0.0, 0, 0), 0
        try:
            worst = self._budget.worst(messages, sampling)
            return worst, await self._budget.reserve(worst)
        except BaseException:
            self._load.give_back(lane, expected)
            raise

    async def _once(
        self, lane: Lane, messages, sampling: Sampling, sample: int, expected: int, worst: Cost, reserved: int
    ) -> bytes:
        """One try on one lane, which learns how it went. What broke off in the middle is counted at its worst: it may
        have been billed."""
        cost = worst
        sent_at = asyncio.get_running_loop().time()
        fault, used = None, None
        try:
            raw, rest = await self._backend.ask(messages, sampling, sample, self._load.lanes.index(lane))
            body = completion.check(raw)
            counts = completion.usage(body)
            used = sum(count or 0 for count in counts)
            if None not in counts:
                cost = Cost(self._price.of(*counts) if self._price else 0.0, used, 1)
        except Fault as failure:
            fault = failure
            if fault.free:
                cost = Cost(0.0, 0, 0 if fault.down else 1)
            raise
        except Unavailable:
            cost = Cost(0.0, 0, 1)
            raise
        finally:
            if self._budget:
                self._budget.settle(reserved, cost)
            self._load.leave(lane, sent_at, fault, expected, used)
        if rest:
            self._load.rest(lane, rest)
        return raw

    def _expected_tokens(self, messages: Messages, sampling: Sampling) -> int:
        """What a request will use, for `tpm`: a token is about four characters; replies are like those before."""
        if not self._paced:
            return 0
        stats = self._stats
        written = stats.tokens // stats.asked if stats.asked else sampling.max_tokens or 1000
        return sum(len(str(turn.get("content") or "")) for turn in messages) // 4 + written
