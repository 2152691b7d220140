"""The store of replies: SQLite, shared by every command and process, safe under `kill -9`."""

import asyncio
import hashlib
import json
import os
import queue
import sqlite3
import threading
import time
import zlib
from pathlib import Path

from o1j.errors import Unavailable
from o1j.models.chat import Messages, Sampling
from o1j.models.claims import Claims

_SQUEEZED_FROM = 1024  # bytes; long thoughts shrink to a third, short replies are not worth it
_GROUP = 512  # replies committed, or looked for, together at most
_LEAST_ROOM = 100_000  # bytes free on the disk, without which nothing is asked: a few dozen replies
SCHEMA = 1  # of the table; 0 is that of stores which did not say
_SINCE = {"model": "TEXT", "made": "REAL", "took": "REAL"}  # columns that not all older stores have
_INSERT = "INSERT OR IGNORE INTO replies (key, model, made, took, raw) VALUES (?, ?, ?, ?, ?)"


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def default_folder() -> Path:
    """`O1J_CACHE`, else `~/.cache/o1j`."""
    named = os.environ.get("O1J_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "o1j"


def key_of(name: str, tag: str, messages: Messages, sampling: Sampling, sample: int) -> bytes:
    """SHA-256 over the canonical JSON of all that decides a reply; addresses, keys and timeouts do not."""
    told = [name, tag, messages, sampling.as_dict(), sample]
    return hashlib.sha256(_canonical(told).encode()).digest()


class Store:
    """Raw completions by key. `get` is for the event loop's thread; `put` returns once the reply is on disk.

    One thread writes and commits in groups, so that thousands of replies a second cost few disk flushes. lost: how many
    replies the disk did not take; claims: what is being asked, by anyone who shares it.
    """

    def __init__(self, folder: Path):
        self.path = folder / "replies.sqlite3"
        self.broken: Unavailable | None = None
        self.lost = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._reading = self._connect()
            self._reading.execute("PRAGMA journal_mode=WAL")
            if _version(self._reading) != SCHEMA:
                self._migrate()
            self._writing = self._connect()
            self.broken = self._cramped(os.statvfs(folder))
            self.claims = Claims.of(folder / "claims")
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="o1j-store", daemon=True)
        self._writer.start()

    def get(self, key: bytes) -> bytes | None:
        """The stored completion, or `None`."""
        try:
            row = self._reading.execute("SELECT raw FROM replies WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        return None if row is None else _expand(row[0])

    def held(self, keys: list[bytes]) -> set[bytes]:
        """Those of the keys under which there is a completion."""
        found: set[bytes] = set()
        for start in range(0, len(keys), _GROUP):
            some = keys[start : start + _GROUP]
            rows = self._reading.execute(f"SELECT key FROM replies WHERE key IN ({','.join('?' * len(some))})", some)
            found.update(key for (key,) in rows)
        return found

    def latest(self, model: str, count: int) -> list[tuple[bytes, float]]:
        """The model's newest completions, each with the seconds it took (0.0 where unknown)."""
        rows = self._reading.execute(
            "SELECT raw, took FROM replies WHERE model = ? ORDER BY rowid DESC LIMIT ?", (model, count)
        ).fetchall()
        return [(_expand(raw), took or 0.0) for raw, took in rows]

    async def put(self, key: bytes, model: str, raw: bytes, took: float | None = None) -> bytes:
        """Store a completion (and the seconds it took); return the one that stands: another may have been first.

        A disk that fails is not the reply's fault: it is handed on, and `broken` says that nothing more should be
        asked, and `loss` why the run must not end well.
        """
        done = asyncio.get_running_loop().create_future()
        self._queue.put((done, key, model, took, raw))
        return await done

    def loss(self) -> Unavailable | None:
        """What to tell of replies that are paid for and were not stored, once each; None where there are none."""
        if not self.lost:
            return None
        count, self.lost = self.lost, 0
        told = "1 reply that is paid for was" if count == 1 else f"{count:,} replies that are paid for were"
        return Unavailable(f"{self.broken}; {told} not stored, and the same command asks again")

    def close(self) -> None:
        """Commit what is left and close."""
        self._queue.put(None)
        self._writer.join()
        self._writing.close()
        self._reading.close()
        self.claims.close()

    def _migrate(self) -> None:
        """Make the table, or bring an older one up to date; several processes may want to at once."""
        self._reading.execute("BEGIN IMMEDIATE")
        try:
            if _version(self._reading) > SCHEMA:
                raise Unavailable(
                    f"the store of replies {self.path} was made by a newer o1j: upgrade this one, or name another "
                    "store with --cache DIR"
                )
            self._reading.execute("CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, raw BLOB)")
            there = {row[1] for row in self._reading.execute("PRAGMA table_info(replies)")}
            if not {"key", "raw"} <= there:
                raise sqlite3.DatabaseError("its table is not one of replies")
            for name, kind in _SINCE.items():
                if name not in there:
                    self._reading.execute(f"ALTER TABLE replies ADD COLUMN {name} {kind}")
            self._reading.execute(f"PRAGMA user_version = {SCHEMA}")
            self._reading.execute("COMMIT")
        finally:
            if self._reading.in_transaction:
                self._reading.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _write(self) -> None:
        ended = False
        while not ended:
            group = [self._queue.get()]
            while len(group) < _GROUP and group[-1] is not None:
                try:
                    group.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            if group[-1] is None:
                ended = True
                group.pop()
            if group:
                self._commit(group)

    def _commit(self, group: list[tuple]) -> None:
        now, standing = time.time(), {}
        try:
            self._writing.execute("BEGIN IMMEDIATE")
            for _, key, model, took, raw in group:
                row = (key, model, now, took, _squeeze(raw))
                if self._writing.execute(_INSERT, row).rowcount == 0:
                    first = self._writing.execute("SELECT raw FROM replies WHERE key = ?", (key,)).fetchone()
                    standing[key] = _expand(first[0])
            self._writing.execute("COMMIT")
        except sqlite3.Error as error:
            self.broken = self.broken or self._unavailable(error)
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
            if len(group) > 1 and (_is_full(error) or "I/O" in str(error)):  # there may be room for some of them
                self._commit(group[: len(group) // 2])
                self._commit(group[len(group) // 2 :])
                return
            self.lost += len(group)
            standing.clear()
        by_loop: dict = {}
        for done, key, _, _, raw in group:
            by_loop.setdefault(done.get_loop(), []).append((done, standing.get(key, raw)))
        for loop, settled in by_loop.items():
            loop.call_soon_threadsafe(_settle, settled)

    def _cramped(self, disk: os.statvfs_result) -> Unavailable | None:
        """Why nothing should be asked, where the disk is as good as full; what is stored can be read all the same."""
        if disk.f_blocks and disk.f_bavail * disk.f_frsize < _LEAST_ROOM:
            return self._unavailable(OSError(f"its disk is full but for {disk.f_bavail * disk.f_frsize:,} bytes"))
        return None

    def _unavailable(self, error: Exception) -> Unavailable:
        remedy = "free some space" if _is_full(error) else "check the folder"
        return Unavailable(
            f"the store of replies {self.path} can't be used ({error}): {remedy}, name another with --cache DIR, "
            "or go without (--no-cache)"
        )


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _is_full(error: Exception) -> bool:
    return "full" in str(error) or "No space" in str(error)


def _settle(settled: list[tuple[asyncio.Future, bytes]]) -> None:
    for done, raw in settled:
        if not done.done():
            done.set_result(raw)


def _squeeze(raw: bytes) -> bytes:
    return zlib.compress(raw, 1) if len(raw) >= _SQUEEZED_FROM else raw


def _expand(kept: bytes) -> bytes:
    """JSON begins with a brace, zlib's stream with an "x"."""
    return zlib.decompress(kept) if kept[:1] == b"x" else kept
