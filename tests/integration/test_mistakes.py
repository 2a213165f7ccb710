"""A mistake in the call gets one line, a hint and exit 2."""

import numpy as np
import pytest
from astropy.io import fits

RUN = ("run", "--task", "superres", "--budget", "smoke", "--quiet")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--encoder", "mae-vitt", "--task", "superres"), "did you mean mae-vit"),
        ((*RUN, "--encoder", "mae-vit:ptch=4"), "patch"),
        ((*RUN, "--encoder", "mae-vit:patch=four"), "int"),
        ((*RUN, "--encoder", "mae-vit", "--transfer", "osmosis"), "finetune"),
        ((*RUN, "--encoder", "resnet18", "--pretraining", "mae"), "simclr"),
        ((*RUN, "--encoder", "mae-vit", "--test-dataset", "images:path=/no/such"), "/no/such"),
        ((*RUN, "--encoder", "mae-vit", "--metric", "bleu"), "psnr"),
        ((*RUN, "--encoder", "mae-vit", "--labels", "-3"), "--labels"),
        ((*RUN, "--encoder", "mae-vit", "--seed", "many"), "--seed"),
        ((*RUN,), "--encoder"),
        (("run", "--encoder", "mae-vit"), "--task"),
        (("runn",), "runn"),
        (("list", "galaxies"), "encoder"),
        (("show", "mae-vat"), "mae-vit"),
        (("show-run", "abc"), "run"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, tuple) else "",
)
def test_the_line_says_what_and_the_hint_what_next(lensbench, tmp_path, words, said, monkeypatch):
    """No traceback, nothing on stdout, exit 2."""
    monkeypatch.setenv("LENSBENCH_STORE", str(tmp_path))
    result = lensbench(*words)
    assert result.code == 2
    assert result.out == ""
    lines = result.err.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert len(lines) == 2
    assert lines[1].startswith("hint: ")
    assert said in result.err


def test_a_task_whose_target_the_dataset_lacks_is_refused(lensbench, tmp_path):
    """The datasets that would do are named."""
    axis = np.arange(40) - 19.5
    pixels = np.exp(-(axis[:, None] ** 2 + axis**2) / 50).astype("f4")
    fits.PrimaryHDU(pixels, fits.Header({"PIXSCALE": 0.05})).writeto(tmp_path / "a.fits")
    result = lensbench(
        "run", "--encoder", "mae-vit", "--task", "morphology", "--store", tmp_path / "s",
        "--dataset", f"images:path={tmp_path}",
    )  # fmt: skip
    assert result.code == 2
    assert "substructure" in result.err
    assert "lenses" in result.err


@pytest.mark.parametrize("value", [np.nan, 1.0], ids=["nan", "constant"])
def test_an_image_that_says_nothing_is_refused(lensbench, tmp_path, value):
    """The file is named, before any training."""
    pixels = np.full((32, 32), value, "f4")
    fits.PrimaryHDU(pixels, fits.Header({"PIXSCALE": 0.05})).writeto(tmp_path / "bad.fits")
    result = lensbench(
        *RUN, "--encoder", "mae-vit", "--store", tmp_path / "s",
        "--test-dataset", f"images:path={tmp_path}",
    )  # fmt: skip
    assert result.code == 2
    assert "bad.fits" in result.err


def test_a_store_that_cannot_be_written_is_refused(lensbench, tmp_path):
    """Before anything is drawn."""
    (tmp_path / "file").write_text("")
    result = lensbench(*RUN, "--encoder", "mae-vit", "--store", tmp_path / "file" / "s")
    assert result.code == 2
    assert "--store" in result.err
