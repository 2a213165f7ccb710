"""Does an encoder keep its contract?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from lensbench.api.predictor import Measurements
from lensbench.api.samples import Features
from lensbench.errors import PluginError
from lensbench.testing.attributes import check_attributes
from lensbench.testing.samples import made_samples
from lensbench.training.chance import seeded
from lensbench.training.encoding import encode, feature_shape, with_beside


def check_encoder(encoder: Any, channels: int = 1) -> None:
    """Tries an encoder on several sizes: shapes, determinism, gradients and state.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    check_attributes("encoder", encoder)
    check_features(encoder, channels)
    check_gradients(encoder, channels)
    check_state(encoder)


def check_features(encoder: Any, channels: int) -> None:
    """Features have the same shape at every size, are float32 and finite, and the same twice.

    Raises:
        PluginError: Where they are not.
    """
    if not isinstance(encoder, torch.nn.Module):
        raise PluginError("an encoder is not a torch.nn.Module", "derive its class from it")
    encoder.eval()
    shape = feature_shape(encoder, channels)
    for size in (24, 64, 128):
        samples = made_samples(count=3, channels=channels, size=size)
        shown = with_beside(encoder, samples, Measurements())
        with torch.no_grad():
            features = encode(encoder, shown)
            again = encode(encoder, samples if size == 24 else shown)  # planes may be expensive
        _check_shapes(features, shape.pooled, len(shape.maps), size)
        if not torch.equal(features.pooled, again.pooled):
            raise PluginError(
                "two calls on the same images differ", "draw no random numbers in eval mode"
            )


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
            if tensor.dtype != torch.float32:
                raise PluginError(f"features are {tensor.dtype}", "return torch.float32")
            if not torch.isfinite(tensor).all():
                raise PluginError(f"features at {size}² are not finite", "look for log or division")


def check_gradients(encoder: Any, channels: int) -> None:
    """A gradient reaches the weights, where there are some to train.

    Raises:
        PluginError: Where none does.
    """
    trained = [p for p in encoder.parameters() if p.requires_grad]
    if not trained:
        return
    pooled = encode(encoder, made_samples(count=3, channels=channels)).pooled
    pooled.square().mean().backward()  # type: ignore[no-untyped-call]
    if all(p.grad is None or not p.grad.any() for p in trained):
        raise PluginError("no gradient reaches the weights", "remove detach() or no_grad()")
    for parameter in trained:
        parameter.grad = None


def check_state(encoder: Any) -> None:
    """Weights are tensors that can be stored and loaded again.

    Raises:
        PluginError: Where one is not.
    """
    state = encoder.state_dict()
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise PluginError(f"state {name!r} is {type(value).__name__}", "keep tensors only")
    encoder.load_state_dict({name: value.clone() for name, value in state.items()})


def check_seed(make: Callable[[int], Any], channels: int) -> None:
    """The same seed makes the same weights, and weights are all that an encoder is made of.

    Args:
        make: From a number of channels to an encoder.
        channels: To try.

    Raises:
        PluginError: Where another instance differs, or does so with the weights of the first.
    """
    first, second = (_made(make, channels, seed=0) for _ in range(2))
    for name, value in first.state_dict().items():
        if not torch.equal(value, second.state_dict()[name]):
            raise PluginError(
                f"two encoders of the same seed differ in {name!r}",
                "draw initial weights from torch's global generator alone",
            )


def check_loading(make: Callable[[int], Any], channels: int) -> None:
    """Weights that went through a file make another instance the same encoder.

    Raises:
        PluginError: Where its features differ.
    """
    from safetensors.torch import load, save

    first, other = (_made(make, channels, seed) for seed in (0, 1))
    check_state(first)
    kept = {name: value.detach().clone() for name, value in first.state_dict().items()}
    other.load_state_dict(load(save(kept)))
    samples = made_samples(count=3, channels=channels)
    with torch.no_grad():
        one, two = (encode(encoder, samples).pooled for encoder in (first, other))
    if not torch.equal(one, two):
        raise PluginError(
            "an encoder with the weights of another gives other features",
            "make all that is drawn a parameter or a buffer",
        )


def _made(make: Callable[[int], Any], channels: int, seed: int) -> Any:
    with seeded(seed):
        return make(channels).eval()
