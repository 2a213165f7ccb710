"""Every registered plugin keeps its contract."""

import itertools
from dataclasses import replace

import pytest
import torch
from tests.small import small
from torch import nn

from lensbench import Baseline, Encoder, Transfer
from lensbench.errors import PluginError
from lensbench.registry import load_catalogue
from lensbench.testing import check_encoder, check_plugin, check_transfer

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
    given = small(name) if kind == "baseline" else name
    check_plugin(catalogue, kind, given, encoder=TRIED_ON.get(name, "mae-vit:width=32,depth=2"))


@pytest.mark.parametrize(
    ("kind", "name"), [pair for pair in WITHOUT_OPTIONS if pair[0] in ("transfer", "baseline")]
)
def test_its_fits_predict_for_new_images(catalogue, kind, name):
    """`lensbench predict` restores any entrant: no reference plugin leaves its fit behind."""
    made = catalogue.build(kind, small(name) if kind == "baseline" else name)
    assert type(made).restore not in (Transfer.restore, Baseline.restore)


class Good(Encoder, nn.Module):
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


class Constant(Transfer):
    """A transfer that keeps the contract: the same odds for every image."""

    frozen = True

    def fit(self, encoder, context):
        return Odds(torch.bincount(context.train.targets["substructure"], minlength=3) / 24)

    def restore(self, encoder, context, state):
        return Odds(state["odds"])


class Odds:
    """Answers with odds."""

    def __init__(self, odds):
        self.odds = odds

    def __call__(self, samples):
        return {"probability": self.odds.expand(len(samples), 3)}

    def state(self):
        return {"odds": self.odds}


class Peeping(Constant):
    """Looks at the targets of the test."""

    def fit(self, encoder, context):
        return lambda samples: {"probability": torch.eye(3)[samples.targets["substructure"]]}


class Random(Constant):
    """Takes chance from elsewhere than the seed."""

    fits = itertools.count()

    def fit(self, encoder, context):
        return Odds(torch.rand(3, generator=torch.Generator().manual_seed(next(self.fits))))


class Forgetful(Constant):
    """Restores something else."""

    def restore(self, encoder, context, state):
        return Odds(state["odds"] * 0)


class Thawed(Constant):
    """Says that it is frozen, and trains the encoder."""

    def fit(self, encoder, context):
        with torch.no_grad():
            next(encoder.parameters()).add_(1)
        return super().fit(encoder, context)


class Misshapen(Constant):
    """Answers for one image only."""

    def fit(self, encoder, context):
        fitted = super().fit(encoder, context)
        return lambda samples: fitted(replace(samples, ids=samples.ids[:1]))


class Undefined(Constant):
    """Answers with what is no number."""

    def fit(self, encoder, context):
        return Odds(torch.full((3,), float("nan")))


def test_a_good_transfer_passes():
    """The smallest one does."""
    check_transfer(Constant(), Good())


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Peeping, "asks for"),
        (Random, "second fit"),
        (Forgetful, "restored"),
        (Thawed, "changed the encoder"),
        (Misshapen, "1 rows for 5"),
        (Undefined, "not finite"),
    ],
)
def test_a_broken_transfer_is_caught(broken, message):
    """Each kind of breach is named with what to do."""
    with pytest.raises(PluginError, match=message) as caught:
        check_transfer(broken(), Good())
    assert caught.value.hint
