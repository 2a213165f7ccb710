"""Archives of a board: plain zips without compression, read strictly and appended to.

Anyone can unpack one. What is read here has to be exactly what is written here: members one after
the other from the first byte, each stored as it is, without comments, extra fields or gaps. So no
member can hide, overlap another, or become larger than it is.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lensbench.errors import DataError
from lensbench.files import open_file
from lensbench.leaderboard.board.layout import MAX_FILES, member_kind, shown

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_MAX_NAME = 128
_DATE = (1980, 1, 1, 0, 0, 0)
_HINT = "archives of boards are what lensbench leaderboard publish writes"


@dataclass(frozen=True)
class Slice:
    """Bytes of a file: a member of an archive, or the whole of it.

    Attributes:
        path: The file.
        start, size: Where they are [bytes].
    """

    path: Path
    start: int
    size: int

    @classmethod
    def of_file(cls, path: Path) -> Slice:
        """A file as a whole."""
        return cls(path, 0, path.stat().st_size)

    def view(self) -> memoryview:
        """The bytes, mapped into memory: read when touched.

        Raises:
            DataError: Where the file is no regular one, or is too short.
        """
        if not self.size:
            return memoryview(b"")
        with open_file(self.path) as file:
            if os.fstat(file.fileno()).st_size < self.start + self.size:
                raise DataError(f"{self.path.name} is too short", "fetch the board again")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return memoryview(mapped)[self.start : self.start + self.size]


def read_zip(path: Path, name: str) -> dict[str, Slice]:
    """Where each member of an archive is, by its name.

    Raises:
        DataError: Where the file is not exactly such an archive.
    """
    if path.is_symlink():
        raise DataError(f"{name} is a link", _HINT)
    with open_file(path) as file:
        try:
            return _members(file, path, name)
        except (struct.error, OSError, ValueError) as error:
            raise DataError(f"{name} cannot be read as an archive: {error}", _HINT) from None


def _members(file: BinaryIO, path: Path, name: str) -> dict[str, Slice]:
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        raise DataError(f"{name} is too short for an archive", _HINT)
    file.seek(size - _END.size)
    end = _END.unpack(file.read(_END.size))
    mark, disk, first, here, count, length, begin, comment = end
    if (mark, disk, first, comment) != (b"PK\5\6", 0, 0, 0) or here != count:
        raise DataError(f"{name} does not end as an archive does", _HINT)
    longest = count * (_CENTRAL.size + _MAX_NAME)
    if count > MAX_FILES or length > longest or begin + length + _END.size != size:
        raise DataError(f"{name} has a list of members that cannot be", _HINT)
    file.seek(begin)
    listed = memoryview(file.read(length))
    found: dict[str, Slice] = {}
    at = position = 0
    for _ in range(count):
        local, member, data_size = _listed(listed, at, position, name)
        at += _CENTRAL.size + len(member)
        file.seek(position)
        if file.read(len(local)) != local:
            raise DataError(f"{name}: {shown(member)} is listed otherwise than it is", _HINT)
        if member in found:
            raise DataError(f"{name} holds {member} twice", _HINT)
        found[member] = Slice(path, position + len(local), data_size)
        position += len(local) + data_size
    if at != length or position != begin:
        raise DataError(f"{name} has bytes that belong to no member", _HINT)
    return found


def _listed(listed: memoryview, at: int, position: int, name: str) -> tuple[bytes, str, int]:
    """Header, name and size of a member whose header is at a position.

    Raises:
        DataError: Where it is compressed, elsewhere, or none that a board may have.
    """
    fields = _CENTRAL.unpack(listed[at : at + _CENTRAL.size])
    (
        mark,
        _,
        needed,
        flags,
        method,
        time,
        date,
        crc,
        packed,
        size,
        length,
        extra,
        comment,
        disk,
        _,
        _,
        where,
    ) = fields
    if mark != b"PK\1\2":
        raise DataError(f"{name} has a list of members that cannot be", _HINT)
    raw = bytes(listed[at + _CENTRAL.size : at + _CENTRAL.size + length])
    member = raw.decode("ascii", errors="replace")
    kind = member_kind(member)
    if kind is None:
        raise DataError(f"{name} holds {shown(member)}: an archive has no such member", _HINT)
    if (flags, method, extra, comment, disk) != (0, 0, 0, 0, 0) or packed != size:
        raise DataError(f"{name}: {member} is compressed, encrypted or has extra fields", _HINT)
    if size > kind.limit:
        raise DataError(f"{name}: {member} has {size} bytes, at most {kind.limit} may be")
    if where != position:
        raise DataError(f"{name}: {member} is not where the one before it ends", _HINT)
    local = _LOCAL.pack(
        b"PK\3\4", needed, flags, method, time, date, crc, packed, size, length, extra
    )
    return local + raw, member, size


def write_zip(target: Path, members: Mapping[str, Slice], base: Path | None = None) -> None:
    """Writes an archive of members, or appends them to a copy of another one.

    Args:
        target: The new file.
        members: By name.
        base: An archive whose bytes stay as they are, in front of the members.
    """
    if base is not None:
        shutil.copyfile(base, target)
    with zipfile.ZipFile(target, "a" if base else "w", allowZip64=False) as archive:
        for name, member in members.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.file_size = member.size
            with archive.open(info, "w") as file:
                view = member.view()
                for start in range(0, member.size, 1 << 24):
                    file.write(view[start : start + (1 << 24)])
