"""Descriptions: all that an artefact depends on, from which its key follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lensbench.api.condition import Condition
from lensbench.api.task import SkyTarget
from lensbench.study.cell import Cell

Description = Mapping[str, Any]


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
        known = {name: self.plugins[name] for name in sorted(plugins)}
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
    """Observed images of the first `count` scenes of a split."""
    return {
        "kind": "images",
        "dataset": dataset,
        "digest": digest,
        "split": split,
        "count": count,
        "seed": seed,
        "condition": condition,
        "sky": list(sky) if sky else None,
        "code": code.of(f"dataset/{dataset}"),
    }


def describe_weights(cell: Cell, images: str, code: Code) -> Description:
    """A pretrained encoder, of images of this key."""
    entrant = cell.entrant
    return {
        "kind": "weights",
        "encoder": entrant.encoder,
        "pretraining": entrant.pretraining,
        "images": images,
        "seed": cell.seeds.pretraining,
        "budget": cell.budget,
        "code": code.of(f"encoder/{entrant.encoder}", f"pretraining/{entrant.pretraining}"),
    }


def describe_fit(cell: Cell, weights: str, train: str, validation: str, code: Code) -> Description:
    """An entrant fitted to a task, from these weights and on images of these keys."""
    entrant = cell.entrant
    parts = (
        [f"baseline/{entrant.baseline}"]
        if entrant.baseline
        else [f"encoder/{entrant.encoder}", f"transfer/{entrant.transfer}"]
    )
    return {
        "kind": "fit",
        "entrant": entrant,
        "task": cell.task,
        "weights": weights,
        "train": train,
        "validation": validation,
        "labels": cell.labels,
        "seed": cell.seeds.fit,
        "budget": cell.budget,
        "code": code.of(f"task/{cell.task}", *parts),
    }


def describe_predictions(fit: Description, images: str) -> Description:
    """What a fit answers for images of this key."""
    return {"kind": "predictions", "fit": fit, "images": images}


def describe_records(fit: Description, predictions: Mapping[str, str]) -> Description:
    """The scores of a fit, from predictions of these keys by test condition."""
    return {"kind": "records", "fit": fit, "predictions": predictions}
