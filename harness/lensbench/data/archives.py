"""Archives: they are not read in place; the command that unpacks each is named."""

from __future__ import annotations

import gzip
import shlex
import zipfile
from pathlib import Path

from lensbench.data.readers.guard import reading
from lensbench.errors import DataError
from lensbench.files import open_file

_TAR_MARK = 257
_SUFFIXES = (
    ".zip",
    ".tar",
    ".tgz",
    ".tar.gz",
    ".tar.bz2",
    ".tar.xz",
    ".tbz2",
    ".txz",
    ".7z",
    ".rar",
)


def is_archive_name(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(_SUFFIXES)


def is_zip_of_files(path: Path) -> bool:
    """Whether a zip holds files in folders, or other files than a .npz does."""
    with reading(path, "zip archive"), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    foreign = [name for name in names if not name.endswith(".npy")]
    in_folders = [name for name in names if "/" in name]
    return bool(foreign) or (path.suffix.lower() != ".npz" and bool(in_folders))


def is_tar(head: bytes) -> bool:
    """Whether a file that begins so is a tar."""
    return head[_TAR_MARK : _TAR_MARK + 5] == b"ustar"


def unpacked_head(path: Path, size: int = 512) -> bytes:
    """How the content of a gzip file begins."""
    with reading(path, "gzip"), open_file(path) as file, gzip.GzipFile(fileobj=file) as stream:
        return stream.read(size)


def command_to_unpack(path: Path) -> str:
    """The command that unpacks an archive into a folder of its name."""
    stem = path.name
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if stem.lower().endswith(suffix):
            stem = stem[: -len(suffix)]
            break
    folder = shlex.quote(str(path.parent / (stem or "unpacked")))
    file = shlex.quote(str(path))
    name = path.name.lower()
    if name.endswith(".zip") or zipfile.is_zipfile(path):
        return f"unzip -q {file} -d {folder}"
    if name.endswith((".7z", ".rar")):
        return f"7z x {file} -o{folder}"
    return f"mkdir -p {folder} && tar -xf {file} -C {folder}"


def refuse_archive(path: Path) -> DataError:
    """The error that says how to unpack an archive."""
    return DataError(
        f"{str(path)!r} is an archive, not unpacked",
        f"`{command_to_unpack(path)}`, then name that folder",
    )
