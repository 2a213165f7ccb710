"""What is measured on single images: stored in blocks of an image set, and read by all who ask."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lensbench.api.predictor import Measure, Measurements, Table
from lensbench.api.samples import Samples
from lensbench.cells.answers import blind
from lensbench.errors import StoreError
from lensbench.files import StageReport
from lensbench.store import Store, key_of
from lensbench.store.arrays import map_arrays, write_arrays
from lensbench.store.closure import Closure, closure_of
from lensbench.store.manifests import keep_manifest
from lensbench.study.describe import Description, Numerics, describe_measurements
from lensbench.training.costs import measured

BLOCK = 64
"""Images measured together, in the order of their set. The last bits of a row may depend on the
images beside it, so these are always the same."""

KIND = "measurements"
"""Of the artefacts."""

_Place = tuple[str, int]
"""Key of an image set and an index in it."""


@dataclass(frozen=True)
class ImageSet:
    """Images that the store has.

    Attributes:
        key: Of the artefact.
        read: Returns them as samples.
    """

    key: str
    read: Callable[[], Samples]


class StoredMeasurements(Measurements):
    """Measures the images of a cell, or reads what the store has.

    Images are recognised by their pixels, since predictors see them in another order and under
    other names. Images of no set are measured as they come, and nothing of them is stored.

    Args:
        store: Where tables are kept.
        numerics: How they are computed.
        sets: The images that the cell looks at.
        watch: Called with every step.
        code_stands: Whether the source files are still those of the running code. Where they are
            not, nothing is stored or read.

    Attributes:
        seconds_saved: What the tables that were read, each once, had cost.
    """

    def __init__(
        self,
        store: Store,
        numerics: Numerics,
        sets: Iterable[ImageSet],
        watch: StageReport,
        code_stands: Callable[[], bool],
    ) -> None:
        self.seconds_saved = 0.0
        self._store = store
        self._numerics = numerics
        self._watch = watch
        self._code_stands = code_stands
        self._sets = list({one.key: one for one in sets}.values())
        self._samples: dict[str, Samples] = {}
        self._places: dict[bytes, _Place] = {}
        self._used: set[str] = set()

    def of(self, samples: Samples, measure: Measure, options: Any) -> Table:
        """The table of a measurement, of blocks that are made where the store lacks them."""
        places = self._find(samples) if self._code_stands() else None
        if places is None:
            return measure(blind(samples), options, self)
        wanted = sorted({(key, index // BLOCK) for key, index in places})
        blocks: dict[_Place, Table] = {}
        for key, number in wanted:
            blocks[key, number] = self._block(key, number, measure, options)
            self._watch(f"measuring by {measure.__name__}", len(blocks), len(wanted), "blocks")
        rows = [(blocks[key, index // BLOCK], index % BLOCK) for key, index in places]
        return {name: torch.stack([table[name][row] for table, row in rows]) for name in rows[0][0]}

    def _find(self, samples: Samples) -> Sequence[_Place] | None:
        """Where each image is; `None` where one is of no set, or there are none."""
        digests = _digests(samples)
        for one in self._sets:
            if all(digest in self._places for digest in digests):
                break
            if one.key not in self._samples:
                found = self._samples[one.key] = one.read()
                for index, digest in enumerate(_digests(found)):
                    self._places.setdefault(digest, (one.key, index))
        places = [self._places[digest] for digest in digests if digest in self._places]
        return places if places and len(places) == len(digests) else None

    def _block(self, images: str, number: int, measure: Measure, options: Any) -> Table:
        """The table of a block of a set, read or made under a claim."""
        code = _code(measure.__module__)
        name = f"{measure.__module__}:{measure.__qualname__}"
        described = describe_measurements(images, number, name, options, self._numerics, code.code)
        key = key_of(described)
        path = self._store.find(KIND, key)
        if path is None:
            with self._store.claim(KIND, key):
                path = self._store.find(KIND, key)
                if path is None:
                    self._used.add(key)
                    make = functools.partial(self._measure, images, number, measure, options)
                    path = self._make(key, described, make)
                    keep_manifest(self._store, code)
        if key not in self._used:
            self._used.add(key)
            self.seconds_saved += float(self._store.cost(KIND, key)["seconds"])
        return {name: torch.from_numpy(values) for name, values in map_arrays(path).items()}

    def _make(self, key: str, described: Description, make: Callable[[], Table]) -> Path:
        """The file of a new table."""
        cost: dict[str, float] = {}
        with self._store.writing(KIND, key, ".h5", described, cost) as path:
            saved = self.seconds_saved
            with measured() as spent:
                table = make()
            cost["seconds"] = spent["seconds"] + self.seconds_saved - saved
            write_arrays(path, {name: rows.cpu().numpy() for name, rows in table.items()})
        found = self._store.find(KIND, key)
        if found is None:
            raise StoreError(f"{KIND} {key} vanished from the store", "run the command again")
        return found

    def _measure(self, images: str, number: int, measure: Measure, options: Any) -> Table:
        """The table of a block, measured."""
        samples = self._samples[images]
        last = min(len(samples), (number + 1) * BLOCK)
        block = samples.take(torch.arange(number * BLOCK, last))
        return measure(blind(block.to(torch.device(self._numerics.device))), options, self)


def _digests(samples: Samples) -> list[bytes]:
    return [hashlib.sha256(one.tobytes()).digest() for one in samples.images.cpu().numpy()]


@functools.cache
def _code(module: str) -> Closure:
    """The code that measurements of a module depend on."""
    return closure_of(("lensbench.cells.measurements", module))
