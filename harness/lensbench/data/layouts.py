"""Recognises what lies at a path, by content before name, and opens it with the right reader."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lensbench.data.archives import (
    command_to_unpack,
    is_archive_name,
    is_tar,
    is_zip_of_files,
    refuse_archive,
    unpacked_head,
)
from lensbench.data.joining import joined_by_folder, joined_by_name
from lensbench.data.picture import Item, Selection, Source
from lensbench.data.readers import columns, folders
from lensbench.data.readers.axes import is_image
from lensbench.data.readers.cards import is_exported
from lensbench.data.readers.container import is_container, open_container
from lensbench.data.readers.encoded import HEADS, open_encoded
from lensbench.data.readers.entries import ENCODED, image_names
from lensbench.data.readers.fits import SUFFIXES as FITS_SUFFIXES
from lensbench.data.readers.fits import open_fits
from lensbench.data.readers.fits_tables import holds_images, open_table
from lensbench.data.readers.guard import reading
from lensbench.data.readers.hdf5 import open_hdf5
from lensbench.data.readers.huggingface import open_hub, open_huggingface
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.data.readers.npy import open_npy
from lensbench.data.readers.npy_header import is_flat, stored_shape
from lensbench.data.readers.npz import open_npz
from lensbench.data.readers.rows import with_rows_in_order
from lensbench.data.readers.tables import FEW, is_plain_parquet, states_classes
from lensbench.data.rest import CONTAINERS, is_saved, rest_of
from lensbench.errors import DataError
from lensbench.files import watched

_KNOWN = (
    "known: .npy, .npz, FITS, HDF5, Parquet, `datasets` on disk, PNG, JPEG, TIFF, and folders of "
    "these"
)
_DEPTH = 4
_HUB = "hf:"
_Opener = Callable[[Path, Selection], Source]


def open_source(path: Path, selection: Selection | None = None) -> Source:
    """The one source at a path.

    Raises:
        DataError: Where there is none, or more than one.
    """
    sources = open_sources(path, selection)
    if len(sources) > 1:
        listed = ", ".join(source.path for source in sources[:6])
        raise DataError(f"{str(path)!r} holds {len(sources)} sets of images", f"name one: {listed}")
    column = selection.split_column if selection else ""
    if column and not any(item.split for item in sources[0].items):
        raise DataError(
            f"{str(path)!r} has no column {column!r} that names splits",
            "its values are `train`, `val` and `test`, or other words for these",
        )
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
        return [open_hub(name if Path(name).exists() else name.lstrip("/"), selection)]
    if not path.exists():
        raise DataError(f"there is no {str(path)!r}", "name a file or a folder of images")
    if not path.is_dir():
        return [open_file(path, selection)]
    left_out: list[str] = []
    found = _folder(path, selection, left_out)
    found = found or _folder(path, replace(selection, encoded=True), left_out)
    return _with_rest(path, found, list(dict.fromkeys(left_out)))


def open_file(path: Path, selection: Selection) -> Source:
    """Source of one file, recognised by its first bytes.

    Raises:
        DataError: Where it is empty, a web page, a pointer, or of no known format.
    """
    with reading(path, "a file"), path.open("rb") as file:
        head = file.read(512)
    _refuse_no_data(path, head)
    name = path.name.lower()
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and is_zip_of_files(path):
        raise refuse_archive(path)
    if is_tar(head):
        raise refuse_archive(path)
    suffixed = (".npy", ".dat", ".bin", ".raw", ".mmap")
    openers: tuple[tuple[bool, _Opener], ...] = (
        (head.startswith(b"\x89HDF\r\n\x1a\n"), _hdf5),
        (head.startswith(b"PAR1"), columns.open_parquet),
        (head.startswith((b"PK\x03\x04", b"PK\x05\x06")), open_npz),
        (head.startswith(b"\x1f\x8b"), _gzip),
        (head.startswith(b"SIMPLE  =") or name.endswith(FITS_SUFFIXES), _fits),
        (head.startswith(b"\x93NUMPY") or name.endswith(suffixed), open_npy),
        (head.startswith(HEADS), open_encoded),
        (head[:1] == b"\x80" and head[1:2] <= b"\x05", _pickle),
    )
    opener = next((opener for fits, opener in openers if fits), None)
    if opener is not None:
        return opener(path, selection)
    form = next((s for s in (".h5", ".hdf5", ".parquet", ".npz") if name.endswith(s)), "")
    raise DataError(
        f"{str(path)!r} is not {'what its suffix says' if form else 'of a known format'}: "
        f"it begins with {head[:8]!r}",
        _KNOWN,
    )


def _refuse_no_data(path: Path, head: bytes) -> None:
    """Refuses what is not the data but stands in its place.

    Raises:
        DataError: Where the file is empty, a web page or a pointer.
    """
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


def _hdf5(path: Path, selection: Selection) -> Source:
    """An images file of lensbench, or any other."""
    with reading(path, "HDF5"):
        ours = is_container(path)
    return open_container(path) if ours else open_hdf5(path, selection)


def _fits(path: Path, selection: Selection) -> Source:
    """Images in extensions, or in a column of a table."""
    opener = open_table if holds_images(path) else open_fits
    return opener(path, selection)


def _gzip(path: Path, selection: Selection) -> Source:
    """A compressed FITS file, which is read as it is; other content is to be unpacked."""
    head = unpacked_head(path)
    if head.startswith(b"SIMPLE  ="):
        return _fits(path, selection)
    if is_tar(head) or is_archive_name(path):
        raise refuse_archive(path)
    if path.name.lower().endswith(FITS_SUFFIXES):
        return _fits(path, selection)
    raise DataError(f"{str(path)!r} is compressed by gzip", f"`gunzip -k {shlex.quote(str(path))}`")


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


def _folder(path: Path, selection: Selection, left_out: list[str], depth: int = 0) -> list[Source]:
    """Sources of a folder and of those below it; what is not read is added to `left_out`."""
    if is_saved(path):
        return [open_huggingface(path, selection)]
    if is_exported(path):
        return [open_hub(str(path), selection)]
    source = folders.tree_folder(path, selection)
    if source is not None:
        return [source]
    single, many, labels = _sorted_files(path, selection.encoded)
    flat = [folders.flat_folder(path, single, selection)] if single else []
    found = [source for source in flat if source.items]  # one of tables alone has none
    stacks = joined_by_name(path, [open_file(file, selection) for file in many])
    if len(stacks) == 1 and not flat:
        stacks = [with_rows_in_order(stacks[0], path, selection)]
    found += stacks
    below = [path / c for c in _listed(path, folders=True) if not c.endswith(".part")]
    if depth < _DEPTH:
        inside: list[Source] = []
        for child in below:
            inside += _folder(child, selection, left_out, depth + 1)
        if not found:
            inside = joined_by_folder(path, inside, classes=not states_classes(path))
        found += inside
        below = []
    unused = [file for file in labels if not any(_used(source, file) for source in found)]
    left_out += [f"{file.name}: values of no stack of images beside it" for file in unused]
    left_out += [f"{c.name}: a folder more than {_DEPTH} levels below the one named" for c in below]
    return found


def _listed(folder: Path, *, folders: bool) -> list[str]:
    """Names of the folders in a folder, or of its files, sorted; hidden ones are passed over."""
    with os.scandir(folder) as found:
        return sorted(
            one.name
            for one in found
            if not one.name.startswith(".") and (one.is_dir() if folders else one.is_file())
        )


def _used(source: Source, labels: Path) -> bool:
    """Whether a source has its classes or numbers from a file."""
    said = " ".join(source.notes)
    return labels.name in said or labels.stem in source.columns


def _with_rest(path: Path, found: list[Source], left_out: Sequence[str]) -> list[Source]:
    """Sources, the first of which says what else lies in the folder and is not read.

    Args:
        path: The folder.
        found: Sources in it and below it.
        left_out: What is known already not to be read, with the reason; a sentence each.

    Raises:
        DataError: Where there is no source.
    """
    encoded = all(source.items[0].name.lower().endswith(ENCODED) for source in found)
    rest = rest_of(path, _DEPTH, bool(found) and encoded)
    of_sources = [text for source in found for text in (*source.notes, *source.left_out)]
    said = (*rest.sentences(" ".join([*of_sources, *left_out])), *left_out)
    if found:
        first, *others = found
        return [replace(first, left_out=(*first.left_out, *said)), *others] if said else found
    if rest.archives:
        commands = "; ".join(command_to_unpack(file) for file in rest.archives[:4])
        raise DataError(
            f"{str(path)!r} holds {len(rest.archives)} archives and no images: "
            f"{', '.join(file.name for file in rest.archives[:4])}",
            f"unpack first: `{commands}`",
        )
    reasons = f"; {'; '.join(said[:3])}" if said else ""
    raise DataError(f"{str(path)!r} holds nothing that is known as images{reasons}", _KNOWN)


def _sorted_files(path: Path, encoded: bool) -> tuple[list[str], list[Path], list[Path]]:
    """Names of files that are an image each; files that hold many, and those of classes."""
    names = image_names(path, encoded)
    single = [name for name in names if not name.lower().endswith(CONTAINERS)]
    stacks = _stacks(path, [name for name in single if name.endswith(".npy")])
    many = [path / n for n in _listed(path, folders=False) if n.lower().endswith(CONTAINERS)]
    rows = _tables_of_images(path, single)
    single = [name for name in single if name not in rows]
    many += [path / name for name in rows]
    if single or stacks:  # tables of the images
        many = [file for file in many if not is_plain_parquet(file)]
    labels = [s for s in stacks if s.stem.lower() in LABEL_NAMES or is_flat(s)]
    apart = {stack.name for stack in stacks}
    return (
        [name for name in single if name not in apart],
        [file for file in (*stacks, *many) if file not in labels],
        labels,
    )


def _tables_of_images(path: Path, names: Sequence[str]) -> list[str]:
    """FITS files of a folder that are tables with a column of images; of many, if the first is."""
    stored = [name for name in names if name.lower().endswith(FITS_SUFFIXES)]
    many = len(stored) > FEW
    looked_at = stored[:1] if many else stored
    found = [name for name in looked_at if holds_images(path / name)]
    return stored if many and found else found


def _stacks(path: Path, names: Sequence[str]) -> list[Path]:
    """The .npy files of a folder that hold many images, or none: by their headers."""
    above = f"{path}/"
    looked_at = watched(names, f"headers in {path}", len(names))
    shapes = {name: stored_shape(above + name) for name in looked_at}
    larger = {it[1:] for it in set(shapes.values()) if it and len(it) == 3 and not is_image(it)}
    kinds = {
        shape: shape is None
        or bool(shape and not is_image(shape))
        or (len(shape) == 3 and shape[1:] in larger)
        for shape in set(shapes.values())
    }
    return [path / name for name, shape in shapes.items() if kinds[shape]]
