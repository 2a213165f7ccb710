"""The nearest by features."""

from __future__ import annotations

import numpy as np
import pytest

from lensbench.errors import UsageError
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
    assert [its.id for its in found] == expected
    assert found[0].distance == pytest.approx(np.sort(distances)[1], abs=1e-5)


def test_an_unknown_image_is_refused(features, tmp_path):
    """The line names it."""
    with pytest.raises(UsageError, match="'nobody'"):
        neighbours(tmp_path, "nobody", 3)
