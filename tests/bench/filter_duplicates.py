"""Near-duplicate removal at the size of NuminaMath-CoT: time and memory of the whole command.

    python tests/bench/filter_duplicates.py [ROWS] >> tests/bench/RESULTS-filter.md

Makes distinct problems from ../shared/data (or O1J_DATA), and among each hundred one near copy of an earlier one.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from numina import DATA, distinct


def main(rows: int) -> None:
    """Print one Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        copies = write(path, rows)
        size = path.stat().st_size / 1e6
        print(f"\n## Duplicates: {rows:,} distinct problems and {copies:,} near copies, {size:.0f} MB\n")
        print(f"Load average at the start: {os.getloadavg()[0]:.1f}.\n")
        print("| command | seconds | CPU seconds | memory of all processes, MB | kept |\n|---|---|---|---|---|")
        out = Path(folder) / "out.jsonl"
        for kind in ("exact", "near"):
            command = [sys.executable, "-m", "o1j", "filter", "-q", "--rules", "", "--dedup", kind, "-j", "2"]
            seconds, cpu, memory = measure([*command, str(path), "-o", str(out)])
            with open(out, "rb") as lines:
                kept = sum(1 for _ in lines)
            told = f"o1j filter --dedup {kind} -j 2"
            print(f"| {told} | {seconds:.0f} | {cpu:.0f} | {memory:.0f} | {kept:,} |", flush=True)


def measure(command: list[str]) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds, peak MB of the command and its children: what each has for itself and its share)."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        most = max(most, sum(map(_kilobytes, _family(process.pid))))
        time.sleep(0.5)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, most / 1024


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _kilobytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("Pss:")[2].split()[0])
    except (OSError, IndexError):
        return 0


def write(path: Path, rows: int) -> int:
    """Write `rows` distinct problems, and after each hundredth a copy of it with a word more; how many copies."""
    chance = random.Random(1)
    copies = 0
    with open(path, "w", encoding="utf-8") as out:
        for number, (source, problem, _) in enumerate(distinct(rows)):
            row = {"id": f"numina-{number}", "source": source, "problem": problem, "answer": str(chance.randrange(999))}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            if number % 100 == 0 and len(problem) > 200:
                copies += 1
                out.write(json.dumps({**row, "id": f"copy-{number}", "problem": f"Now: {problem}"}) + "\n")
    return copies


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"no data in {DATA}: set O1J_DATA")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 860_000)
