"""Fits lenses by `lens-model` and by lenstronomy, and prints parameters, χ² and time of both.

    python studies/lens-fits/outside.py [COUNT]

Lenses are the first of the test split of `pedagogical`, under Euclid's condition with a Gaussian
PSF, which both are told. lenstronomy searches by a particle swarm and goes on by a simplex, as its
documentation does, with the source's flux solved for; both use two rays along a pixel's side.
"""

from __future__ import annotations

import io
import math
import sys
import time
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from lenstronomy.Workflow.fitting_sequence import FittingSequence
from tabulate import tabulate
from torch import Tensor

from lensbench import Condition, Sie, condition_of, draw_scenes, population_of
from lensbench.sky.observation import observe
from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.lens_images import Fitting, fit_lenses
from lensbench_reference.lens_fitting.smooth_lens import einstein_radius

FIELD, FWHM = 6.4, 0.16
PARTICLES, ITERATIONS, SIMPLEX = 100, 100, 600
ALIKE = 10.0
"""Difference in χ² up to which two fits have found the same lens."""


@dataclass(frozen=True)
class Outcome:
    """One fit: Einstein radius [arcsec], both components of shear, χ² and time [s]."""

    theta_E: float
    gamma: tuple[float, float]
    chi_squared: float
    seconds: float


def main(count: int) -> None:
    """Draws lenses, fits each twice and prints a table."""
    torch.set_num_threads(1)
    condition = replace(condition_of("euclid-vis"), name="gaussian", psf="gaussian", psf_fwhm=FWHM)
    scenes = draw_scenes(population_of("pedagogical"), "test", range(count), 0)
    images = observe(scenes, condition, FIELD, 0)[:, 0]
    true = scenes.targets["theta_E"]
    fit_lenses(images[:1], condition, Fitting())  # what is made once for a condition
    start = time.process_time()
    fit = fit_lenses(images, condition, Fitting())
    each = (time.process_time() - start) / count
    sigma = fit.covariance[:, 0, 0].sqrt() * fit.theta[:, 0].exp()
    optics = Optics(condition, images.shape[-1], Fitting().oversampling)
    variance = optics.variance(optics.images(fit.theta))
    rows, apart, excess, seconds = [], [], [], []
    for i in range(count):
        theirs = by_lenstronomy(images[i], variance[i], condition)
        radius, chi_squared = float(einstein_radius(fit.theta[i])), float(fit.chi_squared[i])
        apart.append((theirs.theta_E - radius) / float(sigma[i]))
        excess.append(theirs.chi_squared - chi_squared)
        seconds.append(theirs.seconds)
        rows.append(
            [
                i,
                f"{true[i]:.4f}",
                f"{radius:.4f} ± {float(sigma[i]):.4f}",
                f"{theirs.theta_E:.4f}",
                f"{math.hypot(*fit.theta[i, 5:7].tolist()):.3f}",
                f"{math.hypot(*theirs.gamma):.3f}",
                f"{chi_squared:.0f}",
                f"{theirs.chi_squared:.0f}",
            ]
        )
    head = ["lens", "true θ_E", "lens-model", "lenstronomy", "γ", "γ", "χ²", "χ²"]
    apart, excess = np.array(apart), np.array(excess)
    agree = np.abs(excess) < ALIKE
    summary = f"""
χ² within {ALIKE} of one another: {agree.sum()} of {count} lenses.
Lower by more: lens-model {(excess >= ALIKE).sum()} times, lenstronomy {(excess <= -ALIKE).sum()}.
Where they agree, radii differ by {np.abs(apart[agree]).max(initial=0):.2f} σ at most.
Seconds of one core a lens: {each:.2f} and {np.mean(seconds):.1f}.
"""
    table = tabulate(rows, head, disable_numparse=True, stralign="right")
    sys.stdout.write(f"{table}\n{summary}")


def by_lenstronomy(image: Tensor, variance: Tensor, condition: Condition) -> Outcome:
    """The fit of one image (N, N) in units of σ, with the noise of these variances (N, N)."""
    warnings.simplefilter("ignore")
    start = time.process_time()
    size, scale = image.shape[-1], condition.pixel_scale
    corner = -(size - 1) / 2 * scale
    data = {
        "image_data": image.double().numpy(),
        "noise_map": variance.double().sqrt().numpy(),
        "background_rms": 1.0,
        "exposure_time": 1.0,
        "ra_at_xy_0": corner,
        "dec_at_xy_0": corner,
        "transform_pix2angle": np.eye(2) * scale,
    }
    psf = {"psf_type": "GAUSSIAN", "fwhm": condition.psf_fwhm, "pixel_size": scale}
    numerics = {"supersampling_factor": 2, "supersampling_convolution": True}
    sequence = FittingSequence(
        {"multi_band_list": [[data, psf, numerics]], "multi_band_type": "multi-linear"},
        {"lens_model_list": ["SIE", "SHEAR"], "source_light_model_list": ["SERSIC_ELLIPSE"]},
        {},
        {"check_bounds": True},
        _parameters(),
        verbose=False,
    )
    np.random.seed(0)  # lenstronomy draws its particles from numpy's global state
    steps = [
        ["PSO", {"sigma_scale": 1.0, "n_particles": PARTICLES, "n_iterations": ITERATIONS}],
        ["SIMPLEX", {"n_iterations": SIMPLEX}],
    ]
    with redirect_stdout(io.StringIO()):
        sequence.fit_sequence(steps)
    best = sequence.best_fit()
    lens, shear = best["kwargs_lens"]
    chi_squared = -2 * float(sequence.best_fit_likelihood())
    gamma = (shear["gamma1"], shear["gamma2"])
    e = math.hypot(lens["e1"], lens["e2"])  # of the ellipse whose θ_E is to be that of a circle
    radius = Sie(lens["theta_E"], (1 - e) / (1 + e), 0.0, 0.0, 0.0).einstein_radius()
    return Outcome(float(radius), gamma, chi_squared, time.process_time() - start)


def _parameters() -> dict[str, Any]:
    """Starts, widths and bounds of lenstronomy's search: wider than the population."""
    lens = {
        "theta_E": (1.2, 0.5, 0.2, 2.6),
        "e1": (0.0, 0.15, -0.4, 0.4),
        "e2": (0.0, 0.15, -0.4, 0.4),
        "center_x": (0.0, 0.1, -0.5, 0.5),
        "center_y": (0.0, 0.1, -0.5, 0.5),
    }
    shear = {"gamma1": (0.0, 0.05, -0.3, 0.3), "gamma2": (0.0, 0.05, -0.3, 0.3)}
    source = {
        "R_sersic": (0.25, 0.1, 0.02, 1.5),
        "n_sersic": (1.2, 0.5, 0.4, 5.0),
        "e1": (0.0, 0.2, -0.5, 0.5),
        "e2": (0.0, 0.2, -0.5, 0.5),
        "center_x": (0.0, 0.2, -1.0, 1.0),
        "center_y": (0.0, 0.2, -1.0, 1.0),
    }

    def column(which: int, *parts: dict[str, tuple[float, ...]]) -> list[dict[str, float]]:
        return [{name: values[which] for name, values in part.items()} for part in parts]

    def block(*parts: dict[str, tuple[float, ...]]) -> list[Any]:
        fixed = [{"ra_0": 0.0, "dec_0": 0.0} if "gamma1" in part else {} for part in parts]
        return [column(0, *parts), column(1, *parts), fixed, column(2, *parts), column(3, *parts)]

    return {"lens_model": block(lens, shear), "source_model": block(source)}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
