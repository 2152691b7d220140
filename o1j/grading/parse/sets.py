"""Brackets of every kind and what they hold: tuples, intervals, sets, set builders, unions."""

from .environments import case_items
from .tokens import Tokens
from .tree import NotMaths, Tree
from .vocabulary import CLOSING


class Sets(Tokens):
    """Rules for collections in brackets, and for the operations between them."""

    def sets(self) -> Tree:
        tree = self.ratio()
        while True:
            if self.accept(r"\cup", r"\bigcup"):
                right = self.ratio()
                tree = (*tree, right) if tree[0] == "cup" else ("cup", tree, right)
            elif self.accept(r"\cap"):
                tree = ("cap", tree, self.ratio())
            elif self.accept(r"\setminus", r"\backslash"):
                tree = ("minus", tree, self.ratio())
            else:
                return tree

    def bracket(self, opening: str) -> Tree:
        bars, self.bars = self.bars, 0
        if self.peek() in {")", "]"}:
            raise NotMaths("empty brackets")
        tree = self.items((")", "]"))
        closing = self.expect(")", "]")
        self.bars = bars
        if tree[0] == "list":
            return ("seq", opening, closing, *tree[1:])
        if opening == "(" and closing == ")":
            return tree
        if opening == "[" and closing == "]":
            return tree
        raise NotMaths("brackets")

    def braces(self) -> Tree:
        if self.accept(r"\}", r"\rbrace"):
            return ("set",)
        if self.peek() == r"\begin" and self.peek(2) == "array" and not self._closes_brace():
            self.take()
            rows = self.environment()
            return ("list", *(item for row in rows[1:] for item in case_items(list(row))))
        bars, self.bars = self.bars, 0
        closing = (r"\}", r"\rbrace")
        built = self._set_builder()
        tree = self.builder(closing) if built else self.condition(self.items(closing), closing)
        self.expect(*closing)
        self.bars = bars
        if tree[0] == "list":
            return ("set", *tree[1:])
        return tree if tree[0] == "where" else ("set", tree)

    def _closes_brace(self) -> bool:
        """Whether a `\\}` follows; a system of equations has only the opening brace."""
        return any(token in {r"\}", r"\rbrace"} for token in self.tokens[self.at :])

    def _set_builder(self) -> bool:
        """Whether a colon or a single bar at this depth parts element and condition, as in `\\{x : x > 1\\}`."""
        depth = bars = 0
        for index in range(self.at, len(self.tokens)):
            token = self.tokens[index]
            if token in {"(", "[", "{", r"\{"}:
                depth += 1
            elif token in CLOSING:
                depth -= 1
                if depth < 0:
                    break
            elif depth == 0 and token in {":", r"\colon", r"\mid"}:
                return True
            elif depth == 0 and token in {"|", r"\vert"}:
                bars += 1
        return bars == 1

    def builder(self, closing: tuple[str, ...]) -> Tree:
        self.bars += 1
        element = self.relation()
        self.bars -= 1
        self.expect(":", r"\colon", "|", r"\vert", r"\mid")
        return ("where", element, self.items(closing))

    def condition(self, tree: Tree, closing: tuple[str, ...]) -> Tree:
        """In a set: `x \\mid condition` or `x : condition`."""
        if self.accept("|", r"\mid", r"\vert", ":", r"\colon"):
            return ("where", tree, self.items(closing))
        return tree
