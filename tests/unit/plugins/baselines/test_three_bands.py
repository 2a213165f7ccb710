"""Every baseline and each of its tasks: images of three bands, and fits that are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

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


@pytest.mark.parametrize("task", ["regression", "finding"])
@pytest.mark.parametrize("name", ["lens-model", "ring-radius", "network-radius"])
def test_bands_with_psfs_of_their_own_are_taken(name: str, task: str) -> None:
    """What looks at the condition has one PSF for its image: that of the reference band."""
    if (name, task) not in PAIRS:
        pytest.skip(f"{name} does not do {task}")
    catalogue = load_catalogue()
    seen = catalogue.build("condition", "hsc-gri")
    train, new = (replace(made_samples(n, channels=3, seed=n), condition=seen) for n in (12, 3))
    asked, budget = catalogue.build("task", task), BUDGETS["smoke"]
    context = FitContext(asked, train, train.first(4), budget, 0, lambda progress: None)
    fitted = catalogue.build("baseline", QUICK.get(name, name)).fit(context)
    for values in fitted(replace(new, targets={})).values():
        assert len(values) == 3
        assert torch.isfinite(values).all()


@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_three_bands_are_taken_and_the_fit_is_kept(name: str, task: str, tmp_path: Path) -> None:
    """Finite predictions for every image and band, and the same from what the store keeps."""
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
    predictor = baseline.fit(context)
    predictions = predictor(replace(new, targets={}))
    for values in predictions.values():
        assert len(values) == 3
        assert torch.isfinite(values).all()
    if "sky" in predictions:
        assert predictions["sky"].shape == new.targets["sky"].shape
    state = {key: value.contiguous().clone() for key, value in predictor.state().items()}
    save_file(state, tmp_path / "state.safetensors")
    empty = replace(context, train=train.first(0), validation=validation.first(0))
    again = baseline.restore(empty, load_file(tmp_path / "state.safetensors"))
    for kind, values in again(replace(new, targets={})).items():
        assert torch.allclose(values, predictions[kind], rtol=1e-5, atol=1e-6)
