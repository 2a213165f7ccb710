"""Images of three bands through every baseline and each of its tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensbench import FitContext, SkyTarget
from lensbench.api.budget import BUDGETS
from lensbench.registry import load_catalogue
from lensbench.testing import made_samples

QUICK = {"lens-model": "lens-model:starts=1,oversampling=1,calibrate=2"}
"""Options under which a baseline is quick."""

PAIRS = [
    (item.entry.name, task)
    for item in load_catalogue().of_kind("baseline")
    for task in item.entry.tasks
    if item.package == "lensbench"
]


@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_three_bands_are_taken(name: str, task: str) -> None:
    """Finite predictions for every image, of every band where skies are predicted."""
    catalogue = load_catalogue()
    asked = catalogue.build(
        "task", "classification:target=lens" if task == "classification" else task
    )
    samples = [
        made_samples(count, channels=3, sky=asked.sky or SkyTarget(), seed=seed)
        for seed, count in enumerate((12, 4, 3))
    ]
    train, validation, new = samples
    context = FitContext(asked, train, validation, BUDGETS["smoke"], 0, lambda progress: None)
    baseline = catalogue.build("baseline", QUICK.get(name, name))
    predictions = baseline.fit(context)(replace(new, targets={}))
    for values in predictions.values():
        assert len(values) == 3
        assert torch.isfinite(values).all()
    if "sky" in predictions:
        assert predictions["sky"].shape == new.targets["sky"].shape
