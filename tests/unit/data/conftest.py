"""A small valid file of every format that lensbench reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits

from lensbench.data.conversion import convert
from lensbench.data.layouts import open_source

Writer = Callable[[Path], Path]


def quiet(*_: object) -> None:
    """Reports nothing."""


def rings(count: int, side: int = 16, seed: int = 0) -> np.ndarray:
    """Noisy rings (count, 1, side, side), each of its own radius and centre."""
    random = np.random.default_rng(seed)
    axis = np.arange(side) - (side - 1) / 2
    x, y = np.meshgrid(axis, axis)
    images = []
    for _ in range(count):
        a, b = random.uniform(-2, 2, 2)
        radius = np.hypot(x - a, y - b)
        ring = np.exp(-0.5 * (radius - random.uniform(2, side / 3)) ** 2)
        images.append(10 * ring + random.normal(size=(side, side)))
    return np.array(images)[:, None].astype(np.float32)


def _npy(folder: Path) -> Path:
    np.save(folder / "X.npy", rings(6))
    np.save(folder / "y.npy", np.arange(6).reshape(6, 1) % 3)
    return folder / "X.npy"


def _npz(folder: Path) -> Path:
    np.savez_compressed(folder / "a.npz", images=rings(6), labels=np.arange(6) % 2)
    return folder / "a.npz"


def _fits(folder: Path) -> Path:
    image = fits.PrimaryHDU(rings(1, 20)[0, 0])
    image.header["PIXSCALE"] = 0.05
    image.header["BUNIT"] = "electron/s"
    psf = fits.ImageHDU(np.full((5, 5), 0.04, np.float32), name="PSF")
    noise = fits.ImageHDU(np.full((20, 20), 1.0, np.float32), name="NOISE")
    fits.HDUList([image, psf, noise]).writeto(folder / "a.fits")
    return folder / "a.fits"


def _bands(folder: Path) -> Path:
    units = [fits.PrimaryHDU()]
    for band, seed in (("VIS", 1), ("NIR_H", 2)):
        units += [
            fits.ImageHDU(rings(1, 20, seed)[0, 0], name=f"{band}_BGSUB"),
            fits.ImageHDU(np.full((5, 5), 0.04), name=f"{band}_PSF"),
            fits.ImageHDU(np.full((20, 20), float(seed)), name=f"{band}_RMS"),
        ]
    fits.HDUList(units).writeto(folder / "bands.fits")
    return folder / "bands.fits"


def _hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("data", data=np.moveaxis(rings(6), 1, -1), chunks=(2, 16, 16, 1))
        file["is_lens"] = np.arange(6) % 2
    return folder / "a.h5"


def _container(folder: Path) -> Path:
    (folder / "stack").mkdir()
    source = open_source(_npy(folder / "stack"))
    convert(source, folder / "ours.h5", False, quiet)
    return folder / "ours.h5"


def _parquet(folder: Path) -> Path:
    import polars as pl

    images = [one.reshape(-1).tolist() for one in rings(6)]
    frame = pl.DataFrame({"name": list("abcdef"), "image": images, "label": ["x", "y"] * 3})
    frame.write_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def _huggingface(folder: Path) -> Path:
    import datasets

    datasets.disable_progress_bars()
    features = datasets.Features(
        {
            "image": datasets.Array3D(shape=(1, 16, 16), dtype="float32"),
            "label": datasets.ClassLabel(names=["lens", "other"]),
        }
    )
    rows = {"image": list(rings(6)), "label": [0, 1] * 3}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(folder / "hf"))
    return folder / "hf"


def _classes(folder: Path) -> Path:
    for name in ("no_sub", "cdm"):
        (folder / "classes" / name).mkdir(parents=True)
        for i, image in enumerate(rings(3, seed=len(name))):
            np.save(folder / "classes" / name / f"{i}.npy", image[0].astype(">f8"))
    (folder / "classes" / "axion").mkdir()
    for i, image in enumerate(rings(3, seed=9)):
        pair = np.array([image[0].astype(np.float64), 1e-23 * (i + 1)], dtype=object)
        np.save(folder / "classes" / "axion" / f"{i}.npy", pair, allow_pickle=True)
    return folder / "classes"


WRITERS: dict[str, Writer] = {
    "npy": _npy, "npz": _npz, "fits": _fits, "bands": _bands, "hdf5": _hdf5,
    "container": _container, "parquet": _parquet, "huggingface": _huggingface,
    "classes": _classes,
}  # fmt: skip


@pytest.fixture(params=sorted(WRITERS))
def any_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A valid file or folder of each format in turn."""
    return WRITERS[request.param](tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the small file of a format by its name."""
    return lambda name: WRITERS[name](tmp_path)


@pytest.fixture(name="rings")
def rings_fixture() -> Callable[..., np.ndarray]:
    """Noisy rings (count, 1, side, side)."""
    return rings


@pytest.fixture(autouse=True)
def _quiet(one_thread: None) -> None:
    """One thread: images are small, and tests share their machine."""
