"""Reading and writing: packed files, Parquet, damage, memory, FILE… options."""

import gzip
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from o1j import records
from o1j.errors import InputError, Unavailable, UsageError

ROWS = [{"problem": f"p{n}", "answer": str(n)} for n in range(3)]
TEXT = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_written_files_are_read_back(tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"rows.jsonl{ending}")
    with records.Output(path) as out:
        for row in ROWS:
            out.write(row)
        out.complete()
    assert list(records.read(path)) == ROWS


def test_several_zstandard_frames_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.zst"
    pack = zstandard.ZstdCompressor().compress
    path.write_bytes(pack(TEXT) + pack(TEXT))
    assert list(records.read(str(path))) == ROWS + ROWS


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_packed_file_that_is_cut_short_is_bad_input(tmp_path: Path, pack) -> None:
    noise = "".join(json.dumps({"problem": f"{n * 7919 % 10007}"}) + "\n" for n in range(20_000))
    path = tmp_path / ("rows.jsonl.gz" if pack is gzip.compress else "rows.jsonl.zst")
    path.write_bytes(pack(noise.encode())[:-1000])
    with pytest.raises(InputError, match=r"rows\.jsonl.*damaged or cut short"):
        list(records.read(str(path)))


def test_a_text_file_named_gz_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(TEXT)
    with pytest.raises(InputError):
        list(records.read(str(path)))


def test_lines_end_at_newlines_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"problem": "a\u2028b\u0085c"}\n', encoding="utf-8")
    assert [record["problem"] for record in records.read(str(path))] == ["a\u2028b\u0085c"]


def test_a_byte_order_mark_blank_lines_and_a_missing_last_newline_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"problem": "a"}\r\n\n  \n{"problem": "b"}')
    assert [record["problem"] for record in records.read(str(path))] == ["a", "b"]


def test_parquet_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    read = list(records.read(str(tmp_path / "rows.parquet")))
    assert read == ROWS
    assert read[1].where.endswith("rows.parquet:2")


def test_what_only_parquet_holds_becomes_text(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    fields = {
        "problem": "p",
        "image": {"bytes": b"\x89PNG", "path": None},
        "text": "é".encode(),
        "price": Decimal("1.50"),
    }
    parquet.write_table(pyarrow.Table.from_pylist([fields]), tmp_path / "rows.parquet")
    with records.Output(str(tmp_path / "rows.jsonl")) as out:
        for record in records.read(str(tmp_path / "rows.parquet")):
            out.write(record)
        out.complete()
    told = {"problem": "p", "image": {"bytes": "iVBORw==", "path": None}, "text": "é", "price": "1.50"}
    assert json.loads((tmp_path / "rows.jsonl").read_text()) == told


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("nested", [lambda value: value, lambda value: [{"deep": value}]])
def test_what_is_not_json_in_parquet_is_bad_input(tmp_path: Path, number: float, nested, o1j) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"problem": f"p{n}", "score": nested(number if n == 300 else None if n % 2 else 0.5)} for n in range(305)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    told = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    with pytest.raises(InputError, match=rf"rows\.parquet:301: `score` holds {told}, which is not JSON"):
        list(records.read(str(tmp_path / "rows.parquet")))
    if told != "NaN":
        return
    for jobs in ("1", "2"):
        done = o1j("filter", "--rules", "", "-j", jobs, "rows.parquet")
        assert done.returncode == 65
        assert [json.loads(line) for line in done.stdout.splitlines()] == rows[:300]
        assert done.stderr.splitlines()[-1].startswith(b"o1j: rows.parquet:301: `score` holds NaN")


def test_a_file_that_is_no_parquet_is_bad_input(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "rows.parquet").write_bytes(TEXT)
    with pytest.raises(InputError, match=r"rows\.parquet"):
        list(records.read(str(tmp_path / "rows.parquet")))


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no folder"):
        records.Output(str(tmp_path / "nowhere" / "x.jsonl"))


def test_file_options_take_files_folders_and_globs(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl.gz", "notes.txt"):
        (tmp_path / name).touch()
    found = records.expand([str(tmp_path), str(tmp_path / "*.gz")], "--decontaminate")
    assert [Path(path).name for path in found] == ["a.jsonl", "b.jsonl.gz", "b.jsonl.gz"]
    with pytest.raises(UsageError, match="--decontaminate"):
        records.expand([str(tmp_path / "*.zst")], "--decontaminate")


def test_memory_stays_flat_however_long_the_input_is(tmp_path: Path, environment) -> None:
    row = json.dumps({"problem": "What is 1+1? " * 100, "solution": "Two. " * 200, "answer": "2"}).encode() + b"\n"
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        for _ in range(80):
            file.write(row * 1000)
    assert path.stat().st_size > 180_000_000
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'o1j', 'filter', sys.argv[1], '-o', '/dev/null'], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert int(done.stdout) < 150_000


def test_a_json_file_may_hold_an_array(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(" " + json.dumps(ROWS, indent=2))
    assert list(records.read(str(path))) == ROWS
    assert b"".join(line for block in records.blocks(str(path)) for line in block.lines()).count(b"\n") == len(ROWS)
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert len(list(records.read(str(path)))) == len(ROWS)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.json", '[{"problem": "x"}, [1]]', "element 2"),
        ("r.json", '[{"problem": "x"', "r.json: not a JSON array"),
        ("r.jsonl", '[\n{"problem": "x"}]\n', "makes lines of an array"),
        ("r.jsonl", '[{"problem": "x"}]\n', "makes lines of an array"),
    ],
)
def test_what_is_no_array_of_records_says_so(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        list(records.read(str(tmp_path / name)))
