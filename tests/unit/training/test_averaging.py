"""Weights averaged over the last steps."""

import pytest
import torch
from torch import nn

from lensbench.training.averaging import AveragedWeights, measure_statistics


def model() -> nn.Module:
    """A frozen layer, batch normalisation and a trained layer."""
    layers = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    layers[0].requires_grad_(False)
    return layers


def show(layers: nn.Module, batches: torch.Tensor) -> None:
    """Shows batches, one after another."""
    for batch in batches:
        layers(batch)


def test_the_mean_remembers_three_per_cent_of_the_steps():
    """After a jump from zero to one at step 1000, it has come 1 − 1/e of the way by step 1030."""
    layers = model()
    layers[2].bias.data.fill_(0.0)
    average = AveragedWeights(layers)
    for step in range(1, 1001):
        average.follow(step)
    layers[2].bias.data.fill_(1.0)
    for step in range(1001, 1031):
        average.follow(step)
    with average.in_model():
        assert layers[2].bias.item() == pytest.approx(1 - 1 / 2.718, abs=0.02)
    assert layers[2].bias.item() == 1.0


def test_what_is_trained_and_statistics_are_averaged():
    """Nothing else: what is frozen, and counters, are the model's own."""
    layers = model().train()
    average = AveragedWeights(layers)
    for step in range(200, 203):
        layers(torch.randn(8, 2))
        with torch.no_grad():
            for parameter in layers.parameters():
                parameter.add_(1.0)
        average.follow(step)
    own = {name: value.clone() for name, value in layers.state_dict().items()}
    with average.in_model():
        changed = {n for n, v in layers.state_dict().items() if not torch.equal(v, own[n])}
    assert changed == {
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "2.weight",
        "2.bias",
    }
    assert all(torch.equal(value, own[name]) for name, value in layers.state_dict().items())


def test_the_model_has_its_own_values_again_after_an_error():
    layers = model()
    average = AveragedWeights(layers)
    layers[2].bias.data.fill_(5.0)
    with pytest.raises(ValueError, match="lost"), average.in_model():
        raise ValueError("lost")
    assert layers[2].bias.item() == 5.0


def test_a_mean_is_stored_and_restored():
    layers = model()
    first, second = AveragedWeights(layers), AveragedWeights(layers)
    layers[2].bias.data.fill_(5.0)
    first.follow(1)
    second.restore(first.state())
    with second.in_model():
        assert layers[2].bias.item() == 5.0


def test_statistics_are_those_of_what_is_shown():
    """Plain means over batches, whatever was gathered before; the momentum stays."""
    layers = model().train()
    layers[1].running_mean.fill_(100.0)
    batches = torch.randn(4, 8, 2)
    measure_statistics(layers, lambda: show(layers, batches))
    inputs = torch.stack([layers[0](batch) for batch in batches])
    assert torch.allclose(layers[1].running_mean, inputs.mean(1).mean(0), atol=1e-6)
    assert torch.allclose(layers[1].running_var, inputs.var(1).mean(0), atol=1e-6)
    assert layers[1].momentum == 0.1
    layers[1](torch.full((8, 3), 50.0))
    assert layers[1].running_mean.mean() == pytest.approx(5.0, abs=1.0)


def test_layers_that_are_shown_nothing_or_are_frozen_keep_their_statistics():
    layers = model().train()
    layers[1].running_mean.fill_(7.0)
    measure_statistics(layers, lambda: show(layers[2], torch.randn(1, 8, 3)))
    assert layers[1].running_mean.tolist() == [7.0] * 3
    layers[1].eval()
    measure_statistics(layers, lambda: show(layers, torch.randn(1, 8, 2)))
    assert layers[1].running_mean.tolist() == [7.0] * 3


def test_counters_go_back_as_well():
    """A layer whose statistics are a plain mean over all batches goes on as if nothing was."""
    layers = model().train()
    average = AveragedWeights(layers)
    layers(torch.randn(8, 2))
    with average.in_model():
        measure_statistics(layers, lambda: show(layers, torch.randn(5, 8, 2)))
        assert layers[1].num_batches_tracked == 5
    assert layers[1].num_batches_tracked == 1
