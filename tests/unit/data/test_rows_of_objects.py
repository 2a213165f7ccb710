"""Files of one row an object, with several bands and all that is known of each image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from tests.unit.data.images_on_disk import image

from lensbench import DataError, open_images
from lensbench.data.layouts import open_source
from lensbench.data.picture import Source

COUNT, SIDE = 6, 16
SPLITS = ("train", "train", "train", "train", "val", "test")
FORMS = ("npz", "hdf5", "parquet", "saved", "fits")


def columns() -> dict[str, np.ndarray]:
    """Two bands with inverse variance and PSF each, and what is known of the objects."""
    found: dict[str, np.ndarray] = {}
    for number, band in enumerate("gr"):
        found[f"image_{band}"] = image(number, COUNT, SIDE, SIDE)
        found[f"ivar_{band}"] = np.full((COUNT, SIDE, SIDE), 4.0 ** -(number + 1), "f4")
        found[f"psf_{band}"] = np.full((COUNT, 9, 9), (number + 1) / 81, "f4")
        found[f"mag_{band}"] = 20.0 + np.arange(COUNT) + number
    return found | {
        "name": np.array([f"J{k}" for k in range(COUNT)]),
        "z": np.linspace(0.1, 1, COUNT),
        "pixscale_mas": np.full(COUNT, 50.0),
        "thetaE": 1.0 + np.arange(COUNT),
        "kind": np.array(["lens", "galaxy"] * (COUNT // 2)),
        "fold": np.array(["train"] * 4 + ["valid"] + ["testing"]),
        "spectrum": np.ones((COUNT, 3)),
    }


def written(folder: Path, form: str, found: dict[str, np.ndarray]) -> Path:
    """A file of these columns; `thetaE` has a unit where the form has units."""
    path = folder / f"objects.{form}"
    if form == "npz":
        np.savez(path, **found)
    elif form == "hdf5":
        with h5py.File(path, "w") as file:
            for name, values in found.items():
                file[name] = values.astype(object) if values.dtype.kind == "U" else values
            file["thetaE"].attrs["unit"] = "arcsec"
    elif form == "fits":
        kinds = {"f": "D", "U": "9A"}
        fits.BinTableHDU.from_columns(
            [
                fits.Column(
                    name,
                    f"{values[0].size if values.ndim > 1 else ''}{kinds[values.dtype.kind]}",
                    array=values,
                    unit="arcsec" if name == "thetaE" else None,
                    dim=f"({SIDE},{SIDE})" if name.startswith("image") else None,
                )
                for name, values in found.items()
            ]
        ).writeto(path)
    else:
        rows: dict[str, Any] = {name: values.tolist() for name, values in found.items()}
        if form == "parquet":
            pl.DataFrame(rows).write_parquet(path)
        else:
            import datasets

            datasets.disable_progress_bars()
            datasets.Dataset.from_dict(rows).save_to_disk(str(path))
    return path


def by_band(source: Source, band: str) -> list[int]:
    """Indices of the images of a band."""
    return [index for index, item in enumerate(source.items) if item.condition == band]


@pytest.mark.parametrize("form", FORMS)
def test_bands_and_what_is_known_of_each(form: str, tmp_path: Path) -> None:
    """No band, noise map, PSF, pixel scale, split or number is lost, whatever the form."""
    found = columns()
    source = open_source(written(tmp_path, form, found))
    assert len(source.items) == 2 * COUNT
    for number, band in enumerate("gr"):
        for row, index in enumerate(by_band(source, band)):
            item, picture = source.items[index], source.read(index)
            assert np.allclose(picture.pixels[0], found[f"image_{band}"][row])
            assert picture.noise == pytest.approx(np.full((SIDE, SIDE), 2.0 ** (number + 1)))
            assert picture.psf == pytest.approx(np.full((9, 9), (number + 1) / 81))
            assert picture.pixel_scale == pytest.approx(0.05)
            assert (item.label, item.split) == (found["kind"][row], SPLITS[row])
            assert item.scene == source.items[by_band(source, "g")[row]].scene
            assert source.columns["thetaE"].values[index] == 1 + row
            assert source.columns["z"].values[index] == pytest.approx(found["z"][row])
            assert source.columns["mag_r"].values[index] == 21 + row
    assert source.columns["thetaE"].unit == ("arcsec" if form in ("hdf5", "fits") else "")
    assert any("spectrum" in what for what in source.left_out)


@pytest.mark.parametrize("form", FORMS)
def test_the_column_of_splits_is_the_one_that_is_named(form: str, tmp_path: Path) -> None:
    """`split_column` is used in every form; a column of other words is refused."""
    found = columns()
    found["part"] = np.array(["test", "test", "train", "train", "train", "train"])
    path = written(tmp_path, form, found)
    source = open_images(path, split_column="part")
    assert [source.items[i].split for i in by_band(source, "r")] == list(found["part"])
    with pytest.raises(DataError, match="column 'nothing'"):
        open_images(path, split_column="nothing")


def test_one_psf_and_noise_map_of_all_images(tmp_path: Path) -> None:
    """Planes that a file has once are those of every image; the file states the pixel scale."""
    images, psf, noise = image(0, 9, SIDE, SIDE), image(1, 9, 9), image(2, SIDE, SIDE)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cutouts"], file["psf"], file["rms"] = images, psf, noise
        file["cutouts"].attrs["units"] = "MJy/sr"
        file.attrs["pixel_scale"] = 0.03
    source = open_source(tmp_path / "a.h5")
    assert len(source.items) == 9
    for index in range(9):
        picture = source.read(index)
        assert np.array_equal(picture.psf, psf) and np.array_equal(picture.noise, noise)
        assert (picture.pixel_scale, picture.unit) == (0.03, "MJy/sr")
        assert picture.microjansky == pytest.approx(23.504, rel=1e-4)


def test_squares_that_lie_flat_in_several_tables(tmp_path: Path) -> None:
    """Tables called after splits are these; units of the pixels become surface brightness."""
    units: list[Any] = [fits.PrimaryHDU()]
    stamps = image(0, 2, 4, 100)
    for part, name in zip(stamps, ("TRAIN", "TEST"), strict=True):
        column = fits.Column("STAMP", "100D", array=part, unit="nJy")
        scale = fits.Column("PIXEL_SCALE", "D", array=[0.05] * 4)
        units.append(fits.BinTableHDU.from_columns([column, scale], name=name))
    fits.HDUList(units).writeto(tmp_path / "a.fits.gz")
    source = open_source(tmp_path)
    assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 4
    for index, stamp in enumerate(stamps.reshape(8, 10, 10)):
        assert np.allclose(source.read(index).pixels[0], stamp)
    assert source.read(0).microjansky == pytest.approx(0.4)


@pytest.mark.parametrize("files", [2, 10])
def test_tables_of_images_that_are_shards(files: int, tmp_path: Path) -> None:
    """A folder of FITS tables with images is one set of images."""
    stamps = image(0, files, 3, 12, 12)
    for number, part in enumerate(stamps):
        column = fits.Column("image", "144E", dim="(12,12)", array=part)
        fits.BinTableHDU.from_columns([column]).writeto(tmp_path / f"shard_{number}.fits")
    source = open_source(tmp_path)
    assert len(source.items) == 3 * files
    read = {source.read(index).pixels.tobytes() for index in range(3 * files)}
    assert read == {stamp.tobytes() for stamp in stamps.reshape(-1, 12, 12)}
