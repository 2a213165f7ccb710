"""Pixels of stored images: bands, masks, noise, sizes, scales and PSFs."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from astropy.io import fits
from tests.stored_images import classes, noise, save, seen, stored

from lensbench import (
    Condition,
    DataError,
    Samples,
    SceneModel,
    Sersic,
    Shear,
    Sie,
    SkyTarget,
    condition_of,
    encode,
    encoder_of,
    imaging_operator,
)
from lensbench.cells.images import Layer, SceneSet, ensure_images, read_samples
from lensbench.registry import load_catalogue
from lensbench.sky.rendering import render_model
from lensbench.store import Store
from lensbench_reference.deconvolution import deconvolved


def test_bands_are_channels(tmp_path: Path) -> None:
    """All bands of an image are its channels, each in its own noise; `channel` takes one."""
    for label in ("a", "b"):
        for i in range(6):
            base = noise(10 * (label == "b") + i, 3, 16, 16)
            save(tmp_path / label / f"{i}.npy", base * np.array([1, 10, 100])[:, None, None])
    dataset = stored(tmp_path)
    assert dataset.channels == 3
    images = seen(dataset)["train"].images.numpy()
    assert images.shape[1:] == (3, 16, 16)
    assert np.allclose(images[:, :, :2].std((0, 2, 3)), 1, atol=0.35)
    one = stored(tmp_path, channel=1)
    assert np.array_equal(seen(one)["train"].images[:, 0], seen(dataset)["train"].images[:, 1])


def test_bands_in_folders_are_joined(tmp_path: Path) -> None:
    """Bands that lie in folders are channels when they are joined by +, in that order."""
    for band, scale in (("g", 1), ("r", 7)):
        for k in range(8):
            save(tmp_path / band / f"object_{k}.npy", noise(k, 16, 16) * scale)
    with pytest.raises(DataError, match="2 conditions") as caught:
        stored(tmp_path)
    assert "joined by +" in caught.value.hint
    joined = stored(tmp_path, condition="r+g")
    images = np.concatenate([one.images for one in seen(joined).values() if len(one.ids)])
    assert images.shape == (8, 2, 16, 16)
    assert np.allclose(images[:, 0], images[:, 1], atol=1e-4)


def test_masks_and_noise_maps(tmp_path: Path) -> None:
    """NaN under a mask is empty sky, the noise is that of the map; without a mask it is refused."""
    for label in ("a", "b"):
        for i in range(5):
            image, mask = noise(i + 10 * (label == "b"), 20, 20), np.zeros((20, 20), np.int16)
            image[4, 5], mask[4, 5] = np.nan, 1
            units = [fits.PrimaryHDU(image), fits.ImageHDU(mask, name="MASK"),
                     fits.ImageHDU(np.full((20, 20), 4.0), name="NOISE")]  # fmt: skip
            (tmp_path / "masked" / label).mkdir(parents=True, exist_ok=True)
            fits.HDUList(units).writeto(tmp_path / "masked" / label / f"{i}.fits")
    images = seen(stored(tmp_path / "masked"))["train"].images.numpy()
    assert (images[:, 0, 2, 3] == 0).all()  # cropped by two pixels on each side
    assert images.std() == pytest.approx(0.5, abs=0.1)
    bad = classes(tmp_path / "bad", {"a": 3, "b": 3})
    broken = noise(0, 16, 16)
    broken[3, 3] = np.nan
    save(bad / "a" / "0.npy", broken)
    with pytest.raises(DataError, match=r"a/0\.npy' has 1 pixels that are NaN"):
        stored(bad)


def test_pixels_that_are_not_finite_are_masked_on_request(tmp_path: Path) -> None:
    """They are empty sky and change no other pixel's unit; without `nan=mask` they are refused."""
    images = {
        "a": [noise(i, 24, 24) for i in range(6)],
        "b": [noise(9 + i, 24, 24) for i in range(6)],
    }
    for label, members in images.items():
        for i, array in enumerate(members):
            array[2:4, 2:4] = np.inf if i else np.nan
            save(tmp_path / label / f"{i}.npy", array)
    with pytest.raises(DataError, match="NaN or infinite") as caught:
        stored(tmp_path)
    assert "nan=mask" in caught.value.hint
    for one in seen(stored(tmp_path, nan="mask")).values():
        found = one.images[:, 0].numpy()
        assert np.all(found[:, 2:4, 2:4] == 0) and np.isfinite(found).all()
        for name, image in zip(one.ids, found, strict=True):
            array = images[name[0]][int(name[2])]
            slope = np.polyfit(array[8:, 8:].ravel(), image[8:, 8:].ravel(), 1)[0]
            assert slope == pytest.approx(1 / 2, rel=0.25)


def test_sizes_are_stated(tmp_path: Path) -> None:
    """Images of several sizes are refused until cropping or resampling is asked for."""
    for i in range(12):
        save(tmp_path / "ab"[i % 2] / f"{i}.npy", noise(i, *((24, 24) if i % 3 else (33, 33))))
    with pytest.raises(DataError, match="2 sizes") as caught:
        stored(tmp_path)
    assert "sizes=crop" in caught.value.hint and "sizes=resample" in caught.value.hint
    for how in ("crop", "resample"):
        images = [one.images for one in seen(stored(tmp_path, sizes=how)).values()]
        assert {tuple(image.shape[1:]) for image in images} == {(1, 24, 24)}


def test_scale_and_psf_of_the_files(tmp_path: Path) -> None:
    """The condition has the pixel scale and the PSF of the files; a hundredfold is refused."""
    y, x = np.mgrid[:21, :21] - 10.0
    psf = np.exp(-(x**2 + y**2) / 2 / 1.5**2)
    for label in ("a", "b"):
        for i in range(4):
            unit = fits.PrimaryHDU(noise(i + 10 * (label == "b"), 24, 24))
            unit.header["PIXSCALE"] = 0.07
            (tmp_path / label).mkdir(exist_ok=True)
            both = [unit, fits.ImageHDU(3 * psf, name="PSF")]
            fits.HDUList(both).writeto(tmp_path / label / f"{i}.fits")
    dataset = stored(tmp_path)
    nominal = load_catalogue().build("condition", "as-stored")
    condition = dataset.condition(nominal)
    assert condition.pixel_scale == 0.07
    assert condition.noise_level == pytest.approx(1)
    assert condition.psf_image is not None
    assert np.allclose(condition.psf_image.values, psf / psf.sum())
    path = tmp_path / "a" / "0.fits"
    fits.setval(path, "PIXSCALE", value=8.0)
    with pytest.raises(DataError, match=r"from 0\.07″ to 8\.0″") as caught:
        stored(tmp_path)
    assert "correct the headers" in caught.value.hint


def ring(scale: float, radius: float, seed: int) -> np.ndarray:
    """A lensed source seen with pixels of this side, over noise of one."""
    mass = (Sie(radius, 0.85, 0.4, 0.0, 0.0), Shear(0.03, 0.9, 0.0, 0.0))
    source = Sersic(22.0, 0.15, 1.0, 0.8, 1.0, 0.12, 0.08)
    sky = render_model(SceneModel(mass, (source,)), 4 * 64, scale / 4)
    apply = imaging_operator(condition_of("hst-acs"), 4 * 64, scale / 4, 64, scale)
    image = apply(sky)[0].numpy()
    image = 60 * image / image.max()
    return np.asarray(image + np.random.default_rng(seed).standard_normal(image.shape))


def rings(folder: Path) -> dict[str, tuple[float, float]]:
    """Lenses of one radius in arcsec as FITS files with pixels of two sides: (scale, radius)."""
    known = {}
    for i in range(12):
        scale, radius = (0.05, 0.08)[i % 2], (0.8, 1.0, 1.2)[i // 2 % 3]
        unit = fits.PrimaryHDU(ring(scale, radius, i).astype(np.float32))
        unit.header["PIXSCALE"] = scale
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        unit.writeto(folder / "ab"[i % 2] / f"{i}.fits")
        known[f"{i}.fits"] = scale, radius
    return known


def test_every_image_keeps_the_pixel_scale_of_its_file(tmp_path: Path) -> None:
    """A lens fit, radii of rings and the view of an encoder use each image's own pixels."""
    known = rings(tmp_path)
    dataset = stored(tmp_path, psf_fwhm=0.08)
    assert "from 0.05″ to 0.08″" in " ".join(dataset.notes)
    nominal = load_catalogue().build("condition", "as-stored")
    samples = read_all(dataset, "train", nominal)
    names = [one.partition("/")[2].rpartition("-")[0] for one in samples.ids]
    truth = [known[name] for name in names]
    assert {scale for scale, _ in truth} == {0.05, 0.08}
    seen_by_each = samples.conditions
    assert [condition.pixel_scale for condition in seen_by_each] == [scale for scale, _ in truth]
    assert all(condition.noise_level == pytest.approx(1) for condition in seen_by_each)
    fit = load_catalogue().build("baseline", "lens-model:starts=2,lens_light=no")
    for found, (_, radius) in zip(fit.measure(samples)["theta_E"].tolist(), truth, strict=True):
        assert found == pytest.approx(radius, abs=0.02)
    encoder = encoder_of("mae-vit").eval()
    with torch.no_grad():
        together = encode(encoder, samples).pooled
        alone = [
            encode(encoder, replace(one, condition=condition, pixel_scale=None)).pooled
            for one, condition in (
                (samples.take(torch.tensor([i])), seen_by_each[i]) for i in range(len(samples))
            )
        ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)
    few = samples.first(2).take(torch.tensor([1, 0]))
    assert few.pixel_scale is not None
    assert few.pixel_scale.tolist() == [truth[1][0], truth[0][0]]


def test_deconvolution_uses_the_pixels_of_each_image(tmp_path: Path) -> None:
    """Images of two pixel scales together are deconvolved as each is by itself."""
    rings(tmp_path)
    dataset = stored(tmp_path, psf_fwhm=0.08)
    nominal = load_catalogue().build("condition", "as-stored")
    samples = read_all(dataset, "train", nominal)
    sky = SkyTarget(2, "hst-acs")
    together = deconvolved(samples, sky)
    for i, condition in enumerate(samples.conditions):
        one = samples.take(torch.tensor([i]))
        alone = deconvolved(replace(one, condition=condition, pixel_scale=None), sky)
        assert torch.allclose(together[i], alone[0], atol=0.02 * float(alone.max()))


def test_bands_are_added_up_where_images_have_different_ones(tmp_path: Path) -> None:
    """Images of one and of three bands are one data set with bands=sum, still in units of σ."""
    for i in range(12):
        save(tmp_path / "ab"[i % 2] / f"{i}.npy", noise(i, *((3, 16, 16) if i % 3 else (16, 16))))
    with pytest.raises(DataError, match="1 and 3 bands") as caught:
        stored(tmp_path)
    assert "bands=sum" in caught.value.hint
    dataset = stored(tmp_path, bands="sum")
    assert dataset.channels == 1
    for found in seen(dataset).values():
        assert found.images.shape[1:] == (1, 16, 16)
        assert found.images.std(dim=(1, 2, 3)).numpy() == pytest.approx(1, abs=0.35)


def gaussian(side: int, sigma: float) -> np.ndarray:
    """A PSF of so many pixels on a side, and of this width [pixels]."""
    axis = np.arange(side) - (side - 1) / 2
    return np.exp(-np.add.outer(axis**2, axis**2) / 2 / sigma**2)


def test_every_image_keeps_the_psf_of_its_file(tmp_path: Path) -> None:
    """PSFs of two widths and sizes, told to methods image by image; equal ones are told once."""
    widths = {}
    for i in range(12):
        label, sigma, side = "ab"[i % 2], 1.5 + (i % 3) / 2, 21 + 4 * (i % 2)
        unit = fits.PrimaryHDU(noise(i, 24, 24))
        unit.header["PIXSCALE"] = 0.05
        (tmp_path / label).mkdir(exist_ok=True)
        hdus = fits.HDUList([unit, fits.ImageHDU(gaussian(side, sigma), name="PSF")])
        hdus.writeto(tmp_path / label / f"{i}.fits")
        widths[f"{i}.fits"] = 2.3548 * sigma * 0.05
    dataset = stored(tmp_path)
    nominal = load_catalogue().build("condition", "as-stored")
    for split, found in seen(dataset).items():
        samples = read_all(dataset, split, nominal)
        for name, condition, psf in zip(found.ids, samples.conditions, found.psf, strict=True):
            truth = widths[name.partition("/")[2].rpartition("-")[0]]
            assert condition.psf_fwhm == pytest.approx(truth, rel=0.05)
            assert condition.psf_image is not None
            assert condition.psf_image.values.shape == (25, 25)
            assert np.allclose(condition.psf_image.values, psf)
            assert psf.max() == pytest.approx(0.05**2 * 2.3548**2 / truth**2 / 2 / np.pi, rel=0.02)
    resampled = seen(stored(tmp_path, sizes="resample"))["train"]
    assert resampled.psf is None
    assert len(set(resampled.psf_fwhm.round(3))) > 1


def read_all(dataset: Any, split: str, nominal: Condition) -> Samples:
    """All samples of a split, as cells read them from a store."""
    scenes = SceneSet("stored", dataset, split, 10_000, 0)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        layer = Layer("0" * 16, nominal, None, {})
        ensure_images(store, scenes, [layer], lambda *_: None)
        return read_samples(store, scenes, layer, None)
