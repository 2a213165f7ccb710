"""Folders of images as people arrange them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from tests.unit.data.images_on_disk import image, pixels, save

from lensbench import DataError
from lensbench.data.layouts import open_source, open_sources
from lensbench.data.picture import Selection


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


def test_classes_of_images_with_their_own_psf_and_noise(tmp_path: Path) -> None:
    """Several images a folder with `_psf` and `_noise` beside each: folders are classes."""
    for number, label in enumerate(("lens", "galaxy")):
        for i in range(3):
            level = 0.1 * (1 + i + 3 * number)
            parts = {"": image(10 * number + i, 20, 20), "_psf": np.full((5, 5), 0.04)}
            parts["_noise"] = np.full((20, 20), level)
            for part, array in parts.items():
                save(tmp_path / label / f"{i}{part}.npy", array)
    source = open_source(tmp_path)
    assert [item.label for item in source.items] == ["galaxy"] * 3 + ["lens"] * 3
    levels = [source.read(index).noise.mean() for index in range(6)]
    assert levels == pytest.approx([0.4, 0.5, 0.6, 0.1, 0.2, 0.3])
    assert {source.read(index).psf.shape for index in range(6)} == {(5, 5)}
    save(tmp_path / "lens" / "1_noise.npy", np.ones((10, 10)))
    with pytest.raises(DataError, match=r"1_noise\.npy' has 10 × 10 pixels, its image '1\.npy'"):
        open_source(tmp_path).read(4)


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


DATA = os.environ.get("LENSBENCH_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")
CASES = Path(DATA).parent / "cases"


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


def test_pairs_of_one_folder_are_known_by_a_word_of_their_names(tmp_path: Path) -> None:
    """`img_1_lr.npy` and `img_1_hr.npy` are two sides of a scene, wherever the word stands."""
    for form in ("img_{i}_{side}.npy", "{side}-{i}.npy"):
        folder = tmp_path / form[:3].strip("{")
        for i in range(3):
            save(folder / form.format(i=i, side="lr"), image(i, 16, 16))
            save(folder / form.format(i=i, side="hr"), np.kron(image(i, 16, 16), np.ones((2, 2))))
        source = open_source(folder)
        assert source.title == "super-resolution pairs, 16² and 32² pixels"
        scenes: dict[str, dict[str, int]] = {}
        for index, item in enumerate(source.items):
            scenes.setdefault(item.scene, {})[item.condition] = index
        assert len(scenes) == 3
        for sides in scenes.values():
            low, high = (source.read(sides[side]).pixels[0] for side in ("LR", "HR"))
            assert np.array_equal(high[::2, ::2], low)


def test_bands_in_the_names_of_files_are_of_one_object(tmp_path: Path) -> None:
    """`a1_g.npy` and `a1_r.npy` of a class are one object; names that say no band stay apart."""
    for number, label in enumerate(("lens", "galaxy")):
        for i in range(2):
            for place, band in enumerate("gr"):
                save(
                    tmp_path / "a" / label / f"a{i}_{band}.npy",
                    image(10 * number + i, 9, 9) + place,
                )
            save(tmp_path / "b" / label / f"a{i}_x{i}.npy", image(10 * number + i, 9, 9))
    items = open_source(tmp_path / "a").items
    assert Counter((item.label, item.condition) for item in items) == dict.fromkeys(
        [(label, band) for label in ("lens", "galaxy") for band in "gr"], 2
    )
    assert {item.scene for item in items} == {
        f"{label}/a{i}" for label in ("lens", "galaxy") for i in range(2)
    }
    assert {item.condition for item in open_source(tmp_path / "b").items} == {""}


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "png"), ("RGB", "png"), ("P", "png"), ("RGBA", "png"), ("I;16", "png"), ("F", "tif")],
)
def test_pictures_in_class_folders_have_the_brightness_of_their_channels(
    mode: str, suffix: str, tmp_path: Path
) -> None:
    """Palettes are looked up and transparency is dropped; deeper pictures keep their depth."""
    rng = np.random.default_rng(0)
    shape = (12, 10, 3) if mode in ("RGB", "P", "RGBA") else (12, 10)
    for label in ("lens", "galaxy"):
        for i in range(2):
            array = rng.integers(0, 4, shape) * 60
            kind = {"I;16": "u2", "F": "f4"}.get(mode, "u1")
            array = array.astype(kind) * (100 if kind == "u2" else 1)
            picture = Image.fromarray(array)
            if mode == "P":
                picture = picture.quantize(64)
            elif mode == "RGBA":
                picture.putalpha(7)
            (tmp_path / label).mkdir(exist_ok=True)
            picture.save(tmp_path / label / f"{i}.{suffix}")
            np.save(tmp_path / f"{label}{i}", array)
    wanted = {file.stem: np.load(file) for file in tmp_path.glob("*.npy")}
    for file in tmp_path.glob("*.npy"):
        file.unlink()
    source = open_source(tmp_path)
    assert Counter(item.label for item in source.items) == {"lens": 2, "galaxy": 2}
    for index, item in enumerate(source.items):
        array = wanted[item.label + Path(item.name).stem].astype("f4")
        found = source.read(index).pixels
        assert np.array_equal(found, np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None])
    save(tmp_path / "lens" / "0.npy", image(0, 16, 16))
    save(tmp_path / "galaxy" / "0.npy", image(1, 16, 16))
    assert {item.name for item in open_source(tmp_path).items} == {"galaxy/0.npy", "lens/0.npy"}


def test_a_split_without_class_folders_is_left_out(tmp_path: Path) -> None:
    """`train` and `val` have classes, `test` lies flat: its images have no class, which is said."""
    for split in ("train", "val"):
        for label in ("lens", "other"):
            save(tmp_path / split / label / "1.npy", image(len(split + label), 12, 12))
    save(tmp_path / "test" / "1.npy", image(0, 12, 12))
    source = open_source(tmp_path)
    found = {(item.split, item.label) for item in source.items}
    assert found == {(s, c) for s in ("train", "val") for c in ("lens", "other")}
    assert source.left_out == ("test: 1 images without a class",)


def test_what_no_reader_takes_is_said_of_all_folders(tmp_path: Path) -> None:
    """Other formats, broken links, empty folders, pictures beside arrays; not files about data."""
    for k in range(3):
        save(tmp_path / "lens" / f"{k}.npy", image(k, 16, 16))
        save(tmp_path / "other" / f"{k}.npy", image(9 + k, 16, 16))
    (tmp_path / "unknown").mkdir()
    (tmp_path / "other" / "gone.npy").symlink_to(tmp_path / "nowhere.npy")
    (tmp_path / "other" / "labels.json").write_text("{}")
    (tmp_path / "lens" / "a.PNG").write_bytes(b"\x89PNG")
    (tmp_path / "lens" / "frame").write_bytes(b"SIMPLE  =")
    (tmp_path / "README.txt").write_text("these are lenses")
    (tmp_path / "old.zip").write_bytes(b"PK")
    source = open_source(tmp_path)
    assert len(source.items) == 6
    assert sorted(source.left_out) == sorted(
        [
            f"old.zip: an archive; `unzip -q {tmp_path / 'old.zip'} -d {tmp_path / 'old'}`",
            "1 files without a suffix: of no format that is read",
            "labels.json: no table that names an image here",
            "1 .png files: pictures, which are read where nothing else is there",
            "1 links to files that are not there: other/gone.npy",
            "1 empty folders: unknown",
        ]
    )


def test_nothing_that_is_read_says_what_there_is(tmp_path: Path) -> None:
    """The error counts the files, and names arrays that are no images."""
    (tmp_path / "frame").write_bytes(b"SIMPLE  =")
    np.save(tmp_path / "flat.npy", np.zeros(256))
    with pytest.raises(DataError) as caught:
        open_source(tmp_path)
    assert "1 files without a suffix: of no format that is read" in caught.value.message
    assert "flat.npy: values of no stack of images beside it" in caught.value.message


def test_a_table_joins_folders_whose_names_say_nothing(tmp_path: Path) -> None:
    """Images of two tiles are one set if a table names them; equal names stay apart."""
    rows = ["file,label,theta_E"]
    for tile, label in (("tile1", "lens"), ("tile2", "other")):
        for k in range(3):
            save(tmp_path / tile / f"{k}.npy", image(k, 16, 16))
            rows.append(f"{tile}/{k}.npy,{label},{k + (tile == 'tile2') * 0.5}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    source = open_source(tmp_path)
    assert [item.label for item in source.items] == ["lens"] * 3 + ["other"] * 3
    assert source.columns["theta_E"].values.tolist() == [0, 1, 2, 0.5, 1.5, 2.5]
    assert source.left_out == ()
    assert open_source(tmp_path / "tile1").left_out == ()  # rows of the other tile are not lost


def test_a_flat_stack_is_said_to_be_one_image(tmp_path: Path) -> None:
    """With the option that reads it as many."""
    images = image(0, 12, 16, 16)
    np.save(tmp_path / "flat.npy", images.reshape(12, 256))
    source = open_source(tmp_path / "flat.npy")
    assert source.notes == ("Read as one image; as 12 flat images with --shape 12,16,16.",)
    read = open_source(tmp_path / "flat.npy", Selection(shape=(12, 16, 16)))
    assert np.array_equal(read.read(3).pixels[0], images[3])
    np.save(tmp_path / "few.npy", images[:5].reshape(5, 256))
    with pytest.raises(DataError) as caught:
        open_source(tmp_path / "few.npy")
    assert caught.value.hint == "--shape 5,16,16"
