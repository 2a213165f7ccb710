"""The errors of lensbench: one family, each carrying what to do next.

`exit_code` follows the command line's contract: 2 is a mistake in the call or in the files
that it names, 1 is a failure of the run itself.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class LensbenchError(Exception):
    """Base of all errors that lensbench raises on purpose.

    Args:
        message: One line that names the thing, its value and what was expected.
        hint: One line that says what to do next; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[LensbenchError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UsageError(LensbenchError):
    """The call names something that does not exist or does not fit."""

    exit_code = 2


class OptionError(UsageError):
    """An option of a plugin is unknown or its value is not allowed."""


class IncompatibleError(UsageError):
    """Two parts of a cell do not fit together, knowable before anything runs."""


class DataError(LensbenchError):
    """A file or image cannot be used: it names the file and the index."""

    exit_code = 2


class StoreError(LensbenchError):
    """The store cannot be read or written."""

    exit_code = 2


REPEAT = "free some space and repeat the command; what was finished is kept"


class NoRoomError(StoreError):
    """A disk is full: the state of the machine, and no fault of what was computed."""

    exit_code = 1

    def __init__(self, message: str, hint: str = REPEAT) -> None:
        super().__init__(message, hint)


class PluginError(LensbenchError):
    """A plugin could not be imported or breaks its contract."""


class RunError(LensbenchError):
    """A computation failed: diverged, ran out of memory or met its limit."""


class UndefinedError(LensbenchError):
    """A metric has no value on these test scenes; the record keeps the message, which says why."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns a hint that lists the names closest to `word`, or all where none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known: {', '.join(names)}" if names else "none is installed"


_NO_ROOM = {code: os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}


def no_room(error: BaseException, where: str = "") -> NoRoomError | None:
    """The error of a full disk, where that is what an error, or its cause, is about.

    Libraries that write files themselves say so in a text of their own and not as an `OSError`.

    Args:
        error: Whatever was raised.
        where: The folder that was written to; by default the file that the error names.
    """
    fault: BaseException | None = error
    while fault is not None:
        if isinstance(fault, NoRoomError):
            return fault
        told = [text for text in _NO_ROOM.values() if text in str(fault)]
        reason = _NO_ROOM.get(getattr(fault, "errno", 0) or 0) or next(iter(told), "")
        if reason:
            place = repr(where or getattr(fault, "filename", None) or "the disk")
            return NoRoomError(f"there is no room left in {place}: {reason}")
        fault = fault.__cause__ or fault.__context__
    return None


@contextmanager
def room_in(where: str) -> Iterator[None]:
    """Raises a `NoRoomError` that names a folder where what is written inside finds it full."""
    try:
        yield
    except Exception as error:
        if full := no_room(error, where):
            raise full from error
        raise


def one_line(error: BaseException) -> str:
    """The first line of an error, or its type where it says nothing."""
    try:
        text = str(error)
    except Exception:  # of a plugin whose `__str__` raises
        text = "it has no message that can be read"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 200 else text[:197] + "…"
