"""The trained model as one folder that `transformers` loads, gathered whole from the ranks."""

from pathlib import Path
from typing import Any

import deepspeed
import torch

from o1j.training.settings import Settings

PART = "export.partial"


def save(engine: Any, settings: Settings, rank: int) -> None:
    """Write weights and configuration into the work folder; rank 0 writes, with ZeRO-3 all ranks hand over theirs."""
    model = engine.module
    weights = _gathered(model) if settings.zero == 3 else None
    if rank == 0:
        folder = Path(settings.folder) / PART
        model.config.use_cache = True
        model.save_pretrained(folder, state_dict=weights)
    torch.distributed.barrier()


def _gathered(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The whole weights on the CPU of rank 0, one parameter at a time so that no rank holds more than one."""
    keep = torch.distributed.get_rank() == 0
    whole: dict[str, torch.Tensor] = {}
    seen: dict[int, torch.Tensor] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        if id(weight) not in seen:
            with deepspeed.zero.GatheredParameters([weight]):
                seen[id(weight)] = weight.detach().cpu().clone() if keep else weight.detach().new_empty(0)
        whole[name] = seen[id(weight)]
    whole.update({name: buffer.cpu() for name, buffer in model.named_buffers() if name in model.state_dict()})
    return whole if keep else {}
