"""Records in: JSON lines (plain, gzip, zstandard), JSON arrays, Parquet, and data sets of the hub, one at a time."""

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from o1j.errors import InputError, O1jError, Unavailable, need
from o1j.records.array import is_array, read_array
from o1j.records.files import PACKED, open_input
from o1j.records.json import dumps, loads, not_json
from o1j.records.record import Record, resolve

HUB = "hf://datasets/"
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)  # what reading a compressed file that is cut short raises
_AN_ARRAY = "jq -c '.[]' makes lines of an array, and a .json file that holds one is read as it is"
_MAGIC = {  # how files begin that are no lines, or not yet, and what to do about it
    b"\x1f\x8b": "this is gzip: unpack it first (zcat), or name a file that ends in .gz",
    b"\x28\xb5\x2f\xfd": "this is zstandard: unpack it first (zstdcat), or name a file that ends in .zst",
    b"PAR1": "this is Parquet, which is read from a file that ends in .parquet",
    b"\xff\xfe": "this is UTF-16: iconv -f utf-16 -t utf-8 makes UTF-8 of it",
}
_BLOCK = 1 << 19  # bytes; a worker keeps a block in its processor's cache


def read(path: str = "-", mapping: Iterable[tuple[str, str]] = ()) -> Iterator[Record]:
    """Yield the records of `path` (`-`: stdin) with canonical names resolved; `mapping` is `--map`'s.

    Raises InputError naming file and line at the first bad one, after all before it were yielded; Unavailable
    where the file, the data set or the package that reads it can't be reached.
    """
    mapping = tuple(mapping)
    if path.startswith(HUB):
        records = _strict(_hub(path))
    elif path.endswith(".parquet"):
        records = _strict(_parquet(path))
    elif is_array(path):
        records = read_array(path)
    else:
        records = _lines(path)
    return (resolve(record, mapping) for record in records)


class Block(NamedTuple):
    """Whole lines of an input for workers to `parse`: `data`, or those that begin in the bytes from `begin` to `end` of
    the plain file `path`. `first` is the number of the first line, counted in the block alone if that lies in a file's
    middle, where nobody knows better yet."""

    first: int
    data: bytes = b""
    path: str = ""
    begin: int = 0
    end: int = 0

    def lines(self) -> list[bytes]:
        """The lines with their newlines; Unavailable where the file has gone meanwhile."""
        if not self.path:
            return list(io.BytesIO(self.data))
        with open_input(self.path, 1 << 16) as stream:
            if self.begin:
                stream.seek(self.begin - 1)
                if not stream.readline(self.end - self.begin + 1).endswith(b"\n"):
                    return []  # inside a line that is longer than the block
            size = self.end - stream.tell()
            # `readlines` goes on until it has more bytes than it was told; told 0, it never stops.
            return stream.readlines(size - 1) if size > 1 else [stream.readline()] if size else []


def is_plain(path: str) -> bool:
    """Whether `path` is a file of lines that can be read from anywhere, more than once."""
    return os.path.isfile(path) and not path.endswith((*PACKED, ".parquet")) and not is_array(path)


def blocks(path: str) -> Iterator[Block]:
    """The input as blocks of whole lines.

    Of a pipe, a block holds what has come so far, at most about half a megabyte: a slow one isn't waited for. Records
    that don't come from lines (an array, Parquet, the hub) are written as lines. Raises what `read` raises.
    """
    if path.startswith(HUB) or path.endswith(".parquet") or is_array(path):
        yield from _written(path)
    elif is_plain(path):
        with open_input(path) as stream:
            size = os.fstat(stream.fileno()).st_size
        for begin in range(0, size, _BLOCK):
            # Number 1 is the input's first line alone: a byte order mark may stand there and nowhere else.
            yield Block(2 if begin else 1, path=path, begin=begin, end=min(begin + _BLOCK, size))
    else:
        yield from _come(path)


def _written(path: str) -> Iterator[Block]:
    number, lines = 1, []
    try:
        for record in read(path):
            lines.append(dumps(record.on_disk()) + b"\n")
            if len(lines) == 256:
                yield Block(number, b"".join(lines))
                number, lines = number + 256, []
    except O1jError:
        yield Block(number, b"".join(lines))
        raise
    if lines:
        yield Block(number, b"".join(lines))


def _come(path: str) -> Iterator[Block]:
    number, rest = 1, b""
    with open_input(path) as stream:
        try:
            while data := stream.read1(_BLOCK):
                whole, newline, tail = data.rpartition(b"\n")
                if not newline:
                    rest += data
                    continue
                block = rest + whole + newline
                rest = tail
                yield Block(number, block)
                number += block.count(b"\n")
        except DAMAGE as error:  # `rest` is half a line
            raise _damaged(name_of(path), number, error) from error
    if rest:
        yield Block(number, rest)


def parse(lines: Iterable[bytes], name: str, first: int = 1) -> Iterator[Record]:
    """The records in `lines`, which are those of `name` from number `first` on; names not yet resolved.

    Raises InputError at a line that is no JSON object.
    """
    number = first - 1
    try:
        for number, line in enumerate(lines, first):
            if number == 1 and line.startswith(b"\xef\xbb\xbf"):
                line = line[3:]
            if line.isspace():
                continue
            try:
                fields = loads(line)
            except ValueError as error:
                remedy = _AN_ARRAY if line.lstrip()[:1] == b"[" else "mend or remove it"
                if number == 1:
                    remedy = next((told for magic, told in _MAGIC.items() if line.startswith(magic)), remedy)
                raise InputError(f"{name}:{number}: not a JSON line ({error}); {remedy}") from error
            if type(fields) is not dict:
                remedy = f"; {_AN_ARRAY}" if type(fields) is list else ""
                raise InputError(f"{name}:{number}: a record is a JSON object, this is {_kind(fields)}{remedy}")
            yield Record(fields, raw=line, source=name, line=number)
    except DAMAGE as error:
        raise _damaged(name, number + 1, error) from error


def name_of(path: str) -> str:
    """What messages call the input."""
    return "<stdin>" if path == "-" else path


def _lines(path: str) -> Iterator[Record]:
    with open_input(path) as stream:
        yield from parse(stream, name_of(path))


def _damaged(name: str, number: int, error: Exception) -> InputError:
    return InputError(f"{name}:{number}: the file is damaged or cut short ({error})")


def _parquet(path: str) -> Iterator[Record]:
    parquet = need("pyarrow.parquet", "data", "reading Parquet")
    arrow = need("pyarrow", "data", "reading Parquet")
    number = 0
    try:
        with parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=512):
                for fields in batch.to_pylist():
                    number += 1
                    yield Record(fields, source=path, line=number)
    except FileNotFoundError as error:
        raise Unavailable(f"{path}: no such file") from error
    except arrow.ArrowException as error:
        raise InputError(f"{path}:{number + 1}: not a readable Parquet file ({error})") from error


def _strict(records: Iterable[Record]) -> Iterator[Record]:
    """`records`, which come from no JSON text, up to the first that holds what none may hold."""
    for record in records:
        for name, value in record.items():
            if type(value) is not str and (number := not_json(value)):
                raise InputError(f"{record.where}: `{name}` holds {number}, which is not JSON; make it null")
        yield record


def _hub(path: str) -> Iterator[Record]:
    """`hf://datasets/OWNER/NAME[@REV][/SPLIT]`, streamed; SPLIT defaults to train."""
    datasets = need("datasets", "data", "reading from the hub")
    parts = path[len(HUB) :].split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise Unavailable(f"{path}: expected {HUB}OWNER/NAME[@REV][/SPLIT]")
    name, _, revision = parts[1].partition("@")
    split = parts[2] if len(parts) == 3 else "train"
    try:
        rows = datasets.load_dataset(f"{parts[0]}/{name}", revision=revision or None, split=split, streaming=True)
        for number, fields in enumerate(rows, 1):
            yield Record(fields, source=path, line=number)
    except Exception as error:  # the HTTP clients below have errors of their own, which change with the versions
        reason = str(error).strip().partition("\n")[0]
        raise Unavailable(
            f"{path}: {reason}; check the name, split and network, or HF_TOKEN for a gated set"
        ) from error


def _kind(value: object) -> str:
    return {list: "a list", str: "a string", type(None): "null", bool: "a boolean"}.get(type(value), "a number")
