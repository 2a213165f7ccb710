"""The result of a pretraining: weights, what they are of, a model card, programs of torch alone."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

import lensbench
from lensbench.inference.encoders import MODEL, plain_options
from lensbench.inference.export import export_encoder
from lensbench.pretraining.card import card
from lensbench.pretraining.logs import loss_log, probe_log
from lensbench.pretraining.recipe import Recipe
from lensbench.pretraining.training import PretrainedEncoder
from lensbench.registry import Catalogue, parse_reference
from lensbench.registry.options import option_fields, view_options
from lensbench.training.stretch import STRETCH
from lensbench.training.viewed import ViewedEncoder

CONFIG, CARD = "config.json", "README.md"


def keep_result(
    folder: Path, recipe: Recipe, catalogue: Catalogue, trained: PretrainedEncoder, command: str
) -> None:
    """Writes the model into its folder; the weights come last, and with them it is whole."""
    encoder = copy.deepcopy(trained.encoder).cpu().eval()
    programs = {}
    for side in sorted(set(trained.sizes.values())):
        name = f"model-{side}.pt2"
        why = export_encoder(encoder, trained.channels, side, folder / name)
        programs[name] = why
    weights = folder / (MODEL + ".writing")
    learned = encoder.encoder if isinstance(encoder, ViewedEncoder) else encoder
    tensors = {name: value.contiguous() for name, value in learned.state_dict().items()}
    save_file(tensors, str(weights), metadata={"format": "pt"})
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = config_of(recipe, catalogue, trained, digest, command)
    (folder / CONFIG).write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n")
    text = card(config, loss_log(folder).rows, probe_log(folder).rows, programs)
    (folder / CARD).write_text(text, encoding="utf-8")
    weights.replace(folder / MODEL)


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a model to the end of its recipe."""
    return (folder / MODEL).exists()


def config_of(
    recipe: Recipe, catalogue: Catalogue, trained: PretrainedEncoder, digest: str, command: str
) -> dict[str, Any]:
    """What a program needs to know of a model: its options, its images, what made it."""
    reference = parse_reference(recipe.encoder)
    plugin = catalogue.type_of("encoder", recipe.encoder)
    views = view_options(f"encoder {reference.name}", plugin, reference.options)
    return {
        "encoder": reference.name,
        "options": plain_options(catalogue, recipe.encoder),
        "views": dict(option_fields(views)),
        "channels": trained.channels,
        "parameters": sum(p.numel() for p in trained.encoder.parameters()),
        "images": {
            "unit": "σ of an empty pixel",
            "stretch": STRETCH,
            "sides": trained.sizes,
            "condition": trained.encoder.uses_condition,
            "mean": trained.mean,
            "deviation": trained.deviation,
        },
        "pretraining": recipe.pretraining,
        "labels": list(catalogue.build("pretraining", recipe.pretraining).targets),
        "recipe": json.loads(recipe.text()),
        "scenes": trained.scenes,
        "loss": trained.loss,
        "command": command,
        "sha256": digest,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "versions": {
            "lensbench": lensbench.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            **_packages(catalogue, recipe),
        },
    }


def _packages(catalogue: Catalogue, recipe: Recipe) -> Mapping[str, str]:
    """Packages of encoder, strategy and scenes."""
    named: Sequence[tuple[Any, str]] = (
        ("encoder", recipe.encoder),
        ("pretraining", recipe.pretraining),
        ("dataset", recipe.dataset),
    )
    items = [catalogue.find(kind, parse_reference(text).name) for kind, text in named]
    return {item.package: item.version for item in items}
