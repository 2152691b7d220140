"""Toys: a tokenizer whose tokens are bytes, chat templates of every kind, a model of a few thousand weights."""

import json
from pathlib import Path

import pytest

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@pytest.fixture
def tokenizer():
    """Byte tokens plus ChatML's marks: `tokenizer.decode(ids)` is the text itself."""
    return make_tokenizer(CHATML)


def make_tokenizer(template: str | None):
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
    )
    made.chat_template = template
    return made


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory) -> Path:
    """A folder with a randomly initialised Llama of 2 layers and 16 dimensions, and the byte tokenizer."""
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("toy")
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=256,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    make_tokenizer(CHATML).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def lessons(tmp_path_factory) -> Path:
    """24 problems with thoughts of different lengths."""
    path = tmp_path_factory.mktemp("lessons") / "lessons.jsonl"
    rows = [
        {
            "id": f"p{n}",
            "problem": f"{n}+{n}?",
            "reasoning": "hm " * (n % 5 + 1),
            "response": f"\\boxed{{{2 * n}}}",
            "correct": True,
            "lineage": [{"step": "distill", "run": "r1", "model": "openai:teacher"}],
        }
        for n in range(24)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
