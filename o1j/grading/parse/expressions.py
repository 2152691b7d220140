"""Scalar expressions: sums of products of factors, and what a factor starts with."""

from .tokens import MAX_DEPTH, Tokens, is_word
from .tree import NotMaths, Tree, product
from .vocabulary import (
    ALIASES,
    CLOSING,
    CONTINUES,
    CURRENCIES,
    FONTS,
    FUNCTIONS,
    GREEK,
    LETTER_UNITS,
    OPENING,
    RELATIONS,
    SHORT_WORDS,
    TEXTS,
)


class Expressions(Tokens):
    """Rules for sums, products, groups and atoms."""

    def sum(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotMaths("too deep")
        terms = [self.term(first=True)]
        while True:
            token = self.peek()
            if token == "+":
                self.at += 1
                terms.append(self.term())
            elif token == "-":
                self.at += 1
                terms.append(("neg", self.term()))
            elif token in {r"\pm", r"\mp"}:
                self.at += 1
                terms.append((token[1:], self.term()))
            else:
                break
        self.depth -= 1
        return terms[0] if len(terms) == 1 else ("add", *terms)

    def term(self, first: bool = False) -> Tree:
        token = self.peek()
        if token == "-":
            self.at += 1
            return ("neg", self.term())
        if token == "+":
            self.at += 1
            return self.term()
        if token in {r"\pm", r"\mp"} and first:
            self.at += 1
            return (token[1:], self.term())
        tree = self.factor()
        while True:
            token = self.peek()
            if token in {"*", r"\cdot", r"\times", r"\ast", r"\bullet"}:
                self.at += 1
                tree = product(tree, self.signed_factor())
            elif token in {"/", r"\div"}:
                self.at += 1
                tree = ("div", tree, self.signed_factor())
            elif token in {r"\bmod", r"\mod"} or (token == "mod" and self.peek(1)):
                self.at += 1
                tree = ("fn", "mod", tree, self.signed_factor())
            elif self.begins_factor():
                if token[0].isdecimal() and (tree[-1] if tree[0] == "mul" else tree)[0] == "num":
                    raise NotMaths("two numbers side by side")
                tree = product(tree, self.factor())
            else:
                return tree

    def signed_factor(self) -> Tree:
        if self.accept("-"):
            return ("neg", self.signed_factor())
        if self.accept("+"):
            return self.signed_factor()
        return self.factor()

    def begins_factor(self) -> bool:
        """Whether the next token can go on an implicit product."""
        token = self.peek()
        if not token or token in CLOSING or token in RELATIONS or self.connective() is not None:
            return False
        if token == "|":
            return self.bars == 0
        if token == "(" and self.peek(1) in {r"\bmod", r"\mod", "mod"}:
            return False
        if token in OPENING or token[0].isdecimal() or token[0] == ".":
            return token not in {"..."}
        if token[0] == "\\":
            name = token[1:]
            if name in TEXTS:
                return self.peek(2) in {"i", "e"} and self.peek(3) == "}"
            return name in CONTINUES or name in ALIASES or (name in FONTS and not self._unit_text())
        if is_word(token):
            return self.symbolic(token)
        return False

    def begins_factor_at(self, ahead: int) -> bool:
        """`begins_factor` for a later token."""
        self.at += ahead
        begins = self.begins_factor()
        self.at -= ahead
        return begins

    def _unit_text(self) -> bool:
        """Whether `\\mathrm{…}` at the cursor holds a word or a unit and not one symbol."""
        if self.peek(1) != "{" or self.peek() in {r"\vec", r"\mathbb"}:
            return False
        inner = self.peek(2)
        if len(inner) == 1:
            return self.peek() == r"\mathrm" and inner in LETTER_UNITS
        return is_word(inner) and inner not in FUNCTIONS

    def symbolic(self, word: str) -> bool:
        """Whether a run of letters is a product of symbols or a function rather than a word or a unit."""
        if not word.isascii():
            return len(word) == 1 and not "\u4e00" <= word <= "\u9fff" and word.isalpha() and ord(word) < 0x500
        if word in FUNCTIONS or word in ALIASES or word in {"pi", "infty", "infinity", "inf", "oo"} or word in GREEK:
            return True
        if len(word) == 1:
            return not (self.spaced[self.at] and word in LETTER_UNITS and self._plain and not self.peek(1))
        return len(word) <= 3 and word.lower() not in SHORT_WORDS

    def factor(self) -> Tree:
        tree = self.atom()
        return self.postfix(tree)

    def atom(self) -> Tree:
        token = self.take()
        if token[0].isdecimal() or (token[0] == "." and len(token) > 1 and token[1].isdecimal()):
            return self.number(token)
        if token[0] == "\\":
            return self.command(token)
        if is_word(token):
            return self.word(token)
        if token in {"(", "["}:
            return self.bracket(token)
        if token == "{":
            self.at -= 1
            return self.group_atom()
        if token == "|":
            return self.bar("|")
        if token in CURRENCIES:
            return self.atom()
        if token == "...":
            return ("var", "...")
        raise NotMaths(f"unexpected {token!r}")

    def group_atom(self) -> Tree:
        return self.choose() or self.group()

    def group(self) -> Tree:
        """The contents of `{…}` as one expression; a list in braces is a list."""
        self.expect("{")
        if self.accept("}"):
            raise NotMaths("empty group")
        bars, self.bars = self.bars, 0
        tree = self.items(("}",))
        tree = self.condition(tree, ("}",))
        self.expect("}")
        self.bars = bars
        return tree

    def argument(self) -> Tree:
        """A TeX argument: a group, one digit of a number (`\\frac43`), or one command."""
        token = self.peek()
        if token == "{":
            return self.group()
        if len(token) > 1 and (token[0].isdecimal() or token[0].isalpha()):
            self.split_token()
        return self.atom()

    def choose(self) -> Tree | None:
        """`{n \\choose k}`."""
        depth, index = 0, self.at
        while index < len(self.tokens):
            token = self.tokens[index]
            depth += (token == "{") - (token == "}")
            if depth == 0:
                return None
            if depth == 1 and token == r"\choose":
                break
            index += 1
        else:
            return None
        self.expect("{")
        top = self.sum()
        self.expect(r"\choose")
        bottom = self.sum()
        self.expect("}")
        return ("fn", "binom", top, bottom)

    def bar(self, opening: str) -> Tree:
        self.bars += 1
        tree = self.sum()
        self.expect("|" if opening == "|" else opening.replace(r"\l", r"\r"))
        self.bars -= 1
        return ("fn", "abs", tree)
