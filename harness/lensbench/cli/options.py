"""Options that several verbs share."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import click

from lensbench.cli.completion import PluginName

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
"""What puts an option before a command."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")

quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of all randomness."
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    help="Number of threads of each process. It changes the last digits of results.  [default: 1]",
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="Device to compute on; auto takes an accelerator if there is one. It changes the "
    "last digits of results.  [default: auto]",
)


def number_option(flag: str, help_text: str, least: int = 1, **settings: Any) -> Decorator:
    """An option that takes a whole number, of which `least` is the smallest."""
    settings.setdefault("show_default", "default" in settings)
    return click.option(flag, type=click.IntRange(least), help=help_text, **settings)


cluster_options = (
    click.option(
        "--executor",
        "where",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Where to compute: in processes of this machine, or on a Ray cluster.",
    ),
    click.option(
        "--address",
        default="",
        metavar="ADDRESS",
        help="Address of the Ray cluster.  [default: a cluster is started on this machine]",
    ),
)


def plugin_option(flag: str, named: PluginName, help_text: str, **settings: Any) -> Decorator:
    """An option that names a plugin, or several with commas between.

    Args:
        flag: `--encoder`, say.
        named: Which plugins a shell completes.
        help_text: In the command's help.
        settings: Others of `click.option`, in place of what such options have.
    """
    settings.setdefault("metavar", "NAME,NAME,…" if named.several else "NAME[:…]")
    settings.setdefault("show_default", "default" in settings)
    if not settings.get("required"):
        settings.setdefault("default", "")
    return click.option(flag, type=named, help=help_text, **settings)


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


def chosen_device(device: str | None) -> str:
    """The device asked for; for `auto` or none, an accelerator if there is one."""
    from lensbench.training.devices import default_device

    return default_device() if device in (None, "auto") else str(device)


def terminal_width() -> int | None:
    """Signs in a line of the terminal that stdout is; `None` where it is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


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
