"""Making: the right content, the same after any stop, in every form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from lensbench import DataError, Dataset, Scenes, Split, Target
from lensbench.data import making
from lensbench.data.container import attribute
from lensbench.data.exports import export_of, write_hdf5
from lensbench.data.layouts import open_source
from lensbench.data.making import Recipe, make
from lensbench.errors import UsageError
from lensbench.sky.instruments import DES_R, EUCLID_VIS
from lensbench.sky.observation import add_noise, expose, grid_of


class Spots(Dataset):
    """Skies with one bright spot each, cheap to draw."""

    targets = {  # noqa: RUF012 (read only)
        "sky": Target("image", unit="µJy/arcsec²"),
        "side": Target("class", classes=("left", "right")),
        "flux": Target("real", unit="µJy"),
    }
    field_of_view = 3.2
    data_range = 20.0
    finite = True

    def size(self, split: Split) -> int | None:
        """Without end in training."""
        return None if split == "train" else 30

    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """A spot whose place follows from the index."""
        sky = torch.zeros(len(indices), 1, 96, 96)
        for row, index in enumerate(indices):
            sky[row, 0, 20 + index % 50, 40] = 1000.0 + index
        side = np.array([index % 2 for index in indices])
        flux = np.array([1000.0 + index for index in indices])
        return Scenes(
            tuple(f"{seed}-{split}-{i}" for i in indices), sky, 0.05, np.zeros(len(indices)),
            {"side": side, "flux": flux}, {"row": np.array([[i, i] for i in indices], float)},
        )  # fmt: skip


def recipe(count: int = 230, seed: int = 3, **changed: object) -> Recipe:
    """A recipe of spots under two conditions."""
    asked = {
        "name": "spots", "dataset": Spots(), "split": "train", "seed": seed, "count": count,
        "conditions": (EUCLID_VIS, DES_R), "about": {"licence": "MIT", "citation": "nobody"},
        "code": "c0de",
    } | changed  # fmt: skip
    return Recipe(**asked)  # type: ignore[arg-type]


def quiet(*_: object) -> None:
    """Reports nothing."""


def sha256(path: Path) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_images_are_what_the_harness_observes(tmp_path: Path) -> None:
    """Images in the file are those that cells see: same grid, same noise, in σ."""
    asked = recipe(40)
    make(asked, tmp_path / "a.h5", write_hdf5, False, quiet)
    scenes = asked.dataset.scenes("train", [31], 3)
    with h5py.File(tmp_path / "a.h5") as file:
        for condition in asked.conditions:
            exposed = expose(scenes, condition, grid_of(condition, 3.2))
            wanted = add_noise(exposed, condition, scenes.ids, 3).numpy()[0].astype("f4")
            stored = file[f"images/{condition.name}/pixels"]
            assert np.array_equal(stored[31], wanted)
            assert stored.fletcher32 and stored.chunks is not None
            assert attribute(stored.parent, "noise_level") == condition.noise_level
            assert attribute(stored.parent, "unit") == "σ of an empty pixel"
            assert np.array_equal(stored.parent["scene"][()], np.arange(40))
        assert np.array_equal(file["scenes/parameters/row"][31], [31, 31])
        assert attribute(file["scenes/targets/side"], "classes") == ["left", "right"]
        assert attribute(file["scenes/targets/flux"], "unit") == "µJy"
        assert attribute(file, "recipe") == asked.key
        assert attribute(file, "licence") == "MIT"


@pytest.mark.parametrize("stop", [1, 100, 200, 229])
def test_resumed_file_is_the_same(stop: int, tmp_path: Path) -> None:
    """A make that fails anywhere and is repeated gives the same bytes as one that does not."""

    class StopError(Exception):
        """Raised in the midst of it."""

    def stopping(stage: str, done: int, *_: object) -> None:
        if stage.startswith("observing") and done >= stop:
            raise StopError

    make(recipe(), tmp_path / "whole.h5", write_hdf5, False, quiet)
    with pytest.raises(StopError):
        make(recipe(), tmp_path / "a.h5", write_hdf5, False, stopping)
    assert not (tmp_path / "a.h5").exists()
    done = make(recipe(), tmp_path / "a.h5", write_hdf5, False, quiet)
    assert done.resumed == stop // making.BLOCK * making.BLOCK
    assert sha256(tmp_path / "a.h5") == sha256(tmp_path / "whole.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "whole.h5"]


def test_stop_while_the_file_is_put_together(tmp_path: Path) -> None:
    """A make that fails while the file is put together leaves no file, and can be repeated."""

    def failing(path: Path, *_: object) -> None:
        path.write_text("half of")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        make(recipe(50), tmp_path / "a.h5", failing, False, quiet)
    assert not (tmp_path / "a.h5").exists()
    assert make(recipe(50), tmp_path / "a.h5", write_hdf5, False, quiet).resumed == 50


def test_blocks_of_another_recipe_are_refused(tmp_path: Path) -> None:
    """Blocks of another seed are neither used nor thrown away unasked."""
    part = tmp_path / "a.h5.part"
    part.mkdir()
    (part / "recipe.json").write_text(json.dumps({"recipe": recipe(seed=4).key}))
    (part / "000000.h5").write_text("blocks of another")
    with pytest.raises(DataError, match="beginning of another make"):
        make(recipe(), tmp_path / "a.h5", write_hdf5, False, quiet)
    assert (part / "000000.h5").exists()
    make(recipe(30), tmp_path / "a.h5", write_hdf5, True, quiet)
    assert len(open_source(tmp_path / "a.h5").items) == 60


def test_damaged_block_is_made_again(tmp_path: Path) -> None:
    """A block whose bytes were changed is not used: it is made again, and the file is right."""

    def stopping(stage: str, done: int, *_: object) -> None:
        if done >= 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(recipe(), tmp_path / "a.h5", write_hdf5, False, stopping)
    block = tmp_path / "a.h5.part" / "000000.h5"
    content = bytearray(block.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 5000):
        content[place] ^= 0xFF
    block.write_bytes(content)
    assert make(recipe(), tmp_path / "a.h5", write_hdf5, False, quiet).resumed == 0
    make(recipe(), tmp_path / "whole.h5", write_hdf5, False, quiet)
    assert sha256(tmp_path / "a.h5") == sha256(tmp_path / "whole.h5")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4}, {"count": 231}, {"split": "test", "count": 20}, {"conditions": (DES_R,)},
        {"code": "other"}, {"name": "spots:x=1"},
    ],
)  # fmt: skip
def test_key_changes_with_the_content(change: dict[str, object]) -> None:
    """Whatever could change an image changes the key; who made it does not."""
    assert recipe(**change).key != recipe().key  # type: ignore[arg-type]
    assert recipe(about={"licence": "other"}).key == recipe().key


def test_existing_file_is_kept(tmp_path: Path) -> None:
    """A file that is there is not written over unasked."""
    (tmp_path / "a.h5").write_text("precious")
    with pytest.raises(UsageError, match="exists"):
        make(recipe(10), tmp_path / "a.h5", write_hdf5, False, quiet)
    assert (tmp_path / "a.h5").read_text() == "precious"


@pytest.mark.parametrize(
    ("change", "message"),
    [({"count": 0}, "less than one"), ({"conditions": ()}, "no condition"),
     ({"split": "test", "count": 31}, "30 scenes")],
)  # fmt: skip
def test_impossible_recipes(change: dict[str, object], message: str) -> None:
    """More scenes than there are, none, or no condition is refused before anything is drawn."""
    with pytest.raises(UsageError, match=message):
        recipe(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "form"), [("a.parquet", ""), ("folder", "huggingface")])
def test_forms_agree(name: str, form: str, tmp_path: Path) -> None:
    """Parquet and `datasets` hold the images, classes, units and scales that the HDF5 holds."""
    make(recipe(130), tmp_path / "a.h5", write_hdf5, False, quiet)
    path = tmp_path / name
    make(recipe(130), path, export_of(path, form), False, quiet)
    one, two = open_source(tmp_path / "a.h5"), open_source(path)
    assert [(i.scene, i.condition, i.label) for i in one.items] == [
        (i.scene, i.condition, i.label) for i in two.items
    ]
    assert two.facts["recipe"] == recipe(130).key
    for index in (0, 77, 129, 130, 259):
        first, second = one.read(index), two.read(index)
        assert np.array_equal(first.pixels, second.pixels)
        assert first.pixel_scale == second.pixel_scale
        assert first.unit == second.unit


def test_parquet_is_plain(tmp_path: Path) -> None:
    """Others read the Parquet without lensbench: a column a target, a flat image a condition."""
    import polars as pl

    path = tmp_path / "a.parquet"
    make(recipe(10), path, export_of(path, ""), False, quiet)
    frame = pl.read_parquet(path)
    assert {"scene", "side", "flux", "parameter:row", "image:des-r"} <= set(frame.columns)
    assert frame["flux"].to_list() == [1000.0 + i for i in range(10)]


def test_unknown_form(tmp_path: Path) -> None:
    """A path that does not say its form is refused with those that there are."""
    with pytest.raises(UsageError, match="in which form") as caught:
        export_of(tmp_path / "a.zip", "")
    assert "huggingface" in caught.value.hint


@pytest.mark.parametrize("value", [float("nan"), 0.0])
def test_bad_scene_is_named(value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene that is constant or unknown stops the make with its name."""
    draw: Callable[..., Scenes] = Spots.scenes

    def spoilt(self: Spots, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        scenes = draw(self, split, indices, seed)
        scenes.sky[0] = value
        return scenes

    monkeypatch.setattr(Spots, "scenes", spoilt)
    with pytest.raises(DataError, match="3-train-0"):
        make(recipe(10), tmp_path / "a.h5", write_hdf5, False, quiet)
