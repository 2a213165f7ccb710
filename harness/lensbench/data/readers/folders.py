"""Folders of files, an image each: by class, by split and class, in pairs, or flat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lensbench.data.picture import CANONICAL, Item, Picture, Selection, Source
from lensbench.data.readers import fits, tables
from lensbench.data.readers.fits import SUFFIXES as FITS_SUFFIXES
from lensbench.data.readers.npy import read_npy
from lensbench.data.readers.npy_header import is_pickled, is_single
from lensbench.data.readers.npz import read_npz
from lensbench.errors import DataError
from lensbench.files import watched

SUFFIXES = (".npy", ".npz", *FITS_SUFFIXES)
SPLITS = ("train", "val", "valid", "validation", "test")
_RELEASE = {150: "Model I", 64: "Model II or III", 75: "super-resolution input"}


@dataclass(frozen=True)
class Entry:
    """One image file of a folder, with the extension of it that is meant."""

    file: Path
    label: str = ""
    split: str = ""
    condition: str = ""
    band: fits.Band | None = None


def image_files(folder: Path) -> list[Path]:
    """Image files directly in a folder, by name; hidden ones are passed over."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.name.lower().endswith(SUFFIXES) and not file.name.startswith(".") and file.is_file()
    )


def class_folders(folder: Path, selection: Selection) -> Source | None:
    """`CLASS/*` or `SPLIT/CLASS/*`, or `None` where it is neither."""
    below = _subfolders(folder)
    names = {sub.name.lower() for sub in below}
    if len(names & set(SPLITS)) >= 1 and not names - set(SPLITS) - {"__macosx"}:
        entries = [
            Entry(file, sub.name, split.name)
            for split in below
            for sub in _subfolders(split)
            for file in image_files(sub)
        ]
        shape = "split and class folders"
    else:
        if len(below) < 2 or not all(_holds_images(sub) for sub in below):
            return None
        if not _are_classes(folder, [sub.name for sub in below]):
            return None
        entries = [Entry(file, sub.name) for sub in below for file in image_files(sub)]
        shape = "class folders"
    if not entries:
        return None
    release = all(entry.label.lower() in CANONICAL for entry in entries)
    source = _source(folder, entries, selection, "class-folders", f"{shape} of image files")
    if not release:
        return source
    side = _side(source)
    model = f" ({_RELEASE[side]}, {side}² pixels)" if side in _RELEASE else ""
    names_ = ", ".join(f"{name} is {CANONICAL[name.lower()]}" for name in source.classes)
    return replace(
        source,
        layout="deeplense-" + source.layout,
        title=f"DeepLense release{model}: {shape} of .npy",
    ).noting(f"Classes by our names: {names_}.")


def pair_folders(folder: Path, selection: Selection) -> Source | None:
    """Two folders of the same names, one of images twice as large, or `None`."""
    below = [sub for sub in _subfolders(folder) if image_files(sub)]
    if len(below) != 2:
        return None
    first, second = (image_files(sub) for sub in below)
    if len(first) != len(second) or _bare(first) != _bare(second):
        return None
    if any(file.suffix == ".npy" and is_pickled(file) for file in (first[0], second[0])):
        return None
    a, b = (_read(Entry(files[0]), selection).pixels.shape[-1] for files in (first, second))
    small, large = sorted((a, b))
    if small == large or large % small:
        return None
    entries = [
        Entry(file, condition=file.parent.name)
        for pair in zip(first, second, strict=True)
        for file in pair
    ]
    source = _source(
        folder, entries, selection, "pairs", f"super-resolution pairs, {small}² and {large}² pixels"
    )
    stems = [name for name in _bare(first) for _ in range(2)]
    items = tuple(replace(item, scene=stem) for item, stem in zip(source.items, stems, strict=True))
    return replace(source, items=items)


def flat_folder(folder: Path, files: Sequence[Path], selection: Selection) -> Source:
    """These files of a folder, an image each, with a table beside them where there is one."""
    known_tables = [file for file in files if file.suffix != ".npy" and fits.is_table(file)]
    if known_tables and not selection.table:
        selection = replace(selection, table=str(known_tables[0]))
    table = tables.find_table(folder, selection)
    rows = table[1] if table else {}
    entries: list[Entry] = []
    for file in watched(files, f"headers in {folder}", len(files)):
        if file in known_tables:
            continue
        label = tables.label_of(tables.row_of(rows, file), selection)
        if file.name.lower().endswith(FITS_SUFFIXES):
            bands = fits.find_bands(file, selection)
            several = len(bands) > 1
            entries += [
                Entry(file, label, condition=b.name if several else "", band=b) for b in bands
            ]
        else:
            entries.append(Entry(file, label))
    kind = "FITS" if any(entry.band for entry in entries) else "NumPy"
    source = _source(
        folder, entries, selection, "image-folder", f"folder of {kind} images", rows=rows
    )
    if table and any(tables.row_of(rows, entry.file) for entry in entries):
        source = source.noting(f"What is known of each image is from {table[0].name}.")
    bands_ = sorted({entry.condition for entry in entries if entry.condition})
    if bands_:
        source = source.noting(f"Several images a file: {', '.join(bands_)}; see --extension.")
    return source


def _source(
    folder: Path,
    entries: Sequence[Entry],
    selection: Selection,
    layout: str,
    title: str,
    *,
    rows: dict[str, tables.Row] | None = None,
) -> Source:
    looked_at = watched(entries, f"headers in {folder}", len(entries))
    items = tuple(_item(folder, entry) for entry in looked_at)
    notes = []
    pickled = sum(item.pickled for item in items)
    if pickled:
        notes.append(
            f"{pickled} files are object pickles: they are read only by `lensbench data convert`."
        )
    classes = tuple(sorted({entry.label for entry in entries if entry.label}))

    def read(index: int) -> Picture:
        entry = entries[index]
        picture = _read(entry, selection)
        row = tables.row_of(rows, entry.file) if rows else {}
        if not row:
            return picture
        values = {**tables.numbers_of(row), **picture.values}
        return replace(
            picture, values=values, pixel_scale=picture.pixel_scale or values.get("pixel_scale")
        )

    options = f"--extension {selection.extension}" if selection.extension else ""
    return Source(str(folder), layout, title, items, read, tuple(notes), options, classes=classes)


def _item(folder: Path, entry: Entry) -> Item:
    name = entry.file.relative_to(folder).as_posix()
    full = f"{name}#{entry.condition}" if entry.band and entry.condition else name
    pickled = entry.file.suffix == ".npy" and is_pickled(entry.file)
    return Item(full, entry.label, entry.split, entry.condition, name, pickled)


def _read(entry: Entry, selection: Selection) -> Picture:
    name = entry.file.name.lower()
    if entry.band is not None:
        return fits.read_band(entry.file, entry.band)
    if name.endswith(FITS_SUFFIXES):
        return fits.read_fits(entry.file, selection)
    if name.endswith(".npz"):
        return read_npz(entry.file, selection)
    return read_npy(entry.file, selection)


def _side(source: Source) -> int:
    """Side of the first image that is not pickled [pixels]; 0 where none can be read."""
    for index, item in enumerate(source.items):
        if not item.pickled:
            try:
                return int(source.read(index).pixels.shape[-1])
            except DataError:
                return 0
    return 0


def _subfolders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _holds_images(folder: Path) -> bool:
    """Whether a folder has image files, the first of which is one image and no stack."""
    files = image_files(folder)
    if not files or files[0].suffix == ".npz":
        return False
    return files[0].suffix != ".npy" or is_single(files[0])


def _are_classes(folder: Path, names: Sequence[str]) -> bool:
    """Whether folders are classes: those of the release, or of nothing that a table describes."""
    lower = {name.lower() for name in names}
    return lower <= set(CANONICAL) or not (any(folder.glob("*.csv")) or lower & {"hr", "lr"})


def _bare(files: Sequence[Path]) -> list[str]:
    """Stems without what tells the two sides of a pair apart."""
    stems = []
    for file in files:
        stem = file.name.partition(".")[0].lower()
        for word in ("_hr", "_lr", "hr_", "lr_", "_150", "_75", "x2"):
            stem = stem.replace(word, "")
        stems.append(stem)
    return stems
