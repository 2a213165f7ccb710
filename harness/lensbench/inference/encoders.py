"""Encoders that are asked for features: built with their weights, and known by a digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lensbench.errors import UsageError
from lensbench.registry import Catalogue, load_catalogue, parse_reference
from lensbench.registry.options import build_options, option_fields, options_class
from lensbench.training.chance import seeded

MODEL = "model.safetensors"
"""Name of the weights in the folder of a pretraining."""


@dataclass(frozen=True)
class NamedEncoder:
    """An encoder as it is named.

    Attributes:
        name: In its one spelling.
        weights: Digest of its weights; empty where none are named.
        digest: Of all that its features follow from.
    """

    name: str
    weights: str
    digest: str

    def build(self, channels: int, device: torch.device) -> Any:
        """The encoder for images of so many bands, ready to be asked.

        Raises:
            UsageError: Where it has something to learn and no weights are named.
        """
        with seeded(0):
            encoder = load_catalogue().build("encoder", self.name, channels=channels)
        if not self.weights and next(encoder.parameters(), None) is not None:
            raise UsageError(
                f"encoder {self.name!r} has no weights, so its features would be random",
                f"name some: {parse_reference(self.name).name}:weights=PATH",
            )
        return encoder.to(device).eval()


def named_encoder(catalogue: Catalogue, text: str) -> NamedEncoder:
    """An encoder by its name and options."""
    reference = catalogue.reference("encoder", text)
    item = catalogue.find("encoder", reference.name)
    plugin = catalogue.load(item)
    options = build_options(f"encoder {reference.name}", plugin, reference.options)
    name = catalogue.canonical("encoder", text)
    weights = catalogue.digest(text)
    identity = {
        "encoder": [(key, value) for key, value in option_fields(options) if key != "weights"],
        "name": reference.name,
        "weights": weights,
        "package": f"{item.package} {item.version}",
        "torch": torch.__version__,
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return NamedEncoder(name, weights, digest)


def plain_options(catalogue: Catalogue, text: str) -> dict[str, Any]:
    """Options of an encoder that differ from their defaults, its weights left out.

    Where it began from weights, the options beside these are among them.
    """
    reference = catalogue.reference("encoder", text)
    plugin = catalogue.load(catalogue.find("encoder", reference.name))
    if options_class(plugin) is None:
        return {}
    options = build_options(f"encoder {reference.name}", plugin, reference.options)
    given = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(options)
        if field.default is dataclasses.MISSING or getattr(options, field.name) != field.default
    }
    weights = given.pop("weights", "")
    beside = Path(weights).with_name("config.json") if weights else None
    if beside is not None and beside.is_file():
        given = dict(json.loads(beside.read_text(encoding="utf-8")).get("options", {})) | given
    return given
