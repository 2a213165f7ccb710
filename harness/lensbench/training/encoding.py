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
    samples = with_beside(encoder, samples, Measurements())
    images = samples.images
    if samples.beside is not None:
        images = torch.cat([images, samples.beside], 1)
    condition = (samples.vector(),) if encoder.uses_condition else ()
    features = checked_features(encoder(stretch(images), *condition))
    if not encoder.numbers or samples.numbers is None:
        return features
    return features._replace(pooled=torch.cat([features.pooled, samples.numbers], 1))


def with_beside(encoder: Any, samples: Samples, measurements: Measurements) -> Samples:
    """Samples with the planes and numbers that an encoder takes beside the images.

    What samples carry already is not made again.

    Raises:
        PluginError: Where the encoder makes them of another shape.
    """
    if encoder.planes and samples.beside is None and len(samples):
        planes = encoder.beside(samples, measurements).to(samples.images)
        _check_shape(encoder, "beside", planes, (encoder.planes, *samples.images.shape[2:]))
        samples = replace(samples, beside=planes)
    if encoder.numbers and samples.numbers is None and len(samples):
        numbers = encoder.numbers_beside(samples, measurements).to(samples.images)
        _check_shape(encoder, "numbers_beside", numbers, (encoder.numbers,))
        samples = replace(samples, numbers=numbers)
    return samples


def _check_shape(encoder: Any, method: str, made: torch.Tensor, shape: tuple[int, ...]) -> None:
    if made.shape[1:] != shape:
        raise PluginError(
            f"{type(encoder).__name__}.{method} returned a tensor of shape {tuple(made.shape)}",
            f"expected {('N', *shape)}",
        )


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
    return FeatureShape(features.pooled.shape[1] + encoder.numbers, maps, channels)


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
