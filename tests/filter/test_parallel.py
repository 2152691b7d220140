"""Several workers give what one process gives, byte for byte; errors, order and streaming included."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import O1J

from o1j.records import Block, blocks

ROWS = [
    {"id": f"r{number}", "problem": problem, "answer": answer, "extra": {"n": 12345678901234567890123}}
    for number, (problem, answer) in enumerate(
        [
            ("What is $1+1$?", "2"),
            ("Prove that $1<2$.", None),
            ("What is  $1 + 1$ ?", "2"),
            ("As shown in the figure, find $x$.", "3"),
            ("Find all pairs.", "(1,2)"),
            ("What is $2+2$?", "4"),
        ]
        * 50
    )
]
INPUT = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--dedup", "exact"],
        ["--dedup", "exact", "--where", 'id != "r0"'],
        ["--choices", "value", "--rules", "no-answer,broken-text"],
        ["--rules", "", "--top", "7"],
        ["--map", "answer=id", "--skip", "not-numerical"],
    ],
)
def test_workers_change_nothing(options: list[str], o1j: Callable, tmp_path: Path) -> None:
    outputs = []
    for jobs in ("1", "2"):
        done = o1j("filter", *options, "-j", jobs, "--rejects", "rejects.jsonl", input=INPUT)
        assert done.returncode == 0, done.stderr
        outputs.append((done.stdout, (tmp_path / "rejects.jsonl").read_bytes(), done.stderr))
    assert outputs[0] == outputs[1]
    assert outputs[0][0]


def test_a_broken_line_is_named_after_all_before_it_was_written(o1j: Callable) -> None:
    done = o1j("filter", "--rules", "", "-j", "2", input=INPUT + b"{broken\n" + INPUT)
    assert done.returncode == 65
    assert f"<stdin>:{len(ROWS) + 1}: not a JSON line".encode() in done.stderr
    assert done.stdout == INPUT


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_lines_of_a_plain_file_are_read_by_the_workers(ending: bytes, tmp_path: Path) -> None:
    long = json.dumps({"problem": "x" * 1_300_000}).encode()  # longer than two blocks
    content = (
        b"\n".join([b"\xef\xbb\xbf{}", *INPUT.splitlines() * 20, long, b"{}", b"", long, *INPUT.splitlines()]) + ending
    )
    (tmp_path / "in.jsonl").write_bytes(content)
    parts = [block.lines() for block in blocks(str(tmp_path / "in.jsonl"))]
    assert b"".join(line for lines in parts for line in lines) == content
    assert len(parts) > 5
    assert sum(map(len, parts)) == content.count(b"\n") + (not ending)


@pytest.mark.parametrize("length", range(1, 12))
def test_every_line_is_read_once_wherever_a_block_ends(length: int, tmp_path: Path) -> None:
    content = b"a\nbc\n\ndefg\nh\n\n\nijklmnopqrst\nu"
    (tmp_path / "in.jsonl").write_bytes(content)
    ends = [(begin, min(begin + length, len(content))) for begin in range(0, len(content), length)]
    parts = [Block(1, path=str(tmp_path / "in.jsonl"), begin=begin, end=end).lines() for begin, end in ends]
    assert [line for lines in parts for line in lines] == content.splitlines(keepends=True)


def test_numbers_of_lines_count_from_the_beginning_of_a_file(o1j: Callable, tmp_path: Path) -> None:
    rows = [{"problem": f"How many are {number} and two?", "x": "x" * 1000} for number in range(2000)]
    lines = [json.dumps(row).encode() for row in [*rows, rows[1500]]]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join([*lines, b"{broken", b"{}"]))
    options = ("--rules", "", "--dedup", "exact", "--rejects", "rejects.jsonl.zst", "in.jsonl")
    one, two = (o1j("filter", *options, "-j", jobs) for jobs in ("1", "2"))
    assert two.returncode == 65
    assert b"in.jsonl:2002: not a JSON line" in two.stderr
    assert (one.stdout, one.stderr) == (two.stdout, two.stderr)
    (tmp_path / "whole.jsonl").write_bytes(b"\n".join(lines))
    options = ("--rules", "", "--dedup", "exact", "--rejects", "rejects.jsonl", "whole.jsonl")
    done = o1j("filter", *options, "-j", "2")
    assert done.returncode == 0
    assert json.loads((tmp_path / "rejects.jsonl").read_bytes())["duplicate_of"] == 1501


def test_a_record_that_where_can_not_judge_is_named(o1j: Callable) -> None:
    done = o1j("filter", "--rules", "", "--where", "id > 3", "-j", "2", input=INPUT)
    assert done.returncode == 65
    assert b"<stdin>:1: --where" in done.stderr
    assert b"Traceback" not in done.stderr


def test_empty_input_is_fine(o1j: Callable) -> None:
    done = o1j("filter", "-j", "2")
    assert (done.returncode, done.stdout) == (0, b"")


def test_compressed_input_and_files(o1j: Callable, tmp_path: Path) -> None:
    import gzip

    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(INPUT))
    done = o1j("filter", "--rules", "", "-j", "2", "in.jsonl.gz", "-o", "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.jsonl").read_bytes() == INPUT


@pytest.mark.parametrize("name", ["cut.jsonl.gz", "cut.jsonl.zst"])
def test_a_file_that_is_cut_short_is_told_as_by_one_process(name: str, o1j: Callable, tmp_path: Path) -> None:
    import gzip

    import zstandard

    pack = gzip.compress if name.endswith(".gz") else zstandard.ZstdCompressor().compress
    rows = (json.dumps({"problem": f"{number * 7919 % 10007}"}) + "\n" for number in range(40_000))
    packed = pack("".join(rows).encode())
    (tmp_path / name).write_bytes(packed[: len(packed) * 3 // 4])
    one, two = (o1j("filter", "--rules", "", "-j", jobs, name) for jobs in ("1", "2"))
    assert one.returncode == two.returncode == 65
    assert b"damaged or cut short" in one.stderr
    assert (one.stdout, one.stderr) == (two.stdout, two.stderr)
    last = one.stdout.count(b"\n")
    assert last > 5_000
    assert f"{name}:{last + 1}: ".encode() in one.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux puts a process on one processor")
def test_a_crew_that_is_not_needed_ends_at_once() -> None:
    """On one processor a worker's first instruction comes after the signal that ends it."""
    script = (
        "import os\n"
        "from o1j import cli\n"
        "from o1j.crew import Crew\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "cli.signal.signal(cli.signal.SIGTERM, cli._terminate)\n"
        "for _ in range(100):\n"
        "    with Crew(2, lambda item: (item, b'')):\n"
        "        pass\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_first_record_comes_out_before_the_input_ends(jobs: str, environment: dict) -> None:
    process = subprocess.Popen(
        [*O1J, "filter", "--rules", "", "-j", jobs], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    process.stdin.write(INPUT[: INPUT.index(b"\n") + 1])
    process.stdin.flush()
    assert process.stdout.readline() == INPUT[: INPUT.index(b"\n") + 1]
    process.stdin.close()
    assert process.wait(timeout=30) == 0


def test_head_is_quiet(environment: dict, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(INPUT * 200)
    command = " ".join([*O1J, "filter", "-j", "2", "--rules", "''", "-q", str(tmp_path / "in.jsonl")]) + " | head -1"
    started = time.monotonic()
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, env=environment, timeout=60)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""
    assert time.monotonic() - started < 30


def test_a_worker_that_dies_is_said(environment: dict, tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from o1j.steps.filter.parallel import Workers\n"
        "from o1j.errors import O1jError\n"
        "from o1j.records import Block\n"
        "def die(record): os._exit(9)\n"
        "def main():\n"
        "    with Workers(1, [die], 'x') as workers:\n"
        "        try: list(workers.filter([Block(1, b'{}\\n')]))\n"
        "        except O1jError as error: print(error)\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, timeout=60)
    assert b"a worker of -j died" in done.stdout, done.stderr
