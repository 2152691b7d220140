"""JSON as o1j reads and writes it: fast where it can be, exact for integers of any size, strict about NaN."""

import json
import re
from typing import Any, NoReturn

import orjson

_DIGITS_ONLY = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_LONG_NUMBER = b"0" * 19  # 64-bit integers have at most 19 digits; orjson turns longer ones into floats


def loads(line: bytes) -> Any:
    """Parse one JSON text; raises ValueError that says what is wrong.

    orjson does nearly all of them. Lines with very long digit runs, and those that orjson refuses (lone
    surrogates, say), get a second reading by the standard library, which keeps integers exact.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _exact(line, str(error))
    return _exact(line, "") if _LONG_NUMBER in line.translate(_DIGITS_ONLY) else value


def dumps(value: Any) -> bytes:
    """One compact JSON line without its newline; integers of any size, lone surrogates as escapes."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)
        if re.search("[\ud800-\udfff]", text):
            text = json.dumps(value, separators=(",", ":"), allow_nan=False, default=str)
        return text.encode()


def _exact(line: bytes, complaint: str) -> Any:
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(complaint or str(error)) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
