"""`lensbench store`."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import defaultdict
from pathlib import Path

import click

from lensbench.cli.options import json_option, store_option, store_root
from lensbench.errors import UsageError

_DAYS = {"d": 1.0, "h": 1 / 24}


@click.group("store")
def command() -> None:
    """List, verify, remove and export stored results.

    \b
    Examples:
      lensbench store ls
      lensbench store gc --older-than 30d --yes
    """


@command.command("ls", short_help="List the number and size of artefacts of each kind.")
@store_option
@json_option
def ls(store: str | None, as_json: bool) -> None:
    """List how many artefacts of each kind there are, and their size.

    \b
    Example:
      lensbench store ls
    """
    from lensbench.store import open_store
    from lensbench.store.care import artefacts

    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in artefacts(open_store(store_root(store))):
        counts[one.kind][0] += 1
        counts[one.kind][1] += one.size
    if as_json:
        click.echo(json.dumps({k: {"count": n, "bytes": size} for k, (n, size) in counts.items()}))
        return
    for kind, (count, size) in counts.items():
        click.echo(f"{kind:12} {count:8} {_size(size):>10}")
    click.echo(
        f"{'total':12} {sum(n for n, _ in counts.values()):8} "
        f"{_size(sum(size for _, size in counts.values())):>10}"
    )


@command.command("verify")
@click.option(
    "--remove", is_flag=True, help="Remove damaged files, so that they are computed again."
)
@store_option
@json_option
def verify(remove: bool, store: str | None, as_json: bool) -> None:
    """Check the hash of every file. The exit code is 1 if one is damaged.

    \b
    Example:
      lensbench store verify --remove
    """
    from lensbench.store import open_store
    from lensbench.store.care import damaged

    opened = open_store(store_root(store))
    found = damaged(opened)
    if as_json:
        click.echo(json.dumps([[one.kind, one.key] for one in found]))
    for one in found:
        if not as_json:
            click.echo(f"damaged: {one.kind} {one.key}" + (", removed" if remove else ""))
        if remove:
            opened.remove(one.kind, one.key)
    if not found and not as_json:
        click.echo("no artefact is damaged")
    sys.exit(1 if found else 0)


@command.command("gc", short_help="Remove artefacts that no record needs, and old checkpoints.")
@click.option(
    "--kind",
    multiple=True,
    metavar="KIND",
    help="Remove artefacts of this kind, needed or not. It can be given more than once.",
)
@click.option(
    "--older-than",
    default="",
    metavar="30d",
    help="Remove only artefacts that were not used in this time.",
)
@click.option("--yes", is_flag=True, help="Remove them.  [default: only list them]")
@store_option
def gc(kind: tuple[str, ...], older_than: str, yes: bool, store: str | None) -> None:
    """Remove artefacts that no record was made from, and old checkpoints.

    With --kind, all artefacts of that kind are removed. They are computed again when needed.

    \b
    Examples:
      lensbench store gc
      lensbench store gc --kind images --kind features --older-than 30d --yes
    """
    from lensbench.store import open_store
    from lensbench.store.care import KINDS, artefacts, stale_checkpoints, unneeded
    from lensbench.store.journal import sweeps_at_work

    unknown = set(kind) - set(KINDS)
    if unknown:
        raise UsageError(f"a store has no kind {min(unknown)!r}", f"kinds: {', '.join(KINDS)}")
    before = time.time() - 86400 * _days(older_than)
    opened = open_store(store_root(store))
    if yes and (busy := sweeps_at_work(opened)):
        raise UsageError(
            f"sweep {busy[0]} is at work in the store {opened.address!r}, and may need what is "
            "unneeded now",
            "wait until it has ended: lensbench status",
        )
    found = [
        one
        for one in (artefacts(opened, kind) if kind else unneeded(opened))
        if one.touched < before
    ]
    checkpoints = stale_checkpoints(opened)
    for one in found:
        click.echo(f"{one.kind} {one.key} {_size(one.size)}")
        if yes:
            opened.remove(one.kind, one.key)
    if yes:
        import shutil

        for path in checkpoints:
            shutil.rmtree(path, ignore_errors=True)
    total = _size(sum(one.size for one in found))
    verb = "removed" if yes else "could go (--yes removes them)"
    click.echo(f"{len(found)} artefacts, {total}, and {len(checkpoints)} checkpoints {verb}")


@command.command("export", short_help="Copy a run, and all that it was made from, to a new store.")
@click.argument("run")
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder of the new store.",
)
@click.option("--with-images", is_flag=True, help="Include images, skies and features.")
@store_option
def export_run(run: str, target: Path, with_images: bool, store: str | None) -> None:
    """Copy RUN, and everything that it was made from, to a new store.

    \b
    Example:
      lensbench store export 3fa3 --to exported
    """
    from lensbench.store import open_store
    from lensbench.store.care import export, find_artefact

    opened = open_store(store_root(store))
    kind, key = find_artefact(opened, run)
    if kind != "runs":
        raise UsageError(f"{key} is of kind {kind}, not a run", "run prints the key of each")
    count = export(opened, key, target, with_images)
    click.echo(f"{count} artefacts of run {key}; store: {target}")


def _days(text: str) -> float:
    if not text:
        return 0.0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([dh])", text)
    if not found:
        raise UsageError(f"--older-than {text!r} is no time", "e.g. 30d or 12h")
    return float(found[1]) * _DAYS[found[2]]


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
