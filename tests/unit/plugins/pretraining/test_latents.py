"""Pretraining on what scenes were drawn with."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench import IncompatibleError, OptionError, Samples, Target, encode
from lensbench.testing import made_samples
from lensbench_reference.pretraining.latents import LatentsLoss, LatentsPretraining, Scale
from lensbench_reference.pretraining.views import blurred

OPTIONS = LatentsPretraining.Options


def drawn_samples(seed: int, count: int = 64) -> Samples:
    """Spots whose place, brightness and kind are targets; the brightness is of every second."""
    random = torch.Generator().manual_seed(seed)
    x, y = 10 * torch.rand(2, count, generator=random) - 5
    bright = torch.rand(count, generator=random)
    kind = torch.arange(count) % 2
    axis = torch.arange(32) - 15.5
    width = torch.where(kind == 1, 4.0, 2.0)[:, None, None]
    across, down = axis[None, None, :] - x[:, None, None], axis[None, :, None] - y[:, None, None]
    spots = torch.exp(-(across**2 + down**2) / width**2 / 2) * (20 + 80 * bright)[:, None, None]
    noise = torch.randn(count, 32, 32, generator=random)
    place = ("place_x", "place_y")
    samples = made_samples(count=count, size=32)
    return replace(
        samples,
        images=(spots + noise)[:, None],
        targets={
            "kind": kind,
            "place_x": x,
            "place_y": y,
            "bright": torch.where(torch.arange(count) % 4 < 2, 100 + 9 * bright, torch.nan),
        },
        info={
            "kind": Target("class", classes=("narrow", "wide")),
            "place_x": Target("real", spin=1, components=place),
            "place_y": Target("real", spin=1, components=place),
            "bright": Target("real"),
        },
    )


@pytest.fixture
def trained(catalogue) -> LatentsLoss:
    """A small network after 150 steps."""
    torch.manual_seed(0)
    encoder = catalogue.build("encoder", "small-resnet:width=8", channels=1)
    options = OPTIONS(targets="kind+place_x+place_y+bright", shift=0.0)
    loss = LatentsPretraining(options).objective(encoder, 1, drawn_samples(0).info)
    optimiser = torch.optim.AdamW(loss.parameters(), lr=3e-3)
    random = torch.Generator().manual_seed(0)
    for step in range(150):
        optimiser.zero_grad()
        loss(drawn_samples(step), random).backward()
        optimiser.step()
    return loss.eval()


def test_classes_and_numbers_are_learned_with_honest_errors(trained):
    """Places turn with the images, or they could not be learned; errors are of the right size."""
    samples = drawn_samples(1000, count=256)
    with torch.no_grad():
        kinds, means, log_sigmas = trained.head(trained.encoder(stretched(samples)).pooled).split(
            [2, 3, 3], 1
        )
    assert float((kinds.argmax(1) == samples.targets["kind"]).float().mean()) > 0.9
    wanted = trained.scale(torch.stack([samples.targets[n] for n in trained.numbers], 1))
    residual = wanted - means
    known = torch.isfinite(residual)
    assert float(residual[known].pow(2).mean()) < 0.3  # a guess has one
    pull = (residual / log_sigmas.exp())[known]
    assert 0.5 < float(pull.std()) < 2.0


def stretched(samples: Samples) -> torch.Tensor:
    from lensbench import stretch

    return stretch(samples.images)


def test_undefined_numbers_count_for_nothing(catalogue):
    """A batch without one defined number has the cross-entropy alone, and finite gradients."""
    torch.manual_seed(0)
    samples = drawn_samples(0)
    undefined = {name: torch.full((64,), torch.nan) for name in ("place_x", "place_y", "bright")}
    blank = replace(samples, targets=samples.targets | undefined)
    encoder = catalogue.build("encoder", "small-resnet:width=8", channels=1)
    losses = {}
    for numbers in (1.0, 0.0):
        options = OPTIONS(targets="kind+place_x+place_y+bright", numbers=numbers)
        torch.manual_seed(1)
        loss = LatentsPretraining(options).objective(encoder, 1, samples.info)
        value = loss(blank, torch.Generator().manual_seed(0))
        value.backward()
        losses[numbers] = value.item()
        assert all(torch.isfinite(p.grad).all() for p in loss.parameters() if p.grad is not None)
    assert losses[1.0] == losses[0.0]


def test_images_without_a_class_count_for_nothing(catalogue):
    """The loss is that of the others alone; where no image has a class it is zero, not NaN."""
    torch.manual_seed(0)
    encoder = catalogue.build("encoder", "small-resnet:width=8", channels=1)
    samples = drawn_samples(0)
    loss = LatentsPretraining(OPTIONS(targets="kind", shift=0.0)).objective(
        encoder, 1, samples.info
    )
    loss.eval()  # batch normalisation by what it has seen, so that images do not change others
    none = torch.full((64,), -1)
    first = torch.where(torch.arange(64) < 24, samples.targets["kind"], none)
    some = loss(replace(samples, targets={"kind": first}), torch.Generator().manual_seed(0))
    scores = loss.head(
        encode(encoder, loss._view(samples, torch.Generator().manual_seed(0))).pooled
    )
    alone = torch.nn.functional.cross_entropy(scores[:24], samples.targets["kind"][:24])
    assert some.item() == pytest.approx(alone.item(), rel=1e-5)
    value = loss(replace(samples, targets={"kind": none}), torch.Generator().manual_seed(0))
    value.backward()
    assert value.item() == 0
    assert all(torch.isfinite(p.grad).all() for p in loss.parameters() if p.grad is not None)


def test_scale_is_that_of_all_that_was_seen():
    """Batch by batch, with values left out, as of all at once."""
    numbers = torch.randn(300, 2, dtype=torch.float64) * torch.tensor([3.0, 0.1]) + 7
    numbers[::7, 1] = torch.nan
    scale = Scale(2)
    for batch in numbers.split(41):
        scale(batch)
    found = scale.eval()(numbers).numpy()
    assert np.nanmean(found, 0) == pytest.approx([0, 0], abs=1e-5)
    assert np.nanstd(found, 0) == pytest.approx([1, 1], abs=1e-5)


def test_a_shallower_view_has_noise_of_one_and_less_light(catalogue):
    """Empty sky keeps its noise, and light is lower by up to the factor."""
    encoder = catalogue.build("encoder", "small-resnet:width=8", channels=1)
    options = OPTIONS(targets="kind", shallower=4.0, shift=0.0)
    loss = LatentsPretraining(options).objective(encoder, 1, drawn_samples(0).info)
    noise = torch.Generator().manual_seed(5)
    empty = torch.randn(64, 1, 32, 32, generator=noise)
    samples = replace(drawn_samples(0), images=empty)
    assert float(loss._view(samples, torch.Generator().manual_seed(0)).images.std()) == (
        pytest.approx(1.0, abs=0.01)
    )
    lit = replace(samples, images=empty + 1000)
    means = loss._view(lit, torch.Generator().manual_seed(0)).images.mean((1, 2, 3))
    assert 250 < float(means.min()) < 300
    assert 0.25 < float((means > 999).float().mean()) < 0.75  # half of them stay as they are


def test_a_blurred_view_is_as_wide_as_it_says_and_has_noise_of_one():
    """A point becomes a Gaussian of that FWHM with the same light; noise keeps its deviation."""
    generator = torch.Generator().manual_seed(0)
    fwhm = torch.tensor([0.0, 3.0, 5.0])
    points = torch.zeros(3, 1, 63, 63, dtype=torch.float64)
    points[:, :, 31, 31] = 1e6
    found = blurred(points, fwhm, generator)
    assert torch.allclose(found[0], points[0], atol=1e-4)
    for image, width in zip(found[1:, 0], fwhm[1:].tolist(), strict=True):
        row = image[31].numpy()
        above = np.interp(row.max() / 2, row[31:43][::-1], np.arange(12)[::-1])
        assert 2 * above == pytest.approx(width, abs=0.15)
        assert float(image.sum()) == pytest.approx(1e6, rel=1e-3)
    noise = torch.randn(300, 1, 32, 32, generator=generator)
    left = blurred(noise, torch.linspace(0, 5, 300), generator)
    assert float(left.std()) == pytest.approx(1, abs=0.01)


def test_it_says_which_targets_it_lacks(catalogue):
    """By the names that there are."""
    encoder = catalogue.build("encoder", "small-resnet:width=8", channels=1)
    strategy = LatentsPretraining(OPTIONS(targets="kind+mass"))
    with pytest.raises(IncompatibleError, match="target 'mass'"):
        strategy.objective(encoder, 1, drawn_samples(0).info)
    with pytest.raises(OptionError, match="each once"):
        LatentsPretraining(OPTIONS(targets="kind+kind"))
