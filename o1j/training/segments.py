"""Attention that never crosses from one sample to the next, over rows of samples laid end to end without padding."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "o1j_segments"
FLASH = "flash_attention_2"  # transformers' name for the kernels of `flash-attn` or of the package `kernels`
_FLASH_WIDTH = 256  # widest head that flash attention knows
_MASKED = 4096  # tokens of a row whose mask (tokens × tokens) is still cheap


def candidates(model: Any, device: str, tokens: int) -> list[str]:
    """Ways to attend, the fastest first, under names that transformers knows; whether one works is found by trying.

    Flash attention's own variable-length kernels where the package `flash-attn` or `kernels` is installed on a GPU,
    then `attend`, then transformers' block-diagonal mask over the whole row, which knows every architecture's ways but
    costs the square of the row: not for rows of more `tokens` than fit.
    """
    flash = device == "cuda" and getattr(model, "_supports_flash_attn", False) and _has_flash()
    plain = model._supports_sdpa  # else there is something to its scores that torch's attention leaves out
    masked = "sdpa" if plain else "eager"
    fast = [*([FLASH] if flash else []), *([NAME] if plain else [])]
    return [*fast, *([masked] if tokens <= _MASKED else [])]


def _has_flash() -> bool:
    return any(find_spec(package) is not None for package in ("flash_attn", "kernels"))


def told(lengths: list[int], device: torch.device) -> dict[str, Any]:
    """What a model's forward needs to know about a row: `segments` for `attend`, on a GPU the borders as flash
    attention takes them, under transformers' names."""
    if device.type != "cuda":
        return {"segments": lengths}
    borders = torch.tensor([0, *lengths]).cumsum(0, dtype=torch.int32).to(device)
    longest = max(lengths)
    return {
        "segments": lengths,
        "cu_seq_lens_q": borders,
        "cu_seq_lens_k": borders,
        "max_length_q": longest,
        "max_length_k": longest,
    }


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    segments: list[int] | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each of `segments` (their lengths, in order): exact, whatever the device.

    Shapes are those of transformers' attention functions: (1, heads, tokens, width) in, (1, tokens, heads, width)
    out. Cost is the sum of the squares of the lengths, not the square of the sum. On a GPU in half precision one
    kernel does all samples, where this torch has one; else they are done one by one. `NotImplementedError` for
    capped scores and attention sinks.
    """
    if softcap is not None or s_aux is not None:
        raise NotImplementedError("capped scores or attention sinks")
    options.pop("is_causal", None)
    lengths = segments or [query.shape[2]]
    borders = options.pop("cu_seq_lens_q", None)
    if borders is not None and _fits_flash(query, value, options):
        return _flash(query, key, value, borders, max(lengths), sliding_window, options.get("scaling")), None
    parts = []
    for q, k, v in zip(query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True):
        mask = _band(q, sliding_window)
        part, _ = sdpa_attention_forward(module, q, k, v, mask, is_causal=mask is None, **options)
        parts.append(part)
    return torch.cat(parts, 1), None


@lru_cache(maxsize=1)
def _varlen() -> Callable[..., torch.Tensor] | None:
    """torch's own variable-length attention (torch.nn.attention.varlen, 2.10 and later), where it knows windows."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    known = inspect.signature(varlen_attn).parameters
    return varlen_attn if {"window_size", "enable_gqa", "scale"} <= known.keys() else None


def _fits_flash(query: torch.Tensor, value: torch.Tensor, options: dict[str, Any]) -> bool:
    half = query.dtype in (torch.bfloat16, torch.float16)
    width = query.shape[-1]
    plain = not options.get("dropout") and options.get("position_bias") is None
    plain = plain and value.shape[-1] == width <= _FLASH_WIDTH and width % 8 == 0  # it pads nothing
    if not (query.is_cuda and half and plain and query.shape[0] == 1 and _varlen() is not None):
        return False
    return torch.cuda.get_device_capability(query.device) >= (8, 0)  # the kernel refuses what is older than Ampere


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    borders: torch.Tensor,
    longest: int,
    window: int | None,
    scale: float | None,
) -> torch.Tensor:
    """All samples in one kernel: (1, heads, tokens, width) in, (1, tokens, heads, width) out."""
    flat = (part[0].transpose(0, 1).contiguous() for part in (query, key, value))
    seen = (window - 1 if window else -1, 0)  # tokens to the left and to the right of each
    out = _varlen()(
        *flat, borders, borders, longest, longest, scale=scale, window_size=seen, enable_gqa=query.shape != key.shape
    )
    return out[None]


def _band(query: torch.Tensor, window: int | None) -> torch.Tensor | None:
    """The mask of a sliding window where it is narrower than the sample, else None: plain causal attention."""
    length = query.shape[2]
    if not window or length <= window:
        return None
    back = torch.arange(length, device=query.device)
    distance = back[:, None] - back[None, :]
    return ((distance >= 0) & (distance < window))[None, None]


AttentionInterface.register(NAME, attend)
