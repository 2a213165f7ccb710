"""Damaged, misnamed and hostile files: one line that names the file, and no traceback."""

from __future__ import annotations

import gzip
import io
import os
import random
import shutil
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits

from lensbench import DataError
from lensbench.data.layouts import open_sources
from lensbench.data.picture import Selection

SUFFIXES = (".npy", ".npz", ".fits", ".h5", ".parquet", ".pkl", ".fits.gz")


def read_all(path: Path, selection: Selection | None = None) -> int:
    """Reads every image at a path and returns how many there were."""
    count = 0
    for source in open_sources(path, selection):
        for index, item in enumerate(source.items):
            if not item.pickled:
                assert source.read(index).pixels.ndim == 3
                count += 1
    return count


def refusal(path: Path, selection: Selection | None = None) -> DataError:
    """The error that reading a path gives, checked to be one line that names the file."""
    with pytest.raises(DataError) as caught:
        read_all(path, selection)
    error = caught.value
    assert path.name in error.message
    assert "\n" not in error.message and "\n" not in error.hint
    assert error.hint
    return error


def test_valid_files_are_read(any_path: Path) -> None:
    """The files that the other tests damage are whole to begin with."""
    assert read_all(any_path) >= 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_file(suffix: str, tmp_path: Path) -> None:
    """An empty file is called empty, whatever its suffix."""
    path = tmp_path / f"nothing{suffix}"
    path.touch()
    assert "is empty" in refusal(path).message


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_web_page(suffix: str, tmp_path: Path) -> None:
    """A log-in page saved under the name of a data file is called a web page."""
    path = tmp_path / f"download{suffix}"
    path.write_text("\n<!DOCTYPE html><html><body>Sign in</body></html>")
    assert "web page" in refusal(path).message


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_noise_for_data(suffix: str, tmp_path: Path) -> None:
    """Bytes of no format are refused, whatever the suffix says."""
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(b"\x01" + random.Random(1).randbytes(4099))
    refusal(path)


def test_git_lfs_pointer(tmp_path: Path) -> None:
    """A Git LFS pointer is named as one."""
    path = tmp_path / "a.h5"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "LFS" in refusal(path).message


def test_missing_path(tmp_path: Path) -> None:
    """A path that is not there is named."""
    assert "there is no" in refusal(tmp_path / "absent.npy").message


def test_folder_of_nothing(tmp_path: Path) -> None:
    """A folder without images is refused with what is known."""
    (tmp_path / "notes.txt").write_text("hello")
    assert "nothing that is known" in refusal(tmp_path).message


def test_text_for_pixels(tmp_path: Path) -> None:
    """Arrays of text are refused: in .npy, .npz and HDF5."""
    words = np.full((9, 9), "pixel")
    np.save(tmp_path / "a.npy", words)
    np.savez(tmp_path / "b.npz", images=words)
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["data"] = words.astype("S5")
    for name in ("a.npy", "b.npz", "c.h5"):
        assert "expected numbers" in refusal(tmp_path / name).message


def test_truncated_fits_is_not_filled_up(write: Callable[[str], Path]) -> None:
    """A FITS file cut in its data is refused, where astropy would warn and go on."""
    path = write("fits")
    path.write_bytes(path.read_bytes()[:-2880])
    assert "cut short" in refusal(path).message


def test_npy_that_claims_more(tmp_path: Path) -> None:
    """A .npy header that claims a petabyte is refused before anything is allocated."""
    for shape in ((10**6, 8, 10**4, 10**4), (10**9, 10**9), (-1, 8, 8)):
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        with (tmp_path / "bomb.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            file.write(bytes(64))
        refusal(tmp_path / "bomb.npy")


def test_zip_bomb(tmp_path: Path) -> None:
    """An archive whose member claims more than its bytes is refused before it is unfolded."""
    header = tmp_path / "x.npy"
    with header.open("wb") as file:
        claimed = {"descr": "<f8", "fortran_order": False, "shape": (10**7, 64, 64)}
        np.lib.format.write_array_header_1_0(file, claimed)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header.read_bytes() + bytes(10**6))
    refusal(tmp_path / "bomb.npz")


def test_hdf5_that_claims_more(tmp_path: Path) -> None:
    """A dataset of a petabyte with nothing stored is refused before anything is allocated."""
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("data", (10**7, 1, 4096, 4096), "f4", chunks=(1, 1, 256, 256))
    refusal(tmp_path / "bomb.h5")


def test_hdf5_does_not_read_other_files(tmp_path: Path) -> None:
    """External links, external storage and virtual datasets are not followed."""
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(8 * 64 * 64))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["data"] = h5py.ExternalLink(str(secret), "/data")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("data", (8, 64, 64), "u1", external=[(str(secret), 0, 32768)])
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((8, 64, 64), "f4")
        layout[0] = h5py.VirtualSource(str(secret), "data", (64, 64))
        file.create_virtual_dataset("data", layout)
    for name in ("link.h5", "raw.h5", "virtual.h5"):
        assert "another file" in refusal(tmp_path / name).message


def test_fits_that_claims_more(tmp_path: Path) -> None:
    """A FITS header of absurd axes is refused before anything is allocated."""
    image = fits.PrimaryHDU(np.zeros((8, 8), np.float32))
    image.writeto(tmp_path / "bomb.fits")
    content = (tmp_path / "bomb.fits").read_bytes()
    old = f"NAXIS1  = {8:>20}".encode()
    assert old in content
    for side in (10**9, 4000):
        (tmp_path / "bomb.fits").write_bytes(content.replace(old, f"NAXIS1  = {side:>20}".encode()))
        refusal(tmp_path / "bomb.fits")


def test_half_written_container(write: Callable[[str], Path]) -> None:
    """An images file without its last mark is refused as unfinished."""
    path = write("container")
    with h5py.File(path, "a") as file:
        del file.attrs["complete"]
    assert "not written to its end" in refusal(path).message


def test_bad_selections(write: Callable[[str], Path]) -> None:
    """A key, class or extension that is not there is refused with those that are."""
    path = write("hdf5")
    assert "data" in refusal(path, Selection(key="pixels")).hint
    refusal(path, Selection(labels="absent"))
    assert "PRIMARY" in refusal(write("fits"), Selection(extension="SCI")).hint


@pytest.mark.parametrize("name", ["a.npy", "a.fits", "a.h5", "a.parquet", "a.npz", "a.pkl"])
def test_named_pipe(name: str, tmp_path: Path) -> None:
    """A named pipe in place of a file is refused, and not waited for."""
    os.mkfifo(tmp_path / name)
    assert "is a named pipe" in refusal(tmp_path / name).message


def test_named_pipe_for_a_table(tmp_path: Path) -> None:
    """The table beside images is a file like any other."""
    for index in range(2):
        np.save(tmp_path / f"{index}.npy", np.eye(16))
    os.mkfifo(tmp_path / "labels.csv")
    with pytest.raises(DataError, match=r"labels\.csv' is a named pipe"):
        read_all(tmp_path)


def test_fits_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    """A compressed FITS with a long tail is refused before it fills the memory."""
    image = io.BytesIO()
    fits.PrimaryHDU(np.eye(16)).writeto(image)
    with gzip.open(tmp_path / "a.fits.gz", "wb", compresslevel=1) as file:
        file.write(image.getvalue())
        for _ in range(20):
            file.write(bytes(2**24))
    assert "unpacks to" in refusal(tmp_path / "a.fits.gz").message


def test_npz_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    """The members of an archive count together."""
    images = np.zeros((2**14, 64, 64), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", **{f"images{i}": images for i in range(5)})
    assert "unpacks to" in refusal(tmp_path / "a.npz").message


def test_hdf5_of_huge_chunks(tmp_path: Path) -> None:
    """A chunk that unpacks to half a gigabyte is refused before an image of it is read."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset(
            "data", (2**13, 128, 128), "f4", chunks=(2**13, 128, 128), compression="gzip"
        )
        stored.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(2**20)))
    assert "unpacks to" in refusal(tmp_path / "a.h5").message


def test_many_extensions_are_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed file of many bands is unpacked once, and each band has its own pixels."""
    units = [fits.PrimaryHDU()]
    units += [fits.ImageHDU(np.full((16, 16), float(i)), name=f"B{i}") for i in range(60)]
    fits.HDUList(units).writeto(tmp_path / "a.fits.gz")
    opened = []
    true = fits.open
    monkeypatch.setattr(fits, "open", lambda *a, **k: opened.append(a) or true(*a, **k))
    (source,) = open_sources(tmp_path / "a.fits.gz")
    assert [source.read(i).pixels.max() for i in range(60)] == list(range(60))
    assert [source.read(i).pixels.max() for i in (5, 3)] == [5, 3]
    assert len(opened) == 1
    fits.HDUList(units[:3]).writeto(tmp_path / "a.fits.gz", overwrite=True)
    assert len(open_sources(tmp_path / "a.fits.gz")[0].items) == 2


def test_a_folder_of_many_files_is_opened_in_time(tmp_path: Path) -> None:
    """The time to look at a folder grows no faster than its number of files."""
    for index in range(20_000):
        (tmp_path / f"{index}.npy").touch()
    began = time.process_time()
    with pytest.raises(DataError, match="is empty"):
        read_all(tmp_path)
    assert time.process_time() - began < 8


@pytest.mark.parametrize("round_", range(6))
def test_fuzz(any_path: Path, tmp_path: Path, round_: int) -> None:
    """Any truncation or flipped bits give images or a `DataError`, never another error."""
    chance = random.Random(f"{any_path.name} {round_}")
    for trial in range(10):
        copy = tmp_path / f"copy{trial}" / any_path.name
        copy.parent.mkdir()
        copy_of = shutil.copytree if any_path.is_dir() else shutil.copy
        copy_of(any_path, copy)
        files = [copy] if copy.is_file() else sorted(f for f in copy.rglob("*") if f.is_file())
        file = chance.choice(files)
        content = bytearray(file.read_bytes())
        if chance.random() < 0.4:
            content = content[: chance.randrange(len(content))]
        else:
            reach = len(content) if chance.random() < 0.5 else min(len(content), 2000)
            for _ in range(chance.choice((1, 3, 30))):
                content[chance.randrange(reach)] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
        for selection in (None, Selection(objects=True)):
            try:
                read_all(copy, selection)
            except DataError as error:
                assert "\n" not in error.message
                assert str(tmp_path) in error.message or any_path.name in error.message


@pytest.mark.parametrize("entry", ["{'shape': (", "[" * 150, "{'shape': '", "\\", "\xff", "\0"])
def test_npy_with_a_header_that_does_not_parse(entry: str, tmp_path: Path) -> None:
    """Text in a .npy header that ends amid a bracket, a quote or an escape is refused."""
    text = entry.encode("latin-1").ljust(117) + b"\n"
    path = tmp_path / "broken.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64))
    assert "cannot be read as NumPy .npy" in refusal(path).message
