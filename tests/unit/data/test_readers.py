"""Readers: every layout gives the same pictures, (C, H, W) native float32, with what is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from lensbench import DataError
from lensbench.data.layouts import open_source, open_sources
from lensbench.data.picture import Selection
from lensbench.data.readers.axes import as_picture
from lensbench.data.readers.extensions import bands_of, named

Write = Callable[[str], Path]
Rings = Callable[..., np.ndarray]


@given(
    st.sampled_from(["<f4", ">f4", "<f8", ">f8", ">i2", "<i8", "|u1"]),
    st.integers(1, 4),
    st.sampled_from(["first", "last"]),
)
def test_axes_and_byte_orders(dtype: str, channels: int, place: str) -> None:
    """Channels first or last and any byte order give the same native float32 (C, H, W)."""
    wanted = (np.arange(channels * 9 * 11) % 100).reshape(channels, 9, 11)
    given_ = wanted if place == "first" else np.moveaxis(wanted, 0, -1)
    read = as_picture("x", given_.astype(dtype))
    assert read.dtype == np.float32 and read.dtype.isnative
    assert read.flags.c_contiguous
    assert np.array_equal(read, wanted)


@pytest.mark.parametrize("name", ["npy", "npz", "hdf5", "container", "parquet", "huggingface"])
def test_stacks_agree(name: str, write: Write, rings: Rings) -> None:
    """A stack reads back as what was written, whatever the format."""
    source = open_source(write(name))
    assert len(source.items) == 6
    read = np.stack([source.read(i).pixels for i in range(6)])
    assert read.dtype == np.float32
    assert np.array_equal(read, rings(6))
    assert len({item.name for item in source.items}) == 6


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("npy", {"0": 2, "1": 2, "2": 2}),
        ("npz", {"0": 3, "1": 3}),
        ("hdf5", {"0": 3, "1": 3}),
        ("parquet", {"x": 3, "y": 3}),
        ("huggingface", {"lens": 3, "other": 3}),
        ("classes", {"axion": 3, "cdm": 3, "no_sub": 3}),
    ],
)
def test_classes_are_found(name: str, classes: dict[str, int], write: Write) -> None:
    """Classes are found beside the images, and each has as many as were written."""
    assert Counter(item.label for item in open_source(write(name)).items) == classes


def test_fits_brings_psf_noise_scale_and_unit(write: Write) -> None:
    """An image with PSF and NOISE brings both, its pixel scale, unit and dtype on disk."""
    picture = open_source(write("fits")).read(0)
    assert picture.psf is not None and picture.psf.shape == (5, 5)
    assert picture.noise is not None and picture.noise.shape == (20, 20)
    assert (picture.pixel_scale, picture.unit, picture.dtype) == (0.05, "electron/s", ">f4")


def test_bands_of_one_file(write: Write) -> None:
    """Each band of a file is an item with the PSF and noise of its own prefix."""
    source = open_source(write("bands"))
    assert [item.condition for item in source.items] == ["VIS", "NIR_H"]
    assert len({item.scene for item in source.items}) == 1
    noise = [source.read(i).noise for i in range(2)]
    assert [float(one.mean()) for one in noise if one is not None] == [1.0, 2.0]


@pytest.mark.parametrize("extension", ["NIR_H", "NIR_H_BGSUB", "4", "nir_h"])
def test_extension_by_name_or_number(extension: str, write: Write) -> None:
    """An extension is named in full, by its band, or by its number."""
    path = write("bands")
    source = open_source(path, Selection(extension=extension))
    assert len(source.items) == 1
    assert np.array_equal(source.read(0).pixels[0], fits.getdata(path, "NIR_H_BGSUB"))


def test_wcs_gives_the_pixel_scale(tmp_path: Path) -> None:
    """Without PIXSCALE the WCS says how large pixels are."""
    image = fits.PrimaryHDU(np.random.default_rng(0).normal(size=(9, 9)))
    image.header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=1.0, CRVAL2=2.0, CRPIX1=5, CRPIX2=5,
        CDELT1=-0.1 / 3600, CDELT2=0.1 / 3600,
    )  # fmt: skip
    image.writeto(tmp_path / "a.fits")
    assert open_source(tmp_path / "a.fits").read(0).pixel_scale == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["csv", "fits"])
def test_table_beside_images(kind: str, tmp_path: Path) -> None:
    """A CSV or FITS table gives classes and numbers to the files that its rows name."""
    from astropy.table import Table

    names = []
    for i in range(3):
        np.save(tmp_path / f"cutout{i}.npy", np.random.default_rng(i).normal(size=(9, 9)))
        names.append(f"cutout{i}.npy")
    table = Table({"file": names, "is_lens": [1, 0, 1], "theta_E": [1.5, 0.0, 0.7]})
    table.write(tmp_path / f"truth.{kind}")
    selection = Selection(table=f"truth.{kind}" if kind == "fits" else "")
    if kind == "fits":
        (tmp_path / "tables").mkdir()
        moved = (tmp_path / "truth.fits").rename(tmp_path / "tables" / "truth.fits")
        selection = Selection(table=str(moved))
    source = next(s for s in open_sources(tmp_path, selection) if s.layout == "image-folder")
    assert [item.label for item in source.items] == ["1", "0", "1"]
    assert source.read(2).values["theta_E"] == pytest.approx(0.7)


def test_lens_finding_challenge(tmp_path: Path) -> None:
    """Numbered FITS with a CSV whose first column is that number, after a comment line."""
    for i in (100000, 100001):
        data = np.random.default_rng(i).normal(size=(101, 101)).astype(">f4")
        fits.writeto(tmp_path / f"imageSDSS_R-{i}.fits", data)
    (tmp_path / "classifications.csv").write_text(
        "# Bologna\nID,is_lens,Einstein_area\n100000,1,2.5\n100001,0,0\n"
    )
    source = open_source(tmp_path)
    assert [item.label for item in source.items] == ["1", "0"]
    assert source.read(0).values["Einstein_area"] == 2.5


def test_split_and_class_folders(tmp_path: Path, rings: Rings) -> None:
    """`{train,val}/{no,sphere,vort}` is the release's other layout, with its splits."""
    for split in ("train", "val"):
        for name in ("no", "sphere", "vort"):
            (tmp_path / split / name).mkdir(parents=True)
            np.save(tmp_path / split / name / "1.npy", rings(1, 64)[0])
    source = open_source(tmp_path)
    assert source.layout == "deeplense-class-folders"
    assert Counter(item.split for item in source.items) == {"train": 3, "val": 3}
    assert "vort is vortex" in " ".join(source.notes)


def test_super_resolution_pairs(tmp_path: Path, rings: Rings) -> None:
    """Folders LR and HR of the same names, 75² and 150², are pairs of one scene each."""
    for name, side in (("HR", 150), ("LR", 75)):
        (tmp_path / name).mkdir()
        for i in range(2):
            np.save(tmp_path / name / f"sample{i}_{name}.npy", rings(1, side, i)[0])
    source = open_source(tmp_path)
    assert source.layout == "pairs"
    assert "75² and 150²" in source.title
    assert Counter(item.scene for item in source.items) == {"sample0": 2, "sample1": 2}


def test_memory_map_without_header(tmp_path: Path, rings: Rings) -> None:
    """A bare memory map called .npy: the error proposes how to load it, and that works."""
    images = rings(5, 64)
    path = tmp_path / "bare.npy"
    images.tofile(path)
    with pytest.raises(DataError, match=r"has no \.npy header") as caught:
        open_source(path)
    assert "--shape 5,64,64 --dtype '<f4'" in caught.value.hint
    source = open_source(path, Selection(shape=(5, 64, 64), dtype="<f4"))
    assert np.array_equal(source.read(3).pixels, images[3])
    with pytest.raises(DataError, match="bytes"):
        open_source(path, Selection(shape=(6, 64, 64), dtype="<f4"))


def test_hdf5_key_by_name(tmp_path: Path, rings: Rings) -> None:
    """Images and classes are found in groups too, when they are named."""
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["survey/cutouts"] = rings(4).astype(">f8")
        file["survey/kind"] = np.array([b"ring", b"arc", b"ring", b"arc"])
        file["other"] = rings(9)
    selection = Selection(key="survey/cutouts", labels="survey/kind")
    source = open_source(tmp_path / "a.hdf5", selection)
    assert [item.label for item in source.items] == ["ring", "arc", "ring", "arc"]
    assert np.array_equal(source.read(1).pixels, rings(4)[1])
    assert source.read(1).dtype == ">f8"


def test_labels_must_fit(tmp_path: Path, rings: Rings) -> None:
    """Classes that are more or fewer than the images are refused, not cut or filled up."""
    np.save(tmp_path / "X.npy", rings(4))
    np.save(tmp_path / "y.npy", np.zeros((5, 1)))
    with pytest.raises(DataError, match="5 classes for 4 images"):
        open_source(tmp_path / "X.npy")


def test_png_in_a_parquet(tmp_path: Path) -> None:
    """Images encoded as PNG, as the hub stores them, are decoded."""
    import datasets
    from PIL import Image

    datasets.disable_progress_bars()
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rows = {"image": [Image.fromarray(pixels)], "label": ["ring"]}
    dataset = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
    dataset.save_to_disk(str(tmp_path / "hf"))
    dataset.to_parquet(str(tmp_path / "a.parquet"))
    for name in ("hf", "a.parquet"):
        source = open_source(tmp_path / name)
        assert np.array_equal(source.read(0).pixels[0], pixels)


def test_dataset_dict_has_splits(tmp_path: Path, rings: Rings) -> None:
    """Splits of a `DatasetDict` are splits of the source."""
    import datasets

    features = datasets.Features({"image": datasets.Array3D(shape=(1, 16, 16), dtype="float32")})
    parts = {
        split: datasets.Dataset.from_dict({"image": list(rings(n, seed=n))}, features=features)
        for split, n in (("train", 3), ("test", 2))
    }
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "hf"))
    source = open_source(tmp_path / "hf")
    assert Counter(item.split for item in source.items) == {"train": 3, "test": 2}
    assert np.array_equal(source.read(4).pixels, rings(2, seed=2)[1])


def test_hub_reader_takes_a_local_copy(tmp_path: Path, rings: Rings) -> None:
    """The hub reader reads a local copy, and says what to do by hand where there is none."""
    import datasets

    features = datasets.Features({"image": datasets.Array3D(shape=(1, 16, 16), dtype="float32")})
    (tmp_path / "copy").mkdir()
    rows = datasets.Dataset.from_dict({"image": list(rings(3))}, features=features)
    rows.to_parquet(str(tmp_path / "copy" / "train.parquet"))
    source = open_source(Path(f"hf:{tmp_path / 'copy'}"))
    assert np.array_equal(source.read(2).pixels, rings(3)[2])
    with pytest.raises(DataError, match="cannot be loaded") as caught:
        open_source(Path(f"hf:{tmp_path / 'absent'}"))
    assert "hf download" in caught.value.hint


def test_folder_of_several_kinds(tmp_path: Path, rings: Rings) -> None:
    """A folder of folders gives one source for each that is known."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    np.savez(tmp_path / "a" / "x.npz", images=rings(3))
    np.save(tmp_path / "b" / "1.npy", rings(1)[0])
    assert {Path(s.path).name for s in open_sources(tmp_path)} == {"x.npz", "b"}
    with pytest.raises(DataError, match="2 sets of images"):
        open_source(tmp_path)


def test_extensions_of_one_name_are_paired_in_their_order(tmp_path: Path) -> None:
    """The first noise map goes with the first image; as many as do not pair go with none."""
    units: list[fits.ImageHDU] = []
    for level in (1.0, 2.0, 3.0):
        units.append(fits.ImageHDU(np.full((16, 16), level, np.float32), name="SCI"))
        units.append(fits.ImageHDU(np.full((16, 16), level / 10, np.float32), name="ERR"))
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / "pairs.fits")
    source = open_source(tmp_path / "pairs.fits")
    pictures = [source.read(index) for index in range(3)]
    assert [picture.pixels.max() for picture in pictures] == [1.0, 2.0, 3.0]
    assert [picture.noise.max() for picture in pictures] == pytest.approx([0.1, 0.2, 0.3])
    fits.HDUList([fits.PrimaryHDU(), *units[:-1]]).writeto(tmp_path / "odd.fits")
    odd = open_source(tmp_path / "odd.fits")
    assert [odd.read(index).noise is None for index in range(3)] == [True] * 3


def test_extensions_are_grouped_in_linear_time() -> None:
    """5,000 images of one name, each with its noise map: a pair each, and each looked at once."""
    found = [
        named(number, "SCI" if number % 2 else "ERR", 1, (16, 16)) for number in range(1, 10_001)
    ]
    bands = bands_of(found, [one for one in found if one.role == "image"])
    assert len(bands) == 5000
    assert all(band.partners == {"noise": (band.image + 1,)} for band in bands)


def test_the_folder_that_one_is_in_has_the_same_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by its path or as `.`: names of images are relative to it."""
    for name in ("a/0.npy", "a/1.npy", "b/0.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / name, np.random.default_rng(0).normal(size=(16, 16)))
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, Path(), Path("../" + tmp_path.name)):
        items = open_source(folder).items
        assert [item.name for item in items] == ["a/0.npy", "a/1.npy", "b/0.npy"]
        assert [item.scene for item in items] == [item.name for item in items]
