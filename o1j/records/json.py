"""JSON as o1j reads and writes it: fast where it can be, exact for integers of any size, strict about NaN."""

import json
import re
from base64 import b64encode
from math import isfinite, isinf
from typing import Any, NoReturn

import orjson

_HUGE = 2.0**63  # orjson turns integers that take more than 64 bits into floats of at least this size


def loads(line: bytes) -> Any:
    """Parse one JSON text; raises ValueError that says what is wrong.

    orjson does nearly all of them. Lines with a float so large that it may have been an integer, and those that
    orjson refuses (lone surrogates, say), get a second reading by the standard library, which keeps integers exact.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _exact(line, str(error))
    return _exact(line, "") if _holds_huge(value) else value


def dumps(value: Any) -> bytes:
    """One compact JSON line without its newline; integers of any size, lone surrogates as escapes."""
    try:
        return orjson.dumps(value, default=_as_text)
    except TypeError:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_as_text)
        if re.search("[\ud800-\udfff]", text):
            text = json.dumps(value, separators=(",", ":"), allow_nan=False, default=_as_text)
        return text.encode()


def _holds_huge(value: Any) -> bool:
    """Whether a float of integers' size is in `value`; a walk costs a fifth of looking for digits in the line."""
    waiting: list[Any] = [value] if type(value) is dict else [[value]]
    for container in waiting:
        for item in container.values() if type(container) is dict else container:
            kind = type(item)
            if kind is str:
                continue
            if kind is dict or kind is list:
                waiting.append(item)
            elif kind is float and not -_HUGE < item < _HUGE:
                return True
    return False


def not_json(value: Any) -> str:
    """The name of a number in `value` that JSON has no form for (NaN, Infinity, -Infinity), or nothing."""
    kind = type(value)
    if kind is float:
        return "" if isfinite(value) else json.dumps(value)
    if kind is dict or kind is list:
        return next(filter(None, map(not_json, value.values() if kind is dict else value)), "")
    return ""


def _exact(line: bytes, complaint: str) -> Any:
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(complaint or str(error)) from error


def _as_text(value: Any) -> str:
    """What JSON has no form for and Parquet holds: dates and decimals as written, bytes as UTF-8, else in base64."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return b64encode(value).decode("ascii")


def _finite(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError(f"{text} is larger than any float")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
