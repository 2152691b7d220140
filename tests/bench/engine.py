"""How fast the engine asks, against a raw aiohttp client and the bare `AsyncOpenAI`, in one run.

    python tests/bench/engine.py                         # 256 at once, 100 ms latency
    python tests/bench/engine.py --memory                # 2,000 at once, 5 s latency, 100,000 requests: peak memory
    python tests/bench/engine.py --replay                # 100,000 rows out of the store

One JSON line a client: requests per second, CPU milliseconds per request, peak resident memory in MB. Every client
runs in a process of its own; the engine's figures include the store (SQLite, committed before a reply is handed on).
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOOPBACK = Path(__file__).resolve().parents[2] / "examples/loopback.py"


def question(number: int) -> list[dict]:
    """A chat of about 60 words; every one differs, so that the store has none of them."""
    return [{"role": "user", "content": f"Problem {number}. " + "Let x be a real number. " * 10}]


async def drive(ask, requests: int, at_once: int) -> None:
    """Ask `requests` questions, `at_once` at a time."""
    numbers = iter(range(requests))

    async def worker() -> None:
        for number in numbers:
            await ask(number)

    await asyncio.gather(*[worker() for _ in range(at_once)])


def raw(url: str, requests: int, at_once: int, folder: str) -> None:
    """What aiohttp can do with nothing around it."""
    import aiohttp

    async def main() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def ask(number: int) -> str:
                body = {"model": "echo", "messages": question(number)}
                async with session.post(f"{url}/chat/completions", json=body) as response:
                    return json.loads(await response.read())["choices"][0]["message"]["content"]

            await drive(ask, requests, at_once)

    asyncio.run(main())


def bare(url: str, requests: int, at_once: int, folder: str) -> None:
    """The SDK as its README uses it."""
    import openai

    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=1800) as client:

            async def ask(number: int) -> str:
                reply = await client.chat.completions.create(model="echo", messages=question(number))
                return reply.choices[0].message.content

            await drive(ask, requests, at_once)

    asyncio.run(main())


def engine(url: str, requests: int, at_once: int, folder: str) -> None:
    """o1j: stored, retried, counted, in order."""
    from o1j.models import connect

    with connect("echo", base_urls=[url], cache=folder, concurrency=at_once) as model:

        async def work(number: int):
            return await model.chat(question(number))

        for _, reply in model.map(range(requests), work):
            assert reply.text


def fill(folder: str, rows: int) -> None:
    """Store a reply of 2 kB to every question."""
    from o1j.models import Sampling
    from o1j.models.completion import make
    from o1j.models.loop import run
    from o1j.models.store import Store, key_of

    store = Store(Path(folder))

    async def put() -> None:
        for start in range(0, rows, 1000):
            keys = [(n, key_of("openai:echo", "", question(n), Sampling(), 0)) for n in range(start, start + 1000)]
            await asyncio.gather(*[store.put(key, "echo", make(f"reply {n} " * 200)) for n, key in keys])

    run(put())
    store.close()


def measure(client: str, url: str, requests: int, at_once: int, folder: str) -> dict:
    """Run one client in a process of its own."""
    command = [sys.executable, __file__, "--client", client, "--url", url, "--folder", folder]
    done = subprocess.run(
        [*command, "--requests", str(requests), "--at-once", str(at_once)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def report(client: str, url: str, requests: int, at_once: int, folder: str) -> None:
    """In the client's process: warm up with one round, then measure."""
    run = {"raw": raw, "bare": bare, "engine": engine}[client]
    run(url, min(64, at_once), at_once, folder + "/warm-up")
    wall, cpu = time.perf_counter(), time.process_time()
    run(url, requests, at_once, folder)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"requests_per_second": round(requests / wall, 1), "cpu_ms": round(1000 * cpu / requests, 2)}
    print(json.dumps({"client": client, "requests": requests, "at_once": at_once, **figures, "peak_mb": round(peak)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--at-once", type=int, default=256)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--replay", action="store_true")
    for internal in ("--client", "--url", "--folder"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        report(given.client, given.url, given.requests, given.at_once, given.folder)
        return
    plan = [("raw", given.requests), ("bare", given.requests // 4), ("engine", given.requests)]
    at_once, latency = given.at_once, given.latency
    if given.memory:
        plan, at_once, latency = [("engine", 100_000)], 2000, 5.0
    if given.replay:
        plan, at_once = [("engine", 100_000)], 256
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready")
        server = subprocess.Popen(
            [sys.executable, str(LOOPBACK), "--latency", str(latency), "--ready-file", str(ready)]
        )
        try:
            while not ready.exists():
                time.sleep(0.05)
            if given.replay:
                fill(f"{folder}/store", 100_000)
            found = {}
            for client, requests in plan:
                found[client] = measure(client, ready.read_text().strip(), requests, at_once, f"{folder}/store")
                print(json.dumps(found[client]), flush=True)
        finally:
            server.terminate()
            server.wait()
    if "bare" in found:
        rate = {client: figures["requests_per_second"] for client, figures in found.items()}
        times = {
            "times_bare": round(rate["engine"] / rate["bare"], 2),
            "of_raw": round(rate["engine"] / rate["raw"], 2),
        }
        print(json.dumps(times))


if __name__ == "__main__":
    main()
