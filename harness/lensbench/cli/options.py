"""Options that several verbs share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--store`, from the environment or the folder `.lensbench` where it is not given."""
    return click.option(
        "--store",
        metavar="FOLDER|URL",
        help="Where results are kept.  [default: $LENSBENCH_STORE or .lensbench]",
    )(function)


def store_root(given: str | None) -> str:
    """The folder or URL that `--store`, the environment or the default says."""
    return given or os.environ.get("LENSBENCH_STORE") or ".lensbench"


def split_references(text: str) -> tuple[str, ...]:
    """Plugins named in one text, comma between them, options of each left with it.

    `a,b:x=1,y=2,c` is `a`, `b:x=1,y=2` and `c`: what holds an equals sign before any colon goes on
    with the plugin before it.
    """
    references: list[str] = []
    for part in filter(None, text.split(",")):
        if references and "=" in part.partition(":")[0]:
            references[-1] += f",{part}"
        else:
            references.append(part)
    return tuple(references)
