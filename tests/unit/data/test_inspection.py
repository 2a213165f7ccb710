"""Inspection finds what is planted, and nothing where nothing is wrong."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

from lensbench.cli.data import command
from lensbench.data.duplicates import near_duplicates, thumbnail
from lensbench.data.inspection import DEFECTS, inspect_source
from lensbench.data.layouts import open_source
from lensbench.data.readers import fits as fits_files
from lensbench.data.report import lines_of

Rings = Callable[..., np.ndarray]


def quiet(*_: object) -> None:
    """Reports nothing."""


def folders(root: Path, images: dict[str, np.ndarray]) -> Path:
    """Writes images by `split/class/name`."""
    for name, image in images.items():
        path = root / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, image)
    return root


def test_planted_defects_are_counted(tmp_path: Path, rings: Rings) -> None:
    """Every kind of bad image is counted once, and the example is the image that has it."""
    good = rings(9, 24)[:, 0]
    bad = {
        "nan": good[0].copy(),
        "infinite": good[1].copy(),
        "constant": np.full((24, 24), 3.0),
        "saturated": np.minimum(good[2], 4.0),
    }
    bad["nan"][3, 4] = np.nan
    bad["infinite"][0, 0] = np.inf
    planted = {f"train/no/{name}": image for name, image in bad.items()}
    clean = {f"train/vort/{i}": image for i, image in enumerate(good[3:6])}
    leak = {"val/no/leak": good[3], "val/no/clean": good[6], "val/vort/clean": good[7]}
    found = inspect_source(open_source(folders(tmp_path, planted | clean | leak)), quiet)
    counts = {name: defect["count"] for name, defect in found.defects.items()}
    for name in bad:
        assert counts[name] == 1
        assert found.defects[name]["examples"] == [f"train/no/{name}.npy"]
    assert counts["duplicate"] == counts["duplicate_other_split"] == 1
    assert counts["duplicate_other_class"] == 1
    assert found.classes == {"no": 6, "vort": 4}
    assert found.splits == {"train": 7, "val": 3}


def test_near_duplicates_across_splits(tmp_path: Path, rings: Rings) -> None:
    """A turned, flipped, rescaled and slightly noisy copy in another split is found as a leak."""
    images = rings(40, 64)[:, 0]
    noise = np.random.default_rng(5).normal(0, 0.02, (64, 64))
    planted = {f"train/no/{i}": image for i, image in enumerate(images[:30])}
    planted |= {f"val/no/{i}": image for i, image in enumerate(images[30:])}
    planted["val/no/leak"] = np.rot90(images[7])[:, ::-1] * 2.5 + noise
    found = inspect_source(open_source(folders(tmp_path, planted)), quiet)
    leak = found.defects["near_duplicate_other_split"]
    assert leak["count"] == 1
    assert "train/no/7.npy ~ val/no/leak.npy" in str(leak["examples"])
    assert "duplicate" not in found.defects


def test_different_images_are_not_alike(rings: Rings) -> None:
    """Of 300 rings that are all different, no two count as nearly the same."""
    small = np.stack([thumbnail(image) for image in rings(300, 64)])
    assert near_duplicates(small) == []


def test_blocks_find_what_one_product_finds(rings: Rings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing in blocks gives the pairs that comparing at once gives."""
    small = np.stack([thumbnail(image) for image in rings(50, 32)])
    small = np.concatenate([small, small[::7]])
    whole = near_duplicates(small)
    monkeypatch.setattr("lensbench.data.duplicates._BLOCK", 9)
    blocks = near_duplicates(small)
    assert {(p.first, p.second) for p in blocks} == {(p.first, p.second) for p in whole}
    assert {(p.first, p.second) for p in whole} == {(7 * i, 50 + i) for i in range(8)}


def test_psf_and_noise_are_checked(tmp_path: Path, rings: Rings) -> None:
    """A PSF that does not sum to 1 and a noise map with 1e16 sentinels are warned of."""
    noise = np.ones((24, 24), np.float32)
    noise[2, 2] = 1e16
    units = [
        fits.PrimaryHDU(rings(1, 24)[0, 0]),
        fits.ImageHDU(np.full((5, 5), 0.03), name="PSF"),
        fits.ImageHDU(noise, name="NOISE"),
    ]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    found = inspect_source(open_source(tmp_path / "a.fits"), quiet)
    assert {"psf_sum", "noise_sentinel"} == set(found.defects)
    assert found.psf["largest_sum"] == pytest.approx(0.75)


def sky(sharpest: float, seed: int) -> np.ndarray:
    """A field of stars and galaxies as sharp as this [pixels], over noise of five about 100."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96]
    image = random.normal(100, 5, (96, 96))
    for sigma in (*[sharpest] * 6, 2.0, 4.0):
        row, column = random.uniform(5, 90, 2)
        image += 3e4 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 2 / sigma**2) / sigma**2
    return image


def test_frames_full_of_cosmic_rays_are_noticed(tmp_path: Path) -> None:
    """Tracks and hot pixels are a defect of the frame that has them, and sharp stars are none."""
    for seed in range(4):
        frame = sky(0.6, seed)
        if seed == 3:
            frame[20, 30:42] += 800.0
            frame[range(50, 60), range(70, 80)] += 500.0
            frame[80, 11] += 2000.0
        fits.writeto(tmp_path / f"{seed}.fits", frame.astype(np.float32))
    found = inspect_source(open_source(tmp_path), quiet)
    assert set(found.defects) == {"cosmic_rays"}
    assert found.defects["cosmic_rays"] == {"count": 1, "examples": ["3.fits"]}
    assert "with cosmic rays or hot pixels" in "\n".join(lines_of(found))


def test_photons_and_real_images_are_no_cosmic_rays(shared_data: Path) -> None:
    """No lens, quad, galaxy or simulation of the release is taken for a frame full of rays."""
    for path in ("real/lenses", "real/quads", "real/galaxies", "deeplense/model_II"):
        found = inspect_source(open_source(shared_data / path), quiet)
        assert "cosmic_rays" not in found.defects


def test_the_proposed_command_is_for_numbers_that_are_known(tmp_path: Path, rings: Rings) -> None:
    """A column that one image has is no target: the note says so, and nothing is proposed."""
    for i, image in enumerate(rings(12, 24)[:, 0]):
        fits.writeto(tmp_path / f"{i}.fits", image)
    rows = [f"{i}.fits,{1.2 if i == 4 else ''}" for i in range(12)]
    (tmp_path / "known.csv").write_text("file,theta_E\n" + "\n".join(rows) + "\n")
    found = inspect_source(open_source(tmp_path), quiet)
    assert "regression" not in found.use
    table = [f"{i}.fits,{1 + i / 10}" for i in range(12)]
    (tmp_path / "known.csv").write_text("file,theta_E\n" + "\n".join(table) + "\n")
    found = inspect_source(open_source(tmp_path), quiet)
    assert "--task regression:targets=theta_E" in found.use


def test_clean_images_have_no_defect(write: Callable[[str], Path]) -> None:
    """A file with nothing wrong has no defect, and the report says what was looked for."""
    found = inspect_source(open_source(write("hdf5")), quiet)
    assert found.defects == {}
    assert f"no defect   of {len(DEFECTS)} kinds" in "\n".join(lines_of(found))


def test_damaged_container_is_found(write: Callable[[str], Path]) -> None:
    """A value changed in an images file after it was written is found by its SHA-256."""
    path = write("container")
    assert inspect_source(open_source(path), quiet).defects == {}
    with h5py.File(path, "a") as file:
        file["images/as-stored/pixels"][0, 0, 0, 0] += 1
    found = inspect_source(open_source(path), quiet)
    assert found.defects["damaged"]["examples"] == ["/images/as-stored/pixels"]


def test_inspection_is_json(any_path: Path) -> None:
    """What is found can be written as strict JSON and as lines, for every format."""
    found = inspect_source(open_source(any_path), quiet)
    text = json.dumps(dataclasses.asdict(found), allow_nan=False)
    assert json.loads(text)["images"] == found.images
    assert all("\n" not in line for line in lines_of(found))


def test_bands_of_a_scene_are_not_duplicates(write: Callable[[str], Path]) -> None:
    """Two conditions of one scene look alike and are not reported as near-duplicates."""
    source = open_source(write("bands"))
    same = dataclasses.replace(source, read=lambda _: source.read(0))
    assert "near_duplicate" not in inspect_source(same, quiet).defects


def test_inspecting_many_bands_takes_few_openings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands to use are tried on one band, so that work grows with the bands and not faster."""
    looked: list[Path] = []
    true = fits_files.find_images
    monkeypatch.setattr(fits_files, "find_images", lambda p, s: looked.append(p) or true(p, s))
    for count in (20, 500):
        path = tmp_path / f"{count}.fits.gz"
        units = [fits.ImageHDU(np.zeros((16, 16), np.uint8), name=f"B{i}") for i in range(count)]
        fits.HDUList([fits.PrimaryHDU(), *units]).writeto(path)
        done = CliRunner().invoke(command, ["inspect", str(path), "--quiet"])
        assert done.exit_code == 0, done.output
        assert f"one FITS file of {count + 1} extensions with {count} images" in done.output
    few, many = (sum(path.name == f"{count}.fits.gz" for path in looked) for count in (20, 500))
    assert 1 <= many == few <= 16


@pytest.mark.parametrize(("masked", "defects"), [(True, 0), (False, 1)])
def test_noise_of_masked_pixels_is_no_defect(masked, defects, tmp_path, lensbench):
    """A noise map may be NaN where the mask rules pixels out, as pipelines write it."""
    pixels = np.random.default_rng(0).normal(size=(16, 16)).astype("f4")
    noise, mask = np.ones((16, 16), "f4"), np.zeros((16, 16), "i2")
    pixels[:2], noise[:2], mask[:2] = np.nan, np.nan, masked
    planes = {"SCI": pixels, "ERR": noise, "MASK": mask}
    units = [fits.ImageHDU(plane, name=name) for name, plane in planes.items()]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / "a.fits")
    done = lensbench("data", "inspect", tmp_path, "--json", "--quiet")
    (found,) = json.loads(done.out)
    assert found["defects"].get("noise_not_positive", {"count": 0})["count"] == defects


def test_a_mask_of_most_pixels_is_a_warning(tmp_path: Path) -> None:
    """It perhaps marks the good ones, which nobody can know from the file."""
    for name, rows in (("most", 12), ("few", 3)):
        mask = np.zeros((20, 20), np.uint8)
        mask[:rows] = 1
        pixels = np.random.default_rng(rows).normal(size=(20, 20))
        parts = [fits.PrimaryHDU(pixels), fits.ImageHDU(mask, name="MASK")]
        fits.HDUList(parts).writeto(tmp_path / f"{name}.fits")
    found = inspect_source(open_source(tmp_path), lambda *_: None)
    assert found.masks == 2
    assert found.defects["mask_most"] == {"count": 1, "examples": ["most.fits"]}
