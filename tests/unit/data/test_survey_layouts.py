"""Images as surveys and their users keep them: headers and folders say what is what."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty
from astropy.table import Table
from tests.unit.data.images_on_disk import image, save
from tests.unit.data.objects_on_disk import (
    COUNT,
    KINDS,
    RADII,
    SIDE,
    at,
    check_labels_and_radii,
    noise_levels,
    number_of,
    picture,
)

from lensbench import DataError
from lensbench.data.layouts import open_source


@pytest.mark.parametrize("by", ["position", "OBJECT"])
def test_filters_of_headers_are_bands_of_one_object(by: str, tmp_path: Path) -> None:
    """Names say nothing; clear wheels are no filter; without all filters images stay apart."""
    for k in range(3):
        for n, cards in enumerate([{"FILTER1": "F475W", "FILTER2": "CLEAR2L"}, {"FILTER": "r x"}]):
            header = at(150 + k, **cards) if by == "position" else fits.Header(cards)
            header["OBJECT"] = f"J{k}" if by == "OBJECT" else "field"
            fits.writeto(tmp_path / f"jb{k}{n}.fits", picture(2 * k + n), header)
    source = open_source(tmp_path)
    scenes: dict[str, dict[str, int]] = {}
    for index, item in enumerate(source.items):
        scenes.setdefault(item.scene, {})[item.condition] = number_of(source, index)
    assert list(scenes.values()) == [{"F475W": 2 * k, "r": 2 * k + 1} for k in range(3)]
    (tmp_path / "jb01.fits").unlink()
    assert {item.condition for item in open_source(tmp_path).items} == {""}


def test_headers_of_extensions_name_band_and_role(tmp_path: Path) -> None:
    """IMAGETYP and BAND of the Legacy Surveys, where extensions have no names."""
    units = [fits.PrimaryHDU()]
    for n, band in enumerate("grz"):
        for kind, plane in (("image", picture(n)), ("invvar", np.full((SIDE, SIDE), 4.0**-n))):
            units.append(fits.ImageHDU(plane, fits.Header({"IMAGETYP": kind, "BAND": band})))
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    source = open_source(tmp_path / "a.fits")
    assert [item.condition for item in source.items] == ["G", "R", "Z"]
    assert len({item.scene for item in source.items}) == 1
    for n in range(3):
        noise = source.read(n).noise
        assert number_of(source, n) == n
        assert noise is not None and np.allclose(noise, 2.0**n)


def test_versions_of_different_filters_are_bands(tmp_path: Path) -> None:
    """SCI and ERR of several versions, each version in the filter of its header."""
    units = [fits.PrimaryHDU()]
    for n, band in enumerate(["F606W", "F814W"], 1):
        science = fits.ImageHDU(picture(n), fits.Header({"FILTER": band}), name="SCI", ver=n)
        units += [science, fits.ImageHDU(np.full((SIDE, SIDE), n), name="ERR", ver=n)]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    source = open_source(tmp_path / "a.fits")
    assert [item.condition for item in source.items] == ["F606W", "F814W"]
    assert len({item.scene for item in source.items}) == 1
    assert noise_levels(source) == [1, 2]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(StdDevUncertainty, 0.5), (VarianceUncertainty, 0.25), (InverseVariance, 4.0)],
)
def test_uncertainties_of_ccddata(kind: type, value: float, tmp_path: Path) -> None:
    """The extension UNCERT says in UTYPE what it is; MASK marks bad pixels."""
    bad = np.zeros((SIDE, SIDE), bool)
    bad[2, 3] = True
    values = kind(np.full((SIDE, SIDE), value))
    CCDData(picture(0), unit="adu", mask=bad, uncertainty=values).write(tmp_path / "a.fits")
    found = open_source(tmp_path / "a.fits").read(0)
    assert found.noise is not None and np.allclose(found.noise, 0.5)
    assert found.mask is not None and np.array_equal(found.mask, bad)


@pytest.mark.parametrize(
    ("names", "conditions"),
    [
        (("SCI", "MSK", "WGT"), {""}),
        (("VIS_FLUX", "VIS_MSK", "VIS_RMS", "NIR_H_FLUX", "NIR_H_RMS"), {"VIS", "NIR_H"}),
        (("SCI_G", "RMS_G", "SCI_R", "RMS_R", "MASK_R"), {"G", "R"}),
    ],
)
def test_extensions_in_the_words_of_surveys(
    names: tuple[str, ...], conditions: set[str], tmp_path: Path
) -> None:
    """DES, Euclid, and bands behind the role: noise and mask are those of their band."""
    planes = [fits.ImageHDU(np.full((SIDE, SIDE), n + 1.0), name=e) for n, e in enumerate(names)]
    for unit in planes:
        if "MSK" in unit.name or "MASK" in unit.name:
            unit.data = np.eye(SIDE)
    fits.HDUList([fits.PrimaryHDU(), *planes]).writeto(tmp_path / "a.fits")
    source = open_source(tmp_path / "a.fits")
    assert {item.condition for item in source.items} == conditions
    for index, item in enumerate(source.items):
        found = source.read(index)
        own = [n for n in names if not item.condition or f"_{item.condition}_" in f"_{n}_"]
        assert (found.pixels == names.index(own[0]) + 1).all()
        rms = next((n for n in own if "RMS" in n), "")
        assert (found.noise is None) == (not rms)
        assert found.noise is None or (found.noise == names.index(rms) + 1).all()
        assert (found.mask is not None) == any("MSK" in n or "MASK" in n for n in own)


def test_planes_that_a_card_names(tmp_path: Path) -> None:
    """BANDS = 'grz' of a cube of three planes."""
    fits.writeto(tmp_path / "a.fits", image(0, 3, SIDE, SIDE), fits.Header({"BANDS": "grz"}))
    assert open_source(tmp_path / "a.fits").read(0).bands == ("g", "r", "z")


@pytest.mark.parametrize("place", ["same file", "beside"])
def test_a_stack_in_an_extension(place: str, tmp_path: Path) -> None:
    """Planes are objects, each with a row of a table in the file or beside it, and its noise."""
    stack, noise = np.stack([picture(k) for k in range(COUNT)] * 3), np.arange(1.0, 19)
    table = Table({"id": range(18), "label": KINDS * 3, "theta_E": RADII * 3})
    units = [fits.PrimaryHDU(), fits.ImageHDU(stack, name="IMAGES")]
    units.append(fits.ImageHDU(np.ones((18, SIDE, SIDE)) * noise[:, None, None], name="RMS"))
    if place == "same file":
        units.append(fits.BinTableHDU(table))
    else:
        table[::-1].write(tmp_path / "objects.csv")
    fits.HDUList(units).writeto(tmp_path / "stack.fits")
    source = open_source(tmp_path)
    assert [number_of(source, k) for k in range(18)] == [*range(COUNT)] * 3
    assert [item.label for item in source.items] == KINDS * 3
    assert np.allclose(source.columns["theta_E"].values, RADII * 3)
    assert noise_levels(source) == noise.tolist()


@pytest.mark.parametrize("levels", ["", "class", "split"])
def test_folders_of_masks_noise_and_psfs(levels: str, tmp_path: Path) -> None:
    """Files of one name in `images/`, `masks/` and `rms/` are of one object; the PSF is of all."""
    rows = ["id,label"]
    for k in range(COUNT):
        above = {"": "", "class": KINDS[k], "split": "train" if k < 4 else "val"}[levels]
        bad = np.zeros((SIDE, SIDE), np.uint8)
        bad[k, 1] = 1
        folder = tmp_path / above
        save(folder / "images" / f"{k}.npy", picture(k))
        save(folder / "masks" / f"{k}_mask.npy", bad)
        save(folder / "rms" / f"{k}.npy", np.full((SIDE, SIDE), k + 1.0))
        save(folder / "psf" / "psf.npy", np.full((9, 9), 1 / 81))
        rows.append(f"{k},{KINDS[k]}")
    if levels != "class":
        (tmp_path / "t.csv").write_text("\n".join(rows))
    source = open_source(tmp_path)
    assert len(source.items) == COUNT
    for index, item in enumerate(source.items):
        found, k = source.read(index), number_of(source, index)
        assert found.noise is not None and found.mask is not None and found.psf is not None
        assert (found.noise == k + 1).all() and np.argwhere(found.mask).tolist() == [[k, 1]]
        assert found.psf.shape == (9, 9) and item.label == KINDS[k]
        assert item.split == ({0: "train", 1: "val"}[k >= 4] if levels == "split" else "")
    assert not source.left_out


@pytest.mark.parametrize("names", ["hsc_{}_{:03d}.npy", "{:03d}_x_{}_pdr2.npy"])
def test_a_band_anywhere_in_the_name(names: str, tmp_path: Path) -> None:
    """Between other words, and also in small letters."""
    for n, band in enumerate("gr"):
        for k in range(3):
            words = (k, band) if names.startswith("{:") else (band, k)
            save(tmp_path / names.format(*words), picture(3 * n + k))
    source = open_source(tmp_path)
    assert len({item.scene for item in source.items}) == 3
    for index, item in enumerate(source.items):
        assert item.condition == "gr"[number_of(source, index) // 3]


@pytest.mark.parametrize("form", ["npy", "hdf5"])
def test_records(form: str, tmp_path: Path) -> None:
    """An array of records with an image each; a table of records beside the images of an HDF5."""
    kinds = [("label", "S6"), ("theta_E", ">f8")]
    images = [("image", "<f4", (SIDE, SIDE))] if form == "npy" else []
    records = np.zeros(COUNT, kinds + images)
    records["label"], records["theta_E"] = [kind.encode() for kind in KINDS], RADII
    stack = np.stack([picture(k) for k in range(COUNT)])
    if form == "npy":
        records["image"] = stack
        np.save(tmp_path / "a.npy", records)
    else:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["images"], file["catalog"] = stack, records
    check_labels_and_radii(open_source(tmp_path))


def test_hdf5_of_surveys_and_of_objects(tmp_path: Path) -> None:
    """Groups have pixel scales of their own; bands and attributes of a group are of one object."""
    with h5py.File(tmp_path / "surveys.h5", "w") as file:
        for n, (name, scale) in enumerate([("HST", 0.05), ("Euclid", 0.1)]):
            file[f"{name}/images"] = np.stack([picture(k) for k in range(5)])
            file[name].attrs["pixel_scale"] = scale
            file[f"{name}/z"] = np.arange(5) + 5.0 * n
    source = open_source(tmp_path / "surveys.h5")
    groups = [item.name.split("#")[1] for item in source.items]
    scales = {(one, source.read(k).pixel_scale) for k, one in enumerate(groups)}
    assert len(groups) == 10
    assert scales == {("HST/images", 0.05), ("Euclid/images", 0.1)}
    with h5py.File(tmp_path / "objects.h5", "w") as file:
        for k in range(3):
            for n, band in enumerate("gr"):
                file[f"J{k}/{band}"] = picture(2 * k + n)
                file[f"J{k}/ivar_{band}"] = np.full((SIDE, SIDE), 4.0 ** -(2 * k + n))
            file[f"J{k}"].attrs.update(label=KINDS[k], theta_E=RADII[k])
    source = open_source(tmp_path / "objects.h5")
    assert len({item.scene for item in source.items}) == 3
    for index, item in enumerate(source.items):
        number, noise = number_of(source, index), source.read(index).noise
        assert (item.condition, item.label) == ("gr"[number % 2], KINDS[number // 2])
        assert noise is not None and np.allclose(noise, 2.0**number)
        assert source.columns["theta_E"].values[index] == RADII[number // 2]


def test_errors_and_flags_of_objects_are_no_planes(tmp_path: Path) -> None:
    """`theta_E_err` is no noise of the pixels, and one `flag` an object is no mask."""
    stack = np.stack([picture(k) for k in range(COUNT)])
    error, flag = np.full(COUNT, 0.05), np.arange(COUNT)
    np.savez(
        tmp_path / "a.npz", images=stack, theta_E=RADII, theta_E_err=error, flag=flag, rms=error
    )
    source = open_source(tmp_path / "a.npz")
    assert np.array_equal(source.columns["theta_E_err"].values, error)
    assert np.array_equal(source.columns["flag"].values, flag)
    found = source.read(3)
    assert found.noise is not None and np.allclose(found.noise, 0.05) and found.mask is None


def test_a_record_array_without_images_is_refused(tmp_path: Path) -> None:
    """Its fields are listed."""
    np.save(tmp_path / "a.npy", np.zeros(5, [("ra", "f8"), ("dec", "f8")]))
    with pytest.raises(DataError, match=r"no field of images: ra \(5,\), dec \(5,\)"):
        open_source(tmp_path / "a.npy")
