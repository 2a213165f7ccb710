"""The DeepLense populations: faithful to the release's images, or corrected."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp
from tests.release import FILE_NAMES, released

from lensbench.sky.cosmology import comoving_distance, theta_E_squared
from lensbench.sky.deeplense import DeepLense
from lensbench.sky.seeds import generator_of

COUNT = 450


@pytest.fixture(scope="module")
def statistics() -> dict[str, np.ndarray]:
    """Statistics of images that the original simulator made."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    path = Path(os.environ.get("LENSBENCH_TEST_DATA", beside)) / "deeplense" / "statistics.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent: set LENSBENCH_TEST_DATA to the folder with deeplense/")
    with np.load(path) as archive:
        return dict(archive)


@pytest.fixture(scope="module", params=["i", "ii"])
def images(request: pytest.FixtureRequest) -> tuple[str, np.ndarray]:
    """Images (3, N, H, W) of a release, class by class."""
    _, counts = released(request.param, "test", COUNT)
    return request.param.upper(), np.stack([counts[label::3] for label in range(3)])


def _power(images: np.ndarray) -> np.ndarray:
    """Radial power spectra (N, size/2), in rings of one frequency step."""
    size = images.shape[-1]
    k = np.fft.fftfreq(size) * size
    ring = np.hypot(k[:, None], k[None, :]).astype(int).ravel()
    count = np.bincount(ring)
    power = np.abs(np.fft.fft2(images)).reshape(len(images), -1) ** 2
    return np.stack([(np.bincount(ring, one) / count)[: size // 2] for one in power])


@pytest.mark.parametrize("label", range(3))
def test_faithful_images_have_the_released_mean(
    images: tuple[str, np.ndarray], statistics: dict[str, np.ndarray], label: int
) -> None:
    """The mean image differs by no more than sampling; pixels of an image are correlated."""
    model, ours = images[0], images[1][label]
    mean, std, count = (
        statistics[f"{model}_{FILE_NAMES[label]}_{name}"] for name in ("mean", "std", "n")
    )
    bright = mean > 0.1 * mean.max()
    error = np.sqrt(std**2 / count + ours.var(0) / len(ours))
    deviation = ((ours.mean(0) - mean) / error)[bright]
    assert np.abs(deviation).max() < 5.5
    assert np.sqrt((deviation**2).mean()) < 2
    np.testing.assert_allclose(np.median(ours.std(0)[bright] / std[bright]), 1, atol=0.25)


@pytest.mark.parametrize("label", range(3))
def test_faithful_images_have_the_released_power_spectrum(
    images: tuple[str, np.ndarray], statistics: dict[str, np.ndarray], label: int
) -> None:
    """Radial power agrees within five standard errors of the two samples."""
    model, ours = images[0], _power(images[1][label])
    theirs = statistics[f"{model}_{FILE_NAMES[label]}_power"]
    count = int(statistics[f"{model}_{FILE_NAMES[label]}_n"])
    error = ours.std(0) * np.sqrt(1 / len(ours) + 1 / count)
    scales = slice(1, 25)  # beyond, sampling of the PSF in pixels decides
    assert np.abs((ours.mean(0) - theirs) / error)[scales].max() < 5


def test_rings_of_faithful_model_two_lie_at_the_rescaled_radius() -> None:
    """θ_E is 1.28″ in I and 0.81″ in II, of a source at 1 for deflections at 2.5."""
    random = np.random.default_rng(0)
    assert DeepLense("i", True).draw(0, random)["theta_E"] == pytest.approx(1.281, abs=0.001)
    assert DeepLense("ii", True).draw(0, random)["theta_E"] == pytest.approx(0.81, abs=0.005)


def test_distances_are_those_of_astropy() -> None:
    """4GM/c² D_ls/(D_l D_s) of 1e12 M☉ between z = 0.5 and 1, with astropy's own constants."""
    from astropy import constants, units
    from astropy.cosmology import FlatLambdaCDM

    cosmology = FlatLambdaCDM(H0=70, Om0=0.3, Tcmb0=0)
    lens, source = (cosmology.comoving_distance(z) / (1 + z) for z in (0.5, 1.0))
    between = (cosmology.comoving_distance(1.0) - cosmology.comoving_distance(0.5)) / 2.0
    squared = 4 * constants.G * 1e12 * units.Msun / constants.c**2 * between / (lens * source)
    expected = squared.to_value("") * units.rad.to(units.arcsec) ** 2
    assert theta_E_squared(1e12, 0.5, 1.0) == pytest.approx(expected, rel=1e-4)
    redshifts = np.linspace(0, 10, 8001)
    ours = [comoving_distance(z) for z in redshifts]
    np.testing.assert_allclose(ours, cosmology.comoving_distance(redshifts).value, rtol=1e-14)


@pytest.mark.parametrize(("faithful", "slope"), [(True, -0.9), (False, -1.9)])
def test_subhalo_masses_follow_their_law(faithful: bool, slope: float) -> None:
    """Masses have the cumulative distribution of p(m) ∝ m^slope."""
    population = DeepLense("i", faithful)
    drawn = [population.draw(1, generator_of("masses", i)) for i in range(100)]
    masses = np.concatenate([d["subhalo_mass"] for d in drawn])
    power = slope + 1
    scale = float(drawn[0]["vortex_mass"]) / 3e10
    uniform = ((masses / scale) ** power - 1e6**power) / (1e10**power - 1e6**power)
    assert ks_2samp(uniform, np.linspace(0, 1, 5000)).pvalue > 1e-3
