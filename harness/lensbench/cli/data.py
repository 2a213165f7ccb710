"""`lensbench data`."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.completion import CONDITIONS, DATASET
from lensbench.cli.options import (
    json_option,
    plugin_option,
    quiet_option,
    seed_option,
    split_references,
)

if TYPE_CHECKING:
    from lensbench.data.picture import Selection

_PATH = click.Path(path_type=Path)


@click.group("data")
def command() -> None:
    """Make, inspect, convert and preview images.

    \b
    Examples:
      lensbench data inspect FOLDER
      lensbench data make --dataset lenses --conditions euclid-vis,hst-acs --n 1000 --out lenses.h5
    """


def _reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what files do not say themselves."""
    options = (
        click.option(
            "--key", default="", metavar="NAME", help="Array or column that holds the images."
        ),
        click.option(
            "--labels", default="", metavar="NAME", help="Array or column that holds the classes."
        ),
        click.option(
            "--extension",
            default="",
            metavar="NAME|NUMBER",
            help="Extension of a FITS file to read.",
        ),
        click.option(
            "--table",
            default="",
            metavar="FILE",
            help="Table that lists the images, e.g. CSV, FITS.",
        ),
        click.option(
            "--shape",
            default="",
            metavar="N,H,W",
            help="Shape of an array in a file without a header.",
        ),
        click.option(
            "--dtype",
            default="",
            metavar="'<f4'",
            help="Type of the numbers in a file without a header.",
        ),
    )
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), function)


def _selection(named: dict[str, Any], objects: bool = False) -> Selection:
    from lensbench.data.picture import Selection
    from lensbench.errors import UsageError

    text = named.pop("shape")
    try:
        shape = tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UsageError(f"--shape {text!r} is not numbers", "e.g. --shape 1000,64,64") from None
    if any(side < 1 for side in shape):
        raise UsageError(f"--shape {text!r} has sides below 1", "e.g. --shape 1000,64,64")
    return Selection(shape=shape, objects=objects, **named)


@command.command(
    "inspect", short_help="Report what images a file or folder has, and what is wrong."
)
@click.argument("path", type=_PATH)
@_reading_options
@quiet_option
@json_option
def inspect(path: Path, quiet: bool, as_json: bool, **named: Any) -> None:
    """Report what images PATH holds, what is wrong with them, and how to load or convert them.

    \b
    Examples:
      lensbench data inspect deeplense/model_I
      lensbench data inspect cutouts.h5 --key data --labels is_lens --json
    """
    from lensbench.cli.progress import Progress
    from lensbench.data.inspection import inspect_source
    from lensbench.data.layouts import open_sources
    from lensbench.data.report import lines_of

    with Progress(quiet) as progress:
        sources = open_sources(path, _selection(named))
        found = [
            inspect_source(s, functools.partial(progress, f"reading {s.path}")) for s in sources
        ]
    if as_json:
        shown = [dataclasses.asdict(one) for one in found]
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    click.echo("\n\n".join("\n".join(lines_of(one)) for one in found))


@command.command("preview", short_help="Draw a contact sheet of images.")
@click.argument("path", type=_PATH)
@click.option(
    "--out",
    type=_PATH,
    default=Path("preview.png"),
    show_default=True,
    metavar="PNG",
    help="File to write.",
)
@click.option(
    "--columns",
    type=click.IntRange(1, 40),
    default=8,
    show_default=True,
    help="Number of images in a row.",
)
@_reading_options
@quiet_option
@json_option
def preview(path: Path, out: Path, columns: int, quiet: bool, as_json: bool, **named: Any) -> None:
    """Draw a contact sheet of the images of PATH, with a row for each class or condition.

    Pixel values have an asinh stretch.

    \b
    Example:
      lensbench data preview real/lenses --out lenses.png
    """
    from lensbench.cli.progress import Progress
    from lensbench.data.layouts import open_sources
    from lensbench.data.preview import draw_sheet
    from lensbench.data.whole import whole

    with Progress(quiet) as progress, whole(out, overwrite=True) as temporary:
        sources = open_sources(path, _selection(named))
        draw_sheet(sources, temporary, columns, functools.partial(progress, f"drawing {path}"))
    click.echo(json.dumps({"out": str(out)}) if as_json else str(out))


@command.command("convert", short_help="Write images to one HDF5 file.")
@click.argument("source", type=_PATH)
@click.argument("destination", type=_PATH)
@_reading_options
@click.option("--overwrite", is_flag=True, help="Replace DESTINATION if it exists.")
@quiet_option
@json_option
def convert(
    source: Path, destination: Path, overwrite: bool, quiet: bool, as_json: bool, **named: Any
) -> None:
    """Write the images of SOURCE to one HDF5 file, DESTINATION.

    SOURCE may hold object pickles. They are read by an unpickler that only builds NumPy arrays and
    numbers, and runs no code.

    \b
    Example:
      lensbench data convert deeplense/model_II model_II.h5
    """
    from lensbench.cli.progress import Progress
    from lensbench.data import conversion
    from lensbench.data.layouts import open_source

    with Progress(quiet) as progress:
        opened = open_source(source, _selection(named, objects=True))
        report = functools.partial(progress, f"converting {source}")
        done = conversion.convert(opened, destination, overwrite, report)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(done), ensure_ascii=False))
        return
    listed = ", ".join(f"{name} ({count})" for name, count in done.conditions.items())
    click.echo(f"{done.path}: {done.images} images: {listed}")
    for note in done.dropped:
        click.echo(f"left out: {note}")


@command.command("cutouts", short_help="Cut objects out of mosaics, all alike.")
@click.argument("table", type=_PATH)
@click.option("--out", type=_PATH, required=True, metavar="FOLDER", help="Folder to write.")
@click.option(
    "--field",
    type=click.FloatRange(0.5, 120.0),
    default=6.4,
    show_default=True,
    metavar="ARCSEC",
    help="Side of the cut-outs.",
)
@click.option(
    "--pixel",
    type=click.FloatRange(0.005, 5.0),
    default=0.05,
    show_default=True,
    metavar="ARCSEC",
    help="Side of their pixels.",
)
@seed_option
@quiet_option
@json_option
def cutouts(  # noqa: PLR0913  # an option each
    table: Path, out: Path, field: float, pixel: float, seed: int, quiet: bool, as_json: bool
) -> None:
    """Cut the objects of TABLE out of mosaics, for a fair test of finding.

    TABLE is a CSV with the columns name, class, ra, dec (in degrees) and image: the FITS mosaic of
    the object, named from where TABLE is. Each object becomes CLASS/NAME.fits, in the middle of one
    field with pixels of one side. Noise is added until all images are equally noisy, so that no
    class is recognised by its depth. Mosaics have to be of one camera, filter and unit.

    \b
    Example:
      lensbench data cutouts objects.csv --out bench
    """
    from lensbench.cli.progress import Progress
    from lensbench.data.cutting import cut_out

    with Progress(quiet) as progress:
        report = functools.partial(progress, f"cutting {table}")
        done = cut_out(table, out, (field, pixel), seed, report)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(done), ensure_ascii=False))
        return
    listed = ", ".join(f"{name} ({count})" for name, count in done.counts.items())
    click.echo(
        f"{out}: {listed}; {done.side} × {done.side} pixels of {pixel:g} arcsec, "
        f"noise {done.noise:.4g}"
    )
    for reason in done.left_out:
        click.echo(f"left out: {reason}")


@command.command("make", short_help="Draw scenes and observe each under every condition.")
@plugin_option("--dataset", DATASET, "Dataset to draw scenes from.", default="lenses")
@plugin_option(
    "--conditions",
    CONDITIONS,
    "Conditions to observe each scene under.  [default: euclid-vis, or the dataset's own]",
)
@click.option("--n", "count", type=int, required=True, help="Number of scenes.")
@click.option(
    "--out", type=_PATH, required=True, help="FILE.h5, FILE.parquet or a folder to write."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["hdf5", "parquet", "huggingface"]),
    help="Format to write.  [default: by the suffix of the file]",
)
@click.option(
    "--split",
    default="train",
    show_default=True,
    metavar="SPLIT",
    help="Split to draw scenes of: pretraining, train, validation or test.",
)
@seed_option
@click.option("--overwrite", is_flag=True, help="Replace a file or folder that exists.")
@quiet_option
@json_option
def make(
    out: Path, form: str | None, overwrite: bool, quiet: bool, as_json: bool, **asked: Any
) -> None:
    """Draw scenes, observe each under every condition, and write them all to one file.

    \b
    Examples:
      lensbench data make --dataset lenses --conditions euclid-vis,hst-acs --n 1000 --out lenses.h5
      lensbench data make --n 100 --out lenses --format huggingface

    If it is stopped, the same command continues where it stopped.
    """
    from lensbench.cli.progress import Progress
    from lensbench.data import making
    from lensbench.data.exports import export_of
    from lensbench.data.recipes import recipe_of
    from lensbench.registry import load_catalogue

    export = export_of(out, form or "")
    names = list(split_references(asked.pop("conditions")))
    recipe = recipe_of(load_catalogue(), asked.pop("dataset"), names, **asked)
    with Progress(quiet) as progress:
        done = making.make(recipe, out, export, overwrite, progress)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(done), ensure_ascii=False))
        return
    resumed = f", {done.resumed} of them from before" if done.resumed else ""
    click.echo(f"{done.path}: {done.scenes} scenes under {', '.join(done.conditions)}{resumed}")


@command.command("publish", short_help="Join splits to one Hugging Face dataset with a card.")
@click.argument("folders", type=_PATH, nargs=-1, required=True, metavar="FOLDER…")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="FOLDER|hf://datasets/OWNER/NAME",
    help="Folder or dataset of the hub to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace a folder that exists.")
@json_option
def publish(folders: tuple[Path, ...], target: str, overwrite: bool, as_json: bool) -> None:
    """Join splits that were made for Hugging Face to one dataset with a card.

    \b
    Examples:
      lensbench data make --n 1000 --split train --out train --format huggingface
      lensbench data make --n 200 --split test --out test --format huggingface
      lensbench data publish train test --to hf://datasets/OWNER/NAME
    """
    from lensbench.data.publishing import publish_dataset

    scenes = publish_dataset(folders, target, overwrite)
    if as_json:
        click.echo(json.dumps({"to": target, "scenes": scenes}, ensure_ascii=False))
        return
    click.echo(f"{target}: {', '.join(f'{split} ({n})' for split, n in scenes.items())}")
