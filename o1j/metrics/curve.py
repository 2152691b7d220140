"""The paper's metric: accuracy at a given average number of output tokens, extended by maj@k."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from o1j.metrics.estimators import Ballot, maj_at_k
from o1j.metrics.intervals import bootstrap


def k_values(n: int) -> list[int]:
    """1, 2, 4, … up to n, and n itself."""
    powers = [1 << bit for bit in range(n.bit_length()) if 1 << bit <= n]
    return powers if not powers or powers[-1] == n else [*powers, n]


def curve(
    ballots: Sequence[Ballot], mean_tokens: float | None, ks: Sequence[int], *, seed: int = 0
) -> list[dict[str, Any]]:
    """One point a k: {`k`, `mean_tokens`, `accuracy`, `ci95`}; k samples vote and their tokens add up.

    `mean_tokens` is what one sample costs on average, over all problems; None where it is not known.
    """
    return [_point(ballots, mean_tokens, k, seed) for k in ks]


def at_tokens(ballots: Sequence[Ballot], mean_tokens: float, budget: float, *, seed: int = 0) -> dict[str, Any]:
    """The curve read at a budget of `budget` output tokens a problem: as many votes as the budget buys.

    Adds `budget` to a point of the curve. Below the price of one sample `k` is 0 and `accuracy` None: nothing was
    measured there. Where the budget buys more votes than there are samples, all of them vote and `capped` is true.
    """
    affordable = int(budget // mean_tokens) if mean_tokens > 0 else 0
    most = min((ballot.n for ballot in ballots), default=0)
    k = min(affordable, most)
    if k == 0:
        point = {"k": 0, "mean_tokens": None, "accuracy": None, "ci95": None}
    else:
        point = _point(ballots, mean_tokens, k, seed)
    return {"budget": budget, **point, "capped": affordable > most}


def _point(ballots: Sequence[Ballot], mean_tokens: float | None, k: int, seed: int) -> dict[str, Any]:
    shares = [maj_at_k(ballot, k, seed=seed) for ballot in ballots]
    return {
        "k": k,
        "mean_tokens": None if mean_tokens is None else k * mean_tokens,
        "accuracy": fmean(shares) if shares else None,
        "ci95": bootstrap(shares, seed=seed),
    }
