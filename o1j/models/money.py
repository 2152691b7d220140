"""What replies cost, and caps that are never passed: for a run, and through a ledger for many commands at once."""

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import Iterable
from copy import copy
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from o1j.errors import BudgetReached, Unavailable, UsageError
from o1j.models.chat import Messages, Sampling
from o1j.processes import alive

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TURN_OVERHEAD = 16  # tokens a chat template adds to a turn, at most
_VERSION = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Price(NamedTuple):
    """USD per million tokens."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, tokens: int) -> float:
        return (prompt_tokens * self.prompt + tokens * self.completion) / 1e6


def read_price(text: str) -> Price:
    """`--price 0.15,0.60` → Price(0.15, 0.6)."""
    try:
        prompt, completion = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--price {text!r}: write USD per million tokens as IN,OUT, for instance 0.15,0.60") from None
    if not (0 <= prompt < 1e6 and 0 <= completion < 1e6):
        raise UsageError(f"--price {text!r}: a price is a number that is not negative")
    return Price(prompt, completion)


def known_price(model: str, addresses: Iterable[str], *, batch: bool = False) -> Price | None:
    """The price of a model at these addresses, out of prices.toml, or that of its batches; `None` where one of them is
    not listed."""
    listed = tomllib.loads(files("o1j.models").joinpath("prices.toml").read_text(encoding="utf-8"))
    found = set()
    for address in addresses:
        host = urlsplit(address).hostname or ""
        prices = listed.get(host, {})
        price = prices.get(model) or prices.get(_VERSION.sub("", model)) or ()
        share = listed["batch"]["share"].get(host) if batch else 1.0
        found.add(tuple(part * share for part in price) if share else ())
    return Price(*found.pop()) if len(found) == 1 and () not in found else None


class Cost(NamedTuple):
    usd: float
    tokens: int
    requests: int


class Budget:
    """Caps on USD, tokens and requests. The worst case of a call is reserved before it is sent.

    ledger: a file that several commands share (`O1J_LEDGER`): what one spends counts for all, and each compares
    the sum with its own caps. What a killed process had reserved counts as spent: it may have been billed.
    """

    def __init__(
        self,
        *,
        usd: float | None = None,
        tokens: int | None = None,
        requests: int | None = None,
        price: Price | None = None,
        ledger: Path | None = None,
    ):
        self.caps = (usd, tokens, requests)
        self.price = self._needed(price)
        self._shared = ledger is not None
        self._ledger = str(ledger.resolve()) if ledger else ""
        self._users = [self]
        self._settled = asyncio.Event()
        self._pid = os.getpid()
        try:
            self._book = sqlite3.connect(
                ledger or ":memory:", timeout=60, isolation_level=None, check_same_thread=False
            )
            self._book.execute("PRAGMA journal_mode=WAL")
            self._book.execute("PRAGMA synchronous=NORMAL")
            with _Transaction(self._book):
                self._book.execute("CREATE TABLE IF NOT EXISTS spent (usd REAL, tokens INTEGER, requests INTEGER)")
                self._book.execute(
                    "CREATE TABLE IF NOT EXISTS reserved "
                    "(id INTEGER PRIMARY KEY, pid INTEGER, usd REAL, tokens INTEGER, requests INTEGER)"
                )
                if not self._book.execute("SELECT count(*) FROM spent").fetchone()[0]:
                    self._book.execute("INSERT INTO spent VALUES (0, 0, 0)")
        except sqlite3.Error as error:
            raise Unavailable(f"the ledger {ledger} can't be used ({error}): name another with O1J_LEDGER") from error

    def beside(self, price: Price | None) -> "Budget":
        """The same caps on the same spending, for another model with its own price."""
        other = copy(self)
        other.price = self._needed(price)
        self._users.append(other)
        return other

    @property
    def spent(self) -> Cost:
        """What was spent by all who share the ledger, reservations not counted."""
        return Cost(*self._book.execute("SELECT usd, tokens, requests FROM spent").fetchone())

    def worst(self, messages: Messages, sampling: Sampling) -> Cost:
        """The most that one call can cost: a token is at least a byte of the prompt; replies end at max_tokens."""
        if sampling.max_tokens is None:
            if self.caps[0] is not None or self.caps[1] is not None:
                raise UsageError(
                    "a cap on USD or tokens needs --max-tokens: without it no one knows what a call may cost"
                )
            return Cost(0.0, 0, 1)
        prompt = sum(len(str(turn.get("content") or "").encode()) + _TURN_OVERHEAD for turn in messages)
        usd = self.price.of(prompt, sampling.max_tokens) if self.price else 0.0
        return Cost(usd, prompt + sampling.max_tokens, 1)

    async def reserve(self, cost: Cost) -> int:
        """Set `cost` aside and return the reservation's number. Waits while running calls may still leave enough;
        raises BudgetReached once none is running."""
        while True:
            self._settled.clear()
            with _Transaction(self._book):
                number, others = self._try(cost)
            if number is not None:
                return number
            if not others:
                raise BudgetReached(self._reached())
            try:
                await asyncio.wait_for(self._settled.wait(), 0.5 if self._shared else None)
            except asyncio.TimeoutError:
                continue

    def enlarge(self, number: int | None, cost: Cost) -> int | None:
        """Set `cost` aside in one reservation with what `number` holds (None: with nothing), if it fits: its number, or
        None while others run that may still leave enough. Raises BudgetReached where none runs."""
        with _Transaction(self._book):
            added, others = self._try(cost)
            if added is not None and number is not None:
                row = (*cost, number)
                self._book.execute("DELETE FROM reserved WHERE id = ?", (added,))
                self._book.execute(
                    "UPDATE reserved SET usd = usd + ?, tokens = tokens + ?, requests = requests + ? WHERE id = ?", row
                )
                return number
        if added is None and not others:
            raise BudgetReached(self._reached())
        return added

    def told(self, number: int) -> dict | None:
        """A reservation in words that another process can take over, where the ledger is shared."""
        if not self._shared:
            return None
        row = self._book.execute("SELECT * FROM reserved WHERE id = ?", (number,)).fetchone()
        return {"ledger": self._ledger, "row": list(row)}

    def take_over(self, told: dict) -> int | None:
        """Make a dead process's reservation this one's; what was counted as spent for its death is reserved again."""
        if told["ledger"] != self._ledger:
            return None
        _, _, *cost = told["row"]
        with _Transaction(self._book):
            where = "WHERE id = ? AND pid = ? AND usd = ? AND tokens = ? AND requests = ?"
            if not self._book.execute(f"DELETE FROM reserved {where}", told["row"]).rowcount:
                self._spend(Cost(*(-part for part in cost)))
            row = (self._pid, *cost)
            added = self._book.execute("INSERT INTO reserved (pid, usd, tokens, requests) VALUES (?, ?, ?, ?)", row)
            return added.lastrowid

    def settle(self, number: int, cost: Cost) -> None:
        """Replace a reservation by what the call did cost."""
        with _Transaction(self._book):
            self._book.execute("DELETE FROM reserved WHERE id = ?", (number,))
            self._spend(cost)
        self._settled.set()

    def close(self) -> None:
        self._users.remove(self)
        if not self._users:
            self._book.close()

    def _needed(self, price: Price | None) -> Price | None:
        if self.caps[0] is not None and price is None:
            raise UsageError("--max-usd needs the model's price, which o1j does not know: --price IN,OUT")
        return price

    def _try(self, cost: Cost) -> tuple[int | None, int]:
        """(the reservation if it fits, how many others there are)."""
        live = self._book.execute(
            "SELECT coalesce(sum(usd), 0), coalesce(sum(tokens), 0), coalesce(sum(requests), 0), count(*) FROM reserved"
        ).fetchone()
        wanted = [a + b + c for a, b, c in zip(self.spent, live[:3], cost, strict=True)]
        if all(cap is None or value <= cap * (1 + 1e-12) for cap, value in zip(self.caps, wanted, strict=True)):
            row = (self._pid, *cost)
            added = self._book.execute("INSERT INTO reserved (pid, usd, tokens, requests) VALUES (?, ?, ?, ?)", row)
            return added.lastrowid, live[3]
        if self._shared and self._bury():
            return self._try(cost)
        return None, live[3]

    def _bury(self) -> bool:
        """Count what dead processes had reserved as spent; True if there were any."""
        rows = self._book.execute("SELECT id, pid, usd, tokens, requests FROM reserved").fetchall()
        dead = [row for row in rows if not alive(row[1])]
        for number, _, *cost in dead:
            self._book.execute("DELETE FROM reserved WHERE id = ?", (number,))
            self._spend(Cost(*cost))
        return bool(dead)

    def _spend(self, cost: Cost) -> None:
        self._book.execute("UPDATE spent SET usd = usd + ?, tokens = tokens + ?, requests = requests + ?", cost)

    def _reached(self) -> str:
        spent, (usd, tokens, requests) = self.spent, self.caps
        caps = [
            f"${usd:g} (${spent.usd:,.4f} spent)" if usd is not None else "",
            f"{tokens:,} tokens ({spent.tokens:,} used)" if tokens is not None else "",
            f"{requests:,} requests ({spent.requests:,} sent)" if requests is not None else "",
        ]
        said = ", ".join(cap for cap in caps if cap)
        how = "the same command with a higher budget" if self._shared else "the same command again"
        return f"stopped at the budget of {said}; {how} goes on where this one stopped"


class _Transaction:
    """All or nothing, and nobody else in between."""

    def __init__(self, book: sqlite3.Connection):
        self._book = book

    def __enter__(self) -> None:
        self._book.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind, *_) -> None:
        self._book.execute("COMMIT" if kind is None else "ROLLBACK")
