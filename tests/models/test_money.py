"""Caps are never passed, by one run or by many; estimates send nothing."""

import subprocess
import sys
import textwrap

import pytest

from o1j.errors import BudgetReached, UsageError
from o1j.models import Sampling, connect
from o1j.models.money import Budget, Cost, Price, known_price, read_price

TEN = Sampling(max_tokens=10)


def run(url, cache, questions=range(100), sampling=TEN, **settings):
    """(answers, model, the error that ended the run if any)"""
    answers, error = [], None
    with connect("echo", base_urls=[url], cache=cache, **settings) as model:

        async def work(n):
            return await model.chat([{"role": "user", "content": f"question {n}"}], sampling, 0)

        try:
            answers = []
            for _, reply in model.map(questions, work):
                answers.append(reply)
        except BudgetReached as reached:
            error = reached
    return answers, model, error


def test_requests_stop_at_their_cap_and_the_same_command_goes_on(server, tmp_path):
    here = server()
    answers, _, error = run(here.url, tmp_path, max_requests=30)
    assert (len(answers), here.counters.requests) == (30, 30) and "same command" in str(error)
    answers, _, error = run(here.url, tmp_path, max_requests=70)
    assert len(answers) == 100 and error is None and here.counters.requests == 100


def test_usd_are_never_passed_and_nearly_used_up(server, tmp_path):
    here = server(lambda _: "one two three four five", latency=0.01)
    price = Price(10.0, 1000.0)  # a reply costs 0.005 and its prompt 0.00002; at worst 0.010 and 0.00027
    answers, model, error = run(here.url, tmp_path, price="10,1000", max_usd=0.1)
    spent = price.of(2 * len(answers), 5 * len(answers))
    assert error is not None and 0.085 < spent <= 0.1
    assert model.stats.usd == pytest.approx(spent)


def test_tokens_are_never_passed(server, tmp_path):
    here = server(lambda _: "one two three four five", latency=0.01)
    answers, model, error = run(here.url, tmp_path, max_tokens_total=200)
    assert error is not None and 120 < model.stats.tokens + model.stats.prompt_tokens <= 200
    assert len(answers) == model.stats.asked


def test_a_cap_in_usd_wants_a_price_and_a_longest_reply(server, tmp_path):
    here = server()
    with pytest.raises(UsageError, match="--price"):
        run(here.url, tmp_path, max_usd=1.0)
    with pytest.raises(UsageError, match="--max-tokens"):
        run(here.url, tmp_path, max_usd=1.0, price="1,1", sampling=Sampling())
    assert here.counters.requests == 0


def test_what_the_store_answers_costs_nothing(server, tmp_path):
    here = server()
    run(here.url, tmp_path, questions=range(10), price="1000,1000")
    answers, model, error = run(here.url, tmp_path, questions=range(10), price="1000,1000", max_usd=0.0)
    assert len(answers) == 10 and error is None
    assert model.stats.usd == 0.0 and model.stats.saved_usd == pytest.approx(10 * 4 * 0.001)


def test_several_runs_share_a_ledger(server, tmp_path, monkeypatch):
    here = server(latency=0.01)
    monkeypatch.setenv("O1J_LEDGER", str(tmp_path / "ledger"))
    script = f"""
        from o1j.errors import BudgetReached
        from o1j.models import connect
        with connect("echo", base_urls=["{here.url}"], cache=False, max_requests=50, quiet=True) as model:
            async def work(n):
                return await model.chat([{{"role": "user", "content": str(n)}}])
            try:
                for _ in model.map(range(1000), work):
                    pass
            except BudgetReached:
                print("reached")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate(timeout=60)[0].strip() for one in runs] == ["reached", "reached"]
    assert here.counters.requests == 50


def test_what_a_killed_run_had_reserved_counts_as_spent(tmp_path):
    from o1j.models.loop import run as wait

    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    ledger = tmp_path / "ledger"
    budget = Budget(requests=2, ledger=ledger)
    budget._pid = dead.pid
    wait(budget.reserve(Cost(0, 0, 1)))
    other = Budget(requests=2, ledger=ledger)
    other.settle(wait(other.reserve(Cost(0, 0, 1))), Cost(0, 0, 1))
    assert other.spent.requests == 1
    with pytest.raises(BudgetReached):
        wait(other.reserve(Cost(0, 0, 1)))
    assert other.spent.requests == 2


def test_a_dry_run_sends_nothing_and_tells_what_it_would(server, tmp_path):
    here = server(lambda _: "one two three four five", latency=0.05)
    run(here.url, tmp_path, questions=range(20), price="1,1000")
    sent = here.counters.requests
    answers, model, _ = run(here.url, tmp_path, price="1,1000", dry_run=True, concurrency=8)
    assert here.counters.requests == sent and [reply.fault for reply in answers[20:]] == ["no-reply"] * 80
    told = model.estimate.as_dict()
    assert (told["requests"], told["cached"], told["tokens"], told["sample"]) == (80, 20, 400, 20)
    assert told["usd"] == pytest.approx(0.4, rel=0.01) and 0.5 <= told["seconds"] < 5
    assert model.estimate.line().startswith("would ask 80 (20 in the store): about ")


def test_a_dry_run_without_a_sample_gives_the_upper_bound(server, tmp_path):
    _, model, _ = run(server().url, tmp_path, dry_run=True)
    assert (model.estimate.tokens, model.estimate.usd, model.estimate.seconds) == (1000, None, None)
    _, model, _ = run(server().url, tmp_path, dry_run=True, sampling=Sampling())
    assert model.estimate.tokens is None and "unknown" in model.estimate.line()


def test_prices_are_known_only_where_they_are_listed():
    assert known_price("gpt-4o-mini", ["https://api.openai.com/v1"]) == Price(0.15, 0.60)
    assert known_price("gpt-4o-mini-2024-07-18", ["https://api.openai.com/v1"]) == Price(0.15, 0.60)
    assert known_price("gpt-4o-mini", ["http://127.0.0.1:8000/v1"]) is None
    assert known_price("a-new-model", ["https://api.openai.com/v1"]) is None


@pytest.mark.parametrize("text", ["1", "1,2,3", "a,b", "-1,2", "nan,1"])
def test_a_price_that_is_none_is_wrong_usage(text):
    with pytest.raises(UsageError, match="--price"):
        read_price(text)
