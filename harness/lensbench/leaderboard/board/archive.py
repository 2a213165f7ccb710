"""Boards as one tar: packed the same way every time, and unpacked without trust."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lensbench.errors import DataError, UsageError
from lensbench.leaderboard.board.layout import (
    MANIFEST,
    MAX_FILES,
    MAX_MANIFEST,
    MAX_TOTAL,
    kind_of,
    shown,
)
from lensbench.store.claims import temporary_folder

_HINT = "a bundle is a plain tar that lensbench leaderboard submit makes"


def pack(folder: Path, target: Path) -> None:
    """Writes a board's files as a tar without names of users, and without times."""
    temporary = target.with_name(f".{target.name}.new")
    with tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and (name == MANIFEST or kind_of(name)):
                member = tarfile.TarInfo(name)
                member.size = path.stat().st_size
                with path.open("rb") as file:
                    tar.addfile(member, file)
    temporary.replace(target)


def unpack(archive: Path, folder: Path) -> None:
    """Writes the files of a bundle into an empty folder.

    A bundle is a plain tar, so that nothing in it is larger than it is there; its files are those
    that a board may have, each once.

    Raises:
        DataError: For a link, a path that a board does not have, a file that is too large.
    """
    total = 0
    seen: set[str] = set()
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                name = member.name
                _check_member(member, seen)
                total += member.size
                if total > MAX_TOTAL:
                    raise DataError(f"the bundle has more than {MAX_TOTAL} bytes", _HINT)
                source = tar.extractfile(member)
                if source is None:
                    raise DataError(f"the bundle's {shown(name)} is no file", _HINT)
                (folder / name).parent.mkdir(exist_ok=True)
                with (folder / name).open("xb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
    except DataError:
        raise
    except (tarfile.TarError, OSError, ValueError, EOFError, OverflowError) as error:
        raise DataError(
            f"{str(archive)!r} cannot be read as a tar: {shown(str(error))}", _HINT
        ) from None
    if not seen:
        raise DataError(f"{str(archive)!r} holds no file", _HINT)


def _check_member(member: tarfile.TarInfo, seen: set[str]) -> None:
    name = member.name
    kind = kind_of(name)
    if kind is None and name != MANIFEST:
        raise DataError(f"the bundle holds {shown(name)}: a board has no such file", _HINT)
    if not member.isreg() or member.sparse is not None:
        raise DataError(f"the bundle's {shown(name)} is a link or no plain file", _HINT)
    limit = kind.limit if kind else MAX_MANIFEST
    if not 0 <= member.size <= limit:
        raise DataError(f"the bundle's {name} has {member.size} bytes, at most {limit} may be")
    if name in seen:
        raise DataError(f"the bundle holds {name} twice", _HINT)
    seen.add(name)
    if len(seen) > MAX_FILES:
        raise DataError(f"the bundle has more than {MAX_FILES} files", _HINT)


@contextmanager
def board_folder(where: Path) -> Iterator[Path]:
    """The folder of a board, or a temporary one with what a tar holds.

    Raises:
        UsageError: Where there is nothing.
        DataError: Where a tar is not one of a board.
    """
    if where.is_dir():
        yield where
    elif where.is_file():
        with temporary_folder() as folder:
            unpack(where, folder)
            yield folder
    else:
        raise UsageError(f"there is no board {str(where)!r}", "name its folder or its tar")
