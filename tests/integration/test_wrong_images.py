"""What is wrong with a user's images is one line and what to do, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

CLASSES = "classification"
RADII = "regression"


def noise(seed: int) -> np.ndarray:
    """An image of noise."""
    return np.random.default_rng(seed).normal(5, 2, (16, 16))


def by_class(folder: Path, counts: dict[str, int], first: int = 0) -> None:
    """A folder of images for each class."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            np.save(folder / name / f"{i}.npy", noise(first + i))
        first += count


def with_table(folder: Path, header: str, values: list[str]) -> None:
    """Images, and a table of one more column."""
    for i in range(len(values)):
        np.save(folder / f"{i}.npy", noise(i))
    rows = [f"{i}.npy,{value}" for i, value in enumerate(values)]
    (folder / "a.csv").write_text("\n".join([f"file,{header}", *rows]))


def missing_labels(folder: Path) -> None:
    """Two of ten images have no class."""
    with_table(folder, "label", ["a", "b"] * 4 + ["", ""])


def tables_that_disagree(folder: Path) -> None:
    """Two tables give one image two classes."""
    with_table(folder, "label", ["a", "b"] * 4)
    (folder / "b.csv").write_text("file,label\n3.npy,a\n")


def one_member(folder: Path) -> None:
    """One image of a class."""
    by_class(folder, {"a": 6, "b": 1})


def one_object(folder: Path) -> None:
    """All images of a class are nearly the same, so that one split has them."""
    by_class(folder, {"a": 12, "b": 4})
    ring = 40 * noise(100)
    for i in range(4):
        np.save(folder / "b" / f"{i}.npy", ring + 0.1 * noise(i))


def one_class_in_a_split(folder: Path) -> None:
    """All test images are of one class."""
    by_class(folder / "train", {"a": 5, "b": 5})
    by_class(folder / "test", {"a": 3}, 50)


def unknown_unit(folder: Path) -> None:
    """Einstein radii in a unit that is no angle."""
    with_table(folder, "theta_E [furlong]", [f"{1 + i / 10}" for i in range(10)])


def scales_a_hundredfold(folder: Path) -> None:
    """Pixels of 0.05 and of 5 arcsec."""
    for i, label in enumerate("abab"):
        (folder / label).mkdir(exist_ok=True)
        header = fits.Header({"PIXSCALE": 0.05 if i else 5.0})
        fits.PrimaryHDU(noise(i), header).writeto(folder / label / f"{i}.fits")


def nothing(folder: Path) -> None:
    """An empty folder."""


@pytest.mark.parametrize(
    ("task", "make", "said", "hint"),
    [
        (CLASSES, missing_labels, "2 images without a class: 8.npy, 9.npy", "unlabelled"),
        (CLASSES, tables_that_disagree, "disagree on 'label' of '3.npy'", "correct one"),
        (CLASSES, one_member, "one image of class 'b'", "leave the class out"),
        (CLASSES, one_object, "all 4 images of class 'b'", "images of other objects"),
        (CLASSES, one_class_in_a_split, "split 'test'", "add images of the other classes"),
        (RADII, unknown_unit, "'theta_E' is in 'furlong', expected 'arcsec'", "correct the unit"),
        (CLASSES, scales_a_hundredfold, "from 0.05″ to 5.0″", "correct the headers"),
        (CLASSES, nothing, "holds nothing that is known as images", "known: .npy"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_one_line_and_what_to_do(
    task: str, make: Callable[[Path], None], said: str, hint: str, tmp_path: Path, lensbench
) -> None:
    """Exit 2, an error and a hint, and an empty standard output."""
    folder = tmp_path / "images"
    folder.mkdir()
    make(folder)
    baseline = "ring-radius" if task == RADII else "spectrum-logreg"
    done = lensbench(
        "run", "--baseline", baseline, "--task", task, "--store", tmp_path / "store",
        "--dataset", f"stored:path={folder}",
    )  # fmt: skip
    assert done.code == 2
    assert done.out == ""
    error, advice = done.err.strip().splitlines()
    assert error.startswith("error: ") and said in error
    assert advice.startswith("hint: ") and hint in advice
    assert not (tmp_path / "store" / "runs").exists()


def test_unequal_classes_are_reported(tmp_path: Path, lensbench) -> None:
    """By `inspect` and by `run`, with the option that weights them; equal ones are not."""
    by_class(tmp_path / "unequal", {"rare": 10, "frequent": 60})
    by_class(tmp_path / "equal", {"a": 12, "b": 12})
    done = lensbench("data", "inspect", tmp_path / "unequal")
    note = "Classes of the training images are unequal: frequent (21), rare (4). weighted=true"
    assert done.code == 0
    assert note in done.out
    assert "unequal:" not in lensbench("data", "inspect", tmp_path / "equal").out
    ran = lensbench(
        "run", "--baseline", "spectrum-logreg", "--task", "classification:weighted=true",
        "--dataset", f"stored:path={tmp_path / 'unequal'}", "--store", tmp_path / "store",
        "--metric", "bleu",
    )  # fmt: skip
    assert ran.code == 2 and "has no metric 'bleu'" in ran.err  # before anything is trained
    assert f"note: {note}" in ran.err


def test_radii_in_another_unit_are_converted(tmp_path: Path) -> None:
    """A table in milliarcseconds gives the target in arcseconds, in which methods answer."""
    from lensbench.registry import load_catalogue

    with_table(tmp_path, "theta_E [mas]", [f"{1000 + 10 * i}" for i in range(10)])
    dataset = load_catalogue().build("dataset", f"stored:path={tmp_path}")
    assert dataset.targets["theta_E"].unit == "arcsec"
    found = [dataset.observed(s, range(dataset.size(s)), "") for s in ("train", "test")]
    values = np.concatenate([one.targets["theta_E"] for one in found])
    assert values.min() >= 1.0 and values.max() <= 1.09
