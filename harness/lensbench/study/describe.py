"""Descriptions: all that an artefact depends on, from which its key follows.

Each names the artefacts that it is made from by their keys, under `inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lensbench.api.condition import Condition
from lensbench.api.task import SkyTarget
from lensbench.study.cell import Cell

Description = Mapping[str, Any]


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


@dataclass(frozen=True)
class Code:
    """Digests of the code that makes artefacts, by what it is part of.

    Attributes:
        harness: Of the rooms of the harness that compute.
        plugins: By `kind/name`: version and digest of the plugin's package.
        torch: Version of torch.
    """

    harness: str
    plugins: Mapping[str, str]
    torch: str

    def of(self, *names: str) -> dict[str, str]:
        """Harness, torch and these plugins (`kind/name:options`)."""
        plugins = {name.partition(":")[0] for name in names}
        known = {name: self.plugins[name] for name in plugins}
        return {"harness": self.harness, "torch": self.torch, **known}


def describe_images(
    dataset: str,
    digest: str,
    split: str,
    count: int,
    seed: int,
    condition: Condition,
    sky: tuple[SkyTarget, Condition] | None,
    code: Code,
) -> Description:
    """The first `count` scenes of a split: observed, or as the sky that a task wants to know."""
    return {
        "kind": "skies" if sky else "images",
        "dataset": dataset,
        "digest": digest,
        "split": split,
        "count": count,
        "seed": seed,
        "condition": condition,
        "sky": list(sky) if sky else None,
        "code": code.of(f"dataset/{dataset}"),
    }


def describe_weights(
    encoder: str,
    pretraining: str,
    seed: int,
    budget: str,
    digest: str,
    images: Sequence[str],
    normal: tuple[str, str] | None,
    numerics: Numerics,
    code: Code,
) -> Description:
    """An encoder before any task.

    Args:
        encoder, pretraining: Names with options.
        seed: Of initial weights and of the pretraining.
        budget: How long to train, where it is trained.
        digest: Of the files that the encoder reads, if any.
        images: Keys of the images that it is trained on; none where it is not trained.
        normal: Target and class to which these are confined.
        numerics: How it is computed.
        code: What computes it.
    """
    described: dict[str, Any] = {
        "kind": "weights",
        "encoder": encoder,
        "digest": digest,
        "pretraining": pretraining,
        "seed": seed,
        "inputs": {"images": list(images)},
        "code": code.of(f"encoder/{encoder}", f"pretraining/{pretraining}"),
    }
    if images:
        described |= {"budget": budget, "normal": normal, "numerics": numerics.described}
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
        "code": code.of(f"encoder/{encoder}"),
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
    parts = (
        [f"baseline/{entrant.baseline}"]
        if entrant.baseline
        else [f"encoder/{entrant.encoder}", f"transfer/{entrant.transfer}"]
    )
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
        "code": code.of(f"task/{cell.task}", *parts),
    }


def describe_predictions(fit: str, images: str) -> Description:
    """What a fit answers for images."""
    return {"kind": "predictions", "inputs": {"fits": fit, "images": images}}


def describe_records(
    cell: Cell, predictions: Sequence[str], skies: Sequence[str], resamples: int
) -> Description:
    """The scores of a cell, from its predictions and the true skies in the order of its tests."""
    return {
        "kind": "records",
        "pretraining": cell.entrant.pretraining,
        "resamples": resamples,
        "inputs": {"predictions": list(predictions), "skies": list(skies)},
    }
