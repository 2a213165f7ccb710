"""The least-squares fit of a smooth lens to many images at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.func import jacfwd, vmap

from lensbench import Condition, imaging_operator
from lensbench_reference.lens_fitting.lens_slopes import sky_and_slopes
from lensbench_reference.lens_fitting.perturbers import Perturbation, Perturber
from lensbench_reference.lens_fitting.smooth_lens import priors, smooth_lens, without_mass

_DAMPINGS = (0.03, 1.0, 30.0)


@dataclass(frozen=True)
class Optics:
    """From parameters to images under a condition, at one sampling of the sky.

    Attributes:
        condition: Gives PSF, pixels and noise.
        size: Pixels on a side of the images.
        oversampling: Rays along the side of a pixel.
        perturber: What deflects beside the smooth lens; its parameters follow those.
        lensless: Whether the lens is held to have no mass: what remains is a galaxy.
    """

    condition: Condition
    size: int
    oversampling: int
    perturber: Perturber | None = None
    lensless: bool = False

    def sky(self, theta: Tensor) -> Tensor:
        """Surface brightness (..., S, S) in units of σ for parameters (..., P)."""
        axis = self.axis(theta)
        smooth, others = self._parts(theta)
        model = smooth_lens(smooth)
        if self.perturber:
            x, y = (smooth[..., i, None, None] for i in (3, 4))
            part = Perturbation(self.perturber, others[..., None, None], x, y)
            model = replace(model, mass=(*model.mass, part))
        level: Tensor = model.brightness(axis[None, :], axis[:, None])
        return level / self.condition.noise_level

    def observe(self, sky: Tensor) -> Tensor:
        """Skies (..., S, S) behind the PSF and in pixels (..., N, N)."""
        scale, rays = self.condition.pixel_scale, self.size * self.oversampling
        apply = imaging_operator(
            self.condition,
            rays,
            scale / self.oversampling,
            self.size,
            scale,
            sky.dtype,
            str(sky.device),
        )
        return apply(sky)

    def images(self, theta: Tensor) -> Tensor:
        """Noise-free images (..., N, N) in units of σ."""
        return self.observe(self.sky(theta.float()))

    def linearised(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, N, N) and their derivatives (B, P, N, N) by the parameters (B, P)."""
        axis = self.axis(theta.float())
        sky, slopes = sky_and_slopes(theta.float(), axis[None, :], axis[:, None], self.perturber)
        level = self.condition.noise_level
        return self.observe(sky) / level, self.observe(slopes) / level

    def source_gradient(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """∂S/∂β (B, S, S), along x and y, where rays of parameters (B, P) end, in units of σ."""
        axis = self.axis(theta.float())
        _, slopes = sky_and_slopes(theta.float(), axis[None, :], axis[:, None])
        level = self.condition.noise_level
        return -slopes[:, 12] / level, -slopes[:, 13] / level

    def variance(self, images: Tensor) -> Tensor:
        """Variance of pixels with these means, both in units of σ: photons, sky and reads.

        Correlated noise counts as what it is over large areas.
        """
        condition = self.condition
        photons = (images * condition.sigma_electrons + condition.background_electrons).clamp(min=0)
        noise: Tensor = (photons + condition.read_electrons**2) / condition.sigma_electrons**2
        return noise.clamp(min=1e-3)

    def priors(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Centres and widths of the normal priors of parameters (B, P)."""
        smooth, _ = self._parts(theta)
        centre, width = priors(smooth)
        if self.lensless:
            centre, width = without_mass(centre, width)
        if not self.perturber:
            return centre, width
        own = [part.to(theta.device) for part in self.perturber.priors()]
        return torch.cat([centre, own[0]]), torch.cat([width, own[1]])

    def _parts(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        smooth = theta.shape[-1] - (self.perturber.count if self.perturber else 0)
        return theta[..., :smooth], theta[..., smooth:]

    def axis(self, theta: Tensor) -> Tensor:
        """Places of rays (S,) along a side [arcsec], in the precision of `theta`."""
        rays = self.size * self.oversampling
        scale = self.condition.pixel_scale / self.oversampling
        places = torch.arange(rays, dtype=theta.dtype, device=theta.device)
        return (places - (rays - 1) / 2) * scale


def with_slopes(function: Callable[[Tensor], Tensor], theta: Tensor) -> tuple[Tensor, Tensor]:
    """A function of parameters (P,), at each of (B, P): values (B, ...), derivatives (B, ..., P).

    Forward mode, exact.
    """

    def twice(one: Tensor) -> tuple[Tensor, Tensor]:
        value = function(one)
        return value, value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own, on first use
        slopes, values = vmap(jacfwd(twice, has_aux=True))(theta)
    return values, slopes


@dataclass(frozen=True)
class Fit:
    """Where a fit ended.

    Attributes:
        theta: Parameters (B, P).
        cost: χ² and the priors' share (B,).
        chi_squared: Of the image alone (B,).
        covariance: Inverse of JᵀJ, the priors' share included (B, P, P).
    """

    theta: Tensor
    cost: Tensor
    chi_squared: Tensor
    covariance: Tensor

    def take(self, indices: Tensor) -> Fit:
        """The fits at these indices."""
        return Fit(*(getattr(self, field.name)[indices] for field in fields(self)))

    def to(self, device: torch.device) -> Fit:
        """The same on a device."""
        return Fit(*(getattr(self, field.name).to(device) for field in fields(self)))


def least_squares(optics: Optics, images: Tensor, start: Tensor, iterations: int) -> Fit:
    """The end of `descend`, with χ² and errors."""
    theta, _ = descend(optics, images, start, iterations)
    model, slopes = optics.linearised(theta)
    weight = _weights(optics, model, None).double()
    matrix, _ = _normal_equations(optics, images, (model, slopes.double()), weight, theta)
    chi_squared = ((images - model).double() ** 2 * weight).sum((1, 2))
    cost = _cost(optics, images, model, weight, theta)
    return Fit(theta, cost, chi_squared, torch.linalg.inv_ex(matrix).inverse)


def descend(
    optics: Optics, images: Tensor, start: Tensor, iterations: int, floor: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Levenberg–Marquardt on residuals in units of their noise, each image by itself.

    The noise is that of the model of the step before. As derivatives cost several models, three
    dampings are tried at each step and the best is taken (Marquardt 1963).

    Args:
        optics: Makes images.
        images: (B, N, N) in units of σ.
        start: Parameters (B, P).
        iterations: At most.
        floor: Images (B, N, N) for the noise to be no less than that of, while the model is far
            from the image.

    Returns:
        Parameters (B, P), and χ² with the priors' share (B,).
    """
    theta = start.double().clone()
    damping = torch.full_like(theta[:, 0], 1e-2)
    cost = torch.full_like(damping, torch.inf)
    active = torch.arange(len(start), device=start.device)
    for _ in range(iterations):
        one, low = theta[active], None if floor is None else floor[active]
        step = _step(optics, images[active], one, low, damping[active])
        theta[active], cost[active] = step.theta, step.cost
        damping[active] = (damping[active] * step.factor).clamp(1e-9, 1e9)
        stuck = (step.gain < 1e-2) & ((step.gain > 0) | (damping[active] > 1e3))
        active = active[~stuck]
        if not len(active):
            break
    return theta, cost


@dataclass(frozen=True)
class _Step:
    """Where a step led: parameters (B, P), cost (B,), gain (B,), and its damping over the last."""

    theta: Tensor
    cost: Tensor
    gain: Tensor
    factor: Tensor


def _step(
    optics: Optics, images: Tensor, theta: Tensor, floor: Tensor | None, damping: Tensor
) -> _Step:
    """The best of the steps that several dampings give."""
    model, slopes = optics.linearised(theta)
    weight = _weights(optics, model, floor)
    matrix, gradient = _normal_equations(optics, images, (model, slopes), weight, theta)
    before = _cost(optics, images, model, weight, theta)
    best, cost, factor = theta, before, torch.full_like(before, 10.0)
    scale = matrix.diagonal(dim1=1, dim2=2)
    for each in _DAMPINGS:
        strength = (damping * each)[:, None] * scale
        step, _ = torch.linalg.solve_ex(matrix + torch.diag_embed(strength), gradient)
        tried = _within(optics, theta + step.nan_to_num(posinf=0.0, neginf=0.0))
        new = _cost(optics, images, optics.images(tried), weight, tried)
        better = new < cost
        best = torch.where(better[:, None], tried, best)
        factor = torch.where(better, torch.full_like(factor, each), factor)
        cost = torch.where(better, new, cost)
    return _Step(best, cost, before - cost, factor)


def _weights(optics: Optics, model: Tensor, floor: Tensor | None) -> Tensor:
    bright = model if floor is None else torch.maximum(model, floor)
    return 1 / optics.variance(bright.nan_to_num().clamp(max=1e9))


def _normal_equations(
    optics: Optics,
    images: Tensor,
    linear: tuple[Tensor, Tensor],
    weight: Tensor,
    theta: Tensor,
) -> tuple[Tensor, Tensor]:
    """JᵀJ (B, P, P) and Jᵀr (B, P), the priors as residuals among the pixels'."""
    model, slopes = linear
    root = weight.sqrt()
    jacobian = (slopes.nan_to_num(posinf=0.0, neginf=0.0) * root[:, None]).flatten(2)
    residual = ((images - model).nan_to_num() * root).flatten(1)
    centre, width = optics.priors(theta)
    matrix = (jacobian @ jacobian.mT).double()
    gradient = (jacobian @ residual[..., None])[..., 0].double()
    return matrix + torch.diag(width**-2), gradient + (centre - theta) / width**2


def _cost(optics: Optics, images: Tensor, model: Tensor, weight: Tensor, theta: Tensor) -> Tensor:
    """χ² with the priors' share (B,); infinite where the model is not finite."""
    squared = ((images - model).double() ** 2 * weight).sum((1, 2))
    centre, width = optics.priors(theta)
    total = squared + (((theta - centre) / width) ** 2).sum(1)
    return total.nan_to_num(nan=torch.inf)


def _within(optics: Optics, theta: Tensor) -> Tensor:
    """Parameters no more than five widths from where the priors are centred."""
    centre, width = optics.priors(theta)
    return torch.minimum(torch.maximum(theta, centre - 5 * width), centre + 5 * width)
