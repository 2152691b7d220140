"""The next tokens of many rows, drawn from a model's logits: each row's own way, and its own random numbers."""

import hashlib
import random
from typing import Any

_NUCLEUS = 256  # the most likely tokens, among which the nucleus of `top_p` nearly always lies


def draw(torch, logits, rows: list[Any]) -> list[int]:
    """The next token of every row (`temperature`, `top_p`, `dice`): logits (rows, vocabulary) → token ids.

    Temperature 0 takes the most likely one. Otherwise one number from the row's dice picks from the cumulated
    probabilities, the most likely tokens first, cut at `top_p`.
    """
    chosen = logits.argmax(-1)
    warm = [number for number, row in enumerate(rows) if row.temperature > 0]
    if warm:
        heat = torch.tensor([rows[n].temperature for n in warm], device=logits.device)
        chances = torch.softmax(logits[warm] / heat[:, None], -1)
        nucleus = torch.tensor([rows[n].top_p for n in warm], device=logits.device)
        throws = torch.tensor([rows[n].dice.random() for n in warm], device=logits.device)
        chosen[warm] = _pick(torch, chances, nucleus, throws)
    return chosen.tolist()


def _pick(torch, chances, nucleus, throws):
    """One index a row: the throw, scaled to the nucleus's mass, finds its place in the sorted, cumulated chances."""
    width = min(_NUCLEUS, chances.shape[-1])
    top, order = chances.topk(width, dim=-1)
    if bool((top.sum(-1) < throws * nucleus).any()) and width < chances.shape[-1]:
        width = chances.shape[-1]
        top, order = chances.sort(dim=-1, descending=True)
    before = top.cumsum(-1) - top
    inside = before < nucleus[:, None].clamp(min=1e-9)  # the most likely token is always in
    mass = torch.where(inside, top, 0.0).cumsum(-1)
    # a nucleus wider than what was looked at has all its mass beyond; the throw fell within, so its place is known
    whole = torch.where(inside.all(-1), torch.minimum(nucleus, chances.sum(-1)), mass[:, -1])
    place = (mass < (throws * whole)[:, None]).sum(-1).clamp(max=width - 1)
    place = torch.minimum(place, inside.sum(-1) - 1)
    return order.gather(-1, place[:, None])[:, 0]


def dice(prompt: list[int], seed: int | None, sample: int) -> random.Random:
    """A request's own random numbers: of seed, sample and prompt; unforeseeable without a seed."""
    if seed is None:
        return random.Random()
    told = f"{seed + sample}:{prompt}".encode()
    return random.Random(hashlib.sha256(told).digest())
