"""Which requests are being asked at this moment, for all processes that share a store: so none is asked twice.

A claim is a lock on one byte of an empty file, at a place that the request's key says. Nothing is written or cleared
up: the system takes the claims of a process back when it ends, however it does.
"""

import fcntl
import os
from functools import cache
from pathlib import Path


class Claims:
    """The claims of this process. A lock belongs to a process and goes when any descriptor of its file is closed, so
    there is one object a file (`of`), and its file stays open."""

    def __init__(self, path: Path):
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._mine: set[bytes] = set()

    @staticmethod
    @cache
    def of(path: Path) -> "Claims":
        return Claims(path)

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
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))


def _place(key: bytes) -> int:
    return int.from_bytes(key[:8], "big") >> 2  # a signed 64-bit offset has room for it and one more
