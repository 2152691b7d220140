"""Laws that hold for every verb, stated once (CONTRACT: "Every command is a filter")."""

import gzip
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiohttp import web
from loopback import make_app, running
from support import O1J

LONG = "9" * 40  # an integer that no 64-bit parser keeps
ROWS = [
    {
        "id": f"p{number}",
        "problem": f"What is {number}+1?",
        "solution": f"It is \\boxed{{{number + 1}}}.",
        "answer": str(number + 1),
        "kept": number,
    }
    for number in range(5)
]
WORKS = [{"work": "ours", "answers": {}}]
FILTERS = ["filter", "rewrite", "distill", "translate", "eval"]  # verbs that take problems in and give records out


def lines(rows: list[dict]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture
def call(tmp_path: Path, o1j):
    """Run a verb over rows with a recorded model where it asks one; it never leaves the machine."""

    def run(verb: str, *arguments: str, input: bytes, **more):
        return o1j(*command(verb, tmp_path), *arguments, input=input, **more)

    return run


def command(verb: str, folder: Path) -> list[str]:
    if verb in ("filter", "tti"):
        return [verb]
    if verb == "train":
        return [verb, str(folder / "model"), "--output", str(folder / "out")]
    (folder / "empty.jsonl").touch()
    return [verb, "--model", f"replay:{folder / 'empty.jsonl'}"]


@pytest.mark.parametrize("verb", [*FILTERS, "tti"])
def test_empty_in_empty_out(call, verb: str) -> None:
    done = call(verb, input=b"")
    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()


@pytest.mark.parametrize("verb", [*FILTERS, "tti"])
def test_a_broken_line_is_65_and_named(call, verb: str) -> None:
    done = call(verb, input=b'\n{"problem": "x"\n')
    assert done.returncode == 65
    assert "<stdin>:2: " in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize(
    "broken",
    [b"[1]", b'"text"', b"3", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -1e400}', b'{"a": "\xff"}', b"[" * 100_000],
)
def test_what_is_no_record_is_65(call, broken: bytes) -> None:
    done = call("filter", "--rules", "proof", input=lines(ROWS[:2]) + broken + b"\n")
    assert done.returncode == 65
    assert done.stdout == lines(ROWS[:2])
    assert "<stdin>:3: " in done.stderr.decode()


@pytest.mark.parametrize("verb", ["filter", "rewrite", "distill", "translate", "train", "eval", "tti"])
def test_help_has_an_example(o1j, verb: str) -> None:
    done = o1j(verb, "--help", env={"COLUMNS": "80"})
    assert done.returncode == 0
    text = done.stdout.decode()
    assert f"o1j {verb} " in text.partition("\n\n")[2]
    assert not [line for line in text.splitlines() if len(line) > 80]
    assert " range>" not in text  # what typer calls a number


@pytest.mark.parametrize("verb", ["filter", "rewrite", "distill", "translate", "train", "eval", "tti"])
def test_help_costs_little(environment, verb: str) -> None:
    def cpu() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*O1J, verb, "--help"], capture_output=True, env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu() for _ in range(3)) < 0.9  # 0.3 s is the promise on a quiet machine; a heavy import takes more


def test_unchanged_records_are_written_byte_for_byte(call) -> None:
    odd = b'{ "question":"1+1?",  "gt" : 2.0, "n": ' + LONG.encode() + b', "u": "\\u00e9\xe2\x80\xa8" }\n'
    done = call("filter", "--rules", "proof", input=odd)
    assert done.stdout == odd


def test_changed_records_keep_unknown_fields_in_place(o1j) -> None:
    row = f'{{"zeta": {LONG}, "problem": "1+1?", "alpha": {{"b": [1, null]}}, "solution": "\\\\boxed{{2}}"}}\n'
    done = o1j("filter", input=row.encode())
    fields = json.loads(done.stdout)
    assert list(fields) == ["zeta", "problem", "alpha", "solution", "answer"]
    assert fields["zeta"] == int(LONG)
    assert fields["alpha"] == {"b": [1, None]}


def test_head_is_quiet(environment, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines(ROWS) * 20_000)
    o1j = subprocess.Popen(
        [*O1J, "filter", str(source)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    head = subprocess.run(["head", "-1"], stdin=o1j.stdout, capture_output=True, check=True)
    o1j.stdout.close()
    assert o1j.stderr.read() == b""
    assert o1j.wait(timeout=60) == 0
    assert head.stdout == lines(ROWS[:1])


def test_the_first_record_leaves_before_the_input_ends(environment) -> None:
    o1j = subprocess.Popen([*O1J, "filter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    o1j.stdin.write(lines(ROWS[:1]))
    o1j.stdin.flush()
    assert o1j.stdout.readline() == lines(ROWS[:1])
    o1j.stdin.close()
    assert o1j.wait(timeout=60) == 0


def test_out_appears_whole_or_not_at_all(o1j, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("what was there before\n")
    done = o1j("filter", "-o", out, input=lines(ROWS[:2]) + b"broken\n")
    assert done.returncode == 65
    assert out.read_text() == "what was there before\n"
    assert (tmp_path / "out.jsonl.partial").read_bytes() == lines(ROWS[:2])
    assert o1j("filter", "-o", out, input=lines(ROWS)).returncode == 0
    assert out.read_bytes() == lines(ROWS)
    assert not (tmp_path / "out.jsonl.partial").exists()


def test_the_run_log_stands_beside_the_output(o1j, tmp_path: Path) -> None:
    o1j("filter", "-o", tmp_path / "out.jsonl", "--skip", "proof", input=lines(ROWS))
    (entry,) = [json.loads(line) for line in (tmp_path / "out.jsonl.runs.jsonl").read_text().splitlines()]
    assert entry["verb"] == "filter"
    assert entry["counts"] == {"read": 5, "kept": 5}
    assert entry["options"]["skip"] == ["proof"]
    assert entry["exit"] == 0


def test_interrupted_is_130_and_keeps_what_was_done(environment, tmp_path: Path) -> None:
    o1j = subprocess.Popen(
        [*O1J, "filter", "-o", str(tmp_path / "out.jsonl")],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    o1j.stdin.write(lines(ROWS))
    o1j.stdin.flush()
    time.sleep(2)
    o1j.send_signal(signal.SIGINT)
    _, stderr = o1j.communicate(timeout=60)
    assert o1j.returncode == 130
    assert "interrupted" in stderr.decode()
    assert "Traceback" not in stderr.decode()
    assert (tmp_path / "out.jsonl.partial").read_bytes() == lines(ROWS)


@pytest.mark.parametrize("module", ["typer", "orjson"])
def test_interrupted_while_python_imports_is_130_and_a_line(o1j, tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = o1j("filter")
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"o1j: interrupted\n")


@pytest.mark.parametrize("verb", FILTERS)
def test_a_missing_file_is_69(call, verb: str) -> None:
    done = call(verb, "nowhere.jsonl", input=b"")
    assert done.returncode == 69
    assert "nowhere.jsonl" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ["filter", "--nonsense"],
        ["nonsense"],
        ["filter", "--map", "problem"],
        ["filter", "--rules", "nonsense"],
        ["distill", "--keep", "best"],
        ["translate", "--mode", "both"],
        ["rewrite", "--on-truncation", "keep"],
        ["eval", "--on-truncation", "drop"],
    ],
)
def test_wrong_usage_is_2(o1j, arguments: list[str]) -> None:
    done = o1j(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert "Traceback" not in done.stderr.decode()


def test_a_full_disk_is_named_and_nothing_is_lost(o1j) -> None:
    done = o1j("filter", "-o", "/dev/full", input=lines(ROWS))
    assert done.returncode == 69
    assert "no space left" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_is_an_empty_one(environment, tmp_path: Path, closing: str) -> None:
    (tmp_path / "rows.jsonl").write_bytes(lines(ROWS))
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m o1j filter rows.jsonl --rejects rejects.jsonl {closing}"],
        cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert done.stdout == (b"" if ">&-" in closing.replace("2>&-", "") else lines(ROWS))


def test_unordered_output_is_the_same_set(o1j, tmp_path: Path) -> None:
    with running(make_app(lambda request: "\\boxed{1}", latency=0.001, latency_spread=0.2)) as url:
        arguments = ["distill", "--model", "m", "--base-url", url, "--keep", "all", "--no-cache"]
        ordered = o1j(*arguments, input=lines(ROWS * 8)).stdout.splitlines()
        unordered = o1j(*arguments, "--unordered", input=lines(ROWS * 8)).stdout.splitlines()
    assert [json.loads(line)["id"] for line in ordered] == [row["id"] for row in ROWS * 8]
    assert sorted(ordered) == sorted(unordered)


@pytest.mark.parametrize("arguments", [["--help"], ["filter", "--help"], ["tti", "--questions"]])
def test_what_is_shown_may_meet_a_full_disk_or_a_closed_pipe(environment, arguments: list[str]) -> None:
    shown = " ".join([*O1J, *arguments])
    full = subprocess.run(["bash", "-c", f"{shown} > /dev/full"], capture_output=True, env=environment, timeout=60)
    assert (full.returncode, full.stderr) == (69, b"o1j: no space left on device\n")
    closed = ["bash", "-c", f"{{ sleep 1; {shown}; echo $? >&2; }} | true"]
    assert subprocess.run(closed, capture_output=True, env=environment, timeout=60).stderr == b"0\n"


def test_what_is_shown_is_utf_8_in_any_locale(o1j) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # ASCII, as far as Python is told
    for arguments in (["filter", "--list-rules"], ["translate", "--print-prompt"], ["tti", "--help"]):
        done = o1j(*arguments, env=locale)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == o1j(*arguments).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["tti", "--leaderboard"],
        ["tti", "--template", "--quiet"],
        ["filter", "--list-rules", "--format", "markdown"],
        ["eval", "--list-benches", "--format", "table"],
        ["translate", "--print-prompt"],
    ],
)
def test_what_is_shown_goes_where_out_says(o1j, tmp_path: Path, arguments: list[str]) -> None:
    done = o1j(*arguments, "-o", "shown")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    shown = (tmp_path / "shown").read_bytes()
    assert shown == o1j(*arguments, "-o", "-").stdout == o1j(*arguments).stdout
    assert shown.strip()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["shown"]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.parquet", "-", "hf://datasets/o1j/rows"])
def test_a_forgotten_model_is_said(o1j, name: str) -> None:
    done = o1j("train", name, "--output", "student")
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"o1j: {name} is no model: the first argument is a folder")


def test_output_and_rejects_do_not_share_a_place(o1j, tmp_path: Path) -> None:
    for arguments in (["--rejects", "-"], ["-o", "out.jsonl", "--rejects", tmp_path / "out.jsonl"]):
        done = o1j("filter", *arguments, input=lines(ROWS))
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"the output goes there, too" in done.stderr
    assert not list(tmp_path.glob("out.jsonl*"))
    done = o1j("filter", "--where", "kept == 3", "-o", "out.jsonl", "--rejects", "-", input=lines(ROWS))
    assert [json.loads(line)["kept"] for line in done.stdout.splitlines()] == [0, 1, 2, 4]
    assert o1j("filter", "-o", "/dev/null", "--rejects", "/dev/null", input=lines(ROWS)).returncode == 0


def test_a_packed_stdin_is_told_so(o1j) -> None:
    done = o1j("filter", input=gzip.compress(lines(ROWS)))
    assert done.returncode == 65
    assert b"<stdin>:1: " in done.stderr
    assert b"zcat" in done.stderr


def test_a_record_that_got_no_reply_costs_no_other(o1j, tmp_path: Path) -> None:
    def answer(request: dict) -> str:
        if "What is 2+1?" in request["messages"][-1]["content"]:
            raise web.HTTPBadGateway(text="<html>Bad Gateway</html>")
        return "\\boxed{1}"

    with running(make_app(answer)) as url:
        arguments = ["--model", "m", "--base-url", url, "--keep", "all", "--retries", "1"]
        done = o1j("distill", *arguments, "-o", "out.jsonl", "--rejects", "no.jsonl", input=lines(ROWS))
    assert done.returncode == 1
    out, rejects = ((tmp_path / name).read_text().splitlines() for name in ("out.jsonl", "no.jsonl"))
    assert [json.loads(line)["id"] for line in out] == ["p0", "p1", "p3", "p4"]
    (lost,) = map(json.loads, rejects)
    assert (lost["id"], lost["reason"]) == ("p2", "no-reply")
    assert "502" in lost["error"]
