"""What the page carries, against the records."""

from __future__ import annotations

import polars as pl
import pytest
from tests.board_records import study_records

from lensbench.leaderboard.board.documents import Credit
from lensbench.leaderboard.page import Evidence, values_of
from lensbench.leaderboard.page.payload import clip, combine, short


def rows_of(values: dict) -> list[dict]:
    texts = {
        name: [column["words"][code] for code in column["codes"]]
        for name, column in values["texts"].items()
    }
    columns = texts | values["numbers"]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_every_record_is_there_once():
    """With one seed each record is one row, and its value the record's."""
    records = study_records()
    rows = rows_of(values_of(Evidence("x", records, pl.DataFrame())))
    by = ("entrant", "task", "test_condition", "labels")
    mine = {tuple(row[name] for name in by): row["value"] for row in rows}
    expected = {
        tuple(row[name] for name in by): row["value"] for row in records.iter_rows(named=True)
    }
    assert mine.keys() == expected.keys()
    scored = {key: value for key, value in expected.items() if value is not None}
    assert scored and {key: mine[key] for key in scored} == pytest.approx(scored, rel=1e-7)
    assert all(mine[key] is None for key in expected.keys() - scored.keys())


def test_seeds_are_one_row_with_their_mean():
    """Several seeds give one row: their mean, their number, and each of their values."""
    records = study_records(entrants=1, tasks=1, conditions=1, labels=(None,), seeds=3)
    values = values_of(Evidence("x", records, pl.DataFrame()))
    (row,) = rows_of(values)
    assert row["value"] == pytest.approx(records["value"].mean(), rel=1e-7)
    assert row["fits"] == 3
    assert sorted(values["seeds"][0]) == pytest.approx(sorted(records["value"]), rel=1e-7)


def test_encoders_of_the_records_have_their_short_names():
    """Of the others nothing is said."""
    evidence = Evidence(
        "x", study_records(), pl.DataFrame(), short={"mae-vit": "tiny", "unknown": "u"}
    )
    assert values_of(evidence)["short"] == {"mae-vit": "tiny"}


def test_a_table_says_how_many_labels_all_are_where_one_number_is_known():
    """Not where its cells differ, or where nothing is known of one."""
    records = study_records()
    full = records.filter(pl.col("labels").is_null())
    cells = dict(full.select("cell", "task").unique().rows())
    known = {cell: 500 for cell, task in cells.items() if task == "morphology"}
    evidence = Evidence("x", records, pl.DataFrame(), all_labels=known)
    assert values_of(evidence)["all_labels"] == [500, None]
    known |= {next(iter(known)): 400}
    evidence = Evidence("x", records, pl.DataFrame(), all_labels=known)
    assert values_of(evidence)["all_labels"] == [None, None]


def test_states_are_counted_by_cell():
    """A failed and an incompatible cell are counted as such, whatever their conditions."""
    records = study_records(labels=(None,))
    counts = values_of(Evidence("x", records, pl.DataFrame()))["counts"]
    assert counts["cells_failed"] == 1 and counts["cells_incompatible"] == 2
    assert counts["cells"] == 12 and counts["cells_done"] == 9
    first = (pl.int_range(pl.len()) == 0) & (pl.col("state") == "done")
    undefined = pl.when(first).then(pl.lit("undefined")).otherwise("state").alias("state")
    records = records.sort(pl.col("state") != "done").with_columns(undefined)
    assert "undefined" in set(records["state"])
    again = values_of(Evidence("x", records, pl.DataFrame()))["counts"]
    assert again["cells_done"] == 9


def test_long_texts_are_cut_and_stay_apart():
    """What differs anywhere differs after it was cut."""
    a, b = clip("x" * 1000 + "a"), clip("x" * 1000 + "b")
    assert a != b and len(a) < 260
    assert clip("short") == "short" and clip(None) == ""


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None])
def test_what_is_not_finite_is_nothing(value):
    """A number that JSON lacks becomes null and never a number."""
    assert short(value) is None


def test_citations_are_carried():
    """Plugins stand in the page with whom to cite."""
    credit = Credit("encoder", "mae-vit", "lensbench", "1", "MIT", "He et al. 2021", "s")
    values = values_of(Evidence("x", study_records(), pl.DataFrame()), [credit])
    assert values["plugins"][0]["citation"] == "He et al. 2021"


def test_rows_stand_in_one_order():
    """The same records in another order are the same page."""
    records = study_records(seeds=2)
    shuffled = records.sample(fraction=1.0, shuffle=True, seed=1)
    columns = ["entrant", "task", "test_condition", "labels", "value"]
    assert combine(records)[columns].equals(combine(shuffled)[columns])
