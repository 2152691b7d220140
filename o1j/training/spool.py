"""Samples on disk between the process that reads them and the ranks that learn from them."""

from pathlib import Path

import numpy

from o1j.training.chat import Sample


def write(path: Path, samples: list[Sample], units: list[list[int]]) -> None:
    """Store samples and the units they are batched by, as flat arrays with their lengths."""
    numpy.savez(
        path,
        ids=numpy.concatenate([sample.tokens for sample in samples]),
        learned=numpy.concatenate([sample.marks for sample in samples]),
        lengths=numpy.array([len(sample) for sample in samples], dtype=numpy.int64),
        units=numpy.array([i for unit in units for i in unit], dtype=numpy.int64),
        unit_sizes=numpy.array([len(unit) for unit in units], dtype=numpy.int64),
    )


class Spool:
    """What `write` stored: `ids[i]`, `learned[i]` are arrays of sample i."""

    def __init__(self, path: Path):
        with numpy.load(path) as stored:
            self.lengths = stored["lengths"].tolist()
            borders = numpy.cumsum(self.lengths)[:-1]
            self.ids = numpy.split(stored["ids"], borders)
            self.learned = numpy.split(stored["learned"], borders)
            units = numpy.split(stored["units"], numpy.cumsum(stored["unit_sizes"])[:-1])
        self.units = [unit.tolist() for unit in units]
        self.targets = [int(mask[1:].sum()) for mask in self.learned]
