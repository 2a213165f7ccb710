"""The command line, called in this process: what a new one does, without its seconds of imports."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest


class Result(NamedTuple):
    """What a call of the command line gave."""

    code: int
    out: str
    err: str


def called(*words: object) -> Result:
    """Calls the command line; tests have the fixture `lensbench` for it."""
    from lensbench.cli import main

    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["lensbench", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as exit_,
    ):
        main()
    return Result(int(exit_.value.code or 0), out.getvalue(), err.getvalue())


@contextlib.contextmanager
def installed(site: Path, *packages: str) -> Iterator[None]:
    """Plugins that lie in a folder, as an installer leaves them, are found by this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        yield
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]
    importlib.invalidate_caches()
