"""Arrays, predictions and records read back as they were written."""

import numpy as np
import polars as pl
import pytest

from lensbench.errors import DataError
from lensbench.store.arrays import map_arrays, write_arrays, writing_arrays
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


def test_what_is_no_file_of_arrays_is_told(tmp_path):
    """The error names the file."""
    (tmp_path / "x.h5").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"x\.h5"):
        map_arrays(tmp_path / "x.h5")


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
