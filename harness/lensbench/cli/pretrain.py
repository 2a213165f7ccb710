"""`lensbench pretrain`."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.completion import CONDITIONS, DATASET, ENCODER, PRETRAINING
from lensbench.cli.options import (
    chosen_device,
    device_option,
    json_option,
    number_option,
    plugin_option,
    quiet_option,
    seed_option,
    split_references,
    threads_option,
)

if TYPE_CHECKING:
    from lensbench.pretraining.recipe import Recipe

_PATH = click.Path(path_type=Path)


@click.command("pretrain")
@plugin_option("--encoder", ENCODER, "Encoder to train.", required=True)
@plugin_option("--pretraining", PRETRAINING, "Pretraining strategy.", default="mae")
@plugin_option("--dataset", DATASET, "Dataset that scenes are drawn from.", default="lenses")
@click.option(
    "--populations",
    default="survey",
    show_default=True,
    metavar="NAME,NAME,…",
    help="Populations that scenes are drawn from, in turn.",
)
@plugin_option(
    "--conditions",
    CONDITIONS,
    "Conditions under which each scene is observed.  "
    "[default: euclid-vis, or all conditions that the shards share]",
)
@click.option(
    "--shards",
    multiple=True,
    type=_PATH,
    metavar="FILE",
    help="File of `lensbench data make --split pretraining` to read in place of drawing scenes. "
    "With several files, a chunk is read from each in turn.",
)
@click.option("--steps", type=click.IntRange(1), required=True, help="Number of optimiser steps.")
@number_option("--batch-size", "Number of scenes in a step.", default=64)
@click.option(
    "--learning-rate",
    type=float,
    default=0.0,
    help="Peak learning rate.  [default: the strategy's]",
)
@click.option(
    "--uses",
    type=float,
    default=8.0,
    show_default=True,
    help="How often a scene is used, on average, before a new one replaces it.",
)
@number_option("--window", "Number of chunks of scenes that a batch is drawn from.", default=64)
@number_option("--chunk", "Number of scenes in a chunk.", default=64)
@seed_option
@click.option(
    "--out", type=_PATH, required=True, metavar="FOLDER", help="Folder to write the model to."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue a stopped pretraining in FOLDER. Start one if there is none.",
)
@device_option
@threads_option
@number_option("--processes", "Number of processes that each batch is divided among.", default=1)
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    default="auto",
    show_default=True,
    help="Floating-point precision; auto takes bf16 where the accelerator supports it.",
)
@number_option(
    "--drawers",
    "Processes that draw scenes ahead of the training; 0 draws them between steps.",
    least=0,
    default=1,
)
@number_option(
    "--probes",
    "How often linear probes score the encoder on validation scenes during training.",
    least=0,
    default=10,
)
@number_option(
    "--probe-scenes",
    "Number of validation scenes of each population that a probe uses.",
    least=16,
    default=192,
)
@click.option(
    "--checkpoint-minutes",
    type=float,
    default=2.0,
    show_default=True,
    help="Minutes between two checkpoints.",
)
@quiet_option
@json_option
def command(  # noqa: PLR0913  # an option each
    out: Path,
    resume: bool,
    quiet: bool,
    as_json: bool,
    drawers: int,
    probes: int,
    probe_scenes: int,
    checkpoint_minutes: float,
    **asked: Any,
) -> None:
    """Pretrain an encoder on simulated scenes and write it to a folder with a model card.

    Scenes are drawn during training, so that it can be as long as you like. With the dataset
    `stored` your own images take their place, labelled or not.

    \b
    Examples:
      lensbench pretrain --encoder mae-vit --conditions euclid-vis,hst-acs --steps 200 --out model
      lensbench pretrain --encoder mae-vit:size=tiny --pretraining paired:mask=0.5 \\
        --conditions euclid-vis,hst-acs --populations survey,pedagogical --steps 50000 --out model
      lensbench pretrain --encoder mae-vit --dataset stored:path=FOLDER,sizes=crop,bands=sum \\
        --steps 5000 --out model

    Ctrl-C stops the training. The same command with --resume continues it; on the CPU the weights
    are the same, bit for bit, as without the stop.
    """
    import os

    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # as further processes have it

    from lensbench.cli.progress import Progress
    from lensbench.pretraining.card import name_of
    from lensbench.pretraining.result import is_finished, keep_result
    from lensbench.pretraining.training import Monitoring, train
    from lensbench.registry import load_catalogue

    catalogue = load_catalogue()
    recipe = _recipe(asked)
    if resume and is_finished(out):
        recipe.keep(out, resume)
    else:
        watching = Monitoring(
            probes, probe_scenes, checkpoint_seconds=60 * checkpoint_minutes, drawers=drawers
        )
        words = [word for word in sys.argv[1:] if word != "--resume"]
        said = shlex.join(["lensbench", *words])
        with recipe.kept(out, resume), Progress(quiet) as progress:
            train(
                recipe,
                catalogue,
                out,
                watching,
                lambda trained: keep_result(out, recipe, catalogue, trained, said),
                progress,
            )
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    if as_json:
        click.echo(json.dumps(config, ensure_ascii=False))
        return
    click.echo(
        f"{out}: {config['parameters']:,} parameters, {config['scenes']:,} scenes, "
        f"loss {config['loss']:.4g}; the card is {out / 'README.md'}"
    )
    click.echo(f"Use: lensbench run --encoder {name_of(config, str(out))} …")


def _recipe(asked: dict[str, Any]) -> Recipe:
    """The recipe that options say, names in their one spelling."""
    from lensbench.pretraining.recipe import Recipe
    from lensbench.pretraining.sources import (
        conditions_of_images,
        digest_of_shards,
        shared_conditions,
    )
    from lensbench.pretraining.training import best_precision
    from lensbench.registry import load_catalogue
    from lensbench.study.defaults import DEFAULT_CONDITION

    catalogue = load_catalogue()
    device = chosen_device(asked["device"])
    precision = asked["precision"]
    if precision == "auto":
        precision = best_precision(device)
    shards = asked.pop("shards")
    digest = digest_of_shards(shards) if shards else ""
    dataset = catalogue.canonical("dataset", asked["dataset"])
    own = () if shards else conditions_of_images(catalogue, dataset)
    conditions = split_references(asked.pop("conditions"))
    if not conditions:
        conditions = shared_conditions(shards) if shards else own or (DEFAULT_CONDITION,)
    populations = tuple(filter(None, asked.pop("populations").split(",")))
    if own:
        digest, populations = catalogue.build("dataset", dataset).digest(), ()
    encoder = catalogue.canonical("encoder", asked["encoder"])
    return Recipe(
        **asked
        | {
            "conditions": conditions,
            "encoder": encoder,
            "pretraining": catalogue.canonical("pretraining", asked["pretraining"]),
            "dataset": dataset,
            "populations": () if shards else populations,
            "shards": tuple(str(path) for path in shards),
            "shards_digest": digest,
            "device": device,
            "threads": asked["threads"] or 1,
            "precision": precision,
        }
    )
