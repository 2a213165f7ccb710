"""Stacks of images in npy, npz and HDF5 files, as people write them."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.unit.data.images_on_disk import image, pixels, quiet, save

from lensbench.data.conversion import convert
from lensbench.data.inspection import inspect_source
from lensbench.data.layouts import open_source, open_sources
from lensbench.data.picture import Selection
from lensbench.data.report import lines_of


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


@pytest.mark.parametrize("exposed", ["map", "number"])
def test_data_of_a_lens_model_are_one_image(exposed: str, tmp_path: Path) -> None:
    """HDF5 of `kwargs_data` of lenstronomy: its exposure times and PSF kernel are no images."""
    random = np.random.default_rng(0)
    image, noise = random.normal(size=(64, 64)), random.uniform(1, 2, (64, 64))
    kernel = np.zeros((21, 21))
    kernel[10, 10] = 1
    arrays = {
        "image_data": image,
        "noise_map": noise,
        "background_rms": 0.1,
        "exposure_time": np.full((64, 64), 1428.0) if exposed == "map" else 1428.0,
        "kernel_point_source": kernel,
        "transform_pix2angle": 0.05 * np.array([[-0.8, 0.6], [0.6, 0.8]]),
        "ra_at_xy_0": 1.6,
    }
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    source = open_source(path)
    assert len(source.items) == 1
    picture = source.read(0)
    assert np.array_equal(picture.pixels[0], image.astype("f4"))
    assert picture.noise is not None and np.array_equal(picture.noise, noise.astype("f4"))
    assert picture.psf is not None and np.array_equal(picture.psf, kernel)
    assert picture.pixel_scale == pytest.approx(0.05)
    assert any("exposure_time" in one and "not used" in one for one in source.left_out)
    with h5py.File(path, "a") as file:
        del file["noise_map"]
    alone = open_source(path).read(0).noise
    assert alone is not None and np.allclose(alone, 0.1)


@pytest.mark.parametrize("group", ["", "catalog/", "survey/v1/"])
def test_names_are_those_within_the_group_of_a_file(group: str, tmp_path: Path) -> None:
    """Classes, names and numbers are found below any groups that all datasets share."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[f"{group}cutouts_vis"] = np.stack([image(i, 16, 16) for i in range(6)])
        file[f"{group}is_strong_lens"] = np.array([1, 0, 1, 0, 1, 0], "i1")
        file[f"{group}einstein_radius"] = np.arange(6) / 2
        file[f"{group}objid"] = 10**12 + np.arange(6)
    source = open_source(tmp_path / "a.h5")
    assert [item.label for item in source.items] == ["1", "0", "1", "0", "1", "0"]
    assert source.items[5].name == "a.h5#1000000000005"
    assert source.columns["einstein_radius"].values.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert np.allclose(source.read(4).pixels[0], image(4, 16, 16))


@pytest.mark.parametrize("group", ["train/", "data/train/"])
def test_a_group_named_after_a_split_is_one(group: str, tmp_path: Path) -> None:
    """Where all is in `train`, all images are of that split."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[f"{group}images"] = np.stack([image(i, 16, 16) for i in range(6)])
        file[f"{group}labels"] = np.arange(6) % 2
    source = open_source(tmp_path / "a.h5")
    assert {item.split for item in source.items} == {"train"}
    assert [item.label for item in source.items] == ["0", "1"] * 3


@pytest.mark.parametrize("form", ["stacks", "numbers", "splits", "names"])
def test_groups_of_a_file_are_classes(form: str, tmp_path: Path) -> None:
    """A stack or numbered images in each group, also within splits; stacks called lenses or not."""
    counts = {"lens": 10, "not a lens": 12}
    path = tmp_path / ("images.npz" if form == "names" else "images.h5")
    images = {name: image(len(name), count, 16, 16) for name, count in counts.items()}
    if form == "names":
        names = {"lenses": images["lens"], "nonlenses": images["not a lens"]}
        np.savez(path, **names)
    else:
        names = images
        with h5py.File(path, "w") as file:
            for name, stack in images.items():
                if form == "stacks":
                    file[f"{name}/cutouts"], file[f"{name}/z"] = stack, np.arange(len(stack)) / 10
                elif form == "numbers":
                    for k, one in enumerate(stack):
                        file[f"{name}/{k:03d}"] = one
                else:
                    file[f"train/{name}/images"], file[f"test/{name}/images"] = stack[5:], stack[:5]
    source = open_source(path)
    assert source.left_out == ()
    assert source.classes == tuple(sorted(names))
    assert len({item.name for item in source.items}) == len(source.items) == 22
    for name, stack in names.items():
        own = [i for i, item in enumerate(source.items) if item.label == name]
        read = np.sort(np.stack([source.read(i).pixels[0] for i in own]), axis=0)
        assert np.array_equal(read, np.sort(stack, axis=0))
    if form == "stacks":
        assert source.columns["z"].values.tolist() == [k / 10 for n in (10, 12) for k in range(n)]
    if form == "splits":
        assert Counter(item.split for item in source.items) == {"train": 12, "test": 10}


def test_groups_of_bands_or_of_other_stacks_are_no_classes(tmp_path: Path) -> None:
    """Bands of the same objects, one group an object, and stacks of other names."""
    with h5py.File(tmp_path / "bands.h5", "w") as file:
        file["g/images"], file["r/images"] = image(0, 5, 16, 16), image(1, 5, 16, 16)
    with h5py.File(tmp_path / "objects.h5", "w") as file:
        for name in ("J0946", "J1430"):
            file[f"{name}/f814w"], file[f"{name}/f606w"] = image(0, 16, 16), image(1, 16, 16)
    np.savez(tmp_path / "others.npz", hst=image(0, 5, 16, 16), models=image(1, 5, 16, 16))
    for name in ("bands.h5", "objects.h5", "others.npz"):
        assert {item.label for item in open_source(tmp_path / name).items} == {""}


def test_attributes_of_single_images_are_their_columns(tmp_path: Path) -> None:
    """An HDF5 of one dataset an image states class and numbers in attributes."""
    with h5py.File(tmp_path / "images.h5", "w") as file:
        for k in range(4):
            stored = file.create_dataset(f"object{k}", data=image(k, 16, 16))
            stored.attrs["label"] = "lens" if k % 2 else "other"
            stored.attrs["theta_E_mas"], stored.attrs["history"] = 1000.0 + k, [1, 2]
    source = open_source(tmp_path / "images.h5")
    assert [item.label for item in source.items] == ["other", "lens"] * 2
    column = source.columns["theta_E"]
    assert column.values.tolist() == [1000, 1001, 1002, 1003] and column.unit == "mas"


@pytest.mark.parametrize("form", ["npz", "h5"])
@pytest.mark.parametrize("levels", ["", "class", "split and class"])
def test_a_file_an_object(form: str, levels: str, tmp_path: Path) -> None:
    """Files of one image each are one set, with their numbers, also in folders by class."""
    folders = {"": [""], "class": ["lens/", "other/"]}.get(
        levels, [f"{s}/{c}/" for s in ("train", "test") for c in ("lens", "other")]
    )
    expected = {}
    for seed, folder in enumerate(folders):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for k, name in enumerate(("SDSSJ0946", "B1608")):
            arrays = {"image": image(10 * seed + k, 16, 16), "theta_E": np.float64(seed + k / 2)}
            arrays |= {"noise": np.full((16, 16), 2.0), "exposure_time": np.float64(1000)}
            if not levels:
                arrays["label"] = np.bytes_("lens") if form == "h5" else np.array("lens")
            expected[f"{folder}{name}"] = arrays
            path = tmp_path / f"{folder}{name}.{form}"
            if form == "npz":
                np.savez(path, **arrays)
            else:
                with h5py.File(path, "w") as file:
                    for key, array in arrays.items():
                        file[key] = array
    source = open_source(tmp_path)
    assert len({item.name for item in source.items}) == len(expected)
    radii = source.columns["theta_E"].values
    for index, item in enumerate(source.items):
        name = item.name.partition(".")[0]
        picture = source.read(index)
        assert np.array_equal(picture.pixels[0], expected[name]["image"])
        assert picture.noise is not None and (picture.noise == 2).all()
        assert radii[index] == expected[name]["theta_E"]
        *split, label = name.split("/")[:-1] or ["lens"]
        assert item.label == label and item.split == "".join(split)


def test_stacks_in_folders_by_class(tmp_path: Path) -> None:
    """One stack for each class; folders with classes of their own are not joined so."""
    for seed, name in enumerate(("lens", "other")):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "stack.npy", image(seed, 5 + seed, 16, 16))
    source = open_source(tmp_path)
    assert [item.label for item in source.items] == ["lens"] * 5 + ["other"] * 6
    assert np.array_equal(source.read(5).pixels[0], image(1, 6, 16, 16)[0])
    np.save(tmp_path / "lens" / "labels.npy", np.array(["a", "b", "a", "b", "a"]))
    assert len(open_sources(tmp_path)) == 2


def test_stacks_of_one_folder_are_classes_by_their_names(tmp_path: Path) -> None:
    """`lens.npy` beside `nonlens.npy`, and `train_lens.npy`, …: no class is lost."""
    counts = {"lens": 5, "nonlens": 7}
    for seed, (name, count) in enumerate(counts.items()):
        for form in ("plain", "train", "test"):
            file = f"{name}.npy" if form == "plain" else f"{form}_{name}.npy"
            save(tmp_path / ("plain" if form == "plain" else "splits") / file,
                 image(seed, count, 16, 16))  # fmt: skip
    plain, splits = open_source(tmp_path / "plain"), open_source(tmp_path / "splits")
    assert [item.label for item in plain.items] == ["lens"] * 5 + ["nonlens"] * 7
    assert np.array_equal(plain.read(6).pixels[0], image(1, 7, 16, 16)[1])
    assert Counter((item.split, item.label) for item in splits.items) == {
        (split, name): count for split in ("train", "test") for name, count in counts.items()
    }


def test_arrays_of_objects_are_said_to_be_left_out(tmp_path: Path) -> None:
    """Classes that NumPy pickled are never read, and not passed over in silence."""
    labels = np.array(["a", "b"] * 3, dtype=object)
    np.savez(tmp_path / "images.npz", images=image(0, 6, 16, 16), labels=labels)
    (said,) = open_source(tmp_path / "images.npz").left_out
    assert said.startswith("'labels' (6,): Python objects")
