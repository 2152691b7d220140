"""`o1j eval` against a real HTTP server: samples, usage, refusals, and problems that got no reply."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("aiohttp")


@pytest.fixture(scope="module")
def loopback():
    """The server of examples/."""
    path = Path(__file__).resolve().parents[2] / "examples/loopback.py"
    spec = importlib.util.spec_from_file_location("eval_loopback", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["eval_loopback"] = module
    spec.loader.exec_module(module)
    return module


def lines(*records: dict) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


PROBLEMS = [
    {"id": "sum", "problem": "What is 1+1?", "answer": "2"},
    {"id": "cut", "problem": "What is 2+2?", "answer": "4"},
    {"id": "no", "problem": "What is 3+3?", "answer": "6"},
]


def answer(request: dict) -> dict:
    """Right in every second sample of the sum (by its seed), cut off, refusing, or 400 for what is forbidden."""
    from aiohttp import web

    asked = request["messages"][-1]["content"]
    if "Verdict:" in asked:
        return {"content": "They agree.\nVerdict: YES" if "boxed{2}" in asked else "They differ.\nVerdict: NO"}
    if "forbidden" in asked:
        raise web.HTTPBadRequest(text='{"error": {"message": "not this one"}}')
    usage = {"prompt_tokens": 9, "completion_tokens": 20}
    if "2+2" in asked:
        return {"content": "It is \\boxed{4", "finish_reason": "length", "usage": usage}
    if "3+3" in asked:
        return {"content": None, "refusal": "I won't.", "usage": usage}
    return {"content": "\\boxed{2}" if request["seed"] % 2 else "\\boxed{3}", "usage": usage}


def test_samples_come_with_their_tokens_and_faults(loopback, o1j, tmp_path):
    with loopback.running(loopback.make_app(answer)) as url:
        done = o1j(
            *("eval", "-m", "openai:student", "--base-url", url, "-n", "4", "--seed", "0", "--summary", "s.json"),
            input=lines(*PROBLEMS),
        )
    assert done.returncode == 0, done.stderr
    by_id = {record["id"]: record for record in map(json.loads, done.stdout.splitlines())}
    assert [sample["correct"] for sample in by_id["sum"]["samples"]] == [False, True, False, True]
    assert {sample["verdict"] for sample in by_id["cut"]["samples"]} == {"truncated"}
    assert {sample["verdict"] for sample in by_id["no"]["samples"]} == {"refused"}
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["accuracy"] == pytest.approx(0.5 / 3)
    assert (summary["graded"], summary["truncated"], summary["refused"], summary["no_answer"]) == (12, 4, 4, 0)
    assert (summary["mean_tokens"], summary["tokens_from"]) == (20, "usage")
    assert summary["pass@k"]["2"] == pytest.approx((5 / 6) / 3)
    assert summary["maj@k"]["4"] == pytest.approx(0.5 / 3)  # two against two: the tie is shared


def test_a_problem_without_any_reply_is_rejected_with_exit_1(loopback, o1j, tmp_path):
    forbidden = {"id": "x", "problem": "forbidden?", "answer": "1"}
    with loopback.running(loopback.make_app(answer)) as url:
        done = o1j(
            *("eval", "-m", "openai:student", "--base-url", url, "--seed", "1", "--retries", "0"),
            *("--rejects", "r.jsonl"),
            input=lines(PROBLEMS[0], forbidden),
        )
    assert done.returncode == 1, done.stderr
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["sum"]
    rejected = json.loads((tmp_path / "r.jsonl").read_text())
    assert (rejected["id"], rejected["reason"]) == ("x", "no-reply")


def test_a_judge_on_a_server_of_its_own(loopback, o1j):
    outputs = [{**PROBLEMS[0], "response": f"\\boxed{{{n}}}", "id": str(n)} for n in (2, 3)]
    with loopback.running(loopback.make_app(answer)) as url:
        judge = ("--grader", "judge:equal", "--judge-model", "openai:judge")
        refused = o1j("eval", *judge, input=lines(*outputs))
        done = o1j("eval", *judge, "--judge-base-url", url, input=lines(*outputs))
    assert refused.returncode == 2 and b"--judge-base-url" in refused.stderr
    assert done.returncode == 0, done.stderr
    records = list(map(json.loads, done.stdout.splitlines()))
    assert [(record["correct"], record["verdict"]) for record in records] == [(True, "judge"), (False, "judge")]
    assert records[0]["lineage"][-1]["model"] == "openai:judge"


@pytest.mark.parametrize("judge", [[], ["--judge-model", "j"]])
def test_a_judge_that_was_not_named_in_full_is_missed_before_anyone_is_asked(loopback, o1j, judge):
    app = loopback.make_app(answer)
    with loopback.running(app) as url:
        done = o1j("eval", "-m", "m", "--base-url", url, "--grader", "judge:equal", *judge, input=lines(PROBLEMS[0]))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--judge-base-url" in done.stderr if judge else b"--judge-model" in done.stderr
    assert app[loopback.COUNTERS].requests == 0


ROWS = [{"id": str(n), "problem": f"What is 1+{n}?", "answer": str(n + 1)} for n in range(20)]
CAPPED = ("eval", "-m", "student", "--grader", "judge:equal", "--judge-model", "court", "--max-tokens", "20")


def priced(request: dict) -> dict:
    """1,000 tokens of each kind for a ruling, 10 for an answer."""
    count = 1000 if "Verdict:" in request["messages"][-1]["content"] else 10
    text = "Verdict: YES" if count == 1000 else "\\boxed{1}"
    return {"content": text, "usage": {"prompt_tokens": count, "completion_tokens": count}}


def test_the_end_line_and_the_run_log_tell_what_each_model_took(loopback, o1j, tmp_path):
    prices = ("--price", "1,1", "--judge-price", "0,1000", "--judge-max-tokens", "1000", "--max-usd", "100")
    with loopback.running(loopback.make_app(priced)) as url:
        servers = ("--base-url", url, "--judge-base-url", url)
        done = o1j(*CAPPED, *prices, *servers, "-o", "out.jsonl", "--summary", "s.json", input=lines(*ROWS))
    assert done.returncode == 0, done.stderr
    assert b"read, 20 kept; asked 20, from cache 0" in done.stderr and b"$0.00 spent" in done.stderr
    assert b"judge: asked 20, from cache 0" in done.stderr and b"$20.00 spent" in done.stderr
    told = json.loads((tmp_path / "out.jsonl.runs.jsonl").read_text())
    assert (told["usage"]["tokens"], told["judge_usage"]["tokens"], told["judge_usage"]["usd"]) == (200, 20_000, 20.0)
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["judge"]["prompt_tokens"], summary["judge"]["tokens"]) == (20_000, 20_000)


def test_caps_hold_for_the_model_and_its_judge_together(loopback, o1j):
    app = loopback.make_app(priced)
    with loopback.running(app) as url:
        done = o1j(*CAPPED, "--base-url", url, "--judge-base-url", url, "--max-requests", "25", input=lines(*ROWS))
    assert done.returncode == 75, done.stderr
    assert app[loopback.COUNTERS].requests == 25


@pytest.mark.parametrize(
    ("given", "missed"),
    [
        (("--max-tokens-total", "9000"), b"--judge-max-tokens"),
        (("--max-usd", "1", "--price", "1,1", "--judge-max-tokens", "9"), b"--judge-price"),
    ],
)
def test_caps_that_no_judge_could_keep_are_refused_before_anyone_is_asked(loopback, o1j, given, missed):
    app = loopback.make_app(priced)
    with loopback.running(app) as url:
        done = o1j(*CAPPED, "--base-url", url, "--judge-base-url", url, *given, input=lines(*ROWS))
    assert done.returncode == 2 and missed in done.stderr
    assert app[loopback.COUNTERS].requests == 0


def test_the_same_run_again_asks_nobody_and_gives_the_same_bytes(loopback, o1j, tmp_path):
    asked = []

    def counted(request: dict) -> dict:
        asked.append(request)
        return answer(request)

    made = []
    with loopback.running(loopback.make_app(counted)) as url:
        for _ in range(2):
            done = o1j(
                *("eval", "-m", "openai:student", "--base-url", url, "-n", "2", "--seed", "0", "--at-tokens", "30"),
                *("--grader", "judge:equal", "--judge-model", "openai:judge", "--judge-base-url", url),
                *("--summary", "s.json", "--report", "r.html", "-o", "out.jsonl"),
                input=lines(*PROBLEMS),
            )
            assert done.returncode == 0, done.stderr
            made.append([(tmp_path / name).read_bytes() for name in ("out.jsonl", "s.json", "r.html")])
            made[-1].append(len(asked))
    assert made[0] == made[1]
    summary = json.loads(made[0][1])
    assert summary["versions"].keys() == {"o1j", "python"} and summary["judge"]["model"] == "openai:judge"
    assert summary["prompt"] and summary["sampling"] == {"seed": 0, "samples": 2}
