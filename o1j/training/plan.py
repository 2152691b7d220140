"""Which samples make which optimizer step, and which rank computes them: decided before anything is launched."""

import heapq
import random
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """One optimizer step: the numbers of its samples, and how many epochs are done after it."""

    samples: list[int]
    epoch: float


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Best-fit decreasing: put samples into as few packs of `capacity` tokens as that finds.

    Each sample goes where the least room is left over; a sample longer than `capacity` has a pack of its own.
    """
    packs: list[list[int]] = []
    by_room: dict[int, list[int]] = {}
    rooms: list[int] = []  # sorted room sizes that `by_room` has packs for
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        length = lengths[i]
        at = bisect_left(rooms, length)
        if at == len(rooms):
            number, left = len(packs), capacity - length
            packs.append([i])
        else:
            room = rooms[at]
            number, left = by_room[room].pop(), room - length
            packs[number].append(i)
            if not by_room[room]:
                del by_room[room], rooms[at]
        if left > 0:
            if left not in by_room:
                by_room[left] = []
                insort(rooms, left)
            by_room[left].append(number)
    return packs


def count(units: int, batch_size: int, epochs: float) -> int:
    """How many optimizer steps `epochs` take; at least one."""
    return max(1, round(-(-units // batch_size) * epochs))


def schedule(units: Sequence[Sequence[int]], batch_size: int, steps: int, seed: int) -> Iterator[Step]:
    """Optimizer steps of `batch_size` units each, every epoch in an order of its own, its last step maybe smaller."""
    an_epoch = -(-len(units) // batch_size)
    order: list[int] = []
    for number in range(steps):
        epoch, k = divmod(number, an_epoch)
        if k == 0:
            order = list(range(len(units)))
            random.Random(f"{seed}/{epoch}").shuffle(order)
        chosen = order[k * batch_size : (k + 1) * batch_size]
        yield Step([i for unit in chosen for i in units[unit]], epoch + (k + 1) / an_epoch)


def share(
    samples: Sequence[int], lengths: Sequence[int], ranks: int, micro_tokens: int, single: bool = False
) -> list[list[list[int]]]:
    """Micro-batches of every rank for one step: [rank][micro-batch][sample number].

    Longest first to the rank with the least to do, so that nobody waits long. Every rank gets equally many
    micro-batches, since their collectives must match; one with nothing in it is empty. `single` puts one sample
    into each.
    """
    loads = [(0, rank) for rank in range(ranks)]
    shares: list[list[int]] = [[] for _ in range(ranks)]
    for i in sorted(samples, key=lambda i: (-lengths[i], i)):
        load, rank = heapq.heappop(loads)
        shares[rank].append(i)
        heapq.heappush(loads, (load + lengths[i], rank))
    limit = 1 if single else micro_tokens
    micros = [[[mine[j] for j in group] for group in pack([lengths[i] for i in mine], limit)] for mine in shares]
    most = max(len(mine) for mine in micros)
    return [mine + [[]] * (most - len(mine)) for mine in micros]
