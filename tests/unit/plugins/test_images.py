"""Images on disk: the rule by which they become scenes, and what is refused."""

import numpy as np
import pytest
import torch
from astropy.io import fits

from lensbench import DataError, OptionError
from lensbench.testing import check_dataset
from lensbench_reference.datasets.images import Images, psf_width


def write(path, pixels, scale=0.05, psf=None):
    header = fits.Header({"PIXSCALE": scale} if scale else {})
    units = [fits.PrimaryHDU(pixels.astype(np.float32), header)]
    if psf is not None:
        units.append(fits.ImageHDU(psf, name="PSF"))
    fits.HDUList(units).writeto(path)


def spot(size: int, width: float) -> np.ndarray:
    axis = np.arange(size) - (size - 1) / 2
    return np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * width**2))


def images(path, **options) -> Images:
    return Images(Images.Options(path=str(path), **options))


def test_it_conforms(tmp_path):
    """Images keep the contract of a dataset."""
    write(tmp_path / "a.fits", spot(40, 4.0))
    write(tmp_path / "b.fits", spot(61, 7.0), scale=0.1)
    check_dataset(images(tmp_path))


@pytest.mark.parametrize("size", [26, 61, 100, 419])
def test_any_size_becomes_a_sky_with_its_peak_in_the_middle(tmp_path, size):
    """Larger images are cropped, smaller ones surrounded by unknown sky."""
    write(tmp_path / "a.fits", spot(size, 4.0))
    sky = images(tmp_path).scenes("test", [0], 0).sky[0, 0]
    assert sky.shape == (288, 288)
    assert int(torch.isfinite(sky).sum()) == min(size, 288) ** 2
    peak = divmod(int(sky.nan_to_num(-1).argmax()), 288)
    assert max(abs(place - 143.5) for place in peak) <= 1.0


def test_coarse_pixels_are_shrunk_with_their_psf(tmp_path):
    """An image of 0.1″ pixels is put at a quarter of its size, and so is its blur."""
    write(tmp_path / "a.fits", spot(64, 5.0), scale=0.1, psf=spot(33, 2.0))
    scenes = images(tmp_path).scenes("test", [0], 0)
    assert int(torch.isfinite(scenes.sky).sum()) == 64**2
    fwhm = 2.0 * 2.3548
    assert scenes.psf_fwhm[0] == pytest.approx(fwhm * 0.025, rel=0.03)


def test_shrinking_is_noted_with_what_avoids_it(tmp_path):
    """The note names the factor, and the `finest` under which nothing is shrunk."""
    write(tmp_path / "a.fits", spot(64, 3.0), 0.05)
    (note,) = images(tmp_path).notes
    assert "to 0.50 of their size" in note and "finest=0.05 " in note
    assert images(tmp_path, finest=0.05).notes == ()


def test_fine_pixels_keep_their_size_on_the_sky(tmp_path):
    """An image of 0.0125″ pixels is binned by two, its background taken off."""
    write(tmp_path / "a.fits", spot(256, 24.0) + 3.0, scale=0.0125)
    sky = images(tmp_path).scenes("test", [0], 0).sky[0, 0]
    half = int((sky.nan_to_num(0) > sky.nan_to_num(0).max() / 2).sum())
    assert 2 * np.sqrt(half / np.pi) == pytest.approx(24.0 * 2.3548 / 2, rel=0.03)
    assert float(sky[torch.isfinite(sky)].min()) == pytest.approx(0.0, abs=0.05)


def test_the_width_of_a_psf_is_that_of_its_gaussian():
    """Whatever its norm."""
    assert psf_width(5.0 * spot(41, 3.0)) == pytest.approx(3.0 * 2.3548, rel=0.02)


def test_brightness_is_scaled_to_the_data_range(tmp_path):
    """The 99.9th percentile is full scale, whatever unit the file has."""
    write(tmp_path / "a.fits", 1e-6 * spot(100, 9.0))
    sky = images(tmp_path).scenes("test", [0], 0).sky
    assert float(torch.nanquantile(sky, 0.999)) == pytest.approx(Images.data_range, rel=1e-3)


def pixels_with(value) -> np.ndarray:
    pixels = spot(40, 4.0)
    pixels[3, 7] = value
    return pixels


@pytest.mark.parametrize(
    ("pixels", "scale", "words"),
    [
        (np.full((32, 32), np.nan), 0.05, ["bad.fits", "NaN"]),
        (np.full((32, 32), 2.0), 0.05, ["bad.fits", "constant"]),
        (pixels_with(np.nan), 0.05, ["bad.fits", "1 pixels"]),
        (pixels_with(np.inf), 0.05, ["bad.fits", "1 pixels"]),
        (spot(40, 4.0), None, ["bad.fits", "pixel"]),
        (np.zeros((3, 40, 40)), 0.05, ["bad.fits", "shape"]),
        (np.ones((4, 4)), 0.05, ["bad.fits", "shape"]),
    ],
    ids=["nan", "constant", "one-nan", "one-inf", "no-scale", "cube", "tiny"],
)
def test_an_image_that_cannot_be_observed_is_named(tmp_path, pixels, scale, words):
    """One line with the file and what is wrong."""
    write(tmp_path / "good.fits", spot(40, 4.0))
    write(tmp_path / "bad.fits", pixels, scale)
    with pytest.raises(DataError) as caught:
        images(tmp_path)
    assert all(word in caught.value.message for word in words)
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"SIMPLE  =", b"\x93NUMPY\x01\x00"])
@pytest.mark.parametrize("name", ["x.fits", "x.npy"])
def test_a_file_that_is_something_else_is_named(tmp_path, name, content):
    """Empty, truncated and foreign files are told, not tracebacks."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"x\."):
        images(tmp_path, pixel_scale=0.05)


def test_pickles_are_not_loaded(tmp_path):
    """An object array in .npy is refused."""
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"x\.npy"):
        images(tmp_path, pixel_scale=0.05)


def test_bad_pixels_can_be_masked(tmp_path):
    """With nan=mask they are unknown sky."""
    write(tmp_path / "a.fits", pixels_with(np.nan))
    sky = images(tmp_path, nan="mask").scenes("test", [0], 0).sky
    assert int(torch.isfinite(sky).sum()) == 40**2 - 1


def test_a_folder_that_is_not_there_or_empty_is_told(tmp_path):
    """Before anything runs."""
    with pytest.raises(DataError, match="there is no"):
        images(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no image"):
        images(tmp_path)


def test_the_digest_follows_the_bytes(tmp_path):
    """A changed file makes other keys."""
    write(tmp_path / "a.fits", spot(40, 4.0))
    before = images(tmp_path).digest()
    (tmp_path / "a.fits").unlink()
    write(tmp_path / "a.fits", spot(40, 4.1))
    assert images(tmp_path).digest() != before


def test_folders_tell_lenses_from_others(tmp_path):
    """In any order; one without the other is refused, and so are equal names."""
    for folder, name in (("galaxies", "g"), ("quads", "q"), ("rings", "r")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / f"{name}.fits", spot(40, 4.0))
    dataset = images(tmp_path, lenses="quads+rings", others="galaxies")
    scenes = dataset.scenes("test", range(3), 0)
    labels = dict(zip(scenes.ids, scenes.targets["lens"].tolist(), strict=True))
    assert labels == {"g.fits": 0, "q.fits": 1, "r.fits": 1}
    assert dataset.targets["lens"].classes == ("non_lens", "lens")
    with pytest.raises(OptionError, match="together"):
        images(tmp_path, lenses="quads")
    write(tmp_path / "quads" / "g.fits", spot(40, 4.0))
    with pytest.raises(DataError, match=r"g\.fits"):
        images(tmp_path, lenses="quads", others="galaxies")


def test_a_catalogue_gives_einstein_radii_that_shrink_with_their_images(tmp_path):
    """Of 0.1″ pixels a quarter is left; what has none, or no row, is NaN."""
    for name in "abc":
        write(tmp_path / f"{name}.fits", spot(40, 4.0), scale=0.1)
    table = tmp_path / "table.csv"
    table.write_text("file,theta_E\na.fits,1.2\nb.fits,\n")
    dataset = images(tmp_path, catalogue=str(table))
    radii = dataset.scenes("test", range(3), 0).targets["theta_E"]
    assert radii == pytest.approx([0.3, np.nan, np.nan], nan_ok=True)
    assert images(tmp_path, catalogue=str(table), finest=0.1).scenes("test", [0], 0).targets[
        "theta_E"
    ] == pytest.approx([1.2])


def test_a_catalogue_of_other_images_is_refused(tmp_path):
    """Before anything runs: no radius would be scored."""
    write(tmp_path / "a.fits", spot(40, 4.0))
    table = tmp_path / "table.csv"
    table.write_text("file,theta_E\nelsewhere/a.fits,1.2\n")
    with pytest.raises(DataError, match="no theta_E"):
        images(tmp_path, catalogue=str(table))


@pytest.mark.parametrize("content", ["", "file\na.fits\n", "file,theta_E\na.fits,large\n"])
def test_a_catalogue_that_cannot_be_read_is_named(tmp_path, content):
    """Missing columns and what is no number."""
    write(tmp_path / "a.fits", spot(40, 4.0))
    table = tmp_path / "table.csv"
    table.write_text(content)
    with pytest.raises(DataError, match=r"table\.csv"):
        images(tmp_path, catalogue=str(table))


@pytest.mark.parametrize("folder", ["lenses", "galaxies", "quads"])
def test_all_real_images_become_scenes(shared_data, folder):
    """Every file, of 26² to 419² pixels and 0.03″ to 0.11″, has a finite scaled sky."""
    dataset = images(shared_data / "real" / folder)
    count = dataset.size("test")
    assert count == len(list((shared_data / "real" / folder).glob("*.fits")))
    skies = dataset.scenes("test", range(count), 0).sky
    assert torch.isfinite(skies).flatten(1).any(1).all()


def test_a_psf_in_a_file_of_its_own_is_no_image(tmp_path):
    """It is refused and named; what is called otherwise is taken."""
    write(tmp_path / "a.fits", spot(40, 4.0))
    write(tmp_path / "mask-of-zorro.fits", spot(40, 4.0))
    assert images(tmp_path).size("test") == 2
    write(tmp_path / "a_psf.fits", spot(21, 1.0))
    with pytest.raises(DataError, match=r"file of its own: a_psf\.fits"):
        images(tmp_path)


def test_exposures_of_a_file_are_images_and_bands_are_not(tmp_path):
    """Versions of an extension are scenes each, with labels of their file; bands are refused."""
    for name, places in (("a", (10, 20)), ("b", (30,))):
        (tmp_path / name).mkdir()
        units = [fits.PrimaryHDU()]
        for version, place in enumerate(places, 1):
            pixels = np.roll(spot(40, 3.0), place - 20, 0).astype(np.float32)
            header = fits.Header({"PIXSCALE": 0.05})
            units.append(fits.ImageHDU(pixels, header, name="SCI", ver=version))
        fits.HDUList(units).writeto(tmp_path / name / f"{name}.fits")
    scenes = (found := images(tmp_path, lenses="a", others="b")).scenes("test", range(3), 0)
    lens = dict(zip(scenes.ids, scenes.targets["lens"].tolist(), strict=True))
    assert lens == {"a.fits#SCI,1": 1, "a.fits#SCI,2": 1, "b.fits": 0}
    peaks = [divmod(int(sky[0].nan_to_num(-1).argmax()), 288)[0] for sky in scenes.sky]
    by_name = dict(zip(scenes.ids, peaks, strict=True))
    assert abs(by_name["a.fits#SCI,2"] - by_name["a.fits#SCI,1"] - 10) <= 1
    assert found.size("test") == 3
    units = [fits.ImageHDU(spot(40, 3.0), header, name=name) for name in ("SCI_G", "SCI_R")]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / "bands.fits")
    with pytest.raises(DataError, match=r"holds 2 images: .*G"):
        images(tmp_path / "bands.fits")
