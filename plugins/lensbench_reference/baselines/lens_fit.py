"""A smooth lens as a function of 14 numbers, and its least-squares fit to many images at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import jacfwd, vmap

from lensbench import Condition, SceneModel, Sersic, Shear, Sie, imaging_operator

NAMES = (
    "ln_theta_E", "lens_e1", "lens_e2", "lens_x", "lens_y", "gamma_1", "gamma_2",
    "magnitude", "ln_radius", "ln_index", "source_e1", "source_e2", "source_x", "source_y",
)  # fmt: skip
"""Parameters of the fit: logarithms of what is positive, components of what has a direction;
centres in arcsec, the source's from the lens's."""

LIGHT_NAMES = ("light_magnitude", "ln_light_radius", "ln_light_index", "light_e1", "light_e2")
"""What is added where the lens galaxy shines: a Sérsic profile about the lens's centre."""

LENS_ONLY = len(NAMES)

CENTRE = torch.tensor(
    [0.0, 0.03, 0.0, 0.0, 0.0, 0.0, 0.01, 23.5, -1.4, 0.2, 0.03, 0.0, 0.0, 0.0,
     19.5, -0.2, 1.2, 0.03, 0.0], dtype=torch.float64,
)  # fmt: skip
"""Where the priors are centred; ellipticities beside zero, where the angle has no derivative."""

WIDTH = torch.tensor(
    [1.0, 0.2, 0.2, 0.3, 0.3, 0.1, 0.1, 3.0, 0.8, 0.6, 0.3, 0.3, 0.5, 0.5,
     3.0, 1.0, 0.5, 0.2, 0.2], dtype=torch.float64,
)  # fmt: skip
"""Standard deviations of the normal priors: far wider than what a ring in the image says, so that
they rule only what the image leaves open. They are chosen for galaxies that lens galaxies."""

_DAMPINGS = (0.01, 0.1, 1.0, 10.0, 100.0)
LARGEST_ELLIPTICITY = 0.6
LARGEST_SHEAR = 0.4


@dataclass(frozen=True)
class Optics:
    """From parameters to images under a condition, at one sampling of the sky.

    Attributes:
        condition: Gives PSF, pixels and noise.
        size: Pixels on a side of the images.
        oversampling: Rays along the side of a pixel.
    """

    condition: Condition
    size: int
    oversampling: int

    def sky(self, theta: Tensor) -> Tensor:
        """Surface brightness (..., S, S) in units of σ for parameters (..., 14)."""
        rays = self.size * self.oversampling
        scale = self.condition.pixel_scale / self.oversampling
        axis = (torch.arange(rays, dtype=theta.dtype) - (rays - 1) / 2) * scale
        level: Tensor = smooth_lens(theta).brightness(axis[None, :], axis[:, None])
        return level / self.condition.noise_level

    def observe(self, sky: Tensor) -> Tensor:
        """Skies (..., S, S) behind the PSF and in pixels (..., N, N)."""
        scale, rays = self.condition.pixel_scale, self.size * self.oversampling
        apply = imaging_operator(
            self.condition, rays, scale / self.oversampling, self.size, scale, sky.dtype
        )
        return apply(sky)

    def images(self, theta: Tensor) -> Tensor:
        """Noise-free images (..., N, N) in units of σ."""
        return self.observe(self.sky(theta.float()))

    def linearised(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, N, N) and their exact derivatives (B, 14, N, N) by the parameters (B, 14)."""
        sky, slopes = with_slopes(self.sky, theta.float())
        return self.observe(sky), self.observe(slopes.movedim(-1, 1))

    def variance(self, images: Tensor) -> Tensor:
        """Variance of pixels with these means, both in units of σ: photons, sky and reads.

        Correlated noise counts as what it is over large areas.
        """
        condition = self.condition
        photons = (images * condition.sigma_electrons + condition.background_electrons).clamp(min=0)
        noise: Tensor = (photons + condition.read_electrons**2) / condition.sigma_electrons**2
        return noise.clamp(min=1e-3)


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


def smooth_lens(theta: Tensor) -> SceneModel:
    """SIE, shear and Sérsic source of parameters (..., 14); with lens light of (..., 19)."""
    p = named(theta[..., None, None], -3)
    q, phi = _shape(p["lens_e1"], p["lens_e2"])
    source_q, source_phi = _shape(p["source_e1"], p["source_e2"])
    gamma = torch.sqrt(p["gamma_1"] ** 2 + p["gamma_2"] ** 2 + 1e-12)
    x, y = p["lens_x"], p["lens_y"]
    mass = (
        Sie(p["ln_theta_E"].exp(), q, phi, x, y),
        Shear(
            bounded(gamma, LARGEST_SHEAR), torch.atan2(p["gamma_2"], p["gamma_1"]) / 2, x, y
        ),
    )  # fmt: skip
    source = Sersic(
        p["magnitude"], p["ln_radius"].exp(), p["ln_index"].exp(), source_q, source_phi,
        x + p["source_x"], y + p["source_y"],
    )  # fmt: skip
    if "light_magnitude" not in p:
        return SceneModel(mass, (source,))
    light_q, light_phi = _shape(p["light_e1"], p["light_e2"])
    light = Sersic(
        p["light_magnitude"], p["ln_light_radius"].exp(), p["ln_light_index"].exp(),
        light_q, light_phi, x, y,
    )  # fmt: skip
    return SceneModel(mass, (source,), (light,))


def einstein_radius(theta: Tensor) -> Tensor:
    """Einstein radius (...) of lenses (..., 14): the circularised one, as that of the target."""
    p = named(theta)
    q, phi = _shape(p["lens_e1"], p["lens_e2"])
    macro = Sie(p["ln_theta_E"].exp(), q, phi, p["lens_x"], p["lens_y"])
    return torch.as_tensor(macro.einstein_radius())


def named(theta: Tensor, axis: int = -1) -> dict[str, Tensor]:
    """Parameters by name, along an axis of 14 or 19."""
    values = theta.unbind(axis)
    return dict(zip((*NAMES, *LIGHT_NAMES)[: len(values)], values, strict=True))


def _shape(e_1: Tensor, e_2: Tensor) -> tuple[Tensor, Tensor]:
    """Axis ratio and position angle of an ellipticity's components."""
    e = bounded(torch.sqrt(e_1**2 + e_2**2 + 1e-8), LARGEST_ELLIPTICITY)
    return (1 - e) / (1 + e), torch.atan2(e_2, e_1) / 2


def bounded(value: Tensor, largest: float) -> Tensor:
    """A positive value as it is where it is small, and below the largest everywhere."""
    return value / torch.sqrt(1 + (value / largest) ** 2)


@dataclass(frozen=True)
class Fit:
    """Where a fit ended.

    Attributes:
        theta: Parameters (B, 14).
        cost: χ² and the priors' share (B,).
        chi_squared: Of the image alone (B,).
        covariance: Inverse of JᵀJ, the priors' share included (B, 14, 14).
    """

    theta: Tensor
    cost: Tensor
    chi_squared: Tensor
    covariance: Tensor


def least_squares(
    optics: Optics, images: Tensor, start: Tensor, iterations: int, floor: Tensor | None = None
) -> Fit:
    """Levenberg–Marquardt on residuals in units of their noise, each image by itself.

    The noise is that of the model of the step before. As a model costs a fiftieth of its
    derivatives, five dampings are tried at each step and the best is taken (Marquardt 1963).

    Args:
        optics: Makes images.
        images: (B, N, N) in units of σ.
        start: Parameters (B, 14).
        iterations: At most.
        floor: Images (B, N, N) for the noise to be no less than that of, while the model is far
            from the image.
    """
    theta, damping = start.double().clone(), torch.full((len(start),), 1e-2, dtype=torch.float64)
    active = torch.arange(len(start))
    for _ in range(iterations):
        one = theta[active]
        model, slopes = optics.linearised(one)
        weight = _weights(optics, model, None if floor is None else floor[active])
        matrix, gradient = _normal_equations(images[active], model, slopes, weight, one)
        before = _cost(images[active], model, weight, one)
        best, cost, factor = one, before, torch.full_like(before, 10.0)
        scale = matrix.diagonal(dim1=1, dim2=2)
        for each in _DAMPINGS:
            strength = (damping[active] * each)[:, None] * scale
            step, _ = torch.linalg.solve_ex(matrix + torch.diag_embed(strength), gradient)
            tried = one + step.nan_to_num(posinf=0.0, neginf=0.0)
            tried = _within(tried)
            new = _cost(images[active], optics.images(tried), weight, tried)
            better = new < cost
            best = torch.where(better[:, None], tried, best)
            factor = torch.where(better, torch.full_like(factor, each), factor)
            cost = torch.where(better, new, cost)
        theta[active] = best
        damping[active] = (damping[active] * factor).clamp(1e-9, 1e9)
        gained = before - cost
        stuck = (gained < 1e-2) & ((gained > 0) | (damping[active] > 1e3))
        active = active[~stuck]
        if not len(active):
            break
    return _ended(optics, images, theta, floor)


def _ended(optics: Optics, images: Tensor, theta: Tensor, floor: Tensor | None) -> Fit:
    model, slopes = optics.linearised(theta)
    weight = _weights(optics, model, floor)
    matrix, _ = _normal_equations(images, model, slopes, weight, theta)
    chi_squared = ((images - model).double() ** 2 * weight).sum((1, 2))
    cost = _cost(images, model, weight, theta)
    return Fit(theta, cost, chi_squared, torch.linalg.inv_ex(matrix).inverse)


def _weights(optics: Optics, model: Tensor, floor: Tensor | None) -> Tensor:
    bright = model if floor is None else torch.maximum(model, floor)
    return 1 / optics.variance(bright.nan_to_num().clamp(max=1e9)).double()


def _normal_equations(
    images: Tensor, model: Tensor, slopes: Tensor, weight: Tensor, theta: Tensor
) -> tuple[Tensor, Tensor]:
    """JᵀJ (B, 14, 14) and Jᵀr (B, 14), the priors as residuals among the pixels'."""
    root = weight.sqrt()
    jacobian = (slopes.double().nan_to_num(posinf=0.0, neginf=0.0) * root[:, None]).flatten(2)
    residual = ((images - model).double().nan_to_num() * root).flatten(1)
    centre, width = _priors(theta)
    matrix = jacobian @ jacobian.mT + torch.diag(width**-2)
    gradient = (jacobian @ residual[..., None])[..., 0] + (centre - theta) / width**2
    return matrix, gradient


def _cost(images: Tensor, model: Tensor, weight: Tensor, theta: Tensor) -> Tensor:
    """χ² with the priors' share (B,); infinite where the model is not finite."""
    squared = ((images - model).double() ** 2 * weight).sum((1, 2))
    centre, width = _priors(theta)
    total = squared + (((theta - centre) / width) ** 2).sum(1)
    return total.nan_to_num(nan=torch.inf)


def _within(theta: Tensor) -> Tensor:
    """Parameters no more than five widths from where the priors are centred."""
    centre, width = _priors(theta)
    return torch.minimum(torch.maximum(theta, centre - 5 * width), centre + 5 * width)


def _priors(theta: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and widths of the priors of as many parameters as there are."""
    return CENTRE[: theta.shape[-1]], WIDTH[: theta.shape[-1]]
