"""Micro-batches of samples laid end to end, and the loss of their learned tokens."""

from typing import Any

import torch
from torch.nn import functional

from o1j.training import segments
from o1j.training.plan import share
from o1j.training.settings import Settings
from o1j.training.spool import Spool


class Batches:
    """Runs this rank's share of each step through a DeepSpeed engine.

    A row holds whole samples, no padding; logits are computed only where a token is learned, which for short
    samples and a large vocabulary is most of the saving. Where the architecture would let samples in one row see
    each other (found out by trying), a row is one sample.
    """

    def __init__(self, engine: Any, spool: Spool, settings: Settings, rank: int):
        self.engine = engine
        self.spool = spool
        self.settings = settings
        self.rank = rank
        self.packed = self._keeps_apart()
        if not self.packed:
            engine.module.set_attn_implementation("sdpa" if engine.module._supports_sdpa else "eager")

    def learn(self, samples: list[int], targets: int) -> float:
        """Forward, backward and the optimizer's step; the sum of this rank's token losses.

        Every token weighs the same, whatever rank and micro-batch it falls into: the loss is divided by the whole
        step's `targets`. DeepSpeed averages gradients over ranks, so the number of ranks is put back in.
        """
        world = self.settings.world
        mine = share(samples, self.spool.lengths, world, self.settings.micro_tokens, not self.packed)[self.rank]
        self.engine.train()
        total = 0.0
        for k, micro in enumerate(mine):
            self.engine.set_gradient_accumulation_boundary(k == len(mine) - 1)
            loss = self._loss(micro)
            self.engine.backward(loss * (world / targets))
            self.engine.step()
            total += loss.item()
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
            return self._row([torch.from_numpy(ids)], [torch.ones(len(learned), dtype=torch.bool)]) * 0.0
        rows = [torch.from_numpy(self.spool.ids[i]) for i in micro]
        return self._row(rows, [torch.from_numpy(self.spool.learned[i]) for i in micro])

    def _row(self, samples: list[torch.Tensor], learned: list[torch.Tensor]) -> torch.Tensor:
        keep, targets = [], []
        at = 0
        for ids, mask in zip(samples, learned, strict=True):
            places = torch.nonzero(mask[1:]).squeeze(1)
            keep.append(places + at)
            targets.append(ids[1:][places])
            at += len(ids)
        logits = self._logits(samples, torch.cat(keep).to(self.engine.device))
        return functional.cross_entropy(logits.float(), torch.cat(targets).long().to(logits.device), reduction="sum")

    def _logits(self, samples: list[torch.Tensor], keep: torch.Tensor) -> torch.Tensor:
        """Logits (kept positions, vocabulary) of samples laid end to end."""
        device = self.engine.device
        lengths = [len(ids) for ids in samples]
        ids = torch.cat(samples).long().to(device)
        positions = torch.cat([torch.arange(n) for n in lengths]).to(device)
        more = {"segments": lengths} if len(lengths) > 1 else {}
        output = self.engine(
            input_ids=ids[None], position_ids=positions[None], use_cache=False, logits_to_keep=keep, **more
        )
        return output.logits[0]

    def _keeps_apart(self) -> bool:
        """Whether a sample's logits stay the same when another one shares its row; all ranks try the same row."""
        self.engine.eval()
        self.engine.module.set_attn_implementation(segments.NAME)
        draw = torch.Generator().manual_seed(0)
        high = min(1000, self.engine.module.config.get_text_config().vocab_size)
        first, second = (torch.randint(0, high, (12,), generator=draw) for _ in range(2))
        with torch.no_grad():
            try:
                alone = self._logits([second], torch.arange(12))
                beside = self._logits([first, second], torch.arange(12, 24))
            except (TypeError, ValueError, NotImplementedError):
                return False
        return torch.allclose(alone.float(), beside.float(), rtol=1e-2, atol=1e-3 * max(1.0, alone.abs().max().item()))
