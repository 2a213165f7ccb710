"""The nearest by features."""

from __future__ import annotations

import numpy as np
import pytest

from lensbench.errors import DataError, UsageError
from lensbench.inference import index as indexing
from lensbench.inference.neighbours import neighbours
from lensbench.inference.writing import writing_shard


@pytest.fixture
def features(tmp_path):
    """Random features of forty images in two files, as an array."""
    values = np.random.default_rng(0).normal(size=(40, 6)).astype("f4")
    for part in range(2):
        with writing_shard(tmp_path / f"{part}.parquet", {}) as writer:
            ids = [f"i{20 * part + row}" for row in range(20)]
            writer.append(ids, [""] * 20, {"features": values[20 * part : 20 * part + 20]})
    return values


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_nearest_of_all_files_are_found(features, tmp_path, metric):
    """They are those of a search through the whole array."""
    one, others = features[3], features
    if metric == "cosine":
        lengths = np.linalg.norm(others, axis=1) * np.linalg.norm(one)
        distances = 1 - others @ one / lengths
    else:
        distances = np.linalg.norm(others - one, axis=1)
    expected = [f"i{row}" for row in np.argsort(distances) if row != 3][:7]
    found = neighbours(tmp_path, "i3", 7, metric)
    assert [neighbour.id for neighbour in found] == expected
    assert found[0].distance == pytest.approx(np.sort(distances)[1], abs=1e-5)


@pytest.fixture
def many(tmp_path):
    """Features of 3,000 images in clumps, in three files of several row groups, some rows empty."""
    pytest.importorskip("faiss", reason="no faiss: pip install 'lensbench[index]'")
    random = np.random.default_rng(1)
    centres = random.normal(size=(30, 16))
    values = centres[random.integers(30, size=3000)] + 0.3 * random.normal(size=(3000, 16))
    folder = tmp_path / "features"
    for part in range(3):
        with writing_shard(folder / "below" / f"{part}.parquet", {}) as writer:
            for start in range(1000 * part, 1000 * part + 1000, 250):
                ids = [f"i{row}" for row in range(start, start + 250)]
                errors = ["it is constant" if row % 50 == 7 else "" for row in range(250)]
                columns = {"features": values[start : start + 250].astype("f4")}
                writer.append(ids, errors, columns)
    return folder


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("small", [100, 10_000], ids=["lists", "flat"])
def test_an_index_finds_what_a_search_of_all_finds(many, tmp_path, monkeypatch, metric, small):
    """Nearly all with lists, all without, and with the same distances, in ten searches."""
    monkeypatch.setattr(indexing, "_SMALL", small)
    file = tmp_path / "index"
    met = 0
    for row in range(0, 3000, 300):
        exact = neighbours(many, f"i{row}", 10, metric)
        found = neighbours(many, f"i{row}", 10, metric, file)
        distances = {one.id: one.distance for one in exact}
        met += sum(one.id in distances for one in found)
        assert len(found) == 10 and f"i{row}" not in [one.id for one in found]
        for one in found:
            assert one.distance == pytest.approx(distances.get(one.id, one.distance), abs=1e-6)
            assert one.shard == f"below/{int(one.id[1:]) // 1000}.parquet"
    assert met == 100 if small == 10_000 else 95 <= met <= 100


def test_an_index_is_made_once_and_again_for_other_features(many, tmp_path):
    """It is kept as long as files and metric are what it was made of."""
    file = tmp_path / "index"
    neighbours(many, "i3", 3, index=file)
    before = file.stat().st_mtime_ns
    neighbours(many, "i4", 3, index=file)
    assert file.stat().st_mtime_ns == before
    with writing_shard(many / "below" / "0.parquet", {}) as writer:
        near = np.random.default_rng(2).normal(size=(2, 16)).astype("f4")
        near[1] = near[0] + 1e-3
        writer.append(["new", "near"], ["", ""], {"features": near})
    assert [one.id for one in neighbours(many, "new", 1, index=file)] == ["near"]
    assert file.stat().st_mtime_ns != before


def test_what_is_no_index_is_left_alone(many, tmp_path):
    """Another file is refused; a damaged index is named."""
    file = tmp_path / "index"
    file.write_text("mine")
    with pytest.raises(UsageError, match="no index"):
        neighbours(many, "i3", 3, index=file)
    assert file.read_text() == "mine"
    file.unlink()
    neighbours(many, "i3", 3, index=file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="damaged"):
        neighbours(many, "i3", 3, index=file)


def test_features_of_two_lengths_are_refused(features, tmp_path):
    """The line names the file."""
    with writing_shard(tmp_path / "other.parquet", {}) as writer:
        writer.append(["o"], [""], {"features": np.ones((1, 3), "f4")})
    with pytest.raises(DataError, match=r"other\.parquet.*length 3, expected 6"):
        neighbours(tmp_path, "i3", 3)


def test_an_unknown_image_is_refused(features, tmp_path):
    """The line names it."""
    with pytest.raises(UsageError, match="'nobody'"):
        neighbours(tmp_path, "nobody", 3)
