"""The forward operator of deconvolution: from a fine, sharp sky to images, and to the answer.

The target of super-resolution is the sky behind the reference's PSF, not the sky itself, so
nothing is deconvolved to a point: the unknown is a sky u sampled as finely as the answer, the image
is pixels ∘ PSF of the condition applied to u, and the answer is the reference's PSF applied to u
(Magain, Courbin & Sohy 1998, astro-ph/9704059, who deconvolve towards a PSF that pixels can hold).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench import Condition, Samples, SkyTarget, condition_of, imaging_operator


@dataclass(frozen=True)
class SkyOperator:
    """What a condition and the reference make of a fine sky.

    Attributes:
        condition: Under which the images are.
        reference: Whose PSF the answer has.
        size: Pixels on a side of the images.
        upsample: Fine pixels along the side of one.
    """

    condition: Condition
    reference: Condition
    size: int
    upsample: int

    @classmethod
    def of(cls, samples: Samples, sky: SkyTarget) -> SkyOperator:
        """The operator of samples and of the sky that a task wants."""
        reference = condition_of(sky.reference)
        return cls(samples.condition, reference, samples.images.shape[-1], sky.upsample)

    def image(self, sky: Tensor) -> Tensor:
        """Noise-free images (..., N, N) of fine skies (..., sN, sN)."""
        return self._apply(self.condition, sky, self.size, self.condition.pixel_scale)

    def answer(self, sky: Tensor) -> Tensor:
        """Fine skies (..., sN, sN) behind the reference's PSF."""
        fine = self.condition.pixel_scale / self.upsample
        return self._apply(self.reference, sky, self.size * self.upsample, fine)

    def transpose(self, images: Tensor) -> Tensor:
        """The adjoint of `image`: images (..., N, N) to fine skies (..., sN, sN)."""
        side = self.size * self.upsample
        blank = torch.zeros(*images.shape[:-2], side, side, dtype=images.dtype)
        _, pull = torch.func.vjp(self.image, blank)
        back: Tensor = pull(images)[0]
        return back

    def _apply(self, seen: Condition, sky: Tensor, size: int, scale: float) -> Tensor:
        fine = self.condition.pixel_scale / self.upsample
        rays = self.size * self.upsample
        return imaging_operator(seen, rays, fine, size, scale, sky.dtype)(sky)
