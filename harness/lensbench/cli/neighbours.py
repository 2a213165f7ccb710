"""`lensbench neighbours`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from lensbench.cli.options import json_option


@click.command("neighbours")
@click.argument("embeddings", type=click.Path(path_type=Path))
@click.option("--like", required=True, metavar="ID", help="The image whose like is sought.")
@click.option("--k", "count", type=click.IntRange(1), default=10, show_default=True)
@click.option("--metric", type=click.Choice(["cosine", "euclidean"]), default="cosine",
              show_default=True)  # fmt: skip
@json_option
def command(embeddings: Path, like: str, count: int, metric: Any, as_json: bool) -> None:
    """Find the images whose features are nearest to those of one, in files of `lensbench embed`.

    The search is exact and reads each file once; it needs no index.

    \b
    Example:
      lensbench neighbours features --like 0-train-7 --k 5
    """
    from lensbench.inference.neighbours import neighbours

    found = neighbours(embeddings, like, count, metric)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found], ensure_ascii=False))
        return
    from tabulate import tabulate

    rows = [
        (place + 1, one.id, f"{one.distance:.4g}", one.shard) for place, one in enumerate(found)
    ]
    click.echo(tabulate(rows, headers=("", "id", f"{metric} distance", "file")))
