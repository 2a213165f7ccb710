"""Shards, read and written."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from lensbench.data.picture import Selection
from lensbench.errors import DataError, UsageError
from lensbench.inference.answering import ShardWork
from lensbench.inference.dividing import answer_all
from lensbench.inference.framing import Framing
from lensbench.inference.reading import ahead, blocks_of
from lensbench.inference.shards import beside_shards, content_digest, name_of, shards_of
from lensbench.inference.writing import made_of, writing_shard


class Means:
    """Answers with the mean of an image; counts its calls."""

    digest = "means"
    condition = "euclid-vis"
    framing = Framing()
    calls = 0

    def __call__(self, block):
        Means.calls += 1
        return {"features": block.images.mean((1, 2, 3))[:, None].repeat(2, 1)}


@pytest.fixture
def folder(tmp_path):
    """A folder of two stacks of images, one of them with a constant image."""
    random = np.random.default_rng(0)
    folder = tmp_path / "images"
    (folder / "below").mkdir(parents=True)
    first = random.normal(size=(7, 16, 16)).astype("f4")
    first[2] = 1
    np.save(folder / "a.npy", first)
    np.save(folder / "below" / "a.npy", random.normal(size=(5, 16, 16)).astype("f4"))
    return folder


def run(folder, out, **named):
    work = ShardWork(
        folder, out, Selection(), named.pop("batch_size", 3), named.pop("strict", False)
    )
    return answer_all(work, Means, 0, 1, lambda *_: None)


def test_a_shard_gives_a_row_an_image_in_order(folder, tmp_path):
    """Ids, answers and reasons for none stand in the order of the images."""
    done = run(folder, tmp_path / "out")
    assert [one.images for one in done] == [7, 5] and [one.flawed for one in done] == [1, 0]
    table = pq.read_table(tmp_path / "out" / "a.npy.parquet").to_pydict()
    assert table["id"] == [f"a.npy#{i}" for i in range(7)]
    assert table["features"][2] is None and table["error"][2] == "it is constant"
    assert all(error is None for error in table["error"][:2])
    assert (tmp_path / "out" / "below" / "a.npy.parquet").exists()


def test_a_finished_shard_is_left_until_its_images_change(folder, tmp_path):
    """Outputs are made anew only where what they are made of is not the same."""
    run(folder, tmp_path / "out")
    before = Means.calls
    assert all(one.skipped for one in run(folder, tmp_path / "out"))
    assert Means.calls == before
    np.save(folder / "a.npy", np.random.default_rng(3).normal(size=(6, 16, 16)).astype("f4"))
    assert [one.skipped for one in run(folder, tmp_path / "out")] == [False, True]


def test_a_strict_work_names_the_flawed_image(folder, tmp_path):
    """File, index and reason stand in one line, and no output is left; other shards are done."""
    with pytest.raises(DataError, match=r"image 2 \(a.npy#2\).*a.npy.*constant"):
        run(folder, tmp_path / "out", strict=True)
    assert [p.name for p in (tmp_path / "out").rglob("*") if p.is_file()] == ["a.npy.parquet"]
    assert (tmp_path / "out" / "below" / "a.npy.parquet").exists()


def test_outputs_among_images_are_refused(folder):
    """Features would be read as images the next time."""
    with pytest.raises(UsageError, match="among the images"):
        run(folder, folder / "out")


def test_an_output_that_fails_leaves_nothing(tmp_path):
    """A shard's output is whole or not there."""
    with pytest.raises(RuntimeError), writing_shard(tmp_path / "o.parquet", {}) as writer:
        writer.append(["a"], [""], {"features": np.ones((1, 2), "f4")})
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    assert made_of(tmp_path / "o.parquet") is None


def test_blocks_read_ahead_are_the_same_and_errors_come_through(folder):
    """A thread changes neither order nor errors, and ends where the reader stops early."""
    plain = list(blocks_of(folder / "a.npy", "", 3))
    threaded = list(ahead(blocks_of(folder / "a.npy", "", 3)))
    assert [b.ids for b in plain] == [b.ids for b in threaded]
    assert all(np.array_equal(a.images, b.images) for a, b in zip(plain, threaded, strict=True))
    early = ahead(blocks_of(folder / "a.npy", "", 1))
    next(early)
    early.close()
    (folder / "bad.npy").write_bytes(b"\x93NUMPY broken")
    with pytest.raises(DataError, match=r"bad\.npy"):
        list(ahead(blocks_of(folder / "bad.npy", "", 3)))


def test_names_and_digests_follow_places_and_contents(folder):
    """Shards are found below folders; a digest changes with content alone."""
    shards = shards_of(folder)
    assert [name_of(shard, folder) for shard in shards] == ["a.npy.parquet", "below/a.npy.parquet"]
    before = content_digest(shards[0])
    shards[0].touch()
    assert content_digest(shards[0]) == before
    with shards[0].open("ab") as file:
        file.write(b"\0")
    assert content_digest(shards[0]) != before
    with pytest.raises(DataError, match="there is no"):
        shards_of(folder / "nowhere")


def test_what_is_not_shown_is_said(tmp_path):
    """Margins, further bands, extensions and files that are no shard, each with the reason."""
    random = np.random.default_rng(0)
    (tmp_path / "stack").mkdir()
    np.save(tmp_path / "stack" / "images.npy", random.normal(size=(5, 45, 40)))
    np.save(tmp_path / "stack" / "labels.npy", np.arange(5) % 2)
    fits.writeto(tmp_path / "stack" / "alone.fits", random.normal(size=(32, 32)))
    (tmp_path / "single").mkdir()
    for name in ("a_g.fits", "a_r.fits"):
        pixels, weights = random.normal(size=(2, 32, 32))
        parts = [fits.PrimaryHDU(pixels), fits.ImageHDU(weights, name="WHT")]
        fits.HDUList(parts).writeto(tmp_path / "single" / name)
    pl.DataFrame({"file": ["a_g.fits", "a_r.fits"]}).write_parquet(tmp_path / "single/t.parquet")
    (done,) = run(tmp_path / "stack", tmp_path / "out")
    assert done.left_out == (
        "margins: images are cut about their centre from 45 × 40 to 40 × 40 pixels",
    )
    assert beside_shards(tmp_path / "stack", shards_of(tmp_path / "stack")) == (
        "1 files of one image beside files of many: alone.fits",
    )
    assert shards_of(tmp_path / "single") == [tmp_path / "single"]
    (block,) = blocks_of(tmp_path / "single", "", 3, framing=Framing(bands=("g",)))
    assert block.ids == ["a"]
    assert block.left_out == (
        "WHT [1]: weights, which are no noise map without their meaning (in 2 files)",
        "r: not read beside g",
    )
    np.save(tmp_path / "cube.npy", random.normal(size=(2, 3, 32, 32)))
    (block,) = blocks_of(tmp_path / "cube.npy", "", 3, framing=Framing(channel=1))
    assert block.left_out == ("2 of 3 channels: channel=1",)
