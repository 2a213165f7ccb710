"""Cut-outs from mosaics: objects in the middle, of one scale and one depth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from click.testing import CliRunner

from lensbench.cli.data import command
from lensbench.data.cutting import cut_out
from lensbench.data.inspection import inspect_source
from lensbench.data.layouts import open_source
from lensbench.data.readers.world import pixel_scale_of
from lensbench.errors import DataError, LensbenchError

FLUX = 500.0


def quiet(*_: object) -> None:
    """Reports nothing."""


def mosaic(path: Path, scale: float, noise: float, ra: float, unit: str) -> WCS:
    """Writes empty sky of 30 arcsec about (ra, 2 deg), turned by 20 degrees, and its WCS."""
    side = round(30 / scale)
    world = WCS(naxis=2)
    world.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    world.wcs.crval, world.wcs.crpix = [ra, 2.0], [side / 2, side / 2]
    turn, step = np.deg2rad(20), scale / 3600
    world.wcs.cd = step * np.array([[-np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    header = world.to_header()
    header["BUNIT"] = unit
    image = np.random.default_rng(round(1000 * scale)).normal(3.0, noise, (side, side))
    fits.writeto(path, image, header)
    return world


def add_galaxy(path: Path, world: WCS, ra: float, dec: float, scale: float) -> None:
    """Adds a round galaxy of `FLUX` and of 0.3 arcsec to a mosaic."""
    with fits.open(path, mode="update") as file:
        data = file[0].data
        x, y = world.wcs_world2pix(ra, dec, 0)
        rows, columns = np.mgrid[: data.shape[0], : data.shape[1]]
        sigma = 0.3 / scale
        round_ = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 2 / sigma**2)
        data += FLUX * round_ / (2 * np.pi * sigma**2)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Lenses on a shallow mosaic of 0.05 arcsec, galaxies on a deep one of 0.03 arcsec."""
    rows = ["name,class,ra,dec,image"]
    for kind, scale, noise, ra in (("lens", 0.05, 0.05, 150.0), ("galaxy", 0.03, 0.01, 40.0)):
        path = tmp_path / f"{kind}.fits"
        unit = "e/s" if kind == "lens" else "ELECTRONS/S"
        world = mosaic(path, scale, noise, ra, unit)
        for i in range(4):
            place = ra + (i - 1.5) * 5.3 / 3600, 2.0 + (i % 2) * 6.1 / 3600
            add_galaxy(path, world, *place, scale)
            rows.append(f"{kind}{i},{kind},{place[0]:.7f},{place[1]:.7f},{kind}.fits")
    rows.append("edge,lens,150.0041,2.0,lens.fits")
    written = tmp_path / "objects.csv"
    written.write_text("\n".join(rows) + "\n")
    return written


def test_objects_are_in_the_middle_and_alike(table: Path, tmp_path: Path) -> None:
    """Centre, flux, pixel scale and noise are those of all; what lies outside is named."""
    done = cut_out(table, tmp_path / "bench", (6.4, 0.05), 0, quiet)
    assert done.counts == {"lens": 4, "galaxy": 4}
    assert [reason.split(":")[0] for reason in done.left_out] == ["edge"]
    y, x = np.mgrid[:128, :128] - 63.5
    middle = np.hypot(x, y) < 24
    for path in (tmp_path / "bench").glob("*/*.fits"):
        image, header = fits.getdata(path).astype(float), fits.getheader(path)
        assert image.shape == (128, 128)
        assert pixel_scale_of([header]) == pytest.approx(0.05)
        assert header["BUNIT"] == ("e/s" if path.parent.name == "lens" else "ELECTRONS/S")
        light = image * middle
        assert light.sum() == pytest.approx(FLUX, rel=0.03)
        assert (light * x).sum() / light.sum() == pytest.approx(0, abs=0.15)
        assert (light * y).sum() / light.sum() == pytest.approx(0, abs=0.15)
        border = np.concatenate([image[:12].ravel(), image[-12:].ravel()])
        assert border.std() == pytest.approx(done.noise, rel=0.06)
    again = cut_out(table, tmp_path / "again", (6.4, 0.05), 0, quiet)
    first, second = (
        root / "lens" / "lens0.fits" for root in (tmp_path / "bench", tmp_path / "again")
    )
    assert again == done and np.array_equal(fits.getdata(first), fits.getdata(second))


def test_cut_outs_are_ready_for_finding(table: Path, tmp_path: Path) -> None:
    """The command writes what `inspect` takes for lenses and galaxies of one kind."""
    bench = tmp_path / "bench"
    call = ["cutouts", str(table), "--out", str(bench), "--quiet", "--json"]
    done = CliRunner().invoke(command, call)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["side"] == 128
    found = inspect_source(open_source(bench), quiet)
    assert found.classes == {"galaxy": 4, "lens": 4}
    assert found.pixel_scales == {"0.05": 8}
    assert found.defects == {}
    assert found.use.endswith(f"--task finding --dataset stored:path={bench}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name,class", "name,kind"), "has no column 'class'"),
        (("lens1", "lens0"), "names 'lens0' twice"),
        (("2.0000000", "north"), "could not convert string to float"),
        (("galaxy.fits", "absent.fits"), "absent.fits"),
    ],
)
def test_wrong_tables_are_refused(
    table: Path, tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    """What is wrong is named, and nothing is written."""
    table.write_text(table.read_text().replace(*change))
    with pytest.raises(LensbenchError, match=message):
        cut_out(table, tmp_path / "bench", (6.4, 0.05), 0, quiet)
    assert not (tmp_path / "bench").exists()


def test_surface_brightness_does_not_grow_with_pixels(table: Path, tmp_path: Path) -> None:
    """In MJy/sr the flux is the sum over the area; the zero point stays with the images."""
    for kind in ("lens", "galaxy"):
        fits.setval(tmp_path / f"{kind}.fits", "BUNIT", value="MJy/sr")
        fits.setval(tmp_path / f"{kind}.fits", "MAGZERO", value=25.0)
    cut_out(table, tmp_path / "bench", (6.4, 0.05), 0, quiet)
    y, x = np.mgrid[:128, :128] - 63.5
    for kind, own in (("lens", 0.05), ("galaxy", 0.03)):
        image, header = fits.getdata(tmp_path / f"bench/{kind}/{kind}1.fits", header=True)
        light = float((image * (np.hypot(x, y) < 24)).sum()) * 0.05**2
        assert light == pytest.approx(FLUX * own**2, rel=0.03)
        assert header["MAGZERO"] == 25.0


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        ("BUNIT", ("e/s", "counts"), "another unit"),
        ("FILTER", ("F814W", "F606W"), "another filter"),
    ],
)
def test_two_units_or_filters_are_refused(
    key: str, values: tuple[str, str], message: str, table: Path, tmp_path: Path
) -> None:
    """Noise of counts and of electrons a second cannot be made equal; colours tell classes."""
    for kind, value in zip(("lens", "galaxy"), values, strict=True):
        fits.setval(tmp_path / f"{kind}.fits", key, value=value)
    with pytest.raises(DataError, match=message):
        cut_out(table, tmp_path / "bench", (6.4, 0.05), 0, quiet)


@pytest.mark.parametrize("shape", [(40, 40), (3, 40, 40)])
def test_an_image_without_positions_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    """A header that states the pixel scale alone says nothing of where an object is."""
    fits.writeto(tmp_path / "a.fits", np.ones(shape), fits.Header({"PIXSCALE": 0.05}))
    (tmp_path / "t.csv").write_text("name,class,ra,dec,image\nl,lens,150,2,a.fits\n")
    with pytest.raises(DataError, match=r"no image .* whose header states positions"):
        cut_out(tmp_path / "t.csv", tmp_path / "out", (6.4, 0.05), 0, quiet)
