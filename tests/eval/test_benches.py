"""Every bench file says what it must; reading and matching work over real files and a real server."""

import json
import os
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from o1j import benches, prompts
from o1j.errors import InputError, Unavailable, UsageError
from o1j.records import Dropped, Record, stable_id
from o1j.steps.eval import graders, judge

DATA = Path(os.environ.get("O1J_DATA") or Path(__file__).resolve().parents[2] / "../shared/data")
COPIES = {
    "aime2024": "aime2024_limo.jsonl",
    "amc23": "amc23_limo.jsonl",
    "chinese_simpleqa": "chinese_simpleqa.jsonl",
    "flames": "flames_1k_zh.jsonl",
    "gaokao2024": "gaokao_2024_zh_limo.jsonl",
    "gsm8k": "gsm8k_test.jsonl",
    "math2024": "math2024_cn_math.jsonl",
    "math500": "math500_test.jsonl",
    "simpleqa": "simpleqa_test.jsonl",
}


@pytest.mark.parametrize("name", benches.names())
def test_a_bench_file_is_whole(name):
    bench = benches.load(name)
    assert bench.title and bench.why.endswith(".") and bench.problems > 0
    assert bench.language in ("en", "zh")
    assert "problem" in bench.fields
    assert "answer" in bench.fields or bench.grader == "judge:safety"
    assert set(bench.fields) <= {"id", "problem", "answer", "subject", "level", "category"}
    assert len(bench.revision) in (12, 40) and int(bench.revision, 16)
    assert bench.url.startswith("https://") and bench.revision in bench.url
    judge.load(bench.grader[6:]) if bench.grader.startswith("judge:") else graders.load(bench.grader)
    prompts.load(bench.prompt, ["problem"])
    # What could not be read is said, never guessed.
    assert bool(bench.licence) != any(text.startswith("licence:") for text in bench.missing)
    for point in bench.reference:
        assert 0 < point["accuracy"] < 1 and point["mean_tokens"] > 0 and "arXiv" in point["source"]


@pytest.mark.parametrize("name", sorted(COPIES))
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not beside this checkout")
def test_a_local_copy_reads_as_the_whole_bench(name):
    bench = benches.load(name)
    items = list(benches.problems(bench, str(DATA / COPIES[name])))
    assert len(items) == bench.problems
    assert len({stable_id(item) for item in items}) == bench.problems
    assert all(item["problem"] and item["source"] == name for item in items)
    assert all(item.get("answer") for item in items) == ("answer" in bench.fields)


def test_an_unknown_bench_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="aime2024"):
        benches.load("aime1999")


TOML = """
title = "Two"
why = "For this test."
problems = 2
language = "en"
grader = "math"
prompt = "eval"
licence = "none"
[data]
repo = "o/r"
path = "d/two.jsonl"
revision = "abc"
[fields]
id = "key"
problem = "q"
answer = "a"
[gold]
after = "####"
"""
ROWS = [{"key": 7, "q": "1 + 1?", "a": "so\n#### 2"}, {"key": 8, "q": "2 + 2?", "a": "so #### 4"}]


@pytest.fixture
def two(tmp_path):
    data = tmp_path / "two.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return benches.parse("two", TOML), data


def test_fields_and_golds_come_as_the_file_says(two):
    bench, data = two
    first, second = benches.problems(bench, str(data))
    assert first == {"id": "7", "problem": "1 + 1?", "answer": "2", "source": "two", "language": "en"}
    assert second["answer"] == "4"


def test_a_gold_that_is_a_number_becomes_text(tmp_path):
    bench = replace(benches.parse("two", TOML), gold_after=None)
    data = tmp_path / "n.jsonl"
    data.write_text('{"key": 1, "q": "q", "a": 27.0}\n')
    assert next(benches.problems(bench, str(data)))["answer"] == "27"


def test_a_bench_may_be_a_csv_file(tmp_path):
    data = tmp_path / "two.csv"
    data.write_text('\ufeffkey,q,a\n7,"1 + 1,\nright?","so #### 2"\n')
    (item,) = benches.problems(benches.parse("two", TOML), str(data))
    assert (item["id"], item["problem"], item["answer"]) == ("7", "1 + 1,\nright?", "2")


def test_records_are_matched_by_id_and_by_problem(two):
    bench, data = two
    matcher = benches.Matcher(bench, benches.problems(bench, str(data)))
    results = list(
        matcher.matched(
            [
                Record({"id": "7", "response": "2"}),
                Record({"problem": "$2 + 2$ ?", "response": "4"}),
                Record({"problem": "3 + 3?", "response": "6"}),
            ]
        )
    )
    assert [(r["id"], r["answer"]) for r in results[:2]] == [("7", "2"), ("8", "4")]
    assert isinstance(results[2], Dropped) and results[2].reason == "not-in-bench"
    assert matcher.unanswered == 0


def test_another_numbering_does_not_fetch_the_wrong_gold(two):
    bench, data = two
    matcher = benches.Matcher(bench, benches.problems(bench, str(data)))
    (record,) = matcher.matched([Record({"id": "7", "problem": "2 + 2?"})])
    assert (record["id"], record["answer"]) == ("8", "4")
    assert matcher.unanswered == 1


@pytest.fixture
def server(two):
    served = {"asked": 0, "body": two[1].read_bytes()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            served["asked"] += 1
            found = self.path == "/two.jsonl"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(served["body"] if found else b"")

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    served["url"] = f"http://127.0.0.1:{running.server_port}/two.jsonl"
    yield served
    running.shutdown()


def test_a_bench_is_fetched_once(server, tmp_path):
    target = tmp_path / "cache" / "two.jsonl"
    for _ in range(2):
        assert benches.fetched(server["url"], target).read_bytes() == server["body"]
    assert server["asked"] == 1


def test_what_can_not_be_fetched_names_the_remedy(server, tmp_path):
    with pytest.raises(Unavailable, match=r"404.*--data FILE"):
        benches.fetched(server["url"] + "x", tmp_path / "new" / "two.jsonl")
    assert not (tmp_path / "new").exists()


def test_half_a_bench_is_refused(two, tmp_path):
    bench, data = two
    kept = tmp_path / "benches" / "two@abc.jsonl"
    kept.parent.mkdir()
    kept.write_text(data.read_text().splitlines()[0] + "\n")
    with pytest.raises(InputError, match="1 problems where two has 2"):
        list(benches.problems(bench, cache=tmp_path))
