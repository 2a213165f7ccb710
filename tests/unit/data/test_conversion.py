"""Conversion: nothing is lost but what is named, and nothing is half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits

from lensbench import DataError
from lensbench.data.container import attribute
from lensbench.data.conversion import convert
from lensbench.data.layouts import open_source
from lensbench.data.picture import Selection, canonical_label
from lensbench.errors import UsageError

OBJECTS = Selection(objects=True)


def quiet(*_: object) -> None:
    """Reports nothing."""


def test_pictures_survive(any_path: Path, tmp_path: Path) -> None:
    """Pixels, classes, PSFs, noise and numbers of every format read back from the images file."""
    source = open_source(any_path, OBJECTS)
    convert(source, tmp_path / "out.h5", False, quiet)
    read = open_source(tmp_path / "out.h5")
    assert len(read.items) == len(source.items)
    place = {(item.scene, item.condition): i for i, item in enumerate(read.items)}
    for index, item in enumerate(source.items):
        before = source.read(index)
        key = (item.scene or item.name, item.condition or "as-stored")
        other = read.items[place[key]]
        after = read.read(place[key])
        assert np.array_equal(before.pixels, after.pixels)
        assert other.label == canonical_label(item.label)
        assert before.pixel_scale == after.pixel_scale
        for kind in ("psf", "noise"):
            one, two = getattr(before, kind), getattr(after, kind)
            assert (one is None) == (two is None)
            assert one is None or np.array_equal(one, two)
        for name, value in before.values.items():
            assert after.values[name] == value


def test_release_classes_get_our_names_and_order(
    write: Callable[[str], Path], tmp_path: Path
) -> None:
    """Classes of the release become the target `substructure`, indexed as everywhere."""
    convert(open_source(write("classes"), OBJECTS), tmp_path / "out.h5", False, quiet)
    with h5py.File(tmp_path / "out.h5") as file:
        target = file["scenes/targets/substructure"]
        assert attribute(target, "classes") == ["no_sub", "cdm", "vortex"]
        assert sorted(np.bincount(target[()])) == [3, 3, 3]
        mass = file["scenes/parameters/mass"][()]
        assert np.isfinite(mass).sum() == 3


def test_sizes_go_to_conditions_of_their_own(tmp_path: Path) -> None:
    """Images of several sizes are kept as they are, each size under a name of its own."""
    for i, side in enumerate((9, 9, 12)):
        data = np.random.default_rng(i).normal(size=(side, side))
        fits.writeto(tmp_path / f"{i}.fits", data)
    done = convert(open_source(tmp_path), tmp_path / "out" / "out.h5", False, quiet)
    assert done.conditions == {"as-stored-1x9x9": 2, "as-stored-1x12x12": 1}


def test_existing_file_is_kept(write: Callable[[str], Path], tmp_path: Path) -> None:
    """A file that is there is not written over unless that is asked for."""
    out = tmp_path / "out.h5"
    out.write_text("precious")
    source = open_source(write("npz"))
    with pytest.raises(UsageError, match="exists"):
        convert(source, out, False, quiet)
    assert out.read_text() == "precious"
    convert(source, out, True, quiet)
    assert len(open_source(out).items) == 6


def test_failure_leaves_nothing(write: Callable[[str], Path], tmp_path: Path) -> None:
    """Where an image cannot be read, no file and no temporary file stays."""
    folder = write("classes")
    (folder / "cdm" / "1.npy").write_bytes((folder / "cdm" / "1.npy").read_bytes()[:-8])
    with pytest.raises(DataError, match="cut short"):
        convert(open_source(folder, OBJECTS), tmp_path / "new" / "out.h5", False, quiet)
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").iterdir())
