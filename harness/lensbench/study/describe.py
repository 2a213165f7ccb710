"""Descriptions: all that an artefact depends on, from which its key follows.

Each names the artefacts that it is made from by their keys, under `inputs`, and the code that
makes it by its digest, under `code`. What only people read (summaries, sources) is left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lensbench.api.condition import Condition
from lensbench.api.task import SkyTarget
from lensbench.study.cell import Cell

Description = Mapping[str, Any]
Code = Mapping[str, Any]
"""What a description says of the code: the digest of its source, and the version of torch."""

_FOR_PEOPLE = {"summary", "source"}
"""Fields of a condition that no result depends on."""


@dataclass(frozen=True, slots=True)
class Numerics:
    """What the last bits of arithmetic depend on.

    Attributes:
        device: `cpu` or `cuda`.
        threads: Of one computation on the CPU.
        processes: Among which a pretraining is divided.
    """

    device: str = "cpu"
    threads: int = 1
    processes: int = 1

    @property
    def described(self) -> dict[str, Any]:
        """As plain values."""
        return {"device": self.device, "threads": self.threads, "processes": self.processes}


@dataclass(frozen=True, slots=True)
class Draw:
    """Scenes that are drawn in one go: the first of a split of a dataset.

    Attributes:
        dataset: Name with options.
        digest: Of the files that the dataset reads, if any.
        split: Which of its splits.
        count: How many scenes.
        seed: Of the draw.
    """

    dataset: str
    digest: str
    split: str
    count: int
    seed: int


def describe_condition(condition: Condition) -> dict[str, Any]:
    """The numbers of a condition, wherever they are written down."""
    names = (field.name for field in dataclasses.fields(condition))
    described = {name: getattr(condition, name) for name in names if name not in _FOR_PEOPLE}
    return {**described, "bands": [describe_condition(band) for band in condition.bands]}


def describe_images(
    draw: Draw, condition: Condition, sky: tuple[SkyTarget, Condition] | None, code: Code
) -> Description:
    """Scenes as they are observed, or the sky that a task asks for with them."""
    return {
        "kind": "skies" if sky else "images",
        **dataclasses.asdict(draw),
        "condition": describe_condition(condition),
        "sky": [sky[0], describe_condition(sky[1])] if sky else None,
        "code": code,
    }


def describe_weights(
    cell: Cell,
    digest: str,
    images: Sequence[str],
    normal: tuple[str, str] | None,
    numerics: Numerics,
    code: Code,
) -> Description:
    """A cell's encoder before any task.

    Args:
        cell: Whose encoder, pretraining, seed and budget.
        digest: Of the files that the encoder reads, if any.
        images: Keys of the images that it is trained on; none where it is not trained.
        normal: Target and class to which these are confined.
        numerics: How it is computed.
        code: What computes it.
    """
    described: dict[str, Any] = {
        "kind": "weights",
        "encoder": cell.entrant.encoder,
        "digest": digest,
        "pretraining": cell.entrant.pretraining,
        "seed": cell.seeds.pretraining,
        "inputs": {"images": list(images)},
        "code": code,
    }
    if images:
        described |= {"budget": cell.budget, "normal": normal, "numerics": numerics.described}
    return described


def describe_features(
    encoder: str, weights: str, images: str, part: str, numerics: Numerics, code: Code
) -> Description:
    """What an encoder of these weights makes of these images: `pooled` vectors, or `maps`."""
    return {
        "kind": "features",
        "encoder": encoder,
        "part": part,
        "numerics": numerics.described,
        "inputs": {"weights": weights, "images": images},
        "code": code,
    }


def describe_measurements(
    images: str, block: int, measure: str, options: Any, numerics: Numerics, code: Code
) -> Description:
    """A table of what is measured on a block of single images.

    Args:
        images: Key of the set of images.
        block: Its number in this set.
        measure: Module and name of the function that measures.
        options: Of the function.
        numerics: How it is computed.
        code: What computes it.
    """
    return {
        "kind": "measurements",
        "block": block,
        "measure": measure,
        "options": options,
        "numerics": numerics.described,
        "inputs": {"images": images},
        "code": code,
    }


def describe_fit(
    cell: Cell,
    weights: str,
    images: Sequence[str],
    skies: Sequence[str],
    numerics: Numerics,
    code: Code,
) -> Description:
    """An entrant fitted to a task.

    Args:
        cell: Which.
        weights: Key of its pretrained encoder; empty for a baseline.
        images: Keys of the images to train and validate on, and of those to adapt to.
        skies: Keys of their skies, where the task asks for these.
        numerics: How it is computed.
        code: What computes it.
    """
    entrant = cell.entrant
    return {
        "kind": "fits",
        "encoder": entrant.encoder,
        "transfer": entrant.transfer,
        "baseline": entrant.baseline,
        "task": cell.task,
        "labels": cell.labels,
        "seed": cell.seeds.fit,
        "budget": cell.budget,
        "numerics": numerics.described,
        "inputs": {"weights": weights, "images": list(images), "skies": list(skies)},
        "code": code,
    }


def describe_predictions(fit: str, images: str, code: Code) -> Description:
    """What a fit predicts for images."""
    return {"kind": "predictions", "inputs": {"fits": fit, "images": images}, "code": code}


def describe_records(
    cell: Cell, predictions: Sequence[str], skies: Sequence[str], resamples: int, code: Code
) -> Description:
    """The scores of a cell, from its predictions and the true skies in the order of its tests."""
    return {
        "kind": "records",
        "pretraining": cell.entrant.pretraining,
        "resamples": resamples,
        "inputs": {"predictions": list(predictions), "skies": list(skies)},
        "code": code,
    }
