"""`lensbench measure`: from FITS files to a table of objects."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from astropy.io import fits

from lensbench import SceneModel, Sersic, Shear, Sie, condition_of
from lensbench.sky.observation import imaging_operator
from lensbench.sky.rendering import render_model

SCALE, SIDE = 0.05, 128
RADIUS = 1.2
GAIN = 25.0
"""Electrons of the noise of an empty pixel."""

GALAXY = Sersic(20.0, 0.6, 4.0, 0.8, 0.4, 0.02, -0.03)
SOURCE = Sersic(23.0, 0.15, 1.0, 0.8, 1.0, 0.15, 0.1)
MASS = (Sie(RADIUS, 0.8, 0.4, 0.02, -0.03), Shear(0.04, 0.9, 0.02, -0.03))


def observed(model: SceneModel, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image in counts, its noise map and its PSF, made on rays four times as fine."""
    condition = condition_of("hst-acs")
    sky = render_model(model, 4 * SIDE, SCALE / 4)
    apply = imaging_operator(condition, 4 * SIDE, SCALE / 4, SIDE, SCALE)
    clean = apply(sky)[0].numpy() / condition.noise_level
    noise = np.sqrt(1 + clean.clip(min=0) / GAIN)
    random = np.random.default_rng(seed)
    image = clean + noise * random.standard_normal(clean.shape)
    point = torch.zeros(1, 41, 41)
    point[0, 20, 20] = 1
    psf = imaging_operator(condition, 41, SCALE, 41, SCALE)(point)[0].numpy()
    return 7.0 + 0.01 * image, 0.01 * noise, psf


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A lens with bad pixels and a cosmic ray, its galaxy alone, and an image that is all NaN."""
    folder = tmp_path_factory.mktemp("cutouts")
    scenes = {
        "lens": SceneModel(MASS, (SOURCE,), (GALAXY,)),
        "galaxy": SceneModel(lights=(GALAXY,)),
    }
    for seed, (name, model) in enumerate(scenes.items()):
        image, noise, psf = observed(model, seed)
        if name == "lens":
            image[30, 40:44] = 1e4
            noise[30, 40:44] = 1e16
            image[90, 60:68] += 50.0
        image_hdu = fits.PrimaryHDU(image.astype(np.float32))
        image_hdu.header["PIXSCALE"] = SCALE
        hdus = [fits.ImageHDU(psf, name="PSF"), fits.ImageHDU(noise, name="NOISE")]
        fits.HDUList([image_hdu, *hdus]).writeto(folder / f"{name}.fits")
    empty = fits.PrimaryHDU(np.full((64, 64), np.nan, dtype=np.float32))
    empty.writeto(folder / "nothing.fits")
    return folder


def test_a_folder_becomes_a_table_of_objects(folder, lensbench, tmp_path):
    """Radius and shape within what the noise allows, the galaxy flagged, the reason of the rest."""
    done = lensbench("measure", str(folder), "--out", str(tmp_path / "results"))
    assert done.code == 0, done.err
    assert "3 images measured, 2 of them with flags; 1 cannot be used" in done.out
    assert "no lens needed (1)" in done.out and "cosmic rays masked (1)" in done.out
    table = pl.read_parquet(tmp_path / "results" / "objects.parquet")
    same = pl.read_csv(tmp_path / "results" / "objects.csv")
    assert same["name"].to_list() == table["name"].to_list()
    assert (tmp_path / "results" / "objects.csv").read_text().count("\n") == 4
    rows = {row["name"].split(".")[0]: row for row in table.to_dicts()}
    lens, galaxy, nothing = rows["lens"], rows["galaxy"], rows["nothing"]
    truth = float(MASS[0].einstein_radius())
    assert lens["theta_E"] == pytest.approx(truth, abs=0.005)
    assert abs(lens["theta_E"] - truth) < 5 * lens["theta_E_sigma"]
    assert lens["chi_squared"] == pytest.approx(1, abs=0.1)
    assert lens["gain"] > 1e4
    assert lens["pixel_scale"] == SCALE
    assert lens["cosmic_rays"] == 8
    assert set(lens["flags"].split("; ")) - {"network disagrees"} == {"cosmic rays masked"}
    assert galaxy["cosmic_rays"] == 0
    assert lens["p_lens_simulated"] > 0.9
    assert galaxy["p_lens_simulated"] < 0.1
    assert lens["theta_E_network"] == pytest.approx(truth, abs=0.1)
    assert 0.01 < lens["theta_E_sigma_network"] < 0.5
    assert "no lens needed" in galaxy["flags"]
    assert "NaN" in nothing["error"] or "constant" in nothing["error"]
    pictures = {path.name for path in (tmp_path / "results" / "pictures").iterdir()}
    assert {name.split(".")[0] for name in pictures} == {"lens", "galaxy"}


def test_a_published_lens_is_measured(shared_data, lensbench, tmp_path):
    """SLACS J0946+1006: 1.38 arcsec (Bolton et al. 2008), to the 0.06 that models differ by."""
    path = shared_data / "real" / "lenses" / "SLACSJ0946+1006_F814W.fits"
    call = ("measure", str(path), "--out", str(tmp_path), "--no-pictures", "--network", "none")
    done = lensbench(*call)
    assert done.code == 0, done.err
    row = pl.read_csv(tmp_path / "objects.csv").to_dicts()[0]
    assert row["theta_E"] == pytest.approx(1.38, abs=0.06)
    assert "theta_E_network" not in row and "p_lens_simulated" not in row
    assert not (tmp_path / "pictures").exists()


def written(folder, path):
    """One lens as other people would have it: six files of the same sky."""
    with fits.open(path) as file:
        image, psf, noise = (np.asarray(file[i].data, dtype=float) for i in range(3))
    step, turn = SCALE / 3600, 0.7
    turned = fits.Header()
    turned["CTYPE1"], turned["CTYPE2"] = "RA---TAN", "DEC--TAN"
    turned["CDELT1"], turned["CDELT2"] = -step, step
    turned["PC1_1"], turned["PC1_2"] = np.cos(turn), -np.sin(turn)
    turned["PC2_1"], turned["PC2_2"] = np.sin(turn), np.cos(turn)
    plain = fits.Header()
    plain["CTYPE1"], plain["CTYPE2"] = "RA---TAN", "DEC--TAN"
    plain["CD1_1"], plain["CD2_2"] = -step, step
    counts = plain.copy()
    counts["BUNIT"], counts["EXPTIME"] = "COUNTS", 2200.0
    coarse = fits.Header()
    coarse["PIXSCALE"] = 2 * SCALE
    border = image.copy()
    border[:12], border[:, -9:] = np.nan, np.nan
    rows, columns = np.mgrid[: len(image), : len(image)] - 140
    blob = np.exp(-((columns - 46) ** 2 + (rows - 32) ** 2) / 2 / 2.4**2)
    binned = image[:280, :280].reshape(140, 2, 140, 2).sum((1, 3))
    shifted = [np.roll(one, (6, -5), (0, 1)) for one in (image, noise)]
    partners = {"PSF": psf, "NOISE": noise}
    files = {
        "turned.fits": (image, turned, partners),
        "counts.fits.gz": (2200 * image, counts, {"PSF": psf, "NOISE": 2200 * noise}),
        "border.fits": (border, plain, {}),
        "coarse.fits": (binned, coarse, {}),
        "small.fits": (image[100:181, 100:181], plain, {"PSF": psf}),
        "shifted.fits": (shifted[0] + 2 * blob, plain, {"PSF": psf, "ERR": shifted[1]}),
    }
    for name, (pixels, header, beside) in files.items():
        hdus = [fits.PrimaryHDU(pixels.astype(np.float32), header)]
        hdus += [fits.ImageHDU(one, name=key) for key, one in beside.items()]
        fits.HDUList(hdus).writeto(folder / name)


def test_a_lens_has_its_radius_however_its_file_is_written(shared_data, lensbench, tmp_path):
    """Other pixels, units, sizes, WCS and extensions, NaN borders, a neighbour: 1.38 ± 0.06."""
    (tmp_path / "files").mkdir()
    written(tmp_path / "files", shared_data / "real" / "lenses" / "SLACSJ0946+1006_F814W.fits")
    call = ("measure", str(tmp_path / "files"), "--out", str(tmp_path), "--no-pictures")
    done = lensbench(*call, "--network", "none")
    assert done.code == 0, done.err
    rows = pl.read_csv(tmp_path / "objects.csv").to_dicts()
    assert len(rows) == 6
    scales = {row["name"]: row["pixel_scale"] for row in rows}
    assert scales.pop("coarse.fits") == pytest.approx(0.1)
    assert list(scales.values()) == pytest.approx([0.05] * 5)
    for row in rows:
        assert row["theta_E"] == pytest.approx(1.38, abs=0.06), row["name"]
        assert ("PSF of hst-acs" in row["flags"]) == (row["name"] in ("border.fits", "coarse.fits"))


def test_an_interrupted_measurement_keeps_what_it_measured(
    folder, lensbench, tmp_path, monkeypatch
):
    """Ctrl-C while the second image is drawn: the table has the first, and the command says so."""
    from lensbench.inference import measuring

    def drawn(measured, path):
        if measured.row["name"].startswith("lens"):
            raise KeyboardInterrupt

    monkeypatch.setattr(measuring, "draw_object", drawn)
    call = ("measure", str(folder), "--out", str(tmp_path), "--network", "none")
    done = lensbench(*call)
    assert done.code == 130
    assert "the first 1 of 3 images" in done.err
    names = pl.read_csv(tmp_path / "objects.csv")["name"].to_list()
    assert [name.split(".")[0] for name in names] == ["galaxy"]


def test_wrong_input_is_one_line(lensbench, tmp_path):
    """A folder without images, and a method that cannot measure."""
    (tmp_path / "empty").mkdir()
    done = lensbench("measure", str(tmp_path / "empty"), "--out", str(tmp_path / "a"))
    assert done.code == 2
    assert len(done.err.strip().splitlines()) <= 2
    np.save(tmp_path / "one.npy", np.random.default_rng(0).normal(size=(64, 64)))
    call = ("measure", str(tmp_path / "one.npy"), "--out", str(tmp_path / "b"))
    done = lensbench(*call, "--baseline", "ring-radius")
    assert done.code == 2
    assert "cannot measure images without training" in done.err
