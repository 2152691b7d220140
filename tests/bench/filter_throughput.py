"""How fast the filter is: whole commands over Numina-shaped rows, beside the limit and other tools, in one run.

    python tests/bench/filter_throughput.py [MEGABYTES] >> tests/bench/RESULTS-filter.md

Makes its input from ../shared/data (or O1J_DATA). jq, datasets and datatrove are measured where they are installed,
each with rules of the same kind: pictures, proofs, a missing box, a box without digits. `O1J_BENCH_PYTHON` names a
Python that has datatrove and datasets, if this one has not.

Memory is that of a command's whole tree of processes, what they share counted once (the sum of their PSS, looked up
ten times a second). What wait4 tells is no use: a child inherits the peak of the process that forked it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from numina import DATA, write

LIMITS, OURS = "limit: read, orjson, write, one process", "o1j filter -j 2"
ROUNDS = 2
LOOK_EVERY = 0.1  # seconds
LIMIT = """
import orjson, sys
with open(sys.argv[1], "rb", 1 << 20) as lines, open(sys.argv[2], "wb", 1 << 20) as out:
    for line in lines:
        out.write(orjson.dumps(orjson.loads(line)) + b"\\n")
"""
# The bytecode of a checkout is kept, as pip keeps that of the others.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
RULES = r"""
import re
PICTURE = re.compile(
    r"!\[|\[asy\]|as shown|in the (?:figure|diagram)|the (?:figure|diagram) (?:below|above|shows)|如图", re.I
)
PROOF = re.compile(r"\b(?:prove|show) that\b|证明|求证", re.I)
def keep(row):
    box = row["solution"].rfind("\\boxed{")
    return (not PICTURE.search(row["problem"]) and not PROOF.search(row["problem"]) and box >= 0
            and re.search(r"\d", row["solution"][box:box + 40]) is not None)
"""
JQ = (
    'select((.problem | test("!\\\\[|\\\\[asy\\\\]|as shown|in the (figure|diagram)|the (figure|diagram) '
    '(below|above|shows)|如图"; "i") | not) and (.problem | test("\\\\b(prove|show) that\\\\b|证明|求证"; "i") | not) '
    'and (.solution | test("\\\\\\\\boxed\\\\{.{0,30}[0-9]")))'
)
DATASETS = (
    RULES
    + """
import shutil, sys
from datasets import load_dataset
shutil.rmtree(sys.argv[3], ignore_errors=True)  # a cache of the last round
rows = load_dataset("json", data_files=sys.argv[1], split="train", cache_dir=sys.argv[3])
rows.filter(keep, num_proc=2).to_json(sys.argv[2], force_ascii=False)
"""
)
DATATROVE = (
    RULES
    + """
import os, shutil, sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
folder, out, logs = os.path.dirname(sys.argv[1]) + "/shards", sys.argv[2] + ".d", sys.argv[3]
if __name__ == "__main__":
    shutil.rmtree(logs, ignore_errors=True)  # what was done once is not done again
    LocalPipelineExecutor(
        pipeline=[JsonlReader(folder, text_key="problem"),
                  LambdaFilter(lambda d: keep({"problem": d.text, "solution": d.metadata["solution"]})),
                  JsonlWriter(out, compression=None)],
        tasks=2, workers=2, logging_dir=logs).run()
"""
)


def main(megabytes: int) -> None:
    """Print one Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        count = write(rows, megabytes * 1_000_000)
        size = rows.stat().st_size / 1e6
        out, scratch = f"{folder}/out.jsonl", f"{folder}/scratch"
        python = os.environ.get("O1J_BENCH_PYTHON", sys.executable)
        o1j = [sys.executable, "-m", "o1j", "filter", "-q", str(rows), "-o", out]
        contenders = {
            LIMITS: [sys.executable, "-c", LIMIT, str(rows), out],
            "o1j filter": o1j,
            OURS: [*o1j, "-j", "2"],
            "o1j filter -j 2 --dedup exact": [*o1j, "-j", "2", "--dedup", "exact"],
            "jq, comparable rules": ["sh", "-c", f"jq -c '{JQ}' {rows} > {out}"] if shutil.which("jq") else None,
            "datasets, 2 workers": script(python, "datasets", DATASETS, folder, [str(rows), out, scratch]),
            "datatrove, 2 workers": script(python, "datatrove", DATATROVE, folder, [str(rows), out, scratch]),
        }
        print(f"\n## Throughput: {count:,} Numina-shaped rows, {size:.0f} MB, {os.cpu_count()} cores, whole commands\n")
        print(
            f"Load average at the start: {os.getloadavg()[0]:.1f}. Seconds mean something only where that is below 0.5;"
        )
        print("CPU seconds (all processes; datatrove's workers are not counted) suffer less from company.")
        print(f"The best of {ROUNDS} rounds through all commands; memory: all processes together, PSS.\n")
        print("| command | seconds | of the limit | times as long as `-j 2` | CPU seconds | memory MB |")
        print("|---|---|---|---|---|---|")
        shards(rows, Path(folder) / "shards")
        best: dict[str, tuple[float, float, float]] = {}
        for _ in range(ROUNDS):
            for name, command in contenders.items():
                if command is not None:
                    figures = measure(command)
                    memory = max(figures[2], best.get(name, figures)[2])
                    best[name] = (*min(figures, best.get(name, figures))[:2], memory)
        limit, ours = best[LIMITS][0], best[OURS][0]
        for name in contenders:
            if name not in best:
                print(f"| {name} | not installed | | | | |")
                continue
            seconds, cpu, memory = best[name]
            ratios = f"{limit / seconds:.2f} | {seconds / ours:.1f}"
            print(f"| {name} | {seconds:.2f} | {ratios} | {cpu:.1f} | {memory:.0f} |")


def shards(rows: Path, folder: Path) -> None:
    """Two halves of the rows, as datatrove shares work out by file."""
    folder.mkdir()
    with ExitStack() as stack:
        halves = [stack.enter_context(open(folder / f"{number}.jsonl", "wb")) for number in range(2)]
        for number, line in enumerate(stack.enter_context(open(rows, "rb"))):
            halves[number % 2].write(line)


def script(python: str, module: str, source: str, folder: str, arguments: list[str]) -> list[str] | None:
    """A command that runs `source`, where `python` has `module`."""
    if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
        return None
    path = Path(folder) / f"{module}_contender.py"
    path.write_text(source, encoding="utf-8")
    return [python, str(path), *arguments]


def measure(command: list[str]) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds, peak memory of all processes in MB) of one command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    over, seen = threading.Event(), [0.0]
    watcher = threading.Thread(target=watch, args=(process.pid, over, seen))
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    over.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, max(seen)


def watch(pid: int, over: threading.Event, seen: list[float]) -> None:
    """Add to `seen` what process `pid` and all its descendants hold, in MB, until they are `over`."""
    while not over.wait(LOOK_EVERY):
        seen.append(sum(map(held, family(pid))) / 1e6)


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):  # it has just ended
                found += map(int, children.read_text().split())
    return found


def held(pid: int) -> int:
    """The memory of one process in bytes, its share of what it shares."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0  # it has just ended
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"no data in {DATA}: set O1J_DATA")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 220)
