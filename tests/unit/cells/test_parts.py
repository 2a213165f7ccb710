"""Stretch, features and scores."""

import numpy as np
import pytest
import torch
from torch import nn

from lensbench import Encoder
from lensbench.api.task import Metric
from lensbench.cells.answers import as_arrays
from lensbench.cells.score import score
from lensbench.errors import PluginError, RunError
from lensbench.testing import made_samples
from lensbench.training.encoding import encode, feature_shape
from lensbench.training.stretch import stretch, unstretch


def test_unstretch_is_the_inverse_of_stretch():
    """From −100 σ to 10⁴ σ, to float32's precision."""
    x = torch.cat([-torch.logspace(-3, 2, 50), torch.logspace(-3, 4, 50)])
    assert torch.allclose(unstretch(stretch(x)), x, rtol=1e-4)


def test_a_map_alone_is_pooled():
    """An encoder may return one map, and its mean is the pooled vector."""

    class Convolution(Encoder, nn.Conv2d):
        pass

    encoder = Convolution(1, 5, 4, 4)
    features = encode(encoder, made_samples(size=32))
    assert features.pooled.shape == (6, 5)
    assert torch.allclose(features.pooled, features.maps[0].mean((2, 3)))
    assert feature_shape(encoder, 1).maps == ((5, 4),)


def test_an_encoder_that_returns_something_else_is_told():
    """The error says what to return."""

    class Words(Encoder, nn.Module):
        def forward(self, images):
            return "features"

    with pytest.raises(PluginError, match="str"):
        encode(Words(), made_samples())


def test_a_module_that_is_no_encoder_is_told_in_one_line():
    """Any module has no contract to read; the error names the class to derive from."""
    for call in (lambda one: encode(one, made_samples()), lambda one: feature_shape(one, 1)):
        with pytest.raises(PluginError, match="Flatten is not derived from") as caught:
            call(nn.Flatten())
        assert "class Flatten(lensbench.Encoder" in caught.value.hint


def test_an_encoder_that_asks_gets_the_condition():
    """The vector has three numbers."""
    seen = []

    class Asking(Encoder, nn.Module):
        uses_condition = True

        def forward(self, images, condition):
            seen.append(condition)
            return images.flatten(1)

    encode(Asking(), made_samples())
    assert seen[0].shape == (3,)


@pytest.mark.parametrize("bad", [np.array([1.0, np.nan]), np.array([1.0, np.inf]), np.ones(3)])
def test_predictions_that_make_no_sense_are_refused(bad):
    """NaN, infinities and a wrong number of rows fail the cell."""
    with pytest.raises(RunError):
        as_arrays({"theta_E": bad}, 2)


def test_intervals_of_both_kinds_of_metric_hold_the_value():
    """A mean over samples and a number for all are both bootstrapped over scenes."""
    samples = made_samples(count=30)
    answers = {"theta_E": samples.targets["theta_E"].numpy() + 0.1}

    def errors(predictions, given):
        return np.abs(predictions["theta_E"] - given.targets["theta_E"].numpy())

    def correlation(predictions, given):
        return np.corrcoef(predictions["theta_E"], given.targets["theta_E"].numpy())[0, 1]

    mean = score(Metric("error", errors, per_sample=True), answers, samples, 100).interval
    one = score(Metric("correlation", correlation), answers, samples, 100).interval
    assert mean.value == pytest.approx(0.1, rel=1e-5)
    assert one.value == pytest.approx(1.0, rel=1e-5)
    assert mean.low <= mean.value <= mean.high
