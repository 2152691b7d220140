"""Attention that never crosses from one sample to the next, over rows of samples laid end to end without padding."""

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "o1j_segments"


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    segments: list[int] | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each of `segments` (their lengths, in order): exact, whatever the device.

    Shapes are those of transformers' attention functions: (1, heads, tokens, width) in, (1, tokens, heads, width)
    out. Cost is the sum of the squares of the lengths, not the square of the sum.
    """
    options.pop("is_causal", None)
    lengths = segments or [query.shape[2]]
    parts = []
    for q, k, v in zip(query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True):
        mask = _band(q, sliding_window)
        part, _ = sdpa_attention_forward(module, q, k, v, mask, is_causal=mask is None, **options)
        parts.append(part)
    return torch.cat(parts, 1), None


def _band(query: torch.Tensor, window: int | None) -> torch.Tensor | None:
    """The mask of a sliding window where it is narrower than the sample, else None: plain causal attention."""
    length = query.shape[2]
    if not window or length <= window:
        return None
    back = torch.arange(length, device=query.device)
    distance = back[:, None] - back[None, :]
    return ((distance >= 0) & (distance < window))[None, None]


AttentionInterface.register(NAME, attend)
