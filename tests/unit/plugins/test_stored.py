"""`stored` takes whatever labels, bands, sizes, noise and splits the files have."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from tests.runs import run_cells
from tests.stored_images import SPLITS, classes, noise, save, seen, stored

from lensbench import (
    DataError,
    IncompatibleError,
)
from lensbench.cells.checks import Checks
from lensbench.cells.plugins import Plugins
from lensbench.data.conversion import convert
from lensbench.data.layouts import open_source
from lensbench.registry import load_catalogue
from lensbench_reference.datasets.stored_splits import share_out


def test_any_classes_and_which_are_lenses(tmp_path: Path) -> None:
    """Classes of any names are the target `class`; `positive` says which of them are lenses."""
    path = classes(tmp_path, {"ring": 10, "arc": 10, "spiral": 20})
    dataset = stored(path, positive="ring+arc")
    assert dataset.targets["class"].classes == ("arc", "ring", "spiral")
    assert dataset.targets["lens"].classes == ("non_lens", "lens")
    assert "substructure" not in dataset.targets
    for observed in seen(dataset).values():
        for name, label, lens in zip(
            observed.ids, observed.targets["class"], observed.targets["lens"], strict=True
        ):
            assert name.startswith(("arc", "ring", "spiral")[label])
            assert lens == (not name.startswith("spiral"))
    with pytest.raises(DataError, match="no class 'galaxy'"):
        stored(path, positive="galaxy")


@pytest.mark.parametrize(
    "names",
    [
        ("lenses", "nonlenses"),
        ("lens", "non_lens"),
        ("1", "0"),
        ("strong lens", "not a lens"),
        ("lens", "gal"),
    ],
)
def test_lenses_by_their_name(names: tuple[str, str], tmp_path: Path) -> None:
    """One of two classes that is called so is the lenses."""
    dataset = stored(classes(tmp_path, dict.fromkeys(names, 10)))
    for observed in seen(dataset).values():
        for name, lens in zip(observed.ids, observed.targets["lens"], strict=True):
            assert lens == name.startswith(f"{names[0]}/")


def test_classes_of_the_release_keep_their_target(tmp_path: Path) -> None:
    """no, sphere and vort are the target `substructure`, under the names of lensbench."""
    dataset = stored(classes(tmp_path, {"no": 9, "sphere": 9, "vort": 9}))
    assert dataset.targets["substructure"].classes == ("no_sub", "cdm", "vortex")
    train = seen(dataset)["train"]
    wanted = [("no", "sphere", "vort").index(name.partition("/")[0]) for name in train.ids]
    assert train.targets["substructure"].tolist() == wanted


def test_numbers_with_units_and_errors(tmp_path: Path) -> None:
    """Columns are real targets with their unit; errors are none; log10 of what is positive."""
    rows = ["file,theta_E [arcsec],theta_E_err,offset,kind"]
    for i in range(20):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
        rows.append(f"{i}.npy,{0.5 + i / 10},{0.1},{i - 10},{'ab'[i % 2]}")
    (tmp_path / "catalogue.csv").write_text("\n".join(rows))
    dataset = stored(tmp_path)
    assert set(dataset.targets) == {"class", "theta_E", "log10_theta_E", "offset"}
    assert dataset.targets["theta_E"].unit == "arcsec"
    for observed in seen(dataset).values():
        numbers = [int(name.partition(".")[0]) for name in observed.ids]
        expected = np.array([0.5 + i / 10 for i in numbers], dtype=np.float32)
        assert np.allclose(observed.targets["theta_E"], expected)
        assert np.allclose(observed.targets["log10_theta_E"], np.log10(expected), atol=1e-6)


@pytest.mark.parametrize("name", ["einstein_radius", "thetaE", "theta_e", "R_ein"])
def test_an_einstein_radius_is_theta_E_however_it_is_called(name: str, tmp_path: Path) -> None:
    """Methods that measure radii take it, in arcsec."""
    for i in range(20):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
    rows = "".join(f"{i}.npy,{1000 + i}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(f"file,{name} [mas]\n{rows}")
    dataset = stored(tmp_path)
    assert dataset.targets["theta_E"].unit == "arcsec"
    one = seen(dataset)["test"]
    radii = [1 + int(name.partition(".")[0]) / 1000 for name in one.ids]
    assert one.targets["theta_E"] == pytest.approx(radii)


def test_mass_of_a_converted_release(tmp_path: Path) -> None:
    """`[image, mass]` files become the targets `mass` and `log10_mass`, through `convert`."""
    from lensbench.data.picture import Selection

    for i in range(8):
        pair = np.empty(2, dtype=object)
        pair[:] = [noise(i, 16, 16), 1e-23 * (i + 1)]
        (tmp_path / "axion").mkdir(exist_ok=True)
        np.save(tmp_path / "axion" / f"{i}.npy", pair, allow_pickle=True)
    source = open_source(tmp_path / "axion", Selection(objects=True))
    convert(source, tmp_path / "a.h5", False, lambda *_: None)
    dataset = stored(tmp_path / "a.h5")
    masses = np.concatenate([one.targets["log10_mass"] for one in seen(dataset).values()])
    assert np.allclose(np.sort(masses), np.sort(np.log10(1e-23 * np.arange(1, 9))), atol=1e-5)


@pytest.mark.parametrize(("names", "factor"), [(("LR", "HR"), 2), (("noisy", "clean"), 1)])
def test_pairs_are_in_one_unit(names: tuple[str, str], factor: int, tmp_path: Path) -> None:
    """The other side of a pair is the target `sky`, in the noise and above the sky of the first."""
    for k in range(12):
        low = noise(k, 16, 16)
        save(tmp_path / names[0] / f"{k}.npy", low)
        save(tmp_path / names[1] / f"{k}.npy", np.kron(low, np.ones((factor, factor))))
    dataset = stored(tmp_path)
    assert dataset.upsample == factor and dataset.targets["sky"].unit == "σ"
    for observed in seen(dataset).values():
        sharp = observed.images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
        assert np.allclose(observed.sky, sharp, atol=1e-4)
    assert sum(dataset.size(split) for split in SPLITS) == 12


def test_splits_are_stratified_from_the_first_on(tmp_path: Path) -> None:
    """Each split has its share of each class, and so has every beginning of the training split."""
    dataset = stored(classes(tmp_path, {"rare": 20, "frequent": 180}))
    found = seen(dataset)
    for split, share in (("train", 0.35), ("test", 0.2)):
        counts = Counter(found[split].targets["class"].tolist())
        assert counts == {0: round(180 * share), 1: round(20 * share)}
    first = found["train"].targets["class"][:30]
    assert first.sum() == 3


@pytest.mark.parametrize("each", [5, 8])
def test_few_images_have_a_validation_split(each: int) -> None:
    """A tenth of eight images is none by rounding: one of each class is taken from pretraining."""
    names = [f"{kind}{k}" for kind in "ab" for k in range(each)]
    strata = [name[0] for name in names]
    found = share_out(names, range(2 * each), strata, [""] * 2 * each)
    assert sorted(place for places in found.values() for place in places) == [*range(2 * each)]
    for split, places in found.items():
        assert {strata[place] for place in places} == {"a", "b"}, split
    assert len(found["validation"]) == 2


def test_own_splits_of_tables(tmp_path: Path) -> None:
    """A column of the table names the splits."""
    rows = ["file,label,part"]
    for i in range(40):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
        rows.append(f"{i}.npy,{'ab'[i % 2]},{'train' if i < 30 else 'valid' if i < 34 else 'test'}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    dataset = stored(tmp_path, split_column="part")
    names = {split: {int(n.partition(".")[0]) for n in one.ids} for split, one in
             seen(dataset).items()}  # fmt: skip
    assert names["test"] == set(range(34, 40))
    assert names["validation"] == set(range(30, 34))
    assert names["train"] | names["pretraining"] == set(range(30))


def test_images_of_one_object_share_a_split(tmp_path: Path) -> None:
    """By sky position within an arcsecond, and by near-duplicate: two images, one split."""
    rng = np.random.default_rng(0)
    for i in range(30):
        for exposure in range(2):
            header = fits.Header()
            header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=12.5, CRPIX2=12.5,
                          CRVAL1=150 + i / 100, CRVAL2=2 + exposure * 0.5 / 3600,
                          CDELT1=-0.05 / 3600, CDELT2=0.05 / 3600)  # fmt: skip
            unit = fits.PrimaryHDU(noise(2 * i + exposure, 24, 24), header)
            (tmp_path / "sky" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
            unit.writeto(tmp_path / "sky" / "ab"[i % 2] / f"{rng.integers(1e9)}_{i}.fits")
    homes: dict[str, set[str]] = {}
    for split, one in seen(stored(tmp_path / "sky")).items():
        for name in one.ids:
            homes.setdefault(name.partition("_")[2].partition(".")[0], set()).add(split)
    assert len(homes) == 30 and all(len(splits) == 1 for splits in homes.values())
    for i in range(30):
        image = np.kron(noise(i, 8, 8), np.ones((4, 4)))
        save(tmp_path / "copies" / "ab"[i % 2] / f"{i}_first.npy", image)
        turned = np.rot90(image)[:, ::-1] * 3 + noise(100 + i, 32, 32) / 200
        save(tmp_path / "copies" / "ab"[i % 2] / f"{i}_second.npy", turned)
    homes = {}
    for split, one in seen(stored(tmp_path / "copies")).items():
        for name in one.ids:
            homes.setdefault(name.partition("/")[2].partition("_")[0], set()).add(split)
    assert len(homes) == 30 and all(len(splits) == 1 for splits in homes.values())


def test_a_position_that_all_images_share_is_not_believed(tmp_path: Path) -> None:
    """Simulations have copies of one header: their images still go to all splits."""
    header = fits.Header()
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=12.5, CRPIX2=12.5)
    header.update(CRVAL1=150.0, CRVAL2=2.0, CDELT1=-0.05 / 3600, CDELT2=0.05 / 3600)
    for i in range(40):
        path = tmp_path / "ab"[i % 2] / f"{i}.fits"
        path.parent.mkdir(exist_ok=True)
        fits.writeto(path, noise(i, 24, 24), header)
    dataset = stored(tmp_path)
    assert {split: dataset.size(split) for split in ("pretraining", "train", "test")} == {
        "pretraining": 14,
        "train": 14,
        "test": 8,
    }
    assert "40 images lie at one position" in dataset.notes[0]


def test_images_without_labels_are_for_pretraining(tmp_path: Path) -> None:
    """Nothing is known of them, so that no task could use them."""
    for i in range(20):
        save(tmp_path / f"{i}.npy", noise(i, 16, 16))
    dataset = stored(tmp_path)
    assert dataset.targets == {}
    assert {s: dataset.size(s) for s in SPLITS} == {
        "pretraining": 18, "train": 0, "validation": 2, "test": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        ("missing", "1 images without a class: unknown.npy", "unlabelled"),
        ("alone", "one image of class 'b'", "leave the class out"),
        ("split", "split 'test' of .* are of class 'a'", "add images of the other classes"),
        ("empty", "holds nothing that is known as images", "known:"),
    ],
)
def test_wrong_input_says_what_to_do(kind: str, message: str, hint: str, tmp_path: Path) -> None:
    """One line names the images, and the hint what to do."""
    if kind == "missing":
        save(tmp_path / "unknown.npy", noise(99, 16, 16))
        rows = ["file,label"]
        for i in range(6):
            save(tmp_path / f"{i}.npy", noise(i, 16, 16))
            rows.append(f"{i}.npy,{'ab'[i % 2]}")
        (tmp_path / "t.csv").write_text("\n".join(rows))
    elif kind == "alone":
        classes(tmp_path, {"a": 5, "b": 1})
    elif kind == "split":
        classes(tmp_path / "train", {"a": 5, "b": 5})
        classes(tmp_path / "test", {"a": 3}, 18, 18)
    with pytest.raises(DataError, match=message) as caught:
        stored(tmp_path, **({"sizes": "crop"} if kind == "split" else {}))
    assert hint in caught.value.hint and "\n" not in caught.value.message


def refused(task: str, path: Path) -> IncompatibleError:
    """Why a task cannot be put to these images, found before anything runs."""
    baseline = {"superres": "bicubic", "finding": "hog-svm"}.get(task.partition(":")[0], "ocsvm")
    catalogue = load_catalogue()
    cells = run_cells(catalogue, task, baseline=baseline, dataset=f"stored:path={path}")
    with pytest.raises(IncompatibleError) as caught:
        Checks(Plugins(catalogue)).check(cells[0])
    return caught.value


def test_what_a_task_lacks_is_named_before_anything_runs(tmp_path: Path) -> None:
    """Targets, normal classes and samplings that are not there, with those that are."""
    path = classes(tmp_path / "classes", {"ring": 8, "arc": 8})
    assert "it has: class" in refused("superres", path).hint
    assert refused("finding", path).hint.endswith("classes of lenses: some of arc, ring")
    assert "normal= is one of arc, ring" in refused("anomaly:normal=spiral", path).hint
    for k in range(8):
        save(tmp_path / "pairs" / "LR" / f"{k}.npy", noise(k, 16, 16))
        save(tmp_path / "pairs" / "HR" / f"{k}.npy", noise(k, 64, 64))
    assert refused("superres", tmp_path / "pairs").hint == "--task superres:scale=4"
