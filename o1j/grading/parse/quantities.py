"""Scalars with what they count: currencies before, units and words after; ratios."""

import re
from fractions import Fraction

from .tokens import Tokens, is_word
from .tree import NotMaths, Tree
from .vocabulary import CONDITIONS, CURRENCIES, DEGREE_WORDS, GREEK, MONTHS, PERCENT_WORDS, SCALES, TEXTS


class Quantities(Tokens):
    """Rules for a value and its unit."""

    def quantity(self) -> Tree:
        """A set expression, ratio or scalar with the unit that follows it."""
        if self.peek() in CURRENCIES:
            unit = CURRENCIES[self.take()]
            return ("unit", self._scaled(self.sets()), unit)
        if self.peek() in {"-", "+"} and self.peek(1) in CURRENCIES:
            sign, unit = self.take(), CURRENCIES[self.take()]
            inner = self.sets()
            return ("unit", ("neg", inner) if sign == "-" else inner, unit)
        tree = self.sets()
        return self.unit_after(tree)

    def _scaled(self, tree: Tree) -> Tree:
        """The amount behind a currency sign with the word that scales it: `$3 million`."""
        scale = SCALES.get(self.peek().lower())
        if scale is None or self.peek(1):
            return tree
        self.at += 1
        return ("mul", tree, ("num", Fraction(scale), 0))

    def unit_after(self, tree: Tree) -> Tree:
        start = self.at
        words: list[str] = []
        while self.connective() is None:
            token = self.peek()
            if token in CURRENCIES and not words:
                self.at += 1
                words.append(CURRENCIES[token])
            elif token[:1] == "\\" and token[1:] in TEXTS | {"mathrm", "operatorname", "rm", "mathbf"}:
                self.at += 1
                words.append(self.raw_group())
            elif is_word(token):
                self.at += 1
                words.append(token)
            elif words and token == "^":
                self.at += 1
                words.append("^" + self.raw_group())
            elif words and token in {"/", r"\cdot", ".", "(", ")", "-", "'", "*"}:
                self.at += 1
                words.append(token if token != r"\cdot" else "*")
            else:
                break
        if not words:
            return tree
        unit = " ".join(words).replace(" ^", "^").strip()
        unit = re.sub(r"\s*([/*^.()-])\s*", r"\1", unit)
        if not unit:
            return tree
        if is_word(self.tokens[start]) and (tree[0] in {"var", "fn"} or self._ends_on_word(start)):
            raise NotMaths("words")
        low = unit.lower().strip(". ()")
        if low.partition(" ")[0] in CONDITIONS | MONTHS:
            raise NotMaths("a condition or a date")
        if low in PERCENT_WORDS or low.startswith("%"):
            unit = "%"
        elif low in DEGREE_WORDS:
            unit = "deg"
        elif low.lstrip() in {"and", "or"}:
            raise NotMaths("dangling connective")
        return ("unit", tree, unit)

    def _ends_on_word(self, start: int) -> bool:
        """Whether a word stands before the unit, read as a product of its letters: "the first", "an ellipse"."""
        word = self.tokens[start - 1] if start else ""
        return is_word(word) and len(word) > 1 and word not in {"pi"} | GREEK

    def ratio(self) -> Tree:
        parts = [self.sum()]
        while self.peek() in {":", r"\colon"} and self.peek(1) not in {"", "="} and not self.bars:
            self.at += 1
            parts.append(self.sum())
        return parts[0] if len(parts) == 1 else ("ratio", *parts)
