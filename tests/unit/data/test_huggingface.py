"""Folders for Hugging Face `datasets`: loaded, streamed, put together and published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from huggingface_hub import DatasetCard

from lensbench.data.exports import export_of
from lensbench.data.huggingface import write_huggingface
from lensbench.data.layouts import open_source
from lensbench.data.making import make
from lensbench.data.publishing import publish_dataset
from lensbench.data.recipes import recipe_of
from lensbench.errors import DataError, RunError, UsageError

LENSES = "lenses:population=pedagogical"


@pytest.fixture(autouse=True)
def _no_cache(tmp_path, monkeypatch):
    """`datasets` keeps what it reads in the folder of the test."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def cutouts(tmp_path):
    """A folder of images by class."""
    for label in ("no_sub", "cdm"):
        (tmp_path / "cutouts" / label).mkdir(parents=True)
        for number in range(12):
            image = np.random.default_rng([number, len(label)]).normal(size=(16, 16))
            image[6:10, 6:10] += 20
            np.save(tmp_path / "cutouts" / label / f"{number}.npy", image.astype("f4"))
    return tmp_path / "cutouts"


@pytest.fixture
def exported(catalogue, tmp_path):
    """Makes a folder of a dataset's split."""

    def call(name, conditions=(), count=6, split="train", seed=0):
        recipe = recipe_of(catalogue, name, conditions, count=count, split=split, seed=seed)
        path = tmp_path / f"{split}-{seed}-{len(conditions)}"
        make(recipe, path, export_of(path, "huggingface"), False, lambda *_: None)
        return recipe, path

    return call


def load(path, **named):
    """What `datasets` makes of a folder."""
    import datasets

    return datasets.load_dataset(str(path), **named)


def references(cutouts):
    """How every dataset of this package is asked for: conditions, scenes, split."""
    return {
        "lenses": ("lenses", ("hst-acs", "euclid-vis"), 6),
        "images": (f"images:path={cutouts / 'cdm'},pixel_scale=0.05", ("hst-acs",), 6, "test"),
        "stored": (f"stored:path={cutouts}", (), 6),
    }


def test_every_dataset_is_meant(catalogue, cutouts):
    """A dataset that is added is exported here too."""
    known = {item.entry.name for item in catalogue.of_kind("dataset")}
    assert {n for n in known if catalogue.find("dataset", n).package == "lensbench"} == set(
        references(cutouts)
    )


@pytest.mark.parametrize("name", ["lenses", "images", "stored"])
def test_every_dataset_loads_and_streams(name, exported, cutouts):
    """Loaded whole or streamed, rows hold the bytes that the HDF5 of the same recipe holds."""
    recipe, path = exported(*references(cutouts)[name])
    other = path.with_suffix(".h5")
    make(recipe, other, export_of(other, ""), False, lambda *_: None)
    wanted = open_source(other)
    loaded = load(path, split=recipe.split).with_format("numpy")
    streamed = list(load(path, split=recipe.split, streaming=True))
    assert len(loaded) == len(streamed) == recipe.count
    for place, item in enumerate(wanted.items):
        row, column = place % recipe.count, f"image:{item.condition}"
        pixels = wanted.read(place).pixels
        assert np.array_equal(loaded[row][column], pixels)
        assert np.array_equal(np.asarray(streamed[row][column], "f4"), pixels)
        assert streamed[row]["scene"] == item.scene
    for target, declared in recipe.dataset.targets.items():
        if declared.classes and target in loaded.features:
            assert tuple(loaded.features[target].names) == declared.classes


def test_the_card_is_what_the_hub_asks_for(exported):
    """The hub's own parser finds licence, size, tasks, features and splits; a person the rest."""
    recipe, path = exported("lenses", ("hst-acs",))
    card = DatasetCard.load(path / "README.md")
    assert card.data.license == "mit"
    assert card.data.size_categories == ["n<1K"]
    assert "image-classification" in card.data.task_categories
    head = card.data.to_dict()
    assert [s["name"] for s in head["dataset_info"]["splits"]] == ["train"]
    assert {f["name"] for f in head["dataset_info"]["features"]} >= {"theta_E", "image:hst-acs"}
    assert head["lensbench"]["train"]["recipe"] == recipe.key
    assert "arXiv:1909.07346" in card.text
    assert recipe.command in card.text
    assert "| `theta_E` | float32 | arcsec |" in card.text
    assert "`image:hst-acs` | 0.05 |" in card.text


def test_large_splits_are_several_files(catalogue, tmp_path, monkeypatch):
    """Files stay below a size, and are one split."""
    monkeypatch.setattr("lensbench.data.huggingface._SHARD", 200_000)
    recipe = recipe_of(catalogue, LENSES, ("des-r",), count=80, split="test", seed=1)
    make(recipe, tmp_path / "a", write_huggingface, False, lambda *_: None)
    files = sorted(file.name for file in (tmp_path / "a" / "data").iterdir())
    assert len(files) > 1
    assert files[0] == f"test-00000-of-{len(files):05d}.parquet"
    rows = load(tmp_path / "a", split="test")
    assert rows["scene"] == [item.scene for item in open_source(tmp_path / "a").items]
    assert len(rows) == 80


def test_a_file_that_is_missing_is_noticed(catalogue, tmp_path, monkeypatch):
    """The sizes of the card are compared with what is there."""
    monkeypatch.setattr("lensbench.data.huggingface._SHARD", 200_000)
    recipe = recipe_of(catalogue, LENSES, ("des-r",), count=80, split="test", seed=1)
    make(recipe, tmp_path / "a", write_huggingface, False, lambda *_: None)
    next((tmp_path / "a" / "data").iterdir()).unlink()
    with pytest.raises(DataError, match="cannot be loaded"):
        open_source(tmp_path / "a")


class Hub:
    """What is needed of `huggingface_hub.HfApi`: repositories of files, one commit at a time."""

    def __init__(self, folder: Path, broken: str = "") -> None:
        self.folder, self.broken = folder, broken

    def create_repo(self, *, repo_id, repo_type, exist_ok):
        assert repo_type == "dataset"
        (self.folder / repo_id).mkdir(parents=True, exist_ok=exist_ok)

    def upload_folder(self, *, folder_path, repo_id, repo_type, commit_message, delete_patterns):
        if self.broken:
            raise OSError(self.broken)
        assert (repo_type, bool(commit_message)) == ("dataset", True)
        for pattern in delete_patterns:
            for old in (self.folder / repo_id).glob(pattern):
                old.unlink()
        shutil.copytree(folder_path, self.folder / repo_id, dirs_exist_ok=True)


def test_splits_are_published_as_one_dataset(exported, tmp_path):
    """The repository loads and streams by split, and lensbench reads it with splits and scales."""
    folders = [exported(LENSES, ("des-r",), n, s)[1] for n, s in ((5, "train"), (3, "test"))]
    scenes = publish_dataset(folders, "hf://datasets/someone/lenses", client=Hub(tmp_path / "hub"))
    assert scenes == {"train": 5, "test": 3}
    published = tmp_path / "hub" / "someone" / "lenses"
    assert {split: len(rows) for split, rows in load(published).items()} == scenes
    assert len(list(load(published, split="test", streaming=True))) == 3
    source = open_source(published)
    assert [item.split for item in source.items] == ["train"] * 5 + ["test"] * 3
    assert source.read(0).pixel_scale == 0.263
    again = [exported(LENSES, ("des-r",), 4, "validation")[1]]
    publish_dataset(again, "hf://datasets/someone/lenses", client=Hub(tmp_path / "hub"))
    assert set(load(published)) == {"validation"}


def test_no_folder_of_a_machine_is_published(exported, cutouts, tmp_path):
    """Datasets that are made of files are published under the name of the file alone."""
    _, path = exported(f"stored:path={cutouts}", count=3)
    assert str(cutouts) in (path / "README.md").read_text()
    publish_dataset([path], str(tmp_path / "public"))
    assert str(tmp_path) not in (tmp_path / "public" / "README.md").read_text()


def test_what_does_not_go_together_is_refused(exported, tmp_path):
    """The same split twice, other seeds, other forms and other places; nothing is written."""
    _, train = exported(LENSES, ("des-r",), 2)
    _, other = exported(LENSES, ("des-r",), 2, "test", seed=1)
    for folders, message in (([train, train], "in two folders"), ([train, other], "has seed")):
        with pytest.raises(DataError, match=message):
            publish_dataset(folders, str(tmp_path / "goal"))
    with pytest.raises(DataError, match="is no dataset"):
        publish_dataset([tmp_path], str(tmp_path / "goal"))
    with pytest.raises(UsageError, match="not a place"):
        publish_dataset([train], "hf://models/a/b")
    with pytest.raises(RunError, match="403 Forbidden"):
        publish_dataset([train], "hf://datasets/a/b", client=Hub(tmp_path / "hub", "403 Forbidden"))
    assert not (tmp_path / "goal").exists()


def test_verb(lensbench, exported, tmp_path):
    """The verb says what it published, also to machines."""
    _, train = exported(LENSES, ("des-r",), 2)
    done = lensbench("data", "publish", train, "--to", tmp_path / "goal", "--json")
    assert json.loads(done.out)["scenes"] == {"train": 2}
    assert lensbench("data", "publish", train, "--to", tmp_path / "goal").code == 2


def test_observed_images_keep_their_condition(catalogue, cutouts):
    """Images that were observed already are not asked for under another condition."""
    with pytest.raises(UsageError, match="not under 'hst-acs'"):
        recipe_of(catalogue, f"stored:path={cutouts}", ("hst-acs",), count=2, split="train", seed=0)


def test_observed_images_keep_their_pixel_scale(exported, tmp_path):
    """What is written of a user's images has the pixel scale and PSF of their files."""
    psf = np.zeros((9, 9), "f4")
    psf[3:6, 3:6] = 1 / 9
    (tmp_path / "own").mkdir()
    for k in range(6):
        pixels = np.random.default_rng(k).normal(size=(16, 16)).astype("f4")
        units = [
            fits.PrimaryHDU(pixels, fits.Header({"PIXSCALE": 0.04})),
            fits.ImageHDU(psf, name="PSF"),
        ]
        fits.HDUList(units).writeto(tmp_path / "own" / f"{k}.fits")
    _, path = exported(f"stored:path={tmp_path / 'own'}", count=2, split="pretraining")
    picture = open_source(path).read(0)
    assert picture.pixel_scale == 0.04
    assert picture.psf_fwhm == pytest.approx(3 * 0.04, rel=0.2)


def test_a_script_in_a_dataset_is_never_run(tmp_path):
    """A folder whose Python would build the dataset is refused, and its Python left alone."""
    folder = tmp_path / "scripted"
    folder.mkdir()
    mark = tmp_path / "was run"
    (folder / "scripted.py").write_text(f"open({str(mark)!r}, 'w')\n")
    with pytest.raises(DataError, match="scripted") as caught:
        open_source(Path(f"hf:{folder}"))
    assert "\n" not in caught.value.message
    assert not mark.exists()
