"""The model card: what a model is, what it was trained on, what it cost and what it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, str]]

_CARD = """---
library_name: lensbench
tags: [astronomy, gravitational-lensing, {kind}]
---
# {title}

An encoder for images of strong gravitational lenses, pretrained {labels}.

## Use

With lensbench, where FOLDER is this folder:

    lensbench run --encoder {name} --task morphology
    lensbench embed IMAGES --encoder {name} \\
      --condition {condition} --out FEATURES

{plain}

Images are (B, {channels}, H, W) in units of σ, the noise of an empty pixel.

## Data

{data}

Image sides in pixels: {sides}. Pixels of the first {chunk} scenes have a mean of {mean:.4g} σ and \
a standard deviation of {deviation:.4g} σ.

## Budget and cost

| | |
|---|---|
| encoder | `{encoder_full}`, {parameters:,} parameters |
| strategy | `{pretraining}` |
| steps × scenes a step | {steps:,} × {batch_size} |
| scenes seen | {scenes:,}, each {uses:g} times on average |
| precision, device, threads | {precision}, {device}, {threads} |
| seconds of training, as logged | {seconds} |
| loss at the end | {loss:.4g} |

## Scores

Linear probes of frozen features on validation scenes: one half was fitted, the other half scored.
Intervals are 95 %, by bootstrap over scenes, and do not include the variation between pretrainings.
These scores are for choices during the development. To compare models, use `lensbench run`.

{scores}

## Intended use

Features for the classification, finding, regression and restoration of galaxy-scale lenses in
cut-outs centred on the lens, and a start for fine-tuning.

## Limits

- All training images were simulated. Nothing here says how well features work on real images.
- It was trained only on the conditions and populations named above.
- Images that are not in units of their noise, or not centred, are outside of its training.
- Features are not probabilities. A decision needs a calibrated head.

## How it was made

    {command}

lensbench {lensbench}, torch {torch}, Python {python}, on {date}. The same command with the same
versions and as many threads gives the same weights on the CPU. SHA-256 of `model.safetensors`:
`{sha256}`.
"""


def card(config: Mapping[str, Any], log: Rows, probes: Rows, programs: Mapping[str, str]) -> str:
    """The card in Markdown.

    Args:
        config: As it stands in `config.json`.
        log: Rows of the log of the training.
        probes: Rows of the probes; those of the last step are shown.
        programs: Why each exported program could not be made; empty where it was.
    """
    recipe, versions = config["recipe"], config["versions"]
    return _CARD.format(
        kind="supervised" if config["labels"] else "self-supervised",
        labels=_labels(config["labels"]),
        title=f"{config['encoder']}, pretrained by {config['pretraining'].partition(':')[0]}",
        name=name_of(config, "FOLDER"),
        condition=recipe["conditions"][0],
        plain=_plain(programs, config["images"]["condition"]),
        channels=config["channels"],
        data=_data(recipe),
        sides=", ".join(f"{side} ({name})" for name, side in config["images"]["sides"].items()),
        chunk=recipe["chunk"],
        mean=config["images"]["mean"],
        deviation=config["images"]["deviation"],
        encoder_full=recipe["encoder"],
        parameters=config["parameters"],
        pretraining=config["pretraining"],
        steps=recipe["steps"],
        batch_size=recipe["batch_size"],
        scenes=config["scenes"],
        uses=recipe["uses"],
        precision=recipe["precision"],
        device=recipe["device"],
        threads=recipe["threads"],
        seconds=_seconds(log),
        loss=config["loss"],
        scores=_scores(probes),
        command=config["command"],
        lensbench=versions["lensbench"],
        torch=versions["torch"],
        python=versions["python"],
        date=config["date"],
        sha256=config["sha256"],
    )


def name_of(config: Mapping[str, Any], folder: str) -> str:
    """What the encoder is called with the weights in this folder, seeing what it was trained on."""
    options = config["views"] | {"weights": folder}
    return f"{config['encoder']}:{','.join(f'{key}={value}' for key, value in options.items())}"


def _labels(names: Sequence[str]) -> str:
    """Which labels the pretraining has seen."""
    if not names:
        return "without labels"
    return f"on labels of simulated scenes: {', '.join(f'`{name}`' for name in names)}"


def _plain(programs: Mapping[str, str], told: bool) -> str:
    made = [name for name, why in programs.items() if not why]
    if not made:
        why = next(iter(programs.values()), "no size of image was seen")
        return f"It could not be exported as a program of torch: {why}."
    side = made[0].removeprefix("model-").removesuffix(".pt2")
    return (
        "With torch alone, for images of a fixed size "
        f"({', '.join(f'`{name}`' for name in made)}):\n\n"
        "    import torch\n"
        f'    model = torch.export.load("FOLDER/{made[0]}").module()\n'
        + (
            "    condition = torch.tensor([SCALE, WIDTH, DEPTH]).log10()"
            "  # pixel [″], PSF [″], surface brightness\n"
            if told
            else ""
        )
        + f"    features = model(images{', condition' if told else ''})"
        f"  # images (B, C, {side}, {side}) [σ]; pooled features (B, D)"
    )


def _data(recipe: Mapping[str, Any]) -> str:
    conditions = ", ".join(f"`{name}`" for name in recipe["conditions"])
    if recipe["shards"]:
        return (
            f"{len(recipe['shards'])} files of simulated scenes (SHA-256 of all: "
            f"`{recipe['shards_digest']}`) under the conditions {conditions}."
        )
    if not recipe["populations"]:
        return (
            f"Images of `{recipe['dataset']}`, split `pretraining`, as they are (SHA-256: "
            f"`{recipe['shards_digest']}`)."
        )
    populations = ", ".join(f"`{name}`" for name in recipe["populations"])
    return (
        f"Simulated scenes of `{recipe['dataset']}`, split `pretraining`, seed {recipe['seed']}, "
        f"drawn while training, of the populations {populations} in turn, each observed under all "
        f"of the conditions {conditions}."
    )


def _seconds(log: Rows) -> str:
    """Of all runs, where a training was stopped and gone on with: the log counts each from zero."""
    total, last = 0.0, 0.0
    for row in log:
        seconds = float(row["seconds"])
        if seconds < last:
            total += last
        last = seconds
    return f"{total + last:,.0f}"


def _scores(probes: Rows) -> str:
    if not probes:
        return "No probe was taken."
    last = max(int(row["step"]) for row in probes)
    lines = ["| population | condition | target | metric | value | 95 % interval | scenes |"]
    lines.append("|---|---|---|---|---|---|---|")
    lines += [
        f"| {row['population']} | {row['condition']} | {row['target']} | {row['metric']} "
        f"| {float(row['value']):.3f} | {float(row['low']):.3f} to {float(row['high']):.3f} "
        f"| {row['n']} |"
        for row in probes
        if int(row["step"]) == last
    ]
    return "\n".join(lines)
