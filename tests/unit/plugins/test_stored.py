"""`stored` takes whatever labels, bands, sizes, noise and splits the files have."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from astropy.io import fits
from tests.runs import run_cells

from lensbench import (
    Condition,
    DataError,
    IncompatibleError,
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
from lensbench.cells.checks import Checks
from lensbench.cells.images import Layer, SceneSet, ensure_images, read_samples
from lensbench.cells.plugins import Plugins
from lensbench.data.conversion import convert
from lensbench.data.layouts import open_source
from lensbench.registry import load_catalogue
from lensbench.sky.rendering import render_model
from lensbench.store import Store
from lensbench_reference.deconvolution import deconvolved

SPLITS = ("pretraining", "train", "validation", "test")


def stored(path: Path, **options: object) -> Any:
    """The dataset of these files."""
    text = "".join(f",{name}={value}" for name, value in options.items())
    return load_catalogue().build("dataset", f"stored:path={path}{text}")


def noise(seed: int, *shape: int) -> np.ndarray:
    """An image of noise of σ = 2 about 5."""
    return np.random.default_rng(seed).normal(5, 2, shape)


def save(path: Path, array: np.ndarray) -> None:
    """Writes a .npy with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def classes(root: Path, counts: dict[str, int], *shape: int) -> Path:
    """Folders of images by class."""
    for number, (name, count) in enumerate(counts.items()):
        for i in range(count):
            save(root / name / f"{i}.npy", noise(1000 * number + i, *(shape or (16, 16))))
    return root


def seen(dataset: Any) -> dict[str, Any]:
    """All images of a dataset by split, those that have some."""
    sizes = {split: dataset.size(split) for split in SPLITS}
    return {s: dataset.observed(s, range(n), "as-stored") for s, n in sizes.items() if n}


def test_any_classes_and_which_are_lenses(tmp_path: Path) -> None:
    """Classes of any names are the target `class`; `positive` says which of them are lenses."""
    path = classes(tmp_path, {"ring": 10, "arc": 10, "spiral": 20})
    dataset = stored(path, positive="ring+arc")
    assert dataset.targets["class"].classes == ("arc", "ring", "spiral")
    assert dataset.targets["lens"].classes == ("non_lens", "lens")
    assert "substructure" not in dataset.targets
    for observed in seen(dataset).values():
        for name, label, lens in zip(
            observed.ids, observed.targets["class"], observed.targets["lens"], strict=True
        ):
            assert name.startswith(("arc", "ring", "spiral")[label])
            assert lens == (not name.startswith("spiral"))
    with pytest.raises(DataError, match="no class 'galaxy'"):
        stored(path, positive="galaxy")


@pytest.mark.parametrize("names", [("lenses", "nonlenses"), ("lens", "non_lens"), ("1", "0")])
def test_lenses_by_their_name(names: tuple[str, str], tmp_path: Path) -> None:
    """One of two classes that is called so is the lenses."""
    dataset = stored(classes(tmp_path, dict.fromkeys(names, 10)))
    for observed in seen(dataset).values():
        for name, lens in zip(observed.ids, observed.targets["lens"], strict=True):
            assert lens == name.startswith(f"{names[0]}/")


def test_classes_of_the_release_keep_their_target(tmp_path: Path) -> None:
    """no, sphere and vort are the target `substructure`, under the names of lensbench."""
    dataset = stored(classes(tmp_path, {"no": 9, "sphere": 9, "vort": 9}))
    assert dataset.targets["substructure"].classes == ("no_sub", "cdm", "vortex")
    train = seen(dataset)["train"]
    wanted = [("no", "sphere", "vort").index(name.partition("/")[0]) for name in train.ids]
    assert train.targets["substructure"].tolist() == wanted


def test_numbers_with_units_and_errors(tmp_path: Path) -> None:
    """Columns are real targets with their unit; errors are none; log10 of what is positive."""
    rows = ["file,theta_E [arcsec],theta_E_err,offset,kind"]
    for i in range(20):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
        rows.append(f"{i}.npy,{0.5 + i / 10},{0.1},{i - 10},{'ab'[i % 2]}")
    (tmp_path / "catalogue.csv").write_text("\n".join(rows))
    dataset = stored(tmp_path)
    assert set(dataset.targets) == {"class", "theta_E", "log10_theta_E", "offset"}
    assert dataset.targets["theta_E"].unit == "arcsec"
    for observed in seen(dataset).values():
        numbers = [int(name.partition(".")[0]) for name in observed.ids]
        expected = np.array([0.5 + i / 10 for i in numbers], dtype=np.float32)
        assert np.allclose(observed.targets["theta_E"], expected)
        assert np.allclose(observed.targets["log10_theta_E"], np.log10(expected), atol=1e-6)


@pytest.mark.parametrize("name", ["einstein_radius", "thetaE", "theta_e", "R_ein"])
def test_an_einstein_radius_is_theta_E_however_it_is_called(name: str, tmp_path: Path) -> None:
    """Methods that measure radii take it, in arcsec."""
    for i in range(20):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
    rows = "".join(f"{i}.npy,{1000 + i}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(f"file,{name} [mas]\n{rows}")
    dataset = stored(tmp_path)
    assert dataset.targets["theta_E"].unit == "arcsec"
    one = seen(dataset)["test"]
    radii = [1 + int(name.partition(".")[0]) / 1000 for name in one.ids]
    assert one.targets["theta_E"] == pytest.approx(radii)


def test_mass_of_a_converted_release(tmp_path: Path) -> None:
    """`[image, mass]` files become the targets `mass` and `log10_mass`, through `convert`."""
    from lensbench.data.picture import Selection

    for i in range(8):
        pair = np.empty(2, dtype=object)
        pair[:] = [noise(i, 16, 16), 1e-23 * (i + 1)]
        (tmp_path / "axion").mkdir(exist_ok=True)
        np.save(tmp_path / "axion" / f"{i}.npy", pair, allow_pickle=True)
    source = open_source(tmp_path / "axion", Selection(objects=True))
    convert(source, tmp_path / "a.h5", False, lambda *_: None)
    dataset = stored(tmp_path / "a.h5")
    masses = np.concatenate([one.targets["log10_mass"] for one in seen(dataset).values()])
    assert np.allclose(np.sort(masses), np.sort(np.log10(1e-23 * np.arange(1, 9))), atol=1e-5)


@pytest.mark.parametrize(("names", "factor"), [(("LR", "HR"), 2), (("noisy", "clean"), 1)])
def test_pairs_are_in_one_unit(names: tuple[str, str], factor: int, tmp_path: Path) -> None:
    """The other side of a pair is the target `sky`, in the noise and above the sky of the first."""
    for k in range(12):
        low = noise(k, 16, 16)
        save(tmp_path / names[0] / f"{k}.npy", low)
        save(tmp_path / names[1] / f"{k}.npy", np.kron(low, np.ones((factor, factor))))
    dataset = stored(tmp_path)
    assert dataset.upsample == factor and dataset.targets["sky"].unit == "σ"
    for observed in seen(dataset).values():
        sharp = observed.images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
        assert np.allclose(observed.sky, sharp, atol=1e-4)
    assert sum(dataset.size(split) for split in SPLITS) == 12


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


def test_splits_are_stratified_from_the_first_on(tmp_path: Path) -> None:
    """Each split has its share of each class, and so has every beginning of the training split."""
    dataset = stored(classes(tmp_path, {"rare": 20, "frequent": 180}))
    found = seen(dataset)
    for split, share in (("train", 0.35), ("test", 0.2)):
        counts = Counter(found[split].targets["class"].tolist())
        assert counts == {0: round(180 * share), 1: round(20 * share)}
    first = found["train"].targets["class"][:30]
    assert first.sum() == 3


def test_own_splits_of_tables(tmp_path: Path) -> None:
    """A column of the table names the splits."""
    rows = ["file,label,part"]
    for i in range(40):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
        rows.append(f"{i}.npy,{'ab'[i % 2]},{'train' if i < 30 else 'valid' if i < 34 else 'test'}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    dataset = stored(tmp_path, split_column="part")
    names = {split: {int(n.partition(".")[0]) for n in one.ids} for split, one in
             seen(dataset).items()}  # fmt: skip
    assert names["test"] == set(range(34, 40))
    assert names["validation"] == set(range(30, 34))
    assert names["train"] | names["pretraining"] == set(range(30))


def test_images_of_one_object_share_a_split(tmp_path: Path) -> None:
    """By sky position within an arcsecond, and by near-duplicate: two images, one split."""
    rng = np.random.default_rng(0)
    for i in range(30):
        for exposure in range(2):
            header = fits.Header()
            header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=12.5, CRPIX2=12.5,
                          CRVAL1=150 + i / 100, CRVAL2=2 + exposure * 0.5 / 3600,
                          CDELT1=-0.05 / 3600, CDELT2=0.05 / 3600)  # fmt: skip
            unit = fits.PrimaryHDU(noise(2 * i + exposure, 24, 24), header)
            (tmp_path / "sky" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
            unit.writeto(tmp_path / "sky" / "ab"[i % 2] / f"{rng.integers(1e9)}_{i}.fits")
    homes: dict[str, set[str]] = {}
    for split, one in seen(stored(tmp_path / "sky")).items():
        for name in one.ids:
            homes.setdefault(name.partition("_")[2].partition(".")[0], set()).add(split)
    assert len(homes) == 30 and all(len(splits) == 1 for splits in homes.values())
    for i in range(30):
        image = np.kron(noise(i, 8, 8), np.ones((4, 4)))
        save(tmp_path / "copies" / "ab"[i % 2] / f"{i}_first.npy", image)
        turned = np.rot90(image)[:, ::-1] * 3 + noise(100 + i, 32, 32) / 200
        save(tmp_path / "copies" / "ab"[i % 2] / f"{i}_second.npy", turned)
    homes = {}
    for split, one in seen(stored(tmp_path / "copies")).items():
        for name in one.ids:
            homes.setdefault(name.partition("/")[2].partition("_")[0], set()).add(split)
    assert len(homes) == 30 and all(len(splits) == 1 for splits in homes.values())


def test_a_position_that_all_images_share_is_not_believed(tmp_path: Path) -> None:
    """Simulations have copies of one header: their images still go to all splits."""
    header = fits.Header()
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=12.5, CRPIX2=12.5)
    header.update(CRVAL1=150.0, CRVAL2=2.0, CDELT1=-0.05 / 3600, CDELT2=0.05 / 3600)
    for i in range(40):
        path = tmp_path / "ab"[i % 2] / f"{i}.fits"
        path.parent.mkdir(exist_ok=True)
        fits.writeto(path, noise(i, 24, 24), header)
    dataset = stored(tmp_path)
    assert {split: dataset.size(split) for split in ("pretraining", "train", "test")} == {
        "pretraining": 14,
        "train": 14,
        "test": 8,
    }
    assert "40 images lie at one position" in dataset.notes[0]


def test_images_without_labels_are_for_pretraining(tmp_path: Path) -> None:
    """Nothing is known of them, so that no task could use them."""
    for i in range(20):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
    dataset = stored(tmp_path)
    assert dataset.targets == {}
    assert {s: dataset.size(s) for s in SPLITS} == {
        "pretraining": 18, "train": 0, "validation": 2, "test": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        ("missing", "1 images without a class: unknown.npy", "unlabelled"),
        ("alone", "one image of class 'b'", "leave the class out"),
        ("split", "split 'test' of .* are of class 'a'", "add images of the other classes"),
        ("empty", "holds nothing that is known as images", "known:"),
    ],
)
def test_wrong_input_says_what_to_do(kind: str, message: str, hint: str, tmp_path: Path) -> None:
    """One line names the images, and the hint what to do."""
    if kind == "missing":
        save(tmp_path / "unknown.npy", noise(99, 16, 16))
        rows = ["file,label"]
        for i in range(6):
            save(tmp_path / f"{i}.npy", noise(i, 16, 16))
            rows.append(f"{i}.npy,{'ab'[i % 2]}")
        (tmp_path / "t.csv").write_text("\n".join(rows))
    elif kind == "alone":
        classes(tmp_path, {"a": 5, "b": 1})
    elif kind == "split":
        classes(tmp_path / "train", {"a": 5, "b": 5})
        classes(tmp_path / "test", {"a": 3}, 18, 18)
    with pytest.raises(DataError, match=message) as caught:
        stored(tmp_path, **({"sizes": "crop"} if kind == "split" else {}))
    assert hint in caught.value.hint and "\n" not in caught.value.message


def refused(task: str, path: Path) -> IncompatibleError:
    """Why a task cannot be put to these images, found before anything runs."""
    baseline = "bicubic" if task.startswith("superres") else "ocsvm"
    catalogue = load_catalogue()
    cells = run_cells(catalogue, task, baseline=baseline, dataset=f"stored:path={path}")
    with pytest.raises(IncompatibleError) as caught:
        Checks(Plugins(catalogue)).check(cells[0])
    return caught.value


def test_what_a_task_lacks_is_named_before_anything_runs(tmp_path: Path) -> None:
    """Targets, normal classes and samplings that are not there, with those that are."""
    path = classes(tmp_path / "classes", {"ring": 8, "arc": 8})
    assert "it has: class" in refused("superres", path).hint
    assert "normal= is one of arc, ring" in refused("anomaly:normal=spiral", path).hint
    for k in range(8):
        save(tmp_path / "pairs" / "LR" / f"{k}.npy", noise(k, 16, 16))
        save(tmp_path / "pairs" / "HR" / f"{k}.npy", noise(k, 64, 64))
    assert refused("superres", tmp_path / "pairs").hint == "--task superres:scale=4"
