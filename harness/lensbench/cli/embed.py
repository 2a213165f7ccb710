"""`lensbench embed`."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.completion import CONDITION, ENCODER
from lensbench.cli.options import json_option

if TYPE_CHECKING:
    from lensbench.inference.answering import Answerer, Done

_PATH = click.Path(path_type=Path)


def shard_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the verbs that go from shards to shards."""
    options = (
        click.option("--out", type=_PATH, required=True, metavar="FOLDER",
                     help="A Parquet file for each shard."),
        click.option("--key", default="", metavar="NAME", help="Array or column of the images."),
        click.option("--batch-size", type=click.IntRange(1), default=256, show_default=True),
        click.option("--workers", type=click.IntRange(0), default=0, show_default=True,
                     help="Processes, a shard each at a time; 0 for none but this."),
        click.option("--executor", "where", type=click.Choice(["local", "ray"]), default="local",
                     show_default=True, help="Who takes shards: workers here, or a Ray cluster."),
        click.option("--address", default="", metavar="ADDRESS",
                     help="Of the Ray cluster.  [default: one begun here]"),
        click.option("--threads", type=click.IntRange(1), default=1, show_default=True,
                     help="Of each process."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto",
                     show_default=True),
        click.option("--strict", is_flag=True,
                     help="Stop at an image that cannot be used; else its row says why."),
        click.option("--quiet", is_flag=True, help="No progress."),
        json_option,
    )  # fmt: skip
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), function)


@click.command("embed")
@click.argument("source", type=_PATH)
@click.option("--encoder", type=ENCODER, required=True, metavar="NAME:weights=PATH[,…]")
@click.option("--condition", type=CONDITION, default="euclid-vis", show_default=True,
              metavar="NAME[:…]",
              help="What images are under; chosen where a shard holds several.")  # fmt: skip
@shard_options
def command(source: Path, encoder: str, condition: str, device: str, **named: Any) -> None:
    """Turn the images of SOURCE into features: a Parquet file of id and features for each shard.

    SOURCE is a file, or a folder of files, in a format of `lensbench data inspect`. A shard whose
    output is there, of the same content and encoder, is left as it is.

    \b
    Example:
      lensbench embed cutouts --encoder mae-vit:weights=model --condition euclid-vis --out features
    """
    from lensbench.inference.embedding import embedder

    answer(source, embedder(encoder, condition, chosen_device(device)), **named)


def answer(
    source: Path, make: Callable[[], Answerer], *, out: Path, key: str, batch_size: int,
    workers: int, where: str, address: str, threads: int, strict: bool, quiet: bool, as_json: bool,
) -> list[Done]:  # fmt: skip
    """Works through all shards and says how many images there were."""
    from lensbench.cli.progress import Progress
    from lensbench.data.picture import Selection
    from lensbench.inference.answering import Work
    from lensbench.inference.dividing import answer_all

    work = Work(source, out, Selection(key=key), batch_size, strict)
    with Progress(quiet) as progress:
        cluster = address if where == "ray" else None
        done = answer_all(work, make, workers, threads, progress, cluster)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in done], ensure_ascii=False))
        return done
    images, flawed = sum(one.images for one in done), sum(one.flawed for one in done)
    skipped = sum(one.skipped for one in done)
    click.echo(f"{out}: {images} images of {len(done) - skipped} shards"
               + (f", {skipped} shards were there already" if skipped else ""))  # fmt: skip
    if flawed:
        click.echo(f"{flawed} images cannot be used: the column `error` says why")
    return done


def chosen_device(device: str) -> str:
    """The device asked for, or the best there is."""
    from lensbench.training.devices import default_device

    return default_device() if device == "auto" else device
