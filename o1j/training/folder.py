"""The folder that a run trains into: made, its own while it runs, with a place for what it works with."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from o1j.errors import Unavailable, UsageError


@contextmanager
def work(output: Path) -> Iterator[Path]:
    """Make `output` and a work folder in it that goes in the end; UsageError where another run trains there.

    Two runs would take each other's checkpoints for leftovers. What a killed run left of its work folder is removed,
    unless the file system knows no locks: then nobody can tell whether that run still lives.
    """
    make(output)
    with _alone(output) as sure:
        for left in output.glob(".o1j-*") if sure else ():
            shutil.rmtree(left, ignore_errors=True)
        try:
            folder = tempfile.TemporaryDirectory(prefix=".o1j-", dir=output)
        except OSError as error:
            raise _unusable(output, "written to", error) from error
        with folder as name:
            yield Path(name).resolve()


def room(output: Path, free: int, model: int, checkpoint: int) -> str | None:
    """What to tell of a disk with `free` bytes, where a trained model takes `model` and each checkpoint, if any are
    asked for, `checkpoint`; Unavailable where the model alone finds no room: its training would be lost."""
    if free < model:
        raise Unavailable(
            f"{output}: the trained model takes {_gib(model)}, and {_gib(free)} are free; make room, or name another"
        )
    if not checkpoint or free >= model + 2 * checkpoint:  # a new one is whole before the old one goes
        return None
    return (
        f"{_gib(free)} are free in {output}: checkpoints take {_gib(checkpoint)} each, two at a time, and the model "
        f"{_gib(model)}; the run ends where one finds no room (--save-minutes 0 does without)"
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def make(output: Path) -> None:
    """Make a folder, and those that it lies in; Unavailable where that can't be."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(output, "made", error) from error


@contextmanager
def _alone(output: Path) -> Iterator[bool]:
    """Hold the folder's lock, which the kernel lets go of with this process; False where there are no locks."""
    try:
        descriptor = os.open(output, os.O_RDONLY)
    except OSError as error:
        raise _unusable(output, "read", error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sure = True
    except BlockingIOError as error:
        os.close(descriptor)
        raise UsageError(f"{output}: another run trains into this folder; wait for it, or name another") from error
    except OSError:
        sure = False
    try:
        yield sure
    finally:
        os.close(descriptor)


def _unusable(output: Path, what: str, error: OSError) -> Unavailable:
    return Unavailable(f"{output}: can't be {what} ({(error.strerror or str(error)).lower()})")
