"""Whether lens fits are to be trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.lenses import lens_of, samples_of

from lensbench import Measurements, condition_of
from lensbench.api.predictor import RecentMeasurements
from lensbench_reference.baselines.lens_classes import LensAnomalies
from lensbench_reference.lens_fitting.lens_fit import Fit, Optics
from lensbench_reference.lens_fitting.lens_images import Fitting, fit_lenses
from lensbench_reference.lens_fitting.lens_verdict import bright_chi_squared, doubts, far_out
from lensbench_reference.lens_fitting.smooth_lens import CENTRE, LENS_ONLY, NAMES, WIDTH


def a_lens(**changed: float) -> torch.Tensor:
    plain = {"ln_theta_E": 0.2, "magnitude": 22.0, "source_x": 0.15, "source_y": -0.1}
    return lens_of(**(plain | changed))


def fit_at(theta: torch.Tensor) -> Fit:
    none = torch.zeros(len(theta), dtype=torch.float64)
    return Fit(theta, none, none, torch.zeros(len(theta), 14, 14, dtype=torch.float64))


def test_parameters_beyond_two_and_a_half_widths_are_far_out():
    """On either side, by name."""
    theta = CENTRE[:LENS_ONLY].repeat(3, 1)
    theta[1, NAMES.index("gamma_2")] += 2.4 * WIDTH[NAMES.index("gamma_2")]
    theta[2, NAMES.index("gamma_2")] += 2.6 * WIDTH[NAMES.index("gamma_2")]
    theta[2, NAMES.index("ln_radius")] -= 2.6 * WIDTH[NAMES.index("ln_radius")]
    assert far_out(fit_at(theta)) == [[], [], ["gamma_2", "ln_radius"]]


def test_chi_squared_of_bright_pixels_is_not_diluted_by_empty_ones():
    """Residuals of 2 and 4 σ where the model is bright, of nothing elsewhere."""
    model, image = torch.zeros(2, 8, 8), torch.zeros(2, 8, 8)
    model[0, 0, :2] = 10.0
    image[0, 0, 0], image[0, 0, 1] = 12.0, 14.0
    image[1] = 1.0
    found = bright_chi_squared(image, model, torch.ones(2, 8, 8))
    assert found.tolist() == pytest.approx([10.0, 1.0])  # of all pixels where none is bright


def test_a_fit_that_leaves_much_over_is_doubted_and_a_good_one_is_not():
    """A second lens of another galaxy is in one image; a shear that no prior has in another."""
    condition = condition_of("euclid-vis")
    optics = Optics(condition, 64, 2)
    good = optics.images(a_lens())[0]
    other = optics.images(a_lens(source_x=0.5, source_y=-0.3, ln_theta_E=0.55))[0]
    sheared = optics.images(a_lens(gamma_1=0.3))[0]
    samples = samples_of(torch.stack([good, good + other, sheared]), condition)
    found = doubts(samples, Fitting(), Measurements())
    assert found[0] == []
    assert found[1][0].startswith("poor fit: χ² of ")
    assert float(found[1][0].split()[4]) > 2
    assert any(one.startswith("edge of priors: ") and "gamma_1" in one for one in found[2])


def test_the_verdict_needs_no_second_fit(monkeypatch):
    """What has just been measured on the same samples is remembered, and only that."""
    calls = []

    def counted(*given):
        calls.append(1)
        return fit_lenses(*given)

    monkeypatch.setattr("lensbench_reference.lens_fitting.lens_images.fit_lenses", counted)
    condition = condition_of("euclid-vis")
    samples = samples_of(Optics(condition, 64, 2).images(a_lens(gamma_1=0.3)), condition)
    predictor = LensAnomalies(Fitting(starts=1), RecentMeasurements())
    answer = predictor(samples)
    flags = predictor.flags(samples, answer)
    assert calls == [1]
    assert "gamma_1" in flags[0]
    predictor(replace(samples))
    assert calls == [1, 1]
