"""Fisher information of a scene's parameters, and the bounds that it sets.

Pixels are taken as Gaussian about their mean μ(θ) with the variance σ²(θ) of source, sky and reads
(Vallisneri 2008, arXiv:gr-qc/0703086; Kay 1993, eq. 3.31):

    I_ij = Σ_p ∂_iμ_p ∂_jμ_p / σ_p² + ½ Σ_p ∂_iσ_p² ∂_jσ_p² / σ_p⁴.

The second sum is the information in the photon noise itself. Derivatives are exact: forward mode
through renderer, PSF and pixels. Artefacts are left out: they only lose information, so the bounds
hold.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.func import jacfwd

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.errors import RunError
from lensbench.sky.observation import expose, grid_of
from lensbench.sky.scenes import render

Model = Callable[[Tensor], Tensor]
"""From parameters (P,) to the sky (C, S, S) [µJy/arcsec²]."""


def fisher_information(
    model: Model,
    values: Tensor,
    condition: Condition,
    pixel_scale: float,
    field_of_view: float,
    variance_term: bool = True,
) -> Tensor:
    """Fisher information (P, P) of parameters in one image, in units of one over theirs squared.

    Args:
        model: Renders the sky; see `scene_model`.
        values: Where to evaluate it (P,).
        condition: Observes the sky, with the PSF that methods get.
        pixel_scale: Side of a pixel of the sky [arcsec].
        field_of_view: Side of the image [arcsec].
        variance_term: Whether to count the information in the variance. For pure photon noise the
            exact information lacks this term; it adds half of one over the electrons in a pixel.
    """
    grid = grid_of(condition, field_of_view)

    def electrons(theta: Tensor) -> Tensor:
        sky = model(theta)
        scenes = Scenes(("",), sky[None], pixel_scale, np.zeros(1))
        return expose(scenes, condition.told, grid)[0] * condition.electrons_per_sb

    mean, slopes = derivatives(electrons, values.to(torch.float64))
    photons = (mean + condition.background_electrons).clamp(min=0)
    variance = photons + condition.read_electrons**2
    whitened = (decorrelate(slopes, condition.noise_tap) / variance.sqrt()).flatten(1)
    information: Tensor = whitened @ whitened.T
    if variance_term:
        relative = (slopes * (photons > 0) / variance).flatten(1)
        information = information + relative @ relative.T / 2
    return information


def cramer_rao_bound(information: Tensor) -> Tensor:
    """Covariance (P, P) that no unbiased estimate falls below: the inverse of the information.

    Raises:
        RunError: If the image does not determine all parameters.
    """
    scale = information.diagonal().clamp(min=0).sqrt()
    if not bool((scale > 0).all()):
        raise RunError(
            f"parameter {int(scale.argmin())} leaves the image as it is",
            "leave it out of the bound",
        )
    normal: Tensor = information / (scale[:, None] * scale[None, :])
    if float(torch.linalg.eigvalsh(normal)[0]) < 1e-12:
        raise RunError(
            "the image does not determine the parameters: their information is singular",
            "leave one of them out, or give priors and take the Bayesian bound",
        )
    bound: Tensor = torch.linalg.inv(normal) / (scale[:, None] * scale[None, :])
    return bound


class Prior(Protocol):
    """A smooth distribution of one parameter."""

    @property
    def information(self) -> float:
        """∫ p′(x)²/p(x) dx, one over the parameter's unit squared."""
        ...

    def weight(self, values: Tensor) -> Tensor:
        """Density over that of the population that scenes were drawn from, at values (n,)."""
        ...

    @property
    def largest_weight(self) -> float:
        """The largest value of the weight."""
        ...


@dataclass(frozen=True)
class NormalPrior:
    """A normal distribution, drawn from as it is."""

    sigma: float

    @property
    def information(self) -> float:
        """1/σ²."""
        return self.sigma**-2

    def weight(self, values: Tensor) -> Tensor:
        """One."""
        return torch.ones_like(values)

    @property
    def largest_weight(self) -> float:
        """One."""
        return 1.0


@dataclass(frozen=True)
class SmoothUniform:
    """A uniform distribution whose edges fall to zero as cos², as the van Trees bound needs.

    Scenes are drawn from the sharp distribution between `low` and `high`, and weighted.

    Attributes:
        low: Lower edge.
        high: Upper edge.
        taper: Share of each half that falls, above 0 and up to 1. A small one is close to the
            sharp distribution and knows more by itself, π²/(t(2 − t)) over the squared half-width.
    """

    low: float
    high: float
    taper: float = 0.1

    @property
    def information(self) -> float:
        """Of the distribution itself."""
        half = (self.high - self.low) / 2
        return math.pi**2 / (self.taper * (2 - self.taper) * half**2)

    @property
    def largest_weight(self) -> float:
        """In the flat middle."""
        return 2 / (2 - self.taper)

    def weight(self, values: Tensor) -> Tensor:
        """Smooth over sharp density."""
        half = (self.high - self.low) / 2
        distance = (values - (self.low + self.high) / 2).abs() / half
        fall = ((distance - (1 - self.taper)) / self.taper).clamp(0, 1)
        return self.largest_weight * torch.cos(torch.pi / 2 * fall) ** 2


@dataclass(frozen=True)
class BayesianBound:
    """The van Trees bound over a population.

    Attributes:
        covariance: Bound on the mean squared error (P, P) over the smooth population.
        share: Least ratio of the sharp population's density to the smooth one's.
    """

    covariance: Tensor
    share: float

    def rmse(self, sharp: bool = True) -> Tensor:
        """Least root mean squared error (P,) of any estimate, with or without bias.

        Args:
            sharp: Over the sharp population that scenes are drawn from, where every squared error
                counts at least `share` times as much as over the smooth one; else over that.
        """
        return (self.covariance.diagonal() * (self.share if sharp else 1.0)).sqrt()


def bayesian_bound(information: Tensor, values: Tensor, priors: Sequence[Prior]) -> BayesianBound:
    """Bound on the mean squared error over a population (van Trees 1968; Gill & Levit 1995).

    E[MSE] ≥ (E[I] + I_prior)⁻¹ for every estimator, biased or not. The parameters are independent
    in the population; the mean of the information is taken over scenes drawn from it.

    Args:
        information: Fisher information of each scene (n, P, P).
        values: Their parameters (n, P).
        priors: One a parameter.
    """
    weights = torch.stack([p.weight(values[:, i].double()) for i, p in enumerate(priors)]).prod(0)
    if not bool(weights.sum() > 0):
        raise RunError("no scene lies where the smooth priors do", "draw more scenes")
    mean = (information.double() * weights[:, None, None]).sum(0) / weights.sum()
    prior = torch.diag(torch.tensor([p.information for p in priors], dtype=torch.float64))
    share = math.prod(1 / p.largest_weight for p in priors)
    return BayesianBound(cramer_rao_bound(mean + prior), share)


def scene_model(
    parameters: Mapping[str, np.ndarray],
    index: int,
    names: Sequence[str],
    label: int,
    size: int,
    pixel_scale: float,
    lens_light: bool = False,
) -> tuple[Model, Tensor]:
    """A drawn scene as a function of some of its parameters, and their values (P,).

    Args:
        parameters: All that was drawn, as in `Scenes.parameters`.
        index: Which scene.
        names: The parameters that vary.
        label: The scene's class of substructure.
        size: Pixels on a side of the sky.
        pixel_scale: Side of a sky pixel [arcsec].
        lens_light: Whether the lens galaxy shines.
    """
    drawn = {
        name: torch.as_tensor(np.asarray(values[index]), dtype=torch.float64)[None]
        for name, values in parameters.items()
    }
    chosen = torch.tensor([label])

    def model(theta: Tensor) -> Tensor:
        varied = {name: theta[i][None] for i, name in enumerate(names)}
        return render({**drawn, **varied}, chosen, size, pixel_scale, lens_light)

    return model, torch.cat([drawn[name] for name in names])


def derivatives(function: Model, values: Tensor) -> tuple[Tensor, Tensor]:
    """A function's value (...) and its derivatives (P, ...) by its arguments (P,), which are exact.

    Forward mode, in all directions at once.
    """

    def twice(theta: Tensor) -> tuple[Tensor, Tensor]:
        value = function(theta)
        return value, value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own, on first use
        slopes, value = jacfwd(twice, has_aux=True)(values)
    return value, slopes.movedim(-1, 0)


def decorrelate(images: Tensor, tap: float) -> Tensor:
    """Images (..., N, N) before the correlation of `noise_tap`, which is undone by an FFT.

    The kernel's transfer (1 + 2c cos ω)/(1 + 2c) has no zero, for c is less than a half.
    """
    if tap == 0:
        return images
    omega = 2 * torch.pi * torch.fft.fftfreq(images.shape[-1], dtype=images.dtype)
    transfer = (1 + 2 * tap * torch.cos(omega)) / (1 + 2 * tap)
    undone: Tensor = torch.fft.ifft2(
        torch.fft.fft2(images) / (transfer[:, None] * transfer[None, :])
    ).real
    return undone
