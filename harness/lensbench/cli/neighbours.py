"""`lensbench neighbours`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from lensbench.cli.embed import bands_option, named_bands
from lensbench.cli.options import json_option

_PATH = click.Path(path_type=Path)


@click.command("neighbours")
@click.argument("embeddings", type=_PATH)
@click.option("--like", required=True, metavar="ID", help="Id of the image to compare with.")
@click.option(
    "--k",
    "count",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Number of images to find.",
)
@click.option(
    "--metric",
    type=click.Choice(["cosine", "euclidean"]),
    default="cosine",
    show_default=True,
    help="Distance between features.",
)
@click.option(
    "--index",
    type=_PATH,
    default=None,
    metavar="FILE",
    help="Index to search in; it is made if the file does not exist.",
)
@click.option(
    "--picture",
    type=_PATH,
    default=None,
    metavar="PNG",
    help="Draw the image and its neighbours to this file; needs --images.",
)
@click.option(
    "--images",
    type=_PATH,
    default=None,
    metavar="SOURCE",
    help="SOURCE of `lensbench embed`, for --picture.",
)
@click.option("--key", default="", metavar="NAME", help="Array or column that holds the images.")
@bands_option()
@json_option
def command(  # noqa: PLR0913  # an option each
    embeddings: Path,
    like: str,
    count: int,
    metric: Any,
    index: Path | None,
    picture: Path | None,
    images: Path | None,
    key: str,
    bands: str,
    as_json: bool,
) -> None:
    """Find the images whose features are nearest to those of one image.

    EMBEDDINGS is the folder that `lensbench embed` wrote. Without --index the search is exact and
    reads all features. For many searches, or many images, --index FILE keeps an index of faiss
    (installed by the extra `index`), and a search reads the features of candidates only.

    \b
    Examples:
      lensbench neighbours features --like 0-train-7 --k 5
      lensbench neighbours features --like 0-train-7 --index features.faiss \\
        --images cutouts --picture like.png
    """
    from lensbench.errors import UsageError
    from lensbench.inference.neighbours import neighbours

    if (picture is None) != (images is None):
        raise UsageError("--picture and --images belong together", "name both")
    found = neighbours(embeddings, like, count, metric, index)
    if picture is not None and images is not None:
        from lensbench.inference.neighbour_picture import Shown, draw_neighbours

        shown = Shown(images, key, named_bands(bands))
        draw_neighbours(like, found, embeddings, shown, picture)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found], ensure_ascii=False))
        return
    from tabulate import tabulate

    rows = [
        (place + 1, one.id, f"{one.distance:.4g}", one.shard) for place, one in enumerate(found)
    ]
    click.echo(tabulate(rows, headers=("", "id", f"{metric} distance", "file")))
    if picture is not None:
        click.echo(picture)
