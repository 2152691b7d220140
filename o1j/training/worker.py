"""One rank of a training run: `python -m o1j.training.worker SETTINGS.json`, started by DeepSpeed's launcher."""

import json
import os
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from o1j.processes import alive
from o1j.training import hosts
from o1j.training.settings import Settings


def main() -> int:
    """Train, export, and leave a note in the work folder on how it ended."""
    path = Path(sys.argv[1])
    try:
        settings = Settings.load(path)
    except OSError as error:
        print(f"o1j: host {socket.gethostname()} can't read {path} ({error.strerror}): is --output shared?", flush=True)
        return 1
    rank = hosts.rank(os.environ, settings)
    _die_with(settings)
    note = Path(settings.folder) / f"rank{rank}.json"
    try:
        outcome = Rank(settings, rank).run()
    except Exception as error:
        traceback.print_exc()
        told = {"error": f"{type(error).__name__}: {error}".strip()[:2000], "at": time.time()}
        _leave(note, told)
        sys.stderr.flush()
        os._exit(1)  # a clean shutdown would wait for ranks that wait for this one
    _leave(note, outcome)
    return 0


def _leave(note: Path, told: dict[str, Any]) -> None:
    """Write a note that appears whole: on many machines it is looked for all the time."""
    part = note.with_suffix(".partial")
    part.write_text(json.dumps(told), encoding="utf-8")
    part.replace(note)


def _die_with(settings: Settings) -> None:
    """End this process soon after its launcher, or the o1j that started the run, is gone (kill -9 included).

    Where that o1j runs on another machine, its sign of life is the file `alive`, which it keeps writing anew, and
    `end` is its order.
    """
    launcher = os.getppid()
    near = not settings.hosts or settings.host == socket.gethostname()
    folder = Path(settings.folder)

    def watch() -> None:
        seen, since = "", time.monotonic()
        while os.getppid() == launcher and not (settings.hosts and (folder / "end").exists()):
            if near and settings.parent and not alive(settings.parent):
                break
            if not near:
                with suppress(OSError):
                    sign = (folder / "alive").read_text()
                    if sign != seen:
                        seen, since = sign, time.monotonic()
                if time.monotonic() - since > settings.patience:
                    break
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="o1j-parent").start()


class Rank:
    """Everything one process holds: the engine, the spooled samples, its share of every step."""

    def __init__(self, settings: Settings, rank: int):
        from o1j.training.spool import Spool

        self.settings = settings
        self.rank = rank
        self.folder = Path(settings.folder)
        self.spool = Spool(self.folder / "samples.npz")

    def run(self) -> dict[str, Any]:
        """Train from the start or the last checkpoint to the end, or to where a stop was asked for; export."""
        from o1j.training import checkpoints, engine, export
        from o1j.training.loss import Batches
        from o1j.training.plan import schedule
        from o1j.training.shape import Meter, Work

        settings = self.settings
        self.engine = engine.start(settings)
        self.batches = Batches(self.engine, self.spool, settings, self.rank)
        if self.rank == 0:
            print(f"o1j: {self.batches.computes}", flush=True)
        meter = Meter(settings, self._device_name())
        done, tokens = checkpoints.load(self.engine, settings) if settings.resume else (0, 0)
        saved = time.monotonic()
        for number, step in enumerate(
            schedule(self.spool.units, settings.batch_size, settings.steps, settings.seed), 1
        ):
            if number <= done:
                continue
            started = time.monotonic()
            loss, norm, stop, due = self._step(number, step.samples, saved)
            seconds = time.monotonic() - started
            work = Work.of(*([of[i] for i in step.samples] for of in (self.spool.lengths, self.spool.targets)))
            tokens += work.tokens
            mfu = meter.utilisation(work, seconds)
            self._log(number, step.epoch, loss, norm, tokens, work.tokens / seconds, mfu)
            if (stop or due) and number < settings.steps:
                checkpoints.write(self.engine, settings, number, tokens)
                saved = time.monotonic()
                if stop:
                    return {"stopped": number}
        shortest = min(range(len(self.spool.lengths)), key=self.spool.lengths.__getitem__)
        probe = {"sample": shortest, "loss": self.batches.evaluate(shortest)}
        export.save(self.engine, settings, self.rank)
        peak = round(self._peak() / 2**30, 2)
        told = {"peak_memory_gib": peak, "device": self._device_name(), "computes": self.batches.computes}
        return {"step": settings.steps, "probe": probe, **told}

    def _step(self, number: int, samples: list[int], saved: float) -> tuple[float, float | None, bool, bool]:
        """One optimizer step: (mean loss a learned token, gradient norm if known, stop asked for, checkpoint due)."""
        import torch
        from torch import distributed

        for group in self.engine.optimizer.param_groups:
            group["lr"] = self.settings.rate(number)
        torch.manual_seed(hash((self.settings.seed, number, self.rank)))
        targets = sum(self.spool.targets[i] for i in samples)
        total = self.batches.learn(samples, targets)
        stop = self.rank == 0 and (self.folder / "stop").exists()
        due = self.rank == 0 and self._due(number, saved)
        told = torch.tensor([0.0, float(stop), float(due)], dtype=torch.float64, device=self.engine.device)
        told[0] = total
        distributed.all_reduce(told)
        loss = told[0].item() / targets
        if not loss < float("inf"):
            raise FloatingPointError(
                f"the loss of step {number} is {loss}: lower --lr, or look at the data with --check"
            )
        norm = self.engine.get_global_grad_norm()  # without ZeRO DeepSpeed keeps none
        return loss, None if norm is None else float(norm), told[1].item() > 0, told[2].item() > 0

    def _due(self, number: int, saved: float) -> bool:
        """Whether a checkpoint follows this step, by time or by count."""
        by_count = self.settings.save_steps and number % self.settings.save_steps == 0
        return bool(by_count) or 0 < self.settings.save_every < time.monotonic() - saved

    def _peak(self) -> int:
        """Most bytes that this rank has held: on its GPU, else resident."""
        import resource

        import torch

        if self.settings.device == "cuda":
            return torch.cuda.max_memory_allocated()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def _device_name(self) -> str:
        """The GPU's name as its driver gives it; empty on the CPU."""
        import torch

        return torch.cuda.get_device_name() if self.settings.device == "cuda" else ""

    def _log(
        self, step: int, epoch: float, loss: float, norm: float | None, tokens: int, speed: float, mfu: float | None
    ) -> None:
        if self.rank:
            return
        line = {
            "step": step,
            "epoch": round(epoch, 4),
            "loss": round(loss, 6),
            "lr": self.settings.rate(step),
            **({} if norm is None else {"grad_norm": round(norm, 4)}),
            "tokens": tokens,
            "tokens_per_second": round(speed, 1),
            **({} if mfu is None else {"mfu": round(mfu, 4)}),
        }
        with self.settings.metrics.open("a", encoding="utf-8") as metrics:
            metrics.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(main())
