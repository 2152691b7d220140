"""`o1j eval` from the outside: streams, files, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = {"id": "a", "problem": "1+1?", "answer": "2", "response": "\\boxed{2}", "tokens": 40, "model": "m"}
WRONG = {"id": "b", "problem": "2+2?", "answer": "4", "response": "\\boxed{5}", "tokens": 60, "model": "m"}


def o1j(*arguments, text: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "o1j", "eval", *map(str, arguments)],
        input=text.encode(),
        capture_output=True,
        cwd=cwd,
        timeout=120,
    )


def lines(*records: dict) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def parsed(run: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_outputs_are_graded_without_a_model(tmp_path):
    run = o1j("--summary", tmp_path / "s.json", "--curve", text=lines(RIGHT, WRONG))
    assert run.returncode == 0, run.stderr
    assert [record["correct"] for record in parsed(run)] == [True, False]
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["n"], summary["accuracy"], summary["mean_tokens"], summary["model"]) == (2, 0.5, 50, "m")
    assert (summary["grader"], summary["sampling"], summary["bench"]) == ("math", None, None)
    assert summary["tokens_from"] == "records"
    assert b"50.0" in run.stderr and b"accuracy at average output tokens" in run.stderr


def test_empty_input_gives_nothing_and_null_figures(tmp_path):
    run = o1j("--summary", tmp_path / "s.json", "--plot", tmp_path / "p.svg")
    assert (run.returncode, run.stdout) == (0, b"")
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["n"] == 0 and summary["accuracy"] is None and summary["ci95"] is None


def test_a_bad_line_ends_with_65_after_what_came_before_it():
    run = o1j(text=lines(RIGHT) + "{broken\n")
    assert run.returncode == 65
    assert [record["id"] for record in parsed(run)] == ["a"]
    assert b"<stdin>:2" in run.stderr


def test_quiet_is_quiet():
    run = o1j("--quiet", text=lines(RIGHT))
    assert (run.returncode, run.stderr) == (0, b"")


def test_several_models_get_a_summary_each(tmp_path):
    run = o1j("--summary", tmp_path / "s.jsonl", text=lines(RIGHT, {**RIGHT, "model": "n", "response": "\\boxed{3}"}))
    assert run.returncode == 0
    found = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [(one["model"], one["accuracy"]) for one in found] == [("m", 1.0), ("n", 0.0)]


@pytest.fixture
def bench_copy(tmp_path):
    """A copy of two problems in the layout of AIME 2024's file."""
    path = tmp_path / "aime.jsonl"
    path.write_text(lines({"id": 60, "problem": "1+1?", "answer": "2"}, {"id": 61, "problem": "2+2?", "answer": "4"}))
    return path


def test_input_is_matched_with_a_bench(bench_copy, tmp_path):
    stray = {"id": "x", "problem": "9+9?", "response": "\\boxed{18}"}
    outputs = lines({"problem": "2 + 2?", "response": "\\boxed{4}"}, stray)
    run = o1j(
        *("-", "--bench", "aime2024", "--data", bench_copy, "--rejects", tmp_path / "r.jsonl"),
        *("--summary", tmp_path / "s.json"),
        text=outputs,
    )
    assert run.returncode == 0, run.stderr
    (record,) = parsed(run)
    assert (record["id"], record["answer"], record["correct"]) == ("61", "4", True)
    assert json.loads((tmp_path / "r.jsonl").read_text())["reason"] == "not-in-bench"
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["bench"], summary["bench_unanswered"], summary["bench_revision"]) == ("aime2024", 1, None)


def replies(path: Path, prompt: str, *texts: str) -> Path:
    rows = []
    for problem, text in zip(("1+1?", "2+2?"), texts, strict=True):
        messages = [{"role": "user", "content": prompt.replace("{{problem}}", problem)}]
        request = {"messages": messages, "sampling": {"temperature": 0.5}, "sample": 0}
        rows.append({"request": request, "reply": {"text": text, "tokens": 30, "finish_reason": "stop"}})
    path.write_text(lines(*rows))
    return path


def asked(tmp_path, bench_copy, name, *texts) -> Path:
    prompt = o1j("--print-prompt").stdout.decode().rstrip("\n")
    recording = replies(tmp_path / f"{name}.replies.jsonl", prompt, *texts)
    run = o1j(
        *("--bench", "aime2024", "--data", bench_copy, "--model", f"replay:{recording}", "--temperature", "0.5"),
        *("-o", tmp_path / f"{name}.jsonl", "--summary", tmp_path / f"{name}.json"),
        text="this is not read",
    )
    assert run.returncode == 0, run.stderr
    return tmp_path / f"{name}.jsonl"


def test_a_bench_alone_asks_the_model_and_reads_no_stdin(tmp_path, bench_copy):
    out = asked(tmp_path, bench_copy, "m", "\\boxed{2}", "\\boxed{5}")
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(r["id"], r["source"], r["correct"]) for r in records] == [
        ("60", "aime2024", True),
        ("61", "aime2024", False),
    ]
    summary = json.loads((tmp_path / "m.json").read_text())
    assert summary["sampling"] == {"temperature": 0.5, "samples": 1}
    assert summary["tokens_from"] == "usage"
    assert summary["model"].startswith("replay:") and len(summary["prompt"]) == 16


def test_the_same_run_gives_the_same_bytes(tmp_path, bench_copy):
    out = asked(tmp_path, bench_copy, "m", "\\boxed{2}", "\\boxed{5}")
    first = out.read_bytes(), (tmp_path / "m.json").read_bytes()
    asked(tmp_path, bench_copy, "m", "\\boxed{2}", "\\boxed{5}")
    assert (out.read_bytes(), (tmp_path / "m.json").read_bytes()) == first


def test_two_runs_are_compared_in_pairs(tmp_path, bench_copy):
    before = asked(tmp_path, bench_copy, "before", "\\boxed{1}", "\\boxed{5}")
    after = asked(tmp_path, bench_copy, "after", "\\boxed{2}", "\\boxed{5}")
    run = o1j(
        *(after, "--compare", before, "--teacher", before, "--summary", tmp_path / "s.json"),
        *("--plot", tmp_path / "p.svg", "-o", tmp_path / "again.jsonl"),
    )
    assert run.returncode == 0, run.stderr
    (told,) = json.loads((tmp_path / "s.json").read_text())["compare"]
    assert (told["n"], told["before"], told["after"], told["difference"]) == (2, 0.0, 0.5, 0.5)
    assert told["mcnemar"] == {"gained": 1, "lost": 0, "p": 1.0}
    assert told["differences"] == []
    assert b"paired differences" in run.stderr
    picture = (tmp_path / "p.svg").read_text()
    assert "before.replies" in picture and "after.replies" in picture
    # Already graded records come out as they went in.
    assert (tmp_path / "again.jsonl").read_bytes() == after.read_bytes()


def test_what_was_measured_differently_is_named(tmp_path, bench_copy):
    before = asked(tmp_path, bench_copy, "before", "\\boxed{1}", "\\boxed{5}")
    warmer = before.read_text().replace('"temperature":0.5', '"temperature":1.0')
    (tmp_path / "warm.jsonl").write_text(warmer)
    run = o1j(before, "--compare", tmp_path / "warm.jsonl", "--summary", tmp_path / "s.json")
    (told,) = json.loads((tmp_path / "s.json").read_text())["compare"]
    assert told["differences"] == ["temperature 1.0 → 0.5"]
    assert b"*" in run.stderr and b"temperature 1.0" in run.stderr


def test_a_teacher_is_a_ceiling(tmp_path):
    (tmp_path / "t.jsonl").write_text(lines(RIGHT, WRONG))
    student = [{**RIGHT, "response": "\\boxed{3}"}, {**WRONG, "response": "\\boxed{4}"}]
    o1j("--teacher", tmp_path / "t.jsonl", "--summary", tmp_path / "s.json", text=lines(*student))
    told = json.loads((tmp_path / "s.json").read_text())["teacher"]
    assert told == {
        "model": "m", "n": 2, "teacher": 0.5, "student": 0.5, "share": 1.0, "beyond": ["b"], "behind": ["a"],
    }  # fmt: skip


def test_a_teacher_is_one_model(tmp_path):
    (tmp_path / "t.jsonl").write_text(lines(RIGHT, {**RIGHT, "model": "n"}))
    run = o1j("--teacher", tmp_path / "t.jsonl", text=lines(RIGHT))
    assert run.returncode == 2 and b"replies of 2 models (m, n)" in run.stderr


@pytest.fixture
def tokenizer(tmp_path) -> Path:
    """A tokenizer of words in a folder, as models are kept."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    (tmp_path / "words").mkdir()
    made.save(str(tmp_path / "words" / "tokenizer.json"))
    return tmp_path / "words"


def test_tokens_are_counted_where_the_input_has_no_counts(tmp_path, tokenizer):
    given = {**RIGHT, "response": "one two \\boxed{2}"}
    del given["tokens"]
    run = o1j("--tokenizer", tokenizer, "--at-tokens", 20, "--summary", tmp_path / "s.json", text=lines(given, WRONG))
    assert [record["samples"][0]["tokens"] for record in parsed(run)] == [3, 60]
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["mean_tokens"], summary["tokens_from"]) == (31.5, f"tokenizer:{tokenizer}")


def test_thinking_that_stands_in_the_reply_too_is_counted_once(tokenizer):
    from o1j.steps.eval.samples import Sample
    from o1j.steps.eval.tokens import Tokenizer

    samples = [Sample("a b. So c", reasoning=" a b."), Sample("so c", reasoning="a b."), Sample("so c")]
    assert [one.tokens for one in Tokenizer(str(tokenizer)).counted(samples)] == [4, 4, 2]


def test_a_budget_without_token_counts_says_what_to_give():
    given = {**RIGHT}
    del given["tokens"]
    assert b"--tokenizer" in o1j("--at-tokens", 20, text=lines(given)).stderr


def test_the_first_record_leaves_while_the_input_is_open():
    with subprocess.Popen(
        [sys.executable, "-m", "o1j", "eval", "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdin.write(lines(RIGHT, WRONG).encode())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == "a"
        process.stdin.close()
        assert json.loads(process.stdout.readline())["id"] == "b"
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--bench", "aime1999"], 2, b"aime2024"),
        (["--data", "x.jsonl"], 2, b"--bench"),
        (["--grader", "vibes"], 2, b"math, choice"),
        (["--plot", "x.pdf"], 2, b".svg"),
        (["--at-tokens", "many"], 2, b"8000,16000"),
        (["--compare", "none.jsonl"], 2, b"none.jsonl"),
        (["none.jsonl"], 69, b"none.jsonl"),
        (["--tokenizer", "no/such/folder"], 69, b"tokenizer.json"),
        (["--grader", "judge:nobody"], 69, b"simpleqa"),
        (["--judge-model", "m"], 2, b"--grader judge:NAME"),
    ],
)
def test_wrong_use_is_one_line(arguments, code, message, tmp_path):
    run = o1j(*arguments, cwd=tmp_path)
    assert run.returncode == code
    assert message in run.stderr and b"Traceback" not in run.stderr
    assert run.stdout == b""


HOSTILE = [
    ("null", {"response": None}, 0, {"n": 1, "graded": 1, "no_answer": 1, "accuracy": 0.0}),
    ("nulls", {"response": [None, None]}, 0, {"graded": 2, "no_answer": 2}),
    ("strange tokens", {"response": ["2", "3"], "tokens": ["12", "x"]}, 0, {"mean_tokens": 12, "uncounted": 1}),
    ("no counts", {"response": ["2", "3"], "tokens": [-5, 1e300]}, 0, {"mean_tokens": None}),
    ("no gold", {"answer": None}, 0, {"graded": 0, "ungraded": 1, "accuracy": None, "ci95": None, "pass@k": {}}),
    ("no samples", {"problem": None, "response": []}, 65, b"neither a `response` to grade nor a `problem`"),
    ("a blank problem", {"problem": [" "], "response": []}, 65, b"nor a `problem` to ask"),
    ("a hundred", {"response": ["\\boxed{2}"] * 50 + ["\\boxed{3}"] * 50}, 0, {"graded": 100, "accuracy": 0.5}),
]


@pytest.mark.parametrize(("fields", "code", "told"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_hostile_records_end_in_a_result_or_a_line(fields, code, told, tmp_path):
    run = o1j("--summary", tmp_path / "s.json", "--at-tokens", "50", text=lines({**RIGHT, "tokens": None, **fields}))
    assert (run.returncode, b"Traceback" in run.stderr) == (code, False), run.stderr
    if isinstance(told, bytes):
        assert told in run.stderr
    else:
        summary = json.loads((tmp_path / "s.json").read_text())
        assert {name: summary[name] for name in told} == told


def test_what_came_unevenly_or_twice_is_said(tmp_path):
    records = [{**RIGHT, "response": ["\\boxed{2}"] * 3, "tokens": [1, 2, 3]}, WRONG, {**RIGHT, "response": "5"}]
    run = o1j("--summary", tmp_path / "s.json", text=lines(*records))
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["n"], summary["repeated"], summary["samples_per_problem"]) == (3, 1, [1, 3])
    assert list(summary["maj@k"]) == ["1"]
    assert b"1 to 3 samples: votes go up to the fewest" in run.stderr and b"--gather" in run.stderr
    assert b"as the input's records say" in run.stderr


ODD = [
    None,
    True,
    0,
    2.5,
    "",
    "\\\\boxed{2}",
    [],
    {},
    [None],
    [{}],
    {"a": 1},
    [[1]],
    10**30,
    "a" * 3000,
    [{"text": "2"}],
]


def test_fields_of_any_type_end_in_no_traceback(tmp_path):
    fields = (
        "id",
        "problem",
        "answer",
        "model",
        "language",
        "samples",
        "tokens",
        "finish_reason",
        "reasoning",
        "usage",
    )
    fields += ("correct", "verdict", "lineage", "ratings", "source", "level", "label")
    records = [
        {name: ODD[(place + 3 * turn) % len(ODD)] for turn, name in enumerate(fields) if (place + turn) % 3}
        | {"response": ODD[place % len(ODD)] or "x"}
        for place in range(3 * len(ODD))
    ]
    odd = tmp_path / "odd.jsonl"
    odd.write_text(lines(*records))
    for grader in ("math", "choice", "ratings"):
        run = o1j(
            *("--gather", "--grader", grader, "--by", "label", "--summary", tmp_path / "s.json"),
            *("--report", tmp_path / "r.html", "--plot", tmp_path / "p.svg"),
            *("--weight", "ratings", "--compare", odd),
            text=odd.read_text(),
        )
        assert (run.returncode, b"Traceback" in run.stderr) == (0, False), run.stderr
        assert parsed(run)


def test_benches_are_listed():
    rows = parsed(o1j("--list-benches"))
    assert {"aime2024", "math500", "math2024"} <= {row["name"] for row in rows}
