"""The recipe for a fair test of finding, on mosaics in the layout of those of HST.

Galaxies lie on a tile of a survey, one plain image; lenses on images of their own as the drizzle
pipeline leaves them, with the pixels in the extension SCI beside weights and contexts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from astropy.wcs import WCS

SCALE, NOISE = 0.05, 0.02
COUNT = 18
"""Objects of each class."""

STEP = 12.0
"""Between neighbours on the tile of the survey [arcsec]."""


def world_of(side: int, ra: float, dec: float, turn: float) -> WCS:
    """Pixels of `SCALE` about a position [deg], turned by an angle [deg]."""
    world = WCS(naxis=2)
    world.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    world.wcs.crval, world.wcs.crpix = [ra, dec], [(side + 1) / 2] * 2
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    world.wcs.cd = SCALE / 3600 * np.array([[-cos, sin], [sin, cos]])
    return world


def light(shape: tuple[int, int], x: float, y: float, ring: float | None) -> np.ndarray:
    """A galaxy at a pixel, and a ring of a radius [arcsec] about it where there is one."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot(rows - y, columns - x) * SCALE
    image = 2.0 * np.exp(-radius / 0.3)
    if ring is not None:
        image += 0.3 * np.exp(-(((radius - ring) / 0.1) ** 2))
    return image


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`objects.csv`, the tile, and an image for each lens; `blank.csv` has sky beside them."""
    folder = tmp_path_factory.mktemp("hst")
    random = np.random.default_rng(0)
    rows, blank = ["name,class,ra,dec,image"], ["name,class,ra,dec,image"]
    across = 6
    side = round((across + 1) * STEP / SCALE)
    tile, world = random.normal(0, NOISE, (side, side)), world_of(side, 150.1, 2.2, 0)
    for k in range(COUNT):
        x, y = ((np.array(divmod(k, across)) + 1) * STEP / SCALE + random.uniform(-9, 9, 2)).T
        tile += light(tile.shape, x, y, None)
        for table, shift in ((rows, 0.0), (blank, STEP / 2 / SCALE)):
            ra, dec = world.wcs_pix2world(x + shift, y + shift, 0)
            table.append(f"g{k:03d},galaxy,{ra:.7f},{dec:.7f},acs_I_077_sci.fits")
    header = world.to_header()
    header.update({"BUNIT": "ELECTRONS/S", "PHOTFLAM": 7.0e-20, "PHOTPLAM": 8045.0})
    fits.writeto(folder / "acs_I_077_sci.fits", tile.astype("f4"), header)
    for k in range(COUNT):
        side, name = round(32 / SCALE), f"j{k:02d}_f814w_drz.fits"
        world = world_of(side, 10.0 + k, 5.0, random.uniform(0, 360))
        image = random.normal(0, NOISE, (side, side))
        image += light(image.shape, side / 2 + 3.3, side / 2 - 7.6, random.uniform(0.9, 1.6))
        header = world.to_header()
        header["BUNIT"] = "electrons/s"
        science = fits.ImageHDU(image.astype("f4"), header, name="SCI")
        weights = fits.ImageHDU(np.ones_like(science.data), name="WHT")
        fits.HDUList([fits.PrimaryHDU(), science, weights]).writeto(folder / name)
        for table, shift in ((rows, 0.0), (blank, 6.0 / SCALE)):
            x, y = side / 2 + 3.3 + shift, side / 2 - 7.6 + shift
            ra, dec = world.wcs_pix2world(x, y, 0)
            table.append(f"l{k:03d},lens,{ra:.7f},{dec:.7f},{name}")
    (folder / "objects.csv").write_text("\n".join(rows) + "\n")
    (folder / "blank.csv").write_text("\n".join(blank) + "\n")
    return folder


@pytest.mark.slow
def test_the_recipe_from_mosaics_to_tables(mosaics, lensbench, tmp_path, monkeypatch):
    """Every command of the page, in its order; sky beside the objects does not tell the classes."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> str:
        done = lensbench(*words)
        assert done.code == 0, done.err
        return str(done.out)

    said = call("data", "cutouts", mosaics / "objects.csv", "--out", "bench", "--quiet")
    assert f"galaxy ({COUNT})" in said and f"lens ({COUNT})" in said and "128 × 128" in said
    inspected = call("data", "inspect", "bench", "--quiet")
    assert "0.05" in inspected and "galaxy (18), lens (18)" in inspected
    call("data", "preview", "bench", "--out", "bench.png", "--quiet")
    common = ("--store", "store", "--budget", "smoke", "--workers", 0, "--quiet")
    network = ("run", "--encoder", "mae-vit", "--transfer", "ridge", "--alone", *common)
    simulated = ("--dataset", "lenses:population=look-alikes", "--train-condition", "hst-acs")
    simulated += ("--test-conditions", "hst-acs")
    real_images = "images:path=bench,lenses=lens,others=galaxy,finest=0.05"
    call(*network, "--task", "finding", *simulated, "--test-dataset", real_images, "--out", "sims")
    table = pl.read_csv("sims/predictions.csv")
    real = table.filter(pl.col("test_dataset").str.starts_with("images"))
    assert len(real) == 24  # as many as this budget tests on
    assert set(real["true_lens"]) == {"lens", "non_lens"}
    own_images = ("--dataset", "stored:path=bench,positive=lens")
    call(*network, "--task", "finding:weighted=true", *own_images, "--out", "own")
    own = pl.read_csv("own/predictions.csv")
    assert (own["true_lens"] == own["predicted_lens"]).mean() > 0.8
    call("data", "cutouts", mosaics / "blank.csv", "--out", "blank", "--quiet")
    spectrum = ("run", "--baseline", "spectrum-logreg", "--task", "finding", *common)
    call(*spectrum, "--dataset", "stored:path=blank,positive=lens", "--out", "leak")
    leak = pl.read_csv("leak/predictions.csv")
    assert (leak["true_lens"] == leak["predicted_lens"]).mean() < 0.9
