"""Numbers in digits: whole, decimal, repeating, mixed."""

from fractions import Fraction

from .tokens import Tokens
from .tree import NotMaths, Tree


class Numbers(Tokens):
    """Rules for what begins with a digit."""

    def number(self, token: str) -> Tree:
        whole, _, decimals = token.partition(".")
        if "." not in token and self.peek() == "." and self.peek(1) in {r"\overline", r"\dot", r"\bar", r"\dots"}:
            self.at += 1
            decimals, token = "", token + "."
        if "." in token:
            repeating = self._repeating()
            if repeating:
                return _repeating_decimal(whole or "0", decimals, repeating)
            if self.peek() in {"...", r"\ldots", r"\dots", r"\cdots"}:
                block = _visible_period(decimals)
                if block:
                    self.at += 1
                    return _repeating_decimal(whole or "0", decimals, block)
                self.at += 1
            return ("num", Fraction(f"{whole or 0}.{decimals or 0}"), len(decimals))
        if len(token) > 6000:
            raise NotMaths("number too long")
        if token[0] == "0" and len(token) > 1:
            return ("fn", "digits", ("num", Fraction(int(token)), 0), token)
        return self.mixed(("num", Fraction(int(token)), 0))

    def _repeating(self) -> str:
        """The repeating block after a decimal point: `\\overline{3}`, `\\dot{1}2\\dot{3}`, or empty."""
        if self.peek() in {r"\overline", r"\bar"} and self.peek(1) == "{" and self.peek(2).isdecimal():
            self.at += 1
            return self.raw_group()
        if self.peek() == r"\dot":
            self.at += 1
            first = self.raw_group()
            middle = self.take() if self.peek().isdecimal() and self.peek(1) == r"\dot" else ""
            if self.accept(r"\dot"):
                return first + middle + self.raw_group()
            return first
        return ""

    def mixed(self, whole: Tree) -> Tree:
        """A whole number with a proper fraction right after it is their sum: `1\\frac{4}{5}`, `1 1/2`."""
        start = self.at
        if self.peek() in {r"\frac", r"\dfrac", r"\tfrac"}:
            try:
                part = self.command(self.take())
            except NotMaths:
                part = None
            if part and part[0] == "div" and _proper(part):
                return ("add", whole, part)
            self.at = start
        elif (
            self.peek().isdecimal()
            and self.spaced[self.at]
            and self.peek(1) == "/"
            and self.peek(2).isdecimal()
            and int(self.peek()[:9]) < int(self.peek(2)[:9])
        ):
            top, _, bottom = self.take(), self.take(), self.take()
            return ("add", whole, ("div", ("num", Fraction(int(top)), 0), ("num", Fraction(int(bottom)), 0)))
        return whole


def _proper(fraction: Tree) -> bool:
    """Whether a quotient is one of whole numbers with the smaller one on top."""
    top, bottom = fraction[1], fraction[2]
    return top[0] == bottom[0] == "num" and top[2] == bottom[2] == 0 and top[1] < bottom[1]


def _repeating_decimal(whole: str, decimals: str, block: str) -> Tree:
    """The exact value of whole.decimals followed by `block` for ever."""
    if not block.isdecimal() or len(decimals) + len(block) > 200:
        raise NotMaths("repeating block")
    head = Fraction(f"{whole}.{decimals or 0}")
    tail = Fraction(int(block), (10 ** len(block) - 1) * 10 ** len(decimals))
    return ("fn", "exact", ("num", head + tail, 0))


def _visible_period(decimals: str) -> str:
    """The block that the end of `decimals` shows at least three times (twice for long ones), or empty."""
    for size in range(1, min(12, len(decimals) // 2) + 1):
        block = decimals[-size:]
        times = 3 if size < 3 else 2
        if decimals.endswith(block * times):
            return block
    return ""
