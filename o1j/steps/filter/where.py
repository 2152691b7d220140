"""`--where EXPR`: a condition over record fields, evaluated by simpleeval: no builtins, no imports, no eval."""

import ast
import keyword
import re
from collections.abc import Callable, Mapping
from typing import Any

import regex
import simpleeval

from o1j.errors import InputError, UsageError

_LONGEST_SEARCH = 1.0  # seconds for one matches(): patterns can be slow on texts made for that
_DEEPEST = 50  # operators inside one another
_MOST_DIGITS = 30
_TOLD = 80  # characters of an expression that messages repeat


def _matches(text: Any, pattern: str) -> bool:
    return regex.search(pattern, "" if text is None else str(text), timeout=_LONGEST_SEARCH) is not None


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):  # "%999999999d" % 1 takes a gigabyte
        raise TypeError("% is for numbers")
    return left % right


def _len(value: Any) -> int:
    return 0 if value is None else len(value)


def _lower(text: Any) -> str:
    return "" if text is None else str(text).lower()


def _round(number: Any, digits: int = 0) -> Any:
    if abs(digits) > _MOST_DIGITS:  # round(5, -10**9) computes 10**10**9
        raise ValueError(f"round() takes at most {_MOST_DIGITS} digits")
    return round(number, digits) if digits else round(number)


def _words(text: Any) -> int:
    return 0 if text is None else len(str(text).split())


def _times(left: Any, right: Any) -> Any:
    if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        raise TypeError("* is for numbers")  # simpleeval takes minutes to find the size of a list of lists
    return simpleeval.safe_mult(left, right)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": _len,
    "int": int,
    "float": float,
    "str": str,
    "abs": abs,
    "round": _round,
    "min": min,
    "max": max,
    "sum": sum,
    "any": any,
    "all": all,
    "lower": _lower,
    "words": _words,
    "matches": _matches,
}
_FIELD = "field"  # field("year-of"): a name that is no name in an expression
_TEXT_METHODS = {"startswith", "endswith", "lower", "upper", "strip", "count", "isdigit", "split"}
_METHODS = {str: _TEXT_METHODS, dict: {"get"}, list: {"count"}, type(None): set()}
_EVERY_METHOD = set().union(*_METHODS.values())
_JSON = {"true": True, "false": False, "null": None}
# What people write who come from another language, and what it is here.
_ELSEWHERE = {"&&": "and", "||": "or", "=~": "matches(text, pattern)", "===": "==", "<>": "!=", "!": "not"}
_MEANT = re.compile("|".join(map(re.escape, _ELSEWHERE)) + r"(?!=)")
_USABLE = {"and", "or", "not", "in", "is", "if", "else", "for", "True", "False", "None"}
_KEYWORD = re.compile(rf"\b(?:{'|'.join(sorted(set(keyword.kwlist) - _USABLE))})\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_CALLED = {ast.JoinedStr: "an f-string", ast.NamedExpr: ":=", ast.Lambda: "lambda", ast.Yield: "yield"}


_SORRY = re.compile(r"^Sorry[,!]?\s*")


class _Fields:
    """Names in an expression: fields of the record, None for one that it lacks; true, false and null as in JSON."""

    def __init__(self, record: Mapping[str, Any]):
        self.record = record

    def __getitem__(self, name: str) -> Any:
        value = self.record.get(name)
        return _JSON.get(name) if value is None else value


class Where:
    """Drops records for which the expression does not hold. The expression may use the record's fields by name,
    field("a name") for other names, comparisons, arithmetic, `and or not in if`, text methods (startswith, lower …),
    lists, subscripts (meta["year"]), and len int float str abs round min max sum any all lower words
    matches(text, pattern). A missing field is None; where one keeps the expression from being computed, or a list or
    object lacks the element, it does not hold."""

    def __init__(self, expression: str):
        """Raises UsageError where `expression` can't be parsed, or uses what it may not."""
        self.expression = expression
        self._told = expression if len(expression) <= _TOLD else expression[:_TOLD] + "…"
        self._evaluator = simpleeval.EvalWithCompoundTypes(
            operators={**simpleeval.DEFAULT_OPERATORS, ast.Mod: _modulo, ast.Mult: _times},
            functions={**FUNCTIONS, _FIELD: self._field},
            allowed_attrs=_METHODS,
        )
        try:
            if len(ast.parse(expression.strip()).body) > 1:
                raise ValueError("more than one expression; `and` joins two")
            self._tree = self._evaluator.parse(expression)
            self._names = self._checked(self._tree)
        except (RecursionError, MemoryError) as error:
            raise UsageError(f"--where {self._told!r}: nested too deeply") from error
        except SyntaxError as error:
            raise UsageError(f"--where {self._told!r}: {_position(error, expression)}") from error
        except (simpleeval.InvalidExpression, ValueError) as error:
            raise UsageError(f"--where {self._told!r}: {_first_line(error)}") from error

    @property
    def fields(self) -> list[str]:
        """The names of fields that the expression reads."""
        return sorted(self._names)

    def __call__(self, record: Mapping[str, Any]) -> str | None:
        return None if self.holds(record) else "where"

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether the expression is true of `record`; raises InputError where its values don't allow to say."""
        self._evaluator.names = _Fields(record)
        try:
            return bool(self._evaluator.eval(self.expression, previously_parsed=self._tree))
        except LookupError:
            return False
        except (TypeError, ValueError, ArithmeticError, simpleeval.InvalidExpression) as error:
            if any(record.get(name) is None for name in self._names):
                return False
            raise self._failure(record, _first_line(error)) from error
        except TimeoutError as error:
            raise self._failure(record, f"matches() took more than {_LONGEST_SEARCH:.0f} s") from error
        except regex.error as error:
            raise UsageError(f"--where {self._told!r}: not a pattern: {error}") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return Where, (self.expression,)  # workers parse the expression anew

    def _field(self, name: str) -> Any:
        """The record's field `name`, which may be no name in Python."""
        return self._evaluator.names.record.get(name)

    def _checked(self, tree: ast.AST) -> set[str]:
        """The field names in `tree`, after making sure that all else in it is known."""
        if _depth(tree) > _DEEPEST:
            raise RecursionError
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        for name in sorted(called - FUNCTIONS.keys() - {_FIELD}):
            raise ValueError(f"no function {name}; there are {', '.join((*FUNCTIONS, _FIELD))}")
        bound = set()
        methods = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AugAssign)):
                raise ValueError("= assigns; == compares")
            if isinstance(node, ast.stmt) and not isinstance(node, ast.Expr):
                raise ValueError("not an expression")
            known = type(node) in self._evaluator.nodes or isinstance(node, ast.Starred)
            if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.expr) and not known):
                raise ValueError(f"{_CALLED.get(type(node), type(node).__name__)} is not available here")
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                raise ValueError(f"{node.attr}: names that begin with _ are not available")
            if isinstance(node, ast.Attribute) and node not in methods:
                raise ValueError(f'.{node.attr}: what is inside an object is written ["{node.attr}"]')
            if isinstance(node, ast.Attribute) and node.attr not in _EVERY_METHOD:
                raise ValueError(f".{node.attr}(): no such method; there are {', '.join(sorted(_EVERY_METHOD))}")
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return names - called - bound - {"True", "False", "None"} - _JSON.keys()

    def _failure(self, record: Mapping[str, Any], detail: str) -> InputError:
        place = getattr(record, "where", "record")
        return InputError(f"{place}: --where {self._told!r}: {detail}")


def _depth(tree: ast.AST) -> int:
    """How many nodes stand inside one another, found without recursion."""
    level, depth = [tree], 0
    while level := [child for node in level for child in ast.iter_child_nodes(node)]:
        depth += 1
    return depth


def _position(error: SyntaxError, expression: str) -> str:
    """What is wrong with `expression`, where, and what was perhaps meant."""
    unquoted = _QUOTED.sub(lambda text: "_" * len(text[0]), expression)
    if meant := _MEANT.search(unquoted):
        return f"{meant[0]} at character {meant.start() + 1}: write {_ELSEWHERE[meant[0]]}"
    if word := _KEYWORD.search(unquoted):
        return f'{word[0]} at character {word.start() + 1}: a field of that name is read by field("{word[0]}")'
    return f"{error.args[0]} at character {error.offset}" if error.offset else str(error.args[0])


def _first_line(error: BaseException) -> str:
    text = _SORRY.sub("", str(error).partition("\n")[0])
    if isinstance(error, TypeError) and "'str'" in text:
        text += " (a text; int() and float() make a number of it)"
    return text[: 3 * _TOLD]
