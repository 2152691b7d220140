"""How many requests may run at once, and where: adapts to what the servers bear. Runs in the event loop's thread."""

import asyncio
import random
from collections import deque

from o1j.errors import Unavailable
from o1j.models.faults import Fault

FIRST_PATIENCE = 5.0  # seconds a server that never answered may refuse connections
PATIENCE = 300.0  # the same for one that did answer: it may be starting again
LONGEST_PAUSE = 60.0


def backoff(attempt: int) -> float:
    """Seconds to wait before attempt number `attempt` + 1: doubling from half a second, with jitter."""
    return min(LONGEST_PAUSE, 0.5 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)


class Lane:
    """One address and what it bears: additive growth, halving on overload, a pause where it asks for one."""

    def __init__(self, name: str, start: float, ceiling: int):
        self.name, self.limit, self.ceiling = name, start, ceiling
        self.in_flight = 0
        self.calm_from = float(ceiling)  # above this limit growth is slow: there was an overload
        self.cut_at = 0.0
        self.pause_until = 0.0
        self.down_since: float | None = None
        self.refusals = self.failures = 0
        self.answered = 0
        self._round = (0, 0.0, 0.0)  # answers at the start of this round, its time, the last round's rate

    def room(self, now: float) -> bool:
        allowed = 1 if self.down_since is not None else max(1, int(self.limit))
        return now >= self.pause_until and self.in_flight < allowed

    def succeeded(self, now: float, full: bool) -> None:
        self.answered += 1
        self.down_since, self.refusals, self.failures = None, 0, 0
        if full and self.limit < self.ceiling:
            self.limit += 1 if self.limit < self.calm_from else 1 / self.limit
        start, since, rate = self._round
        if self.answered - start >= self.limit and now > since:
            new_rate = (self.answered - start) / (now - since)
            if full and rate and new_rate < 1.1 * rate:  # a round with more at once was not faster: no more haste
                self.calm_from = min(self.calm_from, self.limit)
            self._round = (self.answered, now, new_rate)

    def overloaded(self, now: float, sent_at: float, after: float | None) -> None:
        if sent_at >= self.cut_at:  # one cut for all that were under way together
            self.calm_from = max(2.0, 0.9 * self.limit)
            self.limit = max(1.0, self.limit / 2)
            self.cut_at = now
        if after is not None:
            self.pause_until = max(self.pause_until, now + after)

    def stumbled(self, now: float, alone: bool, again: bool) -> None:
        """It listens, but something went wrong: one that does nothing else is left out while others work."""
        self.down_since, self.refusals = None, 0
        self.failures = self.failures + 1 if again else 0
        if self.failures >= 5 and not alone:
            self.pause_until = now + min(15.0, backoff(self.failures - 5))

    def refused(self, now: float) -> None:
        self.down_since = self.down_since or now
        self.refusals += 1
        self.pause_until = max(self.pause_until, now + min(5.0, backoff(self.refusals - 1)))

    def given_up(self, now: float) -> bool:
        patience = PATIENCE if self.answered else FIRST_PATIENCE
        return self.down_since is not None and now - self.down_since > patience


class Load:
    """Hands out places on the lanes, oldest request first, at most `rpm` requests and `tpm` tokens a minute."""

    def __init__(self, names: list[str], ceiling: int, start: int, rpm: float | None, tpm: float | None):
        share = max(1, ceiling // len(names))
        self.lanes = [Lane(name, min(share, max(1, start // len(names))), share) for name in names]
        self._waiting: deque[tuple[asyncio.Future, int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._requests = _Pace(rpm)
        self._tokens = _Pace(tpm)

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in self.lanes)

    async def enter(self, tokens: int) -> Lane:
        """Wait for a place; `tokens` is what the request is expected to use. Every `enter` needs its `leave`."""
        place: asyncio.Future = asyncio.get_running_loop().create_future()
        self._waiting.append((place, tokens))
        self._admit()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.give_back(place.result(), tokens)
            self._admit()
            raise

    def give_back(self, lane: Lane, tokens: int) -> None:
        """A place that was not used after all, nor what it took of `rpm` and `tpm`."""
        now = asyncio.get_running_loop().time()
        self._requests.take(now, -1)
        self._tokens.take(now, -tokens)
        lane.in_flight -= 1
        self._admit()

    def leave(self, lane: Lane, sent_at: float, fault: Fault | None, expected: int, used: int | None) -> None:
        """Give the place back, with how it went; the tokens really used replace those expected."""
        now = asyncio.get_running_loop().time()
        full = lane.in_flight >= int(lane.limit)
        lane.in_flight -= 1
        if used is not None:
            self._tokens.take(now, used - expected)
        if fault is None:
            lane.succeeded(now, full)
        elif fault.overload:
            lane.overloaded(now, sent_at, fault.after)
        elif fault.down:
            lane.refused(now)
        elif fault.after is not None:
            lane.pause_until = max(lane.pause_until, now + fault.after)
        else:
            lane.stumbled(now, alone=len(self.lanes) == 1, again=fault.again)
        self._admit()

    def rest(self, lane: Lane, seconds: float) -> None:
        """Send nothing there for a while: its rate-limit headers say that nothing is left."""
        lane.pause_until = max(lane.pause_until, asyncio.get_running_loop().time() + seconds)

    def dead(self, last: Fault) -> Unavailable | None:
        """Why nothing can be asked any more, if so, after the `last` fault."""
        now = asyncio.get_running_loop().time()
        if not all(lane.given_up(now) for lane in self.lanes):
            return None
        where = ", ".join(lane.name for lane in self.lanes) + (f" through {last.through}" if last.through else "")
        if any(lane.answered for lane in self.lanes):
            return Unavailable(f"{where} has stopped answering: start it again; the same command then goes on")
        remedy = "start the server, or say where it is (--base-url, OPENAI_BASE_URL)"
        return Unavailable(
            f"nothing answers at {where}: {remedy}" + (" or that it needs no proxy (no_proxy)" if last.through else "")
        )

    def _admit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting:
            place, tokens = self._waiting[0]
            if place.done():
                self._waiting.popleft()
                continue
            wait = max(self._requests.wait(now), self._tokens.wait(now))
            lane = self._best(now)
            if wait > 0 or lane is None:
                pauses = [one.pause_until - now for one in self.lanes if one.pause_until > now]
                wait = max(wait, 0.0 if lane or not pauses else min(pauses))
                if wait > 0:
                    self._timer = loop.call_later(wait + 0.001, self._admit)
                return
            self._waiting.popleft()
            self._requests.take(now, 1)
            self._tokens.take(now, tokens)
            lane.in_flight += 1
            place.set_result(lane)

    def _best(self, now: float) -> Lane | None:
        """The lane with the smallest share of its limit in use."""
        if len(self.lanes) == 1:
            return self.lanes[0] if self.lanes[0].room(now) else None
        free = [lane for lane in self.lanes if lane.room(now)]
        return min(free, key=lambda lane: lane.in_flight / lane.limit) if free else None


class _Pace:
    """At most `a_minute` units a minute, evenly spread; a debt from wrong expectations is worked off."""

    def __init__(self, a_minute: float | None):
        self.seconds_each = 60.0 / a_minute if a_minute else 0.0
        self.free_at = 0.0

    def wait(self, now: float) -> float:
        return max(0.0, self.free_at - now)

    def take(self, now: float, units: float) -> None:
        if self.seconds_each:
            self.free_at = max(self.free_at, now) + units * self.seconds_each
