"""Shards: files of many images, or folders of single ones, and what identifies their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from lensbench.data.names import few
from lensbench.data.readers.cards import is_exported
from lensbench.data.readers.entries import SUFFIXES
from lensbench.data.readers.npy_header import is_flat, is_single
from lensbench.data.readers.tables import is_plain_parquet
from lensbench.errors import DataError, UsageError
from lensbench.files import files_below, watched

_MANY = (".h5", ".hdf5", ".hdf", ".parquet", ".npz")
_HUGGING_FACE = ("dataset_dict.json", "dataset_info.json")


def shards_of(path: Path) -> list[Path]:
    """The shards at a path, sorted: files that hold many images, wherever they are below it.

    A folder for Hugging Face `datasets`, and a folder without such files (of FITS images, of
    single .npy, of classes), is one shard.

    Raises:
        DataError: Where there is no such path.
    """
    if not path.exists():
        raise DataError(f"there is no {str(path)!r}", "name a file or a folder of images")
    saved = any((path / name).exists() for name in _HUGGING_FACE) or is_exported(path)
    if path.is_file() or saved:
        return [path]
    found = sorted(
        file for file in watched(files_below(path), f"files in {path}") if _is_shard(file)
    )
    return found or [path]


def beside_shards(path: Path, shards: Sequence[Path]) -> tuple[str, ...]:
    """What of a folder of shards is in none of them: files of one image each."""
    if path in shards:
        return ()
    single = sorted(file for file in files_below(path) if file.name.lower().endswith(SUFFIXES))
    labels = {file for file in single if file.suffix.lower() == ".npy" and is_flat(file)}
    single = [file for file in single if file not in {*shards, *labels}]
    if not single:
        return ()
    some = few([file.name for file in single], 3)
    return (f"{len(single)} files of one image beside files of many: {some}",)


def name_of(shard: Path, root: Path) -> str:
    """Name of a shard's output, relative to the folder of outputs: its path in root, as Parquet."""
    name = shard.name if shard == root else str(shard.relative_to(root))
    return name if shard.suffix.lower() == ".parquet" else f"{name}.parquet"


def shard_named(name: str, root: Path) -> Path:
    """The shard at or below a path whose output has a name.

    Raises:
        UsageError: Where there is none.
    """
    if name == name_of(root, root):
        return root
    for below in (root / name, root / name.removesuffix(".parquet")):
        if below.exists():
            return below
    raise UsageError(f"{str(root)!r} has no shard of {name!r}", "name the images of all features")


def content_digest(shard: Path) -> str:
    """SHA-256 of a file's content, or of names and contents of all files of a folder."""
    digest = hashlib.sha256()
    for file in _files(shard):
        try:
            with file.open("rb") as opened:
                content = hashlib.file_digest(opened, "sha256").digest()
        except OSError as error:
            raise DataError(f"{str(file)!r} cannot be read: {error.strerror}", "") from None
        name = str(file.relative_to(shard)) if shard.is_dir() else ""
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()


def _files(shard: Path) -> Iterator[Path]:
    if shard.is_file():
        yield shard
        return
    yield from sorted(files_below(shard))


def _is_shard(file: Path) -> bool:
    if file.suffix.lower() in _MANY:
        return not is_plain_parquet(file)
    return file.suffix.lower() == ".npy" and not (is_single(file) or is_flat(file))
