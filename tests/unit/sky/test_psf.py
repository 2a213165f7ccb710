"""PSFs from FITS files."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from lensbench.api.psf_image import PsfImage
from lensbench.errors import DataError
from lensbench.registry import load_catalogue
from lensbench.sky.psf import measure_fwhm, read_psf
from lensbench.store import key_of


def gaussian(size: int = 41, scale: float = 0.05, fwhm: float = 0.4) -> np.ndarray:
    axis = (np.arange(size) - (size - 1) / 2) * scale
    sigma = fwhm / 2.354820045
    return np.exp(-0.5 * (axis[None, :] ** 2 + axis[:, None] ** 2) / sigma**2)


@pytest.fixture
def psf_file(tmp_path):
    path = tmp_path / "psf.fits"
    header = fits.Header({"PIXELSCL": 0.05})
    fits.PrimaryHDU(gaussian().astype(">f4"), header).writeto(path)
    return path


def test_scale_and_sum(psf_file):
    """A PSF's sampling is read from its header, and its sum is made one."""
    psf = read_psf(psf_file)
    assert psf.pixel_scale == 0.05
    assert psf.values.sum() == pytest.approx(1)
    assert np.allclose(psf.values / psf.values.max(), gaussian(), atol=1e-6)


def test_scale_from_degrees(tmp_path):
    """Where only a world coordinate system says the sampling, it is taken from there."""
    path = tmp_path / "psf.fits"
    fits.PrimaryHDU(gaussian(), fits.Header({"CD1_1": -0.02 / 3600})).writeto(path)
    assert read_psf(path).pixel_scale == pytest.approx(0.02)


@pytest.mark.parametrize("size", [40, 41])
@pytest.mark.parametrize("fwhm", [0.2, 0.4])
def test_fwhm(size, fwhm):
    """The measured width of a sampled Gaussian is its own within 3 %."""
    psf = PsfImage(0.05, gaussian(size, fwhm=fwhm))
    assert measure_fwhm(psf) == pytest.approx(fwhm, rel=0.03)


def test_custom_condition(psf_file):
    """A condition built from a file has the PSF, its width, and the call as its name."""
    text = f"custom:base=hst-acs,psf={psf_file}"
    condition = load_catalogue().build("condition", text)
    assert condition.psf == "image"
    assert condition.psf_image == read_psf(psf_file)
    assert condition.psf_fwhm == pytest.approx(0.4, rel=0.03)
    assert condition.name == load_catalogue().canonical("condition", text) == text
    assert condition.zeropoint == 25.94


def test_key_follows_the_values():
    """A key changes with the PSF's values, and not with its normalisation."""
    base = PsfImage(0.05, gaussian())
    assert key_of({"psf": base}) == key_of({"psf": PsfImage(0.05, gaussian() * 8)})
    assert key_of({"psf": base}) != key_of({"psf": PsfImage(0.05, gaussian(fwhm=0.41))})
    assert key_of({"psf": base}) != key_of({"psf": PsfImage(0.06, gaussian())})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"<html>404</html>", "cannot be read"),
        (gaussian()[:, :-1], "square"),
        (gaussian() * np.nan, "sums to nan"),
        (-gaussian(), "sums to -"),
        (np.zeros((3, 9, 9)), "square"),
    ],
    ids=["empty", "html", "oblong", "nan", "negative", "cube"],
)
def test_hostile_files(tmp_path, content, message):
    """A file that holds no PSF is a one-line error that names it."""
    path = tmp_path / "bad.fits"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        fits.PrimaryHDU(content, fits.Header({"PIXELSCL": 0.05})).writeto(path)
    with pytest.raises(DataError, match=message) as error:
        read_psf(path)
    assert str(path) in error.value.message
    assert "\n" not in error.value.message


def test_missing_scale(tmp_path):
    """Without a known sampling the error says how to give it."""
    path = tmp_path / "psf.fits"
    fits.PrimaryHDU(gaussian()).writeto(path)
    with pytest.raises(DataError, match="pixel scale") as error:
        read_psf(path)
    assert "psf_scale" in error.value.hint
    assert read_psf(path, pixel_scale=0.03).pixel_scale == 0.03


def test_missing_file(tmp_path):
    """A missing file or extension is named."""
    with pytest.raises(DataError, match="does not exist"):
        read_psf(tmp_path / "none.fits")


def test_missing_extension(psf_file):
    """An extension that is not there is an error that names the file."""
    with pytest.raises(DataError, match=r"psf\.fits"):
        read_psf(psf_file, hdu=3)
