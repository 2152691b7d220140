"""`vllm:` with a stand-in of vLLM's command line and protocol: started, shared, restarted, never left behind."""

import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from o1j.errors import Unavailable

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

STAND_IN = """
    import argparse, os, sys, time
    sys.path.insert(0, {examples!r})
    import loopback
    parser = argparse.ArgumentParser()
    for option in ("--host", "--model", "--served-model-name"):
        parser.add_argument(option)
    parser.add_argument("--port", type=int)
    parser.add_argument("--die-after", type=int)
    parser.add_argument("--fail", action="store_true")
    given = parser.parse_args()
    print("loading", given.model, flush=True)
    with open({starts!r}, "a") as starts:
        starts.write(str(os.getpid()) + "\\n")
    if given.fail:
        sys.exit("CUDA is not what it used to be")
    time.sleep(0.3)
    app = loopback.make_app(models=(given.served_model_name,), die_after=given.die_after, latency=0.02)
    loopback.serve(app, given.host, given.port)
"""

CLIENT = """
    import sys
    from o1j.models import connect
    with connect("vllm:a-model", vllm_args=sys.argv[2], cache=False, quiet=True, concurrency=4) as model:
        async def work(n):
            return await model.chat([{"role": "user", "content": str(n)}])
        for n, reply in model.map(range(int(sys.argv[1])), work):
            print(reply.text, flush=True)
"""


@pytest.fixture
def vllm(tmp_path, monkeypatch):
    """The stand-in as `O1J_VLLM`; gives a function that lists the process ids it was started under."""
    script, starts = tmp_path / "vllm.py", tmp_path / "starts"
    script.write_text(textwrap.dedent(STAND_IN.format(examples=str(EXAMPLES), starts=str(starts))))
    monkeypatch.setenv("O1J_VLLM", shlex.join([sys.executable, str(script)]))

    def started() -> list[int]:
        return [int(line) for line in starts.read_text().split()] if starts.exists() else []

    yield started
    for pid in started():
        assert gone(pid), "a server was left behind"


def gone(pid, within=20.0):
    """Whether a process ends in time (a zombie has ended)."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def client(count, arguments=""):
    command = [sys.executable, "-c", textwrap.dedent(CLIENT), str(count), arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_server_is_started_used_and_stopped(vllm, ask):
    replies, model = ask(None, range(5), model="vllm:a-model")
    assert [reply.text for reply in replies] == [f"\\boxed{{{n}}}" for n in range(5)]
    assert model.name == "vllm:a-model" and len(vllm()) == 1


def test_replies_in_the_store_start_no_server(vllm, ask):
    ask(None, range(3), model="vllm:a-model")
    ask(None, range(3), model="vllm:a-model")
    assert len(vllm()) == 1


def test_several_commands_share_one_server(vllm):
    clients = [client(60) for _ in range(3)]
    assert [one.communicate(timeout=60)[0].count("\n") for one in clients] == [60, 60, 60]
    assert len(vllm()) == 1


def test_kill_9_leaves_no_server_behind(vllm):
    process = client(10_000)
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(vllm()) == 1 and gone(vllm()[0])


def test_a_server_that_crashes_is_started_once_more(vllm):
    out, err = client(40, "--die-after 25").communicate(timeout=60)
    assert out.splitlines() == [f"\\boxed{{{n}}}" for n in range(40)], err
    assert len(vllm()) == 2


def test_a_server_that_will_not_start_tells_why(vllm, ask, tmp_path):
    with pytest.raises(Unavailable, match="CUDA is not what it used to be"):
        ask(None, ["?"], model="vllm:a-model", vllm_args="--fail")
    assert len(vllm()) == 2


def test_without_vllm_the_remedy_is_named(ask, monkeypatch):
    monkeypatch.setenv("O1J_VLLM", "no-such-command serve")
    with pytest.raises(Unavailable, match="O1J_VLLM"):
        ask(None, ["?"], model="vllm:a-model")
