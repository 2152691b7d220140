"""What a run asked, got and paid."""

import re
from collections import Counter
from dataclasses import dataclass, field

from o1j.models.chat import Reply
from o1j.models.money import Price

_KINDS = 5  # of faults that are told of at the end


@dataclass(slots=True)
class Stats:
    """Counts of a run. asked: answered by the model now; cached: taken from the store (or asked once for several);
    failed: no reply; retried: requests sent again; faults: replies that are no answers, by `Reply.fault`; failures: for
    each kind of fault that left requests without a reply, how many, and what it said last. Tokens: those paid now, and
    those the store saved; usd and saved_usd: the same in money, None where the price is not known. replayed: a
    recording answers, so that nothing is asked or paid."""

    replayed: bool = False
    asked: int = 0
    cached: int = 0
    failed: int = 0
    retried: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    prompt_tokens: int = 0
    tokens: int = 0
    saved_prompt_tokens: int = 0
    saved_tokens: int = 0
    usd: float | None = None
    saved_usd: float | None = None

    def count(self, reply: Reply, price: Price | None) -> None:
        """Add the reply's tokens to those paid, or to those that the store saved."""
        usd = price.of(reply.prompt_tokens or 0, reply.tokens or 0) if price else 0.0
        if reply.cached:
            self.cached += 1
            self.saved_prompt_tokens += reply.prompt_tokens or 0
            self.saved_tokens += reply.tokens or 0
            if self.saved_usd is not None:
                self.saved_usd += usd
        else:
            self.prompt_tokens += reply.prompt_tokens or 0
            self.tokens += reply.tokens or 0
            if self.usd is not None:
                self.usd += usd

    def came_to_nothing(self, fault: str) -> None:
        """Count a request that got no reply, in the fault's own words."""
        self.failed += 1
        kind = re.split(r" \(|: ", fault, maxsplit=1)[0]
        self.failures[kind] = (self.failures.get(kind, (0, ""))[0] + 1, fault)

    def failure_lines(self) -> list[str]:
        """Why requests got no reply, most frequent first: `no reply to 3 requests: http://h/v1 answers 502`."""
        most = sorted(self.failures.values(), key=lambda one: -one[0])[:_KINDS]
        return [f"no reply to {count:,} request{'s' * (count > 1)}: {fault}" for count, fault in most]

    def as_dict(self) -> dict:
        return {name: getattr(self, name) for name in self.__slots__}

    def line(self) -> str:
        """For the end of stderr: `asked 3, from cache 7, failed 0; no answer in 1 (truncated 1); 120 prompt + 950
        completion tokens (saved 300 + 2,200); $0.01 spent, $0.02 saved`."""
        met = Counter(self.faults)
        told = ", ".join(f"{name} {count:,}" for name, count in met.most_common())
        faults = f"; no answer in {met.total():,} ({told})" if met else ""
        if self.replayed:
            return (
                f"replayed {self.asked + self.cached:,}, failed {self.failed:,}{faults}; {self.prompt_tokens:,} prompt "
                f"+ {self.tokens:,} completion tokens recorded, nothing asked or spent"
            )
        again = f", {self.retried:,} retries" if self.retried else ""
        saved = (
            f" (saved {self.saved_prompt_tokens:,} + {self.saved_tokens:,})"
            if self.saved_prompt_tokens or self.saved_tokens
            else ""
        )
        money = (
            f"${self.usd:,.2f} spent, ${self.saved_usd:,.2f} saved" if self.usd is not None else "USD unknown (--price)"
        )
        return (
            f"asked {self.asked:,}, from cache {self.cached:,}, failed {self.failed:,}{again}{faults}; "
            f"{self.prompt_tokens:,} prompt + {self.tokens:,} completion tokens{saved}; {money}"
        )
