"""The DeepSpeed engine around a transformers model: started with its optimizer."""

import os
from datetime import timedelta
from typing import Any

import deepspeed
import torch
from transformers import AutoModelForCausalLM

from o1j.training import hosts, kernels
from o1j.training.settings import Settings

_DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}

_PATIENCE = 180  # minutes that a rank waits for another; one that is gone is noticed by the launcher long before


def start(settings: Settings) -> Any:
    """Join the other ranks, load the model and wrap it with its optimizer."""
    # The operator that DeepSpeed would compile here serves inference only; training goes through gloo.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    if settings.device == "cuda":
        torch.cuda.set_device(hosts.slot(os.environ, torch.cuda.device_count()))
    # While rank 0 writes out a large model the others wait; after DeepSpeed's ten minutes NCCL would end the run.
    patience = timedelta(minutes=int(os.environ.get("DEEPSPEED_TIMEOUT", _PATIENCE)))
    deepspeed.init_distributed("gloo" if settings.device == "cpu" else "nccl", verbose=False, timeout=patience)
    config = settings.configuration()
    partitioned = None
    if settings.zero == 3:
        from transformers.integrations import HfDeepSpeedConfig

        partitioned = HfDeepSpeedConfig(config)  # while it lives, weights are loaded in partitions
    model = AutoModelForCausalLM.from_pretrained(settings.model, dtype=_DTYPES[settings.precision])
    del partitioned
    model.config.use_cache = False
    if settings.liger:
        kernels.apply(model)
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if settings.lora:
        model = _adapted(model, settings.lora)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    matrices = {w for w in learned if len(getattr(w, "ds_shape", w.shape)) >= 2}  # partitioned ones look flat
    groups = [
        {"params": [w for w in learned if w in matrices], "weight_decay": settings.weight_decay},
        {"params": [w for w in learned if w not in matrices], "weight_decay": 0.0},
    ]
    # Each step sets its own rate; with none DeepSpeed's trial step, which makes the optimizer's state, decays nothing.
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=0.0, betas=(0.9, 0.95), fused=True)
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)
    _forget_trial(engine.optimizer)
    if settings.world == 1 and engine.optimizer is optimizer:
        # Alone and without ZeRO there is nobody to share gradients with: DeepSpeed would copy them all twice.
        engine.enable_backward_allreduce = False
    return engine


def _forget_trial(optimizer: Any) -> None:
    """Start AdamW's count at nothing: after a trial step (bf16 without ZeRO) its first moments would weigh less."""
    for state in getattr(optimizer, "optimizer", optimizer).state.values():
        if "step" in state:
            state["step"].zero_()


def _adapted(model: Any, rank: int) -> Any:
    """The model with low-rank adapters on every linear layer but the head, and nothing else to learn."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(model, config, autocast_adapter_dtype=False)
