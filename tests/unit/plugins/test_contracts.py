"""Every registered plugin keeps its contract."""

import pytest
import torch
from torch import nn

from lensbench.errors import PluginError
from lensbench.registry import load_catalogue
from lensbench.testing import check_encoder, check_plugin

NEED_OPTIONS = ("hf", "images", "stored", "timm", "zoobot")
TRIED_ON = {
    "adversarial": "aae",
    "autoencoding": "vae",
    "contrastive-divergence": "rbm",
    "reconstruction": "rbm:hidden=32",
}
WITHOUT_OPTIONS = [
    (kind, name) for kind, name in sorted(load_catalogue().entries) if name not in NEED_OPTIONS
]


@pytest.mark.parametrize(("kind", "name"), WITHOUT_OPTIONS, ids=lambda value: value)
def test_it_conforms(catalogue, kind, name):
    """Contract, shapes, determinism, gradients, state."""
    torch.manual_seed(0)
    check_plugin(catalogue, kind, name, encoder=TRIED_ON.get(name, "mae-vit:width=32,depth=2"))


class Good(nn.Module):
    """Keeps the contract."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(1, 4, 8, 8)

    def forward(self, images):
        return self.body(images)


class Noisy(Good):
    """Draws random numbers."""

    def forward(self, images):
        return super().forward(images) + torch.rand(1)


class Detached(Good):
    """Lets no gradient through."""

    def forward(self, images):
        return super().forward(images).detach().requires_grad_()


class Sized(Good):
    """Has as many features as pixels."""

    def forward(self, images):
        return super().forward(images).flatten(1)


class NotFinite(Good):
    """Divides by zero."""

    def forward(self, images):
        return super().forward(images) / 0.0


def test_a_good_encoder_passes():
    """The smallest one does."""
    check_encoder(Good())


@pytest.mark.parametrize("broken", [Noisy, Detached, Sized, NotFinite, list])
def test_a_broken_encoder_is_caught(broken):
    """Each kind of breach is named with what to do."""
    with pytest.raises(PluginError) as caught:
        check_encoder(broken())
    assert caught.value.hint
