"""Folders of files, an image each: by split, class, band or object, in pairs, or flat."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lensbench.data.picture import CANONICAL, Item, Picture, Selection, Source
from lensbench.data.readers import fits, tables
from lensbench.data.readers.entries import (
    Entry,
    image_files,
    read_entry,
    with_partners,
)
from lensbench.data.readers.fits import SUFFIXES as FITS_SUFFIXES
from lensbench.data.readers.levels import PAIRS, Place, Tree, bare_stems, levels_of, object_of
from lensbench.data.readers.npy_header import is_pickled, is_single
from lensbench.data.readers.rows import columns_of, unmatched, with_row
from lensbench.errors import DataError
from lensbench.files import watched

_RELEASE = {150: "Model I", 64: "Model II or III", 75: "super-resolution input"}
_DEPTH = 5
_NAMED = 5


@dataclass
class _Listing:
    """Entries of a folder as they are found, and what is left out of them."""

    entries: list[Entry] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    extensions: Counter[str] = field(default_factory=Counter)

    def add(
        self, folder: Path, files: Sequence[Path], selection: Selection, place: Place, name: str
    ) -> None:
        """Adds the images among files of one folder, each with its partners."""
        images, rest = with_partners(files)
        self.left_out += [f"{file.relative_to(folder).as_posix()}: {why}" for file, why in rest]
        for file, partners in watched(images, f"headers in {folder}", len(images)):
            scene = name or place.object
            condition = place.condition
            if place.object and len(images) > 1:
                condition = file.name.partition(".")[0]
            entry = Entry(file, place.label, place.split, condition, None, partners, scene)
            if file.name.lower().endswith(FITS_SUFFIXES):
                self._add_bands(folder, entry, selection)
            else:
                self.entries.append(entry)

    def _add_bands(self, folder: Path, entry: Entry, selection: Selection) -> None:
        found = fits.find_images(entry.file, selection)
        self.extensions.update(found.left_out)
        items = fits.items_of(entry.file.relative_to(folder).as_posix(), found)
        for item, band in zip(items, found.bands, strict=True):
            several = len(items) > 1
            self.entries.append(
                replace(
                    entry,
                    band=band,
                    condition=item.condition or entry.condition,
                    scene=item.scene if several and not entry.scene else entry.scene,
                    position=item.position,
                    name=item.name if several else "",
                )
            )

    def sentences(self) -> tuple[str, ...]:
        """What is left out, extensions of many files in one sentence."""
        many = [
            f"{what} (in {count} files)" if count > 1 else what
            for what, count in self.extensions.items()
        ]
        return (*_shortened(self.left_out), *many)


def tree_folder(folder: Path, selection: Selection) -> Source | None:
    """Images in folders whose names say split, class, band, side of a pair or object.

    `None` where there are no such folders, or what they mean is not known.
    """
    files = _files_of_one_depth(folder)
    if not files:
        return None
    tree = levels_of(folder, files, lambda names: _are_classes(folder, names))
    tree = _as_pair(tree, selection)
    unknown = [
        level
        for level, kind in enumerate(tree.kinds)
        if not kind and len({file.relative_to(folder).parts[level] for file in files}) > 1
    ]
    if unknown or not any(tree.kinds):
        return None
    listing = _Listing()
    if "pair" in tree.kinds:
        _list_pairs(tree, selection, listing)
    else:
        by_folder: dict[Path, list[Path]] = {}
        for file in files:
            by_folder.setdefault(file.parent, []).append(file)
        for group in by_folder.values():
            place = tree.place(group[0])
            if "band" in tree.kinds:
                for file in group:
                    inner = "/".join(filter(None, (place.split, place.label, object_of(file))))
                    listing.add(folder, [file], selection, place, inner)
            else:
                listing.add(folder, group, selection, place, "")
    return _titled(folder, tree, _source(folder, listing, selection, *_layout(tree)))


def flat_folder(folder: Path, files: Sequence[Path], selection: Selection) -> Source:
    """These files of a folder, an image each, with tables beside them where there are some."""
    known_tables = [
        file for file in files if file.name.lower().endswith(FITS_SUFFIXES) and fits.is_table(file)
    ]
    if known_tables and not selection.table:
        selection = replace(selection, table=str(known_tables[0]))
    listing = _Listing()
    images = [file for file in files if file not in known_tables]
    listing.add(folder, images, selection, Place(), "")
    kind = "FITS" if any(entry.band for entry in listing.entries) else "NumPy"
    source = _source(folder, listing, selection, "image-folder", f"folder of {kind} images")
    bands = sorted({entry.condition for entry in listing.entries if entry.condition})
    if bands:
        source = source.noting(f"Several images a file: {', '.join(bands)}; see --extension.")
    return source


def _files_of_one_depth(folder: Path) -> list[Path]:
    """Image files below a folder, where all are single images at one depth; else none."""
    if image_files(folder):
        return []
    found: list[Path] = []
    depths: set[int] = set()
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        below = [p for p in place.iterdir() if p.is_dir() and not _is_hidden(p)]
        waiting += [(p, depth + 1) for p in below if depth < _DEPTH]
        files = image_files(place)
        if not files:
            continue
        if files[0].suffix == ".npz" or (files[0].suffix == ".npy" and not is_single(files[0])):
            return []
        depths.add(depth)
        found += files
    return sorted(found) if len(depths) == 1 else []


def _is_hidden(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name.lower() == "__macosx"


def _as_pair(tree: Tree, selection: Selection) -> Tree:
    """The tree with its last level as the sides of a pair, where sizes say that it is one."""
    if not tree.kinds or tree.kinds[-1] not in ("class", ""):
        return tree
    folders = sorted({file.parent.name for file in tree.files})
    if len(folders) != 2 or len({file.parent for file in tree.files}) != 2:
        return tree
    sides = [[f for f in tree.files if f.parent.name == name] for name in folders]
    stems = bare_stems(*sides)
    if set(stems[0]) != set(stems[1]):
        return tree
    if any(file.suffix == ".npy" and is_pickled(file) for file, *_ in sides):
        return tree
    a, b = (read_entry(Entry(files[0]), selection).pixels.shape[-1] for files in sides)
    small, large = sorted((a, b))
    if small == large or large % small:
        return tree
    return replace(tree, kinds=(*tree.kinds[:-1], "pair"))


def _list_pairs(tree: Tree, selection: Selection, listing: _Listing) -> None:
    """Both sides of each scene; what has no other side is left out."""
    by_parent: dict[Path, dict[str, list[Path]]] = {}
    for file in tree.files:
        by_parent.setdefault(file.parent.parent, {}).setdefault(file.parent.name, []).append(file)
    for parent, sides in by_parent.items():
        if len(sides) != 2:
            raise DataError(f"{str(parent)!r} has only one side of its pairs", "add the other")
        (one, first), (two, second) = sides.items()
        stems = bare_stems(first, second)
        both = set(stems[0]) & set(stems[1])
        above = parent.relative_to(tree.root).as_posix()
        for name, files, names in ((one, first, stems[0]), (two, second, stems[1])):
            for file, stem in zip(files, names, strict=True):
                if stem not in both:
                    listing.left_out.append(
                        f"{file.relative_to(tree.root).as_posix()}: no other side of its pair"
                    )
                    continue
                scene = stem if above == "." else f"{above}/{stem}"
                side = PAIRS.get(name.lower(), name)
                place = replace(_pair_place(tree, file), condition=side)
                listing.add(tree.root, [file], selection, place, scene)
    listing.entries.sort(key=lambda entry: (entry.scene, entry.condition))


def _pair_place(tree: Tree, file: Path) -> Place:
    kinds = ("" if kind == "pair" else kind for kind in tree.kinds)
    return replace(tree, kinds=tuple(kinds)).place(file)


def _layout(tree: Tree) -> tuple[str, str]:
    """Layout and title of a tree of folders."""
    kinds = [kind for kind in tree.kinds if kind]
    if "pair" in kinds:
        return "pairs", "pairs of images of the same scenes"
    if "object" in kinds:
        return "object-folders", "folders of one object each"
    if "band" in kinds:
        return "band-folders", "folders of one band each"
    if kinds == ["split"]:
        return "split-folders", "split folders of image files"
    words = " and ".join("split and class" if kind == "split-class" else kind for kind in kinds)
    return "class-folders", f"{words} folders of image files"


def _titled(folder: Path, tree: Tree, source: Source) -> Source:
    """A source with the title of the release or of its pairs, where it is one."""
    if source.layout == "pairs":
        sides = {}
        for index, item in enumerate(source.items):
            if item.condition not in sides and not item.pickled:
                sides[item.condition] = source.read(index).pixels.shape[-1]
        small, large = min(sides.values(), default=0), max(sides.values(), default=0)
        kind = "super-resolution" if small < large else "noisy and clean"
        return replace(source, title=f"{kind} pairs, {small}² and {large}² pixels")
    if source.layout != "class-folders" or not source.classes:
        return source
    if not all(label.lower() in CANONICAL for label in source.classes):
        return source
    side = _side(source)
    model = f" ({_RELEASE[side]}, {side}² pixels)" if side in _RELEASE else ""
    shape = source.title.removesuffix(" of image files")
    names = ", ".join(f"{name} is {CANONICAL[name.lower()]}" for name in source.classes)
    return replace(
        source,
        layout="deeplense-" + source.layout,
        title=f"DeepLense release{model}: {shape} of .npy",
    ).noting(f"Classes by our names: {names}.")


def _source(
    folder: Path, listing: _Listing, selection: Selection, layout: str, title: str
) -> Source:
    table = tables.find_table(folder, selection)
    keys = [
        tables.key_of_row(table.rows, entry.file) if table.rows else "" for entry in listing.entries
    ]
    entries = [
        with_row(entry, table, key, selection)
        for entry, key in zip(listing.entries, keys, strict=True)
    ]
    looked_at = watched(entries, f"headers in {folder}", len(entries))
    items = tuple(_item(folder, entry) for entry in looked_at)
    notes = []
    pickled = sum(item.pickled for item in items)
    if pickled:
        notes.append(
            f"{pickled} files are object pickles: they are read only by `lensbench data convert`."
        )
    left_out = [*listing.sentences(), *table.passed_over]
    if any(keys):
        notes.append(f"What is known of each image is from {table.names}.")
        left_out += unmatched(table, keys, items)
    elif table.rows:
        left_out.append(f"{table.names}: none of {len(table.rows)} rows names an image")
    classes = tuple(sorted({entry.label for entry in entries if entry.label}))

    def read(index: int) -> Picture:
        picture = read_entry(entries[index], selection)
        row = table.rows.get(keys[index], {})
        if not row:
            return picture
        values = {**tables.numbers_of(row), **picture.values}
        return replace(
            picture, values=values, pixel_scale=picture.pixel_scale or values.get("pixel_scale")
        )

    options = f"--extension {selection.extension}" if selection.extension else ""
    return Source(
        str(folder),
        layout,
        title,
        items,
        read,
        tuple(notes),
        options,
        classes=classes,
        columns=columns_of(table, keys, classes),
        left_out=tuple(left_out),
    )


def _item(folder: Path, entry: Entry) -> Item:
    above = os.path.join(folder, "")  # noqa: PTH118 (`relative_to` takes ten times as long)
    place = str(entry.file).removeprefix(above)
    name = entry.name or place
    pickled = entry.file.suffix == ".npy" and is_pickled(entry.file)
    scene = entry.scene or place
    return Item(name, entry.label, entry.split, entry.condition, scene, pickled, entry.position)


def _side(source: Source) -> int:
    """Side of the first image that is not pickled [pixels]; 0 where none can be read."""
    for index, item in enumerate(source.items):
        if not item.pickled:
            try:
                return int(source.read(index).pixels.shape[-1])
            except DataError:
                return 0
    return 0


def _are_classes(folder: Path, names: Iterable[str]) -> bool:
    """Whether folders are classes: those of the release, or of nothing that a table describes."""
    lower = {name.lower() for name in names}
    return lower <= set(CANONICAL) or not any(folder.glob("*.csv"))


def _shortened(sentences: Sequence[str]) -> list[str]:
    """The first of many sentences, and how many more there are."""
    if len(sentences) <= _NAMED:
        return list(sentences)
    return [*sentences[:_NAMED], f"and {len(sentences) - _NAMED} files more"]
