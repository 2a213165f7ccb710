"""Answers on disk: by scene, in a form that follows from their shape."""

import numpy as np
import polars as pl
import pytest

from lensbench.store.predictions import predictions_suffix, read_predictions, write_predictions

IDS = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("shape", "suffix"),
    [((3,), ".parquet"), ((3, 2), ".parquet"), ((3, 1, 4), ".h5"), ((3, 1, 4, 4), ".h5")],
)
def test_images_go_into_hdf5_and_numbers_into_parquet(shape, suffix):
    """What has one or two axes is a column; one image among numbers is enough for HDF5."""
    assert predictions_suffix({"x": np.zeros(shape)}) == suffix
    assert predictions_suffix({"x": np.zeros(shape), "n": np.zeros(3)}) == suffix


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_answers_come_back_as_they_were(tmp_path, suffix):
    """Scenes in their order, and every array with its shape, as float32 where it is a matrix."""
    answers = {
        "probability": np.arange(6, dtype=np.float32).reshape(3, 2) / 7,
        "score": np.array([0.5, -1.0, 2.0], np.float32),
    }
    path = tmp_path / f"answers{suffix}"
    write_predictions(path, IDS, answers)
    scenes, found = read_predictions(path)
    assert scenes == IDS
    assert set(found) == set(answers)
    for name, values in answers.items():
        assert found[name].shape == values.shape
        assert found[name].dtype == np.float32
        assert (found[name] == values).all()
    if suffix == ".parquet":
        assert pl.read_parquet_schema(path)["probability"] == pl.Array(pl.Float32, 2)
