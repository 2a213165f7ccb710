"""`lensbench embed` and what stands on it, from the command line."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file
from tests.killing import killed_when

from lensbench import Samples, condition_of, encode


@pytest.fixture
def encoder(catalogue, tmp_path):
    """An encoder with weights of chance, and how it is named."""
    torch.manual_seed(3)
    made = catalogue.build("encoder", "mae-vit:width=16,depth=1,heads=2", channels=1).eval()
    file = tmp_path / "chance.safetensors"
    save_file(made.state_dict(), str(file))
    return made, f"mae-vit:width=16,depth=1,heads=2,weights={file}"


@pytest.fixture
def stacks(tmp_path):
    """Three stacks of images on noise."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        np.save(folder / f"{number}.npy", random.normal(3, 2, (40, 32, 32)).astype("f4"))
    return folder


def test_features_are_those_of_encode(lensbench, tmp_path, encoder):
    """What `data make` wrote, in either form, has the features that `lensbench.encode` gives."""
    made, name = encoder
    found = {}
    for form in ("h5", "parquet"):
        file = tmp_path / f"scenes.{form}"
        asked = ("--n", 9, "--conditions", "euclid-vis,hst-acs", "--out", file, "--quiet")
        assert lensbench("data", "make", *asked).code == 0
        out = tmp_path / form
        words = ("--encoder", name, "--condition", "euclid-vis", "--out", out, "--quiet")
        assert lensbench("embed", file, *words, "--batch-size", 4).code == 0
        found[form] = pl.read_parquet(next(out.iterdir()))
    from lensbench import open_images

    source = open_images(tmp_path / "scenes.h5")
    chosen = [i for i, item in enumerate(source.items) if item.condition == "euclid-vis"]
    images = torch.from_numpy(np.stack([source.read(i).pixels for i in chosen]))
    ids = tuple(source.items[i].scene for i in chosen)
    with torch.no_grad():
        samples = Samples(ids, images, {}, {}, condition_of("euclid-vis"), 1.0)
        expected = encode(made, samples).pooled.numpy()
    for frame in found.values():
        assert frame["id"].to_list() == list(ids)
        assert np.allclose(np.array(frame["features"].to_list()), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_killed_embedding_goes_on_by_shards(lensbench, tmp_path, encoder, stacks):
    """After SIGKILL every output is whole or absent; the next call makes those that lack."""
    words = ["embed", str(stacks), "--encoder", encoder[1], "--out", str(tmp_path / "out")]
    words += ["--quiet", "--batch-size", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from lensbench.cli import main; main()", *words]
    )
    out = tmp_path / "out"
    killed_when(process, (out / "0.npy.parquet").exists)
    whole = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert all(len(pl.read_parquet(out / name)) == 40 for name in whole)
    assert lensbench(*words).code == 0
    frames = [pl.read_parquet(path) for path in sorted(out.glob("*.parquet"))]
    assert [len(frame) for frame in frames] == [40, 40, 40]
    assert all((out / name).stat().st_mtime_ns == when for name, when in whole.items())


@pytest.mark.slow
def test_workers_give_what_one_process_gives(lensbench, tmp_path, encoder, stacks):
    """The same rows; a shard that cannot be read is named, and the others are done."""
    (stacks / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    words = ("--encoder", encoder[1], "--quiet")
    assert lensbench("embed", stacks / "2.npy", *words, "--out", tmp_path / "one").code == 0
    out = tmp_path / "several"
    done = lensbench("embed", stacks, *words, "--workers", 2, "--out", out)
    assert done.code == 2 and "broken.h5" in done.err.splitlines()[0]
    assert sorted(path.name for path in out.iterdir()) == [f"{n}.npy.parquet" for n in range(3)]
    one, other = (pl.read_parquet(folder / "2.npy.parquet") for folder in (tmp_path / "one", out))
    assert one.equals(other)


def test_neighbours_are_shown(lensbench, tmp_path, encoder, stacks):
    """A table of the nearest, the image itself left out."""
    words = ("--encoder", encoder[1], "--out", tmp_path / "out", "--quiet")
    assert lensbench("embed", stacks, *words).code == 0
    shown = lensbench("neighbours", tmp_path / "out", "--like", "1.npy#4", "--k", 3)
    assert shown.code == 0 and len(shown.out.strip().splitlines()) == 5
    assert "1.npy#4" not in shown.out


def test_neighbours_are_drawn_and_found_by_an_index(lensbench, tmp_path, encoder, stacks):
    """A picture with as many panels as images; the same table with an index as without."""
    from matplotlib.image import imread

    pytest.importorskip("faiss", reason="no faiss: pip install 'lensbench[index]'")
    words = ("--encoder", encoder[1], "--out", tmp_path / "out", "--quiet")
    assert lensbench("embed", stacks, *words).code == 0
    asked = ("neighbours", tmp_path / "out", "--like", "1.npy#4", "--k", 3)
    drawn = ("--images", stacks, "--picture", tmp_path / "like.png")
    shown = lensbench(*asked, "--index", tmp_path / "index", *drawn)
    assert shown.code == 0
    assert shown.out == f"{lensbench(*asked).out}{tmp_path / 'like.png'}\n"
    picture = imread(tmp_path / "like.png")
    drawn = (picture[len(picture) // 2] != picture[0, 0]).any(1)
    assert np.count_nonzero(np.diff(drawn.astype(int)) == 1) == 4
    assert lensbench(*asked, "--picture", tmp_path / "other.png").code == 2
    other = lensbench(*asked, "--images", tmp_path, "--picture", tmp_path / "other.png")
    assert other.code == 2 and "no shard of '1.npy.parquet'" in other.err


def test_features_and_neighbours_of_several_bands(lensbench, tmp_path, encoder):
    """`--bands` names the same images to both; what is not among them is said."""
    random = np.random.default_rng(0)
    (tmp_path / "bands").mkdir()
    for name in ("a", "b", "c"):
        for band in "gri":
            np.save(tmp_path / "bands" / f"{name}_{band}.npy", random.normal(size=(32, 32)))
    words = ("--encoder", encoder[1], "--bands", "r", "--out", tmp_path / "out", "--quiet")
    done = lensbench("embed", tmp_path / "bands", *words)
    assert done.code == 0 and "3 images in 1 Parquet file" in done.out
    assert done.err.splitlines() == ["left out: g, i: not read beside r"]
    asked = ("neighbours", tmp_path / "out", "--like", "a", "--images", tmp_path / "bands")
    refused = lensbench(*asked, "--picture", tmp_path / "like.png")
    assert refused.code == 2 and "name one with --bands" in refused.err
    assert lensbench(*asked, "--bands", "r", "--picture", tmp_path / "like.png").code == 0
    assert (tmp_path / "like.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("source", "words", "told"),
    [
        ("absent", [], "absent"),
        ("stacks", ["--encoder", "resnet18"], "no weights"),
        ("stacks", ["--condition", "nowhere"], "nowhere"),
        ("stacks", ["--out", "INSIDE"], "among the images"),
    ],
)
def test_a_mistake_is_one_line(lensbench, tmp_path, encoder, stacks, source, words, told):
    """The line names what is wrong."""
    words = [str(stacks / "out") if word == "INSIDE" else word for word in words]
    path = stacks if source == "stacks" else tmp_path / source
    asked = ("--encoder", encoder[1], "--out", tmp_path / "out", "--quiet", *words)
    result = lensbench("embed", path, *asked)
    assert result.code == 2
    assert told in result.err.splitlines()[0] and len(result.err.strip().splitlines()) <= 2
