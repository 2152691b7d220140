"""A model's sizes out of its configuration alone, and what a run of it costs: operations, memory, a device's best."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from o1j.errors import Unavailable
from o1j.training.settings import Settings

_GIB = 2**30
_BUCKET = 500_000_000  # values that DeepSpeed sends at once, unless its configuration says otherwise
_RUNTIME = 0.6 * _GIB  # Python, torch and DeepSpeed in a CPU process; the CUDA context beside a GPU's tensors
_SLACK = 1.1  # what an allocator holds beyond what is asked of it; measured on the CPU, see tests/bench
# On a CPU blocks of one row stay beside those of the next, of another length; measured, see tests/bench
_KEPT = 1.5


@dataclass(frozen=True)
class Work:
    """What samples cost to compute: tokens, learned tokens, the sum of squared lengths."""

    tokens: int
    learned: int
    squares: int

    @classmethod
    def of(cls, lengths: Sequence[int], targets: Sequence[int]) -> "Work":
        """The work of samples with these lengths and learned tokens."""
        return cls(sum(lengths), sum(targets), sum(length * length for length in lengths))


class Shape:
    """Sizes of the causal language model `name` (folder or hub id), found without its weights."""

    def __init__(self, name: str):
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM

        try:
            config = AutoConfig.from_pretrained(name)
            with torch.device("meta"):
                self.model = AutoModelForCausalLM.from_config(config)
        except (OSError, ValueError) as error:
            raise Unavailable(f"{name}: no causal language model ({str(error).splitlines()[0]})") from error
        text = config.get_text_config()
        self.layers, self.width, self.vocabulary = text.num_hidden_layers, text.hidden_size, text.vocab_size
        heads = getattr(text, "num_attention_heads", 0) or 0
        head = getattr(text, "head_dim", None) or (self.width // heads if heads else 0)
        self.queries = heads * head
        self.keys = (getattr(text, "num_key_value_heads", None) or heads) * head
        self.experts = getattr(text, "num_experts", None) or getattr(text, "num_local_experts", None) or 1
        self.chosen = (getattr(text, "num_experts_per_tok", None) or 1) if self.experts > 1 else 1
        inner = getattr(text, "moe_intermediate_size", None) if self.experts > 1 else None
        self.inner = (inner or getattr(text, "intermediate_size", None) or 4 * self.width) * self.chosen
        head_weight = self.model.get_output_embeddings().weight
        self.tied = head_weight is self.model.get_input_embeddings().weight

    @cached_property
    def parameters(self) -> int:
        """All weights, shared ones once."""
        return sum(weight.numel() for weight in self.model.parameters())

    @cached_property
    def head(self) -> int:
        """Weights of the output layer."""
        return self.vocabulary * self.width

    @cached_property
    def body(self) -> float:
        """Weights that each token is multiplied with, the output layer apart: of experts only the chosen."""
        looked_up = {id(weight) for weight in self.model.get_input_embeddings().parameters()}
        looked_up |= {id(weight) for weight in self.model.get_output_embeddings().parameters()}
        share = self.chosen / self.experts
        return sum(
            weight.numel() * (share if ".experts." in name else 1)
            for name, weight in self.model.named_parameters()
            if id(weight) not in looked_up
        )

    def adapters(self, rank: int) -> int:
        """Weights of low-rank adapters on every linear layer but the output layer."""
        import torch

        last = self.model.get_output_embeddings()
        layers = (m for m in self.model.modules() if isinstance(m, torch.nn.Linear) and m is not last)
        return sum(rank * (layer.in_features + layer.out_features) for layer in layers)

    def operations(self, work: Work, lora: bool = False) -> float:
        """Floating-point operations of learning from `work`: forward, and backward at twice its price.

        Two a weight and token; the output layer only where a token is learned; attention under its causal half. With
        adapters the gradients of the weights are saved. What gradient checkpointing computes twice is not counted:
        divided by the time and the device's best, this is the model FLOPs utilisation (PaLM, arXiv 2204.02311, B).
        """
        times = 4 if lora else 6
        matrices = times * (self.body * work.tokens + self.head * work.learned)
        return matrices + 6 * self.layers * self.queries * work.squares

    def memory(self, settings: Settings, zero: int, tokens: int, learned: int) -> dict[str, float]:
        """GiB of one process by what holds them, when it computes `tokens` of which `learned` carry loss at once."""
        parts = self._states(settings, zero) | {
            "activations": self._activations(settings, tokens) * (_KEPT if settings.device == "cpu" else 1.0),
            "loss": self._loss(settings, tokens, learned),
        }
        slack = _SLACK if settings.device == "cpu" else 1.0
        gib = {name: slack * size / _GIB for name, size in parts.items()} | {"runtime": _RUNTIME / _GIB}
        return {name: round(size, 2) for name, size in gib.items()} | {"total": round(sum(gib.values()), 2)}

    def _states(self, settings: Settings, zero: int) -> dict[str, float]:
        """Bytes of what stays: weights, gradients, the optimizer's moments and float32 copies, DeepSpeed's buffers."""
        size = _bytes(settings)
        world = settings.world
        learned = self.adapters(settings.lora) if settings.lora else self.parameters
        whole = self.parameters + (learned if settings.lora else 0)
        bucket = (settings.configuration().get("zero_optimization") or {}).get("reduce_bucket_size", _BUCKET)
        bucket = size * min(bucket, learned) if settings.device == "cpu" else size * bucket
        if zero == 0:
            # bfloat16 without ZeRO: DeepSpeed keeps weights and gradients in float32 too
            masters = (4 + 4) * learned if size == 2 else 0
            buffers = bucket if world > 1 else 0
            return _named(size * whole, size * learned, 8 * learned + masters, buffers)
        away = bool(settings.offload) and settings.device == "cuda"  # in main memory, or on a disk
        optimizer = 0 if away else 12 * learned / world
        gradients = 0 if away else (size + 4) * learned / world
        if zero == 1:
            return _named(size * whole, size * learned + (0 if away else 4 * learned / world), optimizer, 2 * bucket)
        if zero == 2:  # a bucket is sent as flattened copies; on a GPU a second one fills meanwhile
            return _named(size * whole, gradients, optimizer, 2 * bucket)
        alive = size * min(whole, 1_000_000_000)  # stage3_max_live_parameters: gathered and not yet let go
        copies = 3 if settings.device == "cpu" else 2  # filled, and flattened to be sent; gloo copies what it sends
        return _named((0 if away else size * whole / world) + alive, gradients, optimizer, copies * bucket)

    def _activations(self, settings: Settings, tokens: int) -> float:
        """Bytes that the layers keep for the backward pass; with checkpointing their inputs and one layer's own."""
        size = _bytes(settings)
        norms = (
            24 if size == 4 else 16
        )  # bytes a value: input, normalised, scaled, twice; half precision goes to float32
        layer = norms * self.width + size * (3 * self.queries + 2 * self.keys + 4 * self.inner)
        if settings.gradient_checkpointing:
            return tokens * (size * self.width * self.layers + layer)
        return tokens * layer * self.layers

    def _loss(self, settings: Settings, tokens: int, learned: int) -> float:
        """Bytes around the output layer: one chunk of logits with its slope, the gradients of its weight."""
        from o1j.training.head import AT_ONCE

        size = _bytes(settings)
        chunk = min(AT_ONCE[settings.device], learned * self.vocabulary)
        gradients = 0 if settings.lora else self.head * (4 + (4 if size == 2 else 0))
        embedding = self.head * size if self.tied and not settings.lora else 0
        return chunk * (4 if size == 4 else 8) + gradients + embedding + 2 * size * tokens * self.width


class Meter:
    """How much of its GPUs' best a run reaches; nothing is said where that best is not known."""

    def __init__(self, settings: Settings, device: str):
        self.best = peak(device) if settings.precision == "bf16" else None
        self.settings = settings
        self.shape = Shape(settings.model) if self.best else None

    def utilisation(self, work: Work, seconds: float) -> float | None:
        """Model FLOPs utilisation over all processes, 0 to 1, or None."""
        if not self.shape or not self.best:
            return None
        return self.shape.operations(work, bool(self.settings.lora)) / (seconds * self.settings.world * self.best)


def peak(device: str) -> float | None:
    """A device's best bfloat16 FLOP/s by its name out of peaks.toml; None for one not listed, or a part of one."""
    try:
        import tomllib
    except ModuleNotFoundError:
        import tomli as tomllib

    if re.search(r"\bMIG\b", device):
        return None
    text = files("o1j.training").joinpath("peaks.toml").read_text(encoding="utf-8")
    known = {name: tflops for entry in tomllib.loads(text)["peak"] for name, tflops in entry["tflops"].items()}
    found = [name for name in known if re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", device)]
    return known[max(found, key=len)] * 1e12 if found else None


def _bytes(settings: Settings) -> int:
    """Bytes of one weight."""
    return 4 if settings.precision == "float32" else 2


def _named(weights: float, gradients: float, optimizer: float, buffers: float) -> dict[str, Any]:
    return {"weights": weights, "gradients": gradients, "optimizer": optimizer, "buffers": buffers}
