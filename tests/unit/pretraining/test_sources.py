"""Chunks of images that were made before."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits

from lensbench.errors import DataError, UsageError
from lensbench.pretraining.recipe import Recipe
from lensbench.pretraining.sources import (
    ChunksOfImages,
    DrawnChunks,
    StoredChunks,
    shared_conditions,
)
from lensbench.pretraining.stream import Buffer, Windows
from lensbench.store.arrays import writing_arrays

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Two files of a population each, of twelve scenes; the second has a condition more."""
    from tests.calls import called

    folder = tmp_path_factory.mktemp("shards")
    for name, population, conditions in (
        ("one", "pedagogical", "rubin-r,des-i"),
        ("two", "survey", "hsc-i,des-i,rubin-r"),
    ):
        made = called(
            "data", "make", "--dataset", f"lenses:population={population}", "--n", 12, "--quiet",
            "--split", "pretraining", "--conditions", conditions, "--out", folder / f"{name}.h5",
        )  # fmt: skip
        assert made.code == 0, made.err
    return [folder / f"{name}.h5" for name in NAMES]


def recipe(shards, **changed) -> Recipe:
    """Chunks of five scenes of these files."""
    made = Recipe(
        encoder="mae-vit", pretraining="mae", dataset="lenses", populations=(),
        conditions=("rubin-r", "des-i"), steps=1, batch_size=5, learning_rate=0.0, uses=1.0,
        window=2, chunk=5, seed=0, device="cpu", threads=1, processes=1, precision="fp32",
        shards=tuple(map(str, shards)), shards_digest="",
    )  # fmt: skip
    return replace(made, **changed)


def test_a_chunk_of_each_file_is_taken_in_turn(shards, catalogue):
    """A short training sees all of them; each goes on where it was, and round again."""
    source = StoredChunks(recipe(shards), catalogue)
    alone = [StoredChunks(recipe([path]), catalogue) for path in shards]
    for number in range(8):
        own = alone[number % 2].chunk(number // 2)
        chunk = source.chunk(number)
        assert set(chunk) == {"scene", "image:rubin-r", "image:des-i"}
        for name, values in chunk.items():
            assert (values == own[name]).all(), (number, name)
    scenes = [alone[0].chunk(number)["scene"] for number in range(3)]
    assert scenes[2].tolist()[2:] == scenes[0].tolist()[:3]  # twelve scenes, and the first again
    assert not (alone[0].chunk(0)["image:rubin-r"] == alone[1].chunk(0)["image:rubin-r"]).all()


def test_a_population_lacks_the_classes_of_another(catalogue):
    """Each has its own, and those of the other are undefined; numbers of both are of both."""
    drawn = recipe([], populations=("pedagogical", "look-alikes"), conditions=("des-i",))
    source = DrawnChunks(drawn, catalogue)
    lenses, mixed = source.chunk(0), source.chunk(1)
    assert lenses["target:substructure"].tolist() == [0, 1, 2, 0, 1]
    assert (lenses["target:lens"] == -1).all()
    assert (mixed["target:substructure"] == -1).all()
    assert set(mixed["target:lens"].tolist()) == {0, 1}
    assert np.isfinite(lenses["target:theta_E"]).all()
    assert (np.isfinite(mixed["target:theta_E"]) == (mixed["target:lens"] == 1)).all()
    assert np.isnan(mixed["target:vortex_half_length"]).all()
    assert lenses["target:lens"].dtype == mixed["target:lens"].dtype == np.int64


def test_conditions_are_those_that_all_files_have(shards):
    """In the order of the first; none is an error."""
    assert shared_conditions(shards) == ("rubin-r", "des-i")
    assert shared_conditions(shards[1:]) == ("hsc-i", "des-i", "rubin-r")


def test_a_file_with_less_than_a_chunk_is_named(shards, catalogue):
    """Before anything is trained."""
    with pytest.raises(DataError) as caught:
        StoredChunks(recipe(shards, chunk=13), catalogue)
    assert caught.value.message == f"{str(shards[0])!r} holds 12 scenes, expected at least 13"
    assert caught.value.hint == "make more, or lower --chunk"


def test_pretraining_on_shards_sees_all_that_they_share(shards, lensbench, tmp_path):
    """Where no condition is named; those that are named are what is seen."""
    words = (
        "pretrain", "--encoder", "mae-vit:width=16,depth=1,heads=2", "--steps", 2, "--chunk", 4,
        "--batch-size", 4, "--window", 2, "--probes", 0, "--drawers", 0, "--quiet",
    )  # fmt: skip
    files = [word for path in shards for word in ("--shards", path)]
    for name, more, seen in (
        ("all", (), ["rubin-r", "des-i"]), ("one", ("--conditions", "des-i"), ["des-i"]),
    ):  # fmt: skip
        done = lensbench(*words, *files, *more, "--out", tmp_path / name)
        assert done.code == 0, done.err
        assert json.loads((tmp_path / name / "recipe.json").read_text())["conditions"] == seen
        assert "under the conditions" in (tmp_path / name / "README.md").read_text()
    drawn = lensbench(*words, "--out", tmp_path / "drawn")
    assert drawn.code == 0, drawn.err
    kept = json.loads((tmp_path / "drawn" / "recipe.json").read_text())
    assert (kept["conditions"], kept["shards"]) == (["euclid-vis"], [])
    refused = lensbench(*words, *files, "--conditions", "hsc-i", "--out", tmp_path / "no")
    assert refused.code != 0 and "lacks the condition 'hsc-i'" in refused.err


@pytest.fixture
def mixed(tmp_path):
    """Unlabelled images of three sizes, of one or three bands, with pixels of two sides."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for i in range(20):
        side, bands, scale = (32, 40, 48)[i % 3], (1, 3)[i % 2], (0.05, 0.1)[i % 2]
        image = np.random.default_rng(i).normal(size=(bands, side, side)).astype(np.float32)
        fits.writeto(folder / f"{i}.fits", image, fits.Header({"PIXSCALE": scale}))
    return f"stored:path={folder},sizes=crop,bands=sum"


def test_own_images_of_mixed_sizes_and_bands_are_taken_in_turn(mixed, catalogue, tmp_path):
    """One band, one size, each with the side of its own pixels; all of them, and round again."""
    asked = recipe((), dataset=mixed, conditions=("as-stored",), chunk=10)
    source = ChunksOfImages(asked, catalogue)
    chunks = [source.chunk(number) for number in range(3)]
    count = catalogue.build("dataset", mixed).size("pretraining")
    names = np.concatenate([chunk["scene"] for chunk in chunks]).tolist()
    assert len(set(names[:count])) == count == 18
    assert names[count:] == names[: 30 - count]
    for chunk in chunks:
        assert chunk["image:as-stored"].shape == (10, 1, 32, 32)
        number = [int(name.split(b".")[0]) for name in chunk["scene"]]
        assert chunk["pixel-scale"].tolist() == [(0.05, 0.1)[i % 2] for i in number]

    def fetch(number):
        path = tmp_path / f"{number}.h5"
        with writing_arrays(path, {}, 10) as writer:
            writer.append(chunks[number])
        return path

    batch = Buffer(Windows.of(asked), source.known, fetch).batch(0, False, torch.Generator())
    number = [int(name.split(".")[0]) for name in batch.ids]
    assert batch.pixel_scale.tolist() == [(0.05, 0.1)[i % 2] for i in number]
    with pytest.raises(UsageError, match="not under 'euclid-vis'"):
        ChunksOfImages(replace(asked, conditions=("euclid-vis",)), catalogue)


def test_pretraining_on_own_images(mixed, lensbench, tmp_path):
    """From files of mixed sizes and bands to a model whose card says what it has seen."""
    done = lensbench(
        "pretrain", "--encoder", "mae-vit:width=16,depth=1,heads=2", "--dataset", mixed, "--steps",
        2, "--chunk", 8, "--batch-size", 8, "--drawers", 0, "--quiet", "--out", tmp_path / "model",
    )  # fmt: skip
    assert done.code == 0, done.err
    kept = json.loads((tmp_path / "model" / "recipe.json").read_text())
    assert kept["conditions"] == ["as-stored"] and kept["populations"] == []
    card = (tmp_path / "model" / "README.md").read_text()
    assert "Images of `stored:" in card and kept["shards_digest"] in card
