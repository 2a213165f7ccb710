"""What code ran: versions and digests of source."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path


@functools.cache
def source_digest(package: str, rooms: tuple[str, ...] = ()) -> str:
    """A hash of all Python source of an importable package, found without importing it.

    Args:
        package: Name of the top-level package or module.
        rooms: Sub-packages and files to which to confine it; all where empty.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    origin = Path(spec.origin)
    if not spec.submodule_search_locations:
        return _digest([origin], origin.parent)
    folders = [origin.parent / room for room in rooms] or [origin.parent]
    files = [
        file
        for folder in folders
        for file in ([folder] if folder.is_file() else sorted(folder.rglob("*.py")))
    ]
    return _digest(files, origin.parent)


def _digest(files: Sequence[Path], root: Path) -> str:
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes() + b"\0")
    return hashed.hexdigest()[:16]
