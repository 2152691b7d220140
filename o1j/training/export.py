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
    weights = _gathered(model) if settings.zero == 3 or settings.lora else None
    if rank == 0:
        if settings.lora:
            weights = _merged(weights, model.peft_config["default"])
            model = model.get_base_model()
        model.config.use_cache = True
        model.save_pretrained(Path(settings.folder) / PART, state_dict=weights)
    torch.distributed.barrier()


def _gathered(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The whole weights on the CPU of rank 0, one parameter at a time so that no rank holds more than one."""
    keep = torch.distributed.get_rank() == 0
    whole: dict[str, torch.Tensor] = {}
    seen: dict[int, torch.Tensor] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        if id(weight) not in seen:
            with deepspeed.zero.GatheredParameters([weight], enabled=hasattr(weight, "ds_id")):
                seen[id(weight)] = weight.detach().cpu().clone() if keep else weight.detach().new_empty(0)
        whole[name] = seen[id(weight)]
    whole.update({name: buffer.cpu() for name, buffer in model.named_buffers() if name in model.state_dict()})
    return whole if keep else {}


def _merged(weights: dict[str, torch.Tensor], config: Any) -> dict[str, torch.Tensor]:
    """The base model's weights with its adapters added in: W + B·A·alpha/r, in float32."""
    scale = config.lora_alpha / config.r
    whole = {}
    for name, weight in weights.items():
        if ".lora_" in name:
            continue
        stem = name.removesuffix(".base_layer.weight")
        if stem != name:
            low, high = (weights[f"{stem}.lora_{part}.default.weight"].float() for part in "AB")
            weight = (weight.float() + scale * (high @ low)).to(weight.dtype)
        whole[name.removeprefix("base_model.model.").replace(".base_layer.", ".")] = weight
    return whole
