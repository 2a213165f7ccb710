"""`lensbench predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lensbench.cli.completion import CONDITION
from lensbench.cli.embed import answer, chosen_device, shard_options
from lensbench.cli.options import store_option, store_root


@click.command("predict")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--run", default="", metavar="KEY", help="[default: the only one with the entrant]")
@click.option("--entrant", required=True, metavar="NAME|KEY",
              help="As it stands in the run's table, or the key of its fit.")  # fmt: skip
@click.option("--condition", type=CONDITION, default="", metavar="NAME[:…]",
              help="What images are under.  [default: as the entrant was trained]")  # fmt: skip
@store_option
@shard_options
def command(
    source: Path, run: str, entrant: str, condition: str, store: str | None, device: str,
    **named: Any,
) -> None:  # fmt: skip
    """Predict for the images of SOURCE by a fit that a run kept: a Parquet file for each shard.

    Columns are `id`, what the task predicts by the names of its targets and classes, and `error`
    where an image cannot be used; `predictions.csv` has all images. Images are taken to have the
    pixel scale and the PSF of their files, where these say it.

    \b
    Example:
      lensbench predict cutouts --entrant 'mae-vit + mae + finetune' --out answers
    """
    from lensbench.inference.predicting import answers_of
    from lensbench.inference.results import write_summary
    from lensbench.study.describe import Numerics

    numerics = Numerics(chosen_device(device), named["threads"])
    done = answer(source, answers_of(store_root(store), run, entrant, condition, numerics), **named)
    lines = write_summary([Path(one.output) for one in done], named["out"])
    if not named["as_json"]:
        click.echo("\n".join(lines))
