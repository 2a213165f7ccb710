"""Outputs: a Parquet file a shard, written whole, with what it was made of in its metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.whole import whole
from lensbench.errors import DataError

MADE_OF = "lensbench.made_of"
"""Parquet metadata: what an output follows from, as JSON."""


class ShardWriter:
    """Adds rows to an output; its columns are those of the first rows."""

    def __init__(self, path: Path, made_of: Mapping[str, str]) -> None:
        self._path, self._made_of = path, dict(made_of)
        self._writer: Any = None
        self.rows = 0
        self.flawed = 0

    def append(self, ids: list[str], errors: list[str], columns: Mapping[str, np.ndarray]) -> None:
        """Adds rows: columns (B, ...) of numbers, empty where there is an error.

        Args:
            ids: Of the images (B,).
            errors: Why there is no answer (B,); empty where there is one.
            columns: By name; each further axis is flattened.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        missing = np.array([bool(error) for error in errors])
        arrays = {
            "id": pa.array(ids, pa.string()),
            **{name: _column(values, missing) for name, values in columns.items()},
            "error": pa.array([error or None for error in errors], pa.string()),
        }
        table = pa.table(arrays)
        if self._writer is None:
            shapes = {n: list(v.shape[1:]) for n, v in columns.items() if v.ndim > 2}
            facts = {MADE_OF: json.dumps(self._made_of), "lensbench.shapes": json.dumps(shapes)}
            table = table.replace_schema_metadata(facts)
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)
        self.rows += len(ids)
        self.flawed += int(missing.sum())

    def close(self) -> None:
        """Ends the file.

        Raises:
            DataError: Where there was no row.
        """
        if self._writer is None:
            raise DataError(f"{self._made_of.get('shard', '')!r} holds no image", "leave it out")
        self._writer.close()


@contextmanager
def writing_shard(path: Path, made_of: Mapping[str, str]) -> Iterator[ShardWriter]:
    """An output that takes its name when the block ends well, and leaves nothing otherwise."""
    with whole(path, overwrite=True) as temporary:
        writer = ShardWriter(temporary, made_of)
        yield writer
        writer.close()


def made_of(path: Path) -> dict[str, str] | None:
    """What a finished output follows from; `None` where there is none that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
        return dict(json.loads(metadata[MADE_OF.encode()]))
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException):
        return None


def _column(values: np.ndarray, missing: np.ndarray) -> Any:
    """Numbers (B,) or lists of numbers (B, D), empty where they are missing."""
    import pyarrow as pa

    if values.ndim == 1:
        return pa.array(values.tolist() if values.dtype.kind == "U" else values, mask=missing)
    width = int(np.prod(values.shape[1:]))
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    mask = pa.array(missing) if missing.any() else None
    return pa.FixedSizeListArray.from_arrays(flat, width, mask=mask)
