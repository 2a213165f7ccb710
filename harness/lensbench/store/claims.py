"""Claims: what one process among many may make; and temporary folders, which outlive no process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lensbench.errors import StoreError


@contextlib.contextmanager
def claimed(path: Path, wait: bool = True) -> Iterator[None]:
    """Holds a lock file, which one process holds at a time.

    The kernel frees the lock of a process that dies. The file is removed with the lock held, so
    a process that waited may find another file of that name, and then locks that one.

    Args:
        path: The lock file; its folder exists.
        wait: Whether to wait while another process holds it.

    Raises:
        BlockingIOError: Where another process holds it and `wait` is false.
    """
    handle = _locked(path, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


@contextlib.contextmanager
def shown_alive(path: Path) -> Iterator[None]:
    """Shows others that this process lives, whatever clocks say; several may do so at once.

    Args:
        path: A lock file; its folder exists.
    """
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def is_shown_alive(path: Path) -> bool:
    """Whether a process that lives holds such a lock file."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A new empty folder inside another, gone at the end or by `sweep_scratch`."""
    folder.mkdir(parents=True, exist_ok=True)
    mine = folder / f"{os.getpid()}-{secrets.token_hex(6)}"
    with claimed(mine.with_suffix(".lock")):
        mine.mkdir()
        try:
            yield mine
        finally:
            shutil.rmtree(mine, ignore_errors=True)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder for temporary files, gone at the end; those of dead processes go first.

    It lies in the system's folder for such files, in one that only this user can enter.
    """
    folder = Path(tempfile.gettempdir()) / f"lensbench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid() or not folder.is_dir():
        raise StoreError(f"{str(folder)!r} is not yours", "set TMPDIR to a folder of your own")
    sweep_scratch(folder)
    with scratch(folder) as mine:
        yield mine


def sweep_scratch(folder: Path) -> None:
    """Removes the scratch folders of processes that died."""
    _sweep(folder, "*.lock")


def sweep_claims(folder: Path) -> None:
    """Removes the lock files of processes that died."""
    _sweep(folder, "*")


def _sweep(folder: Path, pattern: str) -> None:
    """Removes lock files that nobody holds, each with the folder of its name."""
    for lock in folder.glob(pattern):
        try:
            handle = _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, IsADirectoryError):
            continue
        if lock.suffix == ".lock":
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(handle)


def _locked(path: Path, how: int) -> int:
    """An open file that is locked and is still the one of its name."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(handle, how)
        except BaseException:
            os.close(handle)
            raise
        try:
            if os.stat(path).st_ino == os.fstat(handle).st_ino:  # noqa: PTH116 (of a handle)
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)
