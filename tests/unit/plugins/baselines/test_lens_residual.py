"""What a smooth lens leaves over: perturbers found in it, galaxies that lens nothing."""

from types import SimpleNamespace

import pytest
import torch
from tests.lenses import lens_of

from lensbench import FitContext, Measurements, condition_of
from lensbench.api.budget import BUDGETS
from lensbench_reference.baselines.lens_classes import anomaly_score
from lensbench_reference.baselines.lens_model import LensModel
from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.lens_images import Fitting
from lensbench_reference.lens_fitting.lens_residual import Residual, first_order, perturbed
from lensbench_reference.lens_fitting.lens_statistics import statistics_of
from lensbench_reference.lens_fitting.perturbers import CompactMass, LineOfMass

EUCLID = condition_of("euclid-vis")
KINDS = [pytest.param(CompactMass(), id="compact"), pytest.param(LineOfMass(), id="line")]


def a_lens():
    """Parameters (1, 14) of a plain lens of 1″ with a bright arc."""
    return lens_of(magnitude=22.0, source_x=0.12, lens_e1=0.1)


def seen(kind, values):
    """The residual of the noise-free image of a plain lens with one perturber."""
    theta = torch.cat([a_lens(), torch.tensor([values], dtype=torch.float64)], 1)
    image = Optics(EUCLID, 64, 1, kind).images(theta)
    return Residual.of(Optics(EUCLID, 64, 1), image, a_lens())


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_with_a_perturber_are_those_of_differences(kind):
    """By its own parameters and by the place of the lens, which takes it along."""
    optics = Optics(EUCLID, 32, 2, kind)
    own = torch.tensor([[0.08, 0.31, 0.74]], dtype=torch.float64)
    theta = torch.cat([a_lens(), own], 1)
    _, slopes = optics.linearised(theta)
    for i in (0, 3, 4, 14, 15, 16):
        step = torch.zeros_like(theta)
        step[0, i] = 1e-4
        difference = optics.observe(optics.sky(theta + step) - optics.sky(theta - step)) / 2e-4
        error = (difference[0] - slopes[0, i]).abs().max() / difference.abs().max()
        assert float(error) < 5e-3, i


def test_a_compact_mass_is_found_where_it_is():
    """Its mass to a tenth and its place to a twentieth of an arcsecond."""
    found = seen(CompactMass(), [0.03, 0.9, 0.45])
    before = float(found.chi_squared)
    _, fitted = perturbed(found, CompactMass())
    assert before > 100
    assert float(fitted.gain) == pytest.approx(before, rel=0.02)
    mass, radius = (float(one) for one in fitted.shape)
    assert mass == pytest.approx(0.03, rel=0.15)
    assert radius == pytest.approx((0.9**2 + 0.45**2) ** 0.5, abs=0.06)


def test_a_line_of_mass_is_told_from_a_compact_one():
    """Each explains its own image and leaves some of the other's."""
    line, compact = LineOfMass(), CompactMass()
    for own, other, values in (
        (line, compact, [0.1, -0.2, 0.6]),
        (compact, line, [0.03, 0.9, 0.45]),
    ):
        found = seen(own, values)
        _, right = perturbed(found, own)
        _, wrong = perturbed(found, other)
        left = float(found.chi_squared - right.gain)
        assert left < 0.05 * float(found.chi_squared)
        assert float(found.chi_squared - wrong.gain) > 2 * left


def test_the_first_order_gain_of_a_weak_mass_is_its_chi_squared():
    """All that is left after the smooth refit, at the mass that is there."""
    weak, place = 1e-4, [0.9, 0.45]
    found = seen(CompactMass(), [weak, *place])
    at = torch.tensor([[[1.0, *place]]], dtype=torch.float64)
    gain, mass = first_order(found, CompactMass(), at)
    assert float(mass) == pytest.approx(weak, rel=0.05)
    assert float(gain) == pytest.approx(float(found.chi_squared), rel=0.1)


def context_of(samples, predicts):
    task = SimpleNamespace(targets=("substructure",), predicts=predicts, metrics=())
    return FitContext(task, samples, samples, BUDGETS["smoke"], 0, lambda _: None)


@pytest.mark.parametrize(("predicts", "name"), [("scores", "score"), ("classes", "probability")])
def test_a_kept_lens_model_of_classes_answers_the_same(observed, predicts, name):
    """Scores without labels, probabilities with them."""
    samples = observed("euclid-vis", range(6))
    fit = context_of(samples, predicts)
    make = LensModel(LensModel.Options(starts="1", oversampling="1"))
    predict = make.fit(fit)
    answer = predict(samples)[name]
    assert torch.isfinite(answer).all()
    assert torch.equal(make.restore(fit, predict.state())(samples)[name], answer)


def test_scores_rank_lenses_with_substructure_above_those_without(observed):
    """AUROC of 24 scenes of the training split, without labels."""
    samples = observed("euclid-vis", range(24))
    score = anomaly_score(statistics_of(samples, Fitting(), Measurements()))
    there = samples.targets["substructure"] > 0
    assert (score[there][:, None] > score[~there]).double().mean() > 0.85
