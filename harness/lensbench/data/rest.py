"""What lies in a folder beside images and their tables: it is not read, which is to be said."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lensbench.data.archives import command_to_unpack, is_archive_name
from lensbench.data.names import few
from lensbench.data.readers.cards import is_exported
from lensbench.data.readers.entries import ENCODED, SUFFIXES
from lensbench.data.readers.table_files import is_about_data, text_suffix

CONTAINERS = (".h5", ".hdf5", ".hdf", ".parquet", ".npz")
"""Files that may hold many images."""

_READ = (*SUFFIXES, *CONTAINERS)
_NAMED = 3


def is_saved(folder: Path) -> bool:
    """Whether a folder is one that Hugging Face `datasets` saved to disk."""
    marks = ("dataset_dict.json", "state.json", "dataset_info.json")
    several, *one = ((folder / name).exists() for name in marks)
    return several or all(one)


@dataclass
class Rest:
    """What is not read.

    Attributes:
        archives: Archives.
        others: How many files there are of each suffix that no reader takes.
        broken: Links to what is not there.
        empty: Folders without anything in them.
    """

    archives: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def sentences(self, said: str) -> Iterator[str]:
        """A sentence for each kind, with the reason.

        Args:
            said: Of the images: tables of a suffix that stands in it were looked at.
        """
        for file in self.archives:
            yield f"{file.name}: an archive; `{command_to_unpack(file)}`"
        for suffix, count in self.others.items():
            reason = "of no format that is read"
            if text_suffix(f"a{suffix}"):
                if suffix in said:
                    continue
                reason = "no tables of these images"
            if suffix in ENCODED:
                reason = "pictures, which are read where nothing else is there"
            kind = f"{suffix} files" if suffix else "files without a suffix"
            yield f"{count} {kind}: {reason}"
        if self.broken:
            named = few(sorted(self.broken), _NAMED)
            yield f"{len(self.broken)} links to files that are not there: {named}"
        if self.empty:
            yield f"{len(self.empty)} empty folders: {few(sorted(self.empty), _NAMED)}"


def rest_of(folder: Path, depth: int, encoded: bool = False) -> Rest:
    """What is not read of a folder and of those below it.

    Args:
        folder: That a user names.
        depth: Levels of folders below it that are looked into.
        encoded: Whether pictures (PNG, JPEG, TIFF) are what is read.
    """
    found = Rest()
    read = ENCODED if encoded else _READ
    waiting = [(folder, 0)]
    while waiting:
        place, level = waiting.pop()
        if is_saved(place) or is_exported(place):
            continue
        with os.scandir(place) as entries:
            shown = [one for one in entries if not one.name.startswith(".")]
        if not shown and level:
            found.empty.append(place.relative_to(folder).as_posix())
        for one in shown:
            if one.is_file():
                _add(found, Path(one.path), read)
            elif one.is_dir():
                if level < depth and one.name != "__MACOSX":
                    waiting.append((Path(one.path), level + 1))
            elif one.is_symlink():
                found.broken.append(Path(one.path).relative_to(folder).as_posix())
    found.archives.sort()
    return found


def _add(found: Rest, file: Path, read: tuple[str, ...]) -> None:
    if file.name.lower().endswith(read) or is_about_data(file.name):
        return
    if is_archive_name(file):
        found.archives.append(file)
    else:
        found.others[text_suffix(file.name) or file.suffix.lower()] += 1
