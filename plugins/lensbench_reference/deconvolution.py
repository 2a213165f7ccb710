"""Deconvolution with a known PSF: the forward operator, and Richardson–Lucy that stops in time.

Shared by plugins of more than one kind. The target of super-resolution is the sky behind the
reference's PSF, not the sky itself, so nothing is deconvolved to a point: the unknown is a sky u
sampled as finely as the answer, the image is pixels ∘ PSF of the condition applied to u, and the
answer is the reference's PSF applied to u (Magain, Courbin & Sohy 1998, astro-ph/9704059, who
deconvolve towards a PSF that pixels can hold).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from lensbench import Condition, Samples, SkyTarget, condition_of, imaging_operator, resample
from lensbench_reference.sampling import at_each_scale

LEVEL = 0.93
"""Misfit at which a deconvolution stops where nobody chose one. Below one, as a fit takes up some
of the noise; the best on scenes that no table tests on, under sharp and wide PSFs."""

_MOST = 120
"""Iterations after which it stops anyhow."""

_OUTLIER = 16.0
"""Most that a pixel counts in the misfit, so that a cosmic ray does not keep the steps going."""

_COARSER = 0.1
"""How much coarser fine pixels may be than the target's, as a share of those: Euclid's halves of
0.0505″ do for 0.05″."""

_WIDE = 4.0
"""Width of the empty sky around a field, in widths of the PSF, so that no light comes round."""

_FAINTEST = 0.02
"""Least light of a start, in units of σ: what starts bright over empty sky fades too slowly."""


@dataclass(frozen=True)
class SkyOperator:
    """What a condition and the reference make of a fine sky.

    Attributes:
        condition: Under which the images are.
        reference: Whose PSF the answer has; one for each image where their pixel scales differ.
        size: Pixels on a side of the images.
        upsample: Fine pixels along the side of one.
        seen: The condition with the PSF of each image, where that varies; else empty. Where pixel
            scales differ, all angles are magnified to the pixel of `condition`.
        target: Pixels of the answer, where they are not the fine ones.
    """

    condition: Condition
    reference: Condition | tuple[Condition, ...] | None
    size: int
    upsample: int
    seen: tuple[Condition, ...] = ()
    target: SkyTarget | None = None

    @classmethod
    def of(cls, samples: Samples, sky: SkyTarget) -> SkyOperator:
        """The operator of samples and of the sky that a task wants."""
        condition = samples.condition
        reference: Condition | tuple[Condition, ...] | None = (
            condition_of(sky.reference) if sky.reference else None
        )
        seen = samples.conditions if samples.varies else ()
        if samples.pixel_scale is not None:
            factors = [condition.pixel_scale / one.pixel_scale for one in seen]
            seen = tuple(one.magnified(f) for one, f in zip(seen, factors, strict=True))
            if isinstance(reference, Condition):
                reference = tuple(reference.magnified(factor) for factor in factors)
        upsample, target = sky.upsample, None
        if sky.fixed:  # fine pixels divide the image's, and are no coarser than the target's
            upsample = max(1, math.ceil(condition.pixel_scale / sky.pixel_scale - _COARSER))
            target = sky
        return cls(condition, reference, samples.images.shape[-1], upsample, seen, target)

    @property
    def fine(self) -> float:
        """Side of a fine pixel [arcsec]."""
        return self.condition.pixel_scale / self.upsample

    def take(self, indices: Tensor) -> SkyOperator:
        """The operator of some of the images."""
        if not self.seen:
            return self
        places, behind = indices.tolist(), self.reference
        if isinstance(behind, tuple):
            behind = tuple(behind[i] for i in places)
        return replace(self, seen=tuple(self.seen[i] for i in places), reference=behind)

    def one(self, index: int) -> SkyOperator:
        """The operator of one of the images alone."""
        if not self.seen:
            return self
        behind = self.reference[index] if isinstance(self.reference, tuple) else self.reference
        return replace(self, condition=self.seen[index], seen=(), reference=behind)

    def image(self, sky: Tensor) -> Tensor:
        """Noise-free images (..., N, N) of fine skies (..., sN, sN)."""
        return self._apply(self.seen or self.condition, sky, self.size, self.condition.pixel_scale)

    def answer(self, sky: Tensor) -> Tensor:
        """Answers (..., S, S): fine skies behind the reference's PSF, or their own without one."""
        behind = self.reference or self.seen or self.condition
        size, pixel = self.size * self.upsample, self.fine
        if self.target is not None:
            size, pixel = self.target.size, self.target.pixel_scale
        return self._apply(behind, sky, size, pixel)

    def again(self, answers: Tensor) -> Tensor:
        """Noise-free images (..., N, N) that answers (..., S, S) would be seen as.

        The ratio of the transfer functions of both PSFs, where the reference's is not too small to
        divide by; the condition's has to be the wider one. Beyond an answer with pixels of its own
        the sky is taken as empty.
        """
        pixel = self.fine if self.target is None else self.target.pixel_scale
        if self.target is not None:
            missing = self.size * self.condition.pixel_scale + _WIDE * self.condition.psf_fwhm
            border = max(0, math.ceil((missing / pixel - answers.shape[-1]) / 2))
            answers = torch.nn.functional.pad(answers, (border,) * 4)
        side = answers.shape[-1]
        point = torch.zeros(1, 1, side, side, dtype=torch.float64)
        point[..., 0, 0] = 1.0
        wide, sharp = (
            torch.fft.rfft2(imaging_operator(seen, side, pixel, side, pixel, point.dtype)(point))
            for seen in (self.seen or self.condition, self.reference or self.condition)
        )
        ratio = wide * sharp.conj() / (sharp.abs().square() + 1e-6)
        blurred = torch.fft.irfft2(torch.fft.rfft2(answers.double()) * ratio, s=(side, side))
        return resample(blurred, pixel, self.condition.pixel_scale, self.size).to(answers)

    def transpose(self, images: Tensor) -> Tensor:
        """The adjoint of `image`: images (..., N, N) to fine skies (..., sN, sN)."""
        side = self.size * self.upsample
        blank = images.new_zeros(*images.shape[:-2], side, side)
        with torch.enable_grad():  # quicker than torch.func.vjp, bit for bit
            imaged = self.image(blank.requires_grad_())
        return torch.autograd.grad(imaged, blank, images)[0]

    def _apply(
        self, seen: Condition | Sequence[Condition], sky: Tensor, size: int, scale: float
    ) -> Tensor:
        rays = self.size * self.upsample
        operator = imaging_operator(seen, rays, self.fine, size, scale, sky.dtype, str(sky.device))
        return operator(sky)


@torch.no_grad()
def richardson_lucy(
    images: Tensor, operator: SkyOperator, levels: Sequence[float] = (LEVEL,)
) -> Tensor:
    """Answers (L, B, C, S, S) for images (B, C, N, N), both in units of σ, one a level.

    Counts are of photons: the sky that was subtracted is added again, and the variance of the
    reads stands as that many more (Snyder, Hammoud & White 1993). The light of the sky stays
    fixed, and u, which starts as the smoothed image, is of the objects alone:
    u ← u/(Aᵀ1) · Aᵀ(counts/(A u + sky)) (Richardson 1972; Lucy 1974). Each step begins ahead of
    u, where the last two would lead (Biggs & Andrews 1997, doi:10.1364/AO.36.001766, eq. 10).

    Each image stops by itself, where its misfit falls to a level: the mean squared residual over
    the variance of the noise, photons of the source included (the discrepancy principle of
    Morozov 1966). So a wide PSF gets the many steps that it needs, and a sharp one few.

    Args:
        images: Square.
        operator: Of their condition.
        levels: Falling.
    """
    condition = operator.condition
    electrons = condition.sigma_electrons
    background = condition.background_electrons + condition.read_electrons**2
    counts = (images * electrons + background).clamp(min=0)
    ones = torch.ones_like(images if operator.seen else images[:1])
    share = operator.transpose(ones).clamp(min=1e-6)
    light = before = _smooth(images, operator.upsample)
    gain = earlier = torch.zeros_like(light)
    found = torch.stack([light] * len(levels))
    stopped = torch.zeros(len(levels), len(images), dtype=torch.bool, device=images.device)
    active, whole = torch.arange(len(images), device=images.device), operator
    for _ in range(_MOST):
        ahead = (light + _momentum(gain, earlier) * (light - before)).clamp(min=0)
        with torch.enable_grad():
            variable = ahead.detach().requires_grad_()
            traced = operator.image(variable)
        model = traced.detach()
        misfit = _misfit(images, model, condition)
        for number, level in enumerate(levels):
            stops = (misfit <= level) & ~stopped[number, active]
            if stops.any():
                found[number, active[stops]] = ahead[stops]
                stopped[number, active[stops]] = True
        going = ~stopped[-1, active]
        if not going.any():
            break
        expected = model * electrons + background
        ratio = counts / expected.clamp(min=1e-3 * background)
        new = ahead * (torch.autograd.grad(traced, variable, ratio)[0] / share).clamp(min=0)
        before, light, earlier, gain = light, new, gain, new - ahead
        if not going.all():
            active = active[going]
            images, counts = images[going], counts[going]
            operator = whole.take(active)
            share = share[going] if operator.seen else share
            before, light, earlier, gain = (it[going] for it in (before, light, earlier, gain))
    for result, done in zip(found, stopped[:, active], strict=True):
        result[active[~done]] = light[~done]
    return whole.answer(found)


def deconvolved(samples: Samples, sky: SkyTarget) -> Tensor:
    """Skies (B, C, S, T) behind the reference's PSF, in units of σ, of images of any shape.

    The field is taken as periodic; what is not square is repeated on either side until it is.
    """
    return at_each_scale(lambda part: _remembered(part, sky), samples, sky)


class Memory:
    """Answers by what they follow from; the oldest are forgotten where they are too many.

    Args:
        most: Bytes that answers may take.
    """

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0
        self._kept: OrderedDict[Hashable, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def all_of(
        self, keys: Sequence[Hashable], make: Callable[[Sequence[int]], Iterable[Tensor]]
    ) -> list[Tensor]:
        """The answers of these keys; `make` is asked, by places, for those not kept."""
        places = {key: place for place, key in enumerate(keys) if key not in self._kept}
        made = zip(places, make(list(places.values())), strict=True) if places else ()
        found = {key: self._kept[key] for key in keys if key in self._kept}
        for key, answer in made:
            found[key] = self._kept[key] = answer.clone()
            self._taken += answer.nbytes
        for key in found:
            self._kept.move_to_end(key)
        while self._taken > self._most:
            self._taken -= self._kept.popitem(last=False)[1].nbytes
        return [found[key] for key in keys]


_MEMORY = Memory(2**29)
"""A training shows each image in eight orientations, many times each."""


def _remembered(samples: Samples, sky: SkyTarget) -> Tensor:
    """As `_deconvolved`, which gives the same bits for an image whatever is beside it."""

    def make(places: Sequence[int]) -> Tensor:
        return _deconvolved(samples.take(torch.tensor(places)), sky)

    if samples.pixel_scale is not None:
        return _deconvolved(samples, sky)
    shared = samples.images.shape[1:], samples.images.device, sky
    contents = (blake2b(image.tobytes()).digest() for image in samples.images.cpu().numpy())
    keys = [(*shared, *pair) for pair in zip(samples.conditions, contents, strict=True)]
    return torch.stack(_MEMORY.all_of(keys, make))


def _deconvolved(samples: Samples, sky: SkyTarget) -> Tensor:
    height, width = samples.images.shape[-2:]
    side = max(height, width)
    first = (side - height) // 2, (side - width) // 2
    steps = torch.arange(side, device=samples.images.device)
    rows, columns = ((steps - start) % n for start, n in zip(first, (height, width), strict=True))
    square = replace(samples, images=samples.images[..., rows[:, None], columns], targets={})
    answer = richardson_lucy(square.images, SkyOperator.of(square, sky))[0]
    if sky.fixed:
        return answer
    top, left = (sky.upsample * start for start in first)
    return answer[..., top : top + sky.upsample * height, left : left + sky.upsample * width]


def _smooth(images: Tensor, upsample: int) -> Tensor:
    """Where the light starts: positive, and no sharper than the image."""
    smooth = avg_pool2d(images, 5, 1, 2, count_include_pad=False).clamp(min=_FAINTEST)
    return interpolate(smooth, scale_factor=upsample, mode="bilinear")


def _momentum(gain: Tensor, earlier: Tensor) -> Tensor:
    """How far ahead (B, 1, 1, 1) the next step begins, by the last two steps' corrections."""
    along = (gain * earlier).sum((1, 2, 3), keepdim=True)
    return (along / earlier.square().sum((1, 2, 3), keepdim=True).clamp(min=1e-12)).clamp(0, 1)


def _misfit(images: Tensor, model: Tensor, condition: Condition) -> Tensor:
    """Mean squared residual (B,) over the variance of the noise, outliers held down."""
    photons = condition.sigma_electrons * condition.noise_correlation**2
    variance = 1 + model.clamp(min=0) / photons
    return ((images - model).square() / variance).clamp(max=_OUTLIER).mean((1, 2, 3))
