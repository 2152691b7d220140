"""Micro-batches of samples laid end to end, and the loss of their learned tokens."""

from typing import Any

import torch
from torch.nn import functional

from o1j.training import segments
from o1j.training.head import Head
from o1j.training.plan import share
from o1j.training.settings import Settings
from o1j.training.spool import Spool

_TRIED = 12  # tokens of each of the two samples that find out what an architecture can do
# How far apart the same logits may lie when computed in another way: relative, root mean square.
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}


class Batches:
    """Runs this rank's share of each step through a DeepSpeed engine.

    A row holds whole samples, no padding; logits are computed only where a token is learned, a chunk at a time, and
    never kept. What an architecture allows is found out by trying: where samples in one row would see each other, a
    row is one sample (`packed` is false); where a model works on its logits after its output layer, they are computed
    whole (`chunked` is false). `attention` names how samples are kept apart.
    """

    def __init__(self, engine: Any, spool: Spool, settings: Settings, rank: int):
        self.engine = engine
        self.spool = spool
        self.settings = settings
        self.rank = rank
        self.attention = "eager"
        self.engine.eval()
        with torch.no_grad():
            self.attention, self.packed = self._choose_attention()
            self.head = Head(engine.module)
            self.chunked = self._same_loss()
        if not self.chunked:
            self.head.restore()

    @property
    def computes(self) -> dict[str, Any]:
        """How rows are attended and their loss worked out, for people and the model's card."""
        return {
            "attention": self.attention,
            "samples_share_rows": self.packed,
            "logits": "in chunks" if self.chunked else "whole",
        }

    def learn(self, samples: list[int], targets: int) -> torch.Tensor:
        """Forward, backward and the optimizer's step; the sum of this rank's token losses, left on its device.

        Nothing here waits for a GPU: its queue stays full from one micro-batch to the next. Every token weighs the
        same, whatever rank and micro-batch it falls into: the loss is divided by the whole step's `targets`. DeepSpeed
        averages gradients over ranks, so the number of ranks is put back in.
        """
        world = self.settings.world
        mine = share(samples, self.spool.lengths, world, self.settings.micro_tokens, not self.packed)[self.rank]
        self.engine.train()
        total = torch.zeros((), dtype=torch.float64, device=self.engine.device)
        for k, micro in enumerate(mine):
            self.engine.set_gradient_accumulation_boundary(k == len(mine) - 1)
            loss = self._loss(micro)
            self.engine.backward(loss * (world / targets))
            self.engine.step()
            total += loss.detach()
        return total

    def evaluate(self, sample: int) -> float:
        """The mean loss of one sample's learned tokens; all ranks take part."""
        self.engine.eval()
        with torch.no_grad():
            return self._loss([sample]).item() / self.spool.targets[sample]

    def _loss(self, micro: list[int]) -> torch.Tensor:
        """Summed loss of a micro-batch; an empty one costs a short row that weighs nothing."""
        if not micro:
            ids, learned = self.spool.ids[0][:8], self.spool.learned[0][:8]
            return self.row([torch.from_numpy(ids)], [torch.ones(len(learned), dtype=torch.bool)]) * 0.0
        rows = [torch.from_numpy(self.spool.ids[i]) for i in micro]
        return self.row(rows, [torch.from_numpy(self.spool.learned[i]) for i in micro])

    def row(self, samples: list[torch.Tensor], learned: list[torch.Tensor]) -> torch.Tensor:
        """Summed loss of samples that share a row: token ids and, for each, whether it is learned."""
        keep, targets = [], []
        at = 0
        for ids, mask in zip(samples, learned, strict=True):
            places = torch.nonzero(mask[1:]).squeeze(1)
            keep.append(places + at)
            targets.append(ids[1:][places])
            at += len(ids)
        device = self.engine.device
        kept, wanted = torch.cat(keep).to(device), torch.cat(targets).long().to(device)
        if self.chunked:
            return self._chunked_loss(samples, kept, wanted)
        return functional.cross_entropy(self._logits(samples, kept).float(), wanted, reduction="sum")

    def _chunked_loss(self, samples: list[torch.Tensor], keep: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.head.targets = targets
        try:
            return self._output(samples, keep)
        finally:
            self.head.targets = None

    def _logits(self, samples: list[torch.Tensor], keep: torch.Tensor) -> torch.Tensor:
        """Logits (kept positions, vocabulary) of samples laid end to end."""
        logits = self._output(samples, keep)[0]
        return logits if len(logits) == len(keep) else logits[keep]

    def _output(self, samples: list[torch.Tensor], keep: torch.Tensor) -> torch.Tensor:
        """What the model calls logits."""
        device = self.engine.device
        lengths = [len(ids) for ids in samples]
        ids = torch.cat(samples).long().to(device)
        positions = torch.cat([torch.arange(n) for n in lengths]).to(device)
        # Without borders flash attention would look for them in the positions, and wait for the GPU, in every layer.
        told = len(lengths) > 1 or self.attention == segments.FLASH
        more = segments.told(lengths, device) if told else {}
        return self.engine(
            input_ids=ids[None], position_ids=positions[None], use_cache=False, logits_to_keep=keep, **more
        ).logits

    def _tried(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Two short samples, the same on all ranks."""
        draw = torch.Generator().manual_seed(0)
        high = min(1000, self.engine.module.config.get_text_config().vocab_size)
        first, second = (torch.randint(0, high, (_TRIED,), generator=draw) for _ in range(2))
        return first, second

    def _choose_attention(self) -> tuple[str, bool]:
        """The first way of attending under which a sample's logits are what they are when it stands alone."""
        model = self.engine.module
        first, second = self._tried()
        model.set_attn_implementation("eager")
        alone = self._logits([second], torch.arange(_TRIED, device=self.engine.device))
        for name in segments.candidates(model, self.engine.device.type, self.settings.micro_tokens):
            try:
                model.set_attn_implementation(name)
                kept = torch.arange(_TRIED, 2 * _TRIED, device=self.engine.device)
                same = self._alike(alone, self._logits([first, second], kept))
            except Exception:  # kernels that can't be loaded raise whatever their library raises
                same = False
            if self._agreed(same):
                return name, True
        name = "sdpa" if model._supports_sdpa else "eager"
        model.set_attn_implementation(name)
        return name, False

    def _same_loss(self) -> bool:
        """Whether the output layer's own loss is that of the model's logits."""
        _, sample = self._tried()
        kept = torch.arange(_TRIED - 1, device=self.engine.device)
        targets = sample[1:].to(self.engine.device)
        plain = functional.cross_entropy(self._logits([sample], kept).float(), targets, reduction="sum")
        try:
            chunked = self._chunked_loss([sample], kept, targets)
        except (RuntimeError, TypeError, IndexError, ValueError, AttributeError):
            return self._agreed(False)
        return self._agreed(chunked.dim() == 0 and self._alike(plain[None], chunked[None]))

    def _alike(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        tolerance = _TOLERANCE.get(one.dtype, 5e-2)
        return bool((one - other).float().norm() <= tolerance * one.float().norm())

    def _agreed(self, mine: bool) -> bool:
        """Whether all ranks say so: else they would part ways and wait for each other."""
        if self.settings.world == 1:
            return mine
        vote = torch.tensor([float(mine)], device=self.engine.device)
        torch.distributed.all_reduce(vote, op=torch.distributed.ReduceOp.MIN)
        return vote.item() > 0
