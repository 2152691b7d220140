"""How far raters agree: a judge with people, several experts with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import permutations
from math import isclose


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Cohen's kappa of two raters' labels on the same items; None for no items or where chance explains all.

    Chance explains all where both raters gave one and the same label throughout: nothing was told apart.
    """
    if len(first) != len(second):
        raise ValueError(f"raters differ in length: {len(first)} and {len(second)}")
    if not first:
        return None
    size = len(first)
    seen = sum(one == other for one, other in zip(first, second, strict=True)) / size
    left, right = Counter(first), Counter(second)
    chance = sum(left[label] * right[label] for label in left) / size**2
    return None if isclose(chance, 1.0) else (seen - chance) / (1 - chance)


def krippendorff_alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Krippendorff's alpha for interval ratings: `units` holds each item's ratings, missing ones left out.

    Items with fewer than two ratings say nothing about agreement and are ignored. None where no item has two, or
    where all ratings are alike. Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
    """
    paired = [list(ratings) for ratings in units if len(ratings) >= 2]
    values = [rating for ratings in paired for rating in ratings]
    if not values:
        return None
    size = len(values)
    observed = sum(
        sum((one - other) ** 2 for one, other in permutations(ratings, 2)) / (len(ratings) - 1) for ratings in paired
    )
    total = sum(values)
    # The sum of squared differences over all ordered pairs, in one pass: 2·n·Σv² − 2·(Σv)².
    expected = (2 * size * sum(value * value for value in values) - 2 * total * total) / (size - 1)
    return None if isclose(expected, 0.0, abs_tol=1e-9) else 1 - observed / expected
