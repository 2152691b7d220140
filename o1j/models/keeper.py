"""The process that keeps one vLLM server for all commands that use it, and stops it when none is left.

    python -m o1j.models.keeper FOLDER COMMAND...

Every user holds a shared lock on FOLDER/users; the kernel drops it however the user ends, so that a `kill -9` leaves
no server behind. The keeper itself holds FOLDER/keeper. What it knows stands in FOLDER/state.json; FOLDER/server.log
holds the server's output.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LOOK_EVERY = 0.5  # seconds
RESTARTS = 1
_STOP_WITHIN = 15.0  # seconds between asking a server to end and ending it
_PR_SET_PDEATHSIG = 1


def keep(folder: Path, command: list[str]) -> None:
    """Run `command` until nobody needs it or it has died once too often."""
    own = (folder / "keeper").open("w")
    try:
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another keeper was faster
    users = (folder / "users").open("r+")
    with (folder / "server.log").open("wb") as log:
        for start in range(RESTARTS + 1):
            _tell(folder, starts=start + 1)
            server = _start(command, log)
            try:
                while server.poll() is None:
                    time.sleep(LOOK_EVERY)
                    with suppress(BlockingIOError):
                        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        _tell(folder, ended="no users left")
                        return
            finally:
                _stop(server)
        _tell(folder, ended=f"exit status {server.returncode}")


def _start(command: list[str], log) -> subprocess.Popen:
    """The server in a session of its own, so that its workers end with it; it ends when the keeper is killed."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tie,
        )
    except OSError as error:
        log.write(f"{command[0]}: {error.strerror}\n".encode())
        log.flush()
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit(127)"], start_new_session=True)


def _stop(server: subprocess.Popen) -> None:
    for sign, patience in ((signal.SIGTERM, _STOP_WITHIN), (signal.SIGKILL, _STOP_WITHIN)):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            server.wait(patience)


def _tell(folder: Path, **state) -> None:
    part = folder / "state.json.partial"
    part.write_text(json.dumps(state), encoding="utf-8")
    part.replace(folder / "state.json")


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2:])
