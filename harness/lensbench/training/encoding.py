"""How an encoder is called: the stretch, the condition's vector and the shape of its features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lensbench.api.encoder import Encoder
from lensbench.api.predictor import Measurements
from lensbench.api.samples import Features, Samples
from lensbench.api.task import FeatureShape
from lensbench.errors import PluginError
from lensbench.training.stretch import stretch

NOMINAL = (-1.0, -0.8, -1.0)
"""A condition's vector where none is at hand: pixels of 0.1″, about those of Euclid's VIS."""

_BATCH = 64


def encode(encoder: Any, samples: Samples) -> Features:
    """Features of samples: images stretched, and the condition given to encoders that use it.

    Samples that carry features already are not encoded again.

    Raises:
        PluginError: Where the encoder is no `lensbench.Encoder`, or returns something else.
    """
    if samples.features is not None:
        return samples.features
    _check_encoder(encoder)
    images = stretch(_looked_at(encoder, samples))
    if encoder.uses_condition:
        return checked_features(encoder(images, samples.vector()))
    return checked_features(encoder(images))


def with_planes(encoder: Any, samples: Samples, measurements: Measurements) -> Samples:
    """Samples with the planes that an encoder looks at beside the images, where it has any."""
    if not encoder.planes or samples.beside is not None or not len(samples):
        return samples
    planes = encoder.beside(samples, measurements).to(samples.images)
    expected = (len(samples), encoder.planes, *samples.images.shape[2:])
    if planes.shape != expected:
        raise PluginError(
            f"{type(encoder).__name__}.beside returned planes of shape {tuple(planes.shape)}",
            f"expected {expected}",
        )
    return replace(samples, beside=planes)


def _looked_at(encoder: Any, samples: Samples) -> torch.Tensor:
    """Images (B, C + K, H, W) as an encoder with K planes looks at them."""
    if not encoder.planes:
        return samples.images
    beside = with_planes(encoder, samples, Measurements()).beside
    return samples.images if beside is None else torch.cat([samples.images, beside], 1)


def pooled_of(encoder: Any, samples: Samples, device: torch.device) -> np.ndarray:
    """Pooled features (N, D) of samples, batch by batch, by an encoder on this device."""
    with torch.no_grad():
        parts = [
            encode(encoder, samples.take(indices).to(device)).pooled.float().cpu()
            for indices in torch.split(torch.arange(len(samples)), _BATCH)
        ]
    return torch.cat(parts).numpy()


def feature_shape(encoder: Any, channels: int, size: int = 64) -> FeatureShape:
    """Dimensions of an encoder's features, found by calling it once on an empty image.

    Raises:
        PluginError: Where the encoder is no `lensbench.Encoder`, or returns something else.
    """
    _check_encoder(encoder)
    was_training = encoder.training
    encoder.eval()
    with torch.no_grad():
        parameter = next(encoder.parameters(), torch.zeros(1))
        empty = torch.zeros(1, channels + encoder.planes, size, size, device=parameter.device)
        if encoder.uses_condition:
            features = checked_features(
                encoder(empty, torch.tensor(NOMINAL, device=parameter.device))
            )
        else:
            features = checked_features(encoder(empty))
    encoder.train(was_training)
    maps = tuple((m.shape[1], max(1, round(size / m.shape[-1]))) for m in features.maps)
    return FeatureShape(features.pooled.shape[1], maps, channels)


def _check_encoder(encoder: Any) -> None:
    if not isinstance(encoder, Encoder):
        name = type(encoder).__name__
        raise PluginError(
            f"{name} is not derived from lensbench.Encoder",
            f"write: class {name}(lensbench.Encoder, torch.nn.Module)",
        )


def checked_features(features: Any) -> Features:
    """What an encoder returned as features; one tensor is what is pooled, or a map and its mean.

    Raises:
        PluginError: Where it returned anything else.
    """
    if isinstance(features, Features):
        return features
    if isinstance(features, torch.Tensor) and features.ndim == 2:
        return Features(features)
    if isinstance(features, torch.Tensor) and features.ndim == 4:
        return Features(features.mean((2, 3)), (features,))
    raise PluginError(
        f"an encoder returned {type(features).__name__}",
        "return lensbench.Features, pooled (B, D) or one map (B, D, H, W)",
    )
