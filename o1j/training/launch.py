"""Ranks under DeepSpeed's launcher: started in a process group of their own, watched, stopped, never left behind."""

import base64
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from o1j.errors import O1jError
from o1j.training import hosts
from o1j.training.settings import Settings

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_RANKS = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}  # of an outer torchrun: not this run's
_BEAT = 10.0  # seconds between two signs of life for ranks on other machines
_LOOK = 2.0  # seconds between two looks at how they are
_POLL = 0.1  # seconds between two looks at the metrics
_PATIENCE = 20.0  # seconds that ranks get to go after the launcher is told to end them


class Interrupted(O1jError):
    """The user, or the machine, asked the run to end early; `exit_code` tells which signal it was."""

    def __init__(self, message: str, signum: int):
        super().__init__(message)
        self.exit_code = 128 + signum


class Ranks:
    """All ranks of one run. Iterating gives their metrics as they come; leaving the context ends them.

    What ranks and libraries print goes to `log`. A rank that dies takes the others down. Inside the context a first
    SIGINT or SIGTERM has the ranks finish their step and write a checkpoint; a second one ends them at once.
    """

    def __init__(self, settings: Settings, log: Path, tell: Callable[[str], None]):
        self.settings = settings
        self.tell = tell
        self.folder = Path(settings.folder)
        self.log = log
        self._looked = 0.0

    def __enter__(self) -> "Ranks":
        self._asked = 0
        self._handlers = {
            number: signal.signal(number, self._ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        path = self.folder / "settings.json"
        self.settings.save(path)
        self._told = self.settings.metrics.stat().st_size  # bytes, of steps before
        if self.settings.hosts:
            hosts.reach(self.settings)
            threading.Thread(target=self._live, daemon=True, name="o1j-alive").start()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                launcher(self.settings, path),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(self.settings),
                start_new_session=True,
                preexec_fn=_kill_with_parent if self.settings.hosts else end_with_parent,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _end(self) -> None:
        """End whatever still runs: first by asking, then by force; nobody is left.

        Ranks on other machines are asked through the folder: DeepSpeed's way there, `pkill -f`, would meet other jobs.
        """
        if self._process.poll() is None:
            if self.settings.hosts:
                (self.folder / "end").touch()
            else:
                self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _live(self) -> None:
        """Show ranks on other machines that this process lives."""
        for beat in count():
            try:
                (self.folder / "alive").write_text(str(beat))
            except OSError:
                return  # the run's folder is gone: the run is over
            time.sleep(_BEAT)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        if self._asked:
            raise Interrupted("ended at once; --resume goes on from the last checkpoint", number)
        self._asked = number
        self.tell("stopping: the running step ends and a checkpoint is written; once more ends it at once")
        (self.folder / "stop").touch()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self.settings.metrics.open(encoding="utf-8") as lines:
            lines.seek(self._told)
            rest = ""
            while True:
                ended = self._process.poll() is not None or self._broken()
                rest += lines.read()
                *whole, rest = rest.split("\n")
                yield from map(json.loads, whole)
                if ended:
                    break
                time.sleep(_POLL)
        self._end()
        self._raise_for_failure()

    def _broken(self) -> bool:
        """Whether ranks on some machine have failed: pdsh would wait for all the others."""
        if not self.settings.hosts or time.monotonic() - self._looked < _LOOK:
            return False
        self._looked = time.monotonic()
        notes = map(self._note, range(self.settings.world))
        return hosts.lost(self.log) or any(note and "error" in note for note in notes)

    def outcome(self) -> dict[str, Any]:
        """What rank 0 left behind."""
        return self._note(0) or {}

    def _note(self, rank: int) -> dict[str, Any] | None:
        path = self.folder / f"rank{rank}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _raise_for_failure(self) -> None:
        notes = {rank: self._note(rank) for rank in range(self.settings.world)}
        errors = {rank: note for rank, note in notes.items() if note and "error" in note}
        silent = [rank for rank, note in notes.items() if note is None]
        if self._process.returncode == 0 and not errors and not silent:
            if "stopped" in self.outcome():
                step = self.outcome()["stopped"]
                message = (
                    f"checkpoint after step {step} of {self.settings.steps}; the same command with --resume goes on"
                )
                raise Interrupted(message, self._asked)
            return
        if self.settings.hosts:  # the silent ones have been ended
            said = hosts.complaint(self.log)
            text = _first(errors) if errors else "the launcher failed" + (f": {said}" if said else "")
        elif silent:  # the others' errors are most often about the one that is gone
            which = ", ".join(map(str, silent))
            how = _signal_name(self._process.returncode)
            text = f"rank {which} died{how}" if not errors else f"rank {which} died{how}; {_first(errors)}"
        else:
            text = _first(errors)
        raise O1jError(f"{text}; everything the ranks printed is in {self.log}")


def _first(errors: dict[int, dict[str, Any]]) -> str:
    """The earliest error: those after it are most often about the rank that had it."""
    rank = min(errors, key=lambda rank: errors[rank]["at"])
    return f"rank {rank} failed: {errors[rank]['error']}"


def _signal_name(returncode: int) -> str:
    """Launchers pass a child's death by signal on as 256 - number or -number."""
    number = 256 - returncode if returncode > 128 else -returncode
    try:
        name = signal.Signals(number).name
    except ValueError:
        return ""
    return f" by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def launcher(settings: Settings, told: Path) -> list[str]:
    """DeepSpeed's launcher, for this machine or many; each rank reads its settings from `told`."""
    if settings.hosts:
        return hosts.launcher(settings, told)
    world = base64.urlsafe_b64encode(json.dumps({"localhost": _devices(settings)}).encode()).decode()
    return [
        sys.executable,
        *("-m", "deepspeed.launcher.launch"),
        f"--world_info={world}",
        "--master_addr=127.0.0.1",
        f"--master_port={_free_port()}",
        *("--no_local_rank", "--module", "o1j.training.worker"),
        str(told),
    ]


def _devices(settings: Settings) -> list[Any]:
    """What the launcher shows its ranks as CUDA_VISIBLE_DEVICES, in place of what o1j itself was given: of that."""
    given = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return given[: settings.world] if settings.device == "cuda" and given else list(range(settings.world))


def _environment(settings: Settings) -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if name not in _RANKS}
    env = {**outer, "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if settings.device == "cpu":
        threads = max(1, (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1) // settings.world)
        env |= {"DS_ACCELERATOR": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        # glibc gives large blocks back to the kernel at once; keeping them saves a tenth of the time, page faults
        env["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", str(threads))
        env = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 34)} | env
    return env


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent() -> None:
    """On Linux the kernel sends the process that this runs in SIGTERM when o1j is gone, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _kill_with_parent() -> None:
    """The same by SIGKILL: at a SIGTERM DeepSpeed's launcher for many machines would end other jobs on them too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
