"""What the verbs that read results share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.options import store_root
from lensbench.errors import UsageError

if TYPE_CHECKING:
    from lensbench.leaderboard.source import Source


def open_results(where: str, store: str | None) -> Source:
    """A run of the store, a board's folder or a file of records; the last run where empty."""
    from lensbench.leaderboard.source import open_source
    from lensbench.store import open_store

    return open_source(where, functools.partial(open_store, store_root(store)))


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--where` and `--metric`."""
    function = click.option(
        "--metric",
        default="",
        metavar="NAME",
        help="Metric to show, or `all`.  [default: the primary metric of each task]",
    )(function)
    return click.option(
        "--where",
        multiple=True,
        metavar="TEST",
        help="Only records that pass a test such as labels>=100, task=superres|denoising or "
        "'entrant=mae*'. Operators are = != < > <= >=; * stands for any text, | separates "
        "alternatives, and an empty value stands for none. Can be given more than once.",
    )(function)


def write_file(path: Path, data: str | bytes) -> None:
    """Writes what a user asked for.

    Raises:
        UsageError: Where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error}", "name another file") from None
