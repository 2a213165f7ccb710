"""An encoder shown the smooth lens and its residual beside the image."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from lensbench import IncompatibleError, Measurements, condition_of, encode, encoder_of, stretch
from lensbench.cells import measurements as stored
from lensbench.cells.computation import Computation, Workplace
from lensbench.cells.resolved import Resolver
from lensbench.errors import PluginError
from lensbench.inference.export import export_encoder
from lensbench.registry import load_catalogue
from lensbench.sky.splits import observe_split
from lensbench.store import open_store
from lensbench.store.predictions import read_predictions
from lensbench.study.cell import Cell, Entrant, View
from lensbench.study.describe import Numerics
from lensbench.testing import made_samples
from lensbench.training.encoding import feature_shape, with_beside
from lensbench.training.rings import RING_FEATURES
from lensbench_reference.lens_fitting import lens_images
from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.lens_images import Fitting
from lensbench_reference.lens_fitting.lens_statistics import STATISTICS, statistics_of
from lensbench_reference.transfers.augmentation import strong, weak

LENSES = "lenses:population=pedagogical"
EUCLID = condition_of("euclid-vis")


@pytest.fixture(scope="module")
def lens():
    """One lens without substructure, under Euclid's condition."""
    dataset = load_catalogue().build("dataset", LENSES)
    [batch] = observe_split(dataset, "train", range(1), 0, 1)
    images = torch.as_tensor(batch.observed(EUCLID).images)
    return replace(made_samples(count=1, size=images.shape[-1]), images=images, condition=EUCLID)


def test_planes_are_the_smooth_lens_and_what_it_leaves(lens):
    """The residual is pure noise where there is no substructure, and was a bright arc before."""
    samples = with_beside(encoder_of("residual:pixels"), lens, Measurements())
    model, residual = samples.beside[0]
    sigma = Optics(EUCLID, len(model), 1).variance(model[None])[0].sqrt()
    assert torch.allclose(model + residual * sigma, lens.images[0, 0], atol=1e-4)
    assert float(residual.square().mean()) == pytest.approx(1, abs=0.06)
    assert float((lens.images[0, 0] / sigma).square().mean()) > 1.2


def test_the_wrapped_encoder_sees_three_channels(lens):
    """Stretched alike, and turned with the image without another fit."""
    encoder = encoder_of("residual:encoder=pixels")
    samples = with_beside(encoder, lens, Measurements())
    plain = encoder_of("pixels", channels=3)
    shown = torch.cat([samples.images, samples.beside], 1)
    assert torch.equal(encode(encoder, samples).pooled, plain(stretch(shown)).pooled)
    turn = torch.tensor([5])
    turned = samples.turned(turn)
    assert torch.equal(turned.beside, shown.rot90(1, (2, 3)).flip(3)[:, 1:])
    assert feature_shape(encoder, 1).pooled == 3 * 16**2
    assert feature_shape(encoder, 1).channels == 1


def test_apart_an_encoder_of_one_band_sees_image_and_residual(lens):
    """With its shipped weights, and through a view, which resamples both."""
    shipped = "small-resnet:weights=lensbench-cnn"
    encoder = encoder_of(f"residual:encoder={shipped},apart=yes,view=0.1").eval()
    samples = with_beside(encoder, lens, Measurements())
    alone = encoder_of(f"{shipped},view=0.1").eval()
    shown = samples.images, samples.beside[:, 1:]
    with torch.no_grad():
        both = [encode(alone, replace(lens, images=one)).pooled for one in shown]
        assert torch.allclose(encode(encoder, samples).pooled, torch.cat(both, 1), atol=1e-5)
    maps = feature_shape(encoder, 1).maps
    assert maps == tuple((2 * width, size) for width, size in feature_shape(alone, 1).maps)
    with pytest.raises(IncompatibleError, match="for one band, and these images have 3"):
        encoder_of("residual:encoder=pixels,apart=yes", channels=3)


def test_apart_an_encoder_may_return_a_tensor(lens):
    """A map, which is then pooled, as everywhere."""
    encoder = encoder_of("residual:encoder=pixels,apart=yes")
    encoder.encoder = torch.nn.Conv2d(1, 3, 4, 4)
    features = encode(encoder, with_beside(encoder, lens, Measurements()))
    assert features.pooled.shape == (1, 6)
    assert torch.allclose(features.pooled, features.maps[0].mean((2, 3)))


def test_statistics_of_the_fit_stand_last_beside_the_features(lens):
    """Those that `lens-model` uses, through a view too, whichever way the image is turned."""
    plain = encoder_of("residual:encoder=pixels,apart=yes,view=0.1")
    encoder = encoder_of("residual:encoder=pixels,apart=yes,view=0.1,statistics=yes")
    samples = with_beside(encoder, lens, Measurements())
    found = encode(encoder, samples).pooled
    assert encoder.unlearned == encoder.numbers == STATISTICS
    assert feature_shape(encoder, 1).pooled == found.shape[1]
    assert torch.equal(found[:, :-STATISTICS], encode(plain, lens).pooled)
    own = statistics_of(lens, Fitting(), Measurements())
    assert torch.equal(found[:, -STATISTICS:], own.float())
    turned = encode(encoder, samples.turned(torch.tensor([5]))).pooled
    assert torch.equal(turned[:, -STATISTICS:], own.float())
    assert "fitted to each image" in export_encoder(encoder, 1, 64, Path("unused"))


def test_numbers_of_another_shape_are_refused(lens):
    """Naming the method and both shapes."""
    encoder = encoder_of("residual:encoder=pixels,statistics=yes")
    encoder.numbers = 5
    with pytest.raises(PluginError, match=rf"numbers_beside .*\(1, {STATISTICS}\)"):
        encode(encoder, lens)


def test_rings_beside_it_are_those_of_the_image(lens):
    """Planes of a fit have no part in them."""
    encoder, alone = encoder_of("residual:pixels,rings=true"), encoder_of("pixels:rings=true")
    found = encode(encoder, with_beside(encoder, lens, Measurements())).pooled
    assert torch.equal(found[:, -RING_FEATURES:], encode(alone, lens).pooled[:, -RING_FEATURES:])


def test_augmented_views_move_planes_as_they_move_images():
    """Shifts, turns and masks are those of the image; noise is added to the image alone."""
    samples = made_samples(count=4)
    numbers = torch.arange(8.0).reshape(4, 2)
    samples = replace(samples, beside=samples.images.repeat(1, 2, 1, 1), numbers=numbers)
    moved = weak(samples, torch.Generator().manual_seed(0))
    assert torch.equal(moved.beside, moved.images.repeat(1, 2, 1, 1))
    hidden = strong(samples, torch.Generator().manual_seed(0))
    masked = hidden.images[:, 0] == 0
    assert masked.any()
    assert (hidden.beside[:, 1][masked] == 0).all()
    assert torch.equal(samples.first(2).beside, samples.take(torch.arange(2)).beside)
    assert torch.equal(samples.first(2).numbers, samples.take(torch.arange(2)).numbers)
    assert torch.equal(hidden.numbers, numbers)


@pytest.mark.parametrize(
    "strategy", ["simclr", "byol", "dino", "paired", "latents", "mae", "autoencoding"]
)
def test_pretrainings_that_change_images_refuse_it(strategy):
    """Views have no planes; and it has no patches and no decoder."""
    encoder, objective = (
        encoder_of("residual:pixels"),
        load_catalogue().build("pretraining", strategy),
    )
    with pytest.raises(IncompatibleError):
        objective.objective(encoder, 1, {})


def test_keys_follow_the_code_and_the_weights_of_what_is_wrapped():
    """The module of the wrapped encoder counts, and the files that it reads."""
    resolver = Resolver(load_catalogue())
    asked = resolver.code._asked("fits", ["encoder/residual:mae-vit"])
    assert "lensbench_reference.encoders.vit" in resolver.code.closure(asked).modules
    digest = resolver.catalogue.digest
    assert digest("residual:mae-vit") == digest("mae-vit") != ""


FITTED = []


def predictions_of(folder, transfer, labels):
    cell = Cell(
        Entrant("residual:small-resnet", "none", transfer),
        "morphology",
        View(LENSES, "euclid-vis"),
        (View(LENSES, "euclid-vis"),),
        labels=labels,
        budget="smoke:train_scenes=4,validation_scenes=2,test_scenes=3,train_steps=2,resamples=10",
    )
    store, resolved = open_store(folder), Resolver(load_catalogue()).resolve(cell)
    before = len(FITTED)
    Computation(resolved, Workplace(store, Numerics(), lambda *_: None)).records()
    _, predictions = read_predictions(store.find("predictions", resolved.predictions[0]))
    return predictions, len(FITTED) - before


def test_cells_of_all_transfers_share_the_fits(tmp_path, monkeypatch):
    """Frozen or fine-tuned, with few labels or many; no bit depends on what was stored before."""

    def counting(fit, images, condition, fitting):
        FITTED.extend(images)
        return fit(images, condition, replace(fitting, starts=1, oversampling=1))

    monkeypatch.setattr(lens_images, "fit_lenses", partial(counting, lens_images.fit_lenses))
    monkeypatch.setattr(stored, "BLOCK", 2)
    _, count = predictions_of(tmp_path / "shared", "linear", 3)
    assert count == 4 + 2 + 3
    shared, count = predictions_of(tmp_path / "shared", "finetune", 4)
    assert count == 0
    alone, _ = predictions_of(tmp_path / "alone", "finetune", 4)
    assert (shared["probability"] == alone["probability"]).all()
