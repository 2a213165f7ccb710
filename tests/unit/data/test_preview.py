"""Contact sheets: what is on them, and the stretch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lensbench import DataError
from lensbench.data.layouts import open_source, open_sources
from lensbench.data.picture import Picture
from lensbench.data.preview import draw_sheet, rows_of, stretched


def quiet(*_: object) -> None:
    """Reports nothing."""


def test_a_model_has_the_colours_of_its_image():
    """Equal pixels look alike whatever the range of the model, which has no noise of its own."""
    random = np.random.default_rng(0)
    model = 40 * np.exp(-((np.arange(64) - 32.0) ** 2)[:, None] / 50) + np.zeros((1, 64, 64))
    image = model + random.normal(size=(1, 64, 64))
    same = stretched(image, image)
    np.testing.assert_array_equal(same, stretched(image))
    assert np.abs(stretched(model, image) - same).mean() < np.abs(stretched(model) - same).mean()
    assert stretched(image[:, :8, :8], image) == pytest.approx(same[:, :8, :8])


def test_every_format_has_a_sheet(any_path: Path, tmp_path: Path) -> None:
    """A sheet is a PNG in which there is something to see."""
    draw_sheet(open_sources(any_path), tmp_path / "sheet.png", 4, quiet)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert np.asarray(sheet.convert("L")).std() > 5


def test_a_row_a_class(write: Callable[[str], Path]) -> None:
    """Class folders give a row a class; one of pickles says how to read them."""
    rows = rows_of(open_sources(write("classes")), 8)
    assert [row.title for row in rows] == ["axion", "cdm", "no_sub"]
    assert "lensbench data convert" in rows[0].note
    assert [len(row.indices) for row in rows] == [0, 3, 3]


def test_bands_of_one_scene_stand_side_by_side(write: Callable[[str], Path]) -> None:
    """The bands of a single file share a row."""
    rows = rows_of(open_sources(write("bands")), 8)
    assert len(rows) == 1 and len(rows[0].indices) == 2


@pytest.mark.parametrize("background", [0.0, 1000.0])
def test_stretch_keeps_order_and_range(background: float) -> None:
    """The stretch is on 0 to 1, monotonic, whatever the background."""
    random = np.random.default_rng(0)
    image = random.normal(background, 1, (64, 64))
    image[30:34, 30:34] += 500
    shown = stretched(image)
    assert shown.min() >= 0 and shown.max() <= 1
    order = np.argsort(image.ravel(), kind="stable")
    assert (np.diff(shown.ravel()[order]) >= 0).all()
    assert 0.02 < np.median(shown) < 0.4


@pytest.mark.parametrize("value", [0.0, np.nan, -3.0])
def test_stretch_of_nothing(value: float) -> None:
    """Constant and unknown images have a stretch too, without a warning."""
    assert stretched(np.full((8, 8), value)).shape == (8, 8)


def test_unreadable_images_are_said(write: Callable[[str], Path], tmp_path: Path) -> None:
    """A source of which no image can be read is an error, not an empty sheet."""
    broken = replace(open_source(write("npz")), read=_refuse)
    with pytest.raises(DataError, match="no image"):
        draw_sheet([broken], tmp_path / "sheet.png", 4, quiet)
    assert not (tmp_path / "sheet.png").exists()


def _refuse(_: int) -> Picture:
    raise DataError("broken", "mend it")
