"""What holds for every reference encoder."""

import math

import torch
from safetensors.torch import load_file, save_file

from lensbench import encode
from lensbench.testing import check_encoder, made_samples


def degenerate(kind: str, size: int = 32) -> torch.Tensor:
    """Images (2, 1, size, size) in units of σ that a survey could hand over."""
    random = torch.Generator().manual_seed(1)
    noise = torch.randn(2, 1, size, size, generator=random)
    spot = noise.clone()
    spot[:, :, 12:15, 9:12] += 40.0
    return {
        "zeros": torch.zeros(2, 1, size, size),
        "constant": torch.full((2, 1, size, size), 7.5),
        "negative": torch.full((2, 1, size, size), -2.0),
        "noise": noise,
        "saturated": noise.clamp(min=1e4),
        "one pixel": torch.zeros(2, 1, size, size).index_fill(3, torch.tensor([5]), 1e4),
        "shifted": spot.roll(1, 3),
        "turned": torch.rot90(spot, 1, (2, 3)),
        "masked": torch.where(torch.arange(size) < size // 2, 0.0, spot),
    }[kind]


KINDS = (
    "zeros", "constant", "negative", "noise", "saturated", "one pixel", "shifted", "turned",
    "masked",
)  # fmt: skip


def samples_of(images: torch.Tensor):
    made = made_samples(count=len(images), size=images.shape[-1])
    return type(made)(**{**vars(made), "images": images})


def test_it_keeps_the_contract(build, name):
    """Shapes at three sizes, determinism, gradients and state, for one and for three bands."""
    check_encoder(build(name))
    check_encoder(build(name, channels=3), channels=3)


def test_images_without_information_have_finite_features(build, name):
    """Constant, empty and saturated images are encoded, and so are their gradients finite."""
    encoder = build(name)
    for kind in KINDS:
        images = degenerate(kind).requires_grad_()
        features = encode(encoder, samples_of(images))
        assert torch.isfinite(features.pooled).all(), kind
        assert all(torch.isfinite(one).all() for one in features.maps), kind
        features.pooled.sum().backward()
        assert torch.isfinite(images.grad).all(), kind


def test_it_sees_what_is_in_the_image(build, name):
    """A spot of 3² pixels at 40σ changes the features."""
    encoder = build(name)
    with torch.no_grad():
        empty, spot = (
            encode(encoder, samples_of(degenerate(kind))).pooled for kind in ("noise", "shifted")
        )
    assert not torch.allclose(empty, spot, atol=1e-4)


def test_weights_are_stored_and_read_again(build, name, tmp_path):
    """A new encoder with the stored weights has the same features to the bit."""
    encoder, other = build(name), build(name)
    save_file({k: v.contiguous() for k, v in encoder.state_dict().items()}, tmp_path / "w")
    other.load_state_dict(load_file(tmp_path / "w"))
    samples = made_samples(count=2)
    with torch.no_grad():
        assert torch.equal(encode(encoder, samples).pooled, encode(other, samples).pooled)


def test_fields_need_not_be_square(build, name):
    """Any sides that are multiples of eight; maps have the image's proportions."""
    encoder = build(name)
    vector = (torch.zeros(3),) if getattr(encoder, "uses_condition", False) else ()
    with torch.no_grad():
        features = encoder(torch.randn(2, 1, 64, 128), *vector)
    assert features.pooled.shape[0] == 2
    for one in features.maps:
        assert math.isclose(one.shape[3] / one.shape[2], 2.0), one.shape


def test_an_image_is_encoded_for_itself(build, name):
    """Neighbours in a batch change nothing."""
    encoder, samples = build(name), made_samples(count=4)
    with torch.no_grad():
        together = encode(encoder, samples).pooled[2:3]
        alone = encode(encoder, samples.take(torch.tensor([2]))).pooled
    assert torch.allclose(together, alone, atol=1e-4, rtol=1e-4)
