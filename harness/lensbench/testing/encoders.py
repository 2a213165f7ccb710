"""Does an encoder keep its contract?"""

from __future__ import annotations

from typing import Any

import torch

from lensbench.api.samples import Features
from lensbench.cells.encoding import encode, feature_shape
from lensbench.errors import PluginError
from lensbench.testing.samples import made_samples


def check_encoder(encoder: Any, channels: int = 1) -> None:
    """Tries an encoder on several sizes.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    if not isinstance(encoder, torch.nn.Module):
        raise PluginError("an encoder is not a torch.nn.Module", "derive its class from it")
    encoder.eval()
    shape = feature_shape(encoder, channels)
    for size in (24, 64, 128):
        samples = made_samples(count=3, channels=channels, size=size)
        with torch.no_grad():
            features = encode(encoder, samples)
            again = encode(encoder, samples)
        _check_shapes(features, shape.pooled, len(shape.maps), size)
        if not torch.equal(features.pooled, again.pooled):
            raise PluginError(
                "two calls on the same images differ", "draw no random numbers in eval mode"
            )
    _check_gradients(encoder, channels)
    _check_state(encoder)


def _check_shapes(features: Features, width: int, maps: int, size: int) -> None:
    if features.pooled.shape != (3, width):
        raise PluginError(
            f"pooled features have shape {tuple(features.pooled.shape)} at {size}² pixels, "
            f"expected (3, {width})",
            "return one vector of one length an image",
        )
    if len(features.maps) != maps:
        raise PluginError(f"{len(features.maps)} maps at {size}², {maps} at 64²", "keep the number")
    sides = [feature_map.shape[-1] for feature_map in features.maps]
    if sides != sorted(sides):
        raise PluginError(f"maps have sides {sides}", "order them from coarse to fine")
    for values in features:
        for tensor in values if isinstance(values, tuple) else (values,):
            if not torch.isfinite(tensor).all():
                raise PluginError(f"features at {size}² are not finite", "look for log or division")


def _check_gradients(encoder: Any, channels: int) -> None:
    trained = [p for p in encoder.parameters() if p.requires_grad]
    if not trained:
        return
    pooled = encode(encoder, made_samples(count=3, channels=channels)).pooled
    pooled.square().mean().backward()  # type: ignore[no-untyped-call]
    if all(p.grad is None or not p.grad.any() for p in trained):
        raise PluginError("no gradient reaches the weights", "remove detach() or no_grad()")
    for parameter in trained:
        parameter.grad = None


def _check_state(encoder: Any) -> None:
    """Weights must be tensors that can be stored and loaded again."""
    state = encoder.state_dict()
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise PluginError(f"state {name!r} is {type(value).__name__}", "keep tensors only")
    encoder.load_state_dict({name: value.clone() for name, value in state.items()})
