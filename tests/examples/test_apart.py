"""`examples/apart.py`: no problem of another file, and none twice."""

import subprocess
import sys

import apart


def run(lines: str, *files) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, apart.__file__, *map(str, files)], input=lines, capture_output=True, text=True, timeout=30
    )


def test_copies_and_repetitions_go_and_the_rest_stays_byte_for_byte(tmp_path):
    held = tmp_path / "held.jsonl"
    held.write_text('{"problem": "What is 1+1?"}\n')
    first, other = '{"problem":  "What is 2+2?", "n": 1.0}\n', '{"problem": "What is 3+3?"}\n'
    lines = first + '{"problem": "WHAT IS  1+1? "}\n' + '{"problem": "what is 2+2? "}\n' + other
    done = run(lines, held)
    assert done.stdout == first + other
    assert done.stderr == "apart.py: 4 read, 2 kept, 1 contaminated, 1 duplicate\n"


def test_nothing_in_nothing_out():
    done = run("")
    assert (done.returncode, done.stdout) == (0, "")
