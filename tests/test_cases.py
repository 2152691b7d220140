"""Golden cases: each folder of tests/cases/VERB/NAME is one call of `o1j`, and what it must print.

cmd            arguments after `o1j`, one line, as in a shell; paths are relative to the folder
input.jsonl    stdin, if there is one
expected.jsonl stdout, byte for byte
rejects.jsonl  what `--rejects rejects.out` must have written, if there is one
stderr         texts that must stand on stderr, a line each, if there is one
exit           the exit code, if it is not 0

`make golden` rewrites expected.jsonl and rejects.jsonl; `git diff` reviews.
"""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from support import O1J

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/cmd"))


@pytest.mark.parametrize("case", FOLDERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_case(case: Path, tmp_path: Path, environment: dict[str, str], request: pytest.FixtureRequest) -> None:
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    arguments = shlex.split((case / "cmd").read_text())
    given = case / "input.jsonl"
    done = subprocess.run(
        [*O1J, *arguments],
        input=given.read_bytes() if given.exists() else b"",
        capture_output=True,
        cwd=tmp_path,
        env=environment,
        timeout=120,
    )
    wanted_exit = int((case / "exit").read_text()) if (case / "exit").exists() else 0
    assert done.returncode == wanted_exit, done.stderr.decode()
    if request.config.getoption("--golden"):
        (case / "expected.jsonl").write_bytes(done.stdout)
        if (case / "rejects.jsonl").exists():
            shutil.copy(tmp_path / "rejects.out", case / "rejects.jsonl")
    assert done.stdout == (case / "expected.jsonl").read_bytes()
    if (case / "rejects.jsonl").exists():
        assert (tmp_path / "rejects.out").read_bytes() == (case / "rejects.jsonl").read_bytes()
    if (case / "stderr").exists():
        for line in (case / "stderr").read_text().splitlines():
            assert line in done.stderr.decode()
