"""Records in: JSON lines (plain, gzip, zstandard), Parquet, and data sets of the hub, one at a time."""

import gzip
import zlib
from collections.abc import Iterable, Iterator

from o1j.errors import InputError, Unavailable, need
from o1j.records.files import open_input
from o1j.records.json import loads
from o1j.records.record import Record, resolve

HUB = "hf://datasets/"


def read(path: str = "-", mapping: Iterable[tuple[str, str]] = ()) -> Iterator[Record]:
    """Yield the records of `path` (`-`: stdin) with canonical names resolved; `mapping` is `--map`'s.

    Raises InputError naming file and line at the first bad one, after all before it were yielded; Unavailable
    where the file, the data set or the package that reads it can't be reached.
    """
    mapping = tuple(mapping)
    if path.startswith(HUB):
        records = _hub(path)
    elif path.endswith(".parquet"):
        records = _parquet(path)
    else:
        records = _lines(path)
    return (resolve(record, mapping) for record in records)


def _lines(path: str) -> Iterator[Record]:
    name = "<stdin>" if path == "-" else path
    number = 0
    with open_input(path) as stream:
        try:
            for number, line in enumerate(stream, 1):
                if number == 1 and line.startswith(b"\xef\xbb\xbf"):
                    line = line[3:]
                if line.isspace():
                    continue
                try:
                    fields = loads(line)
                except ValueError as error:
                    raise InputError(f"{name}:{number}: not a JSON line ({error}); mend or remove it") from error
                if type(fields) is not dict:
                    raise InputError(f"{name}:{number}: a record is a JSON object, this is {_kind(fields)}")
                yield Record(fields, raw=line, source=name, line=number)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{name}:{number + 1}: the file is damaged or cut short ({error})") from error


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
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise Unavailable(
            f"{path}: {reason}; check the name, split and network, or HF_TOKEN for a gated set"
        ) from error


def _kind(value: object) -> str:
    return {list: "a list", str: "a string", type(None): "null", bool: "a boolean"}.get(type(value), "a number")
