"""Arrays, predictions and records read back as they were written."""

import os

import h5py
import numpy as np
import polars as pl
import pytest

from lensbench.errors import DataError
from lensbench.store.arrays import map_arrays, read_attributes, write_arrays, writing_arrays
from lensbench.store.predictions import predictions_suffix, read_predictions, write_predictions
from lensbench.store.records import COLUMNS, records_frame


def test_appended_rows_follow_one_another(tmp_path):
    """Rows written in pieces are the rows written at once."""
    whole = {"a": np.arange(70.0).reshape(35, 2), "b": np.arange(35)}
    with writing_arrays(tmp_path / "x.h5", {"unit": "σ"}, rows=35) as writer:
        for start in range(0, 35, 8):
            writer.append({name: values[start : start + 8] for name, values in whole.items()})
    read = map_arrays(tmp_path / "x.h5")
    assert all(np.array_equal(read[name], whole[name]) for name in whole)
    assert read_attributes(tmp_path / "x.h5") == {"unit": "σ"}


def test_rows_that_are_promised_must_come(tmp_path):
    """A file with unwritten rows is an error, not zeros."""
    with (
        pytest.raises(DataError, match="3 of 5"),
        writing_arrays(tmp_path / "x.h5", {}, rows=5) as writer,
    ):
        writer.append({"a": np.arange(3)})


def test_arrays_are_mapped_and_stay_as_they_are(tmp_path):
    """A change in memory does not reach the file."""
    path = tmp_path / "x.h5"
    write_arrays(path, {"a": np.arange(4.0)})
    mapped = map_arrays(path)["a"]
    assert isinstance(mapped, np.memmap)
    mapped[0] = 9.0
    assert map_arrays(path)["a"].tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("differs", ["size", "time", "inode"])
def test_a_file_that_became_another_is_looked_at_anew(tmp_path, differs):
    """Though its path is the same, and of size, time and place on the disk only one is not."""
    path, other = tmp_path / "x.h5", tmp_path / "y.h5"
    write_arrays(path, {"a": np.arange(4.0)})
    assert list(map_arrays(path)) == ["a"]
    before = path.stat()
    count = 4000 if differs == "size" else 4
    write_arrays(other, {"b": np.arange(float(count))})
    if differs == "inode":
        other.replace(path)
    else:
        path.write_bytes(other.read_bytes())
    later = 1_000_000_000 if differs == "time" else 0
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + later))
    after = path.stat()
    changed = {
        "size": before.st_size != after.st_size,
        "time": before.st_mtime_ns != after.st_mtime_ns,
        "inode": before.st_ino != after.st_ino,
    }
    assert [name for name, differing in changed.items() if differing] == [differs]
    read = map_arrays(path)
    assert list(read) == ["b"]
    assert np.array_equal(read["b"], np.arange(float(count)))


def test_arrays_in_pieces_are_read_all_the_same(tmp_path):
    """What others compressed cannot be mapped; each array has its own values."""
    values = {"a": np.arange(50.0), "b": np.arange(50)[::-1]}
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name, array in values.items():
            file.create_dataset(name, data=array, chunks=(7,), compression="gzip")
    read = map_arrays(tmp_path / "x.h5")
    assert all(np.array_equal(read[name], array) for name, array in values.items())


def test_no_arrays_are_an_empty_file(tmp_path):
    """Without an array there is no number of rows to agree on."""
    write_arrays(tmp_path / "x.h5", {})
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file) == []


def test_what_is_no_file_of_arrays_is_told(tmp_path):
    """The error names the file."""
    (tmp_path / "x.h5").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"x\.h5"):
        map_arrays(tmp_path / "x.h5")
    with pytest.raises(DataError, match=r"x\.h5' cannot be read as HDF5"):
        read_attributes(tmp_path / "x.h5")


@pytest.mark.parametrize(
    "predictions",
    [
        {"probability": np.random.default_rng(0).random((5, 3), dtype=np.float32)},
        {"theta_E": np.arange(5, dtype=np.float32), "class": np.arange(5)},
        {"sky": np.random.default_rng(0).random((5, 1, 4, 4), dtype=np.float32)},
    ],
    ids=["vector", "scalar", "image"],
)
def test_predictions_read_back(tmp_path, predictions):
    """Ids and values are the same to the last bit."""
    path = tmp_path / f"p{predictions_suffix(predictions)}"
    ids = [f"scene-{i}" for i in range(5)]
    write_predictions(path, ids, predictions)
    read_ids, read = read_predictions(path)
    assert read_ids == ids
    assert all(np.array_equal(read[name], values) for name, values in predictions.items())


def test_records_have_all_columns_and_no_other():
    """What a row leaves out is null; what records do not have is an error."""
    frame = records_frame([{"entrant": "x", "value": 1.0}])
    assert frame.columns == list(COLUMNS)
    assert frame["low"].to_list() == [None]
    with pytest.raises(KeyError, match="valeu"):
        records_frame([{"valeu": 1.0}])


def test_records_columns_are_documented(request):
    """Every column stands in the reference page."""
    page = (request.config.rootpath / "docs" / "reference" / "records.md").read_text()
    assert [name for name in COLUMNS if f"`{name}`" not in page] == []
    assert isinstance(records_frame([]), pl.DataFrame)
