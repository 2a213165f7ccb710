"""What the page carries of standings and differences, against the tables and `compare`."""

from __future__ import annotations

import polars as pl
import pytest
from boards import read_board, rows, write_board
from tests.board_records import study_records

from lensbench.leaderboard.comparisons import compare_entrants
from lensbench.leaderboard.page import Evidence, values_of
from lensbench.leaderboard.source import open_source
from lensbench.leaderboard.table import study_tables
from lensbench.store.scores import read_scores


def carried(values: dict) -> list[dict[str, dict[str, str]]]:
    """Texts of each ranking by entrant and column, those of the primary metric."""
    labels = [column["label"] for column in values["columns"]]
    names = values["texts"]["entrant"]
    return [
        {
            names["words"][names["codes"][one["first"]]]: dict(
                zip([labels[number] for number in ranking["columns"]], one["texts"], strict=True)
            )
            for one in ranking["standings"]
        }
        for ranking in values["rankings"]
    ]


def test_the_page_and_the_tables_say_the_same():
    """Order, worst condition, gap, scenes and seconds of every entrant of every table."""
    records = study_records(seeds=2)
    values = values_of(Evidence("x", records, pl.DataFrame()))
    tables = study_tables(records)
    assert len(values["rankings"]) == len(tables) == 4
    columns = ["worst", "gap", "n", "seconds"]
    for table in tables:
        place = [table.header.index(name) for name in columns]
        wanted = {row[0]: dict(zip(columns, [row[i] for i in place], strict=True))
                  for row in table.rows}  # fmt: skip
        found = [one for one in carried(values)
                 if {k: {c: v[c] for c in columns} for k, v in one.items()} == wanted]  # fmt: skip
        assert len(found) == 1
        assert list(found[0]) == list(wanted)


@pytest.mark.parametrize("with_scores", [True, False])
def test_differences_are_those_of_compare(tmp_path, with_scores):
    """Value and interval; without scores by scene they are marked as of intervals alone."""
    parts = (rows("one", 30.0), rows("two", 30.5))
    folder = write_board(tmp_path / "b", *parts, scores=with_scores)
    source = open_source(str(folder), lambda: None)
    scores = read_scores([folder / "scores.parquet"]) if with_scores else pl.DataFrame()
    (found,) = values_of(Evidence("x", read_board(folder), scores))["differences"]
    (change,) = compare_entrants(source, "one", "two")
    (a, b, value, low, high, paired), = found["pairs"]  # fmt: skip
    assert (a, b, found["order"], paired) == (0, 1, [0, 1], int(with_scores))
    difference = change.difference
    assert (value, low, high) == pytest.approx(
        (difference.value, difference.low, difference.high), rel=1e-7
    )
    assert found["detectable"] == pytest.approx(change.detectable, rel=1e-7)
