"""`lensbench measure`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from lensbench.cli.completion import BASELINE, CONDITION
from lensbench.cli.options import json_option, plugin_option, quiet_option


@click.command("measure")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Folder for the table of objects and their pictures.",
)
@plugin_option(
    "--condition",
    CONDITION,
    "Condition for the PSF, pixel scale and depth that a file does not state.",
    default="hst-acs",
)
@plugin_option(
    "--baseline",
    BASELINE,
    "Traditional method that measures.",
    default="lens-model:lens_light=yes,starts=8",
)
@plugin_option(
    "--network",
    BASELINE,
    "Network that predicts a radius beside the fit; `none` leaves it out.",
    default="network-radius",
)
@click.option(
    "--field",
    type=click.FloatRange(1.0, 60.0),
    default=6.4,
    show_default=True,
    metavar="ARCSEC",
    help="Side of the square that is fitted, about the centre of each image.",
)
@click.option("--key", default="", metavar="NAME", help="Array or column that holds the images.")
@click.option("--no-pictures", is_flag=True, help="Draw no pictures.")
@quiet_option
@json_option
def command(  # noqa: PLR0913  # an option each
    source: Path,
    out: Path,
    condition: str,
    baseline: str,
    network: str,
    field: float,
    key: str,
    no_pictures: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Measure the lenses in the images of SOURCE: one row for each image, without any training.

    A smooth lens is fitted to each image, with the pixel scale, PSF and noise map of its file. The
    table (objects.csv, objects.parquet) has the Einstein radius and the shape of the lens with
    errors, chi-squared per pixel, and how much worse the image is fitted without a lens (gain).
    p_lens_simulated is the probability of a lens, as simulated look-alikes calibrate it, and
    theta_E_network the radius by the shipped network. The column `flags` says what makes a row
    doubtful, `error` why an image cannot be used. The folder `pictures` shows image, model and
    residual of each object. Cosmic rays are masked where astroscrappy is installed
    (`pip install 'lensbench[measure]'`).

    \b
    Example:
      lensbench measure cutouts --out results
    """
    from lensbench.cli.progress import Progress
    from lensbench.data.layouts import open_source
    from lensbench.data.picture import Selection
    from lensbench.inference.cosmic_rays import MISSING, astroscrappy
    from lensbench.inference.measuring import Methods, draw_object, measure_all, write_table
    from lensbench.registry import load_catalogue

    catalogue = load_catalogue()
    beside = None if network == "none" else catalogue.build("baseline", network)
    methods = Methods(catalogue.build("baseline", baseline), beside)
    base = catalogue.build("condition", condition)
    found = open_source(source, Selection(key=key))
    if astroscrappy() is None and not quiet:
        click.echo(f"note: {MISSING}", err=True)
    for reason in found.left_out:
        click.echo(f"left out: {reason}", err=True)
    rows: list[dict[str, object]] = []
    try:
        with Progress(quiet) as progress:
            for measured in measure_all(found, methods, base, field):
                if not no_pictures:
                    name = str(measured.row["name"]).replace("/", "-")
                    draw_object(measured, out / "pictures" / f"{name}.png")
                rows.append(dict(measured.row))
                progress("measuring", len(rows), len(found.items), "")
    except KeyboardInterrupt:
        if not rows:
            raise KeyboardInterrupt("no image had been measured") from None
        table, _ = write_table(rows, out)
        raise KeyboardInterrupt(
            f"{table} has the first {len(rows)} of {len(found.items)} images; "
            "the same command begins anew"
        ) from None
    table, _ = write_table(rows, out)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    click.echo(_summary(rows, table))


def _summary(rows: list[dict[str, object]], table: Path) -> str:
    unusable = sum(bool(row["error"]) for row in rows)
    flagged = sum(bool(row.get("flags")) and not row["error"] for row in rows)
    said = f"{len(rows)} images measured, {flagged} of them with flags"
    kinds = Counter(
        flag.partition(":")[0]
        for row in rows
        for flag in filter(None, str(row.get("flags") or "").split("; "))
    )
    listed = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
    if unusable:
        said += f"; {unusable} cannot be used: the column `error` says why"
    lines = [said, *([f"flags: {listed}"] if listed else []), f"{table}: the table of objects"]
    pictures = table.parent / "pictures"
    if pictures.is_dir():
        lines.append(f"{pictures}: image, model and residual of each; look at those with flags")
    return "\n".join(lines)
