"""Layouts that people of the field have: every image, band, class, split and noise map is read."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits

from lensbench import DataError
from lensbench.data.conversion import convert
from lensbench.data.inspection import inspect_source
from lensbench.data.layouts import open_source, open_sources
from lensbench.data.picture import Selection, Source
from lensbench.data.report import lines_of

CASES = Path(__file__).parents[4] / "shared" / "cases"


def quiet(*_: object) -> None:
    """Reports nothing."""


def image(seed: int, *shape: int) -> np.ndarray:
    """Noise of this shape."""
    return np.random.default_rng(seed).normal(1, 0.1, shape).astype(np.float32)


def save(path: Path, array: np.ndarray) -> None:
    """Writes a .npy with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array, allow_pickle=array.dtype == object)


def pixels(source: Source) -> list[np.ndarray]:
    """All images of a source."""
    return [source.read(index).pixels for index in range(len(source.items))]


def sky(scale: float, **cards: object) -> fits.Header:
    """A header with a WCS by PC and CDELT."""
    header = fits.Header()
    header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=10.5, CRPIX2=10.5, CRVAL1=150.0, CRVAL2=2.0,
        CDELT1=scale / 3600, CDELT2=scale / 3600, PC1_1=-1.0, PC2_2=1.0, **cards,
    )  # fmt: skip
    return header


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


@pytest.mark.parametrize("names", [("lenses", "nonlenses"), ("ring", "galaxy")])
def test_split_and_class_in_one_folder_name(names: tuple[str, str], tmp_path: Path) -> None:
    """`train_lenses`, `test_nonlenses` …: two splits of two classes, all three bands."""
    for number, (split, label) in enumerate((s, n) for s in ("train", "test") for n in names):
        for i in range(number + 1):
            save(tmp_path / f"{split}_{label}" / f"{i}.npy", image(10 * number + i, 3, 16, 16))
    source = open_source(tmp_path)
    assert Counter((item.split, item.label) for item in source.items) == {
        ("train", names[0]): 1, ("train", names[1]): 2,
        ("test", names[0]): 3, ("test", names[1]): 4,
    }  # fmt: skip
    assert {one.shape for one in pixels(source)} == {(3, 16, 16)}


def test_archives_name_the_command(tmp_path: Path) -> None:
    """A zip of folders and a tgz are not read as something else: the command unpacks them."""
    save(tmp_path / "a" / "train" / "no" / "1.npy", image(0, 1, 16, 16))
    with zipfile.ZipFile(tmp_path / "dataset.zip", "w") as archive:
        archive.write(tmp_path / "a" / "train" / "no" / "1.npy", "dataset/train/no/1.npy")
    with tarfile.open(tmp_path / "lens_data.tgz", "w:gz") as archive:
        archive.add(tmp_path / "a", "lens_data")
    for name, command in (("dataset.zip", "unzip"), ("lens_data.tgz", "tar -xf")):
        with pytest.raises(DataError, match="an archive") as caught:
            open_source(tmp_path / name)
        assert command in caught.value.hint
    (tmp_path / "only").mkdir()
    (tmp_path / "dataset.zip").rename(tmp_path / "only" / "dataset.zip")
    with pytest.raises(DataError, match="1 archives and no images") as caught:
        open_source(tmp_path / "only")
    assert "unzip" in caught.value.hint


@pytest.mark.parametrize("form", ["npz", "hdf5", "groups", "files"])
@pytest.mark.parametrize("names", ["{s}_images {s}_labels", "x_{s} y_{s}"])
def test_splits_in_the_names_of_arrays(form: str, names: str, tmp_path: Path) -> None:
    """`x_train, y_train, x_test, y_test` and the like: all images, with their splits."""
    sizes = {"train": 6, "val": 2, "test": 3}
    images, labels = names.split()
    arrays = {}
    for seed, (split, count) in enumerate(sizes.items()):
        arrays[images.format(s=split)] = image(seed, count, 16, 16)
        arrays[labels.format(s=split)] = (np.arange(count) % 2).reshape(-1, 1)
    path = tmp_path / "a.h5"
    if form == "npz":
        path = tmp_path / "a.npz"
        np.savez(path, **arrays)
    elif form == "files":
        path = tmp_path
        for name, array in arrays.items():
            save(tmp_path / f"{name}.npy", array)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                split = next(s for s in sizes if s in name)
                short = name.replace(split, "").strip("_")
                file[f"{split}/{short}" if form == "groups" else name] = array
    source = open_source(path)
    assert Counter(item.split for item in source.items) == sizes
    assert Counter(item.label for item in source.items) == {"0": 6, "1": 5}
    for seed, (split, count) in enumerate(sizes.items()):
        chosen = [i for i, item in enumerate(source.items) if item.split == split]
        read = np.stack([source.read(i).pixels[0] for i in chosen])
        assert np.array_equal(read, image(seed, count, 16, 16))


def test_positional_npz(tmp_path: Path) -> None:
    """`np.savez(path, images, labels)`: the integers are the classes."""
    np.savez(tmp_path / "a.npz", image(0, 6, 16, 16), np.arange(6) % 3)
    source = open_source(tmp_path / "a.npz")
    assert [item.label for item in source.items] == ["0", "1", "2", "0", "1", "2"]


def test_other_stacks_are_said_to_be_left_out(tmp_path: Path) -> None:
    """A second stack is not dropped without a word."""
    np.savez(tmp_path / "a.npz", images=image(0, 6, 16, 16), extra=image(1, 4, 20, 20))
    source = open_source(tmp_path / "a.npz")
    assert len(source.items) == 6
    assert source.left_out == ("'extra' (4, 20, 20): another set of images; take it with --key",)
    assert any(
        line.strip().startswith("left out    'extra'")
        for line in lines_of(inspect_source(source, quiet))
    )


def test_numbers_of_an_npz_are_columns(tmp_path: Path) -> None:
    """A `y` of fractions is a number to measure, and no class."""
    np.savez(tmp_path / "a.npz", x=image(0, 6, 16, 16), y=np.linspace(0.5, 2, 6))
    source = open_source(tmp_path / "a.npz")
    assert {item.label for item in source.items} == {""}
    assert np.allclose(source.columns["y"].values, np.linspace(0.5, 2, 6))


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


def test_a_folder_a_lens(tmp_path: Path) -> None:
    """`lensNN/{data,noise_map,psf}.fits`: an image a folder, with its own noise and PSF."""
    for k in range(2):
        folder = tmp_path / f"lens{k:02d}"
        folder.mkdir()
        arrays = {"data": image(k, 20, 20), "noise_map": np.full((20, 20), 0.2 + k),
                  "psf": np.full((5, 5), 0.04)}  # fmt: skip
        for name, array in arrays.items():
            unit = fits.PrimaryHDU(array)
            unit.header["PIXSCAY"] = unit.header["PIXSCAX"] = 0.1
            unit.writeto(folder / f"{name}.fits")
    source = open_source(tmp_path)
    assert [item.scene for item in source.items] == ["lens00", "lens01"]
    assert {item.label for item in source.items} == {""}
    for k in range(2):
        picture = source.read(k)
        assert np.array_equal(picture.pixels[0], image(k, 20, 20))
        assert picture.noise is not None and np.allclose(picture.noise, 0.2 + k)
        assert picture.psf is not None and picture.psf.shape == (5, 5)
        assert picture.pixel_scale == 0.1


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


def test_a_chunk_of_many_images_is_unpacked_once(tmp_path: Path) -> None:
    """2,000 images in one gzip chunk take seconds, and each is what was written."""
    images = image(0, 2000, 64, 64)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, chunks=images.shape, compression="gzip",
                            compression_opts=1)  # fmt: skip
        file["labels"] = np.arange(2000) % 3
    began = time.process_time()
    read = pixels(open_source(path))
    assert time.process_time() - began < 5
    assert np.array_equal(np.stack(read)[:, 0], images)


def test_pairs_by_their_full_names(tmp_path: Path) -> None:
    """Running numbers that contain 75 or 150 are no marks of a side: ten pairs are ten scenes."""
    numbers = (*range(4), 75, 150, 751, 1501, 7501, 15001)
    for k in numbers:
        save(tmp_path / "HR" / f"sim_{k}.npy", image(k, 1, 30, 30))
        save(tmp_path / "LR" / f"sim_{k}.npy", image(k + 1, 1, 15, 15))
    source = open_source(tmp_path)
    assert source.layout == "pairs"
    scenes = Counter(item.scene for item in source.items)
    assert len(scenes) == 10 and set(scenes.values()) == {2}
    for index, item in enumerate(source.items):
        number = int(item.scene.removeprefix("sim_"))
        seed, side = (number, 30) if item.condition == "HR" else (number + 1, 15)
        assert np.array_equal(source.read(index).pixels[0], image(seed, 1, side, side)[0])


def test_several_tables_are_one(tmp_path: Path) -> None:
    """Tables named after splits are merged; what has no row or no image is named."""
    names = [f"{k / 10:.6f}_{k}.npy" for k in range(7)]
    for k, name in enumerate(names):
        save(tmp_path / "lens_data" / name, image(k, 16, 16))
    np.save(tmp_path / "y.npy", np.arange(7) / 10)
    parts = {"train": names[:3], "val": names[3:4], "test": [*names[4:6], "absent.npy"]}
    for split, its in parts.items():
        rows = [f"{i},{name},{0.4 + i}" for i, name in enumerate(its)]
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


def objects(parts: list[object]) -> np.ndarray:
    """An array of objects, as the release has them."""
    array = np.empty(len(parts), dtype=object)
    array[:] = parts
    return array


@pytest.mark.parametrize(
    ("kind", "mass"), [("plain", None), ("rows", None), ("flat", 1.2e-23), ("rows and mass", 3e-23)]
)
def test_kinds_of_the_release(kind: str, mass: float | None, tmp_path: Path) -> None:
    """Plain, rows, a flat image with its mass, rows with a mass: the same 64² image."""
    wanted = np.random.default_rng(0).random((64, 64))
    made = {
        "plain": wanted, "rows": objects(list(wanted)), "flat": objects([wanted.ravel(), mass]),
        "rows and mass": objects([*wanted, np.array([mass])]),
    }[kind]  # fmt: skip
    save(tmp_path / "all" / "1.npy", made)
    source = open_source(tmp_path / "all", Selection(objects=True))
    picture = source.read(0)
    assert np.array_equal(picture.pixels[0], wanted.astype(np.float32))
    assert picture.values.get("mass") == mass
    convert(source, tmp_path / "out.h5", False, quiet)
    assert np.array_equal(open_source(tmp_path / "out.h5").read(0).pixels, picture.pixels)


def test_a_last_shard_of_few_images_is_a_stack(tmp_path: Path) -> None:
    """(3, 65, 65) beside (7, 65, 65) are three images; alone it is one, and a note says so."""
    save(tmp_path / "a" / "part_1.npy", image(0, 7, 65, 65))
    save(tmp_path / "a" / "part_2.npy", image(1, 3, 65, 65))
    source = open_source(tmp_path / "a")
    assert len(source.items) == 10
    assert np.array_equal(source.read(9).pixels[0], image(1, 3, 65, 65)[2])
    save(tmp_path / "lone.npy", image(1, 3, 65, 65))
    alone = open_source(tmp_path / "lone.npy")
    assert alone.read(0).pixels.shape == (3, 65, 65)
    assert "--shape 3,1,65,65" in alone.notes[0]
    assert len(open_source(tmp_path / "lone.npy", Selection(shape=(3, 1, 65, 65))).items) == 3


def test_band_folders_are_bands_of_one_object(tmp_path: Path) -> None:
    """`lens/Band1..4/imageSDSS_R-100002.fits`: two objects of four bands, and no class."""
    for band, name in enumerate("RIGU", start=1):
        (tmp_path / "lens" / f"Band{band}").mkdir(parents=True)
        for number in (100002, 100003):
            path = tmp_path / "lens" / f"Band{band}" / f"imageSDSS_{name}-{number}.fits"
            fits.writeto(path, image(band * number % 97, 20, 20))
    source = open_source(tmp_path)
    assert Counter(item.scene for item in source.items) == {"100002": 4, "100003": 4}
    assert Counter(item.condition for item in source.items) == dict.fromkeys(
        ("Band1", "Band2", "Band3", "Band4"), 2
    )
    assert {item.label for item in source.items} == {""}


def test_one_group_an_object(tmp_path: Path) -> None:
    """A file of one HDF5 group an object has as many images as groups, each with its noise."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for k in range(4):
            file[f"lens_{k}/image"] = image(k, 20, 20)
            file[f"lens_{k}/noise_map"] = np.full((20, 20), 0.5 + k)
    source = open_source(tmp_path / "a.h5")
    assert len(source.items) == 4
    for k in range(4):
        picture = source.read(k)
        assert np.array_equal(picture.pixels[0], image(k, 20, 20))
        assert picture.noise is not None and np.allclose(picture.noise, 0.5 + k)


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


COUNTS = {
    "01-tile-compressed-fits": 3, "02-gsoc-lens-finding": 116, "05-npz-splits": 195,
    "06-jwst-mef": 4, "07-autolens-header": 2, "10-h5-one-chunk": 2000, "12-pair-names": 20,
    "13-regression-csv": 30,
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_every_image_of_the_collected_cases(name: str, tmp_path: Path) -> None:
    """The scripts of the collection, where it is there: as many images as they write."""
    script = CASES / f"{name}.py"
    if not script.is_file():
        pytest.skip(f"no {script}")
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True)
    sources = open_sources(tmp_path / name[:2])
    assert sum(len(source.items) for source in sources) == COUNTS[name]
    assert sum(len(pixels(source)) for source in sources) == COUNTS[name]
