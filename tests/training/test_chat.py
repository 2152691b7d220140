"""What is learned, made visible: the toy tokenizer turns the mask back into text."""

import pytest
from support import byte_tokenizer
from tokenizers import models
from transformers import AutoTokenizer

from o1j.errors import InputError
from o1j.training.chat import Encoder

ASK = [{"role": "user", "content": "1+1?"}]
REPLY = {"role": "assistant", "content": "2", "reasoning_content": "one and one"}

# As Qwen3 does: thinking is cut from history, and a last reply without any gets an empty block.
STRIPS = (
    "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% set body = m.content.split('</think>')[-1] %}{{ '<|im_start|>assistant\\n' }}"
    "{% if loop.last %}{{ '<think>\\n' + (m.reasoning_content or '') + '\\n</think>\\n\\n' }}{% endif %}"
    "{{ body + '<|im_end|>\\n' }}"
    "{% else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# As R1's distillates do: the generation prompt opens the thinking.
OPENS = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}"
)
# No end token after a reply at all.
ENDLESS = (
    "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)


def learn(tokenizer, messages, think="tags", template=None) -> tuple[str, str, Encoder]:
    """(whole text, learned text, encoder)."""
    if template:
        tokenizer.chat_template = template
    encoder = Encoder(tokenizer, think)
    sample = encoder.encode(messages)
    taught = [token for token, learned in zip(sample.ids, sample.learned, strict=True) if learned]
    return tokenizer.decode(sample.ids), tokenizer.decode(taught), encoder


def test_only_the_reply_and_its_end_token_are_learned(tokenizer) -> None:
    whole, taught, _ = learn(tokenizer, [*ASK, {"role": "assistant", "content": "2"}])
    assert whole == "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n2<|im_end|>"
    assert taught == "2<|im_end|>"


@pytest.mark.parametrize(
    ("think", "taught"),
    [
        ("tags", "<think>\none and one\n</think>\n\n2<|im_end|>"),
        ("plain", "one and one\n\n2<|im_end|>"),
        ("field", "<think>\none and one\n</think>\n\n2<|im_end|>"),
    ],
)
def test_thinking_is_learned_in_the_shape_asked_for(tokenizer, think: str, taught: str) -> None:
    assert learn(tokenizer, [*ASK, REPLY], think)[1] == taught


@pytest.mark.parametrize("think", ["tags", "field"])
def test_a_template_that_strips_thinking_does_not_strip_what_is_learned(tokenizer, think: str) -> None:
    turns = [*ASK, REPLY, {"role": "user", "content": "sure?"}, {**REPLY, "reasoning_content": "again"}]
    whole, taught, _ = learn(tokenizer, turns, think, STRIPS)
    assert taught == ("<think>\none and one\n</think>\n\n2<|im_end|><think>\nagain\n</think>\n\n2<|im_end|>")
    assert whole.count("<think>") == 2


def test_a_field_that_the_template_ignores_is_told_and_learned_as_tags(tokenizer) -> None:
    encoder = learn(tokenizer, [*ASK, REPLY], "field")[2]
    assert any("reasoning_content" in surprise for surprise in encoder.surprises)


def test_an_empty_think_block_from_the_template_is_not_learned(tokenizer) -> None:
    _, taught, encoder = learn(tokenizer, [*ASK, {"role": "assistant", "content": "2"}], "tags", STRIPS)
    assert taught == "2<|im_end|>"
    assert any("empty <think>" in surprise for surprise in encoder.surprises)


def test_thinking_that_the_generation_prompt_opens_is_opened_once(tokenizer) -> None:
    whole, taught, _ = learn(tokenizer, [*ASK, REPLY], "tags", OPENS)
    assert taught == "one and one\n</think>\n\n2<|im_end|>"
    assert whole.endswith("assistant\n<think>\none and one\n</think>\n\n2<|im_end|>")


def test_a_reply_without_thinking_closes_what_the_prompt_opened(tokenizer) -> None:
    assert (
        learn(tokenizer, [*ASK, {"role": "assistant", "content": "2"}], "tags", OPENS)[1] == "\n</think>\n\n2<|im_end|>"
    )


def test_a_template_without_end_tokens_gets_the_end_of_sequence(tokenizer) -> None:
    _, taught, encoder = learn(tokenizer, [*ASK, {"role": "assistant", "content": "2"}], "tags", ENDLESS)
    assert taught == "2<|im_end|>"
    assert encoder.end_ids == {tokenizer.eos_token_id}


def test_a_base_model_gets_the_stated_template(tokenizer) -> None:
    tokenizer.chat_template = None
    whole, taught, encoder = learn(tokenizer, [*ASK, {"role": "assistant", "content": "2"}])
    assert whole == "### Instruction:\n1+1?\n\n### Response:\n2<|im_end|>"
    assert taught == "2<|im_end|>"
    assert tokenizer.chat_template
    assert encoder.surprises


def test_every_assistant_turn_is_learned_and_nothing_after_the_last(tokenizer) -> None:
    turns = [*ASK, {"role": "assistant", "content": "2"}, *ASK, {"role": "assistant", "content": "two"}, *ASK]
    whole, taught, _ = learn(tokenizer, turns)
    assert taught == "2<|im_end|>two<|im_end|>"
    assert whole.endswith("two<|im_end|>")


def test_what_stands_before_the_reply_is_what_generation_is_asked_with(tokenizer) -> None:
    encoder = Encoder(tokenizer)
    asked = tokenizer.apply_chat_template(ASK, add_generation_prompt=True, tokenize=False)
    assert tokenizer.decode(encoder.prompt([*ASK, REPLY])) == asked


def test_words_like_a_mark_in_the_data_do_not_end_the_turn_early(tokenizer) -> None:
    taught = learn(tokenizer, [*ASK, {"role": "assistant", "content": "a\n<|user|> b"}])[1]
    assert taught == "a\n<|user|> b<|im_end|>"


def test_no_assistant_turn_teaches_nothing(tokenizer) -> None:
    assert Encoder(tokenizer).encode(ASK).targets == 0


def test_a_conversation_that_the_assistant_opens_learns_its_words_only(tokenizer) -> None:
    spoken = [{"role": "assistant", "content": "Hi"}, *ASK, {"role": "assistant", "content": "2"}]
    assert learn(tokenizer, spoken)[1] == "Hi<|im_end|>2<|im_end|>"


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        ({"content": None, "tool_calls": [{"id": "1"}]}, "in:1: an assistant turn calls tools"),
        ({"content": "", "tool_calls": [{"id": "1"}]}, "in:1: an assistant turn calls tools"),
        ({"content": " \n"}, "in:1: an assistant turn says nothing"),
        ({"content": "", "reasoning_content": "hm"}, "in:1: an assistant turn says nothing"),
        ({"content": "2", "reasoning_content": "\ud800"}, "in:1: a text holds half a character"),
    ],
)
def test_a_turn_that_would_teach_silence_or_half_a_character_is_refused(tokenizer, turn, message) -> None:
    with pytest.raises(InputError, match=message):
        Encoder(tokenizer).encode([{"role": "user", "content": "1"}, {"role": "assistant", **turn}], "in:1")


def test_a_template_that_refuses_is_the_inputs_fault(tokenizer) -> None:
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(InputError, match=r"data\.jsonl:3.*roles must alternate"):
        Encoder(tokenizer).encode([*ASK, REPLY], "data.jsonl:3")


def test_a_saved_tokenizer_gives_the_same_mask(toy_model) -> None:
    assert learn(AutoTokenizer.from_pretrained(toy_model), [*ASK, REPLY])[1].endswith("2<|im_end|>")


def test_many_are_encoded_as_one_by_one_and_an_error_comes_in_its_place(tokenizer) -> None:
    many = [
        [{"role": "user", "content": f"{n}+1?"}, {"role": "assistant", "content": str(n + 1) * max(n, 1)}]
        for n in range(150)
    ]
    many[3] = ASK
    encoder = Encoder(tokenizer)
    together = list(encoder.encode_all((turns, "x") for turns in many))
    assert together == [encoder.encode(turns) for turns in many]
    assert together[3].ids == []
    broken = [*many[:70], [{"role": "assistant", "content": 5}], *many[70:]]
    seen = []
    with pytest.raises(InputError, match="row 70"):
        for sample in encoder.encode_all((turns, f"row {n}") for n, turns in enumerate(broken)):
            seen.append(sample)
    assert seen == together[:70]


def test_a_token_across_a_border_is_given_up_for_what_generation_would_write() -> None:
    tokenizer = byte_tokenizer()
    letters = {letter: n for letter, n in tokenizer.get_vocab().items() if len(letter) == 1}
    tokenizer.backend_tokenizer.model = models.BPE({**letters, "?a": 300}, [("?", "a")])
    template = "{% for m in messages %}{{ m.content + ('<|im_end|>' if m.role == 'assistant' else '') }}{% endfor %}"
    tokenizer.chat_template = template
    turns = [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "aa"}]
    assert "?a" in tokenizer.tokenize("1?aa")
    encoder = Encoder(tokenizer)
    sample = encoder.encode(turns)
    words = tokenizer.convert_ids_to_tokens(sample.ids)
    assert words == ["1", "?", "a", "a", "<|im_end|>"]
    assert sample.learned == [False, False, True, True, True]


# Shapes of the chat templates that models come with, in small; the replies' marks differ, the trouble too.
SHAPES = {
    # Qwen2.5: a system message of its own where none is given.
    "a system message of its own": (
        "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}{% endif %}"
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n",
        "<think>\none and one\n</think>\n\n2<|im_end|>",
    ),
    # Qwen3: thinking is shown only after the last question, read from the field or cut out of the content.
    "thinking after the last question only": (
        "{% set ns = namespace(last=-1) %}"
        "{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
        "{% for m in messages %}{% if m.role == 'assistant' %}"
        "{% set thought = m.reasoning_content or '' %}{% set body = m.content %}"
        "{% if '</think>' in m.content %}{% set thought = m.content.split('</think>')[0].split('<think>')[-1] %}"
        "{% set body = m.content.split('</think>')[-1].lstrip('\\n') %}{% endif %}{{ '<|im_start|>assistant\\n' }}"
        "{% if loop.index0 > ns.last and (loop.last or thought) %}"
        "{{ '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + body.lstrip('\\n') }}"
        "{% else %}{{ body }}{% endif %}{{ '<|im_end|>\\n' }}"
        "{% else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
        "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
        "{% endif %}",
        "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n",
        "<think>\none and one\n</think>\n\n2<|im_end|>",
    ),
    # Llama 3: headers, trimmed contents, an end of turn that is not the end of sequence.
    "headers and trimmed contents": (
        "{{ '<|begin_of_text|>' }}{% for m in messages %}"
        "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + (m.content | trim) + '<|eot_id|>' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n1+1?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<think>\none and one\n</think>\n\n2<|eot_id|>",
    ),
    # DeepSeek-R1's distillates: marks without roles, thinking cut from what is shown, opened by the prompt.
    "thinking opened by the prompt": (
        "{{ '<｜begin▁of▁sentence｜>' }}{% for m in messages %}"
        "{% if m.role == 'user' %}{{ '<｜User｜>' + m.content }}{% endif %}"
        "{% if m.role == 'assistant' %}{% set body = m.content %}"
        "{% if '</think>' in body %}{% set body = body.split('</think>')[-1] %}{% endif %}"
        "{{ '<｜Assistant｜>' + body + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}",
        "<｜begin▁of▁sentence｜><｜User｜>1+1?<｜Assistant｜><think>\n",
        "one and one\n</think>\n\n2<｜end▁of▁sentence｜>",
    ),
    # Mistral: no generation prompt at all, a space before the reply, and a complaint where roles don't alternate.
    "no generation prompt": (
        "{{ '<s>' }}{% for m in messages %}"
        "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
        "{% if m.role == 'user' %}{{ '[INST] ' + m.content + '[/INST]' }}"
        "{% else %}{{ ' ' + m.content | trim + '</s>' }}{% endif %}{% endfor %}",
        "<s>[INST] 1+1?[/INST]",
        " <think>\none and one\n</think>\n\n2</s>",
    ),
    # Gemma: another name for the assistant, no system message, an end of turn followed by a line end.
    "another name for the assistant": (
        "{{ '<bos>' }}{% if messages[0].role == 'system' %}{{ raise_exception('no system message') }}{% endif %}"
        "{% for m in messages %}{% set role = 'model' if m.role == 'assistant' else m.role %}"
        "{{ '<start_of_turn>' + role + '\\n' + m.content | trim + '<end_of_turn>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
        "<bos><start_of_turn>user\n1+1?<end_of_turn>\n<start_of_turn>model\n",
        "<think>\none and one\n</think>\n\n2<end_of_turn>",
    ),
    # What few templates have: marks of what generation writes.
    "generation marks": (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}"
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}"
        "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
        "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n",
        "<think>\none and one\n</think>\n\n2<|im_end|>",
    ),
}
MARKS = (
    *("<|im_start|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    *("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<s>", "</s>"),
    *("<bos>", "<start_of_turn>", "<end_of_turn>"),
)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shapes_of_templates_that_models_come_with(shape: str) -> None:
    template, given, taught = SHAPES[shape]
    tokenizer = byte_tokenizer(template, marks=MARKS)
    whole, learned, encoder = learn(tokenizer, [*ASK, REPLY])
    assert (whole, learned) == (given + taught, taught)
    asked = tokenizer.apply_chat_template(ASK, add_generation_prompt=True, tokenize=False)
    assert asked == given
    assert tokenizer.decode(encoder.prompt([*ASK, REPLY])) == given
    (end,) = encoder.end_ids
    assert taught.endswith(tokenizer.decode([end]))


@pytest.mark.parametrize("shape", SHAPES)
def test_two_turns_learn_both_replies_with_their_thoughts(shape: str) -> None:
    template, _, taught = SHAPES[shape]
    tokenizer = byte_tokenizer(template, marks=MARKS)
    turns = [*ASK, REPLY, {"role": "user", "content": "sure?"}, REPLY]
    whole, learned, _ = learn(tokenizer, turns)
    assert learned == taught * 2
    assert whole.count("one and one") == 2
    assert whole.count("sure?") == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_a_reply_without_thinking_learns_its_words_and_its_end(shape: str) -> None:
    template, given, taught = SHAPES[shape]
    tokenizer = byte_tokenizer(template, marks=MARKS)
    whole, learned, _ = learn(tokenizer, [*ASK, {"role": "assistant", "content": "2"}])
    assert learned.endswith("2" + taught.rpartition("2")[2])
    assert whole.startswith(given)
    assert learned.strip() in {"2" + taught.rpartition("2")[2], "</think>\n\n2" + taught.rpartition("2")[2]}


def test_how_much_of_a_reply_is_thinking(tokenizer) -> None:
    def thought(think: str, messages: list, template: str | None = None) -> int:
        tokenizer.chat_template = template or tokenizer.chat_template
        return Encoder(tokenizer, think).encode(messages).thought

    assert thought("tags", [*ASK, REPLY]) == len("<think>\none and one\n</think>\n\n")
    assert thought("plain", [*ASK, REPLY]) == len("one and one\n\n")
    assert thought("tags", [*ASK, {"role": "assistant", "content": "2"}]) == 0
    assert thought("tags", [*ASK, REPLY, *ASK, REPLY]) == 2 * len("<think>\none and one\n</think>\n\n")
    assert thought("tags", [*ASK, REPLY], OPENS) == len("one and one\n</think>\n\n")


def test_pad_that_is_also_the_end_does_not_hide_the_end(tokenizer) -> None:
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    sample = Encoder(tokenizer).encode([*ASK, REPLY])
    assert sample.ids[-1] == tokenizer.pad_token_id
    assert sample.learned[-1]
