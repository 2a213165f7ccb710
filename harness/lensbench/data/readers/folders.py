"""Folders of files, an image each: by split, class, band or object, in pairs, or flat."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lensbench.data.names import PAIRS, SIDES, arcsec_of
from lensbench.data.picture import CANONICAL, Item, Picture, Selection, Source
from lensbench.data.readers import fits, tables
from lensbench.data.readers.encoded import NOTE
from lensbench.data.readers.entries import (
    Entry,
    Group,
    image_names,
    read_entry,
    with_role_folders,
)
from lensbench.data.readers.fits import SUFFIXES as FITS_SUFFIXES
from lensbench.data.readers.levels import (
    Place,
    Tree,
    bare_stems,
    levels_of,
    object_of,
)
from lensbench.data.readers.listing import Listing
from lensbench.data.readers.npy_header import is_pickled, is_single
from lensbench.data.readers.rows import columns_of, odd_cells, unmatched, with_row
from lensbench.data.readers.table_files import Row
from lensbench.data.splits import split_of
from lensbench.errors import DataError
from lensbench.files import watched

_RELEASE = {150: "Model I", 64: "Model II or III", 75: "super-resolution input"}
_DEPTH = 5
_NO_ROW: Row = {}


def tree_folder(folder: Path, selection: Selection) -> Source | None:
    """Images in folders whose names say split, class, band, side of a pair or object.

    `None` where there are no such folders, or what they mean is not known.
    """
    groups, flat = _without_flat_splits(_groups_below(folder, selection.encoded), folder)
    if not groups:
        return None
    tree = levels_of(folder, groups, lambda names: _are_classes(folder, names))
    tree = _as_pair(tree, selection)
    parts = [group.folder.relative_to(folder).parts for group in groups]
    unknown = [
        level
        for level, kind in enumerate(tree.kinds)
        if not kind and len({part[level] for part in parts}) > 1
    ]
    known = any(tree.kinds) or any(group.beside for group in groups)
    if (unknown or not known) and not _are_named(folder, groups, selection):
        return None
    listing = Listing()
    listing.left_out += [
        f"{group.folder.name}: {len(group.names)} images without a class" for group in flat
    ]
    if "pair" in tree.kinds:
        _list_pairs(tree, selection, listing)
    else:
        for group in groups:
            place = tree.place(group.folder)
            if "band" not in tree.kinds:
                listing.add(folder, group, selection, place, "")
                continue
            for name in group.names:
                inner = "/".join(filter(None, (place.split, place.label, object_of(name))))
                listing.add(folder, group.alone(name), selection, place, inner)
    return _titled(folder, tree, _source(folder, listing, selection, _layout(tree)))


def flat_folder(folder: Path, names: Sequence[str], selection: Selection) -> Source:
    """These files of a folder, an image each, with tables beside them where there are some."""
    known_tables = [
        name
        for name in names
        if name.lower().endswith(FITS_SUFFIXES) and fits.is_table(folder / name)
    ]
    listing = Listing()
    images = [name for name in names if name not in known_tables]
    listing.add(folder, Group(folder, images), selection, Place(), "")
    kind = "FITS images" if any(entry.band for entry in listing.entries) else "NumPy images"
    title = ("image-folder", f"folder of {'pictures' if selection.encoded else kind}")
    source = _source(folder, listing, selection, title, [folder / name for name in known_tables])
    bands = sorted({entry.condition for entry in listing.entries if entry.condition})
    if set(bands) in SIDES:
        return _as_pairs(replace(source, layout="pairs"))
    if bands and any(entry.name for entry in listing.entries):
        return source.noting(f"Several images a file: {', '.join(bands)}; see --extension.")
    return source.noting(f"Bands of one object are files: {', '.join(bands)}.") if bands else source


def _groups_below(folder: Path, encoded: bool) -> list[Group]:
    """Image files below a folder, where all are single images; else none."""
    if set(image_names(folder, encoded)) - {file.name for file in tables.tables_in(folder)}:
        return []
    found: list[Group] = []
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        if depth < _DEPTH:
            with os.scandir(place) as inside:
                below = [one.name for one in inside if one.is_dir() and not _is_hidden(one.name)]
            waiting += [(place / name, depth + 1) for name in below]
        names = image_names(place, encoded) if place != folder else []
        if not names:
            continue
        suffix = Path(names[0]).suffix
        if suffix == ".npz" or (suffix == ".npy" and not is_single(place / names[0])):
            return []
        found.append(Group(place, names))
    return with_role_folders(sorted(found, key=lambda group: group.folder), folder)


def _without_flat_splits(
    groups: Sequence[Group], folder: Path
) -> tuple[Sequence[Group], Sequence[Group]]:
    """Groups of one depth; and folders of a split that lack the class folders of other splits.

    Both are empty where files lie at several depths otherwise.
    """
    parts = [group.folder.relative_to(folder).parts for group in groups]
    depths = {len(one) for one in parts}
    if len(depths) < 2:
        return groups, ()
    flat = [group for group, one in zip(groups, parts, strict=True) if len(one) == min(depths)]
    deep = [group for group, one in zip(groups, parts, strict=True) if len(one) == max(depths)]
    tops = {one[0] for one in parts}
    named = all(map(split_of, tops)) and len(tops) > 1
    return (deep, flat) if named and depths == {1, 2} else ([], ())


def _are_named(folder: Path, groups: Sequence[Group], selection: Selection) -> bool:
    """Whether tables of a folder have a row for one of the images below it."""
    files = [group.folder / name for group in groups for name in group.names]
    _, keys = tables.find_table(folder, selection, files)
    return any(keys)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() == "__macosx"


def _as_pair(tree: Tree, selection: Selection) -> Tree:
    """The tree with its last level as the sides of a pair, where sizes say that it is one."""
    if not tree.kinds or tree.kinds[-1] not in ("class", ""):
        return tree
    if len(tree.groups) != 2 or len({group.folder.name for group in tree.groups}) != 2:
        return tree
    sides = sorted(tree.groups, key=lambda group: group.folder.name)
    stems = bare_stems(*(group.names for group in sides))
    if set(stems[0]) != set(stems[1]):
        return tree
    firsts = [Entry(group.folder, group.names[0]) for group in sides]
    if any(entry.place.endswith(".npy") and is_pickled(entry.file) for entry in firsts):
        return tree
    a, b = (read_entry(entry, selection).pixels.shape[-1] for entry in firsts)
    small, large = sorted((a, b))
    if small == large or large % small:
        return tree
    return replace(tree, kinds=(*tree.kinds[:-1], "pair"))


def _list_pairs(tree: Tree, selection: Selection, listing: Listing) -> None:
    """Both sides of each scene; what has no other side is left out."""
    by_parent: dict[Path, list[Group]] = {}
    for group in tree.groups:
        by_parent.setdefault(group.folder.parent, []).append(group)
    above_pairs = replace(tree, kinds=tuple("" if k == "pair" else k for k in tree.kinds))
    for parent, sides in by_parent.items():
        if len(sides) != 2:
            raise DataError(f"{str(parent)!r} has only one side of its pairs", "add the other")
        stems = bare_stems(*(group.names for group in sides))
        both = set(stems[0]) & set(stems[1])
        above = parent.relative_to(tree.root).as_posix()
        for group, names in zip(sides, stems, strict=True):
            side = PAIRS.get(group.folder.name.lower(), group.folder.name)
            place = replace(above_pairs.place(group.folder), condition=side)
            for file, stem in zip(group.names, names, strict=True):
                if stem not in both:
                    where = (group.folder / file).relative_to(tree.root).as_posix()
                    listing.left_out.append(f"{where}: no other side of its pair")
                    continue
                scene = stem if above == "." else f"{above}/{stem}"
                listing.add(tree.root, group.alone(file), selection, place, scene)
    listing.entries.sort(key=lambda entry: (entry.scene, entry.condition))


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
    if not kinds:
        return "image-folder", "folders of images that a table names"
    return "class-folders", f"{words} folders of image files"


def _titled(folder: Path, tree: Tree, source: Source) -> Source:
    """A source with the title of the release or of its pairs, where it is one."""
    if source.layout == "pairs":
        return _as_pairs(source)
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


def _as_pairs(source: Source) -> Source:
    """Pairs with a title that says of which sides they are."""
    sides = {}
    for index, item in enumerate(source.items):
        if item.condition not in sides and not item.pickled:
            sides[item.condition] = source.read(index).pixels.shape[-1]
    small, large = min(sides.values(), default=0), max(sides.values(), default=0)
    kind = "super-resolution" if small < large else "noisy and clean"
    return replace(source, title=f"{kind} pairs, {small}² and {large}² pixels")


def _source(
    folder: Path,
    listing: Listing,
    selection: Selection,
    title: tuple[str, str],
    own_tables: Sequence[Path] = (),
) -> Source:
    """The source of entries with what tables say of them.

    Args:
        folder: That a user names.
        listing: Entries, and what is left out.
        selection: What the user says.
        title: Name of the layout, and a line on it.
        own_tables: FITS tables among the files of the folder.
    """
    listing.join_filters()
    files = [entry.file for entry in listing.entries]
    positions = [entry.stated.position for entry in listing.entries]
    table, keys = tables.find_table(folder, selection, files, positions, own_tables)
    try:
        _check_rows(table, keys, listing.entries)
    except DataError as error:
        if not table.is_above(folder):
            raise
        said = f"{table.names}, in the folder above: {error.message}"
        table, keys = tables.Table(passed_over=(*table.passed_over, said)), [""] * len(files)
    column = table.label_column(selection) if any(keys) else ""
    entries = [
        with_row(entry, table, key, selection, column)
        for entry, key in zip(listing.entries, keys, strict=True)
    ]
    looked_at = watched(entries, f"headers in {folder}", len(entries))
    items = tuple(_item(entry) for entry in looked_at)
    notes = [NOTE] if selection.encoded else []
    pickled = sum(item.pickled for item in items)
    if pickled:
        notes.append(
            f"{pickled} files are object pickles: they are read only by `lensbench data convert`."
        )
    left_out = [*listing.sentences(), *table.passed_over]
    if any(keys):
        notes.append(f"What is known of each image is from {table.names}.")
        left_out += [*unmatched(table, keys, items), *odd_cells(table)]
    elif table.rows:
        left_out.append(f"{table.names}: none of {len(table.rows)} rows names an image")
    classes = tuple(sorted({item.label for item in items if item.label}))
    options = f"--extension {selection.extension}" if selection.extension else ""
    return Source(
        str(folder),
        *title,
        items,
        _reader(folder, entries, [table.rows.get(key, _NO_ROW) for key in keys], table, selection),
        tuple(notes),
        options,
        classes=classes,
        columns=columns_of(table, keys, classes),
        left_out=tuple(left_out),
    )


def _check_rows(table: tables.Table, keys: Sequence[str], entries: Sequence[Entry]) -> None:
    """Refuses a row that files of two folders have in common, where these are no bands or pairs.

    Raises:
        DataError: Naming the row and both files.
    """
    first: dict[tuple[str, str], Entry] = {}
    for key, entry in zip(keys, entries, strict=True):
        other = first.setdefault((key, entry.condition), entry)
        if key and other.file.parent != entry.file.parent:
            raise DataError(
                f"the row {key!r} of {table.names} is of {other.place!r} and of {entry.place!r}",
                "name the images in the table with their folders",
            )


def _reader(
    root: Path,
    entries: Sequence[Entry],
    rows: Sequence[Row],
    table: tables.Table,
    selection: Selection,
) -> Callable[[int], Picture]:
    """What reads the image of an index, with the numbers of its row.

    Of a hundred thousand plain files nothing is kept but their places.
    """
    places = [entry.place for entry in entries]
    special = {i: e for i, e in enumerate(entries) if e.band or e.partners}

    def read(index: int) -> Picture:
        picture = read_entry(special.get(index) or Entry(root, places[index]), selection)
        if not rows[index]:
            return picture
        values = {**tables.numbers_of(rows[index]), **picture.values}
        return replace(
            picture,
            values=values,
            pixel_scale=picture.pixel_scale or arcsec_of(values, "pixel_scale", table.units),
            psf_fwhm=picture.psf_fwhm or arcsec_of(values, "psf_fwhm", table.units),
        )

    return read


def _item(entry: Entry) -> Item:
    name = entry.name or entry.place
    pickled = entry.place.endswith(".npy") and is_pickled(f"{entry.root}/{entry.place}")
    scene = entry.scene or entry.place
    position = entry.stated.position
    return Item(name, entry.label, entry.split, entry.condition, scene, pickled, position)


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
    """Whether folders are classes: those of the release, or where no table states others."""
    lower = {name.lower() for name in names}
    return lower <= set(CANONICAL) or not tables.states_classes(folder)
