"""`lensbench predict`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.completion import CONDITION
from lensbench.cli.embed import ShardOptions, answer, shard_options
from lensbench.cli.options import chosen_device, plugin_option, store_option, store_root


@click.command("predict")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--run",
    default="",
    metavar="KEY",
    help="Key of the run.  [default: the only one that has the entrant]",
)
@click.option(
    "--entrant",
    required=True,
    metavar="NAME|KEY",
    help="Entrant, by its name in the table of the run, by its encoder, or by the key of its fit.",
)
@plugin_option(
    "--condition",
    CONDITION,
    "Condition that the images were observed under.  [default: the entrant's training condition]",
)
@store_option
@shard_options
def command(
    source: Path,
    run: str,
    entrant: str,
    condition: str,
    store: str | None,
    shards: ShardOptions,
) -> None:
    """Predict from the images of SOURCE with a fitted entrant of a run.

    Each file of SOURCE gives a Parquet file with the columns `id`, one for each target or class
    of the task, and `error`, the reason where an image cannot be used. `predictions.csv` has all
    images. Pixel scale and PSF are those that a file states, else those of the condition.

    \b
    Examples:
      lensbench predict cutouts --entrant 'mae-vit + mae + finetune' --out predictions
      lensbench predict cutouts --entrant lensbench-cnn-survey --out predictions
    """
    from lensbench.inference.predicting import answers_of
    from lensbench.inference.results import write_summary
    from lensbench.study.describe import Numerics

    numerics = Numerics(chosen_device(shards.device), shards.threads or 1)
    made = answers_of(store_root(store), run, entrant, condition, numerics, _note)
    done = answer(source, made, shards)
    lines = write_summary([Path(one.output) for one in done], shards.out)
    if not shards.as_json:
        click.echo("\n".join(lines))


def _note(text: str) -> None:
    click.echo(f"note: {text}", err=True)
