"""Which lenses a survey can find: the cuts of Collett 2015 (arXiv:1507.02657, section 4.1).

They are asked under one condition, whatever condition the scene is then seen under, so that the
same scenes are there under every condition. They look at the lens without its substructure, so that
they are the same for every substructure class and cannot tell it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.sky.components import SceneModel
from lensbench.sky.light import flux
from lensbench.sky.observation import grid_of, imaging_operator
from lensbench.sky.rendering import render_models

_SIZE, _PIXEL_SCALE = 96, 0.075
"""Grid on which arcs are looked at: rays on a side, and their distance [arcsec]."""

Pixels = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-9
"""More than sums in another order may differ by."""

_FIELD = 6.4
"""Side of the image in which signal is collected [arcsec]."""


@dataclass(frozen=True)
class Cuts:
    """What a lens has to have to be found.

    Attributes:
        condition: Under which the cuts are asked.
        snr: Least signal-to-noise ratio of all the arcs; see `signal_to_noise`.
        magnification: Least total magnification μ of the source.
    """

    condition: Condition
    snr: float = 20.0
    magnification: float = 3.0

    def resolve(self, theta_E: float, source_radius: float) -> bool:
        """Whether image and counter-image are apart: 2 θ_E² > (2 r_s)² + s².

        As the published code of LensPop has it (`SeeingTest`, with `bfac` and `rfac` of 2).

        Args:
            theta_E: Einstein radius [arcsec].
            source_radius: Half-light radius r_s of the source [arcsec]; s is the FWHM of the PSF.
        """
        return 2 * theta_E**2 > (2 * source_radius) ** 2 + self.condition.psf_fwhm**2


def detected(lens: SceneModel, source_magnitude: float, source_radius: float, cuts: Cuts) -> bool:
    """Whether arcs are magnified, sheared beyond the PSF (μ r_s > s) and bright enough.

    Args:
        lens: The lens without its substructure, with the light that arcs are seen against.
        source_magnitude: AB magnitude of the source without the lens.
        source_radius: Its half-light radius [arcsec].
        cuts: What a lens needs to be found.
    """
    arcs = _arcs(lens)
    magnification = float(arcs.sum()) * _PIXEL_SCALE**2 / float(flux(source_magnitude))
    if magnification <= cuts.magnification:
        return False
    if magnification * source_radius <= cuts.condition.psf_fwhm:
        return False
    return _exceeds(*_signal_and_variance(arcs, _front(lens), cuts.condition), cuts.snr)


def arcs_over_noise(lens: SceneModel, condition: Condition) -> float:
    """The signal-to-noise ratio of a lens's arcs under a condition; see `signal_to_noise`."""
    return signal_to_noise(_arcs(lens), _front(lens), condition)


def signal_to_noise(arcs: Tensor, front: Tensor, condition: Condition) -> float:
    """Of the pixels that have the largest: max over n of Σ signal/√Σ variance of the n best.

    The light in front adds its photons to the noise and is taken as subtracted without error.

    Args:
        arcs: Sky (S, S) of the lensed source [µJy/arcsec²].
        front: Sky of what shines in front of it.
        condition: Gives PSF, pixels and noise.
    """
    return _of_best(*_signal_and_variance(arcs, front, condition))


def _exceeds(signal: Pixels, variance: Pixels, least: float) -> bool:
    """Whether the signal-to-noise ratio is above this; in most cases two bounds say so, unsorted.

    Ratios of n pixels are at most √Σ signal²/variance (Cauchy–Schwarz), and those of the pixels
    with signal above their noise are the n best for some n.
    """
    squared = signal**2 / variance
    if math.sqrt(squared.sum()) < (1 - _ROUNDING) * least:
        return False
    best = squared > 1
    if signal[best].sum() > (1 + _ROUNDING) * least * math.sqrt(variance[best].sum()):
        return True
    return _of_best(signal, variance) > least


def _of_best(signal: Pixels, variance: Pixels) -> float:
    order = np.argsort(-(signal**2 / variance), axis=None)
    best, noise = np.take(signal, order).cumsum(), np.take(variance, order).cumsum()
    return float((best / np.sqrt(noise)).max())


def _signal_and_variance(
    arcs: Tensor, front: Tensor, condition: Condition
) -> tuple[Pixels, Pixels]:
    """Of each pixel of the image [electrons, electrons²]."""
    grid = grid_of(condition, _FIELD)
    observe = imaging_operator(condition, _SIZE, _PIXEL_SCALE, grid.size, grid.pixel_scale)
    signal, others = observe(torch.stack([arcs, front])).clamp(min=0).double().numpy()
    signal, others = signal * condition.electrons_per_sb, others * condition.electrons_per_sb
    empty = condition.sigma_electrons * condition.noise_correlation
    return signal, signal + others + empty**2


def _arcs(lens: SceneModel) -> Tensor:
    return _render(replace(lens, lights=()))


def _front(lens: SceneModel) -> Tensor:
    return _render(replace(lens, sources=()))


def _render(model: SceneModel) -> Tensor:
    return render_models(lambda _: model, 1, _SIZE, _PIXEL_SCALE)[0, 0]
