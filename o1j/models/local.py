"""`local:`, a causal LM in this process, with continuous batching: a row that ends makes room for a waiting request.

Requests are grouped by length, so that little is padded; each reply leaves as soon as its row ends. With a seed, a
request draws the same random numbers in every run, whatever else is in its batch; the reply is the same as far as the
arithmetic is, and batches of other shapes may round differently (exact on most CPUs, not promised).
"""

import asyncio
import importlib.util
import inspect
import os
import random
import threading
from collections.abc import Callable
from typing import Any

from o1j.errors import O1jError, Unavailable, need
from o1j.models import completion, smollm2
from o1j.models.chat import Messages, Sampling, begun_of
from o1j.models.continuing import Spelling
from o1j.models.drawing import dice, draw
from o1j.models.faults import Fault
from o1j.models.quirks import system_into_user
from o1j.models.weights import fingerprint

MOST_NEW_TOKENS = 2048  # where a request sets no max_tokens: a small model that never stops must not run for hours
ROWS = 64  # in a batch; of 16, 48 and 96 rows the larger were the faster on two cores
_SOON = 0.02  # seconds
_ROOM = 64  # tokens by which the cache grows at a time


class Local:
    """A model's folder (or hub id) as a backend; loaded at the first request, so that a run out of the store is quick.

    concurrency sets the rows of a batch. Sampling that is not set comes from the model's generation_config.
    """

    paid, stored = False, True
    spelling = Spelling("plain")

    def __init__(self, name: str, *, concurrency: int | None, trust_remote_code: bool, tell: Callable[[str], None]):
        for module, package in (("torch", "torch"), ("transformers", "transformers")):
            if importlib.util.find_spec(module) is None:
                raise Unavailable(f"a model in this process needs {package}: pip install 'o1j[local]'")
        self.lanes, self._trust, self._tell = [f"local:{name}"], trust_remote_code, tell
        self._rows = concurrency or ROWS
        # twice the rows: what waits is sorted by length, and never lets the batch run dry
        self.first_concurrency = self.most_concurrency = 2 * self._rows
        self._name, self.tag = name, ""
        if name == smollm2.NAME:
            smollm2.weights()
        else:
            self.tag = fingerprint(name, "local")
        self._engine: _Engine | None = None
        self._opening = threading.Lock()

    async def ask(self, messages: Messages, sampling: Sampling, sample: int, lane: int) -> tuple[bytes, float | None]:
        """One reply. Raises `Fault` where the prompt does not fit, `Unavailable` where the model can't be loaded."""
        loop = asyncio.get_running_loop()
        engine = self._engine or await loop.run_in_executor(None, self._open)
        return await engine.ask(messages, sampling, sample), None

    async def close(self) -> None:
        if self._engine is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._engine.close)

    def _open(self) -> "_Engine":
        with self._opening:
            if self._engine is None:
                source = str(smollm2.exported(self._tell)) if self._name == smollm2.NAME else self._name
                self._engine = _Engine(source, self._rows, self._trust)
            return self._engine


class _Row:
    """A request under way: its prompt, what was written so far, and how the next token is drawn."""

    __slots__ = ("dice", "done", "limit", "loop", "prompt", "temperature", "top_p", "written")

    def __init__(self, prompt: list[int], limit: int, temperature: float, top_p: float, dice: random.Random):
        self.prompt, self.limit, self.temperature, self.top_p, self.dice = prompt, limit, temperature, top_p, dice
        self.written: list[int] = []
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future = self.loop.create_future()


class _Engine:
    """The loaded model and the thread that generates."""

    def __init__(self, source: str, rows: int, trust: bool):
        torch = need("torch", "local", "a model in this process")
        if not torch.cuda.is_available():
            os.environ.setdefault("DS_ACCELERATOR", "cpu")  # else deepspeed, where installed, warns on stdout
        transformers = need("transformers", "local", "a model in this process")
        transformers.utils.logging.disable_progress_bar()
        self._torch, self._rows = torch, rows
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = "auto" if self._device.type == "cuda" else torch.float32  # bfloat16 is slower on most CPUs
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=trust)
            model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=dtype, trust_remote_code=trust)
        except (OSError, ValueError, ImportError, RuntimeError, KeyError) as error:
            hint = (
                "" if trust or "trust_remote_code" not in str(error) else " (--trust-remote-code runs its own Python)"
            )
            raise Unavailable(f"local:{source} can't be loaded{hint}: {' '.join(str(error).split())[:400]}") from error
        self._model = model.to(self._device).eval()
        self._takes_last_only = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._defaults = model.generation_config
        self._context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 1 << 30
        ends = self._defaults.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        self._ends = {end for end in [*ends, self._tokenizer.eos_token_id] if end is not None}
        self._transformers, self._layer = transformers, _roomy_layer(transformers)
        self._waiting: list[_Row] = []
        self._wake = threading.Condition()
        self._closed = False
        self._batch: _Batch | None = None
        self._thread = threading.Thread(target=self._generate, name="o1j-local", daemon=True)
        self._thread.start()

    async def ask(self, messages: Messages, sampling: Sampling, sample: int) -> bytes:
        prompt = self._encode(messages)
        room = self._context - len(prompt)
        if room < 1:
            raise Fault(f"the prompt has {len(prompt)} tokens, the model's context is {self._context}", free=True)
        temperature, top_p = sampling.temperature, sampling.top_p
        if temperature is None:
            temperature = (self._defaults.temperature or 1.0) if self._defaults.do_sample else 0.0
        if top_p is None:
            top_p = self._defaults.top_p if self._defaults.do_sample else None
        row = _Row(
            prompt,
            min(sampling.max_tokens or MOST_NEW_TOKENS, room),
            temperature,
            1.0 if top_p is None else top_p,
            dice(prompt, sampling.seed, sample),
        )
        with self._wake:
            if self._closed:
                raise Fault("the model is closed")
            self._waiting.append(row)
            self._wake.notify()
        return await row.done

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _encode(self, messages: Messages) -> list[int]:
        """Token ids of the chat by the model's own template; without one, the turns' texts. A begun reply follows."""
        tokenizer, begun = self._tokenizer, begun_of(messages)
        messages, begun = (messages[:-1], begun[0]) if begun else (messages, "")
        if not tokenizer.chat_template:
            text = "\n\n".join(str(turn.get("content") or "") for turn in messages) + "\n\n"
            return tokenizer(text + begun).input_ids
        try:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except Exception as refused:  # a template raises whatever it likes, mostly over the system role
            try:
                merged = system_into_user(messages)
                text = tokenizer.apply_chat_template(merged, tokenize=False, add_generation_prompt=True)
            except Exception:
                raise Fault(f"the model's chat template refuses these messages: {refused}") from refused
        return tokenizer(text + begun, add_special_tokens=False).input_ids

    def _generate(self) -> None:
        try:
            with self._torch.inference_mode():
                while self._admit():
                    if self._batch and self._batch.rows:
                        self._batch.step()
                        self._hand_out(self._batch.leave(self._ended))
        except BaseException as error:  # the thread's end must reach everyone who waits
            failure = error
        else:
            failure = Fault("the model is closed")
        with self._wake:
            self._closed = True
            left = self._waiting + (self._batch.rows if self._batch else [])
        for row in left:
            self._settle(row, self._as_told(failure))

    def _as_told(self, error: BaseException) -> Exception:
        if isinstance(error, Fault | O1jError):
            return error
        if isinstance(error, self._torch.OutOfMemoryError):
            return Unavailable(f"out of memory with {self._rows} rows at once: lower --concurrency")
        return Fault(f"generation failed: {type(error).__name__}: {error}")

    def _admit(self) -> bool:
        """Let waiting requests in where enough rows are free; False once closed."""
        with self._wake:
            active = len(self._batch.rows) if self._batch else 0
            if not active:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                there = 0
                while there < len(self._waiting) < self._rows and not self._closed:
                    there = len(self._waiting)
                    self._wake.wait(_SOON)  # the first of many: the others come within milliseconds of each other
            if self._closed:
                return False
            self._waiting = [row for row in self._waiting if not row.done.cancelled()]
            free = self._rows - active
            if active and (free < self._rows // 4 or not self._batch.can_grow):
                return True
            chosen = self._alike(free)
        if chosen:
            fresh = _Batch(self._model, self._torch, self._new_cache(), chosen, self)
            self._hand_out(fresh.leave(self._ended))
            self._batch = fresh if not active else self._batch.join(fresh)
        return True

    def _new_cache(self):
        """A cache whose plain layers grow in steps; those of other kinds (sliding windows, states) stay as they are."""
        cache, plain = self._transformers.DynamicCache(config=self._model.config), self._transformers.cache_utils
        cache.layers = [self._layer() if type(layer) is plain.DynamicLayer else layer for layer in cache.layers]
        return cache

    def _alike(self, count: int) -> list[_Row]:
        """The longest-waiting request and those nearest to it in length."""
        if not self._waiting:
            return []
        first = len(self._waiting[0].prompt)
        near = sorted(self._waiting, key=lambda row: abs(len(row.prompt) - first))[:count]
        taken = set(map(id, near))
        self._waiting = [row for row in self._waiting if id(row) not in taken]
        return near

    def _ended(self, row: _Row) -> bool:
        return row.written[-1] in self._ends or len(row.written) >= row.limit or row.done.cancelled()

    def _hand_out(self, rows: list[_Row]) -> None:
        for row in rows:
            stopped = row.written[-1] in self._ends
            text = self._tokenizer.decode(row.written[:-1] if stopped else row.written, skip_special_tokens=True)
            raw = completion.make(
                text,
                finish_reason="stop" if stopped else "length",
                prompt_tokens=len(row.prompt),
                tokens=len(row.written),
            )
            self._settle(row, raw)

    def _settle(self, row: _Row, outcome: bytes | Exception) -> None:
        def settle() -> None:
            if not row.done.done():
                row.done.set_exception(outcome) if isinstance(outcome, Exception) else row.done.set_result(outcome)

        row.loop.call_soon_threadsafe(settle)


def _roomy_layer(transformers) -> type:
    """A cache layer that keeps room for the tokens to come: the plain one copies all it holds at every token."""

    class RoomyLayer(transformers.cache_utils.DynamicLayer):
        def update(self, key_states, value_states, *args, **kwargs):
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self._room: dict[str, Any] = {}
            self.keys = self._append("keys", self.keys, key_states)
            self.values = self._append("values", self.values, value_states)
            return self.keys, self.values

        def _append(self, name: str, held, new):
            """`held` with `new` after it, both (rows, heads, positions, size), as a view of a larger tensor."""
            length = held.shape[-2] if held.numel() else 0
            total = length + new.shape[-2]
            room = self._room.get(name)
            moved = room is None or room.data_ptr() != held.data_ptr() or room.shape[0] != new.shape[0]
            if moved or room.shape[-2] < total:
                room = new.new_empty((*new.shape[:-2], total + _ROOM, new.shape[-1]))
                if length:
                    room[..., :length, :] = held
                self._room[name] = room
            room[..., length:total, :] = new
            return room[..., :total, :]

    return RoomyLayer


class _Batch:
    """Rows that are generated together, padded on the left. mask: (rows, positions), 1 where a token stands."""

    def __init__(self, model, torch, cache, rows: list[_Row], engine: _Engine):
        self._model, self._torch, self._device = model, torch, engine._device
        self._last_only = {"logits_to_keep": 1} if engine._takes_last_only else {}
        self.cache, self.rows = cache, rows
        width = max(len(row.prompt) for row in rows)
        pads = [width - len(row.prompt) for row in rows]
        ids = [[0] * pad + row.prompt for pad, row in zip(pads, rows, strict=True)]
        mask = [[0] * pad + [1] * (width - pad) for pad in pads]
        self.mask = torch.tensor(mask, device=self._device)
        self._forward(torch.tensor(ids, device=self._device), (self.mask.cumsum(-1) - 1).clamp(min=0))
        # rows can only be joined where the cache keeps every position of every layer
        self.can_grow = all(isinstance(layer, engine._layer) for layer in self.cache.layers)

    def step(self) -> None:
        """One more token for every row."""
        torch = self._torch
        last = torch.tensor([[row.written[-1]] for row in self.rows], device=self._device)
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.rows), 1)], dim=1)
        self._forward(last, self.mask.sum(-1, keepdim=True) - 1)

    def leave(self, ended: Callable[[_Row], bool]) -> list[_Row]:
        """Take out the rows that are done, and the columns that only they needed."""
        gone = [row for row in self.rows if ended(row)]
        if not gone:
            return []
        stay = [number for number, row in enumerate(self.rows) if not ended(row)]
        self.rows = [self.rows[number] for number in stay]
        if not stay:
            return gone
        index = self._torch.tensor(stay, device=self._device)
        self.mask = self.mask[index]
        self.cache.batch_select_indices(index)
        idle = int((self.mask.sum(0) > 0).int().argmax())
        if idle and self.can_grow:
            self.mask = self.mask[:, idle:]
            for layer in self.cache.layers:
                layer.keys, layer.values = layer.keys[..., idle:, :], layer.values[..., idle:, :]
        return gone

    def join(self, other: "_Batch") -> "_Batch":
        """Take the rows of another batch in."""
        if not other.rows:
            return self
        pad, cat = self._torch.nn.functional.pad, self._torch.cat
        width = max(self.mask.shape[1], other.mask.shape[1])

        def widen(batch: _Batch, kept):
            return pad(kept, (0, 0, width - batch.mask.shape[1], 0))

        for mine, theirs in zip(self.cache.layers, other.cache.layers, strict=True):
            mine.keys = cat([widen(self, mine.keys), widen(other, theirs.keys)])
            mine.values = cat([widen(self, mine.values), widen(other, theirs.values)])
        self.mask = cat([pad(batch.mask, (width - batch.mask.shape[1], 0)) for batch in (self, other)])
        self.rows = self.rows + other.rows
        return self

    def _forward(self, ids, positions) -> None:
        out = self._model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            **self._last_only,
        )
        for row, token in zip(self.rows, draw(self._torch, out.logits[:, -1].float(), self.rows), strict=True):
            row.written.append(token)
