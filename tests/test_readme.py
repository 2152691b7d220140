"""The README and the recipes can't lie: what they show is run, what they name exists.

`README_WRITE=1 python -m pytest tests/test_readme.py` puts the real outputs into the blocks behind `<!-- run -->`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
TEXTS = [path for path in (README, ROOT / "examples" / "README.md") if path.exists()]
SHOWN = re.compile(r"<!-- run -->\n```console\n\$ (?P<command>.+)\n(?P<output>(?:.*\n)*?)```")
COMMAND = re.compile(r"o1j (filter|rewrite|distill|translate|train|eval|tti)\b([^|;\n`]*(?:\\\n[^|;\n`]*)*)")


def run(command: str, environment: dict[str, str], folder: Path) -> str:
    """What a shell in a copy of the checkout shows a reader: stdout and stderr, in the order of writing."""
    shell = {**environment, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}", "COLUMNS": "80"}
    for name in ("examples", "README.md"):
        (folder / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=shell, text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("number", range(len(SHOWN.findall(README.read_text()))))
def test_shown_outputs_are_real(number: int, environment: dict[str, str], tmp_path: Path) -> None:
    text = README.read_text()
    block = list(SHOWN.finditer(text))[number]
    output = run(block["command"], environment, tmp_path)
    if os.environ.get("README_WRITE"):
        README.write_text(text[: block.start("output")] + output + text[block.end("output") :])
    assert sorted(block["output"].splitlines()) == sorted(output.splitlines())


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_that_is_named_exists(path: Path, o1j) -> None:
    helps: dict[str, str] = {}
    for verb, arguments in COMMAND.findall(path.read_text()):
        if verb not in helps:
            helps[verb] = o1j(verb, "--help").stdout.decode()
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", arguments):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", helps[verb]), f"o1j {verb} {option}"


def test_the_map_of_the_house_is_the_house() -> None:
    named = set(re.findall(r"^    o1j/(\w+)/", README.read_text(), re.MULTILINE))
    assert named == {path.parent.name for path in (ROOT / "o1j").glob("*/__init__.py")}


def test_files_that_are_named_exist() -> None:
    for name in re.findall(r"(?:\]\(|`)((?:examples|tests|o1j)/[\w./-]+)", README.read_text()):
        assert (ROOT / name).exists(), name
