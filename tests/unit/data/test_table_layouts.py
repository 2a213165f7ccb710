"""Tables of images, and tables beside images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.unit.data.images_on_disk import image, save

from lensbench import DataError
from lensbench.data.layouts import open_source


@pytest.mark.parametrize("form", ["hdf5", "parquet", "saved"])
def test_multimodal_universe(form: str, tmp_path: Path) -> None:
    """Bands, scale, width of the PSF and inverse variance of every image are taken."""
    count, bands, side = 3, ["DES-G", "DES-R", "DES-I"], 16
    images = image(0, count, 3, side, side)
    if form == "hdf5":
        path = tmp_path / "001-of-001.hdf5"
        with h5py.File(path, "w") as file:
            file["image_array"], file["image_ivar"] = images, np.full_like(images, 4.0)
            file["image_mask"] = np.ones(images.shape, bool)
            file["image_band"] = np.array([[b.encode() for b in bands]] * count)
            file["image_psf_fwhm"] = np.full((count, 3), 1.1, "f4")
            file["image_scale"] = np.full((count, 3), 0.262, "f4")
            file["object_id"], file["ra"] = np.arange(count), np.linspace(0, 1, count)
    else:
        path = _multimodal_datasets(tmp_path, images, bands, form)
    source = open_source(path)
    assert len(source.items) == count
    for index in range(count):
        picture = source.read(index)
        assert np.array_equal(picture.pixels, images[index])
        assert picture.bands == tuple(bands)
        assert picture.pixel_scale == pytest.approx(0.262)
        assert picture.psf_fwhm == pytest.approx(1.1)
        assert picture.noise is not None and np.allclose(picture.noise, 0.5)
        assert picture.mask is None or not picture.mask.any()


def _multimodal_datasets(folder: Path, images: np.ndarray, bands: list[str], form: str) -> Path:
    import datasets

    datasets.disable_progress_bars()
    side = images.shape[-1]
    plane = datasets.Array2D((side, side), "float32")
    number = datasets.Value("float32")
    struct = {
        "band": datasets.Value("string"),
        "array": plane,
        "ivar": plane,
        "psf_fwhm": number,
        "scale": number,
    }
    features = datasets.Features(
        {"image": datasets.Sequence(struct), "object_id": datasets.Value("string")}
    )
    ivar = [np.full((side, side), 4.0, "f4")] * 3
    rows = [
        {"image": {"band": bands, "array": list(one), "ivar": ivar, "psf_fwhm": [1.1] * 3,
                   "scale": [0.262] * 3}, "object_id": str(i)}
        for i, one in enumerate(images)
    ]  # fmt: skip
    made = datasets.Dataset.from_list(rows, features=features)
    if form == "saved":
        made.save_to_disk(str(folder / "saved"))
        return folder / "saved"
    made.to_parquet(str(folder / "a.parquet"))
    return folder / "a.parquet"


def test_several_tables_are_one(tmp_path: Path) -> None:
    """Tables named after splits are merged; what has no row or no image is named."""
    names = [f"{k / 10:.6f}_{k}.npy" for k in range(7)]
    for k, name in enumerate(names):
        save(tmp_path / "lens_data" / name, image(k, 16, 16))
    np.save(tmp_path / "y.npy", np.arange(7) / 10)
    parts = {"train": names[:3], "val": names[3:4], "test": [*names[4:6], "absent.npy"]}
    for split, members in parts.items():
        rows = [f"{i},{name},{0.4 + i}" for i, name in enumerate(members)]
        (tmp_path / f"{split} description.csv").write_text(
            "\n".join([",filename,mass [M_sun]", *rows])
        )
    source = open_source(tmp_path)
    assert Counter(item.split for item in source.items) == {
        "train": 3, "val": 1, "test": 2, "": 1,
    }  # fmt: skip
    masses = source.columns["mass"]
    assert masses.unit == "M_sun"
    assert np.allclose(masses.values, [0.4, 1.4, 2.4, 0.4, 0.4, 1.4, np.nan], equal_nan=True)
    said = " ".join(source.left_out)
    assert f"for 1 images: {names[6]}" in said and "1 rows of" in said and "absent.npy" in said
    assert "y.npy" in said


def test_tables_that_disagree_are_refused(tmp_path: Path) -> None:
    """Two values for one image: both tables, the column and the values are named."""
    save(tmp_path / "1.npy", image(0, 16, 16))
    (tmp_path / "a.csv").write_text("file,mass\n1.npy,2\n")
    (tmp_path / "b.csv").write_text("file,mass\n1.npy,3\n")
    with pytest.raises(DataError, match=r"a\.csv.*b\.csv.*disagree on 'mass' of '1\.npy'"):
        open_source(tmp_path)
