"""The dataset `stored`: images that were observed already, split without a leak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.calls import Result
from tests.runs import run_cells

from lensbench import DataError, IncompatibleError
from lensbench.cells.checks import Checks
from lensbench.cells.plugins import Plugins
from lensbench.registry import Catalogue, load_catalogue

SPLITS = ("pretraining", "train", "validation", "test")


@pytest.fixture
def catalogue() -> Catalogue:
    """All that is installed."""
    return load_catalogue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """60 images of three classes, the first of each repeated under another name."""
    for label, name in enumerate(("no", "sphere", "vort")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(20):
            pixels = np.random.default_rng(100 * label + i % 19).normal(5, 2, (20, 20))
            pixels[8:12, 8:12] += 50
            np.save(tmp_path / "images" / name / f"{i}.npy", pixels)
    return tmp_path / "images"


def test_splits_are_disjoint_and_whole(folder: Path, catalogue: Catalogue) -> None:
    """Every image is in one split, copies of one image in the same, whatever the order of files."""
    dataset = catalogue.build("dataset", f"stored:path={folder}")
    ids: dict[str, str] = {}
    pixels: dict[bytes, set[str]] = {}
    for split in SPLITS:
        seen = dataset.observed(split, range(dataset.size(split)), "as-stored")
        for name, image in zip(seen.ids, seen.images, strict=True):
            assert name not in ids
            ids[name] = split
            pixels.setdefault(image.numpy().tobytes(), set()).add(split)
    assert len(ids) == 60
    assert len(pixels) == 57
    assert all(len(splits) == 1 for splits in pixels.values())
    again = catalogue.build("dataset", f"stored:path={folder}")
    assert again.digest() == dataset.digest()


def test_images_are_in_sigma(folder: Path, catalogue: Catalogue) -> None:
    """Images come cropped to multiples of 8, without their background, in σ of their border."""
    dataset = catalogue.build("dataset", f"stored:path={folder}")
    images = dataset.observed("train", range(dataset.size("train")), "as-stored").images.numpy()
    assert images.shape[1:] == (1, 16, 16)
    outside = images[:, 0, :3]
    assert abs(np.median(outside)) < 0.2
    assert 0.8 < outside.std() < 1.3


def test_own_test_split_is_kept(tmp_path: Path, catalogue: Catalogue) -> None:
    """Images of `val` are the test split, and a copy of one in `train` goes there with it."""
    for split, seeds in (("train", range(30)), ("val", range(29, 36))):
        (tmp_path / split / "no").mkdir(parents=True)
        for seed in seeds:
            pixels = np.random.default_rng(seed).normal(size=(16, 16))
            np.save(tmp_path / split / "no" / f"{seed}.npy", pixels)
    dataset = catalogue.build("dataset", f"stored:path={tmp_path}")
    tested = dataset.observed("test", range(dataset.size("test")), "as-stored").ids
    assert sum(name.startswith("val/") for name in tested) == 7
    assert [name[: len("train/no/29")] for name in tested if name.startswith("train")] == [
        "train/no/29"
    ]


def test_as_stored_is_for_stored_images_alone(folder: Path, catalogue: Catalogue) -> None:
    """Simulated scenes are not seen as-stored, nor stored images under an instrument."""
    named = {"task": "morphology", "baseline": "spectrum-logreg"}
    simulated = run_cells(catalogue, **named)
    assert "as-stored" not in {view.condition for view in simulated[0].tests}
    images = f"stored:path={folder}"
    stored = run_cells(catalogue, **named, dataset=images)
    assert [view.condition for view in stored[0].tests] == ["as-stored"]
    for wrong in (
        {"train_condition": "as-stored"},
        {"dataset": images, "train_condition": "euclid-vis"},
        {"test_dataset": images},
    ):
        with pytest.raises(IncompatibleError):
            run_cells(catalogue, **named, **wrong)


def test_refusals_name_the_remedy(tmp_path: Path, catalogue: Catalogue) -> None:
    """Pickles are refused, and a task that needs other classes, with those that there are."""
    for name in ("no_sub", "axion"):
        (tmp_path / "a" / name).mkdir(parents=True)
        np.save(tmp_path / "a" / name / "0.npy", np.random.default_rng(0).normal(size=(16, 16)))
    pair = np.array([np.zeros((16, 16)), 1.0], dtype=object)
    np.save(tmp_path / "a" / "axion" / "0.npy", pair, allow_pickle=True)
    with pytest.raises(DataError, match="object pickles") as caught:
        catalogue.build("dataset", f"stored:path={tmp_path / 'a'}")
    assert "lensbench data convert" in caught.value.hint
    np.savez(tmp_path / "b.npz", images=np.random.default_rng(0).normal(size=(6, 16, 16)),
             labels=["ring", "arc"] * 3)  # fmt: skip
    images = f"stored:path={tmp_path / 'b.npz'}"
    cells = run_cells(catalogue, "morphology", baseline="spectrum-logreg", dataset=images)
    with pytest.raises(IncompatibleError, match="no target 'substructure'") as missing:
        Checks(Plugins(catalogue)).check(cells[0])
    assert missing.value.hint.startswith("it has: class;")
    images = f"stored:path={tmp_path / 'b.npz'}"
    cells = run_cells(catalogue, "regression", baseline="ring-radius", dataset=images)
    with pytest.raises(IncompatibleError, match="no target 'theta_E' with these") as missing:
        Checks(Plugins(catalogue)).check(cells[0])
    assert missing.value.hint.startswith("it has: class;")


def test_a_baseline_runs_on_stored_images(
    folder: Path, tmp_path: Path, lensbench: Callable[..., Result]
) -> None:
    """`lensbench run` trains and tests on stored images and ranks what it was asked for."""
    words = ["run", "--baseline", "spectrum-logreg", "--task", "morphology", "--budget", "smoke",
             "--dataset", f"stored:path={folder}", "--store", str(tmp_path / "store"), "--json",
             "--quiet", "--workers", "0"]  # fmt: skip
    done = lensbench(*words)
    assert done.code == 0, done.err
    assert '"test_condition":"as-stored"' in done.out.replace(" ", "")
    assert "spectrum-logreg" in done.out
