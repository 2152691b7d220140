"""A night with bad luck: 429, 5xx, resets and garbage from the server, and `kill -9` for the client, three times.

    python tests/bench/faults.py [--records 10000]

The last run's output must equal the undisturbed one, and the server must have seen no request again whose reply was
stored. Prints one JSON line; exit status 1 where either fails.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

LOOPBACK = Path(__file__).resolve().parents[2] / "examples/loopback.py"
FAULTS = ("--rate-429", "0.10", "--rate-5xx", "0.05", "--rate-reset", "0.02", "--rate-garbage", "0.01")


def ask_all(url: str, folder: str, records: int) -> None:
    """The client: every question once, answers to stdout in order."""
    from o1j.models import connect

    with connect("echo", base_urls=[url], cache=folder, concurrency=64) as model:

        async def work(number: int):
            return await model.chat([{"role": "user", "content": f"What is {number}?"}])

        for number, reply in model.map(range(records), work):
            print(json.dumps([number, reply.text, reply.error]), flush=True)
    print(json.dumps(model.stats.as_dict()), file=sys.stderr)


def client(url: str, folder: str, records: int, out) -> subprocess.Popen:
    command = [sys.executable, __file__, "--url", url, "--folder", folder, "--records", str(records)]
    return subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)


def stored(folder: str) -> int:
    file = Path(folder, "replies.sqlite3")
    if not file.exists():
        return 0
    with sqlite3.connect(file) as store:
        return store.execute("SELECT count(*) FROM replies").fetchone()[0]


def answered(url: str) -> int:
    """Requests that the server answered in full, once those of a killed client are through."""
    time.sleep(0.5)
    with urllib.request.urlopen(url.removesuffix("/v1") + "/counters") as reply:
        return json.load(reply)["answered"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    for internal in ("--url", "--folder"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.url:
        ask_all(given.url, given.folder, given.records)
        return
    with tempfile.TemporaryDirectory() as scratch:
        ready, folder, out = Path(scratch, "ready"), f"{scratch}/store", Path(scratch, "out.jsonl")
        server = subprocess.Popen(
            [sys.executable, str(LOOPBACK), *FAULTS, "--latency", "0.01", "--ready-file", str(ready)]
        )
        try:
            while not ready.exists():
                time.sleep(0.05)
            url, begun, lost = ready.read_text().strip(), time.time(), 0
            for kill in (1, 2, 3):
                process = client(url, folder, given.records, subprocess.DEVNULL)
                while stored(folder) < given.records * kill // 4:
                    time.sleep(0.05)
                os.kill(process.pid, signal.SIGKILL)
                process.communicate()
                lost = answered(url) - stored(folder)
            with out.open("w") as stream:
                _, told = client(url, folder, given.records, stream).communicate()
            again = answered(url) - lost - given.records
        finally:
            server.terminate()
            server.wait()
        lines = out.read_text().splitlines()
    wanted = [json.dumps([n, f"\\boxed{{What is {n}?}}", None]) for n in range(given.records)]
    same = lines == wanted
    seconds = round(time.time() - begun, 1)
    counts = json.loads(told.splitlines()[-1])
    print(
        json.dumps(
            {
                "records": given.records,
                "output_equals_undisturbed": same,
                "stored_but_asked_again": again,
                "answered_but_lost_by_kill": lost,
                "last_run": counts,
                "seconds": seconds,
            }
        )
    )
    sys.exit(0 if same and again == 0 else 1)


if __name__ == "__main__":
    main()
