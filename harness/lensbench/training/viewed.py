"""An encoder that looks at images through one view, with rings beside its own features."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from lensbench.api.encoder import Encoder
from lensbench.api.predictor import Measurements
from lensbench.api.samples import Features, Samples
from lensbench.errors import OptionError
from lensbench.training.encoding import checked_features
from lensbench.training.rings import RING_FEATURES, log_ring_power, ring_amplitudes
from lensbench.training.view import SkyView

FIELD = 6.4
"""Side of what is looked at through a view [arcsec]."""

_MASKABLE = ("patch", "width", "tokens", "positions", "pool")
"""What masked modelling asks of an encoder: it takes images as `view` returns them."""


class ViewedEncoder(Encoder, nn.Module):
    """Any encoder under the options `view` and `rings` that the harness has for all.

    Args:
        encoder: The encoder itself.
        view: Side of the pixels that images are resampled to [arcsec], so that an arcsecond is as
            long under every condition; 0 takes them as they are.
        rings: Whether power spectrum and amplitudes of rings are added to the pooled features.

    Raises:
        OptionError: Where the encoder resamples images by itself.
    """

    def __init__(self, encoder: Any, view: float, rings: bool) -> None:
        super().__init__()
        if view and encoder.resamples:
            raise OptionError(
                "view is no option of an encoder that resamples images itself",
                "name its own option, as mae-vit:pixel=0.1",
            )
        self.encoder = encoder
        self.own = SkyView(view, FIELD) if view else None
        self.view = self.own or (encoder.view if encoder.resamples else None)
        self.rings, self.planes, self.numbers = rings, encoder.planes, encoder.numbers
        self.resamples = self.view is not None
        self.uses_condition = bool(view) or encoder.uses_condition
        self.unlearned = encoder.unlearned + (RING_FEATURES if rings else 0)

    def __getattr__(self, name: str) -> Any:
        """What masked modelling asks for is that of the encoder, where it has it."""
        if name in _MASKABLE:
            return getattr(self.encoder, name)
        return super().__getattr__(name)

    def beside(self, samples: Samples, measurements: Measurements) -> Tensor:
        """Planes of the encoder, in pixels of the images; the view resamples both alike."""
        planes: Tensor = self.encoder.beside(samples, measurements)
        return planes

    def numbers_beside(self, samples: Samples, measurements: Measurements) -> Tensor:
        """Numbers of the encoder."""
        numbers: Tensor = self.encoder.numbers_beside(samples, measurements)
        return numbers

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Features:
        """Features of the view, its maps brought back to the field of the images."""
        seen, told = images, condition
        if self.own is not None and condition is not None:
            seen = self.own(images, condition)
            told = condition.clone()
            told[..., 0] = math.log10(self.own.pixel)
        arguments = (told,) if self.encoder.uses_condition and told is not None else ()
        found = checked_features(self.encoder(seen, *arguments))
        pooled, maps = [found.pooled], found.maps
        if self.rings:
            flat = seen[:, : seen.shape[1] - self.planes].mean(1)
            pooled += [log_ring_power(flat), ring_amplitudes(flat)]
        if self.own is not None:
            size = (images.shape[2], images.shape[3])
            maps = tuple(self.own.back(one, size, condition) for one in maps)
        return Features(torch.cat(pooled, 1), maps)
