"""Recognises what lies at a path, by content before name, and opens it with the right reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lensbench.data.picture import Item, Selection, Source
from lensbench.data.readers import columns, folders
from lensbench.data.readers.cards import is_exported
from lensbench.data.readers.container import is_container, open_container
from lensbench.data.readers.fits import SUFFIXES as FITS_SUFFIXES
from lensbench.data.readers.fits import open_fits
from lensbench.data.readers.guard import reading
from lensbench.data.readers.hdf5 import open_hdf5
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.data.readers.npy import open_npy
from lensbench.data.readers.npy_header import is_single, stored_shape
from lensbench.data.readers.npz import open_npz
from lensbench.errors import DataError
from lensbench.files import watched

_CONTAINERS = (".h5", ".hdf5", ".hdf", ".parquet", ".npz")
_DEPTH = 4
_HUB = "hf:"


def open_source(path: Path, selection: Selection | None = None) -> Source:
    """The one source at a path.

    Raises:
        DataError: Where there is none, or more than one.
    """
    sources = open_sources(path, selection)
    if len(sources) > 1:
        listed = ", ".join(source.path for source in sources[:6])
        raise DataError(f"{str(path)!r} holds {len(sources)} sets of images", f"name one: {listed}")
    return sources[0]


def open_images(path: Path | str, **selection: Any) -> Source:
    """The images at a path, in any layout that is known, for plugins to read.

    Args:
        path: A file or folder.
        selection: What the files do not say, as fields of `Selection`: `key`, `labels`,
            `extension`, `table`, `shape`, `dtype`. Object pickles are never read.

    Raises:
        DataError: Where there is not exactly one source, or a file is damaged.
    """
    return open_source(Path(path), replace(Selection(**selection), objects=False))


def open_sources(path: Path, selection: Selection | None = None) -> list[Source]:
    """All that is recognised at a path: one source of a file, one or more of a folder.

    `hf:owner/name` is a dataset on the Hugging Face hub, or a local copy of its repository.

    Raises:
        DataError: Where there is no such path, nothing is recognised, or a file is damaged.
    """
    selection = selection or Selection()
    if str(path).startswith(_HUB):
        name = str(path).removeprefix(_HUB)
        return [columns.open_hub(name if Path(name).exists() else name.lstrip("/"), selection)]
    if not path.exists():
        raise DataError(f"there is no {str(path)!r}", "name a file or a folder of images")
    found = _folder(path, selection, 0) if path.is_dir() else [open_file(path, selection)]
    if not found:
        raise DataError(
            f"{str(path)!r} holds nothing that is known as images",
            "known: .npy, .npz, FITS, HDF5, Parquet, `datasets` on disk, and folders of these",
        )
    return found


def open_file(path: Path, selection: Selection) -> Source:
    """Source of one file, recognised by its first bytes.

    Raises:
        DataError: Where it is empty, a web page, a pointer, or of no known format.
    """
    with reading(path, "a file"), path.open("rb") as file:
        head = file.read(512)
    name = path.name.lower()
    text = head.lstrip().lower()
    if not head:
        raise DataError(f"{str(path)!r} is empty", "fetch or write the file again")
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise DataError(
            f"{str(path)!r} is a web page, not data",
            "the link needs a log-in or is dead; open it in a browser and save the file itself",
        )
    if head.startswith(b"version https://git-lfs"):
        raise DataError(
            f"{str(path)!r} is a Git LFS pointer, not data",
            "`git lfs pull` fetches the file itself",
        )
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        with reading(path, "HDF5"):
            ours = is_container(path)
        return open_container(path) if ours else open_hdf5(path, selection)
    if head.startswith(b"PAR1"):
        return columns.open_parquet(path, selection)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return open_npz(path, selection)
    if head.startswith(b"SIMPLE  =") or (
        name.endswith(FITS_SUFFIXES) and not name.endswith(".npy")
    ):
        return open_fits(path, selection)
    if head.startswith(b"\x93NUMPY") or name.endswith((".npy", ".dat", ".bin", ".raw", ".mmap")):
        return open_npy(path, selection)
    if head[:1] == b"\x80" and head[1:2] <= b"\x05":
        return _pickle(path, selection)
    form = next((s for s in (".h5", ".hdf5", ".parquet", ".npz") if name.endswith(s)), "")
    raise DataError(
        f"{str(path)!r} is not {'what its suffix says' if form else 'of a known format'}: "
        f"it begins with {head[:8]!r}",
        "known: .npy, .npz, FITS, HDF5, Parquet, `datasets` on disk, and folders of these",
    )


def _pickle(path: Path, selection: Selection) -> Source:
    """A bare pickle, of which nothing is read before `convert` asks."""
    from lensbench.data.pickles import unpickle_file

    note = "It is read only by `lensbench data convert`."
    if not selection.objects:
        item = Item(path.name, pickled=True)

        def refuse(_: int) -> None:
            raise DataError(
                f"{str(path)!r} is a pickle", f"lensbench data convert {path} images.h5"
            )

        return Source(str(path), "object-pickle", "a pickle", (item,), refuse, (note,))  # type: ignore[arg-type]
    pictures = unpickle_file(path)
    items = tuple(Item(f"{path.name}#{i}", pickled=True) for i in range(len(pictures)))
    return Source(str(path), "object-pickle", "a pickle", items, pictures.__getitem__, (note,))


def _folder(path: Path, selection: Selection, depth: int) -> list[Source]:
    names = {child.name for child in path.iterdir()}
    if "dataset_dict.json" in names or {"state.json", "dataset_info.json"} <= names:
        return [columns.open_huggingface(path, selection)]
    if is_exported(path):
        return [columns.open_hub(str(path), selection)]
    for layout in (folders.pair_folders, folders.class_folders):
        source = layout(path, selection)
        if source is not None:
            return [source]
    single, rest = _sorted_files(path)
    found = [folders.flat_folder(path, single, selection)] if single else []
    found += [open_file(file, selection) for file in rest]
    if depth < _DEPTH:
        for below in sorted(child for child in path.iterdir() if child.is_dir()):
            if not below.name.startswith(".") and not below.name.endswith(".part"):
                found += _folder(below, selection, depth + 1)
    return found


def _sorted_files(path: Path) -> tuple[list[Path], list[Path]]:
    """Files of a folder that are an image each, and those that hold many. Classes are neither."""
    files = folders.image_files(path)
    single = [file for file in files if not file.name.lower().endswith(_CONTAINERS)]
    looked_at = watched(single, f"headers in {path}", len(single))
    stacks = [file for file in looked_at if file.suffix == ".npy" and not is_single(file)]
    many = [file for file in sorted(path.iterdir()) if file.suffix.lower() in _CONTAINERS]
    labels = [s for s in stacks if s.stem.lower() in LABEL_NAMES or _is_flat(s)]
    return (
        _without(single, stacks),
        [file for file in (*_without(stacks, labels), *many) if file.is_file()],
    )


def _without(files: Iterable[Path], left_out: Iterable[Path]) -> list[Path]:
    dropped = set(left_out)
    return [file for file in files if file not in dropped]


def _is_flat(file: Path) -> bool:
    shape = stored_shape(file)
    return shape is not None and max((*shape[1:], 1)) == 1
