"""Matrix arithmetic on trees: sums, products and multiples of matrices written out, so that they can be compared."""

from fractions import Fraction

from .parse import Tree

MAX_ENTRIES = 64


def evaluate(tree: Tree) -> Tree:
    """A tree in which sums, products and quotients of matrices are carried out; anything else as it is."""
    if tree[0] not in {"add", "mul", "neg", "div", "pow"}:
        return tree
    parts = [evaluate(part) for part in tree[1:]]
    if all(part[0] != "mat" for part in parts):
        return tree
    if tree[0] == "neg":
        return _each(parts[0], lambda entry: ("neg", entry))
    if tree[0] == "div" and parts[1][0] != "mat":
        return _each(parts[0], lambda entry: ("div", entry, parts[1]))
    if tree[0] == "pow" and parts[1][0] == "num" and parts[1][2] == 0 and 1 <= parts[1][1] <= 8:
        parts = [parts[0]] * int(parts[1][1])
    elif tree[0] not in {"add", "mul"}:
        return tree
    result = parts[0]
    for part in parts[1:]:
        combined = _add(result, part) if tree[0] == "add" else _multiply(result, part)
        if combined is None:
            return tree
        result = combined
    return result


def _each(matrix: Tree, change) -> Tree:
    return ("mat", *(tuple(change(entry) for entry in row) for row in matrix[1:]))


def _add(a: Tree, b: Tree) -> Tree | None:
    if a[0] != "mat" or b[0] != "mat" or [len(row) for row in a[1:]] != [len(row) for row in b[1:]]:
        return None
    rows = zip(a[1:], b[1:], strict=True)
    return ("mat", *(tuple(("add", x, y) for x, y in zip(row_a, row_b, strict=True)) for row_a, row_b in rows))


def _multiply(a: Tree, b: Tree) -> Tree | None:
    if a[0] != "mat" and b[0] != "mat":
        return ("mul", a, b)
    if a[0] != "mat":
        return _each(b, lambda entry: ("mul", a, entry))
    if b[0] != "mat":
        return _each(a, lambda entry: ("mul", entry, b))
    rows, inner = a[1:], b[1:]
    if any(len(row) != len(inner) for row in rows) or len({len(row) for row in inner}) != 1:
        return None
    if len(rows) * len(inner[0]) > MAX_ENTRIES:
        return None
    zero: Tree = ("num", Fraction(0), 0)
    return (
        "mat",
        *(
            tuple(("add", zero, *(("mul", x, inner[k][j]) for k, x in enumerate(row))) for j in range(len(inner[0])))
            for row in rows
        ),
    )
