"""`vllm:`, a vLLM server that o1j starts, shares between commands, and stops.

`O1J_VLLM` names the command (default `vllm serve`), which may live in another environment; keeper.py minds it.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from o1j.errors import Unavailable
from o1j.models.api import Api
from o1j.models.chat import Messages, Sampling
from o1j.models.continuing import Spelling
from o1j.models.faults import Fault
from o1j.models.keeper import RESTARTS
from o1j.models.store import default_folder
from o1j.models.weights import fingerprint

_TOLD_LINES = 12  # of a dead server's log
_TELL_EVERY = 10.0  # seconds, while it loads


class Vllm:
    """The server as a backend; started, or joined, at the first request."""

    paid, stored = False, True
    first_concurrency, most_concurrency = 64, 256

    def __init__(self, name: str, arguments: str, *, timeout: float, stream: bool, tell: Callable[[str], None]):
        self._command = shlex.split(os.environ.get("O1J_VLLM") or "vllm serve")
        if shutil.which(self._command[0]) is None:
            raise Unavailable(
                f"vllm:{name} needs vLLM, and {self._command[0]} is not there: pip install 'o1j[vllm]', "
                "or name the command in another environment with O1J_VLLM"
            )
        self._name, self._arguments = name, shlex.split(arguments)
        self.tag = fingerprint(name, "vllm")
        self.lanes = [f"vllm:{name}"]
        self._timeout, self._stream, self._tell = timeout, stream, tell
        self._api: Api | None = None
        self._users = None
        self._opening, self._mending = threading.Lock(), asyncio.Lock()
        self._closed = threading.Event()

    async def ask(self, messages: Messages, sampling: Sampling, sample: int, lane: int) -> tuple[bytes, float | None]:
        """One request; where the server has crashed, it waits until that is up again."""
        loop = asyncio.get_running_loop()
        api = self._api or await loop.run_in_executor(None, self._open)
        try:
            return await api.ask(messages, sampling, sample, lane)
        except Fault as fault:
            if not fault.down:
                raise
        async with self._mending:
            await loop.run_in_executor(None, self._wait)
        return await api.ask(messages, sampling, sample, lane)

    @property
    def spelling(self) -> Spelling | None:
        return self._api.spelling if self._api else None

    @spelling.setter
    def spelling(self, found: Spelling) -> None:
        self._api.spelling = found

    async def close(self) -> None:
        self._closed.set()
        if self._api is not None:
            await self._api.close()
        if self._users is not None:
            self._users.close()

    def _open(self) -> Api:
        """Join the server, starting it where there is none, and wait until it is healthy."""
        with self._opening:
            if self._api is None:
                self._join()
                url = f"http://127.0.0.1:{self._port}/v1"
                self._wait()
                told: dict = {"timeout": self._timeout, "stream": self._stream, "tell": self._tell}
                self._api = Api(self._name, [url], "none", proxied=False, **told)
            return self._api

    def _join(self) -> None:
        """Take the users' lock, and start a keeper if none holds the other one."""
        told = json.dumps([self._command, self._name, self._arguments, self.tag])
        self._folder = default_folder() / "vllm" / hashlib.sha256(told.encode()).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._users = (self._folder / "users").open("a")
        fcntl.flock(self._users, fcntl.LOCK_SH)  # waits for a keeper that is just stopping the server
        with (self._folder / "starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not self._kept():
                self._start()
            self._port = int((self._folder / "port").read_text())

    def _start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self._folder / "port").write_text(str(port))
        (self._folder / "state.json").unlink(missing_ok=True)
        model = [self._name] if self._command[-1] == "serve" else ["--model", self._name]
        address = ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", self._name]
        command = [*self._command, *model, *address, *self._arguments]
        self._tell(f"starting {shlex.join(command)}")
        null = subprocess.DEVNULL
        subprocess.Popen(
            [sys.executable, "-m", "o1j.models.keeper", str(self._folder), *command],
            stdin=null,
            stdout=null,
            stderr=null,
            start_new_session=True,  # Ctrl-C is for the commands; the keeper sees that they have gone
        )
        while not self._state() and not self._closed.is_set():
            time.sleep(0.05)

    def _kept(self) -> bool:
        with (self._folder / "keeper").open("a") as keeper:
            try:
                fcntl.flock(keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _wait(self) -> None:
        """Until the server is healthy; what it prints meanwhile is its progress."""
        health = f"http://127.0.0.1:{self._port}/health"
        begun = told = time.monotonic()
        while not _healthy(health):
            if ended := self._state().get("ended"):
                raise self._died(ended)
            if self._closed.wait(0.2):
                raise Fault("the run has ended")
            if time.monotonic() - told > _TELL_EVERY:
                told = time.monotonic()
                last = (self._log() or [""])[-1]
                self._tell(f"vLLM is loading ({told - begun:.0f} s): {last[:150]}")

    def _died(self, how: str) -> Unavailable:
        lines = "".join(f"\n  {line}" for line in self._log()[-_TOLD_LINES:])
        return Unavailable(f"the vLLM server died {RESTARTS + 1} times ({how}); the end of its log:{lines}")

    def _log(self) -> list[str]:
        try:
            text = (self._folder / "server.log").read_text("utf-8", "replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()]

    def _state(self) -> dict:
        try:
            return json.loads((self._folder / "state.json").read_text("utf-8"))
        except OSError:
            return {}


def _healthy(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False
