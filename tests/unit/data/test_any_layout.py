"""Whatever layout images are written in, what is read is what was written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from lensbench import DataError
from lensbench.data.layouts import open_source

DTYPES = ("<f4", ">f4", "<f8", ">f8", ">i2", "<i4", "|u1")
CLASSES = st.lists(st.text("abcxyz", min_size=3, max_size=8), min_size=2, max_size=4, unique=True)


def save(path: Path, image: np.ndarray, as_fits: bool) -> None:
    """Writes an image as `.npy` or FITS, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if as_fits:
        fits.writeto(path.with_name(path.name + ".fits"), image)
    else:
        np.save(path, image)


@settings(max_examples=60, deadline=None)
@given(
    layout=st.sampled_from(["folders", "fits", "table", "npz", "hdf5"]),
    names=CLASSES,
    splits=st.sampled_from([("",), ("train", "test"), ("train", "val", "test")]),
    bands=st.integers(1, 4),
    side=st.integers(9, 24),
    dtype=st.sampled_from(DTYPES),
    each=st.integers(1, 3),
)
def test_what_is_read_is_what_was_written(
    layout: str, names: list[str], splits: tuple[str, ...], bands: int, side: int, dtype: str,
    each: int,
) -> None:  # fmt: skip
    """Pixels, classes and splits of every image, or an error that names the path and a remedy."""
    random = np.random.default_rng(side)
    written: dict[bytes, tuple[str, str]] = {}
    stacks: dict[str, tuple[list[np.ndarray], list[str]]] = {}
    rows = ["file,label,split"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "images"
        for split in splits:
            for name in names:
                for k in range(each):
                    image = random.integers(0, 200, (bands, side, side)).astype(dtype)
                    written[image.astype("f4").tobytes()] = (name, split)
                    images, labels = stacks.setdefault(split, ([], []))
                    images.append(image)
                    labels.append(name)
                    if layout in ("folders", "fits", "table"):
                        place = root if layout == "table" else root / split / name
                        save(place / f"{split}{name}{k}", image, layout == "fits")
                        rows.append(f"{split}{name}{k}.npy,{name},{split}")
        arrays: dict[str, np.ndarray] = {}
        for split, (images, labels) in stacks.items():
            end = f"_{split}" if split else ""
            arrays[f"images{end}"] = np.stack(images)
            arrays[f"labels{end}"] = np.array([label.encode() for label in labels])
        root.mkdir(exist_ok=True)
        path = root / f"a.{layout}" if layout in ("npz", "hdf5") else root
        if layout == "table":
            (root / "images.csv").write_text("\n".join(rows))
        if layout == "npz":
            np.savez(path, **arrays)
        elif layout == "hdf5":
            with h5py.File(path, "w") as file:
                for name, array in arrays.items():
                    file[name] = array
        try:
            source = open_source(path)
        except DataError as error:
            assert str(path) in error.message and error.hint
            return
        read = {
            source.read(i).pixels.tobytes(): (item.label, item.split)
            for i, item in enumerate(source.items)
        }
        assert read == written
