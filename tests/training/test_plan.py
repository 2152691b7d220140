"""Packs, steps and shares: nothing lost, nothing twice, nobody idle."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from o1j.training import plan
from o1j.training.settings import Settings

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=60)


@given(LENGTHS, st.integers(10, 60))
def test_packs_hold_every_sample_once_and_never_too_much(lengths: list[int], capacity: int) -> None:
    packs = plan.pack(lengths, capacity)
    assert sorted(i for pack in packs for i in pack) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in pack) <= capacity or len(pack) == 1 for pack in packs)


def test_best_fit_fills_the_tightest_gap() -> None:
    assert plan.pack([6, 5, 4, 5], 10) == [[0, 2], [1, 3]]


@given(LENGTHS, st.integers(1, 4), st.integers(20, 200))
def test_shares_hold_every_sample_once_in_equally_many_micro_batches(lengths, ranks: int, limit: int) -> None:
    shares = plan.share(range(len(lengths)), lengths, ranks, limit)
    assert sorted(i for mine in shares for micro in mine for i in micro) == list(range(len(lengths)))
    assert len({len(mine) for mine in shares}) == 1


def test_shares_are_balanced_by_tokens() -> None:
    lengths = [90, 10, 20, 30, 40, 5, 5]
    loads = [sum(lengths[i] for micro in mine for i in micro) for mine in plan.share(range(7), lengths, 2, 1000)]
    assert loads == [100, 100]


def test_an_epoch_shows_every_unit_once_each_in_another_order() -> None:
    steps = list(plan.schedule([[i] for i in range(10)], 4, plan.count(10, 4, 2), seed=1))
    assert [round(step.epoch, 2) for step in steps] == [0.33, 0.67, 1, 1.33, 1.67, 2]
    first, second = ([i for step in steps[k : k + 3] for i in step.samples] for k in (0, 3))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_part_of_an_epoch_is_at_least_one_step() -> None:
    assert plan.count(100, 10, 0.25) == 2
    assert plan.count(100, 10, 0.0) == 1


def test_the_rate_warms_up_and_falls() -> None:
    settings = Settings("m", "o", "f", lr=1.0, steps=10, warmup=0.2)
    rates = [settings.rate(step) for step in range(1, 11)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert all(a > b > 0 for a, b in pairwise(rates[2:]))
    settings.schedule = "constant"
    assert settings.rate(10) == 1.0
