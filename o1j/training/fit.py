"""The ZeRO stage where none is asked for: the lowest that the model fits into memory with."""

import subprocess
import sys
from collections.abc import Sequence

from o1j.errors import Unavailable
from o1j.training.settings import Settings
from o1j.training.shape import Shape


def choose(settings: Settings, shape: Shape, lengths: Sequence[int], targets: Sequence[int]) -> None:
    """Raise `settings.zero` as far as samples of these lengths need, of which `targets` are learned; at most to 3."""
    if not settings.fit or settings.world == 1 or not measurable(settings):
        return
    room = free(settings)
    for zero in range(settings.zero, 4):
        settings.zero = zero
        if shape.memory(settings, zero, *at_once(settings, lengths, targets))["total"] <= room:
            return


def at_once(settings: Settings, lengths: Sequence[int], targets: Sequence[int]) -> tuple[int, int]:
    """The most tokens that a process computes at once, and how many of them are learned."""
    tokens = min(max(settings.micro_tokens, max(lengths)), sum(lengths))
    return tokens, round(tokens * sum(targets) / sum(lengths))


def measurable(settings: Settings) -> bool:
    """Whether this machine has the kind of device that the run is for; a cluster's front may not."""
    import torch

    return settings.device == "cpu" or torch.cuda.is_available()


def free(settings: Settings) -> float:
    """GiB that one process may take now: of its GPU's memory, or its share of the machine's."""
    import psutil

    if settings.device == "cuda":
        return round(_free_on_gpu() / 2**30, 2)
    beside = max(settings.hosts.values(), default=settings.world)  # processes on one machine
    return round(psutil.virtual_memory().available / beside / 2**30, 2)


def _free_on_gpu() -> int:
    """Bytes, asked for in a process of its own; raises Unavailable where the GPU can't be asked.

    Whoever asks holds half a gigabyte there until it ends, and a GPU in exclusive mode altogether.
    """
    asked = "import torch; print(torch.cuda.mem_get_info()[0])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise Unavailable(f"the GPU doesn't say how much memory is free: {said[-1][:300]}")
    return int(done.stdout.split()[-1])
