"""The losses of autoencoders and of the Boltzmann machine, against closed forms."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence

from lensbench import Encoder, IncompatibleError, Samples, stretch
from lensbench.testing import made_samples


def test_reconstruction_is_scored_in_the_stretched_domain(objective, pairs):
    """Mean squared error of what the encoder gives back."""
    loss = objective("autoencoding", "dcae")
    images = stretch(pairs.images)
    expected = (loss.encoder.reconstruct(images) - images).square().mean()
    assert torch.allclose(loss(pairs, torch.Generator()), expected)


@pytest.mark.parametrize(
    ("strategy", "encoder"),
    [("autoencoding", "dcae"), ("autoencoding", "vae"), ("adversarial", "aae")],
)
def test_products_in_bfloat16_give_nearly_the_same_loss(objective, pairs, strategy, encoder):
    """The loss and its gradients stay in single precision."""
    losses = []
    for precision in ("fp32", "bf16"):
        torch.manual_seed(0)  # of the initial weights
        loss = objective(f"{strategy}:precision={precision}", encoder)
        losses.append(loss(pairs, torch.Generator().manual_seed(5)))
        losses[-1].backward()
        assert {w.grad.dtype for w in loss.parameters() if w.grad is not None} == {torch.float32}
    assert losses[1].dtype == torch.float32
    assert 0 < abs(losses[1] - losses[0]) < 0.01 * abs(losses[0])


@pytest.mark.parametrize("beta", [1.0, 4.0])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_the_variational_bound_is_that_of_the_distributions(objective, pairs, beta, noise):
    """torch.distributions gives the same likelihood and the same divergence."""
    loss = objective(f"autoencoding:beta={beta},noise={noise}", "vae").eval()
    found = loss(pairs, torch.Generator().manual_seed(5))
    images = stretch(pairs.images)
    mean, log_variance = loss.encoder.posterior(images)
    posterior = Independent(Normal(mean, torch.exp(0.5 * log_variance)), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    chance = torch.randn(mean.shape, generator=torch.Generator().manual_seed(5))
    code = mean + posterior.stddev * chance
    likelihood = Independent(Normal(loss.encoder.decode(code, (32, 32)), noise), 3)
    bound = likelihood.log_prob(images) - beta * kl_divergence(posterior, prior)
    assert torch.allclose(found, -bound.mean() / images[0].numel(), rtol=1e-5)


def test_the_adversaries_get_their_own_gradients_only(objective, pairs):
    """The critic's term moves the critic alone, the encoder's term the encoder alone."""
    loss = objective("adversarial", "aae")
    code = loss.encoder.encode_code(stretch(pairs.images))
    prior = torch.randn(code.shape)
    told = torch.autograd.grad(
        loss.telling(code, prior), list(loss.parameters()), allow_unused=True, retain_graph=True
    )
    fooled = torch.autograd.grad(loss.fooling(code), list(loss.parameters()), allow_unused=True)
    for (name, _), by_telling, by_fooling in zip(
        loss.named_parameters(), told, fooled, strict=True
    ):
        if name.startswith("critic"):
            assert by_telling is not None
            assert by_fooling is None
        else:
            assert by_telling is None
            assert (by_fooling is not None) == name.startswith(("encoder.down", "encoder.into"))


class Line(Encoder, nn.Module):
    """Images to codes and back, both linear; codes start far from the prior."""

    latent = 2

    def __init__(self):
        super().__init__()
        self.into, self.back = nn.Linear(64, 2), nn.Linear(2, 64)
        with torch.no_grad():
            self.into.bias += 1.0

    def encode_code(self, images):
        return self.into(images.flatten(1))

    def decode(self, code, size=None):
        return self.back(code).unflatten(1, (1, 8, 8))

    def reconstruct(self, images):
        return self.decode(self.encode_code(images))


def plane(count: int) -> Samples:
    """Images that two normal numbers each make up, so that the prior can be reached."""
    random = torch.Generator().manual_seed(0)
    images = torch.randn(count, 2, generator=random) @ torch.randn(2, 64, generator=random)
    samples = made_samples(count=count, size=8)
    return replace(samples, images=images.reshape(-1, 1, 8, 8))


def test_adversarial_codes_approach_the_prior(catalogue):
    """Means, deviations and the correlation come close to those of a standard normal."""
    torch.manual_seed(0)
    encoder, batch = Line(), plane(128)
    loss = catalogue.build("pretraining", "adversarial:hidden=32").objective(encoder, 1, {})
    optimiser = torch.optim.AdamW(loss.parameters(), 5e-3, betas=(0.9, 0.95))
    random = torch.Generator().manual_seed(0)
    moments = []
    for step in range(300):
        optimiser.zero_grad()
        loss(batch, random).backward()
        optimiser.step()
        if step in (0, *range(200, 300)):
            code = encoder.encode_code(stretch(batch.images)).detach()
            moments.append([*code.mean(0), *code.std(0), torch.corrcoef(code.T)[0, 1]])
    found = torch.tensor(moments)
    wanted = torch.tensor([0.0, 0.0, 1.0, 1.0, 0.0])
    assert (found[0] - wanted).abs().min() > 0.5
    assert (found[1:].mean(0) - wanted).abs().max() < 0.25


def exact_gradients(machine: nn.Module, visible: torch.Tensor) -> list[torch.Tensor]:
    """Of −log p of visible units, all states of the machine summed over."""
    states = torch.tensor(list(itertools.product((0.0, 1.0), repeat=visible.shape[1])))
    partition = torch.logsumexp(-machine.free_energy(states), 0)
    loss = machine.free_energy(visible).mean() + partition
    return list(torch.autograd.grad(loss, list(machine.parameters())))


def test_long_chains_give_the_exact_gradient(catalogue):
    """CD-k of a machine of four units and three: at k = 30 it is that of the likelihood."""
    torch.manual_seed(0)
    machine = catalogue.build("encoder", "rbm:grid=2,hidden=3", channels=1)
    with torch.no_grad():
        for parameter in machine.parameters():
            parameter.copy_(0.7 * torch.randn(parameter.shape))
    samples = made_samples(count=4, size=8)
    images = (10 * torch.randn(4, 1, 8, 8)).repeat(5000, 1, 1, 1)
    samples = replace(samples, images=images, ids=("",) * len(images))
    expected = exact_gradients(machine, machine.visible(stretch(images[:4])))
    errors = {}
    for k in (1, 30):
        loss = catalogue.build("pretraining", f"contrastive-divergence:k={k}").objective(
            machine, 1, {}
        )
        found = torch.autograd.grad(
            loss(samples, torch.Generator().manual_seed(0)), list(machine.parameters())
        )
        errors[k] = max((a - b).abs().max() for a, b in zip(found, expected, strict=True))
    assert errors[30] < 0.015  # four deviations of a mean of 20,000 coin throws
    assert errors[1] > 2 * errors[30]


def test_contrastive_divergence_raises_the_likelihood(catalogue):
    """Following its gradient, the exact likelihood of a tiny machine rises."""
    torch.manual_seed(1)
    machine = catalogue.build("encoder", "rbm:grid=2,hidden=3", channels=1)
    samples = made_samples(count=64, size=8)
    left = torch.zeros(8, 8)
    left[:, :4] = 1
    side = torch.where(torch.arange(64)[:, None, None] % 2 == 0, left, 1 - left)[:, None]
    samples = replace(samples, images=300 * side)
    visible = machine.visible(stretch(samples.images))
    states = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)))

    @torch.no_grad()
    def likelihood() -> float:
        partition = torch.logsumexp(-machine.free_energy(states), 0)
        return float(-machine.free_energy(visible).mean() - partition)

    loss = catalogue.build("pretraining", "contrastive-divergence").objective(machine, 1, {})
    optimiser = torch.optim.AdamW(loss.parameters(), 0.03)
    random, before = torch.Generator().manual_seed(0), likelihood()
    for _ in range(200):
        optimiser.zero_grad()
        loss(samples, random).backward()
        optimiser.step()
    assert likelihood() > before + 1


@pytest.mark.parametrize(
    ("strategy", "encoder", "lacks"),
    [
        ("autoencoding", "mae-vit", "ReconstructingEncoder"),
        ("adversarial", "dcae", "CodingEncoder"),
        ("contrastive-divergence", "vae", "EnergyEncoder"),
        ("mae", "resnet18", "MaskableEncoder"),
        ("paired:mask=0.5", "resnet18", "MaskableEncoder"),
    ],
)
def test_what_an_encoder_lacks_is_named(objective, strategy, encoder, lacks):
    """With an encoder or a strategy that would do."""
    with pytest.raises(IncompatibleError, match=lacks) as caught:
        objective(strategy, encoder)
    assert "encoder like" in caught.value.hint
