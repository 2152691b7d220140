"""Which requests are being asked at this moment, for all processes that share a store: so none is asked twice.

A claim is a lock on one byte of an empty file, at a place that the request's key says. Nothing is written or cleared
up: the system takes the claims of a process back when it ends, however it does. Nobody waits for one claim while
holding another, so that two keys at one place cost a wait, never a deadlock.
"""

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path


class Claims:
    """The claims of this process. A lock belongs to a process and goes when any descriptor of its file is closed, so
    there is one object a file for all who use it at one time (`of`), and the last of them closes it."""

    _open: "dict[Path, Claims]" = {}  # noqa: RUF012
    _guard = threading.Lock()

    def __init__(self, path: Path):
        self._path, self._users = path, 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)  # as the store: a group may share it
        self._mine: set[bytes] = set()

    @classmethod
    def of(cls, path: Path) -> "Claims":
        """Those kept in this file; each `of` needs its `close`. OSError where the file can't be used."""
        path = path.resolve()
        with cls._guard:
            claims = cls._open.get(path) or cls._open.setdefault(path, cls(path))
            claims._users += 1
            return claims

    def take(self, key: bytes) -> bool:
        """Claim what has this key (32 random bytes); False where it is claimed, here or elsewhere."""
        if key in self._mine:
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except (BlockingIOError, PermissionError):
            return False
        except OSError:
            pass  # a file system without locks: there each process asks for itself
        self._mine.add(key)
        return True

    def release(self, key: bytes) -> None:
        self._mine.remove(key)
        if self._users:
            with suppress(OSError):  # as above
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        with self._guard:
            self._users -= 1
            if not self._users:
                del self._open[self._path]
                os.close(self._file)


def _place(key: bytes) -> int:
    return int.from_bytes(key[:8], "big") >> 2  # a signed 64-bit offset has room for it and one more
