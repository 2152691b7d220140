"""`\\begin{…}`: matrices, systems, definitions by cases."""

from .tokens import Tokens
from .tree import NotMaths, Tree
from .vocabulary import CONDITION_WORDS, TEXTS


class Environments(Tokens):
    """Rules for what is laid out in rows."""

    def environment(self) -> Tree:
        """A matrix, as rows of entries; other environments are not values."""
        kind = self.raw_group()
        if kind in {"cases", "aligned", "align", "align*", "gathered"}:
            return self.cases(kind)
        if kind not in {"pmatrix", "bmatrix", "matrix", "vmatrix", "Bmatrix", "array", "smallmatrix", "Vmatrix"}:
            raise NotMaths(kind)
        if kind == "array":
            self.raw_group()
        rows: list[tuple] = []
        row: list[Tree] = []
        bars, self.bars = self.bars, 0
        while self.peek() != r"\end":
            if self.accept("\\\\"):
                rows.append(tuple(row))
                row = []
            elif self.accept("&", r"\hline"):
                continue
            else:
                row.append(self.relation())
        self.take()
        self.raw_group()
        self.bars = bars
        if row:
            rows.append(tuple(row))
        rows = [row for row in rows if row]
        if not rows:
            raise NotMaths("empty matrix")
        tree: Tree = ("mat", *rows)
        return ("fn", "det", tree) if kind == "vmatrix" else tree

    def cases(self, kind: str) -> Tree:
        """The rows of a system or of a definition by cases: a list of statements, or of values with conditions."""
        items: list[Tree] = []
        row: list[Tree] = []
        while self.peek() != r"\end":
            if self.accept("\\\\"):
                items += case_items(row)
                row = []
            elif not self.accept("&", ",", ";") and not self._if():
                row.append(self.relation())
        self.take()
        if self.raw_group() != kind:
            raise NotMaths(kind)
        items += case_items(row)
        if not items:
            raise NotMaths("no cases")
        return items[0] if len(items) == 1 else ("list", *items)

    def _if(self) -> bool:
        """Step over the word before a condition: `\\text{if }`, `for`, `当`."""
        if self.peek()[1:] in TEXTS and self.peek(2) in CONDITION_WORDS and self.peek(3) == "}":
            self.at += 4
            return True
        return self.accept(*CONDITION_WORDS)


def case_items(row: list[Tree]) -> list[Tree]:
    """One row of cases: a statement, or a value with its condition."""
    if len(row) == 2 and row[1][0] == "rel" and row[0][0] != "rel":
        return [("where", *row)]
    return row
