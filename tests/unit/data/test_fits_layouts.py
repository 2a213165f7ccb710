"""FITS files as observatories and people write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from tests.unit.data.images_on_disk import image, sky

from lensbench import DataError
from lensbench.data.layouts import open_source
from lensbench.data.picture import Selection


def test_compressed_fits_is_known_by_its_content(tmp_path: Path) -> None:
    """Tiles compressed in a file called .fits are read; one that is cut short is refused."""
    wanted = np.arange(4096, dtype=np.int16).reshape(64, 64)
    path = tmp_path / "cutout.fits"
    header = fits.Header()
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=150.0, CRVAL2=2.0, CRPIX1=32.5,
                  CRPIX2=32.5, CD1_1=-7.2778e-5, CD2_2=7.2778e-5, CD1_2=0.0, CD2_1=0.0)  # fmt: skip
    compressed = fits.CompImageHDU(wanted, header, compression_type="RICE_1", name="IMAGE")
    fits.HDUList([fits.PrimaryHDU(), compressed]).writeto(path)
    picture = open_source(path).read(0)
    assert np.array_equal(picture.pixels[0], wanted)
    assert picture.pixel_scale == pytest.approx(0.262, abs=1e-3)
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(DataError, match="cut short"):
        open_source(path).read(0)


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    """A gzipped FITS file is read whatever it is called."""
    fits.writeto(tmp_path / "a.fits.gz", image(0, 20, 20))
    (tmp_path / "a.fits.gz").rename(tmp_path / "a.data")
    assert np.array_equal(open_source(tmp_path / "a.data").read(0).pixels[0], image(0, 20, 20))


def test_jwst_file_is_one_image_with_its_noise(tmp_path: Path) -> None:
    """Of SCI ERR CON WHT VAR_*, SCI is the image and ERR is the noise; the rest is named."""
    header = sky(0.031, BUNIT="MJy/sr")
    units = [fits.PrimaryHDU(), fits.ImageHDU(image(0, 20, 20), header, name="SCI")]
    units += [fits.ImageHDU(image(1, 20, 20), header, name="ERR")]
    units += [fits.ImageHDU(np.ones((1, 20, 20), np.int32), name="CON")]
    units += [fits.ImageHDU(image(2, 20, 20), name=n) for n in ("WHT", "VAR_POISSON", "VAR_FLAT")]
    fits.HDUList(units).writeto(tmp_path / "a_i2d.fits")
    source = open_source(tmp_path / "a_i2d.fits")
    assert len(source.items) == 1
    picture = source.read(0)
    assert np.array_equal(picture.pixels[0], image(0, 20, 20))
    assert picture.noise is not None and np.array_equal(picture.noise, image(1, 20, 20))
    assert picture.pixel_scale == pytest.approx(0.031)
    assert picture.microjansky == pytest.approx(23.504, abs=1e-3)
    assert {text.partition(" ")[0] for text in source.left_out} == {
        "CON", "WHT", "VAR_POISSON", "VAR_FLAT",
    }  # fmt: skip


def test_exposures_are_kept_apart_by_extver(tmp_path: Path) -> None:
    """SCI/ERR/DQ twice: two scenes, each with the noise and mask of its own version."""
    units = [fits.PrimaryHDU()]
    for version in (1, 2):
        quality = np.zeros((20, 20), np.int16)
        quality[version, version] = 4
        units += [
            fits.ImageHDU(image(version, 20, 20), sky(0.05), name="SCI", ver=version),
            fits.ImageHDU(np.full((20, 20), float(version)), name="ERR", ver=version),
            fits.ImageHDU(quality, name="DQ", ver=version),
        ]
    fits.HDUList(units).writeto(tmp_path / "acs_flt.fits")
    source = open_source(tmp_path / "acs_flt.fits")
    assert len({item.scene for item in source.items}) == len(source.items) == 2
    for index, version in enumerate((1, 2)):
        picture = source.read(index)
        assert picture.noise is not None and picture.mask is not None
        assert np.array_equal(picture.pixels[0], image(version, 20, 20))
        assert (picture.noise == version).all()
        assert np.argwhere(picture.mask).tolist() == [[version, version]]


def test_variance_is_the_noise_squared_and_detected_is_no_defect(tmp_path: Path) -> None:
    """IMAGE/MASK/VARIANCE of HSC: √variance is the noise, and BAD masks where DETECTED does not."""
    mask = np.zeros((20, 20), np.int32)
    mask[3, 3], mask[5, 5] = 1 << 0, 1 << 5
    names = fits.Header()
    names["MP_BAD"], names["HIERARCH MP_DETECTED"] = 0, 5
    units = [
        fits.PrimaryHDU(), fits.ImageHDU(image(0, 20, 20), sky(0.168), name="IMAGE"),
        fits.ImageHDU(mask, names, name="MASK"),
        fits.ImageHDU(np.full((20, 20), 0.04, np.float32), name="VARIANCE"),
    ]  # fmt: skip
    fits.HDUList(units).writeto(tmp_path / "hsc.fits")
    source = open_source(tmp_path / "hsc.fits")
    assert len(source.items) == 1
    picture = source.read(0)
    assert picture.noise is not None and np.allclose(picture.noise, 0.2)
    assert picture.mask is not None and np.argwhere(picture.mask).tolist() == [[3, 3]]
    assert picture.pixel_scale == pytest.approx(0.168)


@pytest.mark.parametrize(
    "cards",
    [
        {"CD1_1": -0.05 / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.05 / 3600},
        {"CDELT1": -0.05 / 3600, "CDELT2": 0.05 / 3600},
        {"CDELT1": 1 / 3600, "CDELT2": 1 / 3600, "PC1_1": -0.05, "PC2_2": 0.05},
        {"PIXSCALE": 0.05},
        {"PIXSCAY": 0.05, "PIXSCAX": 0.05},
        {"PIXAR_A2": 0.0025},
    ],
)
@pytest.mark.parametrize("typed", [True, False])
def test_every_form_of_the_pixel_scale(
    cards: dict[str, float], typed: bool, tmp_path: Path
) -> None:
    """CD, CDELT, PC with CDELT and cards say 0.05 arcsec, with a CTYPE where PC needs it."""
    if "PC1_1" in cards and not typed:
        pytest.skip("a PC matrix says nothing without its CTYPE")
    unit = fits.PrimaryHDU(image(0, 20, 20))
    if typed:
        unit.header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=1.0, CRVAL2=2.0,
                           CRPIX1=10.5, CRPIX2=10.5)  # fmt: skip
    unit.header.update(cards)
    unit.writeto(tmp_path / "a.fits")
    assert open_source(tmp_path / "a.fits").read(0).pixel_scale == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(
    "cards",
    [
        {"PIXSCALE": "0.05 arcsec"},
        {"PIXSCALE": (50.0, "[mas] side of a pixel")},
        {"PIXSCALE": 0.05 / 3600},
        {"HIERARCH pixel_scale": 0.05},
        {"PIXSCAL1": 0.05, "PIXSCAL2": 0.05},
        {"CDELT1": -0.05, "CDELT2": 0.05, "CUNIT1": "arcsec", "CUNIT2": "arcsec"},
        {
            "PIXSCALE": 50.0,
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CDELT1": -0.05 / 3600,
            "CDELT2": 0.05 / 3600,
        },
        {
            "PIXAR_A2": 0.01,
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CDELT1": -0.05 / 3600,
            "CDELT2": 0.05 / 3600,
        },
    ],
)
def test_pixel_scales_in_other_words_and_units(cards: dict[str, object], tmp_path: Path) -> None:
    """Texts, other units and other keywords say 0.05 arcsec; a WCS is right about the unit."""
    unit = fits.PrimaryHDU(image(0, 20, 20))
    for name, value in cards.items():
        unit.header[name] = value
    unit.writeto(tmp_path / "a.fits")
    assert open_source(tmp_path / "a.fits").read(0).pixel_scale == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(
    ("cards", "wanted"),
    [
        ({"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 2.0, "CRVAL2": 150.0}, (150, 2)),
        # The centre of the Galaxy, by its coordinates of J2000.
        (
            {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": 359.944, "CRVAL2": -0.046},
            (266.417, -29.008),
        ),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": 1.0, "CDELT2": 1.0}, None),
    ],
)
def test_positions_are_right_ascension_and_declination(
    cards: dict[str, object], wanted: tuple[float, float] | None, tmp_path: Path
) -> None:
    """Swapped axes and galactic coordinates are converted; a WCS of one degree a pixel is none."""
    unit = fits.PrimaryHDU(image(0, 20, 20))
    unit.header.update(CRPIX1=10.5, CRPIX2=10.5, CDELT1=0.05 / 3600, CDELT2=0.05 / 3600)
    unit.header.update(cards)
    unit.writeto(tmp_path / "a.fits")
    position = open_source(tmp_path / "a.fits").items[0].position
    assert position == (None if wanted is None else pytest.approx(wanted, abs=2e-3))


@pytest.mark.parametrize(
    ("unit", "cards", "wanted"),
    [
        ("MJy/sr", {}, 23.5044),
        ("nJy", {}, 1e-3 / 0.05**2),
        ("uJy", {}, 1 / 0.05**2),
        ("nanomaggy", {}, 3.631 / 0.05**2),
        ("ELECTRONS/S", {"MAGZERO": 25.0}, 10 ** (-0.4 * (25 - 23.9)) / 0.05**2),
        ("counts", {"ZP": 25.0, "EXPTIME": 100.0}, 10 ** (-0.4 * (25 - 23.9)) / 100 / 0.05**2),
        # ACS F814W: PHOTFLAM and PHOTPLAM of its zero point 25.947 (STScI).
        ("ELECTRONS/S", {"PHOTFLAM": 7.0332e-20, "PHOTPLAM": 8045.0},
         10 ** (-0.4 * (25.947 - 23.9)) / 0.05**2),
        ("ELECTRONS/S", {}, None),
        # As astropy writes them, per pixel, in capitals, and with a zero point alone.
        ("electron s-1", {"MAGZERO": 25.0}, 10 ** (-0.4 * (25 - 23.9)) / 0.05**2),
        ("counts/second/pixel", {"MAGZERO": 25.0}, 10 ** (-0.4 * (25 - 23.9)) / 0.05**2),
        ("electron s**-1", {"MAGZERO": 25.0, "EXPTIME": 100.0},
         10 ** (-0.4 * (25 - 23.9)) / 0.05**2),
        ("nJy/pixel", {}, 1e-3 / 0.05**2),
        ("NANOMAGGIES", {}, 3.631 / 0.05**2),
        ("10*nanoJansky", {}, 1e-2 / 0.05**2),
        ("MJY/SR", {}, 23.5044),
        ("", {"MAGZERO": 30.0}, 10 ** (-0.4 * (30 - 23.9)) / 0.05**2),
        ("", {}, None),
        ("counts", {"ZP": 25.0}, None),
        ("erg/cm2/s/Angstrom", {"MAGZERO": 25.0}, None),
    ],
)  # fmt: skip
def test_units_become_microjanskys(
    unit: str, cards: dict[str, float], wanted: float | None, tmp_path: Path
) -> None:
    """BUNIT with a zero point and the pixel scale gives µJy/arcsec²."""
    image_unit = fits.PrimaryHDU(image(0, 20, 20))
    image_unit.header.update(BUNIT=unit, PIXSCALE=0.05, **cards)
    image_unit.writeto(tmp_path / "a.fits")
    found = open_source(tmp_path / "a.fits").read(0).microjansky
    assert found == (None if wanted is None else pytest.approx(wanted, rel=1e-3))
    if unit == "ELECTRONS/S" and not cards:
        told = open_source(tmp_path / "a.fits", Selection(zeropoint=25.0)).read(0).microjansky
        assert told == pytest.approx(10 ** (-0.4 * 1.1) / 0.05**2)


@pytest.mark.parametrize("kind", ["scaled", "unsigned", "compressed"])
def test_an_image_is_the_same_when_it_is_read_again(kind: str, tmp_path: Path) -> None:
    """Astropy changes the header of scaled integers when it reads them."""
    pixels = np.arange(400).reshape(20, 20)
    unit: fits.ImageHDU = fits.PrimaryHDU(pixels.astype("i2"))
    if kind == "scaled":
        unit.header.update(BSCALE=0.5, BZERO=3.0, BLANK=7)
        pixels = np.where(pixels == 7, np.nan, pixels * 0.5 + 3)
    elif kind == "unsigned":
        pixels = pixels + 40_000
        unit = fits.PrimaryHDU(pixels.astype("u2"))
    else:
        unit = fits.CompImageHDU(pixels.astype("i4"))
    file = tmp_path / "a.fits"
    fits.HDUList([unit] if unit.name != "COMPRESSED_IMAGE" else [fits.PrimaryHDU(), unit]).writeto(
        file
    )
    source = open_source(file)
    for read in (source.read, source.read, open_source(file).read):
        assert np.array_equal(read(0).pixels[0], pixels.astype("f4"), equal_nan=True)


def test_axes_of_length_one_are_no_axes_of_an_image(tmp_path: Path) -> None:
    """A radio image has one frequency and one Stokes parameter; its noise map may be plain."""
    pixels = image(0, 2, 20, 24)
    header = sky(0.05)
    header["CTYPE3"], header["CTYPE4"] = "FREQ", "STOKES"
    header["CRVAL3"], header["CDELT3"], header["CRVAL4"], header["CDELT4"] = 1e9, 1e6, 1, 1
    noise = fits.ImageHDU(np.full((1, 1, 20, 24), 2.0), name="NOISE")
    radio = fits.PrimaryHDU(pixels[:1][None], header)
    fits.HDUList([radio, noise]).writeto(tmp_path / "radio.fits")
    fits.writeto(tmp_path / "bands.fits", pixels[:, None])
    for name, expected in (("radio.fits", pixels[:1]), ("bands.fits", pixels)):
        source = open_source(tmp_path / name)
        picture = source.read(0)
        assert np.array_equal(picture.pixels, expected)
        assert len(source.items) == 1 and source.left_out == ()
        if name == "radio.fits":
            assert picture.noise is not None and (picture.noise == 2).all()
            assert picture.pixel_scale == pytest.approx(0.05)


def test_an_extension_too_small_for_an_image_is_left_out(tmp_path: Path) -> None:
    """The cut-out of a file is its only image, whatever its name and number."""
    units = [
        fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])]),
        fits.ImageHDU(np.zeros((3, 3)), name="THUMB"), fits.ImageHDU(image(1, 20, 20), name="CUT"),
    ]  # fmt: skip
    fits.HDUList(units).writeto(tmp_path / "object.fits")
    source = open_source(tmp_path / "object.fits")
    assert len(source.items) == 1
    assert np.array_equal(source.read(0).pixels[0], image(1, 20, 20))
    assert any("THUMB [2]: shape (3, 3), too small" in one for one in source.left_out)


@pytest.mark.parametrize("form", ["extension", "file", "npz"])
def test_a_plane_that_marks_good_pixels(form: str, tmp_path: Path) -> None:
    """GOODPIX and valid_mask say by a one what other masks say by a zero."""
    good = np.ones((20, 20), np.uint8)
    good[:3] = 0
    path = tmp_path / "a.npz"
    if form == "extension":
        parts = [fits.PrimaryHDU(image(0, 20, 20)), fits.ImageHDU(good, name="GOODPIX")]
        fits.HDUList(parts).writeto(path := tmp_path / "a.fits")
    elif form == "file":
        fits.writeto(tmp_path / "a.fits", image(0, 20, 20))
        fits.writeto((path := tmp_path) / "a_valid_mask.fits", good)
    else:
        np.savez(path, images=image(0, 5, 20, 20), valid_mask=np.stack([good] * 5))
    source = open_source(path)
    assert len(source.items) == (5 if form == "npz" else 1)
    mask = source.read(0).mask
    assert mask is not None and np.array_equal(mask, good == 0)


def test_extensions_that_are_numbered_are_objects(tmp_path: Path) -> None:
    """A file of cut-outs; what is named after bands, or has no such number, stays of one scene."""
    for names in (("OBJ1", "OBJ2", "OBJ10"), ("F606W", "F814W", "F160W"), ("HST", "VIS", "NISP")):
        units = [fits.ImageHDU(image(k, 20, 20), name=name) for k, name in enumerate(names)]
        fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / f"{names[0]}.fits")
        source = open_source(tmp_path / f"{names[0]}.fits")
        objects = names[0] == "OBJ1"
        assert len({item.scene for item in source.items}) == (3 if objects else 1)
        assert [item.condition for item in source.items] == ([""] * 3 if objects else [*names])


def test_a_cube_of_a_spectrum_is_named(tmp_path: Path) -> None:
    """It is refused with its shape: its planes are wavelengths and no objects."""
    header = fits.Header({"CTYPE3": "WAVE"})
    fits.writeto(tmp_path / "stack.fits", image(0, 30, 40, 40), header)
    with pytest.raises(DataError, match=r"no image in it: PRIMARY \[0\]: shape \(30, 40, 40\)"):
        open_source(tmp_path / "stack.fits")
