"""Options of the harness for every encoder: one view, and rings beside the features."""

import pytest
import torch

from lensbench import (
    RING_FEATURES,
    Features,
    OptionError,
    condition_of,
    encode,
    encoder_of,
    stretch,
)
from lensbench.api.samples import Samples
from lensbench.registry import load_catalogue
from lensbench.testing import check_encoder
from lensbench.training.view import SkyView

CATALOGUE = load_catalogue()


def samples_of(images, condition):
    return Samples(("a",) * len(images), images, {}, {}, condition_of(condition), 1.0)


@pytest.mark.parametrize("name", ["resnet18:width=8", "pixels", "vit-none", "spectrum"])
def test_any_encoder_takes_a_view_and_rings(name):
    """Its own features of the resampled image, then those of the rings in it."""
    if name == "vit-none":
        name = "mae-vit:size=micro,pixel=0,rings=false"
    torch.manual_seed(0)
    plain = encoder_of(name).eval()
    viewed = encoder_of(name + ("," if ":" in name else ":") + "view=0.1" + (
        "" if "mae-vit" in name else ",rings=true"
    )).eval()  # fmt: skip
    viewed.encoder.load_state_dict(plain.state_dict())
    images = torch.randn(2, 1, 24, 24).cumsum(3)
    vector = torch.tensor(condition_of("des-i").vector())
    seen = SkyView(0.1, 6.4)(stretch(images), vector)
    with torch.no_grad():
        found = encode(viewed, samples_of(images, "des-i")).pooled
        own = plain(seen)
        own = own.pooled if isinstance(own, Features) else own
    assert torch.allclose(found[:, : own.shape[1]], own, atol=1e-5)
    assert found.shape[1] - own.shape[1] == (0 if "mae-vit" in name else RING_FEATURES)
    assert viewed.unlearned == found.shape[1] - own.shape[1]


def test_a_ring_has_the_same_features_under_every_pixel_scale():
    """By one view, the amplitudes of a ring of an arcsecond hardly depend on the pixels."""
    rings = encoder_of("rings:view=0.1")
    pooled = []
    for condition in ("euclid-vis", "rubin-r"):
        scale = condition_of(condition).pixel_scale
        x = (torch.arange(64) - 31.5) * scale
        flux = 50 * torch.exp(-(((torch.hypot(x[:, None], x) - 1.2) / 0.4) ** 2))
        pooled.append(encode(rings, samples_of(flux[None, None] * scale / 0.1, condition)).pooled)
    plain = [encode(encoder_of("rings"), samples_of(torch.ones(1, 1, 64, 64), c)).pooled
             for c in ("euclid-vis", "rubin-r")]  # fmt: skip
    assert torch.equal(*plain)
    power = [one[0, :4] for one in pooled]
    assert torch.allclose(*power, atol=0.5)


def test_a_viewed_encoder_keeps_the_contract():
    """Shapes, gradients, determinism."""
    check_encoder(encoder_of("resnet18:width=8,view=0.1,rings=true"))


def test_masked_modelling_reaches_through_a_view():
    """Tokens, positions and what is pooled are the encoder's; images are those of the view."""
    viewed = encoder_of("mae-vit:size=micro,pixel=0,rings=false,view=0.1")
    assert (viewed.patch, viewed.width, viewed.resamples) == (8, 128, True)
    assert viewed.tokens(torch.randn(2, 1, 64, 64)).shape == (2, 64, 128)
    assert not hasattr(encoder_of("resnet18:width=8,view=0.1"), "tokens")


def test_options_of_views_have_one_spelling():
    """Defaults are left out; the weights that a seed begins with do not depend on them."""
    assert CATALOGUE.canonical("encoder", "resnet18:view=0,rings=false") == "resnet18"
    full = "resnet18:view=0.1,width=8,rings=true"
    assert CATALOGUE.canonical("encoder", full) == "resnet18:rings=True,view=0.1,width=8"
    assert CATALOGUE.architecture(full) == "resnet18:width=8"
    assert CATALOGUE.canonical("encoder", "mae-vit:rings=false") == "mae-vit:rings=False"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resnet18:view=-1", "view='-1'"),
        ("resnet18:rings=perhaps", "rings='perhaps'"),
        ("mae-vit:view=0.1", "resamples images itself"),
    ],
)
def test_a_view_that_cannot_be_is_refused(text, message):
    """Naming the option, the value and what to write."""
    with pytest.raises(OptionError, match=message):
        encoder_of(text)
