"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lensbench.errors import UsageError


@contextmanager
def whole(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Gives a temporary path beside `path`; what the block leaves there takes its name at the end.

    Raises:
        UsageError: Where `path` exists and may not be overwritten, or cannot be written.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{str(path)!r} exists", "name another file, or add --overwrite")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error}", "name another") from error
    try:
        temporary = folder / path.name
        yield temporary
        replace_by(temporary, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace_by(temporary: Path, path: Path) -> None:
    """Moves a finished file or folder to its name, once it is on the disk."""
    if temporary.is_file():
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists() and temporary.is_dir():
        path.unlink()
    temporary.replace(path)
