"""A batch's file and state on disk, so that whatever dies, what was submitted is found again and not submitted twice.

`CACHE/batches/TOKEN/` holds `requests.jsonl` (what is uploaded), `keys` (32 bytes a request, in the same order),
`job.json` (the state; written before each step that it tells of) and `lock` (held by the process that works on it).
"""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from o1j.errors import UsageError

_KEY = 32  # bytes of a key of the store
_STALE = 60.0  # seconds after which a folder is locked for certain, if its process lives


@contextmanager
def sealing(root: Path) -> Iterator[None]:
    """The block in which no other process seals a file of this folder."""
    descriptor = os.open(root.with_name("batches.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Limits:
    """How batches are cut and watched. requests, size (bytes): of one input file, at most (OpenAI's limits by its API
    reference, 2026-11: 50,000 and 200 MB; O1J_BATCH_LIMITS=REQUESTS,MEGABYTES for others); first_poll, last_poll:
    seconds between looks, growing; settle: seconds after which a batch that was created must be in the list; silence:
    seconds without anything new to ask after which a file is submitted although it is not full."""

    requests: int = 50_000
    size: int = 200_000_000
    first_poll: float = 0.5
    last_poll: float = 60.0
    silence: float = 600.0
    settle: float = 10.0

    @classmethod
    def surrounding(cls) -> "Limits":
        """Those of O1J_BATCH_LIMITS, else OpenAI's."""
        given = os.environ.get("O1J_BATCH_LIMITS")
        if not given:
            return cls()
        try:
            requests, megabytes = int(given.partition(",")[0]), float(given.partition(",")[2] or 200)
        except ValueError:
            requests = megabytes = 0
        if not (requests > 0 and 0 < megabytes < 1e6):
            raise UsageError(f"O1J_BATCH_LIMITS {given!r}: write REQUESTS,MEGABYTES, for instance 50000,200")
        return cls(requests=requests, size=int(megabytes * 1e6))


class Job:
    """One input file on its way. Its stages: `uploading`, `creating` (from here on a batch may exist), `created`; and,
    of a batch that the provider did not take, `queued` (to be submitted again) and `refused`. While it is being filled
    there is no state on disk. attempt: how often this same file was submitted.

    state: what `job.json` holds: model, url, stage, attempt, since (time of the stage), count, size, file and batch
    (the provider's ids), ledger and reserved (what was set aside for it).
    """

    def __init__(self, folder: Path):
        self.folder, self.token = folder, folder.name
        self.requests = folder / "requests.jsonl"
        self.state: dict = {}
        self.count = self.size = 0
        self.counts: dict = {}  # the provider's request_counts
        self.reservation: int | None = None
        self._files: tuple | None = None
        self._lock: int | None = None

    @classmethod
    def begin(cls, root: Path) -> "Job":
        """An empty one, to be filled."""
        job = cls(root / secrets.token_hex(8))
        job.folder.mkdir(parents=True)
        job.lock()
        job._open()
        return job

    @classmethod
    def found(cls, root: Path, model: str) -> "list[Job]":
        """Those of a model that earlier runs (or others at this moment) have written."""
        jobs = []
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            job = cls(folder)
            job.load()
            if not job.state:
                job._clear_if_dead()
            elif job.state.get("model") == model:
                jobs.append(job)
        return jobs

    @property
    def submitted(self) -> bool:
        """Whether the provider may have a batch of it."""
        return self.state.get("stage") in ("creating", "created")

    def add(self, key: bytes, line: bytes) -> None:
        requests, keys = self._files
        requests.write(line)
        keys.write(key)
        self.count += 1
        self.size += len(line)

    def leave_out(self, gone: set[bytes]) -> None:
        """Take these requests out again, before it is sealed."""
        if not gone:
            return
        keys, whole = self.read_keys(), self.requests.rename(self.folder / "whole.jsonl")
        for file in self._files:
            file.close()
        self._open()
        self.count = self.size = 0
        with whole.open("rb") as lines:
            for key, line in zip(keys, lines, strict=True):
                if key not in gone:
                    self.add(key, line)
        whole.unlink()

    def seal(self, **state) -> None:
        """No more requests come; from now on it has a state."""
        for file in self._files:
            file.flush()
        os.fsync(self._files[1].fileno())  # the keys say what was submitted; the requests could be written again
        for file in self._files:
            file.close()
        self._files = None
        self.save(stage="uploading", attempt=1, count=self.count, size=self.size, **state)

    def save(self, **changes) -> None:
        """Change the state, on disk first."""
        state = {**self.state, **changes, "version": 1}
        if "stage" in changes:
            state["since"] = time.time()
        part = self.folder / "job.json.partial"
        with part.open("w", encoding="utf-8") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.folder / "job.json")
        self.state = state

    def load(self) -> bool:
        """Read the state; False where no batch can exist."""
        try:
            self.state = json.loads((self.folder / "job.json").read_text(encoding="utf-8"))
            self.count, self.size = self.state["count"], self.state["size"]
        except (OSError, ValueError, KeyError, TypeError):
            self.state = {}
        return self.submitted

    def read_keys(self) -> list[bytes]:
        """Of its requests, in the file's order; none where another process has brought it to its end."""
        for file in self._files or ():
            file.flush()
        try:
            raw = (self.folder / "keys").read_bytes()
        except FileNotFoundError:
            return []
        return [raw[start : start + _KEY] for start in range(0, len(raw), _KEY)]

    def bodies(self, wanted: set[int]) -> Iterator[tuple[int, dict]]:
        """(line from 0, body) of the requests on these lines."""
        with self.requests.open("rb") as lines:
            for number, line in enumerate(lines):
                if number in wanted:
                    yield number, json.loads(line)["body"]

    def lock(self) -> bool:
        """Make it this process's own, unless it is another's. A process that ends, however it does, lets go."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            return False  # it was brought to its end meanwhile
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def drop(self) -> None:
        """Everything in it is answered, or was never submitted."""
        with suppress(FileNotFoundError):  # first of all what says that a batch may exist
            (self.folder / "job.json").unlink()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let others have it."""
        for file in self._files or ():
            file.close()
        if self._lock is not None:
            os.close(self._lock)
        self._files = self._lock = None

    def _open(self) -> None:
        self._files = self.requests.open("wb"), (self.folder / "keys").open("wb")

    def _clear_if_dead(self) -> None:
        """Clear away what a process that died was still filling."""
        with suppress(OSError):
            if time.time() - self.folder.stat().st_mtime > _STALE and self.lock():
                self.drop()
