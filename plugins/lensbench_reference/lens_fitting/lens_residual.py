"""The residual of a smooth lens in an image, as a vector of numbers.

Everything is found from the image, its condition and the fit: nothing else is known to an observer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from lensbench_reference.lens_fitting.lens_fit import Optics, descend
from lensbench_reference.lens_fitting.perturbers import CompactMass, LineOfMass, Perturber
from lensbench_reference.lens_fitting.smooth_lens import einstein_radius

_STEPS = 8
"""Of the fit with a perturber."""

_ANNULI = (0.0, 0.5, 0.8, 1.0, 1.2, 1.6, 2.5)
"""Edges in units of the Einstein radius."""

_LEVELS = (1.0, 3.0, 10.0, 30.0)
"""Of the model's brightness, in units of σ."""

GAINS = (2, 7)
"""Which statistics are the gains of the fits with a line and with a compact mass."""

_ANGLES, _RADII = 64, 12
"""Points of the polar grid about the lens."""

_WAVES = ((1, 3), (3, 6), (6, 12), (12, 24))
"""Waves about the lens that are added up, from and up to."""

_WAVES_ACROSS = ((0, 1), (1, 3), (3, 7))


@dataclass(frozen=True)
class Residual:
    """Fits and what they leave, at one ray a pixel.

    Attributes:
        optics: Of the smooth lens.
        images: (B, N, N) in units of σ.
        theta: Of the smooth lens (B, P).
        model: Its images (B, N, N).
        weight: One over the variance (B, N, N).
    """

    optics: Optics
    images: Tensor
    theta: Tensor
    model: Tensor
    weight: Tensor

    @classmethod
    def of(cls, optics: Optics, images: Tensor, theta: Tensor) -> Residual:
        """Residuals of lenses that are fitted, after a few more steps under these optics."""
        theta, _ = descend(optics, images, theta, 3)
        model = optics.images(theta)
        return cls(optics, images, theta, model, 1 / optics.variance(model))

    @property
    def white(self) -> Tensor:
        """Residual (B, N, N) in units of its noise."""
        return (self.images - self.model) * self.weight.sqrt()

    @property
    def chi_squared(self) -> Tensor:
        """χ² (B,) of the smooth lens."""
        return self.white.double().square().sum((1, 2))


def residual_features(found: Residual) -> Tensor:
    """Statistics (B, D) of residuals."""
    pixels = found.images[0].numel()
    chi_squared = found.chi_squared
    columns = [(chi_squared / pixels).log()]
    for kind in (LineOfMass(), CompactMass()):
        linear, fitted = perturbed(found, kind)
        columns += [linear.clamp(min=0).log1p(), fitted.gain.clamp(min=0).log1p()]
        left = (chi_squared - fitted.gain).clamp(min=1.0)
        columns += [(left / pixels).log(), *fitted.shape]
    columns.append(columns[2] - columns[8])
    columns += _by_place(found) + _by_brightness(found) + _waves(found)
    return torch.stack([one.double() for one in columns], 1).nan_to_num()


@dataclass(frozen=True)
class Perturbed:
    """A fit with a perturber: its gain in χ² (B,) and its three parameters over θ_E."""

    gain: Tensor
    shape: tuple[Tensor, ...]


def perturbed(found: Residual, kind: Perturber) -> tuple[Tensor, Perturbed]:
    """The best gain in χ² (B,) of a first-order perturber, and the fit that starts there."""
    radius = einstein_radius(found.theta).clamp(min=0.05)
    candidates = kind.candidates(radius)
    gain, mass = first_order(found, kind, candidates)
    best = gain.argmax(0)
    each = torch.arange(len(best), device=best.device)
    start = candidates[best, each].clone()
    largest = 0.1 * radius**2
    start[:, 0] = torch.minimum(torch.maximum(mass[best, each].double(), -largest), largest)
    optics = replace(found.optics, perturber=kind)
    theta, _ = descend(optics, found.images, torch.cat([found.theta, start], 1), _STEPS)
    model = optics.images(theta)
    left = ((found.images - model).double().square() * found.weight).sum((1, 2))
    own = theta[:, -kind.count :]
    if isinstance(kind, LineOfMass):
        shape = (own[:, 0] / radius**2, own[:, 1] - radius.log())
    else:
        shape = (own[:, 0] / radius**2, torch.hypot(own[:, 1], own[:, 2]) / radius)
    return gain.amax(0), Perturbed(found.chi_squared - left, shape)


def first_order(found: Residual, kind: Perturber, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Gain in χ² and mass (K, B) of perturbers (K, B, count), each alone, to first order.

    A mass m adds −m ∇S·α to the image, of which what the smooth lens can do itself is taken off.
    """
    optics = found.optics
    _, slopes = optics.linearised(found.theta)
    root = found.weight.sqrt()
    jacobian = (slopes * root[:, None]).flatten(2).double()
    base, _ = torch.linalg.qr(jacobian.mT)
    white = found.white.flatten(1).double()
    templates = _templates(found, kind, candidates) * root[:, None]
    flat = templates.flatten(2).double()
    flat = flat - (flat @ base) @ base.mT
    projected = (flat @ white[..., None])[..., 0]
    norm = flat.square().sum(2).clamp(min=1e-9)
    return (projected**2 / norm).T, (projected / norm).T


def _templates(found: Residual, kind: Perturber, candidates: Tensor) -> Tensor:
    """First-order changes (B, K, N, N) of the image by perturbers of unit mass."""
    optics = found.optics
    gradient_x, gradient_y = optics.source_gradient(found.theta)
    axis = optics.axis(found.theta.float())
    x, y = (found.theta[:, i].float()[None, :, None, None] for i in (3, 4))
    dx, dy = axis[None, :] - x, axis[:, None] - y
    skies = []
    for one in candidates.float():
        a_x, a_y = kind.deflection(one[..., None, None], dx[0], dy[0])
        skies.append(-gradient_x * a_x - gradient_y * a_y)
    return optics.observe(torch.stack(skies, 1))


def _by_place(found: Residual) -> list[Tensor]:
    """Logarithm of the mean squared residual in annuli about the lens."""
    axis = found.optics.axis(found.theta)
    x, y = (found.theta[:, i, None, None] for i in (3, 4))
    radius = einstein_radius(found.theta).clamp(min=0.05)[:, None, None]
    distance = torch.hypot(axis[None, :] - x, axis[:, None] - y) / radius
    squared = found.white.square()
    return [
        _log_mean(squared, (distance >= low) & (distance < high)) for low, high in pairwise(_ANNULI)
    ]


def _by_brightness(found: Residual) -> list[Tensor]:
    """Logarithm of the mean squared residual where the model is brighter than each level."""
    squared = found.white.square()
    return [_log_mean(squared, found.model > level) for level in _LEVELS]


def _log_mean(values: Tensor, where: Tensor) -> Tensor:
    """ln of the mean (B,) over pixels, with one pixel of 1 added: zero where there are none."""
    total = (values * where).sum((1, 2)) + 1
    return (total / (where.sum((1, 2)) + 1)).log()


def _waves(found: Residual) -> list[Tensor]:
    """Logarithm of the residual's power about the lens, by waves along and between across."""
    white, scale = found.white, found.optics.condition.pixel_scale
    half = found.optics.size * scale / 2
    angle = torch.arange(_ANGLES, device=white.device) * (2 * torch.pi / _ANGLES)
    share = torch.linspace(0.6, 1.4, _RADII, device=white.device)
    radius = einstein_radius(found.theta).float().clamp(min=0.05)[:, None, None] * share[:, None]
    x = found.theta[:, 3, None, None].float() + radius * angle.cos()
    y = found.theta[:, 4, None, None].float() + radius * angle.sin()
    grid = torch.stack([x, y], -1) / half
    polar = torch.nn.functional.grid_sample(white[:, None], grid, align_corners=False)[:, 0]
    power = torch.fft.rfft(polar, dim=2).abs().square() / _ANGLES
    along = [power[:, :, low:high].mean((1, 2)).clamp(min=1e-6).log() for low, high in _WAVES]
    across = torch.fft.rfft(polar, dim=1).abs().square() / _RADII
    return along + [
        across[:, low:high].mean((1, 2)).clamp(min=1e-6).log() for low, high in _WAVES_ACROSS
    ]
