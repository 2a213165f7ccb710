"""Trains the two heads that ship with `network-radius`, and tests them.

    python studies/measure/heads.py FOLDER [ENCODER]

One states the Einstein radius, from lenses of the population `survey`. The other states the
probability of a lens, from as many lenses as look-alikes. Half of the sources are smooth, without
bulge and clumps, so that neither head takes lumps for what makes a lens. Scenes are observed under
space telescopes, at the depth of a survey and with exposures sixteen times as long. The features of
ENCODER (that of `network-radius`, where none is named) stay as they are.

Everything follows from simulations and seeds alone, and the same call writes the same files. That
goes for the bounds, too, beyond which `measure` warns that an image is unlike the training. The
rule is one for all quantities: the central 99 % of the training images, widened by 5 % at either
end because cameras round pixels and fields. The share of test images beyond them is written down.

To ship what FOLDER holds, copy it over `network_radius_head`, and the digests that are printed to
`WEIGHTS` in `network_radius.py`; for another encoder set `ENCODER` there, too.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from lensbench import Condition, Samples, SceneModel, condition_of, draw_scenes
from lensbench.registry import load_catalogue
from lensbench.sky.lookalikes import LookAlikes
from lensbench.sky.observation import observe
from lensbench.sky.survey import Survey
from lensbench_reference.baselines.network_radius import (
    ENCODER,
    Head,
    features_of,
    quantities,
    shipped_encoder,
)

TRAIN, FINDING, TEST, BATCH = 3000, 3000, 400, 50
CONDITIONS = (
    "hst-acs",
    "euclid-vis",
    "hst-wfc3-f160w",
    "jwst-nircam-f150w",
    "jwst-nircam-f277w",
    "jwst-nircam-f444w",
)
DEEPER = 16
"""How many times as long the exposures of every second image are."""

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_PENALTY = 1e-3
"""Inverse strength of the penalty of the logistic regression."""

FIELD, HIDDEN, AXES, STEPS = 6.4, 64, 32, 4000
TRUSTED, MARGIN = 0.995, 1.05
"""Bounds of a quantity: the quantiles 1 − TRUSTED and TRUSTED of the training images, widened by
the factor MARGIN. Fixed for all quantities alike, whatever they do to real images."""


_LUMPS = ("bulge_fraction", "clump_fraction")


class _Smooth:
    """A population whose sources are smooth."""

    def model(self, parameters: Mapping[str, Any], label: int) -> SceneModel:
        """The parts of the scene."""
        kept = {name: value for name, value in parameters.items() if name not in _LUMPS}
        model: SceneModel = super().model(kept, label)  # type: ignore[misc]
        return model


class SmoothSurvey(_Smooth, Survey):
    """Lenses of the survey, whose sources are smooth."""


class SmoothLookAlikes(_Smooth, LookAlikes):
    """The same of lenses and look-alikes."""


POPULATIONS = {"theta_E": (Survey(), SmoothSurvey()), "lens": (LookAlikes(), SmoothLookAlikes())}
"""Of each target: those that batches are of, two and two in turn."""


def conditions() -> list[Condition]:
    """Every telescope at the depth of a survey and deeper."""
    plain = [condition_of(name) for name in CONDITIONS]
    return [*plain, *(replace(c, exposure_time=c.exposure_time * DEEPER) for c in plain)]


Observed = tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]


def observed(encoder: Any, split: str, count: int, target: str = "theta_E") -> Observed:
    """Features (N, D), targets (N,), the number of the condition (N,), and quantities by name."""
    seen = conditions()
    rows: list[tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]] = []
    for start in range(0, count, BATCH):
        population = POPULATIONS[target][start // BATCH // 2 % 2]
        scenes = draw_scenes(population, split, range(start, start + BATCH), seed=0)
        radii = torch.from_numpy(np.asarray(scenes.targets[target], dtype=np.float32))
        # Each scene under half of the conditions, in turn.
        for place in range((start // BATCH) % 2, len(seen), 2):
            images = observe(scenes, seen[place], FIELD, 0)
            samples = Samples(scenes.ids, images, {}, {}, seen[place], 1.0)
            number = torch.full((len(radii),), place)
            rows.append((features_of(encoder, samples), radii, number, quantities(samples)))
        sys.stderr.write(f"{target}, {split}: {start + BATCH} of {count} scenes\n")
    features, radii, number = (torch.cat([row[i] for row in rows]) for i in range(3))
    names = rows[0][3]
    return features, radii, number, {n: torch.cat([row[3][n] for row in rows]) for n in names}


def trained(features: Tensor, radii: Tensor) -> dict[str, Tensor]:
    """Weights of the head, by the likelihood of a normal distribution of the radius' logarithm."""
    torch.manual_seed(0)
    mean, scale = features.mean(0), features.std(0).clamp(min=1e-6)
    unit = (features - mean) / scale
    hidden, out = nn.Linear(unit.shape[1], HIDDEN), nn.Linear(HIDDEN, 2)
    with torch.no_grad():
        out.bias.copy_(torch.tensor([float(radii.log().mean()), math.log(0.3)]))
    parameters = [*hidden.parameters(), *out.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(unit), (256,))
        value, wanted = nn.functional.dropout(unit[chosen], 0.1), radii[chosen]
        log_radius, log_sigma = out(torch.relu(hidden(value))).unbind(1)
        log_sigma = log_sigma.clamp(-6, 2)
        residual = (log_radius - wanted.log()) * torch.exp(-log_sigma)
        loss = (log_sigma + residual.square() / 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    _, spread, axes = torch.pca_lowrank(unit, AXES, center=False)
    weights = {
        "mean": mean,
        "scale": scale,
        "hidden": hidden.weight,
        "hidden_bias": hidden.bias,
        "out": out.weight,
        "out_bias": out.bias,
        "axes": axes.T,
        "spread": spread / math.sqrt(len(unit)),
    }
    return {name: value.detach().contiguous().float() for name, value in weights.items()}


def calibrated(weights: dict[str, Tensor], features: Tensor, radii: Tensor) -> dict[str, Tensor]:
    """Weights whose stated errors hold 68 % of lenses that the head has not learned from.

    Where that takes larger errors, twice the error holds 95 %: few lenses are far off.
    """
    mean, sigma = Head(weights, {})(features)
    within, twice = torch.quantile((mean - radii).abs() / sigma, torch.tensor([0.683, 0.954]))
    ratio = torch.maximum(within, twice / 2)
    return {**weights, "out_bias": weights["out_bias"] + torch.tensor([0.0, float(ratio.log())])}


def bounds_of(values: dict[str, Tensor]) -> dict[str, tuple[float, float]]:
    """Least and largest value of each quantity that counts as like the training."""
    found = {}
    for name, value in values.items():
        low, high = torch.quantile(value, torch.tensor([1 - TRUSTED, TRUSTED])).tolist()
        found[name] = (low / MARGIN, high * MARGIN)
    found["size"] = (found["size"][0], 1e3)  # a larger cut-out is cut to the field
    found["features"] = (0.0, found["features"][1])
    return found


def tested(head: Head, test: Observed) -> list[dict[str, object]]:
    """Error, share within the stated error, and share beyond the bounds, under each condition."""
    features, radii, number, values = test
    mean, sigma = head(features)
    values = {**values, "features": head.distance(features)}
    beyond = torch.zeros(len(radii), dtype=torch.bool)
    for name, (low, high) in head.bounds.items():
        beyond |= (values[name] < low) | (values[name] > high)
    rows: list[dict[str, object]] = []
    for place, condition in enumerate(conditions()):
        chosen = number == place
        residual = mean[chosen] - radii[chosen]
        rows.append(
            {
                "condition": condition.name + ("" if place < len(CONDITIONS) else ", deep"),
                "n": int(chosen.sum()),
                "rmse": round(float(residual.square().mean().sqrt()), 4),
                "median_error": round(float(residual.abs().median()), 4),
                "within_sigma": round(float((residual.abs() < sigma[chosen]).float().mean()), 3),
                "within_2_sigma": round(
                    float((residual.abs() < 2 * sigma[chosen]).float().mean()), 3
                ),
                "unlike": round(float(beyond[chosen].float().mean()), 3),
            }
        )
    return rows


def finding(
    encoder: Any, weights: dict[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Weights with those of a logistic regression for lenses, and how it does on unseen scenes.

    The strength of its scores is fitted to scenes that it has not learned from (Platt 1999).
    """
    unit = Head(weights, {}).standardised
    features, labels, *_ = observed(encoder, "train", FINDING, "lens")
    model = LogisticRegression(C=_PENALTY, max_iter=2000).fit(unit(features), labels)
    slope = torch.from_numpy(model.coef_[0]).float()
    features, labels, *_ = observed(encoder, "validation", TEST, "lens")
    scale = LogisticRegression().fit((unit(features) @ slope)[:, None], labels)
    slope = slope * float(scale.coef_[0, 0])
    weights = weights | {"lens": slope, "lens_bias": torch.tensor([float(scale.intercept_[0])])}
    features, labels, *_ = observed(encoder, "test", TEST, "lens")
    probability = Head(weights, {}).probability(features).numpy()
    lens = labels.numpy() > 0.5
    shares = []
    for low, high in pairwise(EDGES):
        chosen = (probability >= low) & (probability < high + (high == 1))
        said, true = probability[chosen].mean(), lens[chosen].mean()
        shares.append([low, high, int(chosen.sum()), round(float(said), 3), round(float(true), 3)])
    return weights, {
        "n": len(lens),
        "auroc": round(float(roc_auc_score(lens, probability)), 4),
        "from, to, n, mean probability, share of lenses": shares,
    }


def main(folder: Path, name: str = ENCODER) -> None:
    """Trains, calibrates and tests both heads, and writes weights and what is known of them."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder = shipped_encoder(name)
    features, radii, _, values = observed(encoder, "train", TRAIN)
    weights = trained(features, radii)
    bounds = bounds_of({**values, "features": Head(weights, {}).distance(features)})
    weights = calibrated(weights, *observed(encoder, "validation", TEST)[:2])
    head, test = Head(weights, bounds), observed(encoder, "test", TEST)
    weights, found = finding(encoder, weights)
    config = {
        "encoder": name,
        "population": "survey, half of it with smooth sources",
        "scenes": TRAIN,
        "bounds": bounds,
        "tested": tested(head, test),
        "finding": {
            "population": "look-alikes, half of the lenses with smooth sources",
            "scenes": FINDING,
            **found,
        },
    }
    path = folder / "model.safetensors"
    save_file(weights, str(path))
    text = json.dumps(config, indent=1)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    digests = {
        "head": hashlib.sha256(path.read_bytes()).hexdigest(),
        "encoder": load_catalogue().digest(name),
    }
    sys.stdout.write(f"{text}\nWEIGHTS = {json.dumps(digests, indent=4)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
