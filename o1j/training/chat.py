"""A conversation as the tokens a model is trained on, with the mask of what it learns: for any chat template."""

import re
import secrets
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy

from o1j.errors import InputError, O1jError
from o1j.thinking import CLOSE, OPEN, join

# What a base model without a chat template gets; the exported tokenizer carries it. Line ends stand where a
# tokenizer never merges across, so that the reply's tokens are those that generation gives.
DEFAULT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ '### Response:\\n' + message['content'] + eos_token + '\\n\\n' }}"
    "{% else %}{{ '### Instruction:\\n' + message['content'] + '\\n\\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}"
)

_BATCH = 64  # conversations that the tokenizer gets at once: enough for its threads, little in memory


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Token ids of one conversation; `marks[i]` says whether token i is a target of the loss, `thought` how many of
    those are thinking. Five bytes a token: data of a hundred million is held at once."""

    tokens: numpy.ndarray
    marks: numpy.ndarray
    thought: int = 0

    @classmethod
    def of(cls, ids: list[int], marks: numpy.ndarray, thought: int) -> "Sample":
        """The sample of a tokenizer's ids."""
        return cls(numpy.array(ids, dtype=numpy.int32), marks, thought)

    def __len__(self) -> int:
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sample) and (self.ids, self.learned) == (other.ids, other.learned)

    @property
    def ids(self) -> list[int]:
        """The token ids as other libraries take them."""
        return self.tokens.tolist()

    @property
    def learned(self) -> list[bool]:
        """For each token, whether it is learned."""
        return self.marks.tolist()

    @property
    def targets(self) -> int:
        """How many tokens carry loss: the first token of a row is never predicted."""
        return int(numpy.count_nonzero(self.marks[1:]))

    def cut(self, limit: int) -> "Sample":
        """The first `limit` tokens."""
        marks = self.marks[:limit]
        return Sample(self.tokens[:limit], marks, min(self.thought, int(numpy.count_nonzero(marks))))


@dataclass(frozen=True, slots=True)
class _Span:
    text: str
    learned: bool
    thought: int = 0  # letters at its beginning that are thinking


class Encoder:
    """Turns messages into a `Sample` with a tokenizer's chat template, and keeps what surprised it.

    The template is rendered with stand-ins where the assistant's words go, and the words are put in afterwards:
    so it can neither strip the thinking nor needs `{% generation %}` marks. A reply is learned from where the
    generation prompt ends to its end-of-turn token, which is learned too.
    """

    def __init__(self, tokenizer: Any, think: str = "tags"):
        self.tokenizer = tokenizer
        self.think = think
        self.surprises: dict[str, int] = {}
        if not tokenizer.chat_template:
            tokenizer.chat_template = DEFAULT_TEMPLATE
            self._note("the model has no chat template: '### Instruction:' and '### Response:' are used")
        added = getattr(tokenizer, "added_tokens_decoder", {})
        marks = {str(token) for token in added.values()} | set(tokenizer.all_special_tokens)
        self._marks = sorted(filter(None, marks), key=len, reverse=True)
        self._mark = re.compile("|".join(map(re.escape, self._marks))) if self._marks else None
        if not tokenizer.eos_token:
            raise InputError("the tokenizer names no end-of-sequence token: nothing would tell the model to stop")
        self.end_ids: set[int] = set()

    def encode(self, messages: list[dict[str, Any]], where: str = "record") -> Sample:
        """The conversation's tokens up to the end of its last assistant turn; empty where there is none."""
        return next(self.encode_all([(messages, where)]))

    def encode_all(self, conversations: Iterable[tuple[list[dict[str, Any]], str]]) -> Iterator[Sample]:
        """`encode` for many, in their order; the tokenizer works on a batch at once, on all cores.

        An error comes where it belongs: after the samples of the conversations before it.
        """
        waiting: list[list[_Span]] = []
        try:
            for messages, where in conversations:
                last = max((i for i, turn in enumerate(messages) if turn.get("role") == "assistant"), default=-1)
                plain = [_plain(turn, where) for turn in messages[: last + 1]]
                waiting.append(self._spans(plain, where) if plain else [])
                if len(waiting) == _BATCH:
                    ready, waiting = waiting, []
                    yield from self._samples(ready)
        except O1jError:
            yield from self._samples(waiting)
            raise
        yield from self._samples(waiting)

    def prompt(self, messages: list[dict[str, Any]], where: str = "record") -> list[int]:
        """The tokens that stand before the last assistant turn when the model is asked for it."""
        sample = self.encode(messages, where)
        first = sample.learned.index(True) if True in sample.learned else len(sample.ids)
        return sample.ids[:first]

    def _spans(self, messages: list[dict[str, Any]], where: str) -> list[_Span]:
        stand_ins = {i: f"o1j{secrets.token_hex(8)}" for i, turn in enumerate(messages) if _replies(turn)}
        thoughts: dict[int, str] = {}
        shown = []
        for i, turn in enumerate(messages):
            if i not in stand_ins:
                shown.append({"role": turn["role"], "content": turn["content"]})
                continue
            shown.append({"role": "assistant", "content": stand_ins[i]})
            if self.think == "field" and turn.get("reasoning_content"):
                thoughts[i] = f"o1j{secrets.token_hex(8)}"
                shown[-1]["reasoning_content"] = thoughts[i]
        whole = self._render(shown, where)
        if any(whole.count(stand_in) != 1 for stand_in in stand_ins.values()):
            raise InputError(
                f"{where}: the chat template does not show every assistant turn once; train on single turns"
            )
        last = len(messages) - 1
        end = self._end(whole.partition(stand_ins[last])[2])
        spans: list[_Span] = []
        at = 0
        for i, stand_in in stand_ins.items():
            found = whole.find(stand_in, at)
            piece = whole[at:found]
            asked = self._asked(shown[:i], stand_ins, where) if i else piece  # nobody asks for a first word
            if spans and asked.startswith(end):
                asked = asked[len(end) :]
            mark = thoughts.get(i, "")
            shows_thought = bool(mark) and mark in piece
            given, words = self._border(piece, asked, self._words(messages[i], shows_thought))
            if shows_thought:
                thought = messages[i]["reasoning_content"]
                given, words = given.replace(mark, thought), words.replace(mark, thought, 1)
            at = found + len(stand_in)
            closed = i == last or whole.startswith(end, at)
            at += len(end) if closed else 0
            thinks = messages[i].get("reasoning_content") and words.endswith(messages[i]["content"])
            thought = len(words) - len(messages[i]["content"]) if thinks else 0
            spans += [_Span(given, False), _Span(words + end if closed else words, True, thought)]
        return spans

    def _asked(self, shown: list[dict[str, Any]], stand_ins: dict[int, str], where: str) -> str:
        """What the template puts between the assistant turn before and the reply that it asks for."""
        asked = self._render(shown, where, add_generation_prompt=True)
        before = [stand_ins[i] for i in range(len(shown)) if i in stand_ins]
        return asked.rpartition(before[-1])[2] if before else asked

    def _words(self, turn: dict[str, Any], shows_thought: bool) -> str:
        """The assistant's own words in the shape asked for, thinking included unless the template shows it itself."""
        reasoning, content = turn.get("reasoning_content"), turn["content"]
        if shows_thought:
            return content
        if reasoning and self.think == "field":
            self._note("the chat template leaves `reasoning_content` out: <think> tags are used")
        return join(reasoning, content, "plain" if self.think == "plain" else "tags")[0]

    def _border(self, piece: str, asked: str, words: str) -> tuple[str, str]:
        """(what is given, what is learned) of a turn: the border is where the generation prompt ends."""
        if piece == asked:
            return piece, words
        if piece.startswith(asked):
            inserted = piece[len(asked) :]
            if re.fullmatch(rf"\s*{OPEN}\s*{CLOSE}\s*", inserted):
                self._note("the chat template puts an empty <think> block before replies: left out in training")
                return asked, words
            return asked, inserted + words
        if asked.startswith(piece):
            opened = asked[len(piece) :]
            if opened.strip() == OPEN:
                if words.lstrip().startswith(OPEN):
                    return asked, words.lstrip()[len(OPEN) :].lstrip("\n")
                self._note("the generation prompt opens <think>: replies without thinking close it at once")
                return asked, f"\n{CLOSE}\n\n{words}"
            return asked, words
        self._note("the chat template asks for replies in other words than it shows them: the shown ones are trained")
        return piece, words

    def _end(self, rest: str) -> str:
        """The text that ends a turn, read off what follows the last one; else the end-of-sequence token."""
        found = self._mark.search(rest) if self._mark else None
        if found and not rest[: found.start()].strip():
            return rest[: found.end()]
        self._note("the chat template ends a turn without an end token: the end-of-sequence token is added")
        return self.tokenizer.eos_token

    def _samples(self, all_spans: list[list[_Span]]) -> Iterator[Sample]:
        """Encode whole texts at once where token borders meet the spans' borders, as at inference, else by span."""
        texts = ["".join(span.text for span in spans) for spans in all_spans]
        coded: list[Any] = []
        if self.tokenizer.is_fast and any(texts):
            coded = self.tokenizer(texts, add_special_tokens=False, return_attention_mask=False).encodings
        for i, spans in enumerate(all_spans):
            sample = _marked(coded[i], spans) if coded else None
            if sample is None:
                sample = self._by_span(spans)
            if len(sample):
                self.end_ids.add(int(sample.tokens[-1]))
            yield sample

    def _by_span(self, spans: list[_Span]) -> Sample:
        ids: list[int] = []
        learned: list[bool] = []
        thought = 0
        for span in spans:
            part = self.tokenizer(span.text, add_special_tokens=False)["input_ids"]
            ids += part
            learned += [span.learned] * len(part)
            if span.thought:
                thought += len(self.tokenizer(span.text[: span.thought], add_special_tokens=False)["input_ids"])
        return Sample.of(ids, numpy.array(learned, dtype=bool), thought)

    def _render(self, messages: list[dict[str, Any]], where: str, **options: Any) -> str:
        from jinja2 import TemplateError

        try:
            return self.tokenizer.apply_chat_template(messages, tokenize=False, **options)
        except (TemplateError, TypeError, KeyError) as error:
            raise InputError(f"{where}: the model's chat template refuses these messages: {error}") from error

    def _note(self, surprise: str) -> None:
        self.surprises[surprise] = self.surprises.get(surprise, 0) + 1


def _marked(encoding: Any, spans: list[_Span]) -> Sample | None:
    """The sample of a text made of `spans`, as `tokenizers` encoded it; None where a token lies across a border."""
    marks = numpy.zeros(len(encoding), dtype=bool)
    at = border = thought = 0
    for span in spans:
        if span.thought:
            thought += _before(encoding, border + span.thought) - at
        border += len(span.text)
        next_one = _before(encoding, border)
        if next_one > at and encoding.token_to_chars(next_one - 1)[1] > border:
            return None
        marks[at:next_one] = span.learned
        at = next_one
    marks[at:] = bool(spans) and spans[-1].learned
    return Sample.of(encoding.ids, marks, thought)


def _before(encoding: Any, place: int) -> int:
    """How many tokens start before the letter at `place`; a list of all starts is made only where it must be."""
    token = encoding.char_to_token(place)
    starts_there = token is not None and encoding.token_to_chars(token)[0] == place
    if starts_there and (token == 0 or encoding.token_to_chars(token - 1)[0] < place):
        return token
    return bisect_left(encoding.offsets, place, key=lambda ends: ends[0])


def _replies(turn: dict[str, Any]) -> bool:
    return turn["role"] == "assistant"


def _plain(turn: dict[str, Any], where: str) -> dict[str, Any]:
    """A message whose content is text; parts in OpenAI's shape are put together."""
    content = turn.get("content")
    if turn.get("role") == "assistant" and (turn.get("tool_calls") or turn.get("function_call")):
        raise InputError(f"{where}: an assistant turn calls tools; train takes text only")
    if isinstance(content, list):
        if any(part.get("type") != "text" for part in content if isinstance(part, dict)):
            raise InputError(f"{where}: a message holds something other than text; train takes text only")
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    if not isinstance(content, str) or not isinstance(turn.get("role"), str):
        raise InputError(f"{where}: a message has no text in `content` or no `role`; both must be strings")
    try:
        f"{content}{turn.get('reasoning_content')}".encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}: a text holds half a character (a lone surrogate); mend it, or leave it out"
        ) from error
    if _replies(turn) and not content.strip():
        raise InputError(f"{where}: an assistant turn says nothing, and the model would learn that; leave it out")
    return {**turn, "content": content}
