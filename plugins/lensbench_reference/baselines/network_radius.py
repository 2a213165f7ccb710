"""The Einstein radius by the shipped encoder and a head that was trained on simulated lenses."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lensbench import (
    Baseline,
    FitContext,
    Predictions,
    Predictor,
    Progress,
    Samples,
    encode,
    encoder_of,
)

FOLDER = Path(__file__).with_name("network_radius_head")
"""Of the head: its weights, and `config.json` on what it was trained with."""

ENCODER = "small-resnet:view=0.1,weights=lensbench-cnn-survey"
"""Whose features the head is for."""

IMPORTED_BY_NAME = ("lensbench_reference.encoders.resnet", "lensbench.training.viewed")
"""What `encoder_of` finds."""

WEIGHTS = {
    "head": "bf25e15ef65e905584774187cd889563f749fbb6aadc2d4f46ac66fd4f64c140",
    "encoder": "288dd250005572e2ec017da9f431a2c9089c021702b92fbcf97094d463c7d985",
}
"""SHA-256 of both files of weights: keys of results follow the code, and through this the files."""

_BATCH = 64


class NetworkRadius(Baseline):
    """`lensbench-cnn-survey` with heads for the Einstein radius and for lenses: nothing is trained.

    The head for the radius is a network of one hidden layer behind the frozen features. It was
    trained on simulated lenses of the population `survey` under several space telescopes, for a
    mean and an error. That for lenses is a logistic regression, fitted to `look-alikes`, and is
    used by `measure` alone. `studies/measure/heads.py` trains both. Targets other than `theta_E`
    get their training mean and scatter.
    """

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted but the mean and scatter of other targets."""
        labels = [context.train.targets[name].double().cpu() for name in context.task.targets]
        known = [label[torch.isfinite(label)] for label in labels]
        mean = [float(one.mean()) if len(one) else 0.0 for one in known]
        scatter = [float(one.std()) if len(one) > 1 else 1.0 for one in known]
        context.report(Progress(1, 1))
        return ShippedRadii(context.task.targets, torch.tensor(mean), torch.tensor(scatter))

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return ShippedRadii(context.task.targets, state["mean"], state["scatter"])

    def measure(self, samples: Samples) -> Mapping[str, Tensor]:
        """Radii with errors, probabilities of lenses, and what of images is unlike the training."""
        features = features_of(shipped_encoder(), samples)
        head = shipped_head()
        mean, sigma = head(features)
        return {
            "theta_E": mean,
            "theta_E_sigma": sigma,
            "p_lens_simulated": head.probability(features),
            **unlike(samples, features, head),
        }


@dataclass(frozen=True)
class ShippedRadii:
    """Predicts radii by the shipped head; mean (T,) and scatter (T,) are of the other targets."""

    names: tuple[str, ...]
    mean: Tensor
    scatter: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Mean and sigma (N, T)."""
        mean = self.mean.float().repeat(len(samples), 1)
        sigma = self.scatter.float().clamp(min=1e-6).repeat(len(samples), 1)
        if "theta_E" in self.names:
            place = self.names.index("theta_E")
            mean[:, place], sigma[:, place] = shipped_head()(
                features_of(shipped_encoder(), samples)
            )
        return {"mean": mean, "sigma": sigma}

    def state(self) -> Mapping[str, Tensor]:
        """Mean and scatter of the training labels."""
        return {"mean": self.mean, "scatter": self.scatter}


@dataclass(frozen=True)
class Head:
    """A network of one hidden layer on standardised features.

    Attributes:
        weights: `mean` and `scale` of the features (D,), `hidden` (H, D) and `hidden_bias` (H,),
            `out` (2, H) and `out_bias` (2,); `axes` (K, D) and `spread` (K,), the principal axes of
            the training features and the scatter along them; `lens` (D,) and `lens_bias` (1,).
        bounds: Least and largest value of each quantity that the training images had.
    """

    weights: Mapping[str, Tensor]
    bounds: Mapping[str, tuple[float, float]]

    def __call__(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Radii and errors (N,) [arcsec] of features (N, D)."""
        w = self.weights
        hidden = torch.relu(self.standardised(features) @ w["hidden"].T + w["hidden_bias"])
        log_radius, log_sigma = (hidden @ w["out"].T + w["out_bias"]).unbind(1)
        radius = log_radius.exp()
        return radius, radius * log_sigma.clamp(-6, 2).exp()

    def probability(self, features: Tensor) -> Tensor:
        """Probability (N,) of a lens, of lenses and look-alikes in equal numbers."""
        return torch.sigmoid(
            self.standardised(features) @ self.weights["lens"] + self.weights["lens_bias"]
        )

    def standardised(self, features: Tensor) -> Tensor:
        """Features (N, D) in units of their scatter over the training."""
        return (features - self.weights["mean"]) / self.weights["scale"]

    def distance(self, features: Tensor) -> Tensor:
        """How far features are from those of the training (N,): the mean square along its axes."""
        along = self.standardised(features) @ self.weights["axes"].T / self.weights["spread"]
        return along.square().mean(1)


def quantities(samples: Samples) -> dict[str, Tensor]:
    """What the head's errors depend on (N,), by name."""
    one_band = samples.images.float().cpu().sum(1) / samples.images.shape[1] ** 0.5
    scale = torch.tensor([condition.pixel_scale for condition in samples.conditions])
    return {
        "size": samples.images.shape[-1] * scale,
        "pixel_scale": scale,
        "psf": torch.tensor([condition.psf_fwhm for condition in samples.conditions]),
        "signal_to_noise": one_band.flatten(1).amax(1) / scale,
    }


def unlike(samples: Samples, features: Tensor, head: Head) -> dict[str, Tensor]:
    """For each quantity, 1 where an image is outside of the range of the training, else 0 (N,)."""
    values = {**quantities(samples), "features": head.distance(features)}
    found = {}
    for name, (least, largest) in head.bounds.items():
        value = values[name]
        found[f"unlike_{name}"] = ((value < least) | (value > largest)).float()
    return found


def features_of(encoder: Any, samples: Samples) -> Tensor:
    """Pooled features (N, D) of samples of one band, or of the sum of their bands."""
    images = samples.images.sum(1, keepdim=True) / samples.images.shape[1] ** 0.5
    plain = replace(samples, images=images.cpu(), targets={}, info={}, features=None, pair=None)
    with torch.no_grad():
        parts = [
            encode(encoder, plain.take(places)).pooled
            for places in torch.arange(len(plain)).split(_BATCH)
        ]
    return torch.cat(parts).float()


@functools.cache
def shipped_encoder(name: str = ENCODER) -> Any:
    """An encoder for one band, as it ships."""
    return encoder_of(name).eval()


@functools.cache
def shipped_head() -> Head:
    """The head that ships."""
    from safetensors.torch import load_file

    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    bounds = {name: (low, high) for name, (low, high) in config["bounds"].items()}
    return Head(load_file(str(FOLDER / "model.safetensors")), bounds)
