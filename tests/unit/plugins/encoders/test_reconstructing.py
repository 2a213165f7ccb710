"""Autoencoders and the Boltzmann machine."""

import itertools
import math

import pytest
import torch

from lensbench import (
    CodingEncoder,
    EnergyEncoder,
    ReconstructingEncoder,
    VariationalEncoder,
    stretch,
)

NAMES = ("aae:width=8", "dcae:width=8", "rbm:hidden=16", "vae:width=8")
CONTRACTS = {
    "aae": {CodingEncoder},
    "dcae": set(),
    "rbm": {EnergyEncoder},
    "vae": {VariationalEncoder},
}


@pytest.mark.parametrize("name", NAMES)
def test_contracts(build, name):
    """Each can reconstruct, and has what its pretraining asks for and nothing of the others."""
    encoder = build(name)
    assert isinstance(encoder, ReconstructingEncoder)
    for contract in (CodingEncoder, EnergyEncoder, VariationalEncoder):
        assert isinstance(encoder, contract) == (contract in CONTRACTS[name.partition(":")[0]])
    assert not isinstance(build("resnet18:width=8"), ReconstructingEncoder)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(24, 24), (64, 64), (80, 160)])
def test_reconstructions_have_the_inputs_size(build, name, size):
    """At any size and number of bands, without chance, finite for saturated images too."""
    encoder = build(name, channels=2)
    images = stretch(1e4 * torch.rand(2, 2, *size))
    with torch.no_grad():
        restored = encoder.reconstruct(images)
        assert torch.equal(restored, encoder.reconstruct(images))
    assert restored.shape == images.shape
    assert torch.isfinite(restored).all()


@pytest.mark.parametrize("name", ["aae:width=8,latent=16", "dcae:width=8", "vae:width=8,latent=16"])
def test_autoencoders_learn_to_reconstruct(build, name):
    """On a few images the error falls far below that of the best constant image."""
    encoder = build(name).train()
    axis = torch.arange(32) - 15.5
    ring = torch.hypot(axis[:, None], axis[None, :])
    radii = torch.tensor([6.0, 8.0, 10.0, 12.0])
    images = 3 * torch.exp(-0.5 * (ring - radii[:, None, None]) ** 2)[:, None]
    optimiser = torch.optim.AdamW(encoder.parameters(), 3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = (encoder.reconstruct(images) - images).square().mean()
        loss.backward()
        optimiser.step()
    assert loss < 0.3 * (images - images.mean()).square().mean()


@pytest.mark.parametrize("name", ["aae:width=8,latent=5", "vae:width=8,latent=5"])
def test_codes_are_vectors_that_decode(build, name):
    """The pooled features are the code, and the code's image is the reconstruction."""
    encoder, images = build(name), stretch(5 * torch.randn(3, 1, 40, 40))
    code = encoder.posterior(images)[0] if name.startswith("vae") else encoder.encode_code(images)
    assert code.shape == (3, encoder.latent) == (3, 5)
    assert torch.equal(encoder(images).pooled, code)
    assert torch.equal(encoder.decode(code, (40, 40)), encoder.reconstruct(images))
    assert encoder.decode(code).shape == (3, 1, 64, 64)


def test_the_posterior_has_a_finite_divergence(build):
    """KL to the standard normal is positive and finite, whatever the weights come to."""
    encoder = build("vae:width=8")
    torch.nn.init.constant_(encoder.into.bias, 1e6)
    mean, log_variance = encoder.posterior(torch.zeros(2, 1, 32, 32))
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
    assert torch.isfinite(divergence).all() and (divergence > 0).all()


def machine(build):
    """A machine of four visible and three hidden units with sizeable weights."""
    rbm = build("rbm:hidden=3,grid=2")
    for parameter in rbm.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return rbm


def states(count: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=count)))


def test_the_free_energy_sums_over_hidden_units(build):
    """exp(−F(v)) is the sum of exp(−E(v, h)) over all hidden states, spelt out."""
    rbm, v, h = machine(build), states(4), states(3)
    energy = -((v @ rbm.visible_bias)[:, None] + (h @ rbm.hidden_bias)[None] + v @ rbm.weight @ h.T)
    assert torch.allclose(rbm.free_energy(v), -torch.logsumexp(-energy, 1), atol=1e-5)
    given = torch.softmax(-energy, 1) @ h
    assert torch.allclose(rbm.hidden(v), given, atol=1e-5)


def test_gibbs_steps_keep_the_distribution(build):
    """Units drawn from exp(−F) are after a step distributed as before, to counting noise."""
    rbm, v = machine(build), states(4)
    probability = torch.softmax(-rbm.free_energy(v), 0).detach()
    random = torch.Generator().manual_seed(0)
    count = 40_000
    drawn = v[torch.multinomial(probability, count, replacement=True, generator=random)]
    after = rbm.gibbs(drawn, random)
    assert not torch.equal(after, drawn)
    index = (after @ torch.tensor([8.0, 4.0, 2.0, 1.0])).long()
    share = torch.bincount(index, minlength=16) / count
    assert ((share - probability).abs() < 5 * (probability / count).sqrt()).all()


def test_gibbs_takes_all_chance_from_the_generator(build):
    """The same generator state gives the same units, and the global state is left alone."""
    rbm = machine(build)
    before = torch.get_rng_state()
    one, other = (rbm.gibbs(states(4), torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_visible_units_are_a_fixed_squashing(build):
    """Empty sky is σ(−2), and a brighter image is brighter in every unit."""
    rbm = build("rbm")
    empty = rbm.visible(torch.zeros(1, 1, 64, 64))
    assert torch.allclose(empty, torch.tensor(1 / (1 + math.exp(2))))
    assert (rbm.visible(torch.full((1, 1, 64, 64), 0.1)) > empty).all()
    assert rbm.visible(stretch(torch.full((1, 1, 24, 24), 1e4))).max() <= 1
