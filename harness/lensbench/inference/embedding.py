"""Images to features of an encoder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from lensbench.api.samples import Samples
from lensbench.inference.encoders import NamedEncoder, named_encoder
from lensbench.inference.feature_files import FEATURES
from lensbench.inference.framing import Framing
from lensbench.inference.reading import Block
from lensbench.registry import load_catalogue
from lensbench.registry.discovery import condition_of
from lensbench.training.encoding import encode


class Embedder:
    """Pooled features of blocks; the encoder is built for the bands of the first.

    Args:
        encoder: With its weights.
        condition: Name of what images are taken to be under, for encoders that ask for it.
        device: Where tensors live.
    """

    def __init__(self, encoder: NamedEncoder, condition: str, device: str) -> None:
        self.digest = f"{encoder.digest} {device}"
        self.condition = condition
        self.framing = Framing()
        self._encoder, self._device = encoder, torch.device(device)
        self._observed = condition_of(condition)
        self._built: dict[int, Any] = {}

    def __call__(self, block: Block) -> Mapping[str, np.ndarray]:
        """`features` (B, D), float32, as `lensbench.encode` gives them."""
        channels = block.images.shape[1]
        if channels not in self._built:
            self._built[channels] = self._encoder.build(channels, self._device)
        samples = Samples(
            ids=tuple(block.ids),
            images=torch.from_numpy(block.images),
            targets={},
            info={},
            condition=self._observed,
            data_range=1.0,
        )
        with torch.inference_mode():
            pooled = encode(self._built[channels], samples.to(self._device)).pooled
        return {FEATURES: pooled.float().cpu().numpy()}


def embedder(encoder: str, condition: str, device: str) -> Callable[[], Embedder]:
    """What makes an embedder in any process.

    Raises:
        UsageError: Where there is no such encoder or condition.
    """
    condition_of(condition)
    return functools.partial(Embedder, named_encoder(load_catalogue(), encoder), condition, device)
