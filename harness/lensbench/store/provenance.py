"""What code ran: versions and digests of source."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import subprocess
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


@functools.cache
def checkout(package: str) -> str:
    """Commit of the git checkout from which a package runs, and whether files differ from it.

    Empty for one that is installed as a copy, and where there is no git. Neither the folder nor
    anybody's name is told.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or "site-packages" in Path(spec.origin).parts:
        return ""
    folder = Path(spec.origin).parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return ""
    return f"{commit} (changed)" if _git(folder, "status", "--porcelain", "-uno") else commit


def _git(folder: Path, *words: str) -> str:
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return ended.stdout.strip()
