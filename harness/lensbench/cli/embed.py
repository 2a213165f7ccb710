"""`lensbench embed`."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.completion import CONDITION, ENCODER
from lensbench.cli.options import (
    chosen_device,
    cluster_options,
    device_option,
    json_option,
    number_option,
    plugin_option,
    quiet_option,
    threads_option,
)

if TYPE_CHECKING:
    from lensbench.inference.answering import Answerer, ShardResult

_PATH = click.Path(path_type=Path)


@dataclasses.dataclass(frozen=True)
class ShardOptions:
    """The options that `shard_options` adds to a command."""

    out: Path
    key: str
    bands: str
    batch_size: int
    workers: int
    where: str
    address: str
    threads: int | None
    device: str | None
    strict: bool
    quiet: bool
    as_json: bool


def bands_option(default: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--bands`, with what the default is."""
    said = "Bands of the files that become channels, where files have several." + default
    return click.option("--bands", default="", metavar="NAME[+NAME…]", help=said)


def named_bands(bands: str) -> tuple[str, ...]:
    """The bands that `--bands` names."""
    return tuple(filter(None, bands.split("+")))


def shard_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the verbs that go from shards to shards, given as `ShardOptions`."""
    names = [field.name for field in dataclasses.fields(ShardOptions)]

    @functools.wraps(function)
    def with_shards(**named: Any) -> Any:
        return function(shards=ShardOptions(**{name: named.pop(name) for name in names}), **named)

    command: Callable[..., Any] = with_shards

    options = (
        click.option(
            "--out",
            type=_PATH,
            required=True,
            metavar="FOLDER",
            help="Folder for the results: a Parquet file for each file of SOURCE.",
        ),
        click.option(
            "--key", default="", metavar="NAME", help="Array or column that holds the images."
        ),
        bands_option("  [default of predict: those of the training images]"),
        number_option("--batch-size", "Number of images that are computed together.", default=256),
        number_option(
            "--workers",
            "Number of worker processes, each with one file at a time; 0 computes in this process.",
            least=0,
            default=0,
        ),
        *cluster_options,
        threads_option,
        device_option,
        click.option(
            "--strict",
            is_flag=True,
            help="Stop at the first image that cannot be used. Without this option the row of "
            "such an image has the reason.",
        ),
        quiet_option,
        json_option,
    )
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


@click.command("embed")
@click.argument("source", type=_PATH)
@plugin_option(
    "--encoder",
    ENCODER,
    "Encoder with weights: a shipped one, or one with the folder of a pretraining.",
    required=True,
    metavar="NAME[:weights=FOLDER,…]",
)
@plugin_option(
    "--condition",
    CONDITION,
    "Condition that the images were observed under. A file that holds several is read under this "
    "one.",
    default="euclid-vis",
)
@shard_options
def command(source: Path, encoder: str, condition: str, shards: ShardOptions) -> None:
    """Turn the images of SOURCE into features: for each file a Parquet file of ids and features.

    SOURCE is a file or a folder of files, in any format that `lensbench data inspect` reads. A file
    is skipped if its features are there already, from the same images and the same encoder.

    \b
    Examples:
      lensbench embed cutouts --encoder lensbench-cnn-survey --condition euclid-vis --out features
      lensbench embed cutouts --encoder mae-vit:weights=model --condition euclid-vis --out features
    """
    from lensbench.inference.embedding import embedder

    answer(source, embedder(encoder, condition, chosen_device(shards.device)), shards)


def answer(source: Path, make: Callable[[], Answerer], options: ShardOptions) -> list[ShardResult]:
    """Works through all shards; prints how many images there were, and what is left out."""
    from lensbench.cli.progress import Progress
    from lensbench.data.picture import Selection
    from lensbench.data.readers.listing import counted
    from lensbench.inference.answering import ShardWork
    from lensbench.inference.dividing import answer_all
    from lensbench.inference.shards import beside_shards

    selection = Selection(key=options.key)
    bands = named_bands(options.bands)
    work = ShardWork(source, options.out, selection, options.batch_size, options.strict, bands)
    with Progress(options.quiet) as progress:
        cluster = options.address if options.where == "ray" else None
        done = answer_all(work, make, options.workers, options.threads or 1, progress, cluster)
    said = Counter(reason for one in done for reason in one.left_out)
    said.update(beside_shards(source, [Path(one.shard) for one in done]))
    for sentence in counted(said):
        click.echo(f"left out: {sentence}", err=True)
    if options.as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in done], ensure_ascii=False))
        return done
    images, flawed = sum(one.images for one in done), sum(one.flawed for one in done)
    skipped = sum(one.skipped for one in done)
    click.echo(
        f"{options.out}: {images} images in {_files(len(done) - skipped)}"
        + (f", {_files(skipped)} already there" if skipped else "")
    )
    if flawed:
        click.echo(f"{flawed} images cannot be used: the column `error` says why")
    return done


def _files(count: int) -> str:
    return f"{count} Parquet file" + ("" if count == 1 else "s")
